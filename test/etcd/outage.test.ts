/** The server is away past the time in which commands are stopped, and is back before anybody's lease has ended. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { binary, runToEnd, start, type TestProcess } from "../support/process.ts";
import { eventually } from "../support/eventually.ts";
import { EtcdCluster, haveEtcd } from "./etcd-cluster.ts";

const etcdTest = test.skipIf(!haveEtcd);

/** What runs under a lock is killed after 3.4 s without a renewal; a leader that is new lets every lease begin anew. */
const ttlSeconds = 4;
const ttl = ["--ttl", `${ttlSeconds}s`];

let cluster: EtcdCluster;
let session: TestProcess;
let both: TestProcess;
let owner: TestProcess;
let ignoring: TestProcess;
let replaceable: TestProcess;

const environment = () => ({ RESOURCELOCK_SERVER: cluster.servers });
const begin = (...words: string[]) =>
  start([binary, ...words], { env: environment(), outlivesTest: true });
const run = (...words: string[]) => runToEnd([binary, ...words], { env: environment() });
const isFree = async (name: string) => (await run("run", name, "-n", "true")).status === 0;

/** Waits until somebody waits for a lock. */
const untilAwaited = (name: string) =>
  eventually(`a waiter of ${name}`, async () => (await cluster.keys(`${name}/`)).length === 2);

/** One outage for all that is tested. */
async function prepare(): Promise<void> {
  cluster = await EtcdCluster.start();
  owner = start(["cat"], { outlivesTest: true });
  await run("get", "bound", "--owner-pid", String(owner.pid), ...ttl);
  ignoring = begin("run", "ignored", "--on-lost", "ignore", ...ttl, "sh", "-c", "echo in; cat");
  await ignoring.stdout.until("in");
  const options = ["--replace", "--on-lost", "ignore", ...ttl];
  replaceable = begin("run", "replaceable", ...options, "sh", "-c", "echo in; cat");
  await replaceable.stdout.until("in");
  await run("get", "both-b");
  both = begin("run", "both-a,both-b", ...ttl, "echo", "inside");
  await untilAwaited("both-b");
  await run("get", "session-b");
  session = begin("session", ...ttl);
  await session.tell("get session-a\nget session-b -t 100\n");
  await untilAwaited("session-b");

  await cluster.killMember(0);
  await Bun.sleep(ttlSeconds * 1000);
  cluster.startMember(0);
  await cluster.ready();

  await run("unget", "both-b");
  await run("unget", "session-b");
  await session.stdout.until("0 session-b");
  // Whoever does not renew its lease any more has lost it by then.
  await Bun.sleep((ttlSeconds + 3) * 1000);
}

beforeAll(async () => {
  if (haveEtcd) await prepare();
}, 120_000);
afterAll(async () => {
  for (const each of [session, both, owner, ignoring, replaceable]) await each?.dispose();
  await cluster?.[Symbol.asyncDispose]();
});

describe("an outage that no lease ends in", () => {
  etcdTest("session holds what it held and what it waited for", async () => {
    expect(await isFree("session-a")).toBe(false);
    expect(await isFree("session-b")).toBe(false);
    await session.tell("unget session-a\nunget session-b\n");
    await session.endInput();
    const { stdout, status } = await session.end();
    expect(status).toBe(0);
    expect(stdout.match(/^0 /gm)).toHaveLength(4);
  });

  etcdTest("run runs its command when it held a lock and waited for another", async () => {
    expect(await both.end()).toMatchObject({ status: 0, stdout: "inside\n" });
  });

  etcdTest("get --owner-pid keeps the lock to the end of its process", async () => {
    expect(await isFree("bound")).toBe(false);
    await owner.endInput();
    await owner.end();
    expect((await run("wait", "bound", "-t", "60")).status).toBe(0);
  });

  etcdTest.each([
    ["", "ignored", () => ignoring],
    [" --replace", "replaceable", () => replaceable],
  ])("run --on-lost ignore%s keeps the lock to the end of its command", async (_, name, runOf) => {
    expect(await isFree(name)).toBe(false);
    await runOf().endInput();
    const { status, stderr } = await runOf().end();
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });
});

describe("an outage that a lease ends in", () => {
  etcdTest.each([[[]], [["--close"]]])(
    "run kills a command that was asked to leave, and has not yet, in time (%p)",
    async (options) => {
      await using own = await EtcdCluster.start();
      const env = { RESOURCELOCK_SERVER: own.servers };
      const slow = ["--replace", "--kill-after", "1h", "--ttl", "2s", ...options];
      const deaf = ["sh", "-c", 'trap "echo asked" TERM; echo in; while :; do sleep 0.1; done'];
      const older = start([binary, "run", "left", ...slow, ...deaf], { env });
      await older.stdout.until("in");
      const newer = start([binary, "run", "left", "--replace", "true"], { env });
      await older.stdout.until("asked");
      own.signalMember(0, "SIGSTOP");
      expect((await older.end()).status).toBe(69);
      own.signalMember(0, "SIGCONT");
      expect((await newer.end()).status).toBe(0);
    },
    120_000,
  );
});
