/** Only the newest, no pile-up and deadlocks, across hosts: the program with --server, on a real etcd. */
import { describe, expect } from "bun:test";
import { binary, runToEnd, start, type TestProcess } from "../support/process.ts";
import { etcdTest, newName, theCluster, useCluster } from "./engines.ts";
import { eventually } from "../support/eventually.ts";

useCluster();

/** A job that says that it runs, and ends with its standard input. */
const job = ["sh", "-c", "echo runs; read -r line; echo done"];
const env = () => ({ RESOURCELOCK_SERVER: theCluster().servers, RESOURCELOCK: binary });
const launch = (...words: string[]) => start([binary, ...words], { env: env() });
const run = (...words: string[]) => runToEnd([binary, ...words], { env: env() });

async function started(...words: string[]): Promise<TestProcess> {
  const child = launch("run", ...words, ...job);
  await child.stdout.line("runs");
  return child;
}

function untilQueueIs(name: string, ...commands: string[]): Promise<unknown> {
  return eventually(`queue of ${commands.join(", ")}`, async () => {
    const { waiters } = JSON.parse((await run("state", name, "--json")).stdout);
    return waiters.map(({ command }: { command: string }) => command).join() === commands.join();
  });
}

/** A job that takes one lock, and inside of it, once it is told to, another one. */
async function nested(outer: string, inner: string, message: string): Promise<TestProcess> {
  const script = `echo has; read -r line; "$RESOURCELOCK" run ${inner} -m 'inner ${message}' echo got both; echo "status $?"`;
  const child = launch("run", "-m", message, outer, "sh", "-c", script);
  await child.stdout.line("has");
  return child;
}

describe("run --server", () => {
  etcdTest("run --newest leaves the queue to a newer one, and plain ones stay", async () => {
    const name = newName();
    const holder = await started(name);
    const plain = launch("run", "-m", "plain", name, ...job);
    await untilQueueIs(name, "plain");
    const old = launch("run", "--newest", "-m", "old", name, ...job);
    await untilQueueIs(name, "plain", "old");
    const next = launch("run", "--newest", "-m", "next", name, ...job);
    const { status, stderr } = await old.end();
    expect(status).toBe(75);
    expect(stderr).toMatch(
      new RegExp(`superseded by a newer request, pid ${next.pid} on .* \\(next\\)`),
    );
    await holder.tell("\n");
    await plain.stdout.line("runs");
    await plain.tell("\n");
    await next.stdout.line("runs");
    await next.tell("\n");
    expect((await next.end()).status).toBe(0);
  });

  etcdTest("run --replace ends an older command, and the history tells for whom", async () => {
    const name = newName();
    const old = await started("--replace", "-m", "old", name);
    const next = launch("run", "--replace", "-m", "next", name, ...job);
    const { status, stderr } = await old.end();
    expect(status).toBe(143);
    expect(stderr).toContain(`was claimed by a newer request, pid ${next.pid} on `);
    await next.stdout.line("runs");
    await next.tell("\n");
    expect((await next.end()).status).toBe(0);
    expect((await run("history", name)).stdout).toMatch(/old .*replaced by pid .*, exit 143\n/);
  });

  etcdTest("run --replace leaves a command alone that did not agree", async () => {
    const name = newName();
    const holder = await started("--newest", name);
    const old = launch("run", "--replace", "-m", "old", name, ...job);
    await untilQueueIs(name, "old");
    const next = launch("run", "--replace", "-m", "next", name, ...job);
    expect((await old.end()).status).toBe(75);
    await holder.tell("\n");
    expect((await holder.end()).status).toBe(0);
    await next.stdout.line("runs");
  });

  etcdTest("run --replace ends one that waits for the second of its locks", async () => {
    const [one, other] = [`${newName()}-a`, `${newName()}-b`];
    await started(other);
    const old = launch("run", "--replace", "-m", "old", `${one},${other}`, ...job);
    await untilQueueIs(other, "old");
    const next = await started("--replace", "-m", "next", one);
    const { status, stderr } = await old.end();
    expect(status).toBe(75);
    expect(stderr).toContain(`lock "${one}": superseded by a newer request, pid ${next.pid} on `);
  });

  etcdTest(
    "run --max-waiters does not wait behind so many, however many come at once",
    async () => {
      const name = newName();
      const holder = await started(name);
      const several = Array.from({ length: 4 }, () =>
        launch("run", "--max-waiters", "1", name, ...job),
      );
      await eventually(
        "three that were sent home",
        () => several.filter(({ hasEnded }) => hasEnded).length === 3,
      );
      await holder.tell("\n");
      const last = several.find(({ hasEnded }) => !hasEnded);
      await last?.stdout.line("runs");
      await last?.tell("\n");
      const statuses = await Promise.all(several.map((each) => each.exited()));
      expect(statuses.toSorted((one, other) => one - other)).toEqual([0, 75, 75, 75]);
    },
  );

  etcdTest("run gives up the younger one of two waits inside each other's locks", async () => {
    const [disk, net] = [`${newName()}-disk`, `${newName()}-net`];
    const backup = await nested(disk, net, "backup");
    const deploy = await nested(net, disk, "deploy");
    await backup.tell("\n");
    await untilQueueIs(net, "inner backup");
    await deploy.tell("\n");
    const young = await deploy.end();
    expect(young.stdout).toContain("status 75\n");
    expect(young.stderr).toMatch(
      /gave up, because the wait would never end: it is behind pid \d+ on .* \(backup\), which waits for lock ".*-net" behind this one\n/,
    );
    expect((await backup.end()).stdout).toContain("got both\nstatus 0\n");
  });
});
