/** run --no-fork: the command takes the place of `run`, and the lock is held as long as it lives. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { haveTools, newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { binary, killStranger, start } from "../../support/process.ts";
import {
  directAndWrapped,
  jsonLines,
  objectsOf,
  printed,
  semaphoreValue,
  untilWaiting,
} from "./scenario.ts";

/** A command that says its number, and ends with its standard input. */
const untilInputEnds = ["sh", "-c", 'echo "$$"; read -r line; exit 0'];

/** A lock that nobody holds any more, and nobody has released. */
async function endedLock(...options: string[]): Promise<string> {
  const name = newLockName();
  expect(await resourcelock("run", "-F", ...options, name, "true")).toEqual(printed(""));
  return name;
}

test("run --no-fork is the command: its number, its status, with no process or thread beside it", async () => {
  const name = newLockName();
  const script = 'echo "$$ $(grep ^Threads /proc/$$/status)"; read -r line; exit 7';
  const run = startCommand("run", "--no-fork", name, "--", "sh", "-c", script);
  expect(await run.stdout.nextLine()).toBe(`${run.pid} Threads:\t1`);
  await run.endInput();
  expect((await run.end()).status).toBe(7);
});

test("run --no-fork holds the lock while its command runs, and the next one takes it without a word", async () => {
  const name = newLockName();
  const run = startCommand("run", "-F", name, ...untilInputEnds);
  await run.stdout.nextLine();
  const [state] = await jsonLines("state", name);
  expect(state).toMatchObject({
    locked: true,
    holders: [{ pid: run.pid, attachment: "attached" }],
  });
  expect((await resourcelock("run", "-n", name, "true")).status).toBe(75);
  const waiter = startCommand("run", name, "echo", "next");
  expect(await waiter.stderr.nextLine()).toStartWith(
    `resourcelock: next for lock "${name}", held by pid ${run.pid} (`,
  );
  await run.endInput();
  expect((await run.end()).status).toBe(0);
  const { stdout, stderr } = await waiter.end();
  expect({ stdout, lines: stderr.split("\n").length }).toEqual({ stdout: "next\n", lines: 2 });
  expect(await jsonLines("history", name)).toMatchObject([
    { pid: run.pid, ending: "released", exitStatus: null },
    { ending: "lapsed" },
    { ending: "released", exitStatus: 0 },
  ]);
  expect(await jsonLines("state", name)).toMatchObject([{ grants: 2, recoveries: 0 }]);
});

test("run --no-fork keeps the lock for a child that outlives its command", async () => {
  const name = newLockName();
  const script = 'sleep 1000 <&- >&- 2>&- & echo "$!"';
  const { stdout } = await resourcelock("run", "-F", name, "sh", "-c", script);
  expect((await resourcelock("run", "-n", name, "true")).status).toBe(75);
  await killStranger(Number(stdout));
  expect(await resourcelock("run", "-n", name, "echo", "granted")).toEqual(printed("granted\n"));
});

describe("the end of a command of run --no-fork", () => {
  test("leaves the lock free for state, list and wait, and locked for a peer until somebody comes", async () => {
    const name = await endedLock();
    expect(semaphoreValue(name)).toBe(0);
    expect(await jsonLines("state", name)).toMatchObject([
      { locked: false, value: 0, holders: [] },
    ]);
    expect(await resourcelock("state", name, "--check")).toEqual(printed(""));
    expect((await resourcelock("wait", name)).status).toBe(0);
    const listed = await jsonLines("list");
    expect(listed).toContainEqual(expect.objectContaining({ name, state: "free", holders: [] }));
    expect(await resourcelock("run", name, "true")).toEqual(printed(""));
    expect(semaphoreValue(name)).toBe(1);
  });

  test("is no death for a run with --no-adopt", async () => {
    const name = await endedLock();
    expect(await resourcelock("run", "-n", "--no-adopt", name, "true")).toEqual(printed(""));
  });

  test("is no wait for a run with --max-waiters 0", async () => {
    const name = await endedLock();
    expect(await resourcelock("run", "--max-waiters", "0", name, "true")).toEqual(printed(""));
  });

  test("is no death for get, and for another run --no-fork", async () => {
    const name = await endedLock();
    expect(await resourcelock("run", "-F", name, "true")).toEqual(printed(""));
    expect((await resourcelock("get", "-n", name)).stderr).toBe("");
    expect(await jsonLines("history", name)).toMatchObject([
      { ending: "released" },
      { ending: "released" },
      { ending: "detached" },
    ]);
  });

  test("lets unget free the lock for a peer, and remove delete it", async () => {
    const [freed, removed] = [await endedLock(), await endedLock()];
    expect((await resourcelock("unget", freed)).status).toBe(0);
    expect(semaphoreValue(freed)).toBe(1);
    expect(await jsonLines("history", freed)).toMatchObject([{ ending: "released" }]);
    expect((await resourcelock("remove", removed)).status).toBe(0);
    expect(objectsOf(removed)).toEqual([]);
  });

  test("does not hide that another one of its group died", async () => {
    const name = newLockName();
    const first = startCommand("run", "-F", "--shared", name, ...untilInputEnds);
    await first.stdout.nextLine();
    const second = startCommand("run", "--close", "--shared", name, ...untilInputEnds);
    await second.stdout.nextLine();
    await second.kill();
    await first.endInput();
    await first.end();
    const { status, stderr } = await resourcelock("run", name, "true");
    expect(status).toBe(0);
    expect(stderr).toContain(`took over lock "${name}" from pid ${second.pid}`);
  });
});

test("run --no-fork gives the lock up to unget, which tells from whom", async () => {
  const name = newLockName();
  const run = startCommand("run", "-F", name, ...untilInputEnds);
  await run.stdout.nextLine();
  expect((await resourcelock("unget", name)).stderr).toContain(`pid ${run.pid}`);
  expect(await resourcelock("run", "-n", name, "true")).toEqual(printed(""));
  await run.endInput();
  expect((await run.end()).status).toBe(0);
});

test("run --no-fork of a command that does not exist ends with 127 and releases the lock", async () => {
  const name = newLockName();
  expect(await resourcelock("run", "-F", name, "no-such-command")).toEqual({
    status: 127,
    stdout: "",
    stderr: 'resourcelock: command not found: "no-such-command"\n',
  });
  expect(semaphoreValue(name)).toBe(1);
  expect(await jsonLines("history", name)).toMatchObject([{ ending: "released", exitStatus: 127 }]);
  expect((await resourcelock("run", "-F", name, "/")).status).toBe(126);
  expect(semaphoreValue(name)).toBe(1);
});

test("run --no-fork takes several locks, slots and a hold around it", async () => {
  const [one, two] = [newLockName("-a"), newLockName("-b")];
  const script =
    'echo "$RESOURCELOCK_NAME $RESOURCELOCK_SLOT"; "$RESOURCELOCK" state "$0" --mine; echo $?';
  const words = ["-F", "--slots", "2", `${one},${two}`, "sh", "-c", script, two];
  expect(await resourcelock("run", ...words)).toEqual(printed(`${one},${two} 0,0\n0\n`));
  const inner = `"$RESOURCELOCK" run -F --reentrant ${one} echo under`;
  expect(await resourcelock("run", one, "-c", inner)).toEqual(printed("under\n"));
  expect(semaphoreValue(one)).toBe(1);
});

test.each([
  ["nothing", ":"],
  ["ignored signals", "trap '' TERM HUP INT QUIT"],
  ["a low limit of open files", "ulimit -Sn 64"],
  ["an open descriptor", "exec 5</dev/null"],
])(
  "run --no-fork leaves the command as its caller would have started it: with %s",
  async (_, setup) => {
    const look =
      "bash -c 'grep -E \"^(Sig|Shd)(Ign|Blk|Cgt)\" /proc/self/status; ulimit -n; readlink /proc/$$/fd/5'";
    const { direct, wrapped } = await directAndWrapped(setup, look, ["-F"]);
    expect(wrapped).toEqual(direct);
  },
);

test("run --no-fork ends by the signal that comes while it waits", async () => {
  const name = newLockName();
  await resourcelock("get", name);
  const run = startCommand("run", "-F", name, "true");
  await untilWaiting(name, 1);
  run.signal("SIGTERM");
  await run.end();
  expect(run.endedBy).toBe("SIGTERM");
});

test.each([
  [["--on-lost", "kill"], "give --no-fork or --on-lost, not both"],
  [["--replace"], "give --no-fork or --replace, not both"],
  [["--kill-after", "5"], "give --no-fork or --kill-after, not both"],
  [["--close"], "give --no-fork or --close, not both"],
  [
    ["--server", "http://127.0.0.1:1"],
    "--no-fork cannot be used with --server: run has to stay, to renew the lease",
  ],
])("run --no-fork refuses %p, which needs run beside the command", async (options, text) => {
  const { status, stderr } = await resourcelock("run", "-F", ...options, newLockName(), "true");
  expect(status).toBe(64);
  expect(stderr).toStartWith(`resourcelock: ${text}\n`);
});

test.skipIf(!haveTools("python3"))(
  "run --no-fork is the main process of a service with a notify socket and one that it listens on",
  async () => {
    const name = newLockName();
    const file = join(import.meta.dir, "service-manager.py");
    const manager = start(["python3", file, binary, "run", "-F", name, "python3", file, "service"]);
    expect(await manager.stdout.nextLine()).toBe("READY=1 from the main process");
    expect(await manager.stdout.nextLine()).toBe(`served under the lock ${name}`);
    expect((await resourcelock("state", name, "--check")).status).toBe(1);
    await manager.tell("end\n");
    expect(await manager.stdout.nextLine()).toBe("ended with 0");
    expect((await resourcelock("state", name, "--check")).status).toBe(0);
  },
);
