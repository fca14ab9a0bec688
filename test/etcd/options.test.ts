/** Every option of every command that takes --server: it works there, or is refused with 64 and the reason. */
import { beforeAll, describe, expect, test } from "bun:test";
import type { CommandDef } from "citty";
import { root } from "../../src/cli/root.ts";
import { casesOf } from "../support/binary.ts";
import { binary, runToEnd, start } from "../support/process.ts";
import { etcdTest, theCluster, useCluster } from "./engines.ts";
import { haveEtcd } from "./etcd-cluster.ts";
import { eventually } from "../support/eventually.ts";

useCluster();
beforeAll(async () => {
  if (!haveEtcd) return;
  // Held by nobody's process, and free.
  await run("get", "held");
  await run("run", "free", "true");
}, 60_000);

const run = (...words: string[]) =>
  runToEnd([binary, ...words], { env: { RESOURCELOCK_SERVER: theCluster().servers } });

interface Row {
  words: string;
  status: number;
  stdout?: string | RegExp;
  stderr?: string | RegExp;
}

const works = (words: string, stdout: string | RegExp = /^/, status = 0): Row => ({
  words,
  status,
  stdout,
});
const refused = (words: string): Row => ({
  words,
  status: 64,
  stderr: /(means nothing|cannot be used) with --server/,
});

/** A row for each option, by its command. The options of output (--json, -q, -v, --help, --no-color) have one command. */
const table: Record<string, Record<string, Row>> = {
  run: {
    "get-timeout": works("run -t 0.1 held true", "", 75),
    nonblock: works("run -n held true", "", 75),
    "conflict-exit-code": works("run -n -E 3 held true", "", 3),
    message: works('run -m note message sh -c "exec $RESOURCELOCK info message"', /note\n$/),
    command: works("run command -c 'echo in'", "in\n"),
    exclusive: works("run -x exclusive echo in", "in\n"),
    shared: works("run -s shared echo in", "in\n"),
    slots: works("run --slots a,b slots sh -c 'echo $RESOURCELOCK_SLOT_NAME'", "a\n"),
    "no-adopt": refused("run --no-adopt free true"),
    reentrant: works("run again $RESOURCELOCK run --reentrant again echo in", "in\n"),
    close: works("run --close close echo in", "in\n"),
    "on-lost": works("run --on-lost kill on-lost echo in", "in\n"),
    mode: refused("run --mode 0660 free true"),
    group: refused("run --group root free true"),
    ttl: works("run --ttl 3s ttl echo in", "in\n"),
    newest: works("run --newest newest echo in", "in\n"),
    replace: works("run --replace replace echo in", "in\n"),
    "kill-after": works("run --replace --kill-after 1s kill-after echo in", "in\n"),
    "max-waiters": works("run --max-waiters 0 held true", "", 75),
    "no-fork": refused("run --no-fork free true"),
  },
  get: {
    "get-timeout": works("get -t 0.1 held", /^/, 75),
    nonblock: works("get -n held", /^/, 75),
    message: works("get -m why get-message; $RESOURCELOCK info get-message", /why\n$/),
    "auto-unget": works("get -a 0.1 auto; $RESOURCELOCK state auto --check"),
    "owner-pid": works(
      "get --owner-pid $$ bound; $RESOURCELOCK state bound --json",
      /"attachment":"bound"/,
    ),
    "no-adopt": refused("get --no-adopt free"),
    mode: refused("get --mode 0660 free"),
    group: refused("get --group root free"),
    "conflict-exit-code": works("get -n -E 3 held", /^/, 3),
    newest: works("get --newest -t 0.1 held", /^/, 75),
    "max-waiters": works("get --max-waiters 0 -t 60 held", /^/, 75),
    ttl: works("get --ttl 1h ttl-get; $RESOURCELOCK state ttl-get --check", /^/, 1),
  },
  unget: {
    message: works("get mine; $RESOURCELOCK unget mine -m me", /released/),
    token: works("unget held --token 1; $RESOURCELOCK state held --check", /^/, 1),
    "owner-pid": works("unget held --owner-pid $$; $RESOURCELOCK state held --check", /^/, 1),
  },
  state: {
    check: works("state held --check", "", 1),
    mine: works("run around $RESOURCELOCK state around --mine", ""),
  },
  wait: {
    "get-timeout": works("wait -t 0.1 held", "", 75),
    nonblock: works("wait -n held", "", 75),
    "conflict-exit-code": works("wait -n -E 3 held", "", 3),
  },
  list: {
    held: works("list --held --json", /"name":"held"/),
    // Nothing is left of who died but a lease that ends.
    stale: works("list --stale", ""),
    all: works("list --all --json", /"name":"free"/),
    sort: works("list --sort age --json", /"name":"held"/),
    prometheus: works("list --prometheus", /resourcelock_.*held/),
    "held-over": works("list --prometheus --held-over 1ms", /resourcelock_.*held/),
  },
  trace: {
    update: works("trace -u 0.1 --json held | head -n 3", /"locked":true/),
  },
  history: {
    plot: works("history --plot free"),
    count: works("history --count 1 --json free", /^.*\n$/),
  },
  info: {
    set: works("info free --set new; $RESOURCELOCK info free", "new\n"),
    stdin: works("info free --stdin <<<piped; $RESOURCELOCK info free", "piped\n\n"),
  },
  session: { ttl: works("session --ttl 5s <<<'get in-session -t 5'", /^0 /) },
  // What is in /dev/shm is looked at, too, whatever that is.
  doctor: { "held-over": works("doctor --held-over 1d >/dev/null || [ $? = 1 ]") },
};

// citty allows promises in many places; the tree of this program has none but the loading of a command.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const subCommands = root.subCommands as Record<string, () => Promise<CommandDef>>;

const ofOutput = new Set(["help", "json", "quiet", "verbose", "no-color"]);

describe("options with --server", () => {
  test("each has its row", async () => {
    const found: Record<string, string[]> = {};
    for (const [name, load] of Object.entries(subCommands)) {
      const { args = {} } = await load();
      if (!("server" in args)) continue;
      const options = Object.entries(args).filter(([, { type }]) => type !== "positional");
      found[name] = options
        .map(([option]) => option)
        .filter((option) => option !== "server" && !ofOutput.has(option))
        .toSorted();
    }
    const rows = Object.entries(table).map(([name, each]) => [name, Object.keys(each).toSorted()]);
    expect(Object.fromEntries(rows)).toEqual(found);
  });

  const rows = Object.entries(table).flatMap(([command, each]) =>
    Object.entries(each).map(([option, row]) => [command, option, row] as const),
  );
  etcdTest.each(casesOf(16, rows))("%s --%s works, or is refused", async (_, __, row) => {
    const outcome = await runToEnd(["bash", "-c", `"$RESOURCELOCK" ${row.words}`], {
      env: { RESOURCELOCK_SERVER: theCluster().servers },
    });
    expect(outcome).toMatchObject({ status: row.status });
    if (row.stdout !== undefined) expect(outcome.stdout).toMatch(row.stdout);
    if (row.stdout === "") expect(outcome.stdout).toBe("");
    if (row.stderr !== undefined) expect(outcome.stderr).toMatch(row.stderr);
  });

  etcdTest("run --close frees the lock when run is killed, while its command goes on", async () => {
    const words = [
      binary,
      "run",
      "--close",
      "--ttl",
      "2",
      "closed",
      "sh",
      "-c",
      "echo in; sleep 60",
    ];
    const child = start(words, { env: { RESOURCELOCK_SERVER: theCluster().servers } });
    await child.stdout.until("in");
    await child.kill();
    await eventually(
      "a free lock",
      async () => (await run("state", "closed", "--check")).status === 0,
    );
  });
});
