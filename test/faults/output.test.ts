import { afterEach, describe, expect, test } from "bun:test";
import { bash, casesOf, haveTools, maskDates, newLockName } from "../support/binary.ts";
import { binary, runToEnd } from "../support/process.ts";
import {
  filesOf,
  infoBytes,
  newFreeLock,
  newHeldLock,
  objectsOf,
  overwriteInfo,
  semaphoreValue,
  removeLocks,
  withoutDraws,
} from "./lock-files.ts";
import { maskTimes } from "./outcome.ts";
afterEach(removeLocks);

/** Ways in which stdout takes nothing: the script's words before and after the command line, and the cause. */
const deadOutputs: [kind: string, before: string, after: string, cause: string][] = [
  ["closed", "", ">&-", "it is closed"],
  ["full", "", ">/dev/full", "No space left on device"],
  // By the end of `wait` there is no reader left.
  ["a broken pipe", "exec 4> >(:); wait $!;", ">&4", ""],
  ["open for reading only", "", "1</dev/null", "Bad file descriptor"],
];

describe.each(deadOutputs)("where stdout is %s", (_, before, after, cause) => {
  const said = {
    status: 71,
    stdout: "",
    stderr: `resourcelock: Cannot write to stdout: ${cause}\n`,
  };
  // Where nobody reads, it dies of SIGPIPE without a word, as every filter does.
  const failed = cause === "" ? { status: 141, stdout: "", stderr: "" } : said;
  const run = (words: string) => bash(`${before} resourcelock ${words} ${after}`);

  test.each(
    casesOf(1, [
      "state",
      "state --json",
      "state -v",
      "trace",
      "trace --json -u 10",
      "get --json -t 0",
    ]),
  )("%s of a held lock fails and leaves it as it is", async (words) => {
    const name = await newHeldLock();
    const files = filesOf(name);
    const unchanged = words.startsWith("get") ? withoutDraws : (same: typeof files) => same;
    const { stderr, ...outcome } = await run(`${words} ${name}`);
    const withoutDebugLines = stderr.replace(/^resourcelock: debug: .*\n/gm, "");
    expect({ ...outcome, stderr: withoutDebugLines }).toEqual(failed);
    expect(unchanged(filesOf(name))).toEqual(unchanged(files));
  });

  test.each(casesOf(1, ["state", "unget", "trace"]))(
    "%s of a lock that nobody made fails",
    async (words) => {
      const name = newLockName();
      expect(await run(`${words} ${name}`)).toEqual(failed);
      expect(filesOf(name)).toEqual({});
    },
  );

  test.each(casesOf(1, ["get", "get --json", "get -a 100", "get -t -1 -m who"]))(
    "%s fails and does not leave the lock taken",
    async (words) => {
      const made = await newFreeLock();
      expect(await run(`${words} ${made}`)).toEqual(failed);
      expect(semaphoreValue(made)).toBe(1);
      const name = newLockName();
      expect(await run(`${words} ${name}`)).toEqual(failed);
      expect(semaphoreValue(name)).toBe(1);
    },
  );

  test("unget fails, and a script can see that it was told nothing", async () => {
    const name = await newHeldLock();
    expect(await run(`unget ${name}`)).toEqual(failed);
  });

  test.each(casesOf(1, ["-V", "--version", "-h", "--help", "get --help", "run -h"]))(
    "%s fails",
    async (words) => {
      expect(await run(words)).toEqual(failed);
    },
  );

  test("what prints nothing works", async () => {
    const name = newLockName();
    const silent = { status: 0, stdout: "", stderr: "" };
    expect(await run(`get -q ${name}`)).toEqual(silent);
    expect(semaphoreValue(name)).toBe(0);
    expect(await run(`state --check ${name}`)).toEqual({ ...silent, status: 1 });
    expect(await run(`unget -q ${name}`)).toEqual(silent);
    expect(await run(`run ${name} -- true`)).toEqual(silent);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("run's command gets it as it is", async () => {
    const name = newLockName();
    const command = "sh -c 'LC_ALL=C echo text'";
    const bare = await bash(`${before} ${command} ${after}`);
    const ran = await run(`run ${name} -- ${command}`);
    expect(bare.status).not.toBe(0);
    expect(ran).toEqual(bare);
    expect(semaphoreValue(name)).toBe(1);
  });
});

test("where a file may not grow, run fails, and leaves the lock free", async () => {
  const name = await newFreeLock();
  const { status, stderr } = await bash(`ulimit -f 0; resourcelock run ${name} -- true`);
  const cause = `the limit of file sizes forbids /dev/shm/${name}.ledger; raise it (ulimit -f)`;
  expect([status, stderr]).toEqual([71, `resourcelock: Cannot use lock "${name}": ${cause}\n`]);
  expect(semaphoreValue(name)).toBe(1);
  expect(await bash(`resourcelock run -n ${name} -- echo ran`)).toMatchObject({
    status: 0,
    stdout: "ran\n",
    stderr: "",
  });
});

test("where a file may not grow, state fails", async () => {
  const name = await newFreeLock();
  const file = `/dev/shm/${newLockName("-output")}`;
  expect(await bash(`ulimit -f 0; resourcelock state ${name} >${file}`)).toEqual({
    status: 71,
    stdout: "",
    stderr: "resourcelock: Cannot write to stdout: File too large\n",
  });
});

test("trace dies of SIGPIPE when its reader goes away", async () => {
  const name = await newFreeLock();
  const trace = `resourcelock trace -u 0.01 ${name}`;
  const { stdout, stderr } = await bash(`${trace} | head -n 1; echo "\${PIPESTATUS[0]}"`);
  expect(stdout).toBe(`${name}: free
141
`);
  expect(stderr).toBe("");
});

describe.each([
  ["closed", "2>&-"],
  ["full", "2>/dev/full"],
  ["a broken pipe", "2>&4"],
])("where stderr is %s", (_, redirection) => {
  const before = redirection === "2>&4" ? "exec 4> >(:); wait $!;" : "";
  const run = async (words: string) => {
    const outcome = await bash(`${before} resourcelock ${words} ${redirection}`);
    return { ...outcome, stdout: maskTimes(outcome.stdout) };
  };

  test("results are what they are elsewhere, with -v too", async () => {
    const name = newLockName();
    for (const [words, result] of [
      ["get -v -m who", "locked; release it with: resourcelock unget NAME"],
      ["state -v", "held by who (no process) for TIME; release it with: resourcelock unget NAME"],
      ["unget -v", "released"],
    ] as const) {
      const stdout = `${name}: ${result.replace("NAME", name)}\n`;
      expect(await run(`${words} ${name}`)).toMatchObject({ status: 0, stdout });
    }
    expect(await run(`run -v ${name} -- echo ran`)).toMatchObject({ status: 0, stdout: "ran\n" });
  });

  test("diagnostics end up nowhere, least of all in the lock's own files", async () => {
    const name = await newHeldLock();
    const files = filesOf(name);
    expect((await run(`get -v -t 0 ${name}`)).status).toBe(75);
    expect((await run(`run -v -n ${name} -- echo ran`)).status).toBe(75);
    const refused = filesOf(name);
    expect(withoutDraws(refused)).toEqual(withoutDraws(files));
    expect((await run(`state -v ${name}`)).status).toBe(0);
    expect(filesOf(name)).toEqual(refused);
  });

  test("failures have their statuses", async () => {
    const name = newLockName();
    for (const [words, status] of [
      [`get ${name} --no-such-option`, 64],
      [`get sem.${name}`, 64],
      [`run ${name} -- /nonexistent`, 127],
      [`run ${name} -- /dev/null`, 126],
      [`run ${name} -c 'exit 3'`, 3],
    ] as const) {
      expect(await run(words)).toEqual({ status, stdout: "", stderr: "" });
    }
    expect(semaphoreValue(name)).toBe(1);
  });
});

describe("where stdin is closed", () => {
  test("everything works", async () => {
    const name = newLockName();
    const statuses = await bash(`
      exec <&-
      resourcelock get -q ${name}; echo $?
      resourcelock state -q ${name}; echo $?
      resourcelock unget -q ${name}; echo $?
      resourcelock run ${name} -- true; echo $?
      resourcelock get -q -a 0.01 ${name}; echo $?
      resourcelock -V
    `);
    expect(statuses).toMatchObject({ status: 0, stderr: "" });
    expect(statuses.stdout).toMatch(/^0\n0\n0\n0\n0\nresourcelock \S+\n$/);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("run's command has it closed too", async () => {
    const name = newLockName();
    const bare = await bash("LC_ALL=C cat <&-");
    const ran = await bash(`LC_ALL=C resourcelock run ${name} -- cat <&-`);
    expect(bare.status).toBe(1);
    expect(ran).toEqual(bare);
  });
});

test("where all three streams are closed, a lock's files are not taken for one of them", async () => {
  const name = newLockName();
  const { stdout } = await bash(`
    (resourcelock get -v -m who ${name} <&- >&- 2>&-); echo $?
    (resourcelock get -q -m who ${name} <&- >&- 2>&-); echo $?
    (resourcelock run -n -v ${name} <&- >&- 2>&- -- echo ran); echo $?
    (resourcelock state ${name} <&- >&- 2>&-); echo $?
  `);
  expect(stdout).toBe("71\n0\n75\n71\n");
  expect(maskDates(infoBytes(name))).toBe("DATE - who");
  expect(semaphoreValue(name)).toBe(0);
  expect(Object.keys(filesOf(name))).toEqual(objectsOf(name));
});

/**
 * Gives its words a pipe of one page for stdout that does not block, and reads none of it before the page is
 * full and the program sleeps, page after page.
 */
const slowReader = `
import array, fcntl, os, subprocess, sys, termios, time
reader, writer = os.pipe()
page = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
program = subprocess.Popen(sys.argv[1:], stdout=writer)
os.close(writer)

def filled():
    count = array.array("i", [0])
    fcntl.ioctl(reader, termios.FIONREAD, count)
    return count[0] == page

def state():
    with open(f"/proc/{program.pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]

while True:
    while not (filled() and state() == "S") and state() != "Z":
        time.sleep(0.001)
    text = os.read(reader, page)
    if not text:
        break
    sys.stdout.buffer.write(text)
sys.exit(program.wait())
`;

/** Runs the binary with such a reader; what was read is the outcome's stdout. */
const readSlowly = (...words: string[]) =>
  runToEnd(["python3", "-c", slowReader, binary, ...words]);

describe.skipIf(!haveTools("python3"))(
  "where stdout is a pipe that does not block and is full",
  () => {
    test("state waits for its reader and prints all of a long text", async () => {
      const name = await newFreeLock();
      // Six characters in JSON for each.
      const info = "\u0001".repeat(4000);
      overwriteInfo(name, info.padEnd(4096, "\0"));
      const { status, stdout, stderr } = await readSlowly("state", name, "--json");
      expect(JSON.parse(stdout)).toEqual({
        name,
        exists: true,
        locked: false,
        value: 1,
        info,
        holders: [],
        waiters: [],
        grants: 1,
        recoveries: 0,
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    });

    test("get waits for its reader and prints all of its message", async () => {
      const name = newLockName();
      const message = "\u001B".repeat(4000);
      const { status, stdout, stderr } = await readSlowly(name, "get", "-m", message);
      expect(maskDates(stdout)).toBe(
        `<${name}> lock request successful - Granted         <DATE - ${"\\x1b".repeat(4000)}>\n`,
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(semaphoreValue(name)).toBe(0);
    });
  },
);
