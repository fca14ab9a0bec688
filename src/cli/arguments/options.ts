/**
 * Every option, defined once, so that it means the same everywhere. A command picks those that it takes.
 *
 * The first alias of one letter is the one that help shows; the others are what flock calls the option. An option without
 * a description is taken, and not shown.
 */
import type { ArgDef, ArgsDef } from "citty";

export const options = defineOptions({
  help: { type: "boolean", alias: "h", description: "show this help" },
  version: { type: "boolean", alias: "V", description: "print the version" },
  json: { type: "boolean", description: "print results as JSON, one object a line" },
  quiet: { type: "boolean", alias: "q", description: "print errors only" },
  verbose: { type: "boolean", alias: "v", description: "say on stderr what is done" },
  "no-color": { type: "boolean", description: "print without colours, even on a terminal" },
  all: { type: "boolean", description: "also each lock that you may not read" },
  "held-over": {
    type: "string",
    valueHint: "TIME",
    description: "warn of locks held longer than this",
  },
  held: { type: "boolean", description: "only locks that are held" },
  stale: { type: "boolean", description: "only locks whose holder died" },
  set: {
    type: "string",
    valueHint: "TEXT",
    description: "write this text, without a date before it",
  },
  stdin: { type: "boolean", description: "write all of stdin" },
  force: { type: "boolean", description: "even if it is held or waited for" },
  unused: {
    type: "string",
    valueHint: "TIME",
    description: "only locks of yours that nobody has used for this long",
  },
  "dry-run": { type: "boolean", description: "say what would be removed, and remove nothing" },
  sort: {
    type: "string",
    valueHint: "held|name|age",
    default: "held",
    description: "held ones first, by name alone, or held longest first",
  },
  prometheus: {
    type: "boolean",
    description: "print metrics, for node_exporter's textfile collector",
  },
  message: {
    type: "string",
    alias: "m",
    valueHint: "TEXT",
    description: "who takes the lock and why, for others to see",
  },
  "get-timeout": {
    type: "string",
    alias: ["t", "w", "wait", "timeout"],
    valueHint: "TIME",
    description: "how long to wait for the lock: 0 tries once, -1 waits forever",
  },
  "auto-unget": {
    type: "string",
    alias: "a",
    valueHint: "TIME",
    description: "stay, and release the lock after this time or on a signal",
  },
  update: {
    type: "string",
    alias: "u",
    valueHint: "TIME",
    default: "0.5",
    description: "how often to look",
  },
  plot: { type: "boolean", description: "draw who held the lock when, and who waited" },
  check: { type: "boolean", description: "print nothing; the exit status tells: 0 free, 1 held" },
  nonblock: {
    type: "boolean",
    alias: ["n", "nb", "nonblocking"],
    description: "do not wait: the same as -t 0",
  },
  // Behind nonblock: -n before the command is that of most commands.
  count: {
    type: "string",
    alias: "n",
    valueHint: "COUNT",
    description: "only the last COUNT requests",
  },
  "conflict-exit-code": {
    type: "string",
    alias: "E",
    valueHint: "CODE",
    default: "75",
    description: "exit status if the lock is not granted in time",
  },
  mode: {
    type: "string",
    valueHint: "MODE",
    description:
      "who may use a lock that is created now, in octal, as in 0660; the umask does not count",
  },
  group: {
    type: "string",
    valueHint: "GROUP",
    description: "the group of a lock that is created now; --mode is then 0660",
  },
  server: {
    type: "string",
    valueHint: "URL",
    description: "use the locks of an etcd cluster (or set RESOURCELOCK_SERVER)",
  },
  ttl: {
    type: "string",
    valueHint: "TIME",
    description: "with --server, how long the lock outlives its holder's host",
  },
  "owner-pid": {
    type: "string",
    valueHint: "PID",
    description:
      "bind the lock to a process, as in --owner-pid $$: when the process ends, the lock is free",
  },
  exclusive: { type: "boolean", alias: ["x", "e"] },
  shared: {
    type: "boolean",
    alias: "s",
    description: "a reader's lock: any number of --shared holders at once, but no other",
  },
  slots: {
    type: "string",
    valueHint: "N",
    description:
      "allow up to N holders at once; N may be names: a,b; $RESOURCELOCK_SLOT tells which this is",
  },
  "no-adopt": {
    type: "boolean",
    description: "do not take over from a holder that died",
  },
  reentrant: {
    type: "boolean",
    description: "if an enclosing run already holds the lock, just run the command",
  },
  close: {
    type: "boolean",
    alias: "o",
    description: "release the lock if run itself is killed, even if the command still runs",
  },
  "no-fork": {
    type: "boolean",
    alias: "F",
    description: "let the command replace run, so that no other process stays beside it",
  },
  "on-lost": {
    type: "string",
    valueHint: "fail|kill|ignore",
    default: "fail",
    description: "if the command loses the lock: exit with 69, stop it, or do nothing",
  },
  newest: {
    type: "boolean",
    description: "give up waiting when a newer request with --newest comes",
  },
  replace: {
    type: "boolean",
    description: "the same, and once the command runs, end it for a newer request with --replace",
  },
  "kill-after": {
    type: "string",
    valueHint: "TIME",
    default: "10",
    description: "how long --replace and --on-lost wait between TERM and KILL",
  },
  "max-waiters": {
    type: "string",
    valueHint: "N",
    description: "do not wait if N others already do",
  },
  mine: {
    type: "boolean",
    description: "print nothing; the exit status tells: 0 if this runs under the lock, else 1",
  },
  token: {
    type: "string",
    valueHint: "N",
    description: "only the hold with this fencing token; otherwise do nothing",
  },
  command: {
    type: "string",
    alias: "c",
    valueHint: "STRING",
    description: "a shell command line, run by $SHELL, instead of COMMAND",
  },
});

/** Keeps the types of the definitions, aliases in arrays included. */
function defineOptions<const Options extends ArgsDef>(definitions: Options): Options {
  return definitions;
}

/** The lock that a command is about. */
export const nameArgument = {
  type: "positional",
  required: true,
  valueHint: "NAME",
  description: "the lock's name",
} as const satisfies ArgDef;

/** The same where there may be several, with commas between. */
export const nameListArgument = { ...nameArgument, valueHint: "NAME,..." } as const;

/** A command that help is asked for. */
export const commandArgument = {
  type: "positional",
  required: false,
  valueHint: "COMMAND",
  description: "the command",
} as const satisfies ArgDef;

/** Options that exclude each other wherever both are taken. */
export const quietOrVerbose: readonly string[] = ["quiet", "verbose"];

/** What a request that must not wait excludes. */
export const nonblockConflicts: readonly (readonly string[])[] = [
  ["nonblock", "get-timeout"],
  ["nonblock", "newest"],
  ["nonblock", "max-waiters"],
];

/** What flock calls the options of a wait, for the notes of a command's help. */
export const flockWaitWords =
  "flock's -w, --wait and --timeout stand for -t, and --nb and --nonblocking for -n";

/** What all commands take. */
export const commonOptions = {
  json: options.json,
  quiet: options.quiet,
  verbose: options.verbose,
  help: options.help,
} as const satisfies ArgsDef;
