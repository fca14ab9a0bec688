/** Locks as metrics, in the text exposition format of Prometheus, version 0.0.4. */
import type { LockState } from "../../lock/status.ts";
import { escapeControls } from "../terminal/escape.ts";
import { holdSeconds } from "./status-text.ts";

export interface MetricOptions {
  nowSeconds: number;
  /** How long a hold may last; undefined leaves the metric of longer ones out. */
  heldOverSeconds?: number | undefined;
}

interface Metric {
  name: string;
  type: "gauge" | "counter";
  help: string;
  /** Undefined when there is nothing to tell: then there is no sample. */
  value(this: void, lock: LockState, options: MetricOptions): number | undefined;
  /** Whether to leave it out altogether where no lock has a sample. */
  isRare?: boolean;
}

const limitMetric = "resourcelock_held_over_limit";

const metrics: readonly Metric[] = [
  {
    name: "resourcelock_locked",
    type: "gauge",
    help: "Whether anybody holds the lock: 1, or 0 for free.",
    value: lockedValue,
  },
  {
    name: "resourcelock_holders",
    type: "gauge",
    help: "How many hold the lock.",
    value: (lock) => (lockedValue(lock) === undefined ? undefined : lock.holders.length),
  },
  {
    name: "resourcelock_slots",
    type: "gauge",
    help: "How many may hold the lock at once; absent unless it is held in slots.",
    value({ holders }) {
      const slots = holders.map((holder) => holder.slots).filter((count) => count !== null);
      return slots.length === 0 ? undefined : Math.min(...slots);
    },
    isRare: true,
  },
  {
    name: "resourcelock_held_seconds",
    type: "gauge",
    help: "How many seconds the lock has been held; 0 if it is free, absent if nobody knows.",
    value: ({ state, holders }, { nowSeconds }) =>
      state === "free" ? 0 : (holdSeconds(holders, nowSeconds) ?? undefined),
  },
  {
    name: limitMetric,
    type: "gauge",
    help: "Whether the lock has been held longer than the time given by --held-over.",
    value({ holders }, { nowSeconds, heldOverSeconds }) {
      if (heldOverSeconds === undefined) return undefined;
      return Number((holdSeconds(holders, nowSeconds) ?? 0) > heldOverSeconds);
    },
  },
  {
    name: "resourcelock_waiters",
    type: "gauge",
    help: "How many processes wait for the lock.",
    value: ({ waiters }) => waiters.length,
  },
  {
    name: "resourcelock_grants_total",
    type: "counter",
    help: "How often the lock was granted since it was created, Python programs not counted.",
    value: ({ grants }) => grants,
  },
  {
    name: "resourcelock_recoveries_total",
    type: "counter",
    help: "How many of these grants took over from a holder that died.",
    value: ({ recoveries }) => recoveries,
  },
];

function lockedValue(lock: LockState): number | undefined {
  const locked = lock.state === "stale" || lock.locked;
  return locked === null ? undefined : Number(locked);
}

/** The lines of a file for the textfile collector of node_exporter. Locks that may not be read are left out. */
export function metricLines(locks: readonly LockState[], options: MetricOptions): string[] {
  const readable = new Map<string, LockState>();
  for (const lock of locks) {
    // Two series of one name would make the whole file invalid.
    const label = labelValue(lock.name);
    if (lock.state !== "unreadable" && !readable.has(label)) readable.set(label, lock);
  }
  const lines: string[] = [];
  for (const { name, type, help, value, isRare = false } of metrics) {
    if (name === limitMetric && options.heldOverSeconds === undefined) continue;
    const samples: string[] = [];
    for (const [label, lock] of readable) {
      const sample = value(lock, options);
      if (sample !== undefined) samples.push(`${name}{name="${label}"} ${rounded(sample)}`);
    }
    if (isRare && samples.length === 0) continue;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples);
  }
  return lines;
}

/** To milliseconds: no time is known more exactly. */
function rounded(sample: number): number {
  return Math.round(sample * 1000) / 1000;
}

const labelEscapes: Record<string, string> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

/** As the format wants it; other control characters, which it lets through, as the text that is shown for them. */
function labelValue(text: string): string {
  return text
    .split("\n")
    .map((line) => escapeControls(line))
    .join("\n")
    .replace(/[\\"\n]/g, (character) => labelEscapes[character] ?? character);
}
