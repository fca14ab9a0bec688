/** The program with --server, on a real etcd. */
import { describe, expect, test } from "bun:test";
import { newLockName } from "../support/binary.ts";
import { binary, type Outcome, runToEnd, start, untilStates } from "../support/process.ts";
import { documents } from "../documentation/documents.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { eventually } from "../support/eventually.ts";

useCluster();

/** A proxy that nobody runs: whoever asks it gets nothing. */
const noProxy = { HTTP_PROXY: "http://127.0.0.1:1", ALL_PROXY: "http://127.0.0.1:1" };

const environment = () => ({ RESOURCELOCK_SERVER: theCluster().servers, ...noProxy });

const run = (...words: string[]): Promise<Outcome> =>
  runToEnd([binary, ...words], { env: environment() });

const json = (text: string): unknown => JSON.parse(text);

/** Starts a command that holds a lock until its input ends. */
async function holdWith(...options: string[]) {
  const child = start([binary, "run", ...options, "sh", "-c", "echo inside; cat"], {
    env: environment(),
  });
  await child.stdout.until("inside");
  return child;
}

/** The fields of the last object that was printed. */
const keysOf = ({ stdout }: Outcome) =>
  Object.keys(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).toSorted();

/** The fields that a table of docs/json.md has. */
const documentedFields = (heading: string) =>
  documents.json
    .table(heading)
    .rows.map(([field = ""]) => field)
    .toSorted();

const tokenOf = ({ stdout }: Outcome) => Number(stdout.split(" ")[1]);

const inner = (option: string) => `"${binary}" run ${option} around echo in; echo $?`;

/** Holds a slot of two until its standard input ends. */
const inSlot = (message: string) =>
  start([binary, "run", "pool", "--slots", "2", "-m", message, "sh", "-c", "echo in; read line"], {
    env: environment(),
  });

describe("run --server", () => {
  etcdTest("run gives the command its token and ends with its status", async () => {
    const script = 'echo "$RESOURCELOCK_NAME $RESOURCELOCK_TOKEN"; exit 3';
    const one = await run("run", "status", "sh", "-c", script);
    const other = await run("run", "status", "sh", "-c", script);
    expect(one.status).toBe(3);
    expect(one.stdout).toMatch(/^status \d+\n$/);
    expect(tokenOf(other)).toBeGreaterThan(tokenOf(one));
    expect(await theCluster().keys("status/")).toEqual([]);
  });

  etcdTest("run keeps more locks than a transaction of etcd may have operations", async () => {
    const names = Array.from({ length: 130 }, (_, index) => `many-${index}`).join(",");
    // Without a renewal it would be asked to end after 6 s.
    const outcome = await run("run", names, "--ttl", "10s", "sleep", "7");
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
  });

  etcdTest("run sets the variables of etcdctl lock for its command", async () => {
    const { stdout } = await run("run", "variables", "env");
    const [, key = ""] = /^ETCD_LOCK_KEY=(.*)$/m.exec(stdout) ?? [];
    const [, token = ""] = /^RESOURCELOCK_TOKEN=(.*)$/m.exec(stdout) ?? [];
    expect(key).toMatch(/^variables\/[0-9a-f]+$/);
    expect(stdout).toContain(`\nETCD_LOCK_REV=${token}\n`);
    const both = await run("run", "variables-a,variables-b", "env");
    expect(both.stdout).toMatch(/^ETCD_LOCK_KEY=variables-a\/[0-9a-f]+,variables-b\/[0-9a-f]+$/m);
  });

  etcdTest("run takes its server from --server when both are given", async () => {
    const outcome = await runToEnd(
      [binary, "run", "--server", theCluster().servers, "both", "true"],
      {
        env: { ...noProxy, RESOURCELOCK_SERVER: "http://127.0.0.1:1" },
      },
    );
    expect(outcome).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  etcdTest("run takes several locks, or none", async () => {
    const holder = await holdWith("several-b");
    const refused = await run("run", "-n", "several-a,several-b", "true");
    expect(refused.status).toBe(75);
    expect(await theCluster().keys("several-a/")).toEqual([]);
    await holder.endInput();
    await holder.end();
    const taken = await run("run", "several-a,several-b", "sh", "-c", "echo $RESOURCELOCK_TOKEN");
    expect(taken.stdout).toMatch(/^\d+,\d+\n$/);
  });

  etcdTest("run waits behind etcdctl lock, and etcdctl lock behind run", async () => {
    const holder = await holdWith("peer");
    const theirs = theCluster().startEtcdctl(
      "lock",
      "peer",
      "--",
      "sh",
      "-c",
      "echo $ETCD_LOCK_REV",
    );
    await eventually("etcdctl waits", async () => (await theCluster().keys("peer/")).length === 2);
    const ours = run("run", "peer", "sh", "-c", "echo $RESOURCELOCK_TOKEN");
    await eventually("run waits", async () => (await theCluster().keys("peer/")).length === 3);
    await holder.endInput();
    const [theirToken, ourToken] = [await new Response(theirs.stdout).text(), (await ours).stdout];
    expect(Number(ourToken)).toBeGreaterThan(Number(theirToken));
    expect((await holder.end()).status).toBe(0);
  });

  etcdTest("run is refused by a run around it, and joins that with --reentrant", async () => {
    const refused = await run("run", "around", "sh", "-c", inner("-t 30"));
    expect(refused.stdout).toBe("75\n");
    const joined = await run("run", "around", "sh", "-c", inner("--reentrant"));
    expect(joined.stdout).toBe("in\n0\n");
  });

  etcdTest.each(["run", "get", "wait"])(
    "%s does not wait for a run around it, also where the environment does not tell of it",
    async (command) => {
      for (const unset of ["", "env -u RESOURCELOCK_HELD "]) {
        const rest = command === "run" ? " true" : "";
        const words = `${unset}"${binary}" ${command} inside -t 1m${rest}; echo $?`;
        const { stdout, stderr } = await run("run", "inside", "sh", "-c", words);
        expect(stdout).toBe("75\n");
        expect(stderr).toContain('Cannot wait for lock "inside": ');
      }
    },
  );

  etcdTest("run does not wait for a lock that is bound to the shell around it", async () => {
    const script = `"${binary}" get shell --owner-pid $$ && "${binary}" run shell -t 1m true; echo $?; "${binary}" run shell --reentrant echo in`;
    const { stdout, stderr } = await runToEnd(["sh", "-c", script], { env: environment() });
    expect(stdout).toMatch(/^shell: locked until pid \d+ ends\n75\nin\n$/);
    expect(stderr).toContain("for which get --owner-pid holds the lock already");
  });

  etcdTest("commands call what etcdctl holds, and waits for, by that name", async () => {
    const words = ["lock", "theirs", "--", "sleep", "60"];
    const one = theCluster().startEtcdctl(...words);
    const other = theCluster().startEtcdctl(...words);
    await eventually("both", async () => (await theCluster().keys("theirs/")).length === 2);
    const said = [
      (await run("run", "-n", "theirs", "true")).stderr,
      (await run("run", "-t", "0.1", "theirs", "true")).stderr,
      (await run("state", "theirs")).stdout,
      (await run("list")).stdout,
    ];
    one.kill();
    other.kill();
    for (const text of said) {
      expect(text).toContain("another etcd client, such as etcdctl");
      expect(text).not.toMatch(/Python|ledger/);
    }
  });

  etcdTest("run does not take a claim of this host's locks for one of the server's", async () => {
    const holder = start([binary, "run", "claimed", "sh", "-c", "echo $RESOURCELOCK_TOKEN; cat"], {
      env: environment(),
    });
    await holder.stdout.until("\n");
    // The same number, by chance.
    const RESOURCELOCK_HELD = `/claimed:${holder.stdout.text.trim()}`;
    const words = [binary, "run", "-n", "--reentrant", "claimed", "echo", "in"];
    const outcome = await runToEnd(words, { env: { ...environment(), RESOURCELOCK_HELD } });
    expect(outcome).toMatchObject({ status: 75, stdout: "" });
  });

  etcdTest("run stops its command and ends with 69 when the lease is gone", async () => {
    const child = start(
      [binary, "run", "--ttl", "3", "lost", "sh", "-c", "echo inside; sleep 99"],
      {
        env: environment(),
      },
    );
    await child.stdout.until("inside");
    const [key = ""] = await theCluster().keys("lost/");
    await theCluster().etcdctl("lease", "revoke", key.split("/")[1] ?? "");
    const { status, stderr } = await child.end();
    expect(status).toBe(69);
    expect(stderr).toContain('lock "lost" was lost while the command ran');
  });

  etcdTest("run lets its command go on with --on-lost=ignore", async () => {
    const words = ["run", "--on-lost", "ignore", "--ttl", "3", "ignore"];
    const child = start([binary, ...words, "sh", "-c", "echo inside; read line; echo done"], {
      env: environment(),
    });
    await child.stdout.until("inside");
    const [key = ""] = await theCluster().keys("ignore/");
    await theCluster().etcdctl("lease", "revoke", key.split("/")[1] ?? "");
    await eventually("the loss", async () => (await theCluster().keys("ignore/")).length === 0);
    // Longer than the lease would have lasted.
    await Bun.sleep(4000);
    await child.endInput();
    expect(await child.end()).toMatchObject({ status: 0, stdout: "inside\ndone\n" });
  });

  etcdTest("run goes on with a warning when its lock is forced away", async () => {
    const holder = await holdWith("--on-lost", "ignore", "forced");
    expect((await run("unget", "forced", "-m", "ops")).status).toBe(0);
    await holder.endInput();
    const { status, stderr } = await holder.end();
    expect(status).toBe(0);
    expect(stderr).toContain('lock "forced" was released by force by ops');
  });

  etcdTest("run keeps its lock for the command when it is killed", async () => {
    const holder = start([binary, "run", "killed", "sh", "-c", "echo inside; exec sleep 60"], {
      env: environment(),
    });
    await holder.stdout.until("inside");
    await eventually("a keeper", async () => (await keepersOf(holder.pid)).length > 0);
    holder.signal("SIGKILL");
    await holder.exited();
    expect((await run("run", "-n", "killed", "true")).status).toBe(75);
  });

  etcdTest.each([
    ["run leaves a lease without keys to end by itself, and its keeper has no part in that", 60],
    ["run has a longer lease ended by its keeper", 61],
  ])("%s", async (_, ttlSeconds) => {
    const name = newLockName();
    const holder = await holdWith("--ttl", `${ttlSeconds}s`, name);
    await eventually("a keeper", async () => (await keepersOf(holder.pid)).length > 0);
    const [keeper] = (await keepersOf(holder.pid)).map(Number);
    const [key = ""] = await theCluster().keys(`${name}/`);
    await holder.endInput();
    expect((await holder.end()).status).toBe(0);
    await untilStates([keeper ?? 0], /^[ZX]?$/);
    const lease = await theCluster().etcdctl("lease", "timetolive", key.split("/")[1] ?? "");
    expect(lease.includes("remaining(")).toBe(ttlSeconds === 60);
    expect(await theCluster().keys(`${name}/`)).toEqual([]);
  });
});

async function keepersOf(parent: number): Promise<string[]> {
  const { stdout } = await runToEnd(["pgrep", "-P", String(parent), "-f", "__keeper"]);
  return stdout.split("\n").filter((line) => line !== "");
}

describe("other commands with --server", () => {
  etcdTest("get and state tell how a lock is released on the server that was named", async () => {
    const ofServer = ["advised", "--server", theCluster().servers];
    const advice = `; release it with: resourcelock unget --server ${theCluster().servers} advised\n`;
    expect((await runToEnd([binary, "get", ...ofServer])).stdout).toEndWith(advice);
    expect((await runToEnd([binary, "state", ...ofServer])).stdout).toEndWith(advice);
    // Who set the variable has it for unget, too.
    expect((await run("state", "advised")).stdout).toEndWith(": resourcelock unget advised\n");
    expect((await run("unget", "advised")).status).toBe(0);
  });

  etcdTest("get holds without a process until unget", async () => {
    expect((await run("get", "held")).status).toBe(0);
    const { stdout } = await run("state", "held", "--json");
    expect(json(stdout)).toMatchObject({
      locked: true,
      holders: [{ attachment: "detached", pid: null, command: "cli" }],
    });
    expect((await run("get", "held", "-n")).status).toBe(75);
    expect((await run("unget", "held")).status).toBe(0);
    expect((await run("unget", "held")).status).toBe(1);
  });

  etcdTest.each([
    ["its client never pauses", "exec cat >/dev/null"],
    ["its answers are not read", "exec sleep 1000"],
  ])("session --server renews its lease though %s", async (_, reader) => {
    const name = newLockName();
    const requests = `yes "get ${name}" | "$RESOURCELOCK" session --ttl 2s`;
    const client = start(["bash", "-c", `${requests} | { head -n 1; ${reader}; }`], {
      env: environment(),
    });
    expect(await client.stdout.nextLine()).toBe(`0 ${name}: locked`);
    expect((await run("get", name, "-t", "4")).status).toBe(75);
    await client.kill();
  });

  etcdTest("session --server asks that server in every request", async () => {
    const session = start([binary, "session", "--server", theCluster().servers], {
      env: { ...environment(), RESOURCELOCK_SERVER: undefined },
    });
    await session.tell(
      "get talked\nstate talked\nlist --json\nunget talked\nhistory talked\nwait talked -n\n",
    );
    await session.endInput();
    const { status, stdout } = await session.end();
    const [get, state, list, unget, history, wait] = stdout.split("\n");
    expect(status).toBe(0);
    expect(get).toBe("0 talked: locked");
    expect(state).toStartWith("0 talked: held by session (pid ");
    expect(list).toContain('"name":"talked"');
    expect(unget).toBe("0 talked: released");
    expect(history).toContain("released");
    expect(wait).toBe("0 talked: free");
  });

  etcdTest("get --ttl lets the lock go after that time", async () => {
    const { status, stdout } = await run("get", "brief", "--ttl", "2s");
    expect([status, stdout]).toEqual([
      0,
      "brief: locked for at most 2s; release it with: resourcelock unget brief\n",
    ]);
    expect(await run("get", "brief", "--ttl", "0.1")).toMatchObject({
      status: 64,
      stderr: expect.stringContaining('--ttl: "0.1" is shorter than 1s'),
    });
    expect((await run("wait", "brief")).status).toBe(0);
  });

  etcdTest("run gets a free slot without a word, and state tells no message twice", async () => {
    const one = inSlot("one");
    await one.stdout.until("in\n");
    const other = inSlot("other");
    await other.stdout.until("in\n");
    const { stdout } = await run("state", "pool");
    expect(stdout).toContain("slot 1: other");
    expect(stdout).not.toContain("info:");
    await other.endInput();
    expect((await other.end()).stderr).toBe("");
    await one.endInput();
    await one.end();
  });

  etcdTest("get --owner-pid frees the lock when that process ends", async () => {
    const owner = start(["cat"]);
    expect((await run("get", "bound", "--owner-pid", String(owner.pid))).status).toBe(0);
    const { stdout } = await run("state", "bound", "--json");
    expect(json(stdout)).toMatchObject({ holders: [{ attachment: "bound", pid: owner.pid }] });
    await owner.endInput();
    await owner.end();
    expect((await run("wait", "bound", "-t", "60")).status).toBe(0);
    const history = await run("history", "bound", "--json");
    expect(json(history.stdout)).toMatchObject({ ending: "released" });
  });

  etcdTest("unget --token releases that hold alone", async () => {
    await run("get", "mine");
    const { stdout } = await run("state", "mine", "--json");
    const [, token = ""] = /"token":(\d+)/.exec(stdout) ?? [];
    await run("unget", "mine", "--token", String(Number(token) + 1));
    expect((await run("state", "mine", "--check")).status).toBe(1);
    await run("unget", "mine", "--token", token);
    expect((await run("state", "mine", "--check")).status).toBe(0);
  });

  etcdTest("state --mine tells whether this runs under a hold", async () => {
    const inside = await run("run", "own", "sh", "-c", `"${binary}" state own --mine; echo $?`);
    expect(inside.stdout).toBe("0\n");
    expect((await run("state", "own", "--mine")).status).toBe(1);
  });

  etcdTest("list, info, history and trace tell of a lock", async () => {
    const holder = await holdWith("-m", "a \u001B[31m message", "told");
    const listed = await run("list", "--json");
    expect(listed.stdout).toContain('"name":"told"');
    const table = await run("list");
    expect(table.stdout).not.toContain("\u001B");
    expect((await run("info", "told", "--set", "half done")).status).toBe(0);
    expect((await run("info", "told")).stdout).toBe("half done\n");
    const trace = start([binary, "trace", "told", "--json"], { env: environment() });
    await trace.stdout.until('"locked":true');
    trace.signal("SIGINT");
    await trace.end();
    await holder.endInput();
    await holder.end();
    const history = await run("history", "told", "--json");
    expect(json(history.stdout)).toMatchObject({ ending: "released", exitStatus: 0 });
  });

  etcdTest(
    "state, list, history and doctor print what their tables have for a server",
    async () => {
      const holder = await holdWith("told");
      const history = await run("history", "told", "--json");
      const requests = documentedFields("Requests in the history");
      expect(keysOf(history)).toEqual(requests);
      const { stdout } = await run("state", "told", "--json");
      const { holders, value } = JSON.parse(stdout);
      const ofHolders = documentedFields("Holders and waiters");
      expect(Object.keys(holders[0]).toSorted()).toEqual(ofHolders);
      expect(value).toBeNull();
      expect((await run("list", "--json")).stdout).toContain('"user":null');
      expect((await run("history", "told")).stdout).toContain("HOST");
      const doctor = await run("doctor", "--json", "--held-over", "0");
      const found = doctor.stdout.matchAll(/"check":"(server.*?)"/g);
      const checks = new Set([...found].map(([, check]) => check));
      const [, server] = documents.monitoring.tablesUnder("Is this host all right?");
      const documented = server?.rows.map(([check = ""]) =>
        check.replace("URL", theCluster().servers),
      );
      expect(documented).toEqual(expect.arrayContaining([...checks]));
      expect(checks.size).toBe(3);
      await holder.endInput();
      await holder.end();
    },
  );

  etcdTest("wait ends when the lock is free", async () => {
    const holder = await holdWith("awaited");
    expect((await run("wait", "awaited", "-n")).status).toBe(75);
    const waiter = start([binary, "wait", "awaited"], { env: environment() });
    await holder.endInput();
    expect((await waiter.end()).status).toBe(0);
  });
});

describe("a command line that means nothing with --server", () => {
  etcdTest.each([
    ["run x --mode 0660 true"],
    ["run x --group root true"],
    ["run x --no-adopt true"],
    ["get x --no-adopt"],
    ["run x --server http://127.0.0.1:2379/path true"],
    ["run resourcelock.history true"],
  ])("%s ends with 64", async (line) => {
    expect((await run(...line.split(" "))).status).toBe(64);
  });

  test("run --ttl ends with 64 when there is no server", async () => {
    expect((await runToEnd([binary, "run", "--ttl", "5", "x", "true"])).status).toBe(64);
  });

  test("run ends with 69 and one line when nobody listens there", async () => {
    const words = ["run", "-t", "1", "--server", "http://127.0.0.1:1", "x", "true"];
    const { status, stderr } = await runToEnd([binary, ...words]);
    expect(status).toBe(69);
    expect(stderr).toBe(
      "resourcelock: Cannot reach lock server http://127.0.0.1:1: the connection was refused\n",
    );
  });
});
