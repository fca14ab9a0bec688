/** The process that keeps a lock when run is killed comes to be, whatever has become of what it was started from. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Gateway } from "../../src/etcd/gateway.ts";
import { ProcessKeeper } from "../../src/etcd/process-keeper.ts";
import { Session } from "../../src/etcd/session.ts";
import { closeFile } from "../../src/posix/file.ts";
import { canUnshare, unsharePids } from "../support/pid-namespace.ts";
import { root } from "../support/clone.ts";
import {
  binary,
  isAlive,
  runToEnd,
  start,
  type TestProcess,
  untilStates,
} from "../support/process.ts";
import { eventually } from "../support/eventually.ts";
import { EtcdCluster } from "./etcd-cluster.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";

const directory = mkdtempSync(join(tmpdir(), "resourcelock-keeper-"));
useCluster();
afterAll(() => rmSync(directory, { recursive: true }));

/** Kills run, and expects its lock to outlive its lease. */
async function expectKept(victim: TestProcess, servers: string, name: string): Promise<void> {
  await victim.kill();
  // Longer than the lease would last, if nobody renewed it.
  await Bun.sleep(5000);
  const rival = start([binary, "run", name, "-n", "true"], {
    env: { ...userOf("root"), RESOURCELOCK_SERVER: servers },
  });
  expect((await rival.end()).status).toBe(75);
}

const userOf = (name: string) => ({
  RESOURCELOCK_SERVER_USER: name,
  RESOURCELOCK_SERVER_PASSWORD: "pw",
});

/** The keeper of a run asks the server: it has all it needs. */
function isKept(pid: number): boolean {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
  return children.filter(Boolean).some((id) => {
    if (!readFileSync(`/proc/${id}/cmdline`, "utf8").includes("__keeper")) return false;
    const descriptors = readdirSync(`/proc/${id}/fd`).filter((each) => Number(each) > 5);
    return descriptors.some((each) => isSocket(`/proc/${id}/fd/${each}`));
  });
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false;
  }
}

/** Gives a session a keeper that does nothing, once that is there. */
async function withIdleKeeper() {
  const file = join(directory, crypto.randomUUID());
  const program = ["sh", "-c", `echo $$ >"${file}"; exec sleep 60`];
  const keeper = new ProcessKeeper({ program, stops: true, warn: () => {} });
  closeFile(keeper.childDescriptor(idleSession(), () => [], 64));
  const pid = () => (existsSync(file) && Number(readFileSync(file, "utf8"))) || undefined;
  return { keeper, pid: await eventually("a keeper", pid) };
}

function idleSession(): Session {
  const tls = { rejectUnauthorized: true } as const;
  const gateway = new Gateway({ endpoints: ["http://0.0.0.0"], tls, credentials: undefined });
  return new Session(gateway, () => 0, { id: "1", ttlSeconds: 9, sentAt: 0 });
}

const untilKept = (pid: number) => eventually("a keeper that renews", () => isKept(pid));

const command = ["--ttl", "2s", "sh", "-c", "echo in; sleep 60"];

describe("ProcessKeeper", () => {
  test("ProcessKeeper says once that no keeper starts, and goes on trying", async () => {
    const program = join(directory, "late");
    const started = join(directory, "started");
    const warnings: string[] = [];
    const warn = (text: string) => void warnings.push(text);
    const keeper = new ProcessKeeper({ program: [program], stops: true, warn });
    closeFile(keeper.childDescriptor(idleSession(), () => [], 64));
    await eventually("a warning", () => warnings.length > 0);
    writeFileSync(program, `#!/bin/sh\necho >>"${started}"\nexit 3\n`, { mode: 0o755 });
    const starts = () => (existsSync(started) ? readFileSync(started, "utf8").length : 0);
    await eventually("two starts", () => starts() >= 2);
    keeper.stop();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("does not start: ENOENT");
  });

  test("ProcessKeeper tells whether a keeper is there to end the lease", async () => {
    const living = await withIdleKeeper();
    expect(living.keeper.stop()).toBe(true);
    expect(isAlive(living.pid)).toBe(true);
    process.kill(living.pid, "SIGKILL");

    const killed = await withIdleKeeper();
    process.kill(killed.pid, "SIGKILL");
    // It was collected.
    await untilStates([killed.pid], /^$/);
    expect(killed.keeper.stop()).toBe(false);
  });

  test("ProcessKeeper kills a keeper that is to leave the lease to itself", async () => {
    const { keeper, pid } = await withIdleKeeper();
    expect(keeper.stop({ endsLease: false })).toBe(false);
    await untilStates([pid], /^[ZX]?$/);
  });

  test.skipIf(!canUnshare)("ProcessKeeper leaves nothing to one that ends with run", async () => {
    const module = JSON.stringify(join(root, "src/etcd/process-keeper.ts"));
    const script = `
      const { ProcessKeeper } = await import(${module});
      const { readFileSync } = await import("node:fs");
      const keeper = new ProcessKeeper({ program: ["sleep", "60"], stops: true, warn() {} });
      keeper.childDescriptor({ shareRenewals() {}, gateway: {}, lease: {} }, () => [], 64);
      const children = () => readFileSync("/proc/self/task/1/children", "utf8");
      while (children() === "") await Bun.sleep(10);
      console.log(process.pid, keeper.stop());`;
    const first = await runToEnd([...unsharePids, process.execPath, "-e", script]);
    expect(first).toMatchObject({ status: 0, stdout: "1 false\n" });
  });
});

describe("run --server", () => {
  etcdTest("run is kept when its program was deleted before its keeper was started", async () => {
    const program = join(directory, "resourcelock");
    copyFileSync(binary, program);
    const env = { RESOURCELOCK_SERVER: theCluster().servers };
    const victim = start([program, "run", "gone", ...command], { env });
    await victim.stdout.until("in");
    rmSync(program);
    await untilKept(victim.pid);
    await expectKept(victim, theCluster().servers, "gone");
  });

  etcdTest("run is kept when its password can be read only once", async () => {
    await using guarded = await EtcdCluster.start();
    await guarded.etcdctl("user", "add", "root:pw");
    await guarded.etcdctl("user", "grant-role", "root", "root");
    await guarded.etcdctl("auth", "enable");
    const { RESOURCELOCK_SERVER_USER } = userOf("root");
    const env = { RESOURCELOCK_SERVER_USER, RESOURCELOCK_SERVER_PASSWORD_FILE: "/dev/fd/7" };
    const piped = 'exec 7< <(printf pw); exec "$@"';
    const victim = start(["bash", "-c", piped, "bash", binary, "run", "secret", ...command], {
      env: { ...env, RESOURCELOCK_SERVER: guarded.servers },
    });
    await victim.stdout.until("in");
    await untilKept(victim.pid);
    await expectKept(victim, guarded.servers, "secret");
  });
});
