/** A lock server that answers whatever a test wants: what no etcd that can be installed here does. */

/** A request as the fake server sees it. */
export interface SeenRequest {
  path: string;
  body: unknown;
  headers: Headers;
}

export type Responder = (request: SeenRequest) => Response | Promise<Response>;

export class FakeGateway implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly #server: Bun.Server<undefined>;

  constructor(respond: Responder) {
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      fetch: async (request) => {
        const body: unknown = await request.json();
        const seen = { path: new URL(request.url).pathname, body, headers: request.headers };
        this.seen.push(seen);
        return await respond(seen);
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}

export function headerOf({ cluster = "7", revision = "1", term = "2" } = {}) {
  return { cluster_id: cluster, member_id: "9", revision, raft_term: term };
}

/** An answer as etcd gives it. */
export function answer(fields: object = {}, header = headerOf()): Response {
  return Response.json({ header, ...fields });
}

/** An answer in parts, cut anywhere, with the time of day to send each. */
export function streamed(parts: readonly (string | Uint8Array)[], { ends = true } = {}): Response {
  const encoder = new TextEncoder();
  return new Response(
    new ReadableStream({
      async start(controller) {
        for (const part of parts) {
          controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
          // Each part is a chunk of its own on the wire.
          await Bun.sleep(5);
        }
        if (ends) controller.close();
      },
    }),
  );
}
