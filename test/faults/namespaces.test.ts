/** Processes of another PID namespace, as in a container that shares /dev/shm: their numbers mean nothing here. */
import { describe, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { doWithout, haveTools, newLockName, resourcelock } from "../support/binary.ts";
import { canUnshare, unsharePids } from "../support/pid-namespace.ts";
import { binary, start, type TestProcess } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";
import { systemCalls } from "./system-calls.ts";

/** The same, with the /proc of the namespace above, whose numbers are of other processes. */
const unshareWithoutProc = unsharePids.map((word) => (word === "--mount-proc" ? "--mount" : word));

/** Starts a shell as the first process of a PID namespace. */
function inNamespace(script: string, entering = unsharePids): TestProcess {
  return start([...entering, "sh", "-c", script]);
}

async function stateOf(name: string) {
  return JSON.parse((await resourcelock("state", name, "--json")).stdout);
}

test.skipIf(!canUnshare)("run does not take over from an owner of another namespace", async () => {
  const name = newLockName();
  const script = `"$RESOURCELOCK" get ${name} -q --owner-pid $$ && echo held; read line`;
  const shell = inNamespace(script);
  expect(await shell.stdout.nextLine()).toBe("held");
  // Its number is 1, as that of a process here that was started long before it.
  expect((await stateOf(name)).holders).toMatchObject([
    { attachment: "bound", pid: null, namespacePid: 1 },
  ]);
  const shown = (await resourcelock("state", name)).stdout;
  expect(shown).toContain("bound to pid 1 of another PID namespace");
  expect((await resourcelock("run", name, "-n", "-q", "--", "true")).status).toBe(75);
  expect((await resourcelock("doctor")).stdout).toContain("pid 1 of another PID namespace");
  // Nor is it the process of that number here that is meant.
  expect((await resourcelock("unget", name, "--owner-pid", "1", "-q")).status).toBe(0);
  expect((await stateOf(name)).locked).toBe(true);
});

test.skipIf(!canUnshare)("run takes over in the namespace of an owner that ended", async () => {
  const name = newLockName();
  const script = `
    sleep 1000 & "$RESOURCELOCK" get ${name} -q --owner-pid $!
    kill -9 $!; wait $!
    "$RESOURCELOCK" run ${name} -q -t 30 -- echo granted`;
  const shell = inNamespace(script);
  expect(await shell.stdout.nextLine()).toBe("granted");
});

test.skipIf(!canUnshare)(
  "run waits for a holder of another namespace, whatever its number",
  async () => {
    const name = newLockName();
    // Process 1 of its namespace: here that is an ancestor of everybody.
    const script = `exec "$RESOURCELOCK" run ${name} -q -- sh -c "echo held; read line"`;
    const holder = inNamespace(script);
    expect(await holder.stdout.nextLine()).toBe("held");
    const waiter = start([binary, "run", name, "-q", "-t", "60", "--", "echo", "granted"]);
    const state = await eventually("a waiter", async () => {
      const seen = await stateOf(name);
      return seen.waiters.length > 0 && seen;
    });
    expect(state.holders).toMatchObject([{ attachment: "attached", pid: null, namespacePid: 1 }]);
    expect((await resourcelock("state", name, "--mine", "-q")).status).toBe(1);
    await holder.tell("\n");
    expect(await waiter.end()).toMatchObject({ status: 0, stdout: "granted\n" });
    const history = (await resourcelock("history", name, "--json")).stdout.trim().split("\n");
    expect(JSON.parse(history[0] ?? "")).toMatchObject({ pid: null, namespacePid: 1 });
  },
);

test.skipIf(!canUnshare)("run says that it was forced from another namespace", async () => {
  const name = newLockName();
  const holder = start([binary, "run", name, "--", "sh", "-c", "echo held; read line"]);
  expect(await holder.stdout.nextLine()).toBe("held");
  const other = inNamespace(`"$RESOURCELOCK" unget ${name} -q; echo done; read line`);
  expect(await other.stdout.nextLine()).toBe("done");
  await holder.tell("\n");
  const { status, stderr } = await holder.end();
  expect({ status, stderr }).toMatchObject({ status: 69 });
  expect(stderr).toMatch(/by force by pid \d+ of another PID namespace while the command ran/);
});

/** Starts a shell as in a sandbox without a /proc of its own. */
const inSandbox = (script: string) => inNamespace(script, unshareWithoutProc);

/** Runs a command with a monotonic clock that is a day ahead. */
const unshareTime = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
  "--time",
  "--monotonic",
  "86400",
  "--fork",
  "--kill-child",
];
const canUnshareTime =
  haveTools("unshare") &&
  (Bun.spawnSync([...unshareTime, "true"]).success || doWithout("time namespaces"));

test.skipIf(!canUnshareTime)(
  "run overtakes a stopped waiter when the lock was freed on a clock that is ahead",
  async () => {
    const name = newLockName();
    const command = ["sh", "-c", "echo held; read line"];
    const holder = start([...unshareTime, binary, "run", name, "-q", "--", ...command]);
    expect(await holder.stdout.nextLine()).toBe("held");
    const first = start([binary, "run", name, "--", "true"]);
    await first.stderr.until(name);
    await first.stop();
    const second = start([binary, "run", name, "-t", "30", "--", "echo", "granted"]);
    await second.stderr.until(name);
    await holder.tell("\n");
    expect(await second.end()).toMatchObject({ status: 0, stdout: "granted\n" });
    first.resume();
    expect((await first.end()).status).toBe(0);
  },
);

test.skipIf(!haveTools("strace"))("run asks for one namespace when the lock is free", async () => {
  const calls = await systemCalls(tmpdir(), [binary, "run", newLockName(), "--", "true"]);
  const asked = calls.filter((call) => call.includes("/proc/self/ns/"));
  expect(asked).toEqual([expect.stringContaining("/proc/self/ns/pid")]);
});

/** Kills the run of a command that goes on, and gives its number to a shell, once their starts tell them apart. */
const reuseNumber = (name: string, then: string) => `
  exec 3<&0
  "$RESOURCELOCK" run ${name} -- sh -c 'echo held; read line' <&3 & number=$!
  while "$RESOURCELOCK" state ${name} --check; do sleep 0.05; done
  sleep 1
  kill -9 $number; wait $number 2>/dev/null
  for try in $(seq 100); do
    echo $((number - 1)) >/proc/sys/kernel/ns_last_pid
    NUMBER=$number bash -c '[ $$ = $NUMBER ] || exit 9; ${then}'
    [ $? = 9 ] || break
  done
  echo over`;

describe.skipIf(!canUnshare)("a process with the number of a run that was killed", () => {
  test("does not run under its hold", async () => {
    const name = newLockName();
    const ask = `"$RESOURCELOCK" state ${name} --mine; echo $?; "$RESOURCELOCK" run ${name} -q --reentrant -t 1 -- echo inside; echo $?`;
    const shell = inNamespace(reuseNumber(name, ask));
    await shell.stdout.line("over");
    expect(shell.stdout.text.split("\n")).toEqual(["held", "1", "75", "over", ""]);
  });

  test("does not hold the lock for unget --owner-pid", async () => {
    const name = newLockName();
    const ask = `"$RESOURCELOCK" unget ${name} --owner-pid $NUMBER; echo $?`;
    const shell = inNamespace(reuseNumber(name, ask));
    await shell.stdout.line("over");
    expect(await stateOf(name)).toMatchObject({ locked: true });
  });
});

describe.skipIf(!canUnshare)("where /proc shows another PID namespace", () => {
  test("run --reentrant does not run beside a holder with the number of an ancestor there", async () => {
    const name = newLockName();
    // The run has number 2. In the namespace above that is the parent of all threads of the kernel, whose numbers are low.
    const shell = inSandbox(`
      "$RESOURCELOCK" run ${name} -- sh -c 'echo held; exec sleep 1000' &
      read line
      for try in 1 2 3 4; do
        "$RESOURCELOCK" run ${name} -q --reentrant -t 0.1 -- echo inside; echo $?
      done
      echo over`);
    expect(await shell.stdout.nextLine()).toBe("held");
    expect((await stateOf(name)).holders).toMatchObject([{ namespacePid: 2 }]);
    await shell.tell("\n");
    await shell.stdout.line("over");
    expect(shell.stdout.text.split("\n")).toEqual(["held", "75", "75", "75", "75", "over", ""]);
  });

  test("get --owner-pid is refused, and says why", async () => {
    const name = newLockName();
    const shell = inSandbox(`sleep 100 & "$RESOURCELOCK" get ${name} -q --owner-pid $!; echo $?`);
    expect(await shell.stdout.nextLine()).toBe("64");
    await shell.stderr.until("/proc shows the processes of another PID namespace");
    expect((await resourcelock("state", name, "--check", "-q")).status).toBe(0);
  });

  test("a program can bind a hold to a process, which is not taken for ended where it is seen", async () => {
    const name = newLockName();
    const library = `${import.meta.dir}/../../src/index.ts`;
    const program = `
      import { ResourceLock } from ${JSON.stringify(library)};
      const lock = new ResourceLock(${JSON.stringify(name)});
      lock.getLock();
      console.log(lock.detach(Number(process.env.OWNER)));`;
    // Once with the /proc of the namespace above, and then with its own.
    const shell = inSandbox(`
      sleep 1000 &
      OWNER=$! "${process.execPath}" -e '${program}'
      mount -t proc proc /proc
      "$RESOURCELOCK" run ${name} -q -n -- true; echo $?`);
    expect(await shell.stdout.nextLine()).toBe("true");
    expect(await shell.stdout.nextLine()).toBe("75");
  });

  test("doctor warns of it", async () => {
    const { stdout } = await inSandbox(`"$RESOURCELOCK" doctor; :`).end();
    expect(stdout).toContain("/proc shows the processes of another PID namespace");
  });
});
