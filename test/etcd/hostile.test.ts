/** Servers that are none, or lie: run ends in time, with one line, and its command never runs. */
import { describe, expect, test } from "bun:test";
import { EtcdEngine } from "../../src/etcd/engine.ts";
import type { AcquireRequest } from "../../src/lock/engine.ts";
import { bootSeconds } from "../../src/posix/clock.ts";
import { casesOf } from "../support/binary.ts";
import { binary, runToEnd } from "../support/process.ts";
import { answer, FakeGateway, headerOf, type Responder, streamed } from "./fake-gateway.ts";

/** A server that answers requests of some paths, and grants leases as etcd does. */
const etcdBut =
  (responders: Record<string, Responder>): Responder =>
  (request) => {
    const path = request.path.replace("/v3/", "");
    const respond = responders[path];
    if (respond !== undefined) return respond(request);
    if (path === "lease/grant") return answer({ ID: "1", TTL: "15" });
    if (path === "lease/keepalive") return streamed([line({ ID: "1", TTL: "15" })]);
    return answer();
  };

const line = (fields: object) =>
  `${JSON.stringify({ result: { header: headerOf(), ...fields } })}\n`;

const megabytes = (count: number) => "x".repeat(count * 2 ** 20);

/** Sends a byte now and then, for ever. */
function dripping(): Response {
  let timer: Timer | undefined;
  return new Response(
    new ReadableStream({
      start(controller) {
        timer = setInterval(() => controller.enqueue(new TextEncoder().encode(" ")), 50);
      },
      cancel: () => clearInterval(timer),
    }),
  );
}

let clusters = 0;

const servers: [what: string, status: number, respond: Responder][] = [
  ["garbage", 71, () => new Response("\u001B[31m\u0000garbage")],
  ["a page of HTML", 71, () => new Response("<html>\n<body>It works!</body>")],
  ["10 MB", 71, () => new Response(megabytes(10))],
  ["10 MB in pieces", 71, () => streamed(Array.from({ length: 20 }, () => megabytes(0.5)))],
  ["a byte now and then", 69, dripping],
  ["nothing", 69, () => new Promise<Response>(() => {})],
  ["a redirect", 69, () => Response.redirect("http://127.0.0.1:1/v3/lease/grant")],
  ["a header that is a number", 71, () => Response.json({ header: 5 })],
  ["a revision beyond all numbers", 71, () => answer({}, headerOf({ revision: "9".repeat(30) }))],
  ["a lease that lasts 0 s", 71, etcdBut({ "lease/grant": () => answer({ ID: "1" }) })],
  ["keys that are numbers", 71, etcdBut({ "kv/txn": () => answer({ responses: [7] }) })],
  [
    "an error with control characters and without end",
    69,
    () => Response.json({ error: `no leader \u001B[2J\r\n${megabytes(1)}`, code: 14, message: "" }),
  ],
  [
    "another cluster at each answer",
    64,
    () => answer({ TTL: "15" }, headerOf({ cluster: String(++clusters) })),
  ],
  ["a queue in which this place is not", 75, etcdBut({ "kv/txn": () => answer() })],
];

/** Has an engine lose its place again and again: the sixth time it pauses for more than three seconds. */
const losing = async (request: Partial<AcquireRequest>, onPause: () => void) => {
  let ends = 0;
  const revoked: Responder = () => {
    ends += 1;
    if (ends === 6) onPause();
    return answer();
  };
  const responders = { "kv/txn": () => answer(), "lease/revoke": revoked };
  await using server = new FakeGateway(etcdBut(responders));
  const options = { servers: server.url, environment: {}, clock: bootSeconds };
  await using engine = new EtcdEngine(options);
  const began = performance.now();
  const wish = { message: "", timeoutSeconds: Infinity, ...request };
  const outcome = await engine.acquire("x", wish).catch(String);
  return { outcome, seconds: (performance.now() - began) / 1000 };
};

describe("run with a server that is none", () => {
  test.each(casesOf(6, servers))(
    "run ends when the server gives %s",
    async (_, status, respond) => {
      await using server = new FakeGateway(respond);
      const began = performance.now();
      const words = ["run", "-t", "2", "--server", server.url, "x", "echo", "in"];
      const outcome = await runToEnd([binary, ...words]);
      expect(outcome).toMatchObject({ status, stdout: "" });
      // oxlint-disable-next-line no-control-regex
      expect(outcome.stderr).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
      expect(outcome.stderr.length).toBeLessThan(5000);
      expect(performance.now() - began).toBeLessThan(60_000);
    },
  );

  test("run asks now and then only when it is its turn and it may never take the lock", async () => {
    let place: object | undefined;
    const respond: Responder = ({ body }) => {
      const text = JSON.stringify(body);
      const [, key, value] = /"request_put":\{"key":"(.*?)","value":"(.*?)"/.exec(text) ?? [];
      const isFirst = place === undefined;
      const facts = { create_revision: "5", mod_revision: "5", version: "1" };
      // What stands in the place of a waiter: the text without the grant.
      const waiting = btoa(atob(value ?? "").replace(/,"granted":[\d.]+/, ""));
      place ??= { key, value: waiting, ...facts };
      const queue = { response_range: { kvs: [place] } };
      return answer({ responses: isFirst ? [{ response_txn: { responses: [queue] } }] : [queue] });
    };
    await using server = new FakeGateway(etcdBut({ "kv/txn": respond }));
    const words = ["run", "-t", "2", "-q", "--server", server.url, "x", "true"];
    expect((await runToEnd([binary, ...words])).status).toBe(75);
    expect(server.seen.length).toBeLessThan(60);
  });

  test("acquire() ends in its time when it pauses after lost places", async () => {
    const { outcome, seconds } = await losing({ timeoutSeconds: 3.6 }, () => {});
    expect(outcome).toMatchObject({ granted: false, reason: "timeout" });
    expect(seconds).toBeLessThan(5.5);
  });

  test("acquire() ends by its signal when it pauses after lost places", async () => {
    const stop = new AbortController();
    let abortedAt = Infinity;
    const { outcome } = await losing({ signal: stop.signal }, () => {
      abortedAt = performance.now();
      stop.abort(new Error("interrupted"));
    });
    expect(outcome).toBe("Error: interrupted");
    expect(performance.now() - abortedAt).toBeLessThan(2500);
  });

  test("run asks for a new place now and then only, when each is gone at once", async () => {
    await using server = new FakeGateway(etcdBut({ "kv/txn": () => answer() }));
    await runToEnd([binary, "run", "-t", "2", "-q", "--server", server.url, "x", "true"]);
    expect(server.seen.filter(({ path }) => path.endsWith("grant")).length).toBeLessThan(30);
  });
});
