/**
 * Process numbers of a ledger, which mean something in the PID namespace of the process that wrote them. That of the
 * host's first one is 0, as older programs write for any.
 */
import type { HolderStatus, Pid } from "../../lock/status.ts";
import { ownPidNamespace, ownStartNamespace } from "../../posix/proc.ts";
import { hasEnded, startedAfter } from "../../posix/process-start.ts";
import type { Header, Seat } from "./layout.ts";
import { evictorOf, isEvictorOf, namespaceOf } from "./seat-words.ts";

/** A process as the ledger has it. */
export interface ProcessNumber {
  /** 0 where nobody knows. */
  readonly process: number;
  /** Where that is its number: as `ownPidNamespace` has it. */
  readonly namespace: number;
}

export const noProcess: ProcessNumber = { process: 0, namespace: 0 };

/** A process as others see it: of another namespace only its number there. */
export function processLabel({ process, namespace }: ProcessNumber): Pid {
  if (process === 0) return { pid: null };
  if (namespace === ownPidNamespace()) return { pid: process };
  return { pid: null, namespacePid: process };
}

/** What tells the process of a hold from a later one of its number. */
type HoldingProcess = Pick<HolderStatus, "pid" | "since" | "attachment">;

/**
 * Whether a hold is that of the process that has a number now. The holder may have ended without its hold: a command
 * goes on under it when `run` was killed, or has taken the place of `run` and left a process behind.
 */
export function isHoldOf({ pid, since, attachment }: HoldingProcess, process: number): boolean {
  if (pid !== process) return false;
  // The owner of a bound hold is told by its start.
  return attachment === "bound" || since === null || !startedAfter(process, since);
}

/** This process. */
export function ownProcess(): ProcessNumber {
  return { process: process.pid, namespace: ownPidNamespace() };
}

/** The process that forced the lock from a seat, or asked it to leave. */
export function evictorLabel(seat: Pick<Seat, "evicted">): Pid {
  const process = evictorOf(seat);
  const isOfHere = process === 0 || isEvictorOf(seat, ownPidNamespace());
  return isOfHere ? { pid: process || null } : { pid: null, namespacePid: process };
}

/** The process of a seat. */
export function processOf(seat: Pick<Seat, "process" | "kind">): ProcessNumber {
  return { process: seat.process, namespace: namespaceOf(seat) };
}

/** The process that a detached hold is bound to, as others see it. */
export function boundLabel({ boundProcess, boundNamespace }: Readonly<Header>): Pid {
  if (boundNamespace === ownStartNamespace()) return { pid: boundProcess };
  return { pid: null, namespacePid: boundProcess };
}

/** Whether the process that a detached hold is bound to has ended. Of another namespace's nobody here can tell. */
export function isOwnerDead(header: Readonly<Header>): boolean {
  const { boundProcess, boundStart, boundNamespace } = header;
  if (boundProcess === 0 || boundNamespace !== ownStartNamespace()) return false;
  return hasEnded(boundProcess, boundStart);
}
