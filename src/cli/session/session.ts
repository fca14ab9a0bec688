/** A session: answers requests, each a line of words, and holds the locks that they take until it ends. */
import type { CommandDef } from "citty";
import { parsedArguments } from "../arguments/arguments.ts";
import { type Arguments, type Command, commandNames } from "../arguments/command.ts";
import { type CommandLine, readCommandLine } from "../arguments/command-line.ts";
import { noCommand } from "../arguments/hints.ts";
import { UsageError } from "../arguments/words.ts";
import { exitCodeOf, exitCodes } from "../exit-code.ts";
import { escapeControls } from "../terminal/escape.ts";
import { captureOutput } from "../terminal/output.ts";
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
      if (read === undefined) return this.#json ? jsonAnswer(0) : "0 ";
      const { status, stdout, stderr } = await captureOutput(() => this.#run(read));
      if (!this.#json) return `${status} ${oneLine(stdout || stderr)}`;
      return listsResults(read) ? listAnswer(status, stdout) : jsonAnswer(status, stdout, stderr);
    } catch (error) {
      this.#holds.signal.throwIfAborted();
      return this.refusal(error);
    }
  }

  /** The answer to a request that could not be read or done. */
  refusal(error: unknown): string {
    const message = error instanceof Error ? error.message : String(error);
    const status = exitCodeOf(error);
    return this.#json ? jsonAnswer(status, "", message) : `${status} ${oneLine(message)}`;
  }

  /** @returns undefined for a line that asks for nothing */
  async #read(request: string): Promise<ReadRequest | undefined> {
    const words = splitWords(request.replace(/\r$/, ""));
    const [first] = words;
    if (first === undefined || first.startsWith("#")) return undefined;
    if (this.#json) words.push("--json");
    const line = await readCommandLine(words, this.#tree);
    const { command, seedOrder } = line;
    if (command === undefined) {
      if (endWords.has(words.join(" "))) throw new UsageError("a session ends when its input does");
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

  async #run({ words, command, args, seedOrder }: ReadRequest): Promise<number> {
    const status = await command.run({
      rawArgs: [...words],
      // A command may change what it is given.
      args: Object.assign({}, args, { _: [...args._] }),
      data: { tree: this.#tree, seedOrder, valueAt: () => undefined },
    });
    return typeof status === "number" ? status : exitCodes.done;
  }
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
function oneLine(text: string): string {
  const lines = text.split("\n").map((line) => escapeControls(line.trim()));
  return lines.filter((line) => line !== "").join("; ");
}

/** Whether a request's answer is a list by nature, which may have one entry or none. */
function listsResults({ command, args }: ReadRequest): boolean {
  return (command.name === "list" || command.name === "history") && args["quiet"] !== true;
}

function listAnswer(status: number, stdout: string): string {
  return JSON.stringify({ status, results: printedObjects(stdout) });
}

/** The objects that a command printed, one a line. */
function printedObjects(stdout: string): unknown[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The object of one lock stands in the answer as it is, those of several names as `results`. */
function jsonAnswer(status: number, stdout = "", stderr = ""): string {
  const results = printedObjects(stdout);
  const [only] = results;
  const facts = results.length === 1 && typeof only === "object" ? only : { results };
  const message = stderr === "" ? {} : { message: stderr.trim() };
  const said = stdout === "" ? message : facts;
  return JSON.stringify({ status, ...said });
}
