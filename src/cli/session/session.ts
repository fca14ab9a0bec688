/** A session: answers requests, each a line of words, and holds the locks that they take until it ends. */
import type { CommandDef } from "citty";
import { parsedArguments } from "../arguments/arguments.ts";
import { type Arguments, type Command, commandNames } from "../arguments/command.ts";
import { type CommandLine, readCommandLine } from "../arguments/command-line.ts";
import { noCommand } from "../arguments/hints.ts";
import { UsageError } from "../arguments/words.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import { escapeControls } from "../terminal/escape.ts";
import { type CapturedOutput, captureOutput, diagnostics } from "../terminal/output.ts";
import type { Holds } from "./holds.ts";
import { splitWords } from "./split-words.ts";
import { sessionTree } from "./tree.ts";

/** A request that was read. */
interface ReadRequest {
  readonly words: readonly string[];
  readonly command: Command;
  readonly args: Arguments;
  readonly seedOrder: boolean;
}

/** A script sends the same few lines again and again: reading one takes longer than a get of a free lock. */
const maxKnownRequests = 256;

/**
 * @example
 * ```ts
 * await session.answer("get disk -t 5 -m 'nightly backup'"); // "0 disk: locked"
 * await session.answer("unget disk"); // "0 disk: released"
 * ```
 */
export class RequestSession {
  readonly #holds: Holds;
  readonly #tree: CommandDef;
  readonly #json: boolean;
  readonly #server: string | undefined;
  readonly #known = new Map<string, ReadRequest>();

  /**
   * @param program the program's commands
   * @param options.json whether answers are objects
   * @param options.server what --server of the session says: its requests are about the same locks
   */
  constructor(
    holds: Holds,
    program: CommandDef,
    { json, server }: { json: boolean; server: string | undefined },
  ) {
    this.#holds = holds;
    this.#tree = sessionTree(holds, program);
    this.#json = json;
    this.#server = server;
  }

  /**
   * Does what a request says. Whatever goes wrong is part of the answer. An empty line or a comment asks for nothing.
   *
   * @returns one line: the exit status that the command would end with, and what it says
   * @throws the reason of the session's signal, when that is aborted meanwhile
   */
  async answer(request: string): Promise<string> {
    try {
      const read = this.#known.get(request) ?? (await this.#read(request));
      if (read === undefined) return this.#json ? JSON.stringify({ status: 0 }) : "0 ";
      const done = await captureOutput(() => this.#run(read));
      return this.#json ? jsonAnswer(done, read) : plainAnswer(done);
    } catch (error) {
      this.#holds.signal.throwIfAborted();
      return this.refusal(error);
    }
  }

  /** The answer to a request that could not be read. */
  refusal(error: unknown): string {
    const done = { status: exitCodeOf(error), stdout: "", words: "", stderr: messageOf(error) };
    return this.#json ? jsonAnswer(done) : plainAnswer(done);
  }

  /** @returns undefined for a line that asks for nothing */
  async #read(request: string): Promise<ReadRequest | undefined> {
    const words = splitWords(request.replace(/\r$/, ""));
    const [first] = words;
    if (first === undefined || first.startsWith("#")) return undefined;
    const isEnd = endWords.has(words.join(" "));
    // Before the others: after a -- it would be a lock's name.
    if (this.#json) words.unshift("--json");
    const line = await readCommandLine(words, this.#tree);
    const { command, seedOrder } = line;
    if (command === undefined) {
      if (isEnd) throw new UsageError("a session ends when its input does");
      throw noCommand(line, await commandNames(this.#tree));
    }
    refuseOutOfPlace(line);
    const args = parsedArguments(line, command.args, command.meta);
    if (this.#server !== undefined && "server" in command.args) args["server"] ??= this.#server;
    const read = { words, command, args, seedOrder };
    if (this.#known.size >= maxKnownRequests) this.#known.clear();
    this.#known.set(request, read);
    return read;
  }

  /** Does a request. An error is told like all else, so that what was done before it is told, too. */
  async #run({ words, command, args, seedOrder }: ReadRequest): Promise<number> {
    try {
      const status = await command.run({
        rawArgs: [...words],
        // A command may change what it is given.
        args: Object.assign({}, args, { _: [...args._] }),
        data: { tree: this.#tree, seedOrder, valueAt: () => undefined },
      });
      return typeof status === "number" ? status : exitCodes.done;
    } catch (error) {
      this.#holds.signal.throwIfAborted();
      diagnostics().error(messageOf(error));
      return exitCodeOf(error);
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What is typed to end other programs. */
const endWords: ReadonlySet<string> = new Set(["bye", "close", "end", "exit", "quit"]);

/** Options that every command takes, and that mean nothing in a request. */
function refuseOutOfPlace({ options }: CommandLine): void {
  const given = options.find(({ name }) => name === "help" || name === "version");
  if (given !== undefined) throw new UsageError(`${given.shown} is not for requests of a session`);
  if (options.some(({ name }) => name === "stdin")) {
    throw new UsageError("--stdin: stdin carries the session's requests; use --set");
  }
}

/** Several lines as one, for a shell's `read`. */
function plainAnswer({ status, stdout, stderr }: CapturedOutput): string {
  const lines = `${stdout}\n${stderr}`.split("\n").map((line) => escapeControls(line.trim()));
  return `${status} ${lines.filter((line) => line !== "").join("; ")}`;
}

/** Whether a request's answer is a list by nature, which may have one entry or none. */
function listsResults({ command, args }: ReadRequest): boolean {
  return (command.name === "list" || command.name === "history") && args["quiet"] !== true;
}

/** The objects that a command printed, one a line. */
function printedObjects(stdout: string): unknown[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The object of one lock stands in the answer as it is, those of several names as `results`. */
function jsonAnswer(
  { status, stdout, words, stderr }: CapturedOutput,
  request?: ReadRequest,
): string {
  const results = printedObjects(stdout);
  const [only] = results;
  const isList = request !== undefined && listsResults(request);
  const namesSeveral = (request?.args._.length ?? 0) > 1;
  const isOne = !isList && !namesSeveral && results.length === 1 && typeof only === "object";
  const facts = isOne ? only : { results };
  const hasFacts = isList || results.length > 0;
  const said = status === exitCodes.done && hasFacts ? "" : (words + stderr).trim();
  const message = said === "" ? {} : { message: said };
  return JSON.stringify({ status, ...(hasFacts ? facts : {}), ...message });
}
