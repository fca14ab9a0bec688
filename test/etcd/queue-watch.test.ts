import { describe, expect, test } from "bun:test";
import { Gateway } from "../../src/etcd/gateway.ts";
import { QueueView } from "../../src/etcd/queue-view.ts";
import { QueueWatch } from "../../src/etcd/queue-watch.ts";
import { answer, FakeGateway, headerOf, type Responder, streamed } from "./fake-gateway.ts";
import { silence } from "./way.ts";

const line = (revision: string, fields: object = {}) =>
  `${JSON.stringify({ result: { header: headerOf({ revision }), ...fields } })}\n`;

const put = (key: string, revision: string) => ({
  kv: { key: btoa(key), value: "", create_revision: revision, mod_revision: revision },
});

const gatewayTo = (...endpoints: string[]) =>
  new Gateway({ endpoints, tls: { rejectUnauthorized: true }, credentials: undefined });

const never = new AbortController().signal;

/** A watch of a queue that was read at revision 5. */
function watchOf(gateway: Gateway, maxSilenceSeconds?: number) {
  const view = new QueueView();
  view.load([], 5);
  const options = { signal: never, maxSilenceSeconds };
  return { view, watch: new QueueWatch(gateway, { prefix: "x/" }, view, options) };
}

const watching =
  (...lines: string[]): Responder =>
  () =>
    streamed(lines, { ends: false });

describe("QueueWatch", () => {
  test("next() knows the queue up to its last event when the header is of a later revision", async () => {
    // As etcd sends them to a watch that has to catch up: in parts, each with the newest revision in its header.
    const lines = [
      line("900", { created: true }),
      line("900", { events: [put("x/1", "7"), put("x/2", "8")] }),
    ];
    await using server = new FakeGateway(watching(...lines));
    const { view, watch } = watchOf(gatewayTo(server.url));
    expect(await watch.next(60)).toBe("changed");
    watch.close();
    expect(view.entries).toHaveLength(2);
    expect(view.revision).toBe(8);
  });

  test("next() says that the watch is broken when its member is late and another one answers", async () => {
    const created = watching(line("5", { created: true }));
    await using hung = new FakeGateway((request) =>
      request.path.endsWith("watch") ? created(request) : silence(),
    );
    await using sound = new FakeGateway(() => answer());
    const gateway = gatewayTo(hung.url, sound.url);
    const { watch } = watchOf(gateway);
    const next = watch.next(60);
    await gateway.call("kv/range", {});
    // Well before the minute after which a silent watch is made anew in any case.
    expect(await Promise.race([next, Bun.sleep(5000)])).toBe("broken");
    watch.close();
  });

  test("next() says that the watch is broken when it was silent for too long", async () => {
    await using server = new FakeGateway(watching(line("5", { created: true })));
    const { watch } = watchOf(gatewayTo(server.url), 0.2);
    expect(await watch.next(60)).toBe("broken");
    watch.close();
  });
});
