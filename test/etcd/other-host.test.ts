/** Hosts whose cable is pulled: who is cut off stops before anybody else begins, and what comes back goes on. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, runToEnd, start, type TestProcess } from "../support/process.ts";
import { haveEtcd } from "./etcd-cluster.ts";
import { theCluster, useCluster } from "./engines.ts";
import { haveOtherHosts, OtherHost } from "./other-host.ts";
import { eventually } from "../support/eventually.ts";

const hostTest = test.skipIf(!haveEtcd || !haveOtherHosts);
const directory = mkdtempSync(join(tmpdir(), "resourcelock-hosts-"));
useCluster();
afterAll(() => rmSync(directory, { recursive: true }));

/** Notes the time fifty times a second, until its input ends. */
const beating = `(while :; do date +%s%N; sleep 0.02; done >"$0") & echo inside; cat; kill $!`;

const beatsOf = (name: string) => join(directory, name);

function lastBeat(name: string): number {
  const path = beatsOf(name);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  // The last one may be cut short by a kill.
  return Number(lines.at(-2) ?? 0) / 1e9;
}

/** Takes a lock on another host, for a command that beats. */
async function holdOn(host: OtherHost, name: string, ...options: string[]): Promise<TestProcess> {
  const words = [binary, "run", "--server", host.servers, ...options, name];
  const child = start(host.words(...words, "sh", "-c", beating, beatsOf(name)));
  await child.stdout.until("inside");
  await eventually("a beat", () => lastBeat(name) > 0);
  return child;
}

/** Waits for a lock on this host. @returns when it was granted */
async function grantHere(name: string): Promise<number> {
  const words = ["run", "--server", theCluster().servers, name, "date", "+%s%N"];
  return Number((await runToEnd([binary, ...words])).stdout) / 1e9;
}

/** How long the lease of the only key with a prefix still lasts, as the cluster sees it. */
async function leaseSeconds(prefix: string): Promise<number> {
  const keys = await theCluster().etcdctl("get", "--prefix", prefix, "--write-out=json");
  const [, lease] = /"lease":(\d+)/.exec(keys) ?? [];
  if (lease === undefined) throw new Error(`no lease in ${keys}`);
  const id = BigInt(lease).toString(16);
  const told = await theCluster().etcdctl("lease", "timetolive", id);
  const [, seconds] = /remaining\((-?\d+)s\)/.exec(told) ?? [];
  if (seconds === undefined) throw new Error(`no time in ${told}`);
  return Number(seconds);
}

describe("run on a host that is cut off", () => {
  hostTest("run stops its command, with 69, before anybody else begins", async () => {
    await using host = await OtherHost.of(theCluster());
    const holder = await holdOn(host, "cut", "--ttl", "4");
    host.cut();
    const rival = await grantHere("cut");
    expect(rival).toBeGreaterThan(lastBeat("cut"));
    const { status, stderr } = await holder.end();
    expect(status).toBe(69);
    expect(stderr).toContain('lock "cut" was lost while the command ran');
    expect(rival).toBeGreaterThan(lastBeat("cut"));
  });

  hostTest("run stops its command in time when its wrapper is dead, too", async () => {
    await using host = await OtherHost.of(theCluster());
    const holder = await holdOn(host, "dead", "--ttl", "4");
    await eventually("a keeper", async () => {
      const { stdout } = await runToEnd(["pgrep", "-P", String(holder.pid), "-f", "__keeper"]);
      return stdout !== "";
    });
    holder.signal("SIGKILL");
    host.cut();
    const rival = await grantHere("dead");
    expect(rival).toBeGreaterThan(lastBeat("dead"));
    const last = lastBeat("dead");
    await Bun.sleep(300);
    expect(lastBeat("dead")).toBe(last);
  });

  hostTest("run goes on when the cable is back before its lease ends", async () => {
    await using host = await OtherHost.of(theCluster());
    const ttl = 9;
    const holder = await holdOn(host, "back", "--ttl", String(ttl));
    host.cut();
    // A renewal is due after a third of it.
    await eventually("a renewal fails", async () => (await leaseSeconds("back/")) < ttl / 2);
    host.heal();
    await eventually("a renewal", async () => (await leaseSeconds("back/")) > ttl / 2);
    await holder.endInput();
    expect(await holder.end()).toMatchObject({ status: 0, stderr: "" });
    expect(await theCluster().keys("back/")).toEqual([]);
  });

  hostTest("run keeps its place in the queue while the cable is pulled", async () => {
    await using host = await OtherHost.of(theCluster());
    const here = ["run", "--server", theCluster().servers, "place"];
    const holder = start([binary, ...here, "sh", "-c", "echo inside; cat"]);
    await holder.stdout.until("inside");
    const order = beatsOf("order");
    const there = [binary, "run", "--server", host.servers, "--ttl", "60", "place"];
    const first = start(host.words(...there, "sh", "-c", `echo first >>${order}`));
    await eventually("one waits", async () => (await theCluster().keys("place/")).length === 2);
    const second = start([binary, ...here, "sh", "-c", `echo second >>${order}`]);
    await eventually("two wait", async () => (await theCluster().keys("place/")).length === 3);
    host.cut();
    await holder.endInput();
    await holder.end();
    // The turn came while it was cut off.
    expect(await theCluster().keys("place/")).toHaveLength(2);
    host.heal();
    expect((await first.end()).status).toBe(0);
    expect((await second.end()).status).toBe(0);
    expect(readFileSync(order, "utf8")).toBe("first\nsecond\n");
  });
});
