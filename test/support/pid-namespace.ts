/** PID namespaces of their own for processes of tests, as containers have them. */
import { doWithout, haveTools } from "./binary.ts";

/** Runs a command as the first process of a PID namespace of its own. */
export const unsharePids = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--map-root-user"]),
  "--pid",
  "--fork",
  "--kill-child",
  "--mount-proc",
];

export const canUnshare =
  haveTools("unshare") &&
  (Bun.spawnSync([...unsharePids, "true"]).success || doWithout("PID namespaces"));
