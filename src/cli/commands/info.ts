/** `info`: the text that all who use a lock share, by itself. */
import { defineCommand } from "citty";
import { LockInfoError } from "../../lock/errors.ts";
import { parseLockName } from "../../lock/name.ts";
import { withInfoSegment } from "../../host/objects/objects.ts";
import { newSegmentBytes } from "../../host/host-lock.ts";
import { closesOnExec, isTerminal, readFile, waitReadable } from "../../posix/file.ts";
import { isPosixError } from "../../posix/libc.ts";
import { outputOptions } from "../arguments/arguments.ts";
import { commonOptions, nameArgument, options, quietOrVerbose } from "../arguments/options.ts";
import { escapeLines } from "../terminal/escape.ts";
import { exitCodes } from "../exit-code.ts";
import { withEachLock } from "../status/each-lock.ts";
import { openEngine } from "../engine.ts";
import { missingText } from "../status/existing.ts";
import { lockFacts } from "../status/lock-facts.ts";
import { diagnostics, printBytes, printLine, printResult } from "../terminal/output.ts";
import { UsageError } from "../arguments/words.ts";

const typeText = "type the text; ^D on an empty line ends it";
const stdin = 0;
const stdout = 1;

export default defineCommand({
  meta: {
    name: "info",
    group: "See locks",
    description: "Print the info text of a lock as it is, or write it",
    repeats: true,
    examples: [
      ["info backup", "print the text that its holder set"],
      ['info backup --set "3 of 9"', "replace it"],
    ],
    conflicts: [["set", "stdin"], quietOrVerbose],
    notes: [
      "On a terminal, control characters are shown escaped, except newlines and tabs; elsewhere the text is printed byte for byte.",
    ],
  },
  args: {
    name: nameArgument,
    set: options.set,
    stdin: options.stdin,
    server: options.server,
    ...commonOptions,
  },
  async run({ args, data }) {
    const output = outputOptions(args, data);
    await using engine = await openEngine({ server: args.server, output });
    let text = args.set;
    return await withEachLock(args._.map(parseLockName), async (name) => {
      const lock = await engine.inspect(name);
      if (lock?.exists !== true) {
        if (output.json) printResult(output, missingText(name, lock), lockFacts(name, lock));
        else if (!output.quiet) diagnostics().error(missingText(name, lock));
        return exitCodes.no;
      }
      if (args.stdin && text === undefined) {
        if (isTerminal(stdin) && !output.quiet) diagnostics().info(typeText);
        text = readStdin(name);
      }
      if (text !== undefined) await engine.writeInfo(name, text);
      if (output.json) {
        printResult(output, "", lockFacts(name, await engine.inspect(name)));
      } else if (text === undefined && !output.quiet) {
        if (isTerminal(stdout)) printLine(escapeLines(lock.info ?? ""));
        else if (engine.isLeased) printBytes(Buffer.from(`${lock.info ?? ""}\n`));
        else printStored(name);
      }
      return exitCodes.done;
    });
  },
});

/** Prints the text byte by byte, whatever is in it. */
function printStored(lockName: string): void {
  const bytes = withInfoSegment(lockName, (segment) => segment?.readBytes() ?? new Uint8Array());
  printBytes(Buffer.concat([bytes, Buffer.from("\n")]));
}

/** All of stdin, as far as it fits into the lock's segment with a NUL at its end. */
function readStdin(lockName: string): string {
  // Bun opens /dev/null in place of a closed stdin, close-on-exec, which no inherited one can be.
  if (closesOnExec(stdin)) throw new UsageError("--stdin: stdin is closed");
  const segmentBytes = withInfoSegment(lockName, (segment) => segment?.bytes ?? newSegmentBytes);
  const bytes = new Uint8Array(segmentBytes);
  let length = 0;
  while (length < bytes.length) {
    const count = readSome(bytes.subarray(length));
    if (count === 0) return decode(bytes.subarray(0, length));
    length += count;
  }
  throw new LockInfoError(
    `Cannot store the info text: stdin has more than the ${segmentBytes - 1} bytes that lock "${lockName}" has room for`,
  );
}

function readSome(bytes: Uint8Array): number {
  for (;;) {
    try {
      return readFile(stdin, bytes);
    } catch (error) {
      if (isPosixError(error, "EAGAIN")) waitReadable(stdin);
      else if (!isPosixError(error, "EINTR")) throw error;
    }
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new LockInfoError("Cannot store the info text: stdin is not UTF-8", { cause: error });
  }
}
