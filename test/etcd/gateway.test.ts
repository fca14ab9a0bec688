import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Credentials } from "../../src/etcd/credentials.ts";
import { Gateway } from "../../src/etcd/gateway.ts";
import { LockServerError, type ServerFault } from "../../src/lock/errors.ts";
import { answer, FakeGateway, headerOf, streamed } from "./fake-gateway.ts";
import { eventually } from "../support/eventually.ts";

const proxyVariables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];

// A proxy that nobody runs: whoever asks it gets nothing.
beforeEach(() => {
  for (const name of proxyVariables) process.env[name] = "http://127.0.0.1:1";
});
afterEach(() => {
  for (const name of proxyVariables) delete process.env[name];
});

function gatewayTo(endpoints: string[], credentials?: Credentials): Gateway {
  return new Gateway({ endpoints, tls: { rejectUnauthorized: true }, credentials });
}

async function failureOf(promise: Promise<unknown>): Promise<LockServerError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LockServerError) return error;
  throw new Error(`expected a LockServerError, not ${String(error)}`);
}

/** A port on which nothing listens. */
async function closedPort(): Promise<string> {
  await using server = new FakeGateway(() => answer());
  return server.url;
}

describe("Gateway.call()", () => {
  test("call() sends JSON by POST past every proxy", async () => {
    await using server = new FakeGateway(() => answer({ count: "3" }));
    const reply = await gatewayTo([server.url]).call("kv/range", { key: "YQ==" });
    expect(reply.message["count"]).toBe("3");
    expect(reply.header.revision).toBe(1);
    expect(reply.mayBeRepeated).toBe(false);
    expect(server.seen[0]?.path).toBe("/v3/kv/range");
    expect(server.seen[0]?.body).toEqual({ key: "YQ==" });
    expect(server.seen[0]?.headers.get("grpc-metadata-hasleader")).toBe("true");
  });

  test.each([
    [
      "etcd 3.4's",
      404,
      {
        error: "etcdserver: requested lease not found",
        message: "etcdserver: requested lease not found",
        code: 5,
      },
    ],
    ["etcd 3.6's", 404, { code: 5, message: "etcdserver: requested lease not found" }],
    [
      "a stream's of etcd 3.4",
      200,
      { error: { grpc_code: 5, http_code: 404, message: "etcdserver: requested lease not found" } },
    ],
    [
      "a stream's of etcd 3.6",
      200,
      { error: { code: 5, message: "etcdserver: requested lease not found" } },
    ],
  ])("call() tells the fault when the error body is %s", async (_, status, body) => {
    await using server = new FakeGateway(() => Response.json(body, { status }));
    const error = await failureOf(gatewayTo([server.url]).call("lease/revoke", { ID: "1" }));
    expect(error.fault).toBe("leaseGone");
    expect(error.message).toContain(server.url);
  });

  test.each<[number, number, string, ServerFault]>([
    [400, 11, "etcdserver: mvcc: required revision has been compacted", "compacted"],
    [412, 9, "etcdserver: lease already exists", "leaseExists"],
    [400, 9, "etcdserver: lease already exists", "leaseExists"],
    [429, 8, "etcdserver: mvcc: database space exceeded", "noSpace"],
    [403, 7, "etcdserver: permission denied", "denied"],
    [400, 3, "etcdserver: duplicate key given in txn request", "rejected"],
    [500, 2, "raft proposal dropped", "unavailable"],
    [412, 9, "etcdserver: not leader", "unavailable"],
  ])(
    "call() decides by code and text when the status is %d, code %d",
    async (status, code, text, fault) => {
      await using server = new FakeGateway(() =>
        Response.json({ error: text, message: text, code }, { status }),
      );
      const error = await failureOf(gatewayTo([server.url]).call("kv/txn", {}, { seconds: 0.5 }));
      expect(error.fault).toBe(fault);
    },
  );

  test("call() says what a user lacks whom the server denies a key", async () => {
    const message = "etcdserver: permission denied";
    await using server = new FakeGateway(() =>
      Response.json({ message, code: 7 }, { status: 403 }),
    );
    const error = await failureOf(gatewayTo([server.url]).call("kv/txn", {}));
    expect(error.message).toEndWith(
      "; give the user a role that may read and write the lock's keys",
    );
  });

  test("call() repeats the request when no leader is there yet, and says that it may be repeated", async () => {
    let count = 0;
    await using server = new FakeGateway(() => {
      count += 1;
      if (count > 2) return answer();
      return Response.json({ message: "etcdserver: no leader", code: 14 }, { status: 503 });
    });
    const reply = await gatewayTo([server.url]).call("kv/txn", {});
    expect(count).toBe(3);
    expect(reply.mayBeRepeated).toBe(true);
  });

  test("call() goes on to the next member when one refuses the connection, which cannot have carried it out", async () => {
    await using server = new FakeGateway(() => answer());
    const gateway = gatewayTo([await closedPort(), server.url]);
    const reply = await gateway.call("kv/txn", {});
    expect(reply.endpoint).toBe(server.url);
    expect(reply.mayBeRepeated).toBe(false);
    expect(gateway.preferredEndpoint).toBe(server.url);
  });

  test("call() asks the next member too when one is late", async () => {
    await using slow = new FakeGateway(() => new Promise<Response>(() => {}));
    await using quick = new FakeGateway(() => answer());
    const reply = await gatewayTo([slow.url, quick.url]).call("kv/txn", {});
    expect(reply.endpoint).toBe(quick.url);
    expect(reply.mayBeRepeated).toBe(true);
    expect(slow.seen).toHaveLength(1);
  });

  test("call() ends in time when no member answers", async () => {
    await using slow = new FakeGateway(() => new Promise<Response>(() => {}));
    const began = performance.now();
    const error = await failureOf(gatewayTo([slow.url]).call("kv/txn", {}, { seconds: 0.5 }));
    expect(error.fault).toBe("unavailable");
    expect(error.message).toBe(`Cannot reach lock server ${slow.url}: it does not answer`);
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("call() ends in time when every member refuses", async () => {
    const closed = await closedPort();
    const error = await failureOf(gatewayTo([closed]).call("kv/txn", {}, { seconds: 0.4 }));
    expect(error.message).toBe(`Cannot reach lock server ${closed}: the connection was refused`);
  });

  test("call() rejects with the reason of its signal", async () => {
    await using slow = new FakeGateway(() => new Promise<Response>(() => {}));
    const stop = new AbortController();
    const promise = gatewayTo([slow.url]).call("kv/txn", {}, { signal: stop.signal });
    stop.abort(new Error("interrupted"));
    expect(promise).rejects.toThrow("interrupted");
  });

  test.each<[string, () => Response, ServerFault]>([
    ["garbage", () => new Response("<html>not etcd \u001B[2J</html>"), "corrupt"],
    ["JSON of something else", () => Response.json({ hello: 1 }), "notGateway"],
    ["an array", () => Response.json([1]), "corrupt"],
    ["10 MB", () => new Response("x".repeat(10_000_000)), "tooLong"],
    [
      "10 MB in a stream",
      () => streamed(Array.from({ length: 10 }, () => "x".repeat(1_000_000))),
      "tooLong",
    ],
    ["a number that is none", () => answer({}, headerOf({ revision: "1e3" })), "corrupt"],
    ["404 page not found", () => new Response("404 page not found", { status: 404 }), "notGateway"],
  ])("call() fails with one line when the answer is %s", async (_, respond, fault) => {
    await using server = new FakeGateway(respond);
    const error = await failureOf(gatewayTo([server.url]).call("kv/range", {}));
    expect(error.fault).toBe(fault);
    expect(error.message).toMatch(/^[\u0020-\u007E…]+$/);
    expect(error.message.length).toBeLessThan(400);
  });

  test("call() uses a sound member when another one gives garbage", async () => {
    await using broken = new FakeGateway(() => new Response("garbage"));
    await using sound = new FakeGateway(() => answer());
    const reply = await gatewayTo([broken.url, sound.url]).call("kv/range", {});
    expect(reply.endpoint).toBe(sound.url);
  });

  test("call() refuses the answer of another cluster", async () => {
    await using one = new FakeGateway(() => answer());
    await using other = new FakeGateway(() => answer({}, headerOf({ cluster: "8" })));
    const gateway = gatewayTo([one.url, other.url]);
    await gateway.call("kv/range", {});
    await one[Symbol.asyncDispose]();
    const error = await failureOf(gateway.call("kv/range", {}));
    expect(error.fault).toBe("otherCluster");
    expect(error.message).toContain(other.url);
  });
});

describe("Gateway.requireOneCluster()", () => {
  test("requireOneCluster() rejects when a member belongs to another cluster", async () => {
    await using one = new FakeGateway(() => answer());
    await using other = new FakeGateway(() => answer({}, headerOf({ cluster: "8" })));
    const gateway = gatewayTo([one.url, other.url]);
    // It does not wait for long, so that on a busy machine the answer may come too late.
    const error = await eventually("an error", () =>
      gateway.requireOneCluster(Promise.resolve()).then(
        () => undefined,
        (reason: unknown) => reason,
      ),
    );
    expect(error).toMatchObject({ fault: "otherCluster" });
  });

  test("requireOneCluster() does not wait for a member that is silent", async () => {
    await using one = new FakeGateway(() => answer());
    await using silent = new FakeGateway(() => new Promise<Response>(() => {}));
    // A call to the silent member alone, which began earlier, still stands when the check is done.
    const stop = new AbortController();
    const call = gatewayTo([silent.url]).call("kv/range", {}, { signal: stop.signal });
    const check = gatewayTo([one.url, silent.url]).requireOneCluster(Promise.resolve());
    expect(await Promise.race([call, check])).toBeUndefined();
    stop.abort(new Error("enough"));
    expect(call).rejects.toThrow("enough");
  });
});

const refused = (text: string, code: number) =>
  Response.json({ message: text, code }, { status: 400 });

describe("Gateway log-in", () => {
  const credentials = { user: "ci", password: "hunter2" };

  test("call() logs in once and sends the token", async () => {
    await using server = new FakeGateway(({ path }) =>
      answer(path.endsWith("authenticate") ? { token: "t1" } : {}),
    );
    const gateway = gatewayTo([server.url], credentials);
    await Promise.all([gateway.call("kv/range", {}), gateway.call("kv/range", {})]);
    const logins = server.seen.filter(({ path }) => path.endsWith("authenticate"));
    expect(logins).toHaveLength(1);
    expect(logins[0]?.body).toEqual({ name: "ci", password: "hunter2" });
    expect(server.seen.at(-1)?.headers.get("authorization")).toBe("t1");
  });

  test.each([
    ["etcdserver: invalid auth token", 16],
    ["etcdserver: revision of auth store is old", 3],
    ["etcdserver: user name is empty", 3],
  ])("call() logs in anew when the server says %p", async (text, code) => {
    let logins = 0;
    await using server = new FakeGateway(({ path, headers }) => {
      if (path.endsWith("authenticate")) {
        logins += 1;
        return answer({ token: `t${logins}` });
      }
      return headers.get("authorization") === "t1" ? refused(text, code) : answer();
    });
    await gatewayTo([server.url], credentials).call("kv/range", {});
    expect(logins).toBe(2);
  });

  test("call() logs in at the next member when the first does not answer", async () => {
    await using silent = new FakeGateway(() => new Promise<Response>(() => {}));
    await using sound = new FakeGateway(({ path, headers }) => {
      if (path.endsWith("authenticate")) return answer({ token: "t1" });
      return headers.get("authorization") === "t1" ? answer() : refused("invalid auth token", 16);
    });
    const gateway = gatewayTo([silent.url, sound.url], credentials);
    const reply = await gateway.call("kv/range", {}, { seconds: 4 });
    expect(reply.endpoint).toBe(sound.url);
    // The log-in that was made there serves at every member.
    await gateway.call("kv/range", {}, { seconds: 4 });
    expect(sound.seen.filter(({ path }) => path.endsWith("authenticate"))).toHaveLength(1);
  });

  test("stream() ends by its signal when the log-in is not answered", async () => {
    await using silent = new FakeGateway(() => new Promise<Response>(() => {}));
    const stop = new AbortController();
    const gateway = gatewayTo([silent.url], credentials);
    const messages = gateway.stream(silent.url, "watch", {}, stop.signal);
    const first = messages.next().catch(String);
    await eventually("a request", () => silent.seen.length > 0);
    stop.abort(new Error("stopped"));
    expect(await Promise.race([first, Bun.sleep(3000)])).toBe("Error: stopped");
  });

  test("call() goes on without a token when the server has no users", async () => {
    await using server = new FakeGateway(({ path }) =>
      path.endsWith("authenticate")
        ? refused("etcdserver: authentication is not enabled", 9)
        : answer(),
    );
    await gatewayTo([server.url], credentials).call("kv/range", {});
    expect(server.seen.at(-1)?.headers.get("authorization")).toBeNull();
  });

  test("call() says what to set when the server wants a user and none is given", async () => {
    await using server = new FakeGateway(() => refused("etcdserver: user name is empty", 3));
    const error = await failureOf(gatewayTo([server.url]).call("kv/range", {}));
    expect(error.fault).toBe("denied");
    expect(error.message).toContain("RESOURCELOCK_SERVER_USER");
  });

  test("call() fails without the password in its message when that is wrong", async () => {
    await using server = new FakeGateway(() =>
      refused("etcdserver: authentication failed, invalid user ID or password", 3),
    );
    const error = await failureOf(gatewayTo([server.url], credentials).call("kv/range", {}));
    expect(error.fault).toBe("denied");
    expect(error.message).not.toContain(credentials.password);
  });
});

const line = (fields: object) => JSON.stringify({ result: { header: headerOf(), ...fields } });

async function messagesOf(gateway: Gateway, signal = new AbortController().signal) {
  const messages: unknown[] = [];
  for await (const { message } of gateway.stream(gateway.preferredEndpoint, "watch", {}, signal)) {
    messages.push(message["mark"]);
  }
  return messages;
}

describe("Gateway.stream()", () => {
  test("stream() puts lines together when chunks end within them and within a letter", async () => {
    const bytes = new TextEncoder().encode(`${line({ mark: "ä1" })}\n${line({ mark: "2" })}\n`);
    const cut = bytes.indexOf(0xc3) + 1;
    const parts = [
      bytes.subarray(0, 3),
      bytes.subarray(3, cut),
      bytes.subarray(cut, cut + 40),
      bytes.subarray(cut + 40),
    ];
    await using server = new FakeGateway(() => streamed(parts));
    expect(await messagesOf(gatewayTo([server.url]))).toEqual(["ä1", "2"]);
  });

  test("stream() gives the last line when it has no end", async () => {
    await using server = new FakeGateway(() =>
      streamed([`${line({ mark: "1" })}\n`, line({ mark: "2" })]),
    );
    expect(await messagesOf(gatewayTo([server.url]))).toEqual(["1", "2"]);
  });

  test("stream() throws the error that a stream ends with", async () => {
    const error = JSON.stringify({
      error: { grpc_code: 14, http_code: 503, message: "etcdserver: no leader" },
    });
    await using server = new FakeGateway(() => streamed([`${line({ mark: "1" })}\n`, error]));
    expect((await failureOf(messagesOf(gatewayTo([server.url])))).fault).toBe("unavailable");
  });

  test("stream() ends when its signal aborts", async () => {
    await using server = new FakeGateway(() =>
      streamed([`${line({ mark: "1" })}\n`], { ends: false }),
    );
    const stop = new AbortController();
    const gateway = gatewayTo([server.url]);
    const messages = gateway.stream(server.url, "watch", {}, stop.signal);
    await messages.next();
    stop.abort(new Error("enough"));
    expect(messages.next()).rejects.toThrow("enough");
  });

  test("stream() fails when a line has no end", async () => {
    const parts = Array.from({ length: 6 }, () => "x".repeat(1_000_000));
    await using server = new FakeGateway(() => streamed(parts, { ends: false }));
    expect((await failureOf(messagesOf(gatewayTo([server.url])))).fault).toBe("corrupt");
  });
});
