/** The commands of a session: some of the program's as they are, and those that take and release locks. */
import { type CommandDef, defineCommand } from "citty";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, nonblockConflicts, options } from "../arguments/options.ts";
import {
  parseRefusalStatus,
  parseKind,
  parsePid,
  parseQueueing,
  parseTimeout,
  parseToken,
} from "../arguments/values.ts";
import type { LockEngine, Refusal } from "../../lock/engine.ts";
import { parseLockName } from "../../lock/name.ts";
import { exitCodes } from "../exit-code.ts";
import { withEachLock } from "../status/each-lock.ts";
import { HeldAround, heldAroundText } from "../status/hold-around.ts";
import { refusalText } from "../status/result-text.ts";
import { holdersText } from "../status/status-text.ts";
import { printResult } from "../terminal/output.ts";
import { waitUntilFree } from "../status/until-free.ts";
import type { Holds } from "./holds.ts";

const waitOptions = {
  "get-timeout": options["get-timeout"],
  nonblock: options.nonblock,
  "conflict-exit-code": options["conflict-exit-code"],
} as const;

/** @param program the program's own tree */
export function sessionTree(holds: Holds, program: CommandDef): CommandDef {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- root.ts gives them as an object of loaders.
  const commands = program.subCommands as Record<string, () => Promise<CommandDef>>;
  const { state, info, list, history, unget: forceUnget } = commands;
  const subCommands = {
    get: getCommand(holds),
    unget: ungetCommand(holds, forceUnget),
    wait: waitCommand(holds),
    state,
    info,
    list,
    history,
  };
  return defineCommand({
    meta: { name: "session" },
    subCommands: Object.assign(Object.create(null), subCommands),
  });
}

function getCommand(holds: Holds): CommandDef<any> {
  return defineCommand({
    meta: {
      name: "get",
      conflicts: [["shared", "slots"], ...nonblockConflicts],
    },
    args: {
      name: nameArgument,
      ...waitOptions,
      "get-timeout": { ...options["get-timeout"], default: "0.5" },
      message: { ...options.message, default: "session" },
      shared: options.shared,
      slots: options.slots,
      newest: options.newest,
      "max-waiters": options["max-waiters"],
      "no-adopt": options["no-adopt"],
      ...commonOptions,
    },
    async run({ args, data }) {
      const output = outputOptions(args, data);
      const notGranted = parseRefusalStatus("--conflict-exit-code", args["conflict-exit-code"]);
      const seconds = timeoutSeconds(args);
      const name = parseLockName(args.name);
      if (holds.has(name)) {
        // It would wait for itself.
        const facts = { name, granted: false, reason: "deadlock" };
        printResult(output, `${name}: this session already holds it`, facts);
        return notGranted;
      }
      const request = {
        kind: parseKind(args.shared, args.slots),
        message: args.message,
        adopt: args["no-adopt"] !== true,
        timeoutSeconds: seconds,
        ...parseQueueing(args, seconds),
      };
      const answer = await holds.acquire(name, request).catch((error: unknown) => {
        if (error instanceof HeldAround) return error;
        throw error;
      });
      if (answer instanceof HeldAround || !answer.granted) {
        const reason = answer instanceof HeldAround ? "deadlock" : answer.reason;
        const { maxWaiters } = request;
        const text =
          answer instanceof HeldAround
            ? heldAroundText(name, answer.holder, { command: "session" })
            : await notGrantedText(holds.engine, { ...answer, maxWaiters });
        printResult(output, text, { name, granted: false, reason });
        return notGranted;
      }
      const { token, slot, slotName } = answer;
      const inSlot = slot === null ? "" : ` in slot ${slotName ?? slot}`;
      const facts = { name, granted: true, token, slot, slotName };
      printResult(output, `${name}: locked${inSlot}`, facts);
      return exitCodes.done;
    },
  });
}

async function notGrantedText(
  engine: LockEngine,
  answer: Refusal & { readonly maxWaiters: number | undefined },
): Promise<string> {
  const { name } = answer;
  const { holders = [], info } = answer.seen ?? (await engine.inspect(name)) ?? {};
  if (answer.reason === "timeout") {
    return `${name}: not granted${holders.length === 0 ? "" : `; ${holdersText(holders)}`}`;
  }
  const why = refusalText({ ...answer, waitedSeconds: 0, holders, info: info ?? "" });
  return `${name}: ${why}`;
}

/** @param force the program's own `unget`, for locks that the session does not hold */
function ungetCommand(
  holds: Holds,
  force: (() => Promise<CommandDef<any>>) | undefined,
): () => Promise<CommandDef<any>> {
  return async () => {
    const forced = await force?.();
    if (forced === undefined) throw new Error("The program has no command unget");
    return {
      ...forced,
      async run(context) {
        const { args, data } = context;
        const isOwn = meantOf(holds, args["token"], args["owner-pid"]);
        if (!args._.some(isOwn)) return forced.run?.(context);
        const [json, quiet] = [args["json"] === true, args["quiet"] === true];
        const output = outputOptions({ json, quiet }, data);
        const names = new Set(args._.map(parseLockName));
        return await withEachLock([...names], async (name) => {
          if (!isOwn(name)) {
            args._ = [name];
            return await forced.run?.(context);
          }
          const lost = await holds.release(name, String(args["message"]));
          if (lost !== undefined) throw lost;
          printResult(output, `${name}: released`, { name, released: true });
          return exitCodes.done;
        });
      },
    };
  };
}

/** Tells whether the session's own hold of a lock is what an `unget` means. @throws {UsageError} */
function meantOf(holds: Holds, tokenText: unknown, ownerText: unknown): (name: string) => boolean {
  const token = typeof tokenText === "string" ? parseToken("--token", tokenText) : undefined;
  const owner = typeof ownerText === "string" ? parsePid("--owner-pid", ownerText) : undefined;
  return (name) =>
    holds.has(name) &&
    (token === undefined || token === holds.tokenOf(name)) &&
    (owner === undefined || owner === process.pid);
}

function waitCommand(holds: Holds): CommandDef<any> {
  return defineCommand({
    meta: { name: "wait", repeats: true, conflicts: [["get-timeout", "nonblock"]] },
    args: {
      name: nameArgument,
      ...waitOptions,
      "get-timeout": { ...options["get-timeout"], default: "-1" },
      ...commonOptions,
    },
    async run({ args, data }) {
      const output = outputOptions(args, data);
      const notFree = parseRefusalStatus("--conflict-exit-code", args["conflict-exit-code"]);
      const seconds = timeoutSeconds(args);
      const ends = [holds.signal];
      if (seconds > 0 && Number.isFinite(seconds)) ends.push(AbortSignal.timeout(seconds * 1000));
      const wait = {
        signal: AbortSignal.any(ends),
        once: seconds === 0,
        onLook: () => holds.requireReader(),
      };
      for (const name of args._.map(parseLockName)) {
        const { locked, around } = await waitUntilFree(holds.engine, name, wait);
        holds.signal.throwIfAborted();
        const notFreeText =
          around === undefined
            ? `${name}: not free in time`
            : heldAroundText(name, around, { command: "session" });
        printResult(output, locked ? notFreeText : `${name}: free`, { name, free: !locked });
        if (locked) return notFree;
      }
      return exitCodes.done;
    },
  });
}

function timeoutSeconds(args: { "get-timeout": string; nonblock?: boolean | undefined }): number {
  if (args.nonblock) return 0;
  return parseTimeout("--get-timeout", args["get-timeout"]) ?? Infinity;
}
