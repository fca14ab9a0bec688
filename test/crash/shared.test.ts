/** Shared holders, slots, and runs inside runs. */
import { describe, expect, test } from "bun:test";
import { newLockName } from "../support/binary.ts";
import { killStranger, type TestProcess } from "../support/process.ts";
import {
  atRest,
  bash,
  endlessCommand,
  libraryUser,
  type LibraryWish,
  outcomeOf,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";
import { eventually } from "../support/eventually.ts";

/** A library process, once it holds the lock, and what it said about that. */
async function grantedUser(lockName: string, wish: LibraryWish) {
  const user = libraryUser(lockName, wish);
  const [word, token, slot] = (await user.stdout.nextLine()).split(" ");
  expect(word).toBe("granted");
  return { user, token: Number(token), slot: Number(slot) };
}

async function release(user: TestProcess): Promise<void> {
  await user.tell("release\n");
  expect(await user.stdout.nextLine()).toBe("released true");
}

describe("--shared", () => {
  test("run, and the library, hold the lock together; an exclusive one waits for the last of them", async () => {
    const name = newLockName();
    const one = await runningCommand(name, "--shared");
    const other = await runningCommand(name, "--shared");
    const { user } = await grantedUser(name, { shared: true });
    expect((await stateOf(name)).holders).toHaveLength(3);
    const writer = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    for (const { holder, command } of [one, other]) {
      await killStranger(command);
      await holder.exited();
      expect((await stateOf(name)).waiters).toMatchObject([{ pid: writer.pid }]);
    }
    await release(user);
    expect((await writer.end()).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("waits for an exclusive holder, and then all who wait get in together", async () => {
    const name = newLockName();
    const { command } = await runningCommand(name);
    const readers = [1, 2, 3].map(() => libraryUser(name, { shared: true }));
    await waiting(name, 3);
    await killStranger(command);
    for (const reader of readers) expect(await reader.stdout.nextLine()).toStartWith("granted");
    expect((await stateOf(name)).holders).toHaveLength(3);
  });

  test("an exclusive one that waits is not starved: those who come later wait behind it", async () => {
    const name = newLockName();
    const first = await grantedUser(name, { shared: true });
    const writer = libraryUser(name);
    await waiting(name, 1);
    expect((await outcomeOf("run", "--shared", "-n", name, "--", "true")).status).toBe(75);
    const later = libraryUser(name, { shared: true });
    await waiting(name, 2);
    await release(first.user);
    expect(await writer.stdout.nextLine()).toStartWith("granted");
    expect((await stateOf(name)).waiters).toMatchObject([{ pid: later.pid }]);
    await release(writer);
    expect(await later.stdout.nextLine()).toStartWith("granted");
  });

  test("a crowd of readers that never leaves the lock free lets a writer in", async () => {
    const name = newLockName();
    const reading = bash(
      `while [ ! -e /dev/shm/${name}.done ]; do resourcelock run --shared ${name} -- sleep 0.05 & sleep 0.02; done; wait`,
    );
    await eventually("reader", async () => (await stateOf(name)).holders.length > 1);
    const { status } = await outcomeOf("run", name, "--", "touch", `/dev/shm/${name}.done`);
    expect(status).toBe(0);
    expect(await reading.exited()).toBe(0);
  });

  test("one of two holders is killed: the other still keeps exclusive ones out, and nothing is adopted", async () => {
    const name = newLockName();
    const [dead, living] = [
      await grantedUser(name, { shared: true }),
      await grantedUser(name, { shared: true }),
    ];
    const writer = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await dead.user.kill();
    expect((await outcomeOf("run", "-n", name, "--", "true")).status).toBe(75);
    expect((await stateOf(name)).holders).toMatchObject([{ pid: living.user.pid }]);
    await release(living.user);
    const { status, stderr } = await writer.end();
    expect([status, stderr.includes("adopted")]).toEqual([0, false]);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("all of them are killed: the next one adopts, whether exclusive or shared", async () => {
    for (const options of [[], ["--shared"]]) {
      const name = newLockName();
      const users = [
        await grantedUser(name, { shared: true }),
        await grantedUser(name, { shared: true }),
      ];
      for (const { user } of users) await user.kill();
      const { status, stderr } = await outcomeOf("run", ...options, "-n", name, "--", "true");
      expect([status, stderr.includes("took over lock")]).toEqual([0, true]);
      expect(await stateOf(name)).toMatchObject(atRest);
    }
  });

  test("unget takes the lock from all of them", async () => {
    const name = newLockName();
    const users = [
      await grantedUser(name, { shared: true }),
      await grantedUser(name, { shared: true }),
    ];
    const { stderr } = await outcomeOf("unget", name);
    for (const { user } of users) {
      expect(stderr).toContain(`pid ${user.pid} `);
      await user.tell("release\n");
      expect(await user.stdout.nextLine()).toBe("released false");
    }
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("a stopped reader in the queue keeps neither readers nor a writer from their turn", async () => {
    const name = newLockName();
    const { command } = await runningCommand(name);
    const stopped = resourcelock(["run", "--shared", name, "--", "true"]);
    await waiting(name, 1);
    const reader = resourcelock(["run", "--shared", name, "--", "true"]);
    await waiting(name, 2);
    const writer = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 3);
    await stopped.stop();
    await killStranger(command);
    for (const child of [reader, writer]) expect((await child.end()).status).toBe(0);
    stopped.resume();
    expect((await stopped.end()).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });
});

describe("--slots", () => {
  test("so many hold at once and no more, each with a number of its own", async () => {
    const name = newLockName();
    const script = `
        mkdir slot-$RESOURCELOCK_SLOT || exit 9
        test $(ls -d slot-* | wc -l) -le 3 || exit 8
        sleep 0.05
        rmdir slot-$RESOURCELOCK_SLOT`;
    const directory = `/dev/shm/${name}.slots`;
    const one = ["$RESOURCELOCK", "run", "--slots", "3", name, "--", "sh", "-c", `'${script}'`];
    const { status } = await bash(`
          mkdir ${directory} && cd ${directory} || exit
          for i in $(seq 24); do ${one.join(" ")} & jobs="$jobs $!"; done
          for job in $jobs; do wait $job || exit; done`).end();
    expect(status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("a place that is left, or whose holder is killed, goes to the next one, with its number", async () => {
    const name = newLockName();
    const zero = await grantedUser(name, { slots: 2 });
    const one = await grantedUser(name, { slots: 2 });
    expect([zero.slot, one.slot]).toEqual([0, 1]);
    const next = libraryUser(name, { slots: 2 });
    await waiting(name, 1);
    await zero.user.kill();
    expect((await next.stdout.nextLine()).split(" ")[2]).toBe("0");
    const last = libraryUser(name, { slots: 2 });
    await waiting(name, 1);
    await release(one.user);
    expect((await last.stdout.nextLine()).split(" ")[2]).toBe("1");
    for (const user of [next, last]) await release(user);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("one more than there are slots is not granted in time", async () => {
    const name = newLockName();
    for (let index = 0; index < 3; index++) await grantedUser(name, { slots: 3 });
    expect((await outcomeOf("run", "--slots", "3", "-n", name, "--", "true")).status).toBe(75);
    // Those that hold were promised that they are three at most.
    expect((await outcomeOf("run", "--slots", "4", "-n", name, "--", "true")).status).toBe(75);
  });

  test("one of fewer slots is not overtaken by those of more, which come later", async () => {
    const name = newLockName();
    const first = await runningCommand(name, "--slots", "5");
    const few = resourcelock(["run", "--slots", "1", name, "--", ...endlessCommand]);
    await waiting(name, 1);
    for (let count = 0; count < 3; count++) {
      expect((await outcomeOf("run", "-n", "--slots", "5", name, "--", "true")).status).toBe(75);
    }
    const many = resourcelock(["run", "--slots", "5", name, "--", "true"]);
    await waiting(name, 2);
    await killStranger(first.command);
    const command = Number(await few.stdout.nextLine());
    expect((await stateOf(name)).waiters).toHaveLength(1);
    await killStranger(command);
    expect((await many.end()).status).toBe(0);
  });

  test("an exclusive one waits for all of them, and is not starved", async () => {
    const name = newLockName();
    const users = [await grantedUser(name, { slots: 3 }), await grantedUser(name, { slots: 3 })];
    const writer = libraryUser(name);
    await waiting(name, 1);
    expect((await outcomeOf("run", "--slots", "3", "-n", name, "--", "true")).status).toBe(75);
    for (const { user } of users) {
      expect((await stateOf(name)).waiters).toMatchObject([{ pid: writer.pid }]);
      await release(user);
    }
    expect(await writer.stdout.nextLine()).toStartWith("granted");
  });

  test("those who wait are served in the order in which they came", async () => {
    const name = newLockName();
    const { user: first } = await grantedUser(name, { slots: 1 });
    const users: TestProcess[] = [];
    for (let index = 0; index < 5; index++) {
      users.push(libraryUser(name, { slots: 1 }));
      await waiting(name, index + 1);
    }
    let holder = first;
    for (const user of users) {
      await release(holder);
      expect(await user.stdout.nextLine()).toStartWith("granted");
      holder = user;
    }
  });

  test("a run that is killed leaves its slot to its command", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name, "--slots", "1");
    await holder.kill();
    expect((await outcomeOf("run", "--slots", "1", "-n", name, "--", "true")).status).toBe(75);
    await killStranger(command);
    expect((await outcomeOf("run", "--slots", "1", "-n", name, "--", "true")).status).toBe(0);
  });

  for (const slots of ["0", "-1", "1024", "1.5", "''", "x,", "x,x"]) {
    test(`${slots} of them are wrong usage`, async () => {
      const { status, stderr } = await outcomeOf(
        "run",
        `--slots=${slots === "''" ? "" : slots}`,
        newLockName(),
        "--",
        "true",
      );
      expect([status, stderr.includes("--slots")]).toEqual([64, true]);
    });
  }

  test("and --shared at once are wrong usage", async () => {
    const words = ["run", "--shared", "--slots", "2", newLockName(), "--", "true"];
    expect((await outcomeOf(...words)).status).toBe(64);
  });
});

/** A command line of a run whose command says what it was told. */
function inner(lockName: string, ...options: string[]): string {
  const command = "sh -c 'echo $RESOURCELOCK_NAME $RESOURCELOCK_TOKEN'";
  return `"$RESOURCELOCK" run ${options.join(" ")} ${lockName} -- ${command}`;
}

describe("a run inside a run on the same lock", () => {
  test("is refused at once, with status 75 and a text that names the cause", async () => {
    const name = newLockName();
    const { status, stdout, stderr } = await outcomeOf("run", name, "--", "sh", "-c", inner(name));
    expect([status, stdout]).toEqual([75, ""]);
    expect(stderr).toBe(
      `resourcelock: Cannot wait for lock "${name}": a run around this one holds it and waits for this one to end; to run under that hold, use --reentrant\n`,
    );
  });

  test("is refused with the status that -E gives", async () => {
    const name = newLockName();
    const script = inner(name, "-E", "3");
    expect((await outcomeOf("run", name, "--", "sh", "-c", script)).status).toBe(3);
  });

  test("with --reentrant joins the hold, with its token, and leaves it held", async () => {
    const name = newLockName();
    const script = `echo $RESOURCELOCK_NAME $RESOURCELOCK_TOKEN; ${inner(name, "--reentrant")}; "$RESOURCELOCK" state ${name} --check; echo $?`;
    const { status, stdout } = await outcomeOf("run", name, "--", "sh", "-c", script);
    const [outer, joined, check] = stdout.split("\n");
    expect([status, joined, check]).toEqual([0, String(outer), "1"]);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test.each([
    ["an exclusive hold", [], ["--shared"], 0],
    ["an exclusive hold", [], ["--slots", "2"], 0],
    ["a shared hold", ["--shared"], ["--shared"], 0],
    ["a shared hold", ["--shared"], [], 75],
    ["a shared hold", ["--shared"], ["--slots", "2"], 75],
    ["a slot of two", ["--slots", "2"], ["--slots", "2"], 0],
    ["a slot of two", ["--slots", "2"], ["--slots", "3"], 0],
    ["a slot of two", ["--slots", "2"], ["--slots", "1"], 75],
    ["a slot of two", ["--slots", "2"], ["--shared"], 75],
    ["a slot of two", ["--slots", "2"], [], 75],
  ])(
    "with --reentrant joins %s where that is enough: %j, %j",
    async (_, outerOptions, innerOptions, expected) => {
      const name = newLockName();
      const script = inner(name, "--reentrant", ...innerOptions);
      const outcome = await outcomeOf("run", name, ...outerOptions, "--", "sh", "-c", script);
      expect(outcome.status).toBe(expected);
      const cause = `Cannot wait for lock "${name}": a run around this one holds it with ${outerOptions.join(" ")} and waits for this one to end; that hold is not enough for --reentrant`;
      expect(outcome.stderr).toBe(expected === 0 ? "" : `resourcelock: ${cause}\n`);
      expect(await stateOf(name)).toMatchObject(atRest);
    },
  );

  test("with --reentrant and --slots has the number of the slot that it joins, 0 where it is alone", async () => {
    const name = newLockName();
    const slotInside = async (...outerOptions: string[]) => {
      const script = `"$RESOURCELOCK" run ${name} --reentrant --slots 2 -- sh -c 'echo $RESOURCELOCK_SLOT'`;
      return (await outcomeOf("run", name, ...outerOptions, "--", "sh", "-c", script)).stdout;
    };
    expect(await slotInside()).toBe("0\n");
    const { user, slot } = await grantedUser(name, { slots: 2 });
    expect(slot).toBe(0);
    expect(await slotInside("--slots", "2")).toBe("1\n");
    await release(user);
  });

  test("is known through several runs on other locks between", async () => {
    const [name, between] = [newLockName(), newLockName()];
    const middle = `"$RESOURCELOCK" run ${between} -- sh -c '"$RESOURCELOCK" run ${name} -- true'`;
    expect((await outcomeOf("run", name, "--", "sh", "-c", middle)).status).toBe(75);
    const joining = middle.replace(`run ${name}`, `run --reentrant ${name}`);
    expect((await outcomeOf("run", name, "--", "sh", "-c", joining)).status).toBe(0);
  });

  test("of several names takes those that are not held around it", async () => {
    const [name, other] = [newLockName(), newLockName()];
    const script = `"$RESOURCELOCK" run --reentrant ${name},${other} -- sh -c '"$RESOURCELOCK" state --check ${other}; echo $?'`;
    const { status, stdout } = await outcomeOf("run", name, "--", "sh", "-c", script);
    expect([status, stdout]).toEqual([0, "1\n"]);
    for (const lockName of [name, other]) expect(await stateOf(lockName)).toMatchObject(atRest);
  });

  test("is told, too, while the run around it is dead and its command holds the lock", async () => {
    const name = newLockName();
    const script = `kill -9 $PPID; ${inner(name)}; echo $?`;
    const { stdout } = await outcomeOf("run", name, "--", "sh", "-c", script);
    expect(stdout).toBe("75\n");
  });

  test("does not believe a claim in the environment that the ledger does not know", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const { holders } = JSON.parse((await outcomeOf("state", name, "--json")).stdout);
    const [{ token }] = holders;
    expect(token).toBeGreaterThan(1);
    // A token is digits, and nothing that also makes its number.
    const numbers = ["1", "", "NaN", "0", `${token}.0`, `+${token}`, ` ${token}`, `${token}e0`];
    for (const claim of [...numbers.map((number) => `/${name}:${number}`), "//:", "x"]) {
      const forged = { RESOURCELOCK_HELD: claim };
      const refused = await resourcelock(
        ["run", "--reentrant", "-t", "0", name, "--", "true"],
        forged,
      ).end();
      expect([claim, refused.status, refused.stderr.includes(": not free; ")]).toEqual([
        claim,
        75,
        true,
      ]);
    }
    const waiter = resourcelock(["run", "--reentrant", name, "--", "true"], {
      RESOURCELOCK_HELD: `/${name}:1`,
    });
    await waiting(name, 1);
    await killStranger(command);
    await holder.exited();
    expect((await waiter.end()).status).toBe(0);
  });

  test("waits as everybody does when the hold around it is over", async () => {
    const name = newLockName();
    const left = `/dev/shm/${name}.left`;
    const script = `(while [ ! -e ${left} ]; do sleep 0.01; done; exec "$RESOURCELOCK" run --reentrant ${name} -- touch ${left}.done) >/dev/null 2>&1 &`;
    expect((await outcomeOf("run", name, "--", "sh", "-c", script)).status).toBe(0);
    const { command } = await runningCommand(name);
    await Bun.write(left, "");
    const { waiters } = await waiting(name, 1);
    expect(waiters).toMatchObject([{ command: `touch ${left}.done` }]);
    await killStranger(command);
    await eventually("grant", () => Bun.file(`${left}.done`).exists());
  });
});
