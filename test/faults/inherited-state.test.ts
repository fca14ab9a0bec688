/** What the caller of the program has left behind for it: signals, alarms, limits, an environment. */
import { afterEach, describe, expect, onTestFinished, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { bash, haveTools, newLockName, resourcelock } from "../support/binary.ts";
import { binary, runToEnd, start } from "../support/process.ts";
import {
  infoPath,
  newFreeLock,
  newHeldLock,
  removeLocks,
  semaphorePath,
  semaphoreValue,
} from "./lock-files.ts";
import { isRoot } from "./other-user.ts";
afterEach(removeLocks);

/** Runs the binary from Python, where a few lines say how. */
function python(prepare: string, ...words: string[]) {
  const program = `import os, signal, sys\n${prepare}\nos.execv(sys.argv[1], sys.argv[1:])`;
  return runToEnd(["/usr/bin/env", "python3", "-c", program, binary, ...words]);
}

/** Runs a command under a limit of seconds by alarm(2) before exec, as the Perl idiom has it. */
const alarm = (seconds: number) => `signal.alarm(${seconds})`;
const blockAlarm = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])";
const mask = ["/bin/grep", "^SigBlk", "/proc/self/status"];

describe.skipIf(!haveTools("python3"))("a SIGALRM that the caller has blocked", () => {
  test("does not keep run from giving up in time", async () => {
    const name = newLockName();
    const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; exec cat"]);
    await holder.stdout.until("held\n");
    const outcome = await python(blockAlarm, "run", name, "-t", "1", "--", "echo", "ran");
    expect({ status: outcome.status, stdout: outcome.stdout }).toEqual({ status: 75, stdout: "" });
  });

  test("is blocked in run's command, after a wait too", async () => {
    const name = newLockName();
    const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; exec cat"]);
    await holder.stdout.until("held\n");
    const { stdout: bare } = await python(`${blockAlarm}\nsys.argv[1:] = ${JSON.stringify(mask)}`);
    const run = start([
      "/usr/bin/env",
      "python3",
      "-c",
      `import os, signal, sys\n${blockAlarm}\nos.execv(sys.argv[1], sys.argv[1:])`,
      binary,
      "run",
      name,
      "--",
      ...mask,
    ]);
    await run.stderr.until(name);
    await holder.endInput();
    const { status, stdout } = await run.end();
    expect({ status, stdout }).toEqual({ status: 0, stdout: bare });
    expect(bare).toContain("SigBlk:\t0000000000002000");
  });
});

test.skipIf(!haveTools("python3"))(
  "a TERM that the caller has blocked reaches run's command",
  async () => {
    const program = `import signal, time
signal.signal(signal.SIGTERM, lambda *_: exit(3))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
print("running", flush=True)
time.sleep(20)`;
    const words = ["run", newLockName(), "--", "python3", "-c", program];
    const run = start(["env", "--block-signal=TERM", binary, ...words]);
    await run.stdout.until("running\n");
    run.signal("SIGTERM");
    expect(await run.exited()).toBe(3);
  },
);

describe.skipIf(!haveTools("python3"))("a signal that run does not take", () => {
  // A TSTP that stops nobody because it is blocked would come to run again and again.
  test.each(["TSTP", "ALRM"] as const)(
    "such as a blocked %s does nothing while a command runs, and is not passed on",
    async (name) => {
      const program = `import signal, time
counts = dict.fromkeys([signal.SIG${name}, signal.SIGCONT], 0)
def count(number, _): counts[number] += 1
for number in counts: signal.signal(number, count)
signal.pthread_sigmask(signal.SIG_UNBLOCK, list(counts))
print("running", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end: time.sleep(0.1)
print(*counts.values())`;
      const words = ["run", newLockName(), "--", "python3", "-c", program];
      const run = start(["env", `--block-signal=${name}`, binary, ...words]);
      await run.stdout.until("running\n");
      run.signal(`SIG${name}`);
      const { status, stdout } = await run.end();
      expect({ status, stdout }).toEqual({ status: 0, stdout: "running\n0 0\n" });
    },
  );
});

describe.skipIf(!haveTools("python3"))("an alarm that the caller has set", () => {
  test("ends a wait as it would end any program, and the place in the queue is free", async () => {
    const name = newLockName();
    const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; exec cat"]);
    await holder.stdout.until("held\n");
    const { status } = await python(alarm(2), "run", name, "--", "true");
    expect(status).toBe(128 + 14);
    const { stdout } = await resourcelock("state", name, "--json");
    expect(JSON.parse(stdout)).toMatchObject({ waiters: [] });
  });

  test("still comes after a wait that was shorter", async () => {
    const name = newLockName();
    const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; exec cat"]);
    await holder.stdout.until("held\n");
    const program = `import os, signal, sys\n${alarm(8)}\nos.execv(sys.argv[1], sys.argv[1:])`;
    const run = start([
      "/usr/bin/env",
      "python3",
      "-c",
      program,
      binary,
      "run",
      name,
      "--",
      "sh",
      "-c",
      "echo running; exec cat",
    ]);
    await run.stderr.until(name);
    await holder.endInput();
    await run.stdout.until("running\n");
    expect(await run.exited()).toBe(128 + 14);
  });

  test.skipIf(!haveTools("strace"))(
    "does not delay the end of a wait if it is ignored",
    async () => {
      const name = newLockName();
      const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; exec cat"]);
      await holder.stdout.until("held\n");
      const ignored = `signal.signal(14, signal.SIG_IGN); signal.setitimer(0, 1)`;
      const program = `import os, signal, sys\n${ignored}\nos.execv(sys.argv[1], sys.argv[1:])`;
      const words = ["python3", "-c", program, binary, "run", name, "-t", "2", "--", "true"];
      const { status, stderr } = await runToEnd(["strace", "-e", "trace=setitimer", ...words]);
      expect(status).toBe(75);
      // It comes due in the middle of the wait. What would end waits at once from then on would be used up at once.
      expect(stderr).toMatch(/^setitimer\(.*it_value=\{tv_sec=1,/m);
      expect(stderr).not.toMatch(
        /it_interval=\{tv_sec=1, tv_usec=0\}, it_value=\{tv_sec=0, tv_usec=1\}/,
      );
    },
  );
});

describe("without a PATH", () => {
  test("a script without #! is not run from the working directory", async () => {
    const directory = mkdtempSync(`${tmpdir()}/resourcelock-path-`);
    onTestFinished(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(`${directory}/backup`, "echo from the working directory\n", { mode: 0o755 });
    const name = newLockName();
    const outcome = await runToEnd([binary, "run", name, "--", "backup"], {
      cwd: directory,
      env: { PATH: undefined },
    });
    expect(outcome.stdout).toBe("");
    expect([126, 127]).toContain(outcome.status);
  });
});

describe("limits", () => {
  const denied = /^resourcelock: Cannot call the C library: .*MemoryDenyWriteExecute.*ulimit -v/;

  test("of address space end every command in one line, and not with 1", async () => {
    for (const words of ["state --check x", "run x -- true", "--version", "list"]) {
      const { status, stdout, stderr } = await bash(`ulimit -v 1000000; "$RESOURCELOCK" ${words}`);
      expect({ status, stdout }).toEqual({ status: 71, stdout: "" });
      expect(stderr).toMatch(denied);
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  test.skipIf(!haveTools("python3"))("of executable memory do, too", async () => {
    // PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN: Linux 6.3.
    const prepare = `import ctypes
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) != 0: print("no MDWE"); sys.exit(0)`;
    const { status, stdout, stderr } = await python(prepare, "state", "--check", "x");
    if (stdout === "no MDWE\n") return;
    expect(status).toBe(71);
    expect(stderr).toMatch(denied);
  });

  test("of file sizes are named, with what they forbid", async () => {
    const name = newLockName();
    const { status, stderr } = await bash(`ulimit -f 0; "$RESOURCELOCK" run ${name} -- true`);
    expect(stderr).toContain(`"${name}": the limit of file sizes forbids /dev/shm/${name}`);
    expect(stderr).toContain("ulimit -f");
    expect(status).toBe(71);
  });
});

describe.skipIf(!isRoot || !haveTools("setpriv"))("a program with the set-group-ID bit", () => {
  test("passes the environment on", async () => {
    const directory = mkdtempSync(`${tmpdir()}/resourcelock-setgid-`);
    onTestFinished(() => {
      rmSync(directory, { recursive: true });
    });
    chmodSync(directory, 0o755);
    const copy = `${directory}/resourcelock`;
    copyFileSync(binary, copy);
    chownSync(copy, 0, 61_009);
    chmodSync(copy, 0o2755);
    const name = newLockName();
    const { status, stdout, stderr } = await runToEnd(
      [
        "setpriv",
        "--reuid=61001",
        "--regid=61001",
        "--clear-groups",
        copy,
        "run",
        name,
        "--",
        "env",
      ],
      { env: { INHERITED: "yes" } },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain("INHERITED=yes\n");
    expect(stdout).toContain(`RESOURCELOCK_NAME=${name}\n`);
  });
});

describe("an object of an unusual size or content", () => {
  test("such as a text of 20 GB is read as far as it counts", async () => {
    const name = await newFreeLock();
    truncateSync(infoPath(name), 20 * 2 ** 30);
    for (const words of [["state", name], ["run", name, "--", "true"], ["list"]]) {
      expect((await resourcelock(...words)).status).toBe(0);
    }
  });

  test("such as a semaphore of garbage is told, and not used", async () => {
    const name = await newHeldLock();
    writeFileSync(semaphorePath(name), Buffer.alloc(32, 0xa5));
    for (const words of [
      ["state", name],
      ["run", name, "-t", "1", "--", "true"],
      ["unget", name],
    ]) {
      const { status, stderr } = await resourcelock(...words);
      expect(stderr).toContain(`${semaphorePath(name)} is damaged (`);
      expect(status).toBe(71);
    }
  });

  test("such as a semaphore at two thousand million is told, and not emptied unit by unit", async () => {
    const name = await newFreeLock();
    const bytes = Buffer.alloc(32);
    bytes.writeUInt32LE(2_000_000_000, 0);
    bytes.writeUInt32LE(128, 8);
    writeFileSync(semaphorePath(name), bytes);
    const { status, stderr } = await resourcelock("run", name, "-t", "1", "--", "true");
    expect(stderr).toContain("(it stands at 2000000000)");
    expect(status).toBe(71);
    expect(semaphoreValue(name)).toBe(2_000_000_000);
  });

  test("such as a semaphore that is cut short under run does not end it by SIGBUS", async () => {
    const name = newLockName();
    const run = start([binary, "run", name, "--", "sh", "-c", "echo held; read cut; exit 3"]);
    await run.stdout.until("held\n");
    truncateSync(semaphorePath(name), 0);
    // A hold of less than 50 ms does not pay for another look.
    await Bun.sleep(100);
    await run.tell("cut\n");
    const { status, stderr } = await run.end();
    expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
    expect((await resourcelock("run", name, "--", "true")).stderr).toContain(
      `${semaphorePath(name)} is damaged (it has 0 bytes instead of 32)`,
    );
  });
});
