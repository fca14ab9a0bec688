/** Who holds and who waits, as `state` and a waiting command tell it. */
import { describe, expect, test } from "bun:test";
import { newLockName } from "../support/binary.ts";
import { killStranger } from "../support/process.ts";
import {
  bash,
  endlessCommand,
  faultAt,
  libraryUser,
  outcomeOf,
  pythonPeer,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
  writeOver,
} from "./participants.ts";

/** What `state` says after the name, in lines, with times and what is given masked. */
async function stateTextOf(lockName: string, ...processes: { pid: number }[]) {
  const { stdout } = await outcomeOf("state", lockName);
  let text = stdout.slice(`${lockName}: `.length).trimEnd();
  for (const [index, { pid }] of processes.entries()) {
    text = text.replaceAll(`pid ${pid}`, `pid P${index + 1}`);
  }
  return text.replaceAll(/ for \d+s/g, " for TIME").split("\n");
}

const endless = endlessCommand.join(" ");
const nobody = { holders: [], waiters: [] };

describe("state of a lock", () => {
  test("that nobody holds says nothing more, before its first holder and after", async () => {
    const name = newLockName();
    await outcomeOf("get", name);
    await outcomeOf("unget", name);
    expect((await outcomeOf("state", name)).stdout.split("\n")).toHaveLength(2);
    expect(await stateOf(name)).toMatchObject({ locked: false, value: 1, ...nobody });
  });

  test("that a run holds: attached, with its process, command, time and token", async () => {
    const name = newLockName();
    const before = Date.now() / 1000 - 0.001;
    const { holder } = await runningCommand(name);
    const state = await stateOf(name);
    const [{ since, token, ...rest } = { since: null, token: null }, ...others] = state.holders;
    expect([rest, ...others]).toEqual([
      {
        pid: holder.pid,
        command: endless,
        kind: "exclusive",
        attachment: "attached",
        slot: null,
        slots: null,
      },
    ]);
    expect(since).toBeGreaterThan(before);
    expect(since).toBeLessThan(Date.now() / 1000);
    expect(Number.isSafeInteger(token)).toBe(true);
    expect(state).toMatchObject({ locked: true, value: 0, waiters: [] });
    expect(await stateTextOf(name, holder)).toEqual([`held by ${endless} (pid P1) for TIME`]);
  });

  test("that a library process holds: attached", async () => {
    const name = newLockName();
    const holder = libraryUser(name, { lockInfo: "make deploy" });
    const [, token] = (await holder.stdout.nextLine()).split(" ");
    expect((await stateOf(name)).holders).toMatchObject([
      { pid: holder.pid, command: "make deploy", attachment: "attached", token: Number(token) },
    ]);
    expect(await stateTextOf(name, holder)).toEqual(["held by make deploy (pid P1) for TIME"]);
  });

  test("that get left taken: detached, with no process", async () => {
    const name = newLockName();
    await outcomeOf("get", name);
    const { holders } = await stateOf(name);
    expect(holders).toMatchObject([
      { pid: null, attachment: "detached", kind: "exclusive", slot: null },
    ]);
    expect(Number(holders[0]?.since)).toBeCloseTo(Date.now() / 1000, -2);
    expect(await stateTextOf(name)).toEqual([
      `held by cli (no process) for TIME; release it with: resourcelock unget ${name}`,
    ]);
  });

  test("that is bound to a process: bound, and stale once that has ended", async () => {
    const name = newLockName();
    const owner = bash("read line");
    await outcomeOf("get", name, "--owner-pid", String(owner.pid));
    expect((await stateOf(name)).holders).toMatchObject([{ pid: owner.pid, attachment: "bound" }]);
    expect(await stateTextOf(name, owner)).toEqual(["held by cli (bound to pid P1) for TIME"]);
    await owner.kill();
    expect((await stateOf(name)).holders).toMatchObject([{ pid: owner.pid, attachment: "stale" }]);
    expect(await stateTextOf(name, owner)).toEqual([
      "held by cli (pid P1), which died; the next run or get takes over",
    ]);
  });

  test("whose holder died: stale, with the dead one's process and command", async () => {
    const name = newLockName();
    const holder = resourcelock(["get", name, "-a", "1000", "-m", "make deploy"]);
    await holder.stdout.nextLine();
    await holder.kill();
    expect((await stateOf(name)).holders).toMatchObject([
      { pid: holder.pid, command: "make deploy", attachment: "stale" },
    ]);
    expect(await stateTextOf(name, holder)).toEqual([
      "held by make deploy (pid P1), which died; the next run or get takes over",
    ]);
  });

  test("whose holder lives, and somebody wrote over its seat: not stale, and remove leaves it", async () => {
    const name = newLockName();
    const { command } = await runningCommand(name);
    writeOver(`/dev/shm/${name}.ledger`, 128, new Uint8Array(31 * 128));
    expect((await stateOf(name)).holders).toMatchObject([{ pid: null, attachment: "attached" }]);
    expect((await stateTextOf(name))[0]).toBe("held by a process that the ledger does not name");
    expect((await outcomeOf("list")).stdout).toMatch(
      new RegExp(`^${name} +held +a process that the ledger does not name `, "m"),
    );
    expect((await outcomeOf("remove", "--stale", name)).status).toBe(1);
    expect((await outcomeOf("remove", name)).status).toBe(1);
    await killStranger(command);
  });

  test("whose holder died between two steps: stale, by nobody knows whom", async () => {
    const name = newLockName();
    await resourcelock(["get", name], faultAt("taken")).exited();
    expect((await stateOf(name)).holders).toMatchObject([{ pid: null, attachment: "stale" }]);
    expect(await stateTextOf(name)).toEqual([
      "held by a process that died; the next run or get takes over",
    ]);
  });

  test("that a Python peer holds: foreign, with its info text", async () => {
    const name = newLockName();
    await outcomeOf("get", name);
    await outcomeOf("unget", name);
    const peer = pythonPeer(name, "hold", "--info", "thermometer");
    await peer.stdout.nextLine();
    const { info, holders } = await stateOf(name);
    expect(holders).toEqual([
      {
        pid: null,
        command: "",
        since: null,
        kind: "exclusive",
        attachment: "foreign",
        token: null,
        slot: null,
        slots: null,
      },
    ]);
    expect(info).toEndWith(" - thermometer");
    expect(await stateTextOf(name)).toEqual(["held by a Python (cjnfuncs) program: thermometer"]);
  });

  test("that only a Python peer has made, so that there is no ledger: foreign", async () => {
    const name = newLockName();
    const peer = pythonPeer(name, "hold", "--info", "thermometer");
    await peer.stdout.nextLine();
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "foreign" }]);
    await peer.endInput();
    await peer.exited();
    expect(await stateOf(name)).toMatchObject({ locked: false, value: 1, ...nobody });
  });

  test("with several holders and waiters: all of them, in order, with their kinds", async () => {
    const name = newLockName();
    const holders = [
      libraryUser(name, { shared: true, lockInfo: "one" }),
      libraryUser(name, { shared: true, lockInfo: "two" }),
    ];
    for (const holder of holders) await holder.stdout.nextLine();
    const writer = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    const reader = libraryUser(name, { shared: true, lockInfo: "three" });
    await waiting(name, 2);
    const slot = libraryUser(name, { slots: 3, lockInfo: "four" });
    const state = await waiting(name, 3);
    expect(new Set(state.holders.map(({ pid }) => pid))).toEqual(
      new Set(holders.map(({ pid }) => pid)),
    );
    expect(state.holders).toMatchObject([
      { attachment: "attached", kind: "shared" },
      { attachment: "attached", kind: "shared" },
    ]);
    expect(state.waiters).toMatchObject([
      { pid: writer.pid, command: "true", kind: "exclusive" },
      { pid: reader.pid, command: "three", kind: "shared" },
      { pid: slot.pid, command: "four", kind: "slots" },
    ]);
    const times = state.waiters.map(({ since }) => since ?? 0);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    const lines = await stateTextOf(name, writer, reader, slot);
    expect(lines.slice(3)).toEqual([
      "  1. true (pid P1, exclusive) waits for TIME",
      "  2. three (pid P2) waits for TIME",
      "  3. four (pid P3, slots) waits for TIME",
    ]);
  });

  test("with slots: each with its number", async () => {
    const name = newLockName();
    const users = [libraryUser(name, { slots: 2 }), libraryUser(name, { slots: 2 })];
    for (const user of users) await user.stdout.nextLine();
    const { holders } = await stateOf(name);
    expect(new Set(holders.map(({ slot, kind }) => `${kind} ${slot}`))).toEqual(
      new Set(["slots 0", "slots 1"]),
    );
    expect((await stateTextOf(name, ...users)).join("\n")).toMatch(/^ {2}slot 1: .* for TIME$/m);
  });

  test("keeps a waiter's place when others before it give up", async () => {
    const name = newLockName();
    await runningCommand(name);
    const first = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    const second = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 2);
    first.signal("SIGTERM");
    expect((await waiting(name, 1)).waiters).toMatchObject([{ pid: second.pid }]);
  });

  test("shows what of a long message fits, in whole characters", async () => {
    const name = newLockName();
    const message = "ä".repeat(200);
    const holder = resourcelock(["get", name, "-a", "1000", "-m", message]);
    await holder.stdout.nextLine();
    const [{ command } = { command: "" }] = (await stateOf(name)).holders;
    expect(command.length).toBeGreaterThan(20);
    expect(message).toStartWith(command);
  });
});

describe("a wait notice", () => {
  test("says who holds the lock, since when, and one's own place among those who wait", async () => {
    const name = newLockName();
    const { holder } = await runningCommand(name);
    const [first, second] = [1, 2].map(() => ["run", name, "--", "true"]);
    resourcelock(first ?? []);
    await waiting(name, 1);
    const child = resourcelock(second ?? []);
    await waiting(name, 2);
    const notice = await child.stderr.line(/ for lock /);
    expect(notice).toStartWith(
      `resourcelock: 2nd of 2 for lock "${name}", held by pid ${holder.pid} (`,
    );
    expect(notice).toMatch(/\) for \d+s$/);
  });

  test("of the only one who waits says that it is next", async () => {
    const name = newLockName();
    await runningCommand(name);
    const waiter = resourcelock(["run", name, "--", "true"]);
    expect(await waiter.stderr.line(/ for lock /)).toStartWith("resourcelock: next for lock ");
  });

  const others: Record<string, [hold: (name: string) => Promise<unknown>, text: string]> = {
    "a detached hold": [(name) => outcomeOf("get", name), ", held by cli (no process) for TIME"],
    "a peer": [
      (name) => pythonPeer(name, "hold", "--info", "thermometer").stdout.nextLine(),
      ", held by a Python (cjnfuncs) program: ",
    ],
  };
  for (const [title, [hold, text]] of Object.entries(others)) {
    test(`tells of ${title}`, async () => {
      const name = newLockName();
      await hold(name);
      const waiter = resourcelock(["run", name, "--", "true"]);
      const notice = await waiter.stderr.line(/ for lock /);
      expect(notice.replace(/ for \d+s/, " for TIME")).toContain(text);
    });
  }

  test("does not come with --quiet, nor does the news of an adoption", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const waiter = resourcelock(["run", "-q", name, "--", "true"]);
    const noisy = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 2);
    await noisy.stderr.line(/ for lock /);
    await holder.kill();
    await killStranger(command);
    expect(await waiter.end()).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("the fencing token", () => {
  test("rises with every grant, by run, get, the library and adoption", async () => {
    const name = newLockName();
    const tokens: number[] = [];
    const ofRun = async () => {
      const { stdout } = await outcomeOf("run", name, "--", "sh", "-c", "echo $RESOURCELOCK_TOKEN");
      return Number(stdout);
    };
    const ofGet = async () => {
      const { stdout } = await outcomeOf("get", name, "--json");
      const { token }: { token: number } = JSON.parse(stdout);
      expect((await stateOf(name)).holders).toMatchObject([{ token }]);
      await outcomeOf("unget", name);
      return token;
    };
    const ofLibrary = async (wish: { shared?: boolean; slots?: number } = {}) => {
      const user = libraryUser(name, wish);
      const [, token] = (await user.stdout.nextLine()).split(" ");
      await user.tell("release\n");
      await user.stdout.nextLine();
      return Number(token);
    };
    const ofAdoption = async () => {
      await resourcelock(["get", name], faultAt("held")).exited();
      return ofRun();
    };
    for (let round = 0; round < 3; round++) {
      tokens.push(await ofRun(), await ofGet(), await ofLibrary(), await ofAdoption());
      tokens.push(await ofLibrary({ shared: true }), await ofLibrary({ slots: 2 }));
    }
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => one - other));
    expect(tokens.every(Number.isSafeInteger)).toBe(true);
  });

  test("rises across peers and across a ledger that was deleted at rest", async () => {
    const name = newLockName();
    const token = async () => {
      const { stdout } = await outcomeOf("run", name, "--", "sh", "-c", "echo $RESOURCELOCK_TOKEN");
      return Number(stdout);
    };
    const tokens = [await token()];
    await pythonPeer(name, "get").exited();
    await pythonPeer(name, "unget", "--force").exited();
    tokens.push(await token());
    await Bun.file(`/dev/shm/${name}.ledger`).delete();
    tokens.push(await token());
    expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
    expect(new Set(tokens).size).toBe(3);
  });
});
