import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import {
  casesOf,
  bash,
  haveTools,
  maskDates,
  newLockName,
  resourcelock,
  startCommand,
} from "../support/binary.ts";
import { root } from "../support/clone.ts";
import { binary, runToEnd, start } from "../support/process.ts";
import {
  filesOf,
  infoBytes,
  infoPath,
  ledgerPath,
  newFreeLock,
  newHeldLock,
  objectsOf,
  overwriteInfo,
  semaphorePath,
  semaphoreValue,
  removeLocks,
} from "./lock-files.ts";
import {
  everyCommand,
  expectAllToFail,
  expectFailure,
  expectShowable,
  foreignStateText,
  maskTimes,
} from "./outcome.ts";
afterEach(removeLocks);

const stateText = (name: string, locked: boolean, info: string) =>
  `<${name}> is currently locked?  <${locked ? "True" : "False"}>  Prior info  <${info}>\n`;
const grantedText = (name: string, info: string) =>
  `<${name}> lock request successful - Granted         <${info}>\n`;

const succeeds = (stdout: string) => ({ status: 0, stdout, stderr: "" });

/** What a terminal would act upon, and what each of it is shown as. */
const hostileText =
  "\u001B[31mred\u001B]0;title\u0007\u009B2J\r\n\tbell\u007F\u2028line\u202Eback\u2066over\u0085";
const hostileShown =
  "\\x1b[31mred\\x1b]0;title\\x07\\x9b2J\\r\\n\\tbell\\x7f\\u2028line\\u202eback\\u2066over\\x85";

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

describe("an info segment", () => {
  test("without any bytes shows as an empty text, and looking leaves it so", async () => {
    const name = await newFreeLock();
    truncateSync(infoPath(name), 0);
    expect(await resourcelock(name, "state")).toEqual(succeeds(stateText(name, false, "")));
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toEqual({
      name,
      exists: true,
      locked: false,
      value: 1,
      info: "",
      holders: [],
      waiters: [],
      grants: 1,
      recoveries: 0,
    });
    expect((await resourcelock("unget", name)).status).toBe(1);
    expect(statSync(infoPath(name)).size).toBe(0);
  });

  test.each(["get", "run"])(
    "without any bytes is made whole, with its pages, by %s",
    async (word) => {
      const name = await newFreeLock();
      truncateSync(infoPath(name), 0);
      const words = word === "run" ? ["--", "true"] : [];
      expect((await resourcelock(word, name, "-m", "whole", ...words)).status).toBe(0);
      const { size, blocks } = statSync(infoPath(name));
      expect([size, blocks * 512]).toEqual([4096, 4096]);
      expect(maskDates(infoBytes(name))).toBe("DATE - whole");
    },
  );

  test("that somebody deleted shows as an empty text, and get makes it anew", async () => {
    const name = await newFreeLock();
    rmSync(infoPath(name));
    expect(await resourcelock(name, "state")).toEqual(succeeds(stateText(name, false, "")));
    expect(Object.keys(filesOf(name))).toEqual([`sem.${name}`, `${name}.ledger`]);
    expect((await resourcelock("get", name)).status).toBe(0);
    expect(statSync(infoPath(name)).size).toBe(4096);
  });

  test("shorter than 4096 bytes is used at the size that it has", async () => {
    const name = await newFreeLock();
    writeFileSync(infoPath(name), "short".padEnd(100, "\0"));
    expect(await resourcelock(name, "state")).toEqual(succeeds(stateText(name, false, "short")));
    const granted = succeeds(grantedText(name, "DATE - who"));
    const outcome = await resourcelock(name, "get", "-m", "who");
    expect({ ...outcome, stdout: maskDates(outcome.stdout) }).toEqual(granted);
    expect(statSync(infoPath(name)).size).toBe(100);
    expect(maskDates(infoBytes(name))).toBe("DATE - who");
  });

  test.each([100, 10, 1])("of %d bytes takes no text that is longer", async (bytes) => {
    const name = await newFreeLock();
    writeFileSync(infoPath(name), "a".repeat(bytes));
    const before = filesOf(name);
    const message = "m".repeat(100);
    for (const words of [
      ["get", name, "-m", message],
      ["run", name, "-m", message, "--", "echo", "ran"],
    ]) {
      const text = `it takes 130 bytes with its date and its end mark, and there is room for ${bytes}\n`;
      expectFailure(await resourcelock(...words), 64, text);
    }
    expect(filesOf(name)).toEqual(before);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("longer than 4096 bytes is used at the size that it has", async () => {
    const name = await newFreeLock();
    writeFileSync(infoPath(name), Buffer.alloc(10_000));
    const message = "m".repeat(9_000);
    expect((await resourcelock("get", name, "-q", "-m", message)).status).toBe(0);
    const state = await resourcelock(name, "state");
    expect(maskTimes(state.stdout)).toBe(stateText(name, true, `DATE - ${message}`));
    expect(statSync(infoPath(name)).size).toBe(10_000);
  });

  test.each([4096, 50])("of %d bytes without a NUL is a text up to its end", async (bytes) => {
    const name = await newFreeLock();
    const text = "A".repeat(bytes);
    writeFileSync(infoPath(name), text);
    expect(await resourcelock(name, "state")).toEqual(succeeds(stateText(name, false, text)));
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ info: text });
    expect((await resourcelock("get", name, "-m", "next")).status).toBe(0);
    expect(statSync(infoPath(name)).size).toBe(bytes);
    expect(maskDates(infoBytes(name))).toBe("DATE - next");
  });

  test.each([
    ["is not UTF-8", [0xff, 0xfe, 0x61, 0x80, 0x62, 0], "\uFFFD\uFFFDa\uFFFDb"],
    ["is cut within a character", [0x61, 0xf0, 0x9f, 0x98, 0], "a\uFFFD"],
    ["is UTF-16", [0x61, 0, 0x62, 0], "a"],
    ["has encoded surrogates", [0x61, 0xed, 0xa0, 0x80, 0], "a\uFFFD\uFFFD\uFFFD"],
  ])("whose text %s shows, and get writes over it", async (_, bytes, shown) => {
    const name = await newFreeLock();
    overwriteInfo(name, Uint8Array.from(bytes));
    expect(await resourcelock(name, "state")).toEqual(succeeds(stateText(name, false, shown)));
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ info: shown });
    expect((await resourcelock("get", name, "-m", "next")).status).toBe(0);
    expect(maskDates(infoBytes(name))).toBe("DATE - next");
  });

  test("whose text starts with a byte order mark keeps it", async () => {
    const name = await newFreeLock();
    overwriteInfo(name, "\uFEFFtext\0");
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ info: "\uFEFFtext" });
  });
});

describe("a text that a terminal would act upon", () => {
  test("is shown escaped by every command that prints an info text", async () => {
    const name = await newHeldLock();
    overwriteInfo(name, `${hostileText}\0`);
    expect(await resourcelock("state", name)).toEqual(
      succeeds(foreignStateText(name, hostileShown)),
    );
    expect(await resourcelock(name, "state")).toEqual(
      succeeds(stateText(name, true, hostileShown)),
    );
    for (const words of [
      ["get", name, "-t", "0", "-v"],
      ["run", name, "-n", "-v", "--", "true"],
    ]) {
      const outcome = await resourcelock(...words);
      expectShowable(outcome);
      expect(outcome.stdout + outcome.stderr).toContain(`<${hostileShown}>`);
    }
  });

  test("is shown escaped by trace", async () => {
    const name = await newFreeLock();
    overwriteInfo(name, `${hostileText}\0`);
    const trace = startCommand(name, "trace");
    await trace.stdout.nextLine();
    trace.signal("SIGINT");
    const outcome = await trace.end();
    expect(outcome.stdout).toStartWith(stateText(name, false, hostileShown));
    expectShowable(outcome);
    expect(outcome.status).toBe(0);
  });

  test("is shown escaped where it is a holder's message, which the ledger has too", async () => {
    const name = newLockName();
    const script = `
      resourcelock run ${name} -m "$TEXT" -- bash -c '
        "$RESOURCELOCK" state ${name}; "$RESOURCELOCK" unget -m who ${name}; echo $PPID $$
      '`;
    const { status, stdout, stderr } = await bash(script, { env: { TEXT: hostileText } });
    const [, processId, callerId] = /^(\d+) (\d+)\n$/m.exec(stdout) ?? [];
    const holder = `pid ${processId} (${hostileShown})`;
    const forced = `was released by force by pid ${callerId} while the command ran`;
    expect(maskTimes(stdout)).toBe(
      `${name}: held by ${hostileShown} (pid ${processId}) for TIME\n` +
        `${name}: released\n${processId} ${callerId}\n`,
    );
    expect(stderr).toBe(
      `resourcelock: warning: ${holder} is still running, without lock "${name}"\n` +
        `resourcelock: warning: lock "${name}" ${forced}\n`,
    );
    expect(status).toBe(69);
  });

  test("is shown escaped with --json, and the JSON means the text itself", async () => {
    const name = await newHeldLock();
    overwriteInfo(name, `${hostileText}\0`);
    for (const words of [
      ["state", name, "--json"],
      ["get", name, "--json", "-t", "0"],
      ["unget", name, "--json"],
    ]) {
      const outcome = await resourcelock(...words);
      expectShowable(outcome);
      expect(JSON.parse(outcome.stdout)).toMatchObject({ info: hostileText });
    }
  });

  test("is shown escaped in what run says while it waits", async () => {
    const name = await newHeldLock();
    overwriteInfo(name, `${hostileText}\0`);
    const run = startCommand("run", name, "--", "true");
    await run.stderr.nextLine();
    await resourcelock("unget", name, "-q");
    const { status, stdout, stderr } = await run.end();
    const notice = `next for lock "${name}", held by a Python (cjnfuncs) program: `;
    expect(stderr).toBe(`resourcelock: ${notice}${hostileShown}\n`);
    expectShowable({ stdout, stderr });
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  test("has each character escaped in a form that can be told from others", async () => {
    const name = await newFreeLock();
    overwriteInfo(name, "\u061C\u0001\u202A\0");
    const { stdout } = await resourcelock(name, "state");
    expect(stdout).toContain("<\\u061c\\x01\\u202a>");
  });

  test("is stored byte by byte as the message gives it, and shown escaped", async () => {
    const name = newLockName();
    const get = await resourcelock(name, "get", "-m", hostileText);
    expect({ ...get, stdout: maskDates(get.stdout) }).toEqual(
      succeeds(grantedText(name, `DATE - ${hostileShown}`)),
    );
    expect(maskDates(infoBytes(name))).toBe(`DATE - ${latin1(hostileText)}`);
    const unget = await resourcelock(name, "unget", "-m", hostileText);
    expect(unget).toEqual(succeeds(`<${name}> lock force released  <${hostileShown}>\n`));
  });

  test("is stored byte by byte by run, and where it is the command's own words too", async () => {
    const name = newLockName();
    await resourcelock("run", name, "-m", hostileText, "--", "true");
    expect(maskDates(infoBytes(name))).toBe(`DATE - ${latin1(hostileText)}`);
    await resourcelock("run", name, "--", "true", hostileText);
    expect(maskDates(infoBytes(name))).toBe(`DATE - true ${latin1(hostileText)}`);
  });

  test("is shown escaped where it is a lock's name", async () => {
    const plain = newLockName();
    const name = `${plain}\u001B[31m\n\u009B2J\u202E`;
    const shown = `${plain}\\x1b[31m\\n\\x9b2J\\u202e`;
    const get = await resourcelock(name, "get");
    expect(maskDates(get.stdout)).toBe(grantedText(shown, "DATE - cli"));
    const json = await resourcelock("state", name, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ name, locked: true });
    expectShowable(json);
    expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
    truncateSync(semaphorePath(name), 5);
    expectFailure(await resourcelock("state", name), 71, shown, "5 bytes");
  });

  test("is shown escaped in every error text", async () => {
    const name = newLockName();
    for (const words of [
      [hostileText],
      ["get", name, hostileText],
      ["get", `${name}/${hostileText}`],
      ["get", name, `--${hostileText}`],
      ["get", name, `-${hostileText}`],
      ["get", name, "-t", hostileText],
      ["get", name, "-E", hostileText],
      [name, hostileText],
      ["run", name, `--${hostileText}`],
    ]) {
      const outcome = await resourcelock(...words);
      expectShowable(outcome);
      expect(outcome.stderr).toStartWith("resourcelock: ");
      expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({
        status: 64,
        stdout: "",
      });
    }
    expect(filesOf(name)).toEqual({});
    expectFailure(await resourcelock("run", name, "--", hostileText), 127, "command not found");
    expect(semaphoreValue(name)).toBe(1);
  });
});

/** Runs its words on a terminal until a line with a lock and its info text has come, and prints what came. */
const onTerminal = `
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 400, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
shown = b""
while b"red" not in shown:
    shown += os.read(terminal, 65536)
os.kill(child, 9)
os.waitpid(child, 0)
sys.stdout.buffer.write(shown)
`;

test.skipIf(!haveTools("python3"))(
  "a text that a terminal would act upon is shown escaped in the line that run updates on a terminal",
  async () => {
    const name = await newHeldLock();
    // With a date, which is another grant's: a text without one was only set.
    overwriteInfo(name, "2026-01-01 00:00:00.000001 - \u001B[31mred\u009B2J\r\n\0");
    const words = [binary, "run", name, "--", "true"];
    const python = start(["python3", "-c", onTerminal, ...words], {
      env: { TERM: "xterm" },
    });
    const { stdout } = await python.end();
    const [first = "", ...lines] = stdout.split("\r\u001B[K");
    expect(first).toBe("");
    expect(lines[0]).toStartWith(
      `resourcelock: next for lock "${name}", held by a Python (cjnfuncs) `,
    );
    for (const text of lines) expectShowable({ stdout: text, stderr: "" });
  },
);

describe("what stands in the place of a lock's file", () => {
  const kinds: [kind: string, make: (path: string) => unknown][] = [
    ["a directory", (path) => mkdirSync(path)],
    ["a symbolic link to nowhere", (path) => symlinkSync("nowhere-at-all", path)],
    ["a link to itself", (path) => symlinkSync(path, path)],
    ["a FIFO", (path) => Bun.spawnSync(["mkfifo", path])],
    ["a link to a device", (path) => symlinkSync("/dev/null", path)],
  ];

  test.each(casesOf(1, kinds))("is an error where %s is the info segment", async (_, make) => {
    const name = await newFreeLock();
    rmSync(infoPath(name));
    make(infoPath(name));
    const before = filesOf(name);
    const text = `${infoPath(name)} is damaged (it is not a regular file)`;
    await expectAllToFail(everyCommand(name), 71, `lock "${name}"`, text);
    expect(filesOf(name)).toEqual(before);
  });

  test.each(casesOf(1, kinds))("is an error where %s is the semaphore", async (_, make) => {
    const name = await newFreeLock();
    rmSync(semaphorePath(name));
    make(semaphorePath(name));
    const before = filesOf(name);
    const text = `${semaphorePath(name)} is damaged (it is not a regular file)`;
    await expectAllToFail(everyCommand(name), 71, `lock "${name}"`, text);
    expect(filesOf(name)).toEqual(before);
  });

  test.each(casesOf(1, kinds))("is an error where %s is the ledger", async (_, make) => {
    const name = await newFreeLock();
    rmSync(ledgerPath(name));
    make(ledgerPath(name));
    const before = filesOf(name);
    const text = `${ledgerPath(name)} is damaged (it is not a regular file)`;
    await expectAllToFail(everyCommand(name), 71, `lock "${name}"`, text);
    expect(filesOf(name)).toEqual(before);
  });

  test("leaves nothing else behind where the ledger alone is there and cannot be used", async () => {
    const name = newLockName();
    mkdirSync(ledgerPath(name));
    expectFailure(await resourcelock("get", name), 71, "it is not a regular file");
    expect(Object.keys(filesOf(name))).toEqual([`${name}.ledger`]);
  });

  test("leaves no semaphore behind where the info segment alone is there and cannot be used", async () => {
    const name = newLockName();
    mkdirSync(infoPath(name));
    expectFailure(await resourcelock("get", name), 71, "it is not a regular file");
    expect(Object.keys(filesOf(name))).toEqual([name]);
  });

  test("leaves no info segment behind where the semaphore alone is there and cannot be used", async () => {
    const name = newLockName();
    writeFileSync(semaphorePath(name), "");
    expectFailure(await resourcelock("get", name), 71, "0 bytes");
    expect(Object.keys(filesOf(name))).toEqual([`sem.${name}`]);
  });

  test("is not followed where it is a link to somebody's file", async () => {
    const directory = mkdtempSync(`${tmpdir()}/resourcelock-`);
    try {
      const victim = `${directory}/victim`;
      writeFileSync(victim, "precious".padEnd(32));
      const name = await newFreeLock();
      rmSync(infoPath(name));
      symlinkSync(victim, infoPath(name));
      await expectAllToFail(everyCommand(name), 71, "it is not a regular file");
      rmSync(infoPath(name));
      rmSync(semaphorePath(name));
      symlinkSync(victim, semaphorePath(name));
      await expectAllToFail(everyCommand(name), 71, "it is not a regular file");
      rmSync(semaphorePath(name));
      rmSync(ledgerPath(name));
      symlinkSync(victim, ledgerPath(name));
      for (const words of [
        ["get", name],
        ["run", name, "--", "echo", "ran"],
      ]) {
        expectFailure(await resourcelock(...words), 71, "it is not a regular file");
      }
      expect(readFileSync(victim, "utf8")).toBe("precious".padEnd(32));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test.each(casesOf(2, [0, 1, 5, 16, 31, 33, 4096]))(
    "is an error where the semaphore has %d bytes",
    async (bytes) => {
      const name = await newFreeLock();
      truncateSync(semaphorePath(name), bytes);
      const before = filesOf(name);
      const text = `${semaphorePath(name)} is damaged (it has ${bytes} bytes instead of 32)`;
      await expectAllToFail(everyCommand(name), 71, `lock "${name}"`, text);
      expect(filesOf(name)).toEqual(before);
    },
  );
});

describe("a semaphore that is cut short while it is in use", () => {
  test("ends wait with an error in words", async () => {
    const name = await newHeldLock();
    const waiting = startCommand("wait", name);
    await waiting.stderr.until(name);
    truncateSync(semaphorePath(name));
    const { status, stderr } = await waiting.end();
    expect(status).toBe(71);
    const [, error] = stderr.trimEnd().split("\n");
    expect(error).toContain(`${semaphorePath(name)} is damaged`);
  });

  test("ends a run that waits at it with an error in words", async () => {
    const name = await newHeldLock();
    const waiting = startCommand("run", name, "--", "true");
    await waiting.stderr.until(name);
    truncateSync(semaphorePath(name));
    const { status, stderr } = await waiting.end();
    expect(status).toBe(71);
    expect(stderr).toContain(`${semaphorePath(name)} is damaged (it has 0 bytes instead of 32)`);
  });

  test("does not end a run that waits at it when it has lost its name, too", async () => {
    const name = await newHeldLock();
    const waiting = startCommand("run", name, "--", "echo", "in");
    await waiting.stderr.until(name);
    truncateSync(semaphorePath(name));
    rmSync(semaphorePath(name));
    await resourcelock("unget", name);
    expect(await waiting.end()).toMatchObject({ status: 0, stdout: "in\n" });
  });

  test.each(["true", "sleep 0.2"])(
    "does not end the run whose command has cut it, and then does %s",
    async (more) => {
      const name = newLockName();
      const script = `truncate -s 0 ${semaphorePath(name)}; ${more}`;
      const outcome = await resourcelock("run", name, "--", "sh", "-c", script);
      expect(outcome).toEqual({ status: 0, stdout: "", stderr: "" });
    },
  );

  test("does not end a session that holds it, nor one that asks for it next", async () => {
    const name = newLockName();
    const session = startCommand("session");
    await session.tell(`get ${name}\n`);
    await session.stdout.until("\n");
    truncateSync(semaphorePath(name));
    await session.tell(`unget ${name}\nget ${name} -n\n`);
    await session.endInput();
    const { status, stdout } = await session.end();
    expect(status).toBeLessThan(128);
    expect(stdout.split("\n")[2]).toStartWith("71 ");
  });

  test.each([
    ["waits for it", "lock.detach(); const wait = lock.acquire({ timeout: 5 }); cut(); await wait"],
    ["blocks for it", "lock.detach(); child(); lock.hold({ timeout: 5 })"],
    ["asks whether it is held", "cut(); Bun.sleepSync(60); lock.isLocked()"],
    ["reads its value", "cut(); Bun.sleepSync(60); lock.lockValue()"],
    ["detaches from it", "cut(); Bun.sleepSync(60); lock.detach()"],
    [
      "takes it by force",
      "lock.detach(); cut(); Bun.sleepSync(60); lock.ungetLock({ force: true })",
    ],
  ])("is an error in words in a program that %s", async (_, script) => {
    const name = newLockName();
    const program = `
      import { truncateSync } from "node:fs";
      import { ResourceLock } from ${JSON.stringify(`${root}/src/index.ts`)};
      const cut = () => truncateSync(${JSON.stringify(semaphorePath(name))});
      const child = () => Bun.spawn(["sh", "-c", "sleep 0.3; truncate -s 0 ${semaphorePath(name)}"]);
      const lock = new ResourceLock(${JSON.stringify(name)});
      lock.getLock();
      try {
        ${script};
        console.log("no error");
      } catch (error) {
        console.log(error.name);
      }`;
    const outcome = await runToEnd([process.execPath, "-e", program]);
    expect(outcome).toEqual({ status: 0, stdout: "LockDamagedError\n", stderr: "" });
  });

  test("does not end a run that watches its hold", async () => {
    const name = newLockName();
    // So long that it looks meanwhile, as it does once a second.
    const command = ["sh", "-c", "echo held; sleep 2; echo over"];
    const run = startCommand("run", name, "--on-lost", "kill", "--", ...command);
    await run.stdout.until("held");
    truncateSync(semaphorePath(name));
    expect(await run.end()).toEqual({ status: 0, stdout: "held\nover\n", stderr: "" });
  });
});

describe("a message that is too long", () => {
  /** What the date, " - " and the NUL leave of 4096 bytes. */
  const longest = 4096 - "2026-01-01 00:00:00.000000".length - " - ".length - 1;

  test("by one byte is refused, and nothing is taken or changed", async () => {
    const name = await newFreeLock();
    const before = filesOf(name);
    for (const message of ["m".repeat(longest + 1), `${"ü".repeat(longest / 2)}üü`]) {
      for (const words of [
        ["get", name, "-m", message],
        ["get", name, "-a", "1", "-m", message],
        ["run", name, "-m", message, "--", "echo", "ran"],
      ]) {
        const outcome = await resourcelock(...words);
        expectFailure(outcome, 64, "info text", "there is room for 4096");
      }
    }
    expect(filesOf(name)).toEqual(before);
  });

  test("is refused on a held lock at once, without a wait", async () => {
    const name = await newHeldLock();
    const outcome = await resourcelock("get", name, "-t-1", "-m", "m".repeat(5000));
    expectFailure(outcome, 64, "info text");
    expect(semaphoreValue(name)).toBe(0);
  });

  test("leaves no lock behind where there was none", async () => {
    const name = newLockName();
    const outcome = await resourcelock("get", name, "-m", "m".repeat(5000));
    expectFailure(outcome, 64, "info text");
    expect(filesOf(name)).toEqual({});
  });

  test("by no byte is stored whole, and a run's command line is cut to fit", async () => {
    const name = newLockName();
    const message = "m".repeat(longest);
    expect((await resourcelock("get", name, "-q", "-m", message)).status).toBe(0);
    expect(maskDates(infoBytes(name))).toBe(`DATE - ${message}`);
    await resourcelock("unget", name, "-q");
    const ran = await resourcelock("run", name, "--", "true", "a".repeat(50_000));
    expect(ran).toEqual(succeeds(""));
    expect(maskDates(infoBytes(name))).toMatch(/^DATE - true a+/);
  });
});

describe("a lock's name", () => {
  const refused: [name: string, fault: string][] = [
    ["", "a name cannot be empty"],
    ["/", "a name cannot be empty"],
    [".", "name of a directory"],
    ["..", "name of a directory"],
    ["/.", "name of a directory"],
    ["/..", "name of a directory"],
    ["NAME/x", 'cannot contain "/"'],
    ["NAME/", 'cannot contain "/"'],
    ["/NAME/x", 'cannot contain "/"'],
    ["//NAME", 'cannot contain "/"'],
    ["../NAME", 'cannot contain "/"'],
    ["sem.NAME", 'cannot start with "sem."'],
    ["/sem.NAME", 'cannot start with "sem."'],
    ["NAME.ledger", 'cannot end in ".ledger"'],
    ["/NAME.ledger", 'cannot end in ".ledger"'],
    ["NAME".padEnd(300, "n"), "longer than 247 bytes"],
  ];

  test.each(casesOf(3, refused))(
    "%j is refused by every command, and nothing is made",
    async (form, fault) => {
      const name = newLockName();
      const text = form.replace("NAME", name);
      await expectAllToFail(everyCommand(text), 64, "is not a lock name", fault);
      expect(filesOf(name)).toEqual({});
      // What the names without NAME would be given.
      const made = ["sem.", "sem..", "sem..."].filter((file) => existsSync(`/dev/shm/${file}`));
      for (const file of made) rmSync(`/dev/shm/${file}`);
      expect(made).toEqual([]);
    },
  );

  test("is refused by every command in the module's word order too", async () => {
    const name = `sem.${newLockName()}`;
    for (const word of ["get", "state", "unget", "trace"]) {
      expectFailure(await resourcelock(name, word), 64, 'cannot start with "sem."');
      expectFailure(await resourcelock("", word), 64, "a name cannot be empty");
    }
    expectFailure(await resourcelock("..", "run", "--", "echo", "ran"), 64, "name of a directory");
  });

  test.each([
    ["of 248 bytes", (name: string) => name.padEnd(248, "n")],
    ["of 248 bytes in fewer characters", (name: string) => name + "ü".repeat(124)],
  ])("%s is refused", async (_, lengthen) => {
    const name = newLockName();
    await expectAllToFail(everyCommand(lengthen(name)), 64, "longer than 247 bytes");
    expect(filesOf(name)).toEqual({});
  });

  const used: [kind: string, name: () => string][] = [
    ["with spaces", () => newLockName(" my lock ")],
    ["with umlauts", () => newLockName("-äöüÄÖÜß")],
    ["with emoji", () => newLockName("-🔒👩‍🔧")],
    ["with a newline", () => newLockName("\nsecond line")],
    ["with quotes and a dollar", () => newLockName(`-"'$HOME\\`)],
    ["that starts with a dash", () => `-${newLockName()}`],
    ["that starts with two dashes", () => `--json${newLockName()}`],
    ["that starts with a dot", () => `.${newLockName()}`],
    ["that ends in .ledgers", () => newLockName(".ledgers")],
    ["of 247 bytes", () => newLockName().padEnd(247, "n")],
    ["of 247 bytes in emoji", () => `${newLockName()}${"😀".repeat(50)}`.padEnd(147, "n")],
  ];

  test.each(casesOf(2, used))("%s is as good as any", async (_, makeName) => {
    const name = makeName();
    const shown = name.replace("\n", "\\n");
    const get = await resourcelock("get", "-m", "who", "--", name);
    const gotten = `${shown}: locked; release it with: resourcelock unget `;
    expect(get).toEqual({ ...succeeds(get.stdout), stdout: expect.stringContaining(gotten) });
    expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
    expect((await resourcelock("state", "--check", "--", name)).status).toBe(1);
    const { stdout } = await resourcelock("state", "--json", "--", `/${name}`);
    expect(JSON.parse(stdout)).toMatchObject({ name, locked: true });
    expect(await resourcelock("unget", "--", name)).toEqual(succeeds(`${shown}: released\n`));
  });

  test.each(
    casesOf(2, [
      ["a byte that is never UTF-8", "\\xff"],
      ["a character that is cut short", "\\xf0\\x9f\\x98"],
      ["a surrogate", "\\xed\\xa0\\x80"],
      ["a NUL in two bytes", "\\xc0\\x80"],
      ["Latin-1", "\\xe4\\xf6\\xfc"],
    ]),
  )("with %s is refused by every command, and nothing is made", async (_, bytes) => {
    const name = newLockName();
    for (const command of ["get X", "state X", "unget X", "trace X", "run X -- echo ran"]) {
      const words = command.replace("X", () => `$'${name}${bytes}'`);
      expectFailure(await bash(`resourcelock ${words}`), 64, "it is not valid UTF-8");
    }
    expect(filesOf(name)).toEqual({});
  });
});

/** What a command does with a lock that is sound, beside one whose semaphore is garbage. */
const besideDamaged: Record<string, (name: string) => string> = {
  unget: (name) => `${name}: released\n`,
  state: (name) => `${name}: held`,
  info: () => " - ",
  remove: (name) => `${name}: removed\n`,
};

test.each(Object.entries(besideDamaged))(
  "%s goes on with the next lock when one is damaged, and its status tells of that one",
  async (command, textOf) => {
    const good = command === "remove" ? await newFreeLock() : await newHeldLock();
    const damaged = newLockName();
    writeFileSync(semaphorePath(damaged), "garbage");
    const { status, stdout, stderr } = await resourcelock(command, damaged, good);
    expect(status).toBe(71);
    expect(stderr).toContain(`${semaphorePath(damaged)} is damaged`);
    expect(stdout).toContain(textOf(good));
  },
);
