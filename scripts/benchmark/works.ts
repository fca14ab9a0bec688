/** The works, in the order of the page. */
import acrossHosts from "./works/across-hosts.ts";
import arm64 from "./works/arm64.ts";
import commands from "./works/commands.ts";
import contention from "./works/contention.ts";
import costs from "./works/costs.ts";
import handOver from "./works/hand-over.ts";
import library from "./works/library.ts";
import list from "./works/list.ts";
import memory from "./works/memory.ts";
import noFork from "./works/no-fork.ts";
import oneJob from "./works/one-job.ts";
import queue from "./works/queue.ts";
import recovery from "./works/recovery.ts";
import scripts from "./works/scripts.ts";
import waiting from "./works/waiting.ts";
import type { Work } from "./context.ts";

export const works: readonly Work[] = [
  oneJob,
  commands,
  costs,
  library,
  scripts,
  handOver,
  contention,
  queue,
  waiting,
  memory,
  noFork,
  recovery,
  list,
  acrossHosts,
  arm64,
];
