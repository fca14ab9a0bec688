/** The processes that share a lock in these tests: the binary, the Python peer, and who contends. */
import { fileURLToPath } from "node:url";
import { binary } from "../support/process.ts";

/** The words of a command line of the binary. */
export function resourcelock(...words: string[]): string[] {
  return [binary, ...words];
}

const python3 = Bun.which("python3") ?? "python3";
/** Without site-packages, so that no package can help; and UTF-8 whatever the locale. */
const pythonOptions = ["-I", "-S", "-X", "utf8"];

/** Why there can be no Python peer here; undefined where there can. */
export function whyNoPython(): string | undefined {
  if (Bun.which("python3") === null) return "python3 is not on PATH";
  const { exitCode } = Bun.spawnSync([python3, ...pythonOptions, "-c", "import ctypes, mmap"]);
  return exitCode === 0 ? undefined : "python3 has no ctypes or mmap";
}

/** The words of a command line of the Python peer. */
export function pythonPeer(...words: string[]): string[] {
  return [python3, ...pythonOptions, besideThis("peer.py"), ...words];
}

/** Who makes critical sections one after the other, and says "ready" before the first one. */
export interface Contention {
  lockName: string;
  sections: number;
  /** A file with a number, to which each section adds one. */
  counter: string;
  /** A file that is there while somebody is in the critical section. */
  witness: string;
}

export function pythonContender({ lockName, sections, counter, witness }: Contention): string[] {
  const options = ["--sections", String(sections), "--counter", counter, "--witness", witness];
  return pythonPeer(lockName, "contend", ...options);
}

export function libraryContender({ lockName, sections, counter, witness }: Contention): string[] {
  const words = [lockName, String(sections), counter, witness];
  return [process.execPath, besideThis("contend.ts"), ...words];
}

export function shellContender({ lockName, sections, counter, witness }: Contention): string[] {
  const words = [binary, lockName, String(sections), counter, witness];
  return ["sh", besideThis("contend.sh"), ...words];
}

function besideThis(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
