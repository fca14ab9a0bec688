/**
 * Another host for a test: a network namespace with one cable to this one, that a test can pull. Unlike with a forwarder
 * that is cut, it is the kernel's own TCP that gets no answer: see ip-netns(8), veth(4).
 */
import { doWithout, haveTools } from "../support/binary.ts";
import { Forwarder } from "./forwarder.ts";

/** A cluster: the URLs of its members on this host. */
interface Reachable {
  readonly members: readonly { readonly client: string }[];
}

/** Whether network namespaces can be made; says what is missing, and fails in CI. */
export const haveOtherHosts =
  haveTools("ip", "unshare", "nsenter") &&
  (succeeds("unshare", "-n", "ip", "link", "add", "rl-probe", "type", "veth") ||
    doWithout("network namespaces: they take root and CAP_NET_ADMIN"));

function succeeds(...words: string[]): boolean {
  return Bun.spawnSync(words, { stdio: ["ignore", "ignore", "ignore"] }).success;
}

function ip(...words: string[]): void {
  const { success, stderr } = Bun.spawnSync(words, { stdio: ["ignore", "ignore", "pipe"] });
  if (!success) throw new Error(`${words.join(" ")}: ${stderr.toString()}`);
}

let count = 0;

export class OtherHost implements AsyncDisposable {
  /** Ends with this process, and the namespace and the cable with it. */
  readonly #keeper: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #cable: string;
  readonly #ways: Forwarder[] = [];
  /** As for --server, from there. */
  servers = "";

  private constructor(keeper: Bun.Subprocess<"pipe", "pipe", "inherit">) {
    count += 1;
    this.#keeper = keeper;
    this.#cable = `rl${process.pid}-${count}`;
  }

  /** Makes a host from which the members of a cluster can be reached. */
  static async of(cluster: Reachable): Promise<OtherHost> {
    const keeper = Bun.spawn(["unshare", "-n", "sh", "-c", "echo ready && exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await keeper.stdout.getReader().read();
    const host = new OtherHost(keeper);
    await host.#connect(cluster);
    return host;
  }

  async #connect(cluster: Reachable): Promise<void> {
    const cable = this.#cable;
    // A network of four addresses for each cable, which no other test process has.
    const network = (process.pid * 16 + count) % 2 ** 14;
    const address = (last: number) => `10.213.${network >> 6}.${((network & 63) << 2) + last}`;
    const there = this.words();
    ip("ip", "link", "add", cable, "type", "veth", "peer", "name", "there", "netns", this.#id);
    ip("ip", "address", "add", `${address(1)}/30`, "dev", cable);
    ip("ip", "link", "set", cable, "up");
    ip(...there, "ip", "link", "set", "lo", "up");
    ip(...there, "ip", "address", "add", `${address(2)}/30`, "dev", "there");
    ip(...there, "ip", "link", "set", "there", "up");
    for (const { client } of cluster.members) {
      this.#ways.push(await Forwarder.to(client, address(1)));
    }
    this.servers = this.#ways.map(({ url }) => url).join(",");
  }

  get #id(): string {
    return String(this.#keeper.pid);
  }

  /** The words that run a command there. */
  words(...command: string[]): string[] {
    return ["nsenter", "-t", this.#id, "-n", ...command];
  }

  /** Pulls the cable: from now on nothing arrives, on either side. */
  cut(): void {
    ip("ip", "link", "set", this.#cable, "down");
  }

  heal(): void {
    ip("ip", "link", "set", this.#cable, "up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const way of this.#ways) await way[Symbol.asyncDispose]();
    // What the kernel still wants to send would keep it for minutes.
    ip("ip", "link", "delete", this.#cable);
    this.#keeper.kill("SIGKILL");
    await this.#keeper.exited;
  }
}
