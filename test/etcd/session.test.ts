import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { Gateway } from "../../src/etcd/gateway.ts";
import { renewLease } from "../../src/etcd/renewal.ts";
import { Session } from "../../src/etcd/session.ts";
import { answer, FakeGateway, headerOf } from "./fake-gateway.ts";
import { eventually } from "../support/eventually.ts";

const held = { key: "a/1", createRevision: 5 };
const found = { kvs: [{ key: "YS8x", create_revision: "5", mod_revision: "5" }] };

const never = new Promise<void>(() => {});
const deaf = { onStop() {}, onKeysGone() {}, onLeaseGone() {} };

interface Server {
  /** Of the leader that renews, and of the one that a majority follows. */
  renewalTerm: string;
  readTerm: string;
  ttl: string | undefined;
  range: object;
  /** Called before each answer. */
  before: (path: string) => void | Promise<void>;
}

function serverWith(changes: Partial<Server> = {}): FakeGateway & { state: Server } {
  const state: Server = {
    renewalTerm: "2",
    readTerm: "2",
    ttl: "15",
    range: found,
    before: () => {},
    ...changes,
  };
  const server = new FakeGateway(async ({ path }) => {
    await state.before(path);
    if (path.endsWith("keepalive")) {
      const header = headerOf({ term: state.renewalTerm });
      return Response.json({ result: { header, ID: "1", TTL: state.ttl } });
    }
    const header = headerOf({ term: state.readTerm });
    return answer({ succeeded: true, responses: [{ response_range: state.range }] }, header);
  });
  return Object.assign(server, { state });
}

function gatewayTo(server: FakeGateway): Gateway {
  return new Gateway({
    endpoints: [server.url],
    tls: { rejectUnauthorized: true },
    credentials: undefined,
  });
}

const renew = (server: FakeGateway, clock = () => 100) =>
  renewLease(gatewayTo(server), { leaseId: "1", held: [held] }, clock, { seconds: 5 });

describe("renewLease()", () => {
  test("renewLease() counts from before the sending when it is confirmed", async () => {
    let now = 100;
    await using server = serverWith({ before: () => void (now += 3) });
    expect(await renew(server, () => now)).toEqual({ outcome: "renewed", sentAt: 100 });
  });

  test("renewLease() reads the keys by a majority, after the renewal was answered", async () => {
    await using server = serverWith();
    await renew(server);
    expect(server.seen.map(({ path }) => path)).toEqual(["/v3/lease/keepalive", "/v3/kv/txn"]);
    const request_range = { key: "YS8x", sort_target: "CREATE", sort_order: "ASCEND" };
    // No "serializable" in it, which one member would answer by itself.
    expect(server.seen[1]?.body).toEqual({
      compare: [],
      success: [{ request_range }],
      failure: [],
    });
  });

  test("renewLease() is unconfirmed when a leader of an older term renewed", async () => {
    await using server = serverWith({ readTerm: "3" });
    expect(await renew(server)).toEqual({ outcome: "unconfirmed" });
  });

  test.each([[undefined], ["0"], ["-1"]])(
    "renewLease() tells that the lease is gone when the TTL is %p, and its keys are too",
    async (ttl) => {
      await using server = serverWith({ ttl, range: {} });
      expect(await renew(server)).toEqual({ outcome: "lease-gone" });
    },
  );

  test("renewLease() is unconfirmed when there is no TTL, but its key", async () => {
    await using server = serverWith({ ttl: undefined });
    expect(await renew(server)).toEqual({ outcome: "unconfirmed" });
  });

  test("renewLease() reads 128 keys at once, and no more", async () => {
    const many = Array.from({ length: 130 }, () => held);
    const parts: number[] = [];
    await using server = new FakeGateway(({ path, body }) => {
      if (path.endsWith("keepalive")) {
        return Response.json({ result: { header: headerOf(), ID: "1", TTL: "15" } });
      }
      const ranges = JSON.stringify(body).split("request_range").length - 1;
      parts.push(ranges);
      const responses = Array.from({ length: ranges }, () => ({ response_range: found }));
      return answer({ succeeded: true, responses });
    });
    const keys = { leaseId: "1", held: many };
    const renewal = await renewLease(gatewayTo(server), keys, () => 100, { seconds: 5 });
    expect(renewal).toEqual({ outcome: "renewed", sentAt: 100 });
    expect(parts).toEqual([128, 2]);
  });

  test.each([
    ["there is no key", {}],
    ["the key was made anew", { kvs: [{ key: "YS8x", create_revision: "6", mod_revision: "6" }] }],
  ])("renewLease() tells that keys are gone when %s", async (_, range) => {
    await using server = serverWith({ range });
    expect(await renew(server)).toEqual({ outcome: "keys-gone", keys: [held] });
  });
});

describe("Session.ensureFresh()", () => {
  const lease = { id: "1", ttlSeconds: 10, sentAt: 100 };
  const fresh = async (server: FakeGateway, now: number, raftTerm: number) => {
    const session = new Session(gatewayTo(server), () => now, lease);
    return { session, isFresh: await session.ensureFresh({ ...held, raftTerm, askedAt: now }) };
  };

  test("ensureFresh() asks nobody when the lease was granted not long ago", async () => {
    await using server = serverWith();
    expect((await fresh(server, 104, 9)).isFresh).toBe(true);
    expect(server.seen).toEqual([]);
  });

  test("ensureFresh() renews, and has it confirmed, when the lease is old", async () => {
    await using server = serverWith();
    const { session, isFresh } = await fresh(server, 106, 9);
    expect(isFresh).toBe(true);
    expect(session.renewedAt).toBe(106);
    expect(server.seen).toHaveLength(2);
  });

  test("ensureFresh() tries again when the term changes meanwhile", async () => {
    await using server = serverWith({ readTerm: "3" });
    server.state.before = () => {
      if (server.seen.length === 4) server.state.renewalTerm = "3";
    };
    expect((await fresh(server, 106, 9)).isFresh).toBe(true);
    expect(server.seen.length).toBeGreaterThan(4);
  });

  test("ensureFresh() is false when the lease is gone", async () => {
    await using server = serverWith({ ttl: undefined, range: {} });
    expect((await fresh(server, 106, 9)).isFresh).toBe(false);
  });

  test.each([
    ["takes a waiter's renewal when the grant was asked for later, in its term", 2, 101, 2],
    ["renews when the grant came in another term than a waiter's renewal", 3, 101, 4],
    ["renews when the grant was asked for before a waiter's renewal was answered", 2, 100.4, 4],
  ])("ensureFresh() %s", async (_, raftTerm, askedAt, requests) => {
    let now = 100;
    await using server = serverWith();
    server.state.before = () => (server.seen.length === 2 ? never : undefined);
    const session = new Session(gatewayTo(server), () => now, { ...lease, ttlSeconds: 2 });
    session.listen(deaf);
    now = 100.5;
    await eventually("a waiter's renewal", () => server.seen.length === 1);
    // The next one says that it was answered.
    now = 101;
    await eventually("the next renewal", () => server.seen.length === 2);
    session.stopRenewing();
    expect(await session.ensureFresh({ ...held, raftTerm, askedAt })).toBe(true);
    expect(server.seen).toHaveLength(requests);
  });
});

describe("Session", () => {
  test("Session leaves no listener behind when it looks again and again", async () => {
    const added = spyOn(EventTarget.prototype, "addEventListener");
    const removed = spyOn(EventTarget.prototype, "removeEventListener");
    try {
      let looks = 0;
      await using server = serverWith();
      const clock = () => {
        looks += 1;
        return 100;
      };
      watched(server, clock);
      await eventually("many looks", () => looks > 20);
      const left = added.mock.calls.length - removed.mock.calls.length;
      expect(left).toBeLessThan(3);
    } finally {
      added.mockRestore();
      removed.mockRestore();
    }
  });

  const lease = { id: "1", ttlSeconds: 10, sentAt: 100 };
  let session: Session | undefined;
  afterEach(() => session?.stopRenewing());

  function watched(server: FakeGateway, clock: () => number) {
    const told: string[] = [];
    session = new Session(gatewayTo(server), clock, lease);
    session.hold(held);
    session.stopInTime();
    session.listen({
      onStop: (step) => told.push(step),
      onKeysGone: (_, isSure) => told.push(isSure ? "keys gone" : "keys gone?"),
      onLeaseGone: () => told.push("lease gone"),
    });
    return { session, told };
  }

  test("Session tells to stop in time when renewals are answered but never confirmed", async () => {
    let now = 100;
    await using server = serverWith({ readTerm: "3" });
    const { session: one, told } = watched(server, () => now);
    now = 103;
    await eventually("a renewal", () => server.seen.length >= 2);
    expect(one.renewedAt).toBe(100);
    now = 105.9;
    await Bun.sleep(250);
    expect(told).toEqual([]);
    now = 106.1;
    await eventually("the end", () => told.length > 0);
    expect(told).toEqual(["term"]);
    now = 109.1;
    // Whoever asks first is told no more than those who listen.
    expect(one.isGone).toBe(true);
    await eventually("the kill", () => told.length > 2);
    expect(told).toEqual(["term", "lease gone", "kill"]);
  });

  test("Session goes on when a confirmed renewal comes before the stop time", async () => {
    let now = 100;
    await using server = serverWith({ readTerm: "3" });
    const { session: one, told } = watched(server, () => now);
    now = 106.5;
    await eventually("the first step", () => told.length === 1);
    server.state.renewalTerm = "3";
    await eventually("a confirmed renewal", () => one.renewedAt === 106.5);
    now = 109.5;
    await eventually("the next renewal", () => one.renewedAt === 109.5);
    expect(told).toEqual(["term"]);
    expect(one.isGone).toBe(false);
  });

  test("Session lets nobody hold any more when it has told to stop", async () => {
    let now = 100;
    await using server = serverWith({ readTerm: "3" });
    const { session: one, told } = watched(server, () => now);
    now = 109.1;
    await eventually("the kill", () => told.includes("kill"));
    const late: string[] = [];
    one.listen({ ...deaf, onLeaseGone: () => late.push("lease gone") });
    expect(late).toEqual(["lease gone"]);
    server.state.renewalTerm = "3";
    expect(await one.ensureFresh({ ...held, raftTerm: 3, askedAt: now })).toBe(false);
  });

  test("Session goes on after its stop time when nothing runs under its holds", async () => {
    let now = 100;
    const told: string[] = [];
    await using server = serverWith({ readTerm: "3" });
    const one = (session = new Session(gatewayTo(server), () => now, lease));
    one.hold(held);
    const tell = () => void told.push("something");
    one.listen({ onStop: tell, onKeysGone: tell, onLeaseGone: tell });
    now = 120;
    await eventually("a renewal", () => server.seen.length >= 4);
    expect(one.isGone).toBe(false);
    server.state.renewalTerm = "3";
    await eventually("a confirmed renewal", () => one.renewedAt === 120);
    expect(told).toEqual([]);
  });

  test("Session does not count a waiter's renewal when it is answered after the grant", async () => {
    let now = 100;
    const grant = Promise.withResolvers<void>();
    await using server = serverWith();
    server.state.before = () => (server.seen.length === 1 ? grant.promise : never);
    const one = (session = new Session(gatewayTo(server), () => now, lease));
    one.listen(deaf);
    now = 103;
    await eventually("a waiter's renewal", () => server.seen.length === 1);
    expect(await one.ensureFresh({ ...held, raftTerm: 2, askedAt: 103 })).toBe(true);
    one.hold(held);
    grant.resolve();
    // It is sent once that of the waiter was answered.
    await eventually("the next renewal", () => server.seen.length === 2);
    expect(one.renewedAt).toBe(100);
  });

  test("Session goes on when a leader that is new does not know the lease yet", async () => {
    let now = 100;
    await using server = serverWith({ ttl: undefined });
    const { session: one, told } = watched(server, () => now);
    now = 102.5;
    await eventually("a renewal", () => server.seen.length >= 2);
    server.state.ttl = "15";
    await eventually("the next renewal", () => one.renewedAt === 102.5);
    expect(told).toEqual([]);
  });

  test("Session asks twice before it believes that a waiter's lease is gone", async () => {
    let now = 100;
    const told: string[] = [];
    await using server = serverWith({ ttl: undefined });
    const one = (session = new Session(gatewayTo(server), () => now, lease));
    one.listen({ ...deaf, onLeaseGone: () => told.push("lease gone") });
    now = 103;
    await eventually("two renewals", () => server.seen.length >= 3);
    expect(told).toEqual([]);
    now = 104.5;
    await eventually("the end", () => told.length === 1);
  });

  test("Session tells at once when the lease is gone", async () => {
    let now = 100;
    await using server = serverWith({ ttl: undefined, range: {} });
    const { told } = watched(server, () => now);
    now = 102.5;
    await eventually("the end", () => told.length === 2);
    expect(told).toEqual(["lease gone", "kill"]);
  });

  test("Session looks twice before it believes that a key was deleted", async () => {
    let now = 100;
    await using server = serverWith({ range: {} });
    const { told } = watched(server, () => now);
    now = 102.5;
    await eventually("the first look", () => told.includes("keys gone?"));
    expect(told).not.toContain("keys gone");
    now = 104;
    await eventually("the second look", () => told.includes("keys gone"));
  });

  test("Session believes that the lease is gone when that follows the loss of its keys", async () => {
    let now = 100;
    await using server = serverWith({ range: {} });
    const { told } = watched(server, () => now);
    now = 102.5;
    await eventually("the first look", () => told.includes("keys gone?"));
    server.state.ttl = undefined;
    await eventually("the end", () => told.includes("kill"));
    expect(told).not.toContain("keys gone");
  });
});
