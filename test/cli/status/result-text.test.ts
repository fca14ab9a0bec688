/** The two voices: golden texts of the seed, and plain English. */
import { describe, expect, test } from "bun:test";
import { textsFor } from "../../../src/cli/status/result-text.ts";
import type { StateFacts } from "../../../src/cli/status/status-text.ts";

const plain = textsFor({ seedOrder: false });
const seed = textsFor({ seedOrder: true });

const info = "2026-11-23 11:22:36.117364 - cli";
const timeout = { reason: "timeout", waitedSeconds: 1.02, info, holders: [], by: [] } as const;
const facts: StateFacts = {
  name: "disk",
  exists: true,
  locked: true,
  info,
  status: {
    holders: [],
    waiters: [{ pid: null, command: "tar", since: null, kind: "exclusive" }],
  },
};

describe("textsFor() in the seed's order", () => {
  test("has the seed's texts to the letter", () => {
    expect([
      seed.granted("disk", { info }),
      seed.refused("disk", timeout),
      seed.released("disk", "cli - auto unget"),
      seed.forceReleased("disk", "cli"),
      seed.notLocked("disk", "cli"),
      ...seed.state(facts),
      ...seed.state({ ...facts, locked: false }),
      seed.look(facts),
    ]).toEqual([
      "<disk> lock request successful - Granted         <2026-11-23 11:22:36.117364 - cli>",
      "<disk> lock request timed out  - Current owner   <2026-11-23 11:22:36.117364 - cli>",
      "<disk> lock released  <cli - auto unget>",
      "<disk> lock force released  <cli>",
      "<disk> Extraneous lock unget request ignored  <cli>",
      "<disk> is currently locked?  <True>  Prior info  <2026-11-23 11:22:36.117364 - cli>",
      "<disk> is currently locked?  <False>  Prior info  <2026-11-23 11:22:36.117364 - cli>",
      "<disk> is currently locked?  <True>  Prior info  <2026-11-23 11:22:36.117364 - cli>",
    ]);
  });
});

const refused = (changes: object) => plain.refused("disk", { ...timeout, ...changes });

describe("textsFor() in our order", () => {
  test("speaks plain English", () => {
    expect([
      plain.granted("disk", { info }),
      plain.granted("disk", { info, process: 42 }),
      plain.granted("disk", { info, seconds: 90 }),
      plain.released("disk", "cli"),
      plain.forceReleased("disk", "cli"),
      plain.notLocked("disk", "cli"),
      plain.look({ ...facts, locked: false, status: { holders: [], waiters: [] } }),
    ]).toEqual([
      "disk: locked; release it with: resourcelock unget disk",
      "disk: locked until pid 42 ends",
      "disk: locked for 1m30s",
      "disk: released",
      "disk: released",
      "disk: was not held",
      "disk: free",
    ]);
  });

  test("tells why a request was refused", () => {
    const by = [{ pid: null, command: "deploy 2", since: null, kind: "exclusive" }] as const;
    const waiter = { pid: 2, command: "deploy", since: null, kind: "exclusive" } as const;
    const backup = { pid: 1, command: "backup", host: "db" };
    const circle = [
      { lockName: "disk", waiter, blocker: backup },
      { lockName: "net", waiter, blocker: waiter },
    ];
    expect([
      refused({}),
      refused({ waitedSeconds: 0 }),
      refused({ waitedSeconds: 0.303 }),
      refused({ waitedSeconds: 75 }),
      refused({ reason: "superseded", by }),
      refused({ reason: "crowded" }),
      refused({ reason: "crowded", by }),
      refused({ reason: "deadlock", circle }),
    ]).toEqual([
      'lock "disk": gave up after 1s',
      'lock "disk": not free',
      'lock "disk": gave up after 0.3s',
      'lock "disk": gave up after 1m15s',
      'lock "disk": superseded by a newer request, deploy 2',
      'lock "disk": not waiting, because enough others wait already',
      'lock "disk": not waiting, because 1 other waits already',
      'lock "disk": gave up, because the wait would never end: it is behind pid 1 on db (backup), which waits for lock "net" behind this one',
    ]);
  });
});
