/** What CI, cron and watchers of files want of a queue: only the newest, and no pile-up. */
import { describe, expect, test } from "bun:test";
import { newLockName, resourcelock, startCommand } from "../../support/binary.ts";
import { binary, start, type TestProcess } from "../../support/process.ts";
import { printed } from "./scenario.ts";
import { eventually } from "../../support/eventually.ts";

/** A job that says that it runs, and ends with its standard input. */
const job = ["sh", "-c", "echo runs; read -r line; echo done"];
const stubborn = ["bash", "-c", "trap '' TERM; echo runs; while :; do read -r -t 60 line; done"];

async function started(...words: string[]): Promise<TestProcess> {
  const run = startCommand(...words);
  await run.stdout.line("runs");
  return run;
}

/** What the binary prints as a JSON object a line. */
async function objects(...words: string[]) {
  const { stdout } = await resourcelock(...words, "--json");
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** Waits until the queue is these, by their messages. */
function untilQueueIs(name: string, ...commands: string[]): Promise<unknown> {
  return eventually(`queue of ${commands.join(", ")}`, async () => {
    const [{ waiters }] = await objects("state", name);
    const waiting = waiters.map(({ command }: { command: string }) => command);
    return waiting.join() === commands.join();
  });
}

/** What the history says of each: its message, how it ended, by whom. */
async function endings(name: string): Promise<string[]> {
  const records = await objects("history", name);
  return records.map(
    ({ command, ending, by }) => `${command}: ${ending}${by === null ? "" : ` by ${by}`}`,
  );
}

describe("run --newest", () => {
  test("builds the last of three pushes when the build that runs is done, and tells the others why not", async () => {
    const name = newLockName();
    const first = await started("run", name, "--newest", "-m", "push 1", "--", ...job);
    const second = startCommand("run", name, "--newest", "-m", "push 2", "--", ...job);
    await untilQueueIs(name, "push 2");
    const third = startCommand("run", name, "--newest", "-E", "0", "-m", "push 3", "--", ...job);
    const told = `superseded by a newer request, pid ${third.pid} (push 3)`;
    const { status, stdout, stderr } = await second.end();
    expect({ status, stdout }).toEqual({ status: 75, stdout: "" });
    expect(stderr).toContain(`resourcelock: lock "${name}": ${told}\n`);
    const fourth = startCommand("run", name, "--newest", "-m", "push 4", "--", ...job);
    expect((await third.end()).status).toBe(0);
    await first.tell("\n");
    expect(await first.end()).toEqual(printed("runs\ndone\n"));
    await fourth.tell("\n");
    const last = await fourth.end();
    expect({ status: last.status, stdout: last.stdout }).toEqual({
      status: 0,
      stdout: "runs\ndone\n",
    });
    expect(await endings(name)).toEqual([
      "push 1: released",
      `push 2: superseded by pid ${third.pid}`,
      `push 3: superseded by pid ${fourth.pid}`,
      "push 4: released",
    ]);
  });

  test("leaves those alone that did not say so, also while it is stopped", async () => {
    const name = newLockName();
    const holder = await started("run", name, "-m", "holder", "--", ...job);
    const old = startCommand("run", name, "--newest", "-m", "old", "--", ...job);
    await untilQueueIs(name, "old");
    const plain = startCommand("run", name, "-m", "plain", "--", ...job);
    await untilQueueIs(name, "old", "plain");
    await old.stop();
    const next = startCommand("run", name, "--newest", "-m", "next", "--", ...job);
    await untilQueueIs(name, "plain", "next");
    await holder.tell("\n");
    await plain.stdout.line("runs");
    await plain.tell("\n");
    await next.stdout.line("runs");
    await next.tell("\n");
    expect([(await plain.end()).status, (await next.end()).status]).toEqual([0, 0]);
    old.resume();
    const { status, stderr } = await old.end();
    expect(status).toBe(75);
    expect(stderr).toContain(`superseded by a newer request, pid ${next.pid}`);
  });

  test("is for the get of a script and of a session, too", async () => {
    const name = newLockName();
    const holder = await started("run", name, "--", ...job);
    const get = startCommand("get", name, "--newest", "-t", "60", "--json");
    await untilQueueIs(name, "cli");
    const session = start([binary, "session", "--json"]);
    await session.tell(`get ${name} --newest -t 60\n`);
    const { status, stdout } = await get.end();
    expect(status).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({
      granted: false,
      reason: "superseded",
      by: [{ pid: session.pid, command: "session" }],
    });
    const newest = startCommand("get", name, "--newest", "-t", "60");
    expect(JSON.parse(await session.stdout.nextLine())).toMatchObject({ reason: "superseded" });
    await session.endInput();
    await holder.tell("\n");
    expect((await newest.end()).status).toBe(0);
    await resourcelock("unget", name);
  });
});

describe("run --replace", () => {
  test("ends the deploy of an older commit, and starts when that is gone", async () => {
    const name = newLockName();
    const script = "trap 'echo cleans up; kill $!; exit 3' TERM; echo runs; sleep 60 & wait";
    const old = await started("run", name, "--replace", "-m", "commit 1", "--", "sh", "-c", script);
    const next = startCommand("run", name, "--replace", "-m", "commit 2", "--", ...job);
    const { status, stdout, stderr } = await old.end();
    expect({ status, stdout }).toEqual({ status: 3, stdout: "runs\ncleans up\n" });
    const told = `lock "${name}" was claimed by a newer request, pid ${next.pid} (commit 2); sent TERM to the command, which ended with status 3`;
    expect(stderr).toBe(`resourcelock: warning: ${told}\n`);
    await next.stdout.line("runs");
    await next.tell("\n");
    expect((await next.end()).status).toBe(0);
    expect(await endings(name)).toEqual([
      `commit 1: replaced by pid ${next.pid}`,
      "commit 2: released",
    ]);
  });

  test("kills what does not end by TERM after --kill-after", async () => {
    const name = newLockName();
    const old = await started("run", name, "--replace", "--kill-after", "0.1", "--", ...stubborn);
    const next = startCommand("run", name, "--replace", "--", ...job);
    expect((await old.end()).status).toBe(137);
    await next.stdout.line("runs");
  });

  test("tells no replacement in the history when the run died before its command", async () => {
    const name = newLockName();
    const old = await started("run", name, "--replace", "--close", "-m", "old", "--", ...stubborn);
    const next = startCommand("run", name, "--replace", "-m", "next", "--", ...job);
    await untilQueueIs(name, "next");
    await old.kill();
    await next.stdout.line("runs");
    expect(await endings(name)).toEqual(["old: recovered", "next: held"]);
  });

  test("waits for a command that did not agree to be replaced", async () => {
    const name = newLockName();
    const plain = await started("run", name, "--newest", "--", ...job);
    const next = startCommand("run", name, "--replace", "-m", "next", "--", ...job);
    await untilQueueIs(name, "next");
    // Its run would have seen it by now: a later one of its queue was refused, which is seen each second.
    const last = startCommand("run", name, "--replace", "-m", "last", "--", ...job);
    expect((await next.end()).status).toBe(75);
    await plain.tell("\n");
    expect(await plain.end()).toEqual(printed("runs\ndone\n"));
    await last.stdout.line("runs");
  });

  test("ends one that waits for the second of its locks", async () => {
    const [one, other] = [newLockName("-a"), newLockName("-b")];
    const holder = await started("run", other, "--", ...job);
    const old = startCommand("run", `${one},${other}`, "--replace", "-m", "old", "--", ...job);
    await untilQueueIs(other, "old");
    const next = await started("run", one, "--replace", "-m", "next", "--", ...job);
    const { status, stdout, stderr } = await old.end();
    expect({ status, stdout }).toEqual({ status: 75, stdout: "" });
    expect(stderr).toContain(
      `lock "${one}": superseded by a newer request, pid ${next.pid} (next)`,
    );
    await holder.tell("\n");
    expect((await holder.end()).status).toBe(0);
  });

  test("ends one of two slots only, the one that holds longest", async () => {
    const name = newLockName();
    const words = ["run", name, "--slots", "2", "--replace"];
    const first = await started(...words, "-m", "first", "--", ...job);
    const second = await started(...words, "-m", "second", "--", ...job);
    const third = await started(...words, "-m", "third", "--", ...job);
    expect((await first.end()).status).toBe(143);
    expect([second.hasEnded, third.hasEnded]).toEqual([false, false]);
  });

  test("of a run inside a run leaves the outer one alone", async () => {
    const name = newLockName();
    const inner = `env -u RESOURCELOCK_HELD "$RESOURCELOCK" run ${name} --replace -- true; echo "inner $?"`;
    const { status, stdout, stderr } = await resourcelock("run", name, "--replace", "-c", inner);
    expect({ status, stdout }).toEqual({ status: 0, stdout: "inner 75\n" });
    expect(stderr).toContain("waits for this one to end");
  });
});

describe("run --max-waiters", () => {
  test("lets one wait behind the index that is built, and sends the next one home", async () => {
    const name = newLockName();
    const words = ["run", name, "--max-waiters", "1"];
    const first = await started(...words, "-m", "change 1", "--", ...job);
    const second = startCommand(...words, "-m", "change 2", "--", ...job);
    await untilQueueIs(name, "change 2");
    expect(await resourcelock(...words, "-m", "change 3", "--", ...job)).toEqual({
      status: 75,
      stdout: "",
      stderr: `resourcelock: lock "${name}": not waiting, because 1 other waits already\n`,
    });
    expect(await resourcelock(...words, "-E", "0", "-q", "--", ...job)).toEqual(printed(""));
    await first.tell("\n");
    await second.stdout.line("runs");
    await second.tell("\n");
    expect((await second.end()).status).toBe(0);
    expect(await endings(name)).toContain("change 3: crowded");
  });

  test("does not wait at all with 0, and takes what is free", async () => {
    const name = newLockName();
    const free = await resourcelock("run", name, "--max-waiters", "0", "--", "echo", "taken");
    expect(free).toEqual(printed("taken\n"));
    await resourcelock("get", name);
    expect(await resourcelock("run", name, "--max-waiters", "0", "--", "true")).toEqual({
      status: 75,
      stdout: "",
      stderr: `resourcelock: lock "${name}": not waiting, because --max-waiters is 0\n`,
    });
    const { status, stdout } = await resourcelock("get", name, "--max-waiters", "0", "--json");
    expect(status).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({ granted: false, reason: "crowded", by: [] });
  });

  test("does not count the one that the newest supersedes", async () => {
    const name = newLockName();
    const holder = await started("run", name, "--", ...job);
    const words = ["run", name, "--newest", "--max-waiters", "1"];
    const old = startCommand(...words, "-m", "old", "--", ...job);
    await untilQueueIs(name, "old");
    const next = startCommand(...words, "-m", "next", "--", ...job);
    expect((await old.end()).status).toBe(75);
    const plain = await resourcelock("run", name, "--max-waiters", "1", "--", "true");
    expect(plain.status).toBe(75);
    await holder.tell("\n");
    await next.stdout.line("runs");
  });
});

test.each([
  [["run", "-n", "--newest", "x", "true"], "give --nonblock or --newest, not both"],
  [["run", "-n", "--replace", "x", "true"], "give --nonblock or --replace, not both"],
  [
    ["run", "--replace", "--max-waiters", "0", "x", "true"],
    "--replace means nothing with --max-waiters 0",
  ],
  [["get", "-t", "0", "--max-waiters", "1", "x"], "--max-waiters means nothing with -t 0"],
  [["run", "-n", "--max-waiters", "1", "x", "true"], "give --nonblock or --max-waiters, not both"],
  [["run", "-t", "0", "--newest", "x", "true"], "--newest means nothing with -t 0"],
  [["run", "-t", "0", "--replace", "x", "true"], "--replace means nothing with -t 0"],
  [["run", "--max-waiters", "-1", "x", "true"], '--max-waiters: "-1" is not a number from 0'],
  [["run", "--kill-after", "soon", "x", "true"], '--kill-after: "soon" is not a duration'],
  [["get", "--newest", "-n", "x"], "give --nonblock or --newest, not both"],
  [["get", "--replace", "x"], "unknown option --replace"],
])("%j is refused with 64", async (words, text) => {
  const { status, stdout, stderr } = await resourcelock(...words);
  expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
  expect(stderr).toContain(text);
});
