import { expect, test } from "bun:test";
import { circlesOnHost, watchDeadlocks } from "../../src/host/deadlock.ts";
import { HostLock } from "../../src/host/host-lock.ts";
import { ResourceLock } from "../../src/index.ts";
import type { HolderStatus, LockState, ParticipantStatus } from "../../src/lock/status.ts";
import { parentId } from "../../src/posix/process.ts";
import { newLockName } from "../support/binary.ts";

const waiter = (pid: number): ParticipantStatus => ({
  pid,
  command: "",
  since: pid,
  kind: "exclusive",
});
const now = () => Date.now() / 1000;
const holder = (pid: number): HolderStatus => ({
  ...waiter(pid),
  since: now(),
  attachment: "attached",
  token: 1,
  slot: null,
  slots: null,
});
const lock = (name: string, holders: number[], waiters: number[]): LockState => ({
  name,
  state: "held",
  exists: true,
  locked: true,
  value: 0,
  info: "",
  userId: 0,
  holders: holders.map(holder),
  waiters: waiters.map(waiter),
  grants: 1,
  recoveries: 0,
});

test("circlesOnHost() counts what a process has started as waiting for it", () => {
  const [own, parent, other] = [process.pid, parentId(), 999_999_999];
  const locks = [lock("disk", [parent], [other]), lock("net", [other], [own])];
  expect(circlesOnHost(locks)).toHaveLength(1);
  expect(circlesOnHost([lock("disk", [parent], [other]), lock("net", [other], [])])).toEqual([]);
  expect(circlesOnHost([lock("disk", [parent], [])])).toEqual([]);
});

test("circlesOnHost() takes a process for no holder that got its number later", () => {
  const [own, parent, other] = [process.pid, parentId(), 999_999_999];
  const reused = { ...holder(parent), since: now() - 10 * 365 * 86_400 };
  const disk = { ...lock("disk", [], [other]), holders: [reused] };
  expect(circlesOnHost([disk, lock("net", [other], [own])])).toEqual([]);
});

test("watchDeadlocks() looks at one lock after the other when a look may take no time", async () => {
  const names = [newLockName(), newLockName(), newLockName()];
  const opened = names.map((name) => HostLock.openOrCreate(name, {}));
  const inspected: string[] = [];
  const inspect = async (name: string) => {
    inspected.push(name);
    return undefined;
  };
  using mine = new ResourceLock(newLockName());
  mine.getLock();
  const watch = watchDeadlocks(names[0] ?? "", inspect, 0);
  // As soon as it has seen them all, it looks only at what this process holds.
  let looks = 0;
  for (; !inspected.includes(mine.lockName); looks++) await watch.look();
  // There are these locks, with a step before each.
  expect(looks).toBeGreaterThan(names.length + 1);
  for (const one of opened) one.close();
});

test("watchDeadlocks() finds nothing where nobody waits for this process", async () => {
  const name = newLockName();
  const opened = HostLock.openOrCreate(name, {});
  const watch = watchDeadlocks(name, () => Promise.resolve(undefined));
  expect(await watch.look()).toBeUndefined();
  opened.close();
});
