/** The lock is forced from its holder, by unget or by a peer; and a peer's text tells nothing. */
import { describe, expect, test } from "bun:test";
import { constants } from "node:os";
import { newLockName } from "../support/binary.ts";
import { isAlive, killStranger, type TestProcess, untilStates } from "../support/process.ts";
import {
  atRest,
  bash,
  endlessCommand,
  faultAt,
  launch,
  libraryUser,
  outcomeOf,
  pythonPeer,
  pythonPeerWords,
  resourcelock,
  runningCommand,
  stateOf,
  waiting,
} from "./participants.ts";

describe("a holder from whom the lock was forced", () => {
  test("ungetLock is false and posts nothing while the lock is free", async () => {
    const name = newLockName();
    const holder = libraryUser(name, { lockInfo: "make deploy" });
    await holder.stdout.nextLine();
    const { status, stderr } = await outcomeOf("unget", name);
    expect([status, stderr]).toEqual([
      0,
      `resourcelock: warning: pid ${holder.pid} (make deploy) is still running, without lock "${name}"\n`,
    ]);
    await holder.tell("release\n");
    expect(await holder.stdout.nextLine()).toBe("released false");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("ungetLock is false and posts nothing while another holds it", async () => {
    const name = newLockName();
    const holder = libraryUser(name);
    await holder.stdout.nextLine();
    await outcomeOf("unget", name);
    const next = libraryUser(name);
    await next.stdout.nextLine();
    await holder.tell("release\n");
    expect(await holder.stdout.nextLine()).toBe("released false");
    const { value, holders } = await stateOf(name);
    expect({ value, holders }).toMatchObject({ value: 0, holders: [{ pid: next.pid }] });
    await next.tell("release\n");
    expect(await next.stdout.nextLine()).toBe("released true");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run says so when its command has ended, with the command's status", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await outcomeOf("unget", name);
    await killStranger(command);
    const { status, stderr } = await holder.end();
    expect(stderr).toMatch(
      new RegExp(`lock "${name}" was released by force by pid \\d+ while the command ran`),
    );
    expect(status).toBe(137);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("unget of a hold that is meant looks and releases in one step: nobody comes in between", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    const token = (await stateOf(name)).holders[0]?.token;
    const next = resourcelock(["run", name, "-q", "--", ...endlessCommand]);
    await waiting(name, 1);
    // It stops when it has looked, and before it has released.
    const words = ["unget", name, "--token", String(token)];
    const unget = resourcelock(words, faultAt("looked", constants.signals.SIGSTOP));
    await untilStates([unget.pid], /T/);
    await killStranger(command);
    unget.resume();
    const { status, stderr } = await unget.end();
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringContaining(`pid ${holder.pid} `),
    });
    expect((await holder.end()).stderr).toContain("was released by force");
    const nextCommand = Number(await next.stdout.nextLine());
    // The hold that was meant is over: that of the next one is let alone.
    expect((await outcomeOf(...words)).status).toBe(0);
    expect((await stateOf(name)).holders).toMatchObject([{ pid: next.pid }]);
    await killStranger(nextCommand);
    await next.exited();
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("who waited behind it gets the lock, although the holder lives on", async () => {
    const name = newLockName();
    const { holder } = await runningCommand(name);
    const waiter = resourcelock(["run", name, "--", "true"]);
    await waiting(name, 1);
    await outcomeOf("unget", name);
    expect((await waiter.end()).status).toBe(0);
    expect(isAlive(holder.pid)).toBe(true);
  });
});

describe("a peer that holds, and a text that comes back", () => {
  test("run waits for the peer when it is one that a participant set before", async () => {
    const name = newLockName();
    expect((await outcomeOf("run", name, "--", "true")).status).toBe(0);
    expect((await outcomeOf("info", name, "--set", "idle")).status).toBe(0);
    const peer = pythonPeer(name, "hold", "--info", "busy");
    await peer.stdout.nextLine();
    await pythonPeer(name, "set-info", "idle").exited();
    expect((await outcomeOf("run", "-t", "3", name, "--", "true")).status).toBe(75);
    expect((await outcomeOf("remove", "--stale", name)).status).not.toBe(0);
    expect((await stateOf(name)).holders).toMatchObject([{ attachment: "foreign" }]);
    await peer.endInput();
    await peer.exited();
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run waits for the peer when everybody sets the same text once inside", async () => {
    const name = newLockName();
    for (let count = 0; count < 2; count++) {
      const set = `"$RESOURCELOCK" info ${name} --set busy`;
      expect((await bash(`resourcelock run ${name} -- sh -c '${set}'`).end()).status).toBe(0);
    }
    const peer = pythonPeer(name, "hold", "--info", "");
    await peer.stdout.nextLine();
    await pythonPeer(name, "set-info", "busy").exited();
    expect((await outcomeOf("run", "-t", "3", name, "--", "true")).status).toBe(75);
    await peer.endInput();
    await peer.exited();
  });
});

/** Starts the Python peer in a time zone. */
function peerIn(zone: string, ...words: string[]): TestProcess {
  return launch(["env", `TZ=${zone}`, ...pythonPeerWords(...words)]);
}

/** The end of a `run` whose lock a peer has by then. */
async function endUnderPeer(
  name: string,
  { zone = "UTC", before = [], after = [] }: { zone?: string; before?: string[]; after?: string[] },
): Promise<{ stderr: string; value: number | null }> {
  const { holder, command } = await runningCommand(name);
  if (before.length > 0) await outcomeOf(...before);
  await peerIn(zone, name, "unget", "--force").exited();
  const peer = peerIn(zone, name, "hold", "--info", "mine now");
  await peer.stdout.nextLine();
  if (after.length > 0) await pythonPeer(name, ...after).exited();
  await killStranger(command);
  const { stderr } = await holder.end();
  const { value } = await stateOf(name);
  await peer.endInput();
  await peer.exited();
  return { stderr, value };
}

describe("a peer forces the lock from a run and takes it", () => {
  test.each(["UTC", "Etc/GMT+11", "Etc/GMT-14"])(
    "run leaves the peer's unit alone when the peer's zone is %s",
    async (zone) => {
      const name = newLockName();
      const { stderr, value } = await endUnderPeer(name, { zone });
      expect(value).toBe(0);
      expect(stderr).toContain("was released by force");
      expect(await stateOf(name)).toMatchObject(atRest);
    },
  );

  test("run leaves the peer's unit alone when somebody had set a text before", async () => {
    const name = newLockName();
    const { stderr, value } = await endUnderPeer(name, {
      before: ["info", name, "--set", "half done"],
    });
    expect(value).toBe(0);
    expect(stderr).toContain("was released by force");
  });

  test("run leaves the peer's unit alone when the peer has set a short text by then", async () => {
    const name = newLockName();
    const { stderr, value } = await endUnderPeer(name, { after: ["set-info", "half done"] });
    expect(value).toBe(0);
    expect(stderr).toContain("was released by force");
  });

  test("run releases its lock when a text was only set", async () => {
    const name = newLockName();
    const { holder, command } = await runningCommand(name);
    await pythonPeer(name, "set-info", "half done").exited();
    await killStranger(command);
    expect((await holder.end()).stderr).not.toContain("force");
    expect(await stateOf(name)).toMatchObject(atRest);
  });

  test("run waits for the peer when the holder was killed meanwhile", async () => {
    const name = newLockName();
    const holder = resourcelock(["get", name, "-a", "1000"]);
    await holder.stdout.nextLine();
    await peerIn("Etc/GMT+11", name, "unget", "--force").exited();
    const peer = peerIn("Etc/GMT+11", name, "hold");
    await peer.stdout.nextLine();
    await holder.kill();
    expect((await outcomeOf("run", "-t", "2", name, "--", "true")).status).toBe(75);
    await peer.endInput();
    await peer.exited();
    expect((await outcomeOf("run", "-t", "30", name, "--", "true")).status).toBe(0);
  });
});
