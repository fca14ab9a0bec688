/** Real etcd servers for a test: on free ports of 127.0.0.1, with their data in a directory of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsSettings } from "../../src/etcd/credentials.ts";
import { request } from "../../src/etcd/channel.ts";
import { idIn } from "../../src/etcd/json.ts";
import { haveTools } from "../support/binary.ts";

/** Whether etcd and etcdctl are there; says what is missing, and fails in CI. */
export const haveEtcd = haveTools("etcd", "etcdctl");

interface Member {
  readonly name: string;
  readonly client: string;
  readonly peer: string;
  process: Bun.Subprocess | undefined;
}

const readyMilliseconds = 30_000;
const plain: TlsSettings = { rejectUnauthorized: true };

function freePort(): number {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

export class EtcdCluster implements AsyncDisposable {
  readonly members: readonly Member[];
  readonly #directory = mkdtempSync(join(tmpdir(), "resourcelock-etcd-"));
  readonly #arguments: readonly string[];

  readonly #tls: TlsSettings | undefined;

  private constructor(size: number, extra: readonly string[], tls: TlsSettings | undefined) {
    this.#arguments = extra;
    this.#tls = tls;
    const scheme = tls === undefined ? "http" : "https";
    this.members = Array.from({ length: size }, (_, index) => ({
      name: `n${index}`,
      client: `${scheme}://127.0.0.1:${freePort()}`,
      peer: `http://127.0.0.1:${freePort()}`,
      process: undefined,
    }));
  }

  /**
   * @param extra further arguments of etcd
   * @param tls what clients need, for servers that speak TLS
   */
  static async start(
    size = 1,
    extra: readonly string[] = [],
    tls?: TlsSettings,
  ): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(size, extra, tls);
    for (let index = 0; index < size; index++) cluster.startMember(index);
    await cluster.ready();
    return cluster;
  }

  /** As for --server and for ETCDCTL_ENDPOINTS. */
  get servers(): string {
    return this.members.map(({ client }) => client).join(",");
  }

  startMember(index: number): void {
    const member = this.#member(index);
    const { name, client, peer } = member;
    const log = Bun.file(join(this.#directory, `${name}.log`));
    const words = [
      ["--name", name, "--data-dir", join(this.#directory, name)],
      ["--listen-client-urls", client, "--advertise-client-urls", client],
      ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ["--initial-cluster", this.members.map((each) => `${each.name}=${each.peer}`).join(",")],
      ["--log-level", "error", "--logger", "zap"],
      this.#arguments,
    ].flat();
    member.process = Bun.spawn(["etcd", ...words], {
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: { PATH: process.env["PATH"], ETCD_UNSUPPORTED_ARCH: process.arch },
    });
  }

  async killMember(index: number): Promise<void> {
    const member = this.#member(index);
    member.process?.kill("SIGKILL");
    await member.process?.exited;
    member.process = undefined;
  }

  signalMember(index: number, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#member(index).process?.kill(signal);
  }

  /** The number of the member that leads. */
  async leader(): Promise<number> {
    for (const [index, { client }] of this.members.entries()) {
      const status = await this.#statusOf(client).catch(() => undefined);
      if (status !== undefined && status.leader === status.member) return index;
    }
    throw new Error("no member leads");
  }

  /** Waits until every living member has a leader. */
  async ready(): Promise<void> {
    const end = performance.now() + readyMilliseconds;
    for (;;) {
      const living = this.members.filter(({ process: server }) => server !== undefined);
      const checks = await Promise.allSettled(living.map(({ client }) => this.#statusOf(client)));
      const haveLeader = checks.every(
        (each) => each.status === "fulfilled" && each.value.leader !== "0",
      );
      if (haveLeader) return;
      if (performance.now() > end) {
        const log = await Bun.file(join(this.#directory, "n0.log")).text();
        throw new Error(`etcd does not start: ${log}`);
      }
      await Bun.sleep(50);
    }
  }

  /** Runs etcdctl and gives what it printed. */
  async etcdctl(...words: string[]): Promise<string> {
    const child = this.startEtcdctl(...words);
    const output = await new Response(child.stdout).text();
    await child.exited;
    return output;
  }

  startEtcdctl(...words: string[]): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    return Bun.spawn(["etcdctl", ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env: { PATH: process.env["PATH"], ETCDCTL_API: "3", ETCDCTL_ENDPOINTS: this.servers },
    });
  }

  /** The keys that begin with a prefix. */
  async keys(prefix: string): Promise<string[]> {
    const output = await this.etcdctl("get", "--prefix", prefix, "--keys-only");
    return output.split("\n").filter((line) => line !== "");
  }

  /** The revision of the key space. */
  async revision(): Promise<number> {
    return (await this.#statusOf(this.#member(0).client)).revision;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const indices = this.members.keys();
    await Promise.all([...indices].map((index) => this.killMember(index)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #statusOf(client: string) {
    const options = { tls: this.#tls ?? plain, token: undefined, timeoutMilliseconds: 2000 };
    const { message, header } = await request(client, "maintenance/status", {}, options);
    return { leader: idIn(message, "leader"), member: header.memberId, revision: header.revision };
  }

  #member(index: number): Member {
    const member = this.members[index];
    if (member === undefined) throw new RangeError(`no member ${index}`);
    return member;
  }
}
