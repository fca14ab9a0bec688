import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { haveTools } from "../support/binary.ts";
import { isRoot, resourcelockAsNobody } from "./other-user.ts";
import { expectFailure, heldStateText, lookingCommands, maskTimes } from "./outcome.ts";
import { haveMountNamespaces, PrivateSharedMemory } from "./private-shared-memory.ts";

const nowhere = "x: free; there is no such lock yet\n";

/** What `state` prints of a lock that `get` has taken. */
const stateText = (message: string) => heldStateText("x", message);

/** What makes a lock where there is none. */
const makingCommands = [
  ["get", "x"],
  ["get", "x", "-t", "0", "--json"],
  ["get", "x", "-a", "1"],
  ["run", "x", "--", "echo", "ran"],
  ["run", "x", "-n", "-c", "echo ran"],
];

async function expectState(memory: PrivateSharedMemory, state: object): Promise<void> {
  const { stdout } = await memory.resourcelock("state", "x", "--json");
  expect(JSON.parse(stdout)).toMatchObject(state);
}

if (!isRoot) console.warn("skipping tests that need root: locks of other users");

const setting = "/proc/sys/fs/protected_regular";

/** Runs `act` on a host that guards other users' files in sticky directories as well as can be. */
async function withProtectedRegularFiles(act: () => Promise<void>): Promise<void> {
  const before = readFileSync(setting, "utf8").trim();
  if (before !== "2") writeFileSync(setting, "2");
  try {
    await act();
  } finally {
    if (before !== "2") writeFileSync(setting, before);
  }
}

function canSetProtectedRegularFiles(): boolean {
  try {
    const value = readFileSync(setting, "utf8").trim();
    if (value !== "2") writeFileSync(setting, value);
    return true;
  } catch (error) {
    console.warn(`skipping tests of fs.protected_regular: ${String(error)}`);
    return false;
  }
}

/** A full /dev/shm with a free lock whose info segment has its size, but no pages. */
async function withoutPages(): Promise<PrivateSharedMemory> {
  const memory = await PrivateSharedMemory.mount("size=16k");
  await memory.resourcelock("get", "x");
  await memory.resourcelock("unget", "x");
  await memory.prepare("rm /dev/shm/x; truncate -s 4096 /dev/shm/x");
  await memory.fill();
  return memory;
}

describe.skipIf(!(await haveMountNamespaces()))("a /dev/shm that fails", () => {
  test("where it is read-only, no lock can be made, and that is said", async () => {
    await using memory = await PrivateSharedMemory.mount("ro");
    for (const words of makingCommands) {
      expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is read-only");
    }
    expect(memory.files).toEqual({});
  });

  test("where it is full, a ledger that has to grow is told so", async () => {
    await using memory = await PrivateSharedMemory.mount("size=1m");
    await memory.resourcelock("run", "x", "--", "true");
    await memory.prepare("truncate -s 0 /dev/shm/x.ledger");
    await memory.fill();
    for (const words of makingCommands) {
      expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is full");
    }
  });

  test("where it is read-only, a lock that nobody made does not exist", async () => {
    await using memory = await PrivateSharedMemory.mount("ro");
    expect(await memory.resourcelock("state", "x")).toEqual({
      status: 0,
      stdout: nowhere,
      stderr: "",
    });
    expect((await memory.resourcelock("unget", "x")).status).toBe(1);
  });

  test("where it has become read-only, a lock cannot be used and stays as it is", async () => {
    await using memory = await PrivateSharedMemory.mount("size=1m");
    await memory.resourcelock("get", "x");
    await memory.prepare("mount -o remount,bind,ro /dev/shm");
    const before = memory.files;
    for (const words of [...makingCommands, ...lookingCommands("x")]) {
      expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is read-only");
    }
    expect(memory.files).toEqual(before);
  });

  test("where it is full, no lock can be made, that is said, and no part of one is left", async () => {
    await using memory = await PrivateSharedMemory.mount("size=16k");
    await memory.fill();
    for (const words of makingCommands) {
      expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is full");
    }
    expect(memory.files).toEqual({});
  });

  test.each([0, 1, 2])(
    "where it can have %d more files, no lock can be made, that is said, and nothing is left",
    async (files) => {
      // One for the directory itself.
      await using memory = await PrivateSharedMemory.mount(`size=1m,nr_inodes=${files + 1}`);
      for (const words of makingCommands) {
        expectFailure(
          await memory.resourcelock(...words),
          73,
          'lock "x"',
          "/dev/shm has as many files as it can have",
        );
        expect(memory.files).toEqual({});
      }
    },
  );

  test.each([1, 2])(
    "where there is room for %d of the three objects, the lock cannot be made, that is said, and no part of one is left",
    async (pages) => {
      await using memory = await PrivateSharedMemory.mount("size=16k");
      await memory.fill(pages);
      for (const words of makingCommands) {
        expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is full");
        expect(memory.files).toEqual({});
      }
    },
  );

  test("where it is full, looking at a lock that nobody made says that there is none", async () => {
    await using memory = await PrivateSharedMemory.mount("size=16k");
    await memory.fill();
    expect(await memory.resourcelock("state", "x")).toEqual({
      status: 0,
      stdout: nowhere,
      stderr: "",
    });
    expect((await memory.resourcelock("unget", "x")).status).toBe(1);
    expect(memory.files).toEqual({});
  });

  test("where it is full, a lock that was made before works as ever", async () => {
    await using memory = await PrivateSharedMemory.mount("size=16k");
    await memory.resourcelock("get", "x");
    await memory.fill();
    expect((await memory.resourcelock("unget", "x")).status).toBe(0);
    const ran = await memory.resourcelock("run", "x", "-m", "while full", "--", "echo", "ran");
    expect(ran).toEqual({ status: 0, stdout: "ran\n", stderr: "" });
    expect((await memory.resourcelock("get", "x")).status).toBe(0);
    expect((await memory.resourcelock("state", "x")).stdout).toStartWith("x: held by cli ");
  });

  describe("and an info segment that a peer made without its pages", () => {
    test("get and run fail, and take nothing", async () => {
      await using memory = await withoutPages();
      // What the ledger has drawn and noted meanwhile is of no account.
      const { "x.ledger": _, ...before } = memory.files;
      for (const words of makingCommands) {
        const { status, stdout, stderr } = await memory.resourcelock(...words);
        expect([71, 73]).toContain(status);
        expect(stdout).toBe("");
        expect(stderr).toMatch(/^resourcelock: [^\n]+\n$/);
        await expectState(memory, {
          exists: true,
          locked: false,
          value: 1,
          info: "",
          holders: [],
          waiters: [],
        });
      }
      const { "x.ledger": ledger = "", ...after } = memory.files;
      expect(after).toEqual(before);
      expect(ledger).toHaveLength("100000 ".length + 4096);
    });

    test("get and run say on which lock, and that /dev/shm is full", async () => {
      await using memory = await withoutPages();
      for (const words of makingCommands) {
        const { stderr } = await memory.resourcelock(...words);
        expect(stderr).toContain('lock "x"');
        expect(stderr).toContain("/dev/shm is full");
      }
    });

    test("get works again when there is room", async () => {
      await using memory = await withoutPages();
      await memory.resourcelock("get", "x");
      await memory.prepare("rm /dev/shm/filler");
      const get = await memory.resourcelock("get", "x", "-m", "now");
      expect(get).toMatchObject({ status: 0, stderr: "" });
      expect(maskTimes((await memory.resourcelock("state", "x")).stdout)).toBe(stateText("now"));
    });
  });

  test("where it is full, an info segment without any bytes is an error, and nothing is taken", async () => {
    await using memory = await PrivateSharedMemory.mount("size=16k");
    await memory.resourcelock("get", "x");
    await memory.resourcelock("unget", "x");
    await memory.prepare("truncate -s 0 /dev/shm/x");
    await memory.fill();
    const before = memory.files;
    for (const words of makingCommands) {
      expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "/dev/shm is full");
      await expectState(memory, { locked: false, value: 1, info: "" });
    }
    expect(memory.files).toEqual(before);
  });

  test.each(["absent", "notDirectory"] as const)(
    "where it is %s, every command says so",
    async (kind) => {
      await using memory = await PrivateSharedMemory[kind]();
      for (const words of [...makingCommands, ...lookingCommands("x")]) {
        expectFailure(await memory.resourcelock(...words), 73, 'lock "x"', "there is no /dev/shm");
      }
      expect(await memory.resourcelock("-V")).toMatchObject({ status: 0, stderr: "" });
    },
  );

  describe.skipIf(!isRoot || !haveTools("setpriv"))("a lock of another user", () => {
    test("is refused to everybody else, who are told whose it is", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      const before = memory.files;
      for (const words of [...makingCommands, ...lookingCommands("x")]) {
        const outcome = await resourcelockAsNobody(memory, ...words);
        expectFailure(outcome, 77, 'lock "x" belongs to user root (0)');
      }
      expect(memory.files).toEqual(before);
    });

    test("is refused where others may read it, as a lock has to be written", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      await memory.prepare("chmod 644 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger");
      for (const words of [...makingCommands, ...lookingCommands("x")]) {
        const outcome = await resourcelockAsNobody(memory, ...words);
        expectFailure(outcome, 77, 'lock "x" belongs to user root (0)');
      }
    });

    test("is named by its number where the user has no name", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      await memory.prepare("chown 4000000001 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger");
      const outcome = await resourcelockAsNobody(memory, "get", "x");
      expectFailure(outcome, 77, "belongs to user 4000000001 and");
    });

    test("is root's to use", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      expect((await resourcelockAsNobody(memory, "get", "x")).status).toBe(0);
      expect((await memory.resourcelock("state", "x", "--check")).status).toBe(1);
      expect((await memory.resourcelock("unget", "x")).status).toBe(0);
      expect((await resourcelockAsNobody(memory, "get", "x")).status).toBe(0);
    });

    test("is refused where its info text alone is out of reach, and nothing is taken", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      await memory.resourcelock("unget", "x");
      await memory.prepare("chmod 666 /dev/shm/sem.x /dev/shm/x.ledger");
      const before = memory.files;
      for (const words of [...makingCommands, ...lookingCommands("x")]) {
        const outcome = await resourcelockAsNobody(memory, ...words);
        expectFailure(
          outcome,
          77,
          "belongs to user root (0) and is not shared with you (/dev/shm/x)",
        );
      }
      expect(memory.files).toEqual(before);
    });

    test("is refused where its ledger alone is out of reach, and nothing is taken", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      await memory.resourcelock("unget", "x");
      await memory.prepare("chmod 666 /dev/shm/x /dev/shm/sem.x");
      const before = memory.files;
      for (const words of [...makingCommands, ...lookingCommands("x")]) {
        const outcome = await resourcelockAsNobody(memory, ...words);
        expectFailure(
          outcome,
          77,
          "belongs to user root (0) and is not shared with you (/dev/shm/x.ledger)",
        );
      }
      expect(memory.files).toEqual(before);
    });

    test("of which only the info text is there gets no semaphore and no ledger from who cannot use it", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await memory.resourcelock("get", "x");
      await memory.prepare("rm /dev/shm/sem.x /dev/shm/x.ledger");
      const before = memory.files;
      const outcome = await resourcelockAsNobody(memory, "get", "x");
      expectFailure(
        outcome,
        77,
        "belongs to user root (0) and is not shared with you (/dev/shm/x)",
      );
      expect(memory.files).toEqual(before);
    });

    test("cannot be made where /dev/shm is not for all to write", async () => {
      await using memory = await PrivateSharedMemory.mount("size=1m,mode=755");
      for (const words of makingCommands) {
        const outcome = await resourcelockAsNobody(memory, ...words);
        expectFailure(outcome, 77, 'lock "x"', "you may not create files in /dev/shm");
      }
      expect(memory.files).toEqual({});
    });

    test.skipIf(!isRoot || !canSetProtectedRegularFiles())(
      "that is shared works under fs.protected_regular, where it must not be opened with O_CREAT",
      async () => {
        await using memory = await PrivateSharedMemory.mount("size=1m,mode=1777");
        await resourcelockAsNobody(memory, "get", "x", "-q");
        await memory.prepare("chmod 666 /dev/shm/x /dev/shm/sem.x /dev/shm/x.ledger");
        await withProtectedRegularFiles(async () => {
          // The shell opens with O_CREAT: the proof that the setting is at work.
          expect((await memory.run("sh", "-c", ": >>/dev/shm/x")).status).not.toBe(0);
          const unget = await memory.resourcelock("unget", "x");
          expect(unget).toEqual({
            status: 0,
            stdout: "x: released\n",
            stderr: "",
          });
          const ran = await memory.resourcelock("run", "x", "--", "echo", "ran");
          expect(ran).toEqual({ status: 0, stdout: "ran\n", stderr: "" });
          expect((await memory.resourcelock("get", "x", "-m", "root")).status).toBe(0);
          expect(maskTimes((await memory.resourcelock("state", "x")).stdout)).toBe(
            stateText("root"),
          );
        });
        const state = await resourcelockAsNobody(memory, "state", "x");
        expect(maskTimes(state.stdout)).toBe(stateText("root"));
      },
    );
  });
});
