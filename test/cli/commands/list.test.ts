/** `list`: what it tells of each lock, in each of its forms. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { haveMountNamespaces, PrivateSharedMemory } from "../../faults/private-shared-memory.ts";
import {
  bash,
  haveTools,
  maskDates,
  newLockName,
  resourcelock,
  startCommand,
} from "../../support/binary.ts";
import { type Outcome, binary, runToEnd } from "../../support/process.ts";
import { isPending, jsonLines, newHeldLock, printed } from "./scenario.ts";
import { Terminal } from "./terminal.ts";
import { eventually } from "../../support/eventually.ts";

/** The lines about locks with `part` in their names: others have theirs on this host, too. */
async function listed(part: string, ...options: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await resourcelock("list", ...options);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return maskDates(stdout)
    .split("\n")
    .filter((line) => line.includes(part))
    .map((line) => line.replaceAll(/ {2,}/g, "  "));
}

/** The same, as the objects of --json. */
async function listedObjects(part: string, ...options: string[]): Promise<unknown[]> {
  const lines = await listed(part, "--json", ...options);
  return lines.map((line) => JSON.parse(line));
}

describe("list", () => {
  test("tells of each lock who holds it, for how long, who waits, and its info text", async () => {
    const name = newLockName();
    await resourcelock("get", `${name}-a`, "-q", "-m", "detached");
    await resourcelock("unget", `${name}-a`, "-q");
    const holder = startCommand("run", `${name}-b`, "--", "sh", "-c", "echo $$; read line; :");
    await holder.stdout.until("\n");
    const waiters = [1, 2].map(() => startCommand("get", `${name}-b`, "-q", "-t", "1h"));
    const [line = ""] = await eventually(
      () => "two that wait",
      async () => {
        const found = await listed(`${name}-b`);
        return /^\S+ {2}held {2}.* {2}2$/.test(found[0] ?? "") ? found : undefined;
      },
    );
    expect(line.replace(/\(\d+\) {2}\d+s/, "(PID)  TIME")).toBe(
      `${name}-b  held  sh -c echo $$; read line; : (PID)  TIME  2`,
    );
    expect(await listed(`${name}-a`)).toEqual([
      expect.stringMatching(/-a {2}free {2}- {2}- {2}0 {2}detached, (just now|\d+s ago)$/),
    ]);
    for (const waiter of waiters) waiter.signal("SIGTERM");
    await holder.endInput();
    expect((await holder.end()).status).toBe(0);
  });

  test("tells how a lock is held without a process", async () => {
    const name = newLockName();
    await resourcelock("get", `${name}-a`, "-q");
    await resourcelock("get", `${name}-b`, "-q", "--owner-pid", String(process.pid));
    await bash(`sh -c '"$RESOURCELOCK" get ${name}-c -q --owner-pid $$; :'`);
    const lines = await listed(name);
    expect(lines).toEqual([
      expect.stringMatching(/-a {2}held {2}cli \(no process\) {2}\d+s {2}0$/),
      expect.stringContaining(`-b  held  cli (bound to ${process.pid})`),
      expect.stringMatching(/-c {2}stale {2}cli \(\d+\), died/),
    ]);
  });

  test("--json has what state --json has, of each lock on a line", async () => {
    const name = await newHeldLock();
    const [state] = await jsonLines("state", name);
    const [object] = await listedObjects(name);
    expect(object).toMatchObject({
      ...(typeof state === "object" ? state : {}),
      state: "held",
      user: expect.any(String),
      held: expect.any(Number),
      info: "DATE - holder",
    });
    await resourcelock("unget", name, "-q");
    expect(await listedObjects(name)).toMatchObject([{ state: "free", held: null, locked: false }]);
  });

  test("--held leaves the free ones out, and --stale all but what is stale", async () => {
    const name = newLockName();
    await resourcelock("get", `${name}-held`, "-q");
    await resourcelock("get", `${name}-free`, "-q", "-a", "0");
    await bash(`sh -c '"$RESOURCELOCK" get ${name}-stale -q --owner-pid $$; :'`);
    const names = async (option: string) =>
      (await listed(name, option)).map((line) => line.split(" ")[0]?.slice(name.length));
    expect(await names("--held")).toEqual(["-held", "-stale"]);
    expect(await names("--stale")).toEqual(["-stale"]);
  });

  test("--sort orders by name or by age; another order is wrong usage", async () => {
    const name = newLockName();
    await resourcelock("get", `${name}-b`, "-q");
    await resourcelock("get", `${name}-a`, "-q");
    await resourcelock("get", `${name}-c`, "-q", "-a", "0");
    const order = async (...options: string[]) =>
      (await listed(name, ...options)).map((line) => line.split(" ")[0]?.slice(name.length));
    await resourcelock("unget", `${name}-a`, "-q");
    expect(await order()).toEqual(["-b", "-a", "-c"]);
    expect(await order("--sort", "name")).toEqual(["-a", "-b", "-c"]);
    expect(await order("--sort=age")).toEqual(["-b", "-a", "-c"]);
    for (const wrong of ["size", "toString", ""]) {
      const { status, stderr } = await resourcelock("list", `--sort=${wrong}`);
      expect([status, stderr.split("\n")[0]]).toEqual([
        64,
        `resourcelock: --sort: ${JSON.stringify(wrong)} is not one of held, name, age`,
      ]);
    }
  });

  test("sorts names naturally, held ones first, and sums up at the end", async () => {
    const name = newLockName();
    for (const end of ["10", "9", "2"]) await resourcelock("get", `${name}-${end}`, "-q");
    await resourcelock("unget", `${name}-2`, "-q");
    const { stdout } = await resourcelock("list");
    const lines = stdout.trimEnd().split("\n");
    const own = lines.filter((line) => line.startsWith(name));
    expect(own.map((line) => line.split(" ")[0]?.slice(name.length))).toEqual(["-9", "-10", "-2"]);
    expect(lines.at(-1)).toMatch(/^\d+ locks, \d+ held, \d+ waiting/);
  });

  test("--held-over tells with --prometheus which locks have been held longer than that", async () => {
    const name = await newHeldLock();
    const limit = async (time: string) =>
      (await listed(name, "--prometheus", "--held-over", time)).filter((line) =>
        line.startsWith("resourcelock_held_over_limit"),
      );
    expect(await limit("1h")).toEqual([`resourcelock_held_over_limit{name="${name}"} 0`]);
    expect(await limit("0")).toEqual([`resourcelock_held_over_limit{name="${name}"} 1`]);
    expect((await listed(name, "--prometheus")).join()).not.toContain("held_over_limit");
    expect((await resourcelock("list", "--held-over", "soon")).status).toBe(64);
  });

  test("--held-over lists without --prometheus only the locks that have been held longer", async () => {
    const name = newLockName();
    await resourcelock("get", `${name}-held`, "-q");
    await resourcelock("get", `${name}-free`, "-q", "-a", "0");
    const names = async (time: string) =>
      (await listedObjects(name, "--held-over", time)).map((lock) => Object(lock).name);
    expect(await names("0")).toEqual([`${name}-held`]);
    expect((await resourcelock("list", "--held-over", "400d")).stderr).toBe(
      "resourcelock: no lock has been held longer than 400d\n",
    );
  });

  test("takes no NAME, in neither order of the words", async () => {
    for (const words of [
      ["list", "x"],
      ["x", "list"],
    ]) {
      const { status, stderr } = await resourcelock(...words);
      expect([status, stderr]).toEqual([64, expect.stringContaining('unexpected word "x"')]);
    }
  });

  test("-q prints nothing, and -v tells on stderr how many there were", async () => {
    const name = await newHeldLock();
    expect(await resourcelock("list", "-q")).toEqual(printed(""));
    const { stdout, stderr } = await resourcelock("list", "-v", "--held");
    expect(stdout).toContain(name);
    expect(stderr).toMatch(/^resourcelock: debug: \d+ found, \d+ listed\n$/);
  });

  test("shows control characters of names and texts escaped, in each form", async () => {
    const name = newLockName('\u001B[31m"\\\n');
    await resourcelock("get", "-q", "-m", "\u001B]0;title\u0007", "--", name);
    const part = name.slice(0, name.indexOf("\u001B"));
    const shown = `${part}\\x1b[31m"\\\\n`;
    expect((await listed(part))[0]).toStartWith(`${shown}  held`);
    expect((await listed(part))[0]).toMatch(/ {2}\\x1b\]0;title\\x07 \(no process\) {2}\d+s {2}0$/);
    expect(await listedObjects(part)).toMatchObject([{ name }]);
    expect(await listed(part, "--prometheus")).toContain(
      String.raw`resourcelock_locked{name="${part}\\x1b[31m\"\\\n"} 1`,
    );
    for (const option of ["--json", "--prometheus", "-v"]) {
      const { stdout } = await resourcelock("list", option);
      // oxlint-disable-next-line no-control-regex
      expect(stdout.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001F\u007F-\u009F]/);
    }
  });

  test("lists a name as long as a name can be, and is not cut where it is piped", async () => {
    const name = newLockName().padEnd(247, "x");
    await resourcelock("get", name, "-q", "-m", "y".repeat(500));
    const lines = (await listed(name)).map((line) => line.replace(/ \d+s /, " TIME "));
    expect(lines).toEqual([`${name}  held  ${"y".repeat(500)} (no process)  TIME  0`]);
  });

  test("is status 71 where its output cannot be written", async () => {
    await newHeldLock();
    const { status, stderr } = await bash('"$RESOURCELOCK" list >/dev/full');
    expect([status, stderr]).toEqual([
      71,
      "resourcelock: Cannot write to stdout: No space left on device\n",
    ]);
  });
});

/** The value of each metric of a lock. */
async function samples(name: string): Promise<Record<string, number>> {
  const lines = await listed(`{name="${name}"} `, "--prometheus");
  return Object.fromEntries(
    lines.map((line) => {
      const [, metric = "", value] = /^resourcelock_(\w+)\{.*\} (\S+)$/.exec(line) ?? [];
      return [metric, Number(value)];
    }),
  );
}

describe("list --prometheus", () => {
  test("has the samples of each lock, its counters included", async () => {
    const name = newLockName();
    await resourcelock("get", name, "-q", "-a", "0");
    const counters = { grants_total: 1, recoveries_total: 0 };
    const free = { locked: 0, holders: 0, held_seconds: 0, waiters: 0, ...counters };
    expect(await samples(name)).toEqual(free);
    await bash(`sh -c '"$RESOURCELOCK" get ${name} -q --owner-pid $$; :'`);
    await resourcelock("get", name, "-q");
    const counted = { grants_total: 3, recoveries_total: 1 };
    const recovered = { ...free, locked: 1, holders: 1, ...counted };
    expect(await samples(name)).toEqual({ ...recovered, held_seconds: expect.any(Number) });
  });

  test("tells how many slots of a pool are taken, and for how long in whole milliseconds", async () => {
    const name = newLockName();
    const child = startCommand("run", name, "--slots", "3", "--", "sleep", "600");
    await eventually("the hold", async () => (await samples(name))["holders"] === 1);
    expect(await samples(name)).toMatchObject({ locked: 1, holders: 1, slots: 3 });
    const [line = ""] = await listed(`held_seconds{name="${name}"} `, "--prometheus");
    expect(line).toMatch(/ \d+(?:\.\d{1,3})?$/);
    child.signal("SIGTERM");
    await child.end();
  });

  test("has HELP and TYPE before the samples of each metric, and no other lines", async () => {
    await newHeldLock();
    const { stdout } = await resourcelock("list", "--prometheus");
    // Only of pools, which other tests may have.
    const groups = stdout
      .trimEnd()
      .split(/^# HELP /m)
      .slice(1);
    const types = groups.map((group) => {
      const [help = "", type = "", ...lines] = group.trimEnd().split("\n");
      const [metric = ""] = help.split(" ");
      for (const line of lines) expect(line).toMatch(/^\w+\{name="(\\.|[^"\\])*"\} [\d.e+]+$/);
      for (const line of lines) expect(line).toStartWith(`${metric}{`);
      expect(lines.length).toBeGreaterThan(0);
      return type;
    });
    expect(types.filter((type) => !type.includes("_slots "))).toEqual([
      "# TYPE resourcelock_locked gauge",
      "# TYPE resourcelock_holders gauge",
      "# TYPE resourcelock_held_seconds gauge",
      "# TYPE resourcelock_waiters gauge",
      "# TYPE resourcelock_grants_total counter",
      "# TYPE resourcelock_recoveries_total counter",
    ]);
  });

  test("cannot be had together with --json", async () => {
    const { status, stderr } = await resourcelock("list", "--prometheus", "--json");
    expect([status, stderr]).toEqual([64, expect.stringContaining("not both")]);
  });
});

const canIsolate = await haveMountNamespaces();

const nothing = (text: string): Outcome => ({
  status: 0,
  stdout: "",
  stderr: `resourcelock: ${text}\n`,
});

describe.skipIf(!canIsolate)("list on a host", () => {
  test("without locks says so on stderr, and has no metrics but their names", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m");
    writeFileSync(`${host.directory}/data`, "of another program");
    mkdirSync(`${host.directory}/sem.directory`);
    expect(await host.resourcelock("list")).toEqual(nothing("no locks"));
    expect(await host.resourcelock("list", "--json", "--held")).toEqual(nothing("no lock is held"));
    expect(await host.resourcelock("list", "--stale")).toEqual(nothing("no stale locks"));
    expect(await host.resourcelock("list", "--stale", "-q")).toEqual(printed(""));
    const { stdout } = await host.resourcelock("list", "--prometheus");
    expect(stdout).toMatch(/^(# (HELP|TYPE) resourcelock_.*\n)+$/);
  });

  test("without /dev/shm is status 73", async () => {
    await using host = await PrivateSharedMemory.absent();
    expect(await host.resourcelock("list")).toEqual({
      status: 73,
      stdout: "",
      stderr:
        "resourcelock: Cannot look for locks: there is no /dev/shm; see resourcelock doctor\n",
    });
  });

  test("with locks that come and go meanwhile lists the others", async () => {
    await using host = await PrivateSharedMemory.mount("size=4m");
    await host.prepare(`for i in $(seq 8); do ${binary} get stays-$i -q; done`);
    const churn = host.run(
      "sh",
      "-c",
      `for i in $(seq 20); do ${binary} get goes-$i -q; ${binary} remove goes-$i -q --force; done`,
    );
    do {
      const { status, stdout, stderr } = await host.resourcelock("list", "--json");
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout.match(/"name":"stays-/g)).toHaveLength(8);
    } while (await isPending(churn));
    expect((await churn).status).toBe(0);
  });

  test.skipIf(process.getuid?.() !== 0 || !haveTools("setpriv"))(
    "with another user's locks tells what can be known of them",
    async () => {
      await using host = await PrivateSharedMemory.mount("size=1m,mode=1777");
      await host.resourcelock("get", "secret", "-q");
      await host.resourcelock("get", "open", "-q", "--mode", "0666", "-m", "for all");
      await host.resourcelock("get", "seen", "-q", "--mode", "0644", "-m", "to look at");
      const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary];
      const list = (...options: string[]) => host.run(...nobody, "list", ...options);
      const { stdout } = await list();
      expect(maskDates(stdout).replaceAll(/\d+s/g, " 0s").replaceAll(/ {2,}/g, "  ")).toBe(
        [
          "NAME  STATE  HOLDER  HELD  WAITING  INFO",
          "open  held  for all (no process)  0s  0",
          "seen  held  to look at (no process)  0s  0",
          "1 lock of root (--all lists them)",
          "2 locks, 2 held, 0 waiting",
          "",
        ].join("\n"),
      );
      expect((await list("--all")).stdout.replaceAll(/ {2,}/g, "  ")).toContain(
        "\nsecret  unreadable  ?  -  -  belongs to root\n3 locks, 2 held, 0 waiting\n",
      );
      const { stdout: json } = await list("--json");
      expect(JSON.parse(json.split("\n")[2] ?? "")).toMatchObject({
        name: "secret",
        state: "unreadable",
        locked: null,
        value: null,
        user: "root",
      });
      expect((await list("--prometheus")).stdout).not.toContain("secret");
      expect((await list("--held")).stdout).not.toContain("secret");
    },
  );
});

const inHost = (host: PrivateSharedMemory) =>
  `nsenter --mount --target ${host.directory.split("/")[2]} ${binary}`;

describe.skipIf(!haveTools("tmux") || !canIsolate)("list on a terminal", () => {
  test.skipIf(process.getuid?.() !== 0).each([80, 40, 30])(
    "of %d columns cuts its lines to them",
    async (columns) => {
      await using host = await PrivateSharedMemory.mount("size=1m");
      await host.resourcelock(
        "get",
        "a-lock-with-a-rather-long-name",
        "-q",
        "-m",
        "日本語".repeat(9),
      );
      await host.resourcelock("get", "b", "-q", "-a", "0", "-m", "short");
      const terminal = await Terminal.open({ columns });
      const screen = await terminal.output(`${inHost(host)} list`);
      const lines = screen.trimEnd().split("\n");
      expect(lines).toHaveLength(4);
      expect(lines[0]).toMatch(/^NAME +STATE +HOLDER/);
      expect(lines[1]).toMatch(/^a-lock-\S* +held +日本/);
      expect(lines[2]).toMatch(/^b +free +-/);
      if (columns === 80) expect(lines[2]).toMatch(/ short, (just now|\d+s ago)$/);
      expect(lines[3]).toStartWith("2 locks, 1 held, 0 waiting".slice(0, columns));
      for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    },
  );

  test.skipIf(process.getuid?.() !== 0)("has colours, unless they are not wanted", async () => {
    await using host = await PrivateSharedMemory.mount("size=1m");
    await host.resourcelock("get", "x", "-q");
    const colours = (environment: string, ...options: string[]) =>
      runToEnd([
        "script",
        "-qec",
        `env ${environment} ${inHost(host)} list ${options.join(" ")}`,
        "/dev/null",
      ]);
    const green = "\u001B[32mheld\u001B[0m";
    expect((await colours("TERM=xterm")).stdout).toContain(green);
    for (const outcome of [
      await colours("TERM=xterm", "--no-color"),
      await colours("TERM=xterm NO_COLOR=1"),
      await colours("TERM=dumb"),
    ]) {
      expect(outcome.stdout).toContain("held");
      expect(outcome.stdout).not.toContain("\u001B[");
    }
    const forced = await host.run("env", "CLICOLOR_FORCE=1", binary, "list");
    expect(forced.stdout).toContain(green);
  });
});
