import { expect, test } from "bun:test";
import { certain } from "../../src/host/deadlock.ts";
import type { HolderStatus, LockState } from "../../src/lock/status.ts";

const holder: HolderStatus = {
  pid: 7,
  command: "get",
  since: 1,
  kind: "exclusive",
  attachment: "attached",
  token: 9,
  slot: null,
  slots: null,
};
const lock: LockState = {
  name: "x",
  state: "held",
  exists: true,
  locked: true,
  value: 0,
  info: "",
  userId: 0,
  holders: [holder, { ...holder, token: 0 }],
  waiters: [],
  grants: 1,
  recoveries: 0,
};

test("certain() leaves a waiter out that may have the unit already, as it would wait for itself", () => {
  expect(certain(lock).holders).toEqual([holder]);
});
