/** One lock, shared with a Python peer that knows nothing but the table of its objects. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isWhole, newLockName } from "../support/binary.ts";
import { newDirectory } from "../support/directory.ts";
import { type Outcome, runToEnd, start } from "../support/process.ts";
import {
  type Contention,
  libraryContender,
  pythonContender,
  pythonPeer,
  resourcelock,
  shellContender,
  whyNoPython,
} from "./peer-processes.ts";
import { commandLine, library, python } from "./sides.ts";

/** `YYYY-MM-DD HH:MM:SS.ffffff - `; Python leaves the fraction out where it is zero. */
const stamp = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{6})? - /;
const stampBytes = "YYYY-MM-DD HH:MM:SS.ffffff - ".length;

/** A text of so many bytes in UTF-8, most of which are of characters of two. */
function textOfBytes(bytes: number): string {
  return "ä".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2);
}

const notGranted = 75;
const usageError = 64;

/** Who made the objects, or took the lock, or wrote the text; and who finds it so. */
const bothWays = [
  [commandLine, python],
  [library, python],
  [python, commandLine],
  [python, library],
] as const;

const semaphorePath = (lockName: string) => `/dev/shm/sem.${lockName}`;
const ledgerPath = (lockName: string) => `/dev/shm/${lockName}.ledger`;
const infoPath = (lockName: string) => `/dev/shm/${lockName}`;
const noPython = whyNoPython();
if (process.env["RESOURCELOCK_REQUIRE_TOOLS"]) {
  test("a Python for the peer is there, as tools are required", () => {
    expect(noPython).toBeUndefined();
  });
} else if (noPython !== undefined) {
  console.warn(`test/peer is skipped: ${noPython}`);
}

describe.skipIf(noPython !== undefined)("a lock shared with a Python peer", () => {
  describe("its objects", () => {
    for (const [maker, user] of bothWays) {
      test(`those that ${maker.title} made are used by ${user.title} as they are`, async () => {
        const name = newLockName();
        expect(await maker.get(name)).toBe(true);
        const made = [semaphorePath(name), infoPath(name)].map((path) => statSync(path));
        expect(made.map(({ mode }) => mode & 0o7777)).toEqual([0o600, 0o600]);
        expect(made.map(({ size }) => size)).toEqual([32, 4096]);

        expect(await user.unget(name)).toBe(true);
        expect(await user.get(name, { info: "second" })).toBe(true);
        const { locked, value, info } = await maker.state(name);
        expect({ locked, value }).toEqual({ locked: true, value: 0 });
        expect(info).toEndWith(" - second");

        const used = [semaphorePath(name), infoPath(name)].map((path) => statSync(path));
        const identity = made.map(({ ino, mode, size }) => ({ ino, mode, size }));
        expect(used.map(({ ino, mode, size }) => ({ ino, mode, size }))).toEqual(identity);
        const { mode, size } = statSync(ledgerPath(name));
        expect({ mode: mode & 0o7777, size }).toEqual({ mode: 0o600, size: 4096 });
      });
    }

    test("a lock named with a leading slash is the lock without it", async () => {
      const name = newLockName();
      expect(await python.get(`/${name}`)).toBe(true);
      expect(await commandLine.get(name)).toBe(false);
      expect(await commandLine.unget(`/${name}`)).toBe(true);
      expect(await python.get(name)).toBe(true);
    });

    for (const size of [100, 8192]) {
      test(`a segment that Python made with ${size} bytes is used whole at that size`, async () => {
        const name = newLockName();
        const made = await runToEnd(pythonPeer("--size", String(size), name, "get"));
        expect(made.status).toBe(0);
        expect(await commandLine.unget(name)).toBe(true);
        expect(statSync(infoPath(name)).size).toBe(size);

        const text = "x".repeat(size - stampBytes - 1);
        const refused = await runToEnd(resourcelock("get", name, "-m", `${text}x`));
        expect(refused.status).toBe(usageError);
        expect(await python.state(name)).toMatchObject({ locked: false, value: 1 });

        expect(await commandLine.get(name, { info: text })).toBe(true);
        expect((await python.state(name)).info.replace(stamp, "")).toBe(text);
        expect(statSync(infoPath(name)).size).toBe(size);

        await python.setInfo(name, "y".repeat(size - 1));
        expect((await commandLine.state(name)).info).toBe("y".repeat(size - 1));
        expect((await library.state(name)).info).toBe("y".repeat(size - 1));
      });
    }

    test("a segment that a peer has made but not yet sized is sized for it", async () => {
      const name = newLockName();
      writeFileSync(infoPath(name), "", { mode: 0o600 });
      expect(await commandLine.get(name, { info: "first" })).toBe(true);
      expect(statSync(infoPath(name)).size).toBe(4096);
      expect((await python.state(name)).info).toEndWith(" - first");
    });
  });

  describe("holding it", () => {
    for (const [holder, other] of bothWays) {
      test(`what ${holder.title} has taken, ${other.title} sees, cannot get, and can release by force`, async () => {
        const name = newLockName();
        expect(await holder.get(name, { info: "holder" })).toBe(true);
        expect(await other.state(name)).toMatchObject({ locked: true, value: 0 });
        expect(await other.get(name, { info: "other" })).toBe(false);
        expect(await other.get(name, { info: "other", timeoutSeconds: 0.1 })).toBe(false);
        expect((await other.state(name)).info).toEndWith(" - holder");

        expect(await other.unget(name)).toBe(true);
        expect(await holder.state(name)).toMatchObject({ locked: false, value: 1 });
        expect(await holder.unget(name)).toBe(false);
        expect(await other.unget(name)).toBe(false);
        expect(await holder.state(name)).toMatchObject({ locked: false, value: 1 });
      });
    }

    test("Python leaves a lock that it has not taken itself, unless forced", async () => {
      const name = newLockName();
      expect(await commandLine.get(name)).toBe(true);
      expect(await runToEnd(pythonPeer(name, "unget"))).toEqual({
        status: 1,
        stdout: "",
        stderr: "",
      });
      expect(await commandLine.state(name)).toMatchObject({ locked: true, value: 0 });
    });

    test("while Python holds it, state shows a foreign holder, and makes no ledger to do so", async () => {
      const name = newLockName();
      expect(await python.get(name, { info: "peer" })).toBe(true);
      const { info } = await python.state(name);
      const state = await runToEnd(resourcelock("state", name));
      expect(state).toEqual({
        status: 0,
        stdout: `${name}: held by a Python (cjnfuncs) program: ${info.replace(stamp, "")}\n`,
        stderr: "",
      });
      const { stdout } = await runToEnd(resourcelock("state", name, "--json"));
      const holder = {
        pid: null,
        command: "",
        since: null,
        kind: "exclusive",
        attachment: "foreign",
        token: null,
        slot: null,
        slots: null,
      };
      expect(JSON.parse(stdout)).toEqual({
        name,
        exists: true,
        locked: true,
        value: 0,
        info,
        holders: [holder],
        waiters: [],
        grants: 0,
        recoveries: 0,
      });
      expect(existsSync(ledgerPath(name))).toBe(false);
    });

    test("while Python holds it, get and run that do not wait end with 75", async () => {
      const name = newLockName();
      const holder = start(pythonPeer(name, "hold"));
      await holder.stdout.line("held");
      expect((await runToEnd(resourcelock("get", name, "-t", "0"))).status).toBe(notGranted);
      const { status, stdout } = await runToEnd(
        resourcelock("run", name, "-n", "--", "echo", "ran"),
      );
      expect({ status, stdout }).toEqual({ status: notGranted, stdout: "" });
      await holder.endInput();
      expect((await holder.end()).status).toBe(0);
      expect(await commandLine.get(name)).toBe(true);
    });

    test("run waits for Python's release and then goes on", async () => {
      const name = newLockName();
      const holder = start(pythonPeer(name, "hold", "--info", "grüße 🔒"));
      await holder.stdout.line("held");
      const runner = start(resourcelock("run", name, "--", "echo", "ran"));
      const { info } = await python.state(name);
      expect(info.replace(stamp, "")).toBe("grüße 🔒");
      expect(await runner.stderr.line(" for lock ")).toBe(
        `resourcelock: next for lock "${name}", held by a Python (cjnfuncs) program: grüße 🔒`,
      );
      await holder.endInput();
      expect((await holder.end()).status).toBe(0);
      expect(await runner.end()).toMatchObject({ status: 0, stdout: "ran\n" });
      expect(await python.state(name)).toMatchObject({ locked: false, value: 1 });
    });

    test("Python waits for the command of run to end and then goes on", async () => {
      const name = newLockName();
      const runner = start(
        resourcelock("run", name, "--", "sh", "-c", "echo held; read -r _; exit 7"),
      );
      await runner.stdout.line("held");
      const waiter = start(pythonPeer(name, "hold"));
      await waiter.stdout.line("waiting");
      await runner.endInput();
      expect((await runner.end()).status).toBe(7);
      await waiter.stdout.line("held");
      await waiter.endInput();
      expect((await waiter.end()).status).toBe(0);
      expect(await commandLine.state(name)).toMatchObject({ locked: false, value: 1 });
    });
  });

  describe("its info text", () => {
    const texts = ["Prüfung der Größe: äöüß ÄÖÜ", "🔒 👩‍👩‍👧 🇪🇺 ✍🏽", "", "--force", "one\n\ttwo"];
    const described = "be it long, with umlauts or emoji, empty, like an option or of two lines";

    for (const [writer, reader] of bothWays) {
      test(`of a grant to ${writer.title} is read by ${reader.title}, ${described}`, async () => {
        const name = newLockName();
        // The longest first: of what follows, each has to end before the rest of the one before.
        for (const text of [textOfBytes(4096 - stampBytes - 1), ...texts]) {
          expect(await writer.get(name, { info: text })).toBe(true);
          const { info } = await reader.state(name);
          expect(info).toMatch(stamp);
          expect(info.replace(stamp, "")).toBe(text);
          expect(await reader.unget(name)).toBe(true);
          expect((await reader.state(name)).info).toBe(info);
        }
      });
    }

    for (const [writer, reader] of [
      [library, python],
      [python, library],
      [python, commandLine],
    ] as const) {
      test(`set by ${writer.title} is read by ${reader.title}, ${described}`, async () => {
        const name = newLockName();
        for (const text of [textOfBytes(4096 - 1), ...texts]) {
          await writer.setInfo(name, text);
          expect(await reader.state(name)).toEqual({ locked: false, value: 1, info: text });
        }
      });
    }

    test("has the local time of whoever wrote it, alike on both sides", async () => {
      const name = newLockName();
      // A POSIX zone, for which no zone file is needed: ahead of UTC by 5:45.
      const environment = { TZ: "TEST-5:45" };
      const infos: string[] = [];
      for (const command of [
        pythonPeer(name, "get"),
        resourcelock("get", name),
        pythonPeer(name, "get"),
      ]) {
        expect((await runToEnd(command, { env: environment })).status).toBe(0);
        infos.push((await library.state(name)).info);
        expect(await library.unget(name)).toBe(true);
      }
      expect(infos).toEqual(infos.toSorted());
    });
  });

  test("4 Python processes and 4 of ours contend over many critical sections without a lost update", async () => {
    const directory = newDirectory();
    const share = isWhole ? 100 : 15;
    const contention = {
      lockName: newLockName(),
      counter: join(directory, "counter"),
      witness: join(directory, "witness"),
    };
    writeFileSync(contention.counter, "0\n");
    await contend(contention, [
      ...repeated(4, { contender: pythonContender, sections: 3 * share }),
      ...repeated(2, { contender: libraryContender, sections: 3 * share }),
      ...repeated(2, { contender: shellContender, sections: share }),
    ]);
    expect(readFileSync(contention.counter, "utf8")).toBe(`${20 * share}\n`);
    expect(existsSync(contention.witness)).toBe(false);
    expect(await commandLine.state(contention.lockName)).toMatchObject({ value: 1 });
    expect(await python.state(contention.lockName)).toMatchObject({ value: 1 });
  });
});

interface Share {
  contender: (contention: Contention) => string[];
  sections: number;
}

function repeated(times: number, share: Share): Share[] {
  return Array.from({ length: times }, () => share);
}

/** Lets them all loose at once, and fails with what the first one says that fails. */
async function contend(
  contention: Omit<Contention, "sections">,
  shares: readonly Share[],
): Promise<void> {
  // Nobody begins before everybody is there.
  expect(await commandLine.get(contention.lockName)).toBe(true);
  const contenders = shares.map(({ contender, sections }) =>
    start(contender({ ...contention, sections }), { deadlineSeconds: 280 }),
  );
  await Promise.all(contenders.map(({ stdout }) => stdout.line("ready")));
  expect(await python.unget(contention.lockName)).toBe(true);
  // One that fails may leave the lock locked, and the others would wait for ever.
  await Promise.all(contenders.map(async (contender) => succeeded(await contender.end())));
}

function succeeded({ status, stdout, stderr }: Outcome): void {
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "ready\n", stderr: "" });
}
