/** Every option, defined once, so that it means the same everywhere. A command picks those that it takes. */
import type { ArgDef, ArgsDef } from "citty";

export const options = {
  help: { type: "boolean", alias: "h", description: "show this help" },
  version: { type: "boolean", alias: "V", description: "print the version" },
  json: { type: "boolean", description: "print results as JSON, one object a line" },
  quiet: { type: "boolean", alias: "q", description: "print errors only" },
  verbose: { type: "boolean", alias: "v", description: "tell on stderr what is done" },
  "no-color": { type: "boolean", description: "print without colours, on a terminal too" },
  locked: { type: "boolean", description: "only locks that are locked" },
  stale: { type: "boolean", description: "what participants that died have left" },
  set: { type: "string", valueHint: "TEXT", description: "write this text, without a date" },
  stdin: { type: "boolean", description: "write what stdin has, all of it" },
  force: { type: "boolean", description: "also while it is held or waited for" },
  sort: {
    type: "string",
    valueHint: "name|age",
    default: "name",
    description: "by name, or by age: those held the longest first",
  },
  prometheus: {
    type: "boolean",
    description: "print metrics for the textfile collector of node_exporter",
  },
  message: {
    type: "string",
    alias: "m",
    valueHint: "TEXT",
    description: "who takes the lock and why, for all to see",
  },
  "get-timeout": {
    type: "string",
    alias: "t",
    valueHint: "TIME",
    description: "how long to wait for the lock: 0 tries once, -1 waits for ever",
  },
  "auto-unget": {
    type: "string",
    alias: "a",
    valueHint: "TIME",
    description: "stay, and release the lock after this time or when interrupted",
  },
  update: {
    type: "string",
    alias: "u",
    valueHint: "TIME",
    default: "0.5",
    description: "how often to look",
  },
  plot: { type: "boolean", description: "draw who held the lock when, and who waited" },
  check: { type: "boolean", description: "answer by the exit status alone: 0 free, 1 locked" },
  nonblock: { type: "boolean", alias: "n", description: "do not wait: the same as -t 0" },
  "conflict-exit-code": {
    type: "string",
    alias: "E",
    valueHint: "CODE",
    default: "75",
    description: "exit status when the lock is not granted in time",
  },
  mode: {
    type: "string",
    valueHint: "MODE",
    description: "who may use a lock that is made now, in octal, as in 0660, whatever the umask",
  },
  group: {
    type: "string",
    valueHint: "GROUP",
    description: "the group that a lock that is made now belongs to; --mode is 0660 then",
  },
  "owner-pid": {
    type: "string",
    valueHint: "PID",
    description:
      "bind the lock to a process, as in --owner-pid $$: when that ends, it is free for the next",
  },
  shared: {
    type: "boolean",
    description: "hold it together with others that say so too; alone against all others",
  },
  slots: {
    type: "string",
    valueHint: "N",
    description: "hold it together with others that say so too, N at once at most",
  },
  "no-adopt": {
    type: "boolean",
    description: "do not take over from a holder that died",
  },
  reentrant: {
    type: "boolean",
    description: "if a run around this one holds the lock, run the command under that",
  },
  close: {
    type: "boolean",
    alias: "o",
    description: "if run is killed, do not leave the lock to the command",
  },
  command: {
    type: "string",
    alias: "c",
    valueHint: "STRING",
    description: "a command line for $SHELL, in place of COMMAND",
  },
} as const satisfies ArgsDef;

/** The lock that a command is about. */
export const nameArgument = {
  type: "positional",
  required: true,
  description: "the lock's name",
} as const satisfies ArgDef;

/** The same where there may be several, with commas between. */
export const nameListArgument = { ...nameArgument, valueHint: "NAME,..." } as const;

/** What all commands take. */
export const commonOptions = {
  json: options.json,
  quiet: options.quiet,
  verbose: options.verbose,
  help: options.help,
} as const satisfies ArgsDef;
