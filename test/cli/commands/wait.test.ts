/** `wait`: ends when a lock is free, and takes nothing. */
import { describe, expect, test } from "bun:test";
import { bash, newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { heldText, jsonLines, masked, newHeldLock, objectsOf, printed } from "./scenario.ts";

describe("wait", () => {
  test("ends at once where the lock is free or nobody has made it, and makes and takes nothing", async () => {
    const name = await newHeldLock();
    await resourcelock("unget", name, "-q");
    expect(await resourcelock("wait", name)).toEqual(printed(""));
    const [before] = await jsonLines("state", name);
    expect(await resourcelock(name, "wait", "-t", "0")).toEqual(printed(""));
    expect(await jsonLines("state", name)).toEqual([before]);
    const missing = newLockName();
    expect(await resourcelock("wait", missing)).toEqual(printed(""));
    expect(objectsOf(missing)).toEqual([]);
  });

  test("ends when the lock is released, and says meanwhile who holds it", async () => {
    const name = await newHeldLock();
    const waiting = startCommand("wait", name);
    await waiting.stderr.until(`waiting for lock "${name}", held by holder`);
    expect(await jsonLines("state", name)).toMatchObject([{ waiters: [] }]);
    await resourcelock("unget", name, "-q");
    expect(await waiting.end()).toMatchObject({ status: 0, stdout: "" });
  });

  test("ends when the lock is removed, too", async () => {
    const name = await newHeldLock();
    const waiting = startCommand("wait", name);
    await waiting.stderr.until("waiting for lock");
    await resourcelock("remove", name, "-q", "--force");
    expect((await waiting.end()).status).toBe(0);
  });

  test("is status 75, or that of -E, when time is up, and says who holds it", async () => {
    const name = await newHeldLock();
    const text = `resourcelock: lock "${name}": not free; ${heldText()}\n`;
    const outcome = { ...printed("", 75), stderr: text };
    expect(await masked("wait", name, "-t", "0")).toEqual(outcome);
    const { status, stderr } = await masked("wait", name, "-t", "0.05");
    expect([status, stderr.split("\n")]).toEqual([
      75,
      [
        `resourcelock: waiting for lock "${name}", ${heldText()}`,
        expect.stringMatching(/^resourcelock: lock "\S+": gave up after TIME; held by holder/),
        "",
      ],
    ]);
    expect(await masked("wait", name, "-t", "0", "-E", "3")).toEqual({ ...outcome, status: 3 });
    expect(await masked("wait", name, "-t", "0", "-q")).toEqual(printed("", 75));
  });

  test("is refused at once under a hold of the lock, which waits for it to end", async () => {
    const name = newLockName();
    expect(await bash(`resourcelock run ${name} -c '"$RESOURCELOCK" wait ${name} -E 9'`)).toEqual({
      status: 9,
      stdout: "",
      stderr: `resourcelock: Cannot wait for lock "${name}": a run around this wait holds it and waits for this wait to end\n`,
    });
  });

  test("--json prints the state that it ended with", async () => {
    const name = await newHeldLock();
    const state = async () => (await jsonLines("state", name))[0];
    expect(await jsonLines("wait", name, "-t", "0")).toEqual([await state()]);
    await resourcelock("unget", name, "-q");
    expect(await jsonLines("wait", name, "-t", "0")).toEqual([await state()]);
  });

  test("counts a lock whose holder died as locked until somebody takes it, and says so", async () => {
    const name = newLockName();
    await bash(`sh -c '"$RESOURCELOCK" get ${name} -q --owner-pid $$; :'`);
    expect((await resourcelock("wait", name, "-t", "0")).status).toBe(75);
    const waiting = startCommand("wait", name);
    await waiting.stderr.until(`lock "${name}": its holder died; the next run or get takes over`);
    await resourcelock("run", name, "-q", "--", "true");
    expect((await waiting.end()).status).toBe(0);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const)(
    "ends by %s at once",
    async (signal) => {
      const waiting = startCommand("wait", await newHeldLock());
      await waiting.stderr.until("waiting for lock");
      waiting.signal(signal);
      await waiting.end();
      expect(waiting.endedBy).toBe(signal);
    },
  );

  test.each(["-t soon", "-t -2", "-E 256"])("%s is wrong usage", async (words) => {
    expect((await resourcelock("wait", newLockName(), ...words.split(" "))).status).toBe(64);
  });
});
