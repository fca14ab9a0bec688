/** The holders and waiters of a lock, in plain words. */
import { withoutDate } from "../../lock/info-text.ts";
import {
  type GrantRecord,
  type HolderStatus,
  type LockStatus,
  pidText,
  type ProcessLabel,
} from "../../lock/status.ts";
import { lockWord, shellWord } from "../arguments/shell-word.ts";
import { fileStatus } from "../../posix/file.ts";
import { processDirectory } from "../../posix/proc.ts";
import { userName } from "../../posix/user.ts";
import { counted } from "../terminal/text.ts";
import { agoText, durationText, fineDurationText } from "../terminal/time-text.ts";

/** The name of another user whose process it is; undefined for one's own, and when nobody can tell. */
export type UserOf = (processId: number) => string | undefined;

/** Asks /proc. */
const otherUserOf: UserOf = (processId) => {
  try {
    const directory = processDirectory(processId);
    if (directory === undefined) return undefined;
    const { userId } = fileStatus(directory);
    return userId === process.geteuid?.() ? undefined : (userName(userId) ?? String(userId));
  } catch {
    return undefined;
  }
};

/** How many holders are named one by one within a sentence. */
const defaultMaxNamed = 3;

/** A process within a sentence: as in `pid 4242 (make deploy by anna)`. */
export function processText(process: ProcessLabel, userOf: UserOf = otherUserOf): string {
  const { pid, command, host } = process;
  const number = pidText(process);
  if (number === undefined) return command === "" ? unnamed : command;
  const user = host === undefined && pid !== null ? userOf(pid) : undefined;
  const label = [command, user === undefined ? "" : `by ${user}`].filter((part) => part !== "");
  const where = host === undefined ? "" : ` on ${host}`;
  return `${number}${where}${label.length === 0 ? "" : ` (${label.join(" ")})`}`;
}

/** A process at the head of a line: as in `make deploy (pid 4242, anna)`, `make deploy (pid 4242 on ci3)`. */
function whoText(process: ProcessLabel, userOf: UserOf, ...more: string[]): string {
  const { pid, command, host } = process;
  const user = pid === null || host !== undefined ? undefined : userOf(pid);
  const number = [pidText(process), host].filter((part) => part !== undefined).join(" on ");
  const facts = [number, user ?? "", ...more];
  const shown = facts.filter((fact) => fact !== "").join(", ");
  if (command === "") return shown === "" ? unnamed : shown;
  return shown === "" ? command : `${command} (${shown})`;
}

/** Stands for a living holder whose seat in the ledger was overwritten. */
const unnamed = "a process that the ledger does not name";
const pythonProgram = "a Python (cjnfuncs) program";

/** What the info text tells of a holder that nothing else is known of. */
interface TextOptions {
  info?: string | null | undefined;
  /** Seconds since 1970. */
  now?: number;
  userOf?: UserOf;
  /** How many holders are named one by one within a sentence. */
  maxNamed?: number;
}

/** Holders within a sentence: as in `held by pid 4242 (make deploy) for 3m12s`. */
export function holdersText(
  holders: readonly HolderStatus[],
  {
    info,
    now = Date.now() / 1000,
    userOf = otherUserOf,
    maxNamed = defaultMaxNamed,
  }: TextOptions = {},
): string {
  const texts = holders
    .slice(0, maxNamed)
    .map((holder) => `${holderText(holder, info, userOf)}${heldFor(holder, now)}`);
  const more = holders.length > maxNamed ? ` and ${holders.length - maxNamed} more` : "";
  return `${verbFor(holders)} ${texts.join(", ")}${more}`;
}

/** As in `held by`, `shared by`, `2 of 3 slots held by`. */
function verbFor(holders: readonly HolderStatus[]): string {
  const { inSlots, others } = byKind(holders);
  if (inSlots.length === 0) return others[0]?.kind === "shared" ? "shared by" : "held by";
  return others.length === 0 ? `${slotsText(inSlots)} held by` : "held by";
}

/** Holders as they are counted: those in slots, and the others, who may be readers beside them. */
function byKind<Holder extends { readonly slots: number | null }>(holders: readonly Holder[]) {
  const inSlots = holders.filter(({ slots }) => slots !== null);
  return { inSlots, others: holders.filter(({ slots }) => slots === null) };
}

function minSlots(inSlots: readonly HolderStatus[]): number {
  return Math.min(...inSlots.map(({ slots }) => slots ?? Infinity));
}

/** As in `2 of 3 slots`: the least that any of them asked for counts. */
function slotsText(inSlots: readonly HolderStatus[]): string {
  return `${inSlots.length} of ${counted(minSlots(inSlots), "slot", "slots")}`;
}

/** As in `shared by 3`, `2 of 3 slots held`, `2 of 3 slots held; shared by 1`. */
function countText(holders: readonly HolderStatus[]): string {
  const { inSlots, others } = byKind(holders);
  const parts = [
    inSlots.length === 0 ? "" : `${slotsText(inSlots)} held`,
    others.length === 0 ? "" : `${verbFor(others)} ${others.length}`,
  ];
  return parts.filter((part) => part !== "").join("; ");
}

function holderText(holder: HolderStatus, info: string | null | undefined, userOf: UserOf): string {
  const { attachment, command } = holder;
  const number = pidText(holder);
  const where = holder.host === undefined ? "" : ` on ${holder.host}`;
  switch (attachment) {
    case "attached":
      return processText(holder, userOf);
    case "detached":
      return `${command || "nobody"} (no process${where})`;
    case "bound":
      return command === "" ? `${number}${where}` : `${command} (bound to ${number}${where})`;
    case "foreign":
      return command || pythonProgram + (info ? `: ${withoutDate(info)}` : "");
    default:
      return number === undefined
        ? "a process that died"
        : `${processText(holder, userOf)}, which died`;
  }
}

function heldFor({ since, attachment }: HolderStatus, now: number): string {
  return since === null || attachment === "stale" ? "" : ` for ${durationText(now - since)}`;
}

/** A holder in a cell of a table: as in `make deploy (4242)`, `cli (no process)`, `slot 2: make (4242)`. */
function briefHolderText({
  attachment,
  pid,
  namespacePid,
  command,
  slot,
  slotName,
  host,
}: Pick<
  HolderStatus,
  "attachment" | "pid" | "namespacePid" | "command" | "slot" | "slotName" | "host"
>): string {
  const place = slot === null ? "" : `slot ${slotName ?? slot}: `;
  const number = namespacePid === undefined ? pid : `${namespacePid} elsewhere`;
  const at = [number, host].filter((part) => part != null).join(" on ");
  const named = (facts: string) =>
    place + (command === "" ? facts || unnamed : facts === "" ? command : `${command} (${facts})`);
  switch (attachment) {
    case "attached":
      return named(at);
    case "detached":
      return named(host === undefined ? "no process" : `no process on ${host}`);
    case "bound":
      return named(`bound to ${at}`);
    case "foreign":
      return command || pythonProgram;
    default:
      return pid === null && command === "" ? "a process that died" : `${named(at)}, died`;
  }
}

/** Holders in a cell: as in `make (4242)`, `2/3: film 2, film 3`, `2 shared: a, b`, `1/2 + 1 shared: a, b`. */
export function briefHoldersText(holders: readonly HolderStatus[]): string {
  const [first] = holders;
  if (first === undefined) return "";
  const commands = holders.map(({ command, pid }) => command || String(pid ?? "?")).join(", ");
  const { inSlots, others } = byKind(holders);
  if (inSlots.length > 0) {
    const readers = others.length === 0 ? "" : ` + ${others.length} shared`;
    return `${inSlots.length}/${minSlots(inSlots)}${readers}: ${commands}`;
  }
  return holders.length === 1 ? briefHolderText(first) : `${holders.length} shared: ${commands}`;
}

/** For how many seconds the first of them has held; null when nobody does, or nobody knows. */
export function holdSeconds(holders: readonly HolderStatus[], now: number): number | null {
  const times = holders.map(({ since }) => since).filter((since) => since !== null);
  return times.length === 0 ? null : Math.max(0, now - Math.min(...times));
}

/** What `state` tells about a lock. */
export interface StateFacts {
  name: string;
  exists: boolean;
  /** Whether it is locked, by whomever; null when nobody can tell. */
  locked: boolean | null;
  info: string | null;
  status: Pick<LockStatus, "holders" | "waiters">;
  /** The last grant, when it is known: told of a free lock. */
  last?: GrantRecord | undefined;
  /** The servers that --server names. */
  server?: string | undefined;
}

/** The state of a lock: who holds it or held it last, then who waits, in order. */
export function stateLines(facts: StateFacts, options: TextOptions = {}): string[] {
  const [holder, ...others] = facts.status.holders;
  const isOne = holder !== undefined && others.length === 0 && holder.slots === null;
  const advice = isOne ? adviceFor(facts, holder) : "";
  return [stateLine(facts, options) + advice, ...detailLines(facts, options)];
}

/** The first line of it: as in `disk: held by nightly backup (pid 4242, anna) for 3m12s`. */
export function stateLine(facts: StateFacts, options: TextOptions = {}): string {
  const { name, exists, locked, info, status, last } = facts;
  const { now = Date.now() / 1000, userOf = otherUserOf } = options;
  const [holder, ...others] = status.holders;
  if (holder === undefined) {
    if (locked === true) return `${name}: held by ${pythonProgram}${info ? `: ${info}` : ""}`;
    if (!exists) return `${name}: free; there is no such lock yet`;
    return `${name}: free${last === undefined ? "" : lastHoldText(last, now)}`;
  }
  if (others.length > 0 || holder.slots !== null) return `${name}: ${countText(status.holders)}`;
  return `${name}: ${verbFor(status.holders)} ${headHolderText(holder, info, userOf)}${heldFor(holder, now)}`;
}

/** What to do about a hold that does not end by itself. */
function adviceFor({ name, server }: StateFacts, { attachment }: HolderStatus): string {
  if (attachment === "detached") return `; release it with: ${ungetText(name, server)}`;
  return attachment === "stale" ? "; the next run or get takes over" : "";
}

/** The indented lines under it: several holders, who waits, and what else there is to know. */
function detailLines(
  facts: StateFacts,
  { now = Date.now() / 1000, userOf = otherUserOf }: TextOptions = {},
): string[] {
  const { exists, locked } = facts;
  const lines = [...holderLines(facts, userOf, now), ...waiterLines(facts, userOf, now)];
  if (!exists && locked === true) {
    lines.push("its semaphore was deleted while in use; the next run or get recreates it");
  }
  const text = untoldInfo(facts);
  if (text !== "") lines.push(`info: ${text}`);
  return lines.map((line) => `  ${line}`);
}

/** A line for each holder, unless the first line tells all of the only one. */
function holderLines({ status, info }: StateFacts, userOf: UserOf, now: number): string[] {
  const { holders } = status;
  const isTold = holders.length < 2 && holders.every(({ slots }) => slots === null);
  if (isTold) return [];
  return holders.map((holder) => {
    const place = holder.slot === null ? "" : `slot ${holder.slotName ?? holder.slot}: `;
    return `${place}${headHolderText(holder, info, userOf)}${heldFor(holder, now)}`;
  });
}

/** As in `2. thumbnails (pid 4250) waits for 12s`, with the kind if it is not that of the holder. */
function waiterLines({ status }: StateFacts, userOf: UserOf, now: number): string[] {
  const usual = status.holders[0]?.kind ?? "exclusive";
  return status.waiters.map((waiter, index) => {
    const since = waiter.since === null ? "" : ` for ${durationText(now - waiter.since)}`;
    const kind = waiter.kind === usual ? "" : waiter.kind;
    return `${index + 1}. ${whoText(waiter, userOf, kind)} waits${since}`;
  });
}

/** The info text, if it says more than the lines about holders do; else "". */
function untoldInfo({ locked, info, status: { holders }, last }: StateFacts): string {
  const text = withoutDate(info ?? "");
  const [first] = holders;
  const told = first === undefined ? [last?.command] : holders.map(({ command }) => command);
  if (told.some((command) => command && text.startsWith(command))) return "";
  const isForeign = first === undefined || first.attachment === "foreign";
  return isForeign && locked === true ? "" : text;
}

function headHolderText(
  holder: HolderStatus,
  info: string | null | undefined,
  userOf: UserOf,
): string {
  if (holder.attachment === "attached") return whoText(holder, userOf);
  if (holder.attachment === "stale" && pidText(holder) !== undefined) {
    return `${whoText(holder, userOf)}, which died`;
  }
  return holderText(holder, info, userOf);
}

/** As in `; last held by scrub, released 4m ago after 2.6s`. */
function lastHoldText(
  { command, pid, granted, ended, ending, exitStatus }: GrantRecord,
  now: number,
) {
  const who = command === "" ? `pid ${pid ?? "?"}` : command;
  if (granted === null || ended === null) return `; last held by ${who}`;
  const verb = ending === "forced" ? "released by force" : "released";
  const status = exitStatus ? `, exit status ${exitStatus}` : "";
  const held = fineDurationText(ended - granted);
  return `; last held by ${who}, ${verb} ${agoText(now - ended)} after ${held}${status}`;
}

/** The command line that releases a lock. @param server the servers that --server names, if it was given */
export function ungetText(lockName: string, server: string | undefined): string {
  return commandText(
    server === undefined ? "unget" : `unget --server ${shellWord(server)}`,
    lockName,
  );
}

/** A command line of this program that is about a lock, as a shell takes it. */
export function commandText(command: string, lockName: string): string {
  const dashes = lockName.startsWith("-") ? "-- " : "";
  return `resourcelock ${command} ${dashes}${lockWord(lockName)}`;
}
