import { describe, expect, test } from "bun:test";
import { acquireAll, inCommonOrder, releaseAll } from "../../src/lock/acquire-all.ts";
import type { AcquireRequest, Grant, LockEngine, Refusal } from "../../src/lock/engine.ts";
import { LockLostError, LockNameError } from "../../src/lock/errors.ts";
import { MemoryEngine } from "../support/memory-engine.ts";

const atOnce: AcquireRequest = { message: "test", timeoutSeconds: 0 };

/** @throws when it was refused */
function grantsOf(answer: Grant[] | Refusal): Grant[] {
  if (Array.isArray(answer)) return answer;
  throw new Error(`${answer.name}: ${answer.reason}`);
}

async function lockedNames(engine: LockEngine): Promise<string[]> {
  const locks = await engine.list();
  return locks.filter(({ locked }) => locked).map(({ name }) => name);
}

describe("acquireAll()", () => {
  test("takes each lock once, in the order of the bytes of its name", async () => {
    const grants = grantsOf(await acquireAll(new MemoryEngine(), ["b", "/a", "ä", "b"], atOnce));
    expect(grants.map(({ name }) => name)).toEqual(["a", "b", "ä"]);
  });

  test("takes nothing when one lock is refused", async () => {
    const engine = new MemoryEngine();
    grantsOf(await acquireAll(engine, ["b"], atOnce));
    const answer = await acquireAll(engine, ["a", "b", "c"], atOnce);
    expect(answer).toEqual({ granted: false, name: "b", reason: "timeout", by: [] });
    expect(await lockedNames(engine)).toEqual(["b"]);
  });

  test("takes nothing when a name is invalid or a request throws", async () => {
    const engine = new MemoryEngine();
    expect(acquireAll(engine, ["a", "b/c"], atOnce)).rejects.toThrow(LockNameError);
    const signal = AbortSignal.abort(new Error("enough"));
    expect(acquireAll(engine, ["a"], { ...atOnce, signal })).rejects.toThrow("enough");
    expect(await lockedNames(engine)).toEqual([]);
  });

  test("releases what it has when a signal withdraws the wait for the next lock", async () => {
    const engine = new MemoryEngine();
    grantsOf(await acquireAll(engine, ["b"], atOnce));
    const controller = new AbortController();
    const waits = acquireAll(engine, ["a", "b"], {
      message: "test",
      timeoutSeconds: Infinity,
      signal: controller.signal,
      onWait: () => controller.abort(new Error("enough")),
    });
    expect(waits).rejects.toThrow("enough");
    expect(await lockedNames(engine)).toEqual(["b"]);
  });

  test("gives up what it has when a newer request wants that while it waits for the next lock", async () => {
    const engine = new MemoryEngine();
    const [held] = grantsOf(await acquireAll(engine, ["b"], atOnce));
    const forever = { message: "newer", timeoutSeconds: Infinity, replace: true };
    let newer: Promise<Grant[] | Refusal> | undefined;
    const older = await acquireAll(
      {
        acquire(name, request) {
          if (name === "b") newer = acquireAll(engine, ["a"], forever);
          return engine.acquire(name, request);
        },
      },
      ["a", "b"],
      { ...forever, message: "older" },
    );
    expect(older).toEqual({ granted: false, name: "a", reason: "superseded", by: [] });
    expect(grantsOf((await newer) ?? [])).toHaveLength(1);
    await held?.release();
  });

  test("waits on, and tells of it, while nobody wants what it has", async () => {
    const engine = new MemoryEngine();
    const [held] = grantsOf(await acquireAll(engine, ["b"], atOnce));
    let waits = 0;
    const grants = await acquireAll(engine, ["a", "b"], {
      message: "test",
      timeoutSeconds: Infinity,
      replace: true,
      onWait() {
        waits += 1;
        void held?.release();
      },
    });
    expect(grantsOf(grants)).toHaveLength(2);
    expect(waits).toBe(1);
  });

  test("has one deadline for all locks together", async () => {
    const timeouts: number[] = [];
    const engine: Pick<LockEngine, "acquire"> = {
      async acquire(name, { timeoutSeconds }) {
        timeouts.push(timeoutSeconds);
        await Bun.sleep(20);
        return { granted: false, name, reason: "timeout", by: [] };
      },
    };
    const memory = new MemoryEngine();
    const both: Pick<LockEngine, "acquire"> = {
      async acquire(name, request) {
        await engine.acquire(name, request);
        return memory.acquire(name, request);
      },
    };
    grantsOf(await acquireAll(both, ["a", "b"], { message: "test", timeoutSeconds: 5 }));
    expect(timeouts[0]).toBeWithin(4.9, 5.001);
    expect(timeouts[1]).toBeLessThan((timeouts[0] ?? 0) - 0.01);
  });

  test("waits forever and tries once for each lock when told so", async () => {
    for (const timeoutSeconds of [0, Infinity]) {
      const seen: number[] = [];
      const memory = new MemoryEngine();
      const engine: Pick<LockEngine, "acquire"> = {
        acquire(name, request) {
          seen.push(request.timeoutSeconds);
          return memory.acquire(name, request);
        },
      };
      grantsOf(await acquireAll(engine, ["a", "b"], { message: "test", timeoutSeconds }));
      expect(seen).toEqual([timeoutSeconds, timeoutSeconds]);
    }
  });
});

describe("releaseAll()", () => {
  test("releases in reverse, and all of them when one throws", async () => {
    const released: string[] = [];
    const grants = grantsOf(await acquireAll(new MemoryEngine(), ["a", "b", "c"], atOnce));
    for (const grant of grants) {
      grant.release = async () => {
        released.push(grant.name);
        if (grant.name !== "a") throw new Error(`no answer from ${grant.name}`);
        return undefined;
      };
    }
    const error = await releaseAll(grants).catch((reason: unknown) => reason);
    expect(error).toEqual(new Error("no answer from c"));
    expect(released).toEqual(["c", "b", "a"]);
  });
});

test("inCommonOrder() sorts by bytes and not by UTF-16 units", () => {
  expect(inCommonOrder(["\u{1F512}", "\uFF21", "a"])).toEqual(["a", "\uFF21", "\u{1F512}"]);
});

test("MemoryEngine tells a holder who forced its lock away", async () => {
  const engine = new MemoryEngine();
  const [grant] = grantsOf(await acquireAll(engine, ["a"], atOnce));
  const lost = grant?.watchLoss();
  await engine.forceRelease("a", { by: "pid 7 (unget)" });
  expect(lost?.reason).toBeInstanceOf(LockLostError);
  expect((await grant?.release())?.message).toBe(
    'Lost lock "a": it was released by force by pid 7 (unget)',
  );
});
