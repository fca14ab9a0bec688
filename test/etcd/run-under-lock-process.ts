/** Processes of run-under-lock.ts, whose command notes ten to fifty times a second that it lives. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EtcdCluster } from "./etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

const program = join(import.meta.dir, "run-under-lock.ts");

export class RunUnderLock implements AsyncDisposable {
  readonly wrapper: Bun.Subprocess<"ignore", "pipe", "inherit">;
  readonly #directory = mkdtempSync(join(tmpdir(), "resourcelock-beats-"));
  readonly #started = new Set<number>();

  /** Starts a command that runs for some seconds, unless it is stopped. */
  constructor(cluster: EtcdCluster, name: string, ttlSeconds: number, seconds: number) {
    const beat = `end=$(($(date +%s) + ${seconds})); while [ $(date +%s) -le $end ]; do date +%s%N >>${this.#beats}; sleep 0.02; done`;
    const words = [process.execPath, program, name, String(ttlSeconds), "sh", "-c", beat];
    this.wrapper = Bun.spawn(words, {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
      env: { ...process.env, RESOURCELOCK_SERVER: cluster.servers },
    });
    this.#started.add(this.wrapper.pid);
  }

  get #beats(): string {
    return join(this.#directory, "beats");
  }

  /** The number of the command's process. */
  async command(): Promise<number> {
    const reader = this.wrapper.stdout.getReader();
    let text = "";
    while (!text.includes("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the command was not started");
      text += new TextDecoder().decode(value);
    }
    const id = Number(text.trim().split(" ")[1]);
    this.#started.add(id);
    return id;
  }

  /** The number of the keeper's process, once it is there. */
  async keeper(): Promise<number> {
    let found: number | undefined;
    const look = () => {
      found = childrenOf(this.wrapper.pid).find((id) => commandLineOf(id).includes("__keeper"));
      return found !== undefined;
    };
    await eventually("a keeper", look);
    this.#started.add(found ?? 0);
    return found ?? 0;
  }

  /** When the command lived last, in seconds since 1970. */
  lastBeat(): number {
    const lines = readFileSync(this.#beats, "utf8").trim().split("\n");
    return Number(lines.at(-1)) / 1e9;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#started) {
      if (id > 0 && commandLineOf(id) !== "") process.kill(id, "SIGKILL");
    }
    await this.wrapper.exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function childrenOf(processId: number): number[] {
  const path = `/proc/${processId}/task/${processId}/children`;
  return readIfThere(path).trim().split(" ").filter(Boolean).map(Number);
}

function commandLineOf(processId: number): string {
  return readIfThere(`/proc/${processId}/cmdline`);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Waits for a lock with etcdctl. @returns when it had it, in seconds since 1970 */
export async function beginOfRival(cluster: EtcdCluster, name: string): Promise<number> {
  const output = await cluster.etcdctl("lock", name, "--", "date", "+%s%N");
  return Number(output.trim()) / 1e9;
}
