/** A way to a server that a test can cut, as a firewall that drops packets does: nothing is closed, nothing arrives. */
import { connect, createServer, type Server, type Socket } from "node:net";

export class Forwarder implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #delayMilliseconds = 0;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  /**
   * @param target as in `http://127.0.0.1:2379`
   * @param address where it listens
   */
  static async to(target: string, address = "127.0.0.1"): Promise<Forwarder> {
    const forwarder = new Forwarder(new URL(target));
    const listening = Promise.withResolvers<void>();
    forwarder.#server.listen(0, address, () => listening.resolve());
    await listening.promise;
    return forwarder;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return `http://${address.address}:${address.port}`;
  }

  /** From now on nothing arrives, on either side. */
  cut(): void {
    this.#isCut = true;
  }

  heal(): void {
    this.#isCut = false;
  }

  /** From now on each piece arrives so much later. */
  delay(milliseconds: number): void {
    this.#delayMilliseconds = milliseconds;
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on("data", (chunk) => {
      if (this.#isCut) return;
      setTimeout(() => to.write(chunk), this.#delayMilliseconds);
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      if (!this.#isCut) to.destroy();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    await closed.promise;
  }
}
