/** A way to a lock server that counts the requests of HTTP that go along it, by what they ask for. */
import { connect, createServer, type Server } from "node:net";

export class CountingWay {
  readonly counts = new Map<string, number>();
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      near.on("data", (chunk) => this.#count(Buffer.from(chunk)));
      for (const socket of [near, far]) socket.on("error", () => {});
      near.pipe(far).pipe(near);
    });
  }

  static async to(target: string): Promise<CountingWay> {
    const way = new CountingWay(new URL(target));
    const listening = Promise.withResolvers<void>();
    way.#server.listen(0, "127.0.0.1", () => listening.resolve());
    await listening.promise;
    return way;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** A request begins a chunk, as each waits for its answer before the next is sent. */
  #count(chunk: Buffer): void {
    const [, path] = /^POST \/v3\/(\S+) /.exec(chunk.subarray(0, 80).toString("latin1")) ?? [];
    if (path !== undefined) this.counts.set(path, (this.counts.get(path) ?? 0) + 1);
  }

  close(): void {
    this.#server.close();
  }
}
