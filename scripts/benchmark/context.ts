/** What every work is given. */
import type { Peers } from "./peers.ts";
import type { Programs } from "./programs.ts";
import type { Findings } from "./report.ts";

export type Effort = "trial" | "quick" | "full";

export interface Bench extends Peers {
  effort: Effort;
  /** For files; deleted at the end. */
  directory: string;
  programs: Programs;
  /** One of three values, by the effort. */
  choose: <T>(choices: Record<Effort, T>) => T;
  /** The name of a lock, made of these parts; its objects are deleted at the end. */
  lockName: (...parts: (string | number)[]) => string;
}

export interface Work {
  /** For `--only`. */
  name: string;
  title: string;
  measure: (bench: Bench) => Promise<Findings>;
}
