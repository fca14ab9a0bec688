import { describe, expect, spyOn, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import {
  type GetLockOptions,
  LockClosedError,
  LockDamagedError,
  LockGuard,
  LockInfoError,
  LockNameError,
  LockNotFoundError,
  ResourceLock,
} from "../../src/index.ts";
import { HostLock } from "../../src/host/host-lock.ts";
import { removeLock } from "../../src/host/inventory/removal.ts";
import { maskDates, newLockName } from "../support/binary.ts";
import { runToEnd, start } from "../support/process.ts";

/** A lock that writes its debug texts, dates masked, into a list. */
function loggedLock(lockName = newLockName()): { lock: ResourceLock; texts: string[] } {
  const texts: string[] = [];
  const logger = {
    debug: (text: string, method: string) =>
      texts.push(maskDates(`${method}: ${text}`).replaceAll(lockName, "x")),
  };
  return { lock: new ResourceLock(lockName, { logger }), texts };
}

describe("constructor", () => {
  test("makes a free semaphore and an empty segment, for the user alone", () => {
    const name = newLockName();
    using lock = new ResourceLock(`/${name}`);
    expect(lock.lockName).toBe(name);
    expect([lock.lockValue(), lock.getLockInfo(), lock.iHaveTheLock]).toEqual([1, "", false]);
    const modes = [`/dev/shm/sem.${name}`, `/dev/shm/${name}`].map((path) => {
      const { mode, size } = statSync(path);
      return [(mode & 0o777).toString(8), size];
    });
    expect(modes).toEqual([
      ["600", 32],
      ["600", 4096],
    ]);
  });

  test.each([undefined, null, 7])(
    "throws a TypeError that says what when the name is %p",
    (name) => {
      const open = () => Reflect.construct(ResourceLock, [name]);
      expect(open).toThrow(TypeError);
      expect(open).toThrow(`Cannot use ${name} as the name of a lock: give a string`);
    },
  );

  test("uses a segment that exists at the size it has", () => {
    const name = newLockName();
    writeFileSync(`/dev/shm/${name}`, new Uint8Array(100));
    using lock = new ResourceLock(name);
    lock.setLockInfo("a".repeat(99));
    expect(() => lock.setLockInfo("a".repeat(100))).toThrow(LockInfoError);
    expect(statSync(`/dev/shm/${name}`).size).toBe(100);
  });

  test("makes a segment of the size that is asked for", () => {
    const name = newLockName();
    using _lock = new ResourceLock(name, { sharedMemorySize: 10_000 });
    expect(statSync(`/dev/shm/${name}`).size).toBe(10_000);
    expect(() => new ResourceLock(newLockName(), { sharedMemorySize: 0 })).toThrow(RangeError);
  });

  test("gives an empty segment its size", () => {
    const name = newLockName();
    writeFileSync(`/dev/shm/${name}`, "");
    using _lock = new ResourceLock(name);
    expect(statSync(`/dev/shm/${name}`).size).toBe(4096);
  });

  test("keeps the info text of a lock that exists", () => {
    const name = newLockName();
    using one = new ResourceLock(name);
    one.setLockInfo("kept");
    using other = new ResourceLock(name);
    expect(other.getLockInfo()).toBe("kept");
  });

  test("with create: false makes nothing and says that there is no such lock", () => {
    const name = newLockName();
    expect(() => new ResourceLock(name, { create: false })).toThrow(LockNotFoundError);
    expect([existsSync(`/dev/shm/${name}`), existsSync(`/dev/shm/sem.${name}`)]).toEqual([
      false,
      false,
    ]);
  });

  test("with create: false opens a semaphore whose info segment is missing", () => {
    const name = newLockName();
    new ResourceLock(name).close();
    using lock = new ResourceLock(name, { create: false });
    expect(lock.getLockInfo()).toBe("");
    expect(lock.getLock()).toBe(true);
    expect(lock.getLockInfo()).toEndWith(" - ");
  });

  test("refuses a semaphore of the wrong size instead of dying by SIGBUS", () => {
    const name = newLockName();
    writeFileSync(`/dev/shm/sem.${name}`, "short");
    expect(() => new ResourceLock(name)).toThrow(LockDamagedError);
    chmodSync(`/dev/shm/sem.${name}`, 0o600);
    expect(existsSync(`/dev/shm/${name}`)).toBe(false);
  });

  test("refuses a name that cannot be one", () => {
    expect(() => new ResourceLock("a/b")).toThrow(LockNameError);
  });
});

describe("getLock and ungetLock", () => {
  test("say what the Python module says", () => {
    const { lock, texts } = loggedLock();
    expect(lock.getLock({ timeout: 0, lockInfo: "one" })).toBe(true);
    expect(lock.getLock({ timeout: 0.01 })).toBe(false);
    expect(lock.getLock({ timeout: 0, sameProcessOk: true })).toBe(true);
    expect(lock.ungetLock({ whereCalled: "here" })).toBe(true);
    expect(lock.ungetLock({ whereCalled: "there" })).toBe(false);
    lock.lockValue();
    lock.close();
    expect(texts).toMatchInlineSnapshot(`
      [
        "isLocked: <x> is currently locked?  <False>  Prior info  <>",
        "getLock: <x> lock request successful - Granted         <DATE - one>",
        "getLock: <x> lock request timed out  - Current owner   <DATE - one>",
        "getLock: <x> lock already acquired   - Prior grant     <DATE - one>",
        "ungetLock: <x> lock released  <here>",
        "ungetLock: <x> Extraneous lock unget request ignored  <there>",
        "lockValue: <x> semaphore = 1",
        "close: <x> semaphore closed",
      ]
    `);
  });

  test("a lock taken by another object is not released without force", () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    const { lock: other, texts } = loggedLock(name);
    holder.getLock();
    expect(other.ungetLock({ whereCalled: "w" })).toBe(false);
    expect(holder.isLocked()).toBe(true);
    expect(other.ungetLock({ force: true, whereCalled: "w" })).toBe(true);
    expect(holder.isLocked()).toBe(false);
    expect(texts.slice(1)).toEqual([
      "ungetLock: <x> lock unget request ignored - lock not owned by current process  <w>",
      "ungetLock: <x> lock force released  <w>",
    ]);
    // What was forced from the holder is not the holder's to release any more.
    expect(holder.ungetLock()).toBe(false);
    expect(holder.iHaveTheLock).toBe(false);
    expect(other.lockValue()).toBe(1);
    other.close();
  });

  test("iHaveTheLock can be set, as in the Python module", () => {
    using lock = new ResourceLock(newLockName());
    lock.getLock();
    lock.iHaveTheLock = false;
    expect(lock.ungetLock()).toBe(false);
    lock.iHaveTheLock = true;
    expect(lock.ungetLock()).toBe(true);
  });

  test("the info text is the local date and time to the microsecond, and the text", async () => {
    const name = newLockName();
    const script = `import { ResourceLock } from "${import.meta.dir}/../../src/index.ts";
      new ResourceLock(${JSON.stringify(name)}).getLock({ lockInfo: "ä 😀" });`;
    const before = Date.now();
    await runToEnd([process.execPath, "-e", script], { env: { TZ: "Asia/Kathmandu" } });
    const [, date = "", time = "", text] =
      /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{6}) - (.*)$/.exec(
        new ResourceLock(name).getLockInfo(),
      ) ?? [];
    const taken = Date.parse(`${date}T${time}+05:45`);
    expect(taken).toBeGreaterThanOrEqual(before - 1);
    expect(taken).toBeLessThanOrEqual(Date.now());
    expect(text).toBe("ä 😀");
  });

  test("a text that does not fit is an error before anything is taken", () => {
    using lock = new ResourceLock(newLockName());
    // 26 of the date and time, 3 of " - ", 1 of the NUL.
    expect(() => lock.getLock({ lockInfo: "a".repeat(4096 - 29) })).toThrow(LockInfoError);
    expect(() => lock.getLock({ lockInfo: "a\0b" })).toThrow(LockInfoError);
    expect([lock.lockValue(), lock.getLockInfo()]).toEqual([1, ""]);
    expect(lock.getLock({ lockInfo: "a".repeat(4096 - 30) })).toBe(true);
    expect(lock.getLockInfo()).toHaveLength(4095);
  });

  test("a timeout that is negative or not a number is an error", () => {
    using lock = new ResourceLock(newLockName());
    for (const timeout of [-1, Number.NaN, -Infinity]) {
      expect(() => lock.getLock({ timeout })).toThrow(RangeError);
    }
    expect(lock.isLocked()).toBe(false);
  });

  test("timeout: null waits until another process releases the lock", async () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.getLock();
    const script = `import { ResourceLock } from "${import.meta.dir}/../../src/index.ts";
      const lock = new ResourceLock(${JSON.stringify(name)}, { logger: { debug: console.log } });
      lock.getLock({ timeout: null, lockInfo: "second" });`;
    const child = start([process.execPath, "-e", script]);
    while (lock.status().waiters.length === 0) await Bun.sleep(1);
    expect(lock.ungetLock()).toBe(true);
    expect((await child.end()).stdout).toContain("Granted");
    expect(lock.getLockInfo()).toEndWith("second");
  });
});

describe("[Symbol.dispose]()", () => {
  test("releases what the object holds when the block is left by an error", () => {
    const name = newLockName();
    using observer = new ResourceLock(name);
    expect(() => {
      using lock = new ResourceLock(name);
      lock.getLock({ lockInfo: "block" });
      expect(observer.isLocked()).toBe(true);
      throw new Error("left");
    }).toThrow("left");
    expect(observer.isLocked()).toBe(false);
    expect(observer.status().holders).toEqual([]);
  });

  test("changes nothing after close(), which leaves the lock held", () => {
    const name = newLockName();
    using observer = new ResourceLock(name);
    {
      using lock = new ResourceLock(name);
      lock.getLock();
      lock.close();
    }
    expect(observer.status().holders).toMatchObject([{ attachment: "detached" }]);
    observer.ungetLock({ force: true });
  });
});

describe("hold", () => {
  test("releases the lock at the end of the block, also when it is left by an error", () => {
    using lock = new ResourceLock(newLockName());
    expect(() => {
      using guard = lock.hold({ lockInfo: "block" });
      expect(guard).toBeInstanceOf(LockGuard);
      expect(lock.isLocked()).toBe(true);
      throw new Error("left");
    }).toThrow("left");
    expect(lock.isLocked()).toBe(false);
  });

  test("is undefined when the lock is not granted in time", () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    using waiter = new ResourceLock(name);
    using guard = holder.hold();
    expect(waiter.hold({ timeout: 0 })).toBeUndefined();
    expect(guard?.release()).toBe(true);
    expect(guard?.release()).toBe(false);
    expect(waiter.hold({ timeout: 0 })?.release()).toBe(true);
  });
});

describe("acquire", () => {
  test("waits without blocking the event loop", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    using waiter = new ResourceLock(name);
    const first = holder.hold();
    let turns = 0;
    const ticking = setInterval(() => {
      turns += 1;
      if (turns === 5) first?.release();
    }, 1);
    using guard = await waiter.acquire({ timeout: null, lockInfo: "async" });
    clearInterval(ticking);
    expect(guard).toBeInstanceOf(LockGuard);
    expect(turns).toBeGreaterThanOrEqual(5);
    expect(waiter.getLockInfo()).toEndWith("async");
  });

  test("rejects with LockClosedError and leaves the queue when the lock is closed meanwhile", async () => {
    const name = newLockName();
    // With a detached hold a waiter looks at the semaphore, which is unmapped by close().
    using holder = new ResourceLock(name);
    holder.getLock();
    holder.detach();
    const waiter = new ResourceLock(name);
    const requests = [waiter.acquire({ timeout: 5 }), waiter.acquire({ timeout: null })];
    const outcomes = Promise.allSettled(requests);
    expect(holder.status().waiters).toHaveLength(2);
    waiter.close();
    expect(holder.status().waiters).toEqual([]);
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(LockClosedError) });
    }
    expect(holder.ungetLock({ force: true })).toBe(true);
  });

  test("is undefined when the lock is not granted in time", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    using waiter = new ResourceLock(name);
    holder.getLock();
    expect(await waiter.acquire({ timeout: 0 })).toBeUndefined();
    expect(await waiter.acquire({ timeout: 0.02 })).toBeUndefined();
  });

  test("is rejected with the reason of its signal and leaves nothing taken", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    using waiter = new ResourceLock(name);
    holder.getLock();
    const abort = new AbortController();
    const reason = new Error("no longer needed");
    const request = waiter.acquire({ timeout: null, signal: abort.signal });
    abort.abort(reason);
    expect(await request.catch((error: unknown) => error)).toBe(reason);
    holder.ungetLock();
    expect([waiter.isLocked(), waiter.iHaveTheLock]).toEqual([false, false]);
    expect(await waiter.acquire({ signal: abort.signal }).catch((error: unknown) => error)).toBe(
      reason,
    );
    expect(waiter.isLocked()).toBe(false);
  });

  test("is an error when the lock is closed meanwhile", async () => {
    const name = newLockName();
    using holder = new ResourceLock(name);
    const waiter = new ResourceLock(name);
    holder.getLock();
    const request = waiter.acquire({ timeout: null });
    waiter.close();
    expect(await request.catch((error: unknown) => error)).toBeInstanceOf(LockClosedError);
  });
});

const errorOfPromise = (promise: Promise<unknown>) =>
  promise.then(String, (error: unknown) => error);
const openDescriptors = () => readdirSync("/proc/self/fd").length;

/** Two requests, the first of which is granted at once, and the lock when their promises have ended. */
async function endedBy(end: (lock: ResourceLock) => void, options: GetLockOptions = {}) {
  const lock = new ResourceLock(newLockName());
  using other = new ResourceLock(lock.lockName);
  const requests = [lock.acquire(options), lock.acquire(options)].map(errorOfPromise);
  end(lock);
  return {
    errors: await Promise.all(requests),
    isLocked: other.isLocked(),
    holders: other.status().holders,
    waiters: other.status().waiters,
    isFree: other.getLock({ timeout: 0 }),
  };
}

describe("acquire() of a lock that is free", () => {
  const closed = [expect.any(LockClosedError), expect.any(LockClosedError)];
  const free = {
    errors: closed,
    isLocked: false,
    holders: [],
    waiters: [],
    isFree: true,
  };

  test("leaves nothing held when the lock is closed before the promise could tell", async () => {
    expect(await endedBy((lock) => lock.close())).toEqual(free);
  });

  test("leaves nothing held when the block is left before the promise could tell", async () => {
    expect(await endedBy((lock) => lock[Symbol.dispose]())).toEqual(free);
  });

  test("leaves nothing held when several share it and it is closed before they could tell", async () => {
    expect(await endedBy((lock) => lock.close(), { shared: true })).toEqual(free);
  });

  test("leaves nothing held when its signal is aborted before the promise could tell", async () => {
    const abort = new AbortController();
    const reason = new Error("no longer needed");
    using lock = new ResourceLock(newLockName());
    const request = lock.acquire({ signal: abort.signal });
    abort.abort(reason);
    expect(await errorOfPromise(request)).toBe(reason);
    expect(lock.iHaveTheLock).toBe(false);
    expect(lock.status().holders).toEqual([]);
    expect(lock.getLock({ timeout: 0 })).toBe(true);
  });

  test("tells the reason of its signal when the lock is closed, too", async () => {
    const abort = new AbortController();
    const lock = new ResourceLock(newLockName());
    using other = new ResourceLock(lock.lockName);
    const request = lock.acquire({ signal: abort.signal });
    abort.abort(new Error("no longer needed"));
    lock.close();
    expect(await errorOfPromise(request)).toBeInstanceOf(LockClosedError);
    expect(other.status().holders).toEqual([]);
  });

  test("keeps no descriptor open when the lock is closed before the promise could tell", async () => {
    const texts: string[] = [];
    const logger = { debug: (text: string) => texts.push(text) };
    const cycle = async (timeout: number) => {
      const lock = new ResourceLock(newLockName(), { logger });
      const requests = [lock.acquire({ timeout }), lock.acquire({ timeout })];
      lock.close();
      await Promise.allSettled(requests);
    };
    await cycle(0);
    const before = openDescriptors();
    for (let round = 0; round < 5; round++) {
      await cycle(0);
      await cycle(1);
    }
    expect(openDescriptors()).toBe(before);
  });
});

const errorOf = (lock: ResourceLock, method: Method, value: unknown) => {
  try {
    return String(Reflect.apply(lock[method].bind(lock), lock, [value]));
  } catch (error) {
    return String(error);
  }
};
type Method = "getLock" | "hold" | "ungetLock" | "setLockInfo" | "detach" | "handOn";

describe("a value that cannot be used", () => {
  test.each([
    ["getLock", { timeout: true }, "TypeError: Cannot wait for true: "],
    ["getLock", { timeout: {} }, "TypeError: Cannot wait for "],
    ["getLock", 5, "TypeError: Cannot take 5 for options: "],
    ["hold", { lockInfo: null }, "TypeError: Cannot take null for lockInfo: "],
    ["getLock", { slots: "2" }, "RangeError: Cannot hold a lock in "],
    ["ungetLock", true, "TypeError: Cannot take true for options: "],
    ["ungetLock", { force: "no" }, 'TypeError: Cannot take "no" for force: '],
    ["setLockInfo", null, "TypeError: Cannot take null for text: "],
    ["detach", "1", "RangeError: Cannot bind a lock to process 1: "],
    ["handOn", -1, "RangeError: Cannot hand a lock on as descriptor -1: "],
    ["handOn", Number.NaN, "RangeError: Cannot hand a lock on as descriptor NaN: "],
    ["handOn", 2 ** 31, "RangeError: Cannot hand a lock on as descriptor 2147483648: "],
    ["handOn", undefined, "RangeError: Cannot hand a lock on as descriptor undefined: "],
  ] as const)("%s(%j) is refused in words, and what is held stays", (method, value, text) => {
    using lock = new ResourceLock(newLockName());
    lock.getLock();
    expect(errorOf(lock, method, value)).toStartWith(text);
    expect(lock.ungetLock()).toBe(true);
  });

  test("handOn() is refused when no descriptor can have the number, by the limit of open files", () => {
    using lock = new ResourceLock(newLockName());
    lock.getLock();
    expect(() => lock.handOn(1e9)).toThrow("Cannot hand a lock on as descriptor 1000000000: ");
    expect(lock.ungetLock()).toBe(true);
  });

  test.each([
    [{ timeout: true }, "TypeError: Cannot wait for true: "],
    [{ signal: "now" }, 'TypeError: Cannot take "now" for signal: give an AbortSignal'],
    [null, "TypeError: Cannot take null for options: "],
  ])("acquire(%j) rejects in words", async (value, text) => {
    using lock = new ResourceLock(newLockName());
    const acquired: unknown = Reflect.apply(lock.acquire.bind(lock), lock, [value]);
    expect(await Promise.resolve(acquired).catch(String)).toStartWith(text);
    expect(lock.isLocked()).toBe(false);
  });

  test.each([
    [{ create: "no" }, 'TypeError: Cannot take "no" for create: '],
    [
      { logger: console.log },
      "TypeError: Cannot use a logger that has no function debug(text, method)",
    ],
    [{ sharedMemorySize: "64" }, "RangeError: Cannot create an info segment of 64 bytes"],
    [{ group: true }, "TypeError: Cannot create a lock for group true: "],
    ["x", 'TypeError: Cannot take "x" for options: '],
  ])("new ResourceLock() refuses %j in words, and creates no lock", (options, text) => {
    const name = newLockName();
    const errorOfOpening = () => {
      try {
        return String(Reflect.construct(ResourceLock, [name, options]));
      } catch (error) {
        return String(error);
      }
    };
    expect(errorOfOpening()).toStartWith(text);
    expect(existsSync(`/dev/shm/sem.${name}`)).toBe(false);
  });
});

describe("a lock that was deleted and made anew", () => {
  test("is looked at by an object that was there before, and by one that holds not", async () => {
    const name = newLockName();
    using before = new ResourceLock(name);
    for (const object of [`sem.${name}`, name, `${name}.ledger`]) rmSync(`/dev/shm/${object}`);
    using anew = new ResourceLock(name);
    anew.getLock({ lockInfo: "anew" });
    expect(before.getLock({ timeout: 0 })).toBe(false);
    expect([before.isLocked(), before.getLockInfo()]).toEqual([true, anew.getLockInfo()]);
    anew.ungetLock();
    expect(before.getLock({ timeout: 0 })).toBe(true);
  });

  test("shows its state to an object that only looks", async () => {
    const name = newLockName();
    using before = new ResourceLock(name);
    for (const object of [`sem.${name}`, name, `${name}.ledger`]) rmSync(`/dev/shm/${object}`);
    using anew = new ResourceLock(name);
    anew.getLock();
    // It looks behind the names every 1.5 s at most.
    while (!before.isLocked()) await Bun.sleep(20);
    expect(before.lockValue()).toBe(0);
  });
});

test("units that are too many are gone once a participant has held the lock", () => {
  const name = newLockName();
  using lock = new ResourceLock(name);
  lock.ungetLock();
  const semaphore = readFileSync(`/dev/shm/sem.${name}`);
  semaphore.writeUInt32LE(3);
  writeFileSync(`/dev/shm/sem.${name}`, semaphore);
  expect([lock.getLock({ timeout: 0 }), lock.lockValue()]).toEqual([true, 0]);
  expect([lock.ungetLock(), lock.lockValue()]).toEqual([true, 1]);
});

test.each([-1, 0.5, Number.NaN, 2 ** 22 + 1])(
  "detach(%p) is refused, and the hold stays",
  (pid) => {
    using lock = new ResourceLock(newLockName());
    lock.getLock();
    expect(() => lock.detach(pid)).toThrow(RangeError);
    expect(lock.status().holders).toMatchObject([{ attachment: "attached", pid: process.pid }]);
  },
);

describe("close", () => {
  test("leaves what is held held, and makes each further use an error", async () => {
    const name = newLockName();
    const lock = new ResourceLock(name);
    lock.getLock();
    lock.close();
    lock.close();
    expect(lock.closed).toBe(true);
    for (const use of [
      () => lock.getLock(),
      () => lock.ungetLock(),
      () => lock.isLocked(),
      () => lock.lockValue(),
      () => lock.getLockInfo(),
      () => lock.setLockInfo(""),
      () => lock.hold(),
      () => lock.handOn(64),
      () => lock.detach(),
      () => lock.status(),
      () => lock.history(),
    ]) {
      expect(use).toThrow(LockClosedError);
    }
    expect([lock.token, lock.slot]).toEqual([0, 0]);
    expect(await lock.acquire().catch((error: unknown) => error)).toBeInstanceOf(LockClosedError);
    expect(new ResourceLock(name).isLocked()).toBe(true);
  });

  test("ends what waits, too, when what is held cannot be left", async () => {
    const name = newLockName();
    const lock = new ResourceLock(name);
    lock.getLock();
    const waiting = lock.acquire({ timeout: null }).catch((error: unknown) => error);
    using detach = spyOn(HostLock.prototype, "detach");
    // As if another process kept the ledger locked.
    detach.mockImplementation(() => {
      throw new Error("kept locked");
    });
    expect(() => lock.close()).toThrow("kept locked");
    expect(lock.closed).toBe(true);
    expect(await waiting).toBeInstanceOf(LockClosedError);
  });
});

describe("setLockInfo", () => {
  test("writes the text as it is, ended by a NUL", () => {
    const name = newLockName();
    using lock = new ResourceLock(name);
    lock.setLockInfo("longer text");
    lock.setLockInfo("ü");
    expect(lock.getLockInfo()).toBe("ü");
    expect(readFileSync(`/dev/shm/${name}`).subarray(0, 3)).toEqual(Buffer.from("ü\0"));
  });

  test("what is not UTF-8 in the segment is read as U+FFFD, and a text without NUL to the end", () => {
    const name = newLockName();
    writeFileSync(`/dev/shm/${name}`, Buffer.from([0x61, 0xff, 0x62]));
    using lock = new ResourceLock(name);
    expect(lock.getLockInfo()).toBe("a\uFFFDb");
  });
});

/** An object that is older than the lock, and one that holds it. */
function replaced() {
  const old = new ResourceLock(newLockName());
  old.getLock();
  old.ungetLock();
  removeLock(old.lockName);
  const holder = new ResourceLock(old.lockName);
  expect(holder.getLock()).toBe(true);
  return { old, holder };
}

describe("a lock that was removed under an object, and made again", () => {
  test("ungetLock() with force gives the new semaphore's unit back", () => {
    const { old, holder } = replaced();
    expect(old.ungetLock({ force: true })).toBe(true);
    expect(holder.lockValue()).toBe(1);
    expect(holder.status().holders).toEqual([]);
  });

  test("status() tells of the new lock", () => {
    const { old, holder } = replaced();
    expect(old.status().holders).toMatchObject([{ pid: process.pid, attachment: "attached" }]);
    holder.ungetLock();
    expect(old.status().holders).toEqual([]);
  });
});
