/** Several locks at once: `run a,b,c`. */
import { describe, expect, test } from "bun:test";
import { isWhole, newLockName } from "../support/binary.ts";
import { killStranger } from "../support/process.ts";
import {
  atRest,
  bash,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { eventually } from "../support/eventually.ts";

function threeNames(): [string, string, string] {
  return [newLockName(), newLockName(), newLockName()];
}

async function expectAllAtRest(names: readonly string[]): Promise<void> {
  for (const name of names) expect([name, await stateOf(name)]).toMatchObject([name, atRest]);
}

describe("run a,b,c", () => {
  test("holds all of them while the command runs, and tells it all names and tokens", async () => {
    const names = threeNames();
    const script = `
        for name in ${names.join(" ")}; do "$RESOURCELOCK" state --check $name && exit 9; done
        echo $RESOURCELOCK_NAME; echo $RESOURCELOCK_TOKEN`;
    const { status, stdout } = await outcomeOf("run", names.join(","), "--", "sh", "-c", script);
    const [shown, tokens] = stdout.split("\n");
    expect([status, shown]).toEqual([0, names.join(",")]);
    expect(tokens).toMatch(/^\d+,\d+,\d+$/);
    await expectAllAtRest(names);
  });

  test("takes a name that is given twice once", async () => {
    const name = newLockName();
    expect((await outcomeOf("run", `${name},/${name},${name}`, "--", "true")).status).toBe(0);
    await expectAllAtRest([name]);
  });

  test("is told at once that one is held around it, though another holds the one before and waits for that", async () => {
    const [one, other] = [newLockName("-a"), newLockName("-b")];
    const { command } = await runningCommand(one);
    const inner = `"$RESOURCELOCK" run ${one},${other} -- true`;
    const outer = await outcomeOf("run", other, "--", "sh", "-c", inner);
    expect(outer.status).toBe(75);
    expect(outer.stderr).toContain(`lock "${other}": a run around this one holds it`);
    await killStranger(command);
    for (const name of [one, other]) {
      await eventually("rest", async () => (await stateOf(name)).value === 1);
    }
  });

  test("takes none with one name that cannot be used", async () => {
    const name = newLockName();
    const { status } = await outcomeOf("run", `${name},,`, "--", "true");
    expect(status).toBe(64);
    expect((await stateOf(name)).exists).toBe(false);
  });

  for (const held of [0, 1, 2]) {
    test(`releases those that it got when the ${["first", "second", "third"][held]} is not granted in time`, async () => {
      const names = threeNames();
      const holdsName = names[held] ?? "";
      await runningCommand(holdsName);
      const { status, stderr } = await outcomeOf("run", "-t", "0.2", names.join(","), "--", "true");
      expect(stderr).toContain(`lock "${holdsName}": gave up after `);
      expect(status).toBe(75);
      for (const name of names) {
        if (name !== holdsName && (await stateOf(name)).exists) await expectAllAtRest([name]);
      }
      expect((await stateOf(holdsName)).waiters).toEqual([]);
    });
  }

  test("releases those that it got when it is interrupted while it waits", async () => {
    const names = threeNames();
    await runningCommand(names[2]);
    const waiter = resourcelock(["run", names.join(","), "--", "true"]);
    await waiting(names[2], 1);
    waiter.signal("SIGTERM");
    expect(await waiter.exited()).toBe(143);
    await expectAllAtRest(names.slice(0, 2));
  });

  test("is killed while it waits: those that it got are adopted", async () => {
    const names = threeNames();
    const { command } = await runningCommand(names[2]);
    const waiter = resourcelock(["run", names.join(","), "--", "true"]);
    await waiting(names[2], 1);
    await waiter.kill();
    await killStranger(command);
    const { status, stderr } = await outcomeOf("run", "-t", "30", names.join(","), "--", "true");
    expect(status).toBe(0);
    expect(stderr.match(/took over lock/g)).toHaveLength(2);
    await expectAllAtRest(names);
  });

  test("is killed while its command runs: the command keeps all of them", async () => {
    const names = threeNames();
    const { holder, command } = await runningCommand(names.join(","));
    await holder.kill();
    for (const name of names) {
      expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
    }
    await killStranger(command);
    for (const name of names) {
      expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(0);
    }
  });

  test("two that name them in opposite order never wait for each other, in many rounds", async () => {
    const names = threeNames();
    const backwards = names.toReversed();
    const rounds = `for i in $(seq ${isWhole ? 200 : 25}); do resourcelock run $NAMES -- true || exit; done`;
    const both = [names, backwards].map((list) => bash(rounds, { NAMES: list.join(",") }));
    expect(await Promise.all(both.map(async (child) => (await child.end()).status))).toEqual([
      0, 0,
    ]);
    await expectAllAtRest(names);
  });

  test("is refused whole inside a run that holds one of them", async () => {
    const names = threeNames();
    const script = `"$RESOURCELOCK" run ${names.join(",")} -- true`;
    expect((await outcomeOf("run", names[1], "--", "sh", "-c", script)).status).toBe(75);
    for (const name of names) if ((await stateOf(name)).exists) await expectAllAtRest([name]);
  });

  test("with --slots tells the number of each slot", async () => {
    const [one, other] = threeNames();
    await runningCommand(one, "--slots", "2");
    const script = "echo $RESOURCELOCK_SLOT";
    const words = ["run", "--slots", "2", `${one},${other}`, "--", "sh", "-c", script];
    expect((await outcomeOf(...words)).stdout).toBe("1,0\n");
  });
});
