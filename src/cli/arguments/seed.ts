/**
 * The command line of cjnfuncs.resourcelock: `[options] NAME COMMAND`. Its scripts run unchanged, so for its four commands
 * in that order each of its options is taken, also one that means nothing to the command, and any beginning of an option's
 * name, as Python's argparse takes it. Results then have the Python tool's words, to the letter; everything else speaks
 * plain English.
 */

const commands = new Set(["get", "unget", "state", "trace"]);

/** They differ in their first letters, so that any beginning tells which is meant. */
const optionNames: readonly string[] = ["help", "get-timeout", "message", "auto-unget", "update"];

/** Whether a command that came after the lock's name is one of the Python tool's. */
export function isSeedCommand(name: string): boolean {
  return commands.has(name);
}

/** Whether an option is one of the Python tool's. */
export function isSeedOption(name: string): boolean {
  return optionNames.includes(name);
}

/** The option of the Python tool that an abbreviation stands for. */
export function seedOptionOf(abbreviation: string): string | undefined {
  return abbreviation === ""
    ? undefined
    : optionNames.find((name) => name.startsWith(abbreviation));
}
