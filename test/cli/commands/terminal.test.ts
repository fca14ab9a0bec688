/** The binary on a terminal, with job control. */
import { describe, expect, test } from "bun:test";
import { haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { binary, runToEnd, untilStates } from "../../support/process.ts";
import { newHeldLock, semaphoreValue, untilWaiting } from "./scenario.ts";
import { Terminal } from "./terminal.ts";

/** A command that says its process id and its parent's, and goes on. */
const sleeper = "sh -c 'echo runs $$ $PPID; exec sleep 100'";
const sleeperRuns = /^runs (\d+) (\d+)$/m;

// As by "ssh -t HOST resourcelock run": no shell is there to tell its jobs.
test.skipIf(!haveTools("python3")).each([1, 2])(
  "run that leads its session ends its command when the terminal hangs up: %i runs deep",
  async (depth) => {
    const program = `import os, pty, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
said = b""
while b"runs" not in said: said += os.read(terminal, 100)
os.close(terminal)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const runs = Array.from({ length: depth }, () => [binary, "run", newLockName(), "--"]);
    const command = ["sh", "-c", "echo runs; exec sleep 1000"];
    const { stdout } = await runToEnd(["python3", "-c", program, ...runs.flat(), ...command]);
    expect(stdout).toBe("129\n");
  },
);

describe.skipIf(!haveTools("tmux"))("on a terminal", () => {
  test("^C of the command ends run by it, with 130, and releases the lock", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    await terminal.command(`resourcelock run ${name} -- ${sleeper}`);
    await terminal.see(sleeperRuns);
    expect(semaphoreValue(name)).toBe(0);
    await terminal.press("C-c");
    await terminal.prompt();
    expect(await terminal.status()).toBe("130");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("^C does not end run while the command goes on", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    const command = `bash -c 'trap "echo got it" INT; echo runs; read -r a; read -r b; exit 3'`;
    await terminal.command(`resourcelock run ${name} -- ${command}`);
    await terminal.see(/^runs$/m);
    await terminal.press("C-c");
    await terminal.see(/got it$/m);
    expect(semaphoreValue(name)).toBe(0);
    await terminal.type("a");
    await terminal.type("b");
    await terminal.prompt();
    expect(await terminal.status()).toBe("3");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("^C leaves a loop of runs", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    // A loop that ends, should the test fail and leave it behind.
    await terminal.command(`for i in {1..9}; do resourcelock run ${name} -- ${sleeper}; done`);
    await terminal.see(sleeperRuns);
    await terminal.press("C-c");
    const screen = await terminal.prompt();
    expect(screen.match(/^runs/gm)).toHaveLength(1);
    expect(await terminal.status()).toBe("130");
  });

  test("^Z stops run and command, and fg lets both go on", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    await terminal.command(`resourcelock run ${name} -- ${sleeper}`);
    const [, ...processIds] = (await terminal.see(sleeperRuns)).map(Number);
    await terminal.press("C-z");
    await terminal.prompt();
    await untilStates(processIds, /T/);
    expect(semaphoreValue(name)).toBe(0);
    await terminal.command("fg");
    await untilStates(processIds, /[SR]/);
    await terminal.press("C-c");
    await terminal.prompt();
    expect(await terminal.status()).toBe("130");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("^Z stops a run that waits, which gets the lock after fg", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await terminal.command(`resourcelock run ${name} -- echo runs`);
    await untilWaiting(name);
    await terminal.press("C-z");
    await terminal.prompt();
    await resourcelock("unget", name);
    expect(semaphoreValue(name)).toBe(1);
    await terminal.command("fg");
    await terminal.see(/^runs$/m);
    await terminal.prompt();
    expect(semaphoreValue(name)).toBe(1);
  });

  test("^C of a run that waits ends it with 130, takes nothing and clears its line", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await terminal.command(`resourcelock run ${name} -- echo runs`);
    await terminal.see(/next for lock/);
    await terminal.press("C-c");
    const screen = await terminal.prompt();
    expect(screen).not.toContain("next for lock");
    expect(await terminal.status()).toBe("130");
    await resourcelock("unget", name);
    expect(semaphoreValue(name)).toBe(1);
  });

  test("what a command does to the terminal lasts", async () => {
    const terminal = await Terminal.open();
    const settings = "stty -a | grep -owE -e '-?(echo|icanon|ixon)' | tr '\\n' ' '; echo";
    const run = `resourcelock run ${newLockName()} --`;
    expect(await terminal.output(`sh -c "${settings}"`)).toBe("ixon icanon echo\n");
    expect(await terminal.output(`sh -c "${run} stty -echo -ixon; ${settings}"`)).toBe(
      "-ixon icanon -echo\n",
    );
    expect(await terminal.output(`sh -c "${run} stty echo ixon; ${settings}"`)).toBe(
      "ixon icanon echo\n",
    );
  });

  test("get -a releases the lock at ^C", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    await terminal.command(`resourcelock get ${name} -a 60`);
    await terminal.see(/: locked for/);
    await terminal.press("C-c");
    await terminal.prompt();
    expect(await terminal.status()).toBe("130");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("an interactive shell under run has its own ^C and job control", async () => {
    const [name, terminal] = [newLockName(), await Terminal.open()];
    await terminal.command(`PS1='inner ' resourcelock run ${name} -- bash --noprofile --norc -i`);
    await terminal.see(/^inner$/m);
    await terminal.type("echo $((6 * 7)) $RESOURCELOCK_NAME");
    await terminal.see(new RegExp(`^42 ${name}$`, "m"));
    await terminal.type(sleeper);
    const [, processId = 0] = (await terminal.see(sleeperRuns)).map(Number);
    await terminal.press("C-z");
    await terminal.see(/Stopped/);
    await terminal.type("fg");
    await untilStates([processId], /[SR]/);
    await terminal.press("C-c");
    await terminal.type("echo $?; exit 9");
    await terminal.see(/^130$/m);
    await terminal.prompt();
    expect(await terminal.status()).toBe("9");
    expect(semaphoreValue(name)).toBe(1);
  });

  test("a command reads what is typed, to the end of the file", async () => {
    const terminal = await Terminal.open();
    const reader = "sh -c 'echo ready; exec sed s/^/read:/'";
    await terminal.command(`resourcelock run ${newLockName()} -- ${reader}`);
    await terminal.see(/^ready$/m);
    await terminal.type("a line");
    await terminal.see(/^read:a line$/m);
    await terminal.press("C-d");
    await terminal.prompt();
    expect(await terminal.status()).toBe("0");
  });

  const masks = "grep -E '^Sig(Ign|Blk)' /proc/self/status";

  test.each([
    ["", "; exit"],
    ["", "& wait"],
    ["trap '' INT;", "; exit"],
    ["trap '' INT;", "& wait"],
    ["trap '' TERM;", "; exit"],
    ["trap '' TERM;", "& wait"],
    ["trap '' HUP;", "; exit"],
    ["trap '' QUIT;", "; exit"],
    ["trap '' HUP INT QUIT TERM;", "; exit"],
  ])("signals that a script ignores are so in its commands: %s ... %s", async (setup, suffix) => {
    const terminal = await Terminal.open();
    const inScript = (command: string) =>
      terminal.output(`bash -c "${setup} ${command} ${suffix}"`);
    const direct = await inScript(masks);
    expect(direct).toContain("SigIgn");
    expect(await inScript(`resourcelock run ${newLockName()} -- ${masks}`)).toBe(direct);
  });

  test("an interactive shell's own ignored signals do not reach the command", async () => {
    const terminal = await Terminal.open();
    const direct = await terminal.output(masks);
    expect(direct).toContain("SigIgn");
    expect(await terminal.output(`resourcelock run ${newLockName()} -- ${masks}`)).toBe(direct);
  });
});

/** The rows of the screen with the line, and those behind it that have something. */
async function waitLines(terminal: Terminal): Promise<string[]> {
  // A narrow terminal has no room for who says so.
  const { input } = await terminal.see(/^(?:resourcelock: )?next/m);
  const rows = input.trimEnd().split("\n");
  return rows.slice(rows.findIndex((row) => /^(?:resourcelock: )?next/.test(row)));
}

describe.skipIf(!haveTools("tmux"))("what reads from the terminal", () => {
  test("says what to type, and how to end", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await terminal.command("resourcelock session");
    await terminal.see(/^resourcelock: type a request on each line, as in get NAME; \^D ends it$/m);
    await terminal.press("C-d");
    await terminal.prompt();
    await terminal.command(`clear; resourcelock info ${name} --stdin`);
    await terminal.see(/^resourcelock: type the text; \^D on an empty line ends it$/m);
    await terminal.press("C-d");
    await terminal.prompt();
  });
});

describe.skipIf(!haveTools("tmux"))("the line that tells of a wait", () => {
  test("is one, is written over while time passes, and is gone when the lock is granted", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open({ columns: 180 })];
    await terminal.command(`resourcelock run ${name} -- echo runs`);
    const { input } = await terminal.see(/ after [2-9]s, /);
    expect(input.match(/next for/g)).toHaveLength(1);
    expect(input).toMatch(
      new RegExp(
        `^resourcelock: next for lock "${name}" after \\ds, held by holder \\(no process\\) for \\d+s$`,
        "m",
      ),
    );
    await resourcelock("unget", name);
    await terminal.see(/^runs$/m);
    const screen = await terminal.prompt();
    expect(screen).not.toContain("next for");
  });

  test.each([
    [30, "a short text", "holder", 1],
    [100, "a long text", "long ".repeat(50), 1],
    [100, "wide letters", "漢字".repeat(50), 2],
    [99, "wide letters", "漢字".repeat(50), 2],
    [90, "letters of several code points", "e\u0301🏳️‍🌈".repeat(50), 2],
  ])("of %d columns is cut to one row: %s", async (columns, _, message, widest) => {
    const [name, terminal] = [await newHeldLock(message), await Terminal.open({ columns })];
    await terminal.command(`resourcelock run ${name} -- true`);
    const [line = "", ...others] = await waitLines(terminal);
    expect(line).toMatch(columns > 30 ? /… \(no process\) for \d+s$/ : /…$/);
    const spare = 3;
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns - spare);
    // As the time grows to two digits the message gives way.
    expect(Bun.stringWidth(line)).toBeGreaterThan(columns - spare - widest - 1);
    expect(others).toEqual([]);
    await resourcelock("unget", name);
    expect(await terminal.prompt()).not.toContain("next for");
  });

  test("has no control characters of the info text in it", async () => {
    const name = await newHeldLock("\u001B[2J\u001B]0;title\u0007\r\n\u009B2J");
    const terminal = await Terminal.open({ columns: 200 });
    await terminal.command(`resourcelock run ${name} -- true`);
    const [line] = await waitLines(terminal);
    expect(line).toContain("held by \\x1b[2J\\x1b]0;title\\x07\\r\\n\\x9b2J (no process)");
  });

  test("is a line that stays where the terminal cannot write over it", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open({ columns: 180 })];
    await terminal.command(`TERM=dumb resourcelock run ${name} -- echo runs`);
    await terminal.see(/^resourcelock: next/m);
    await resourcelock("unget", name);
    expect(await terminal.prompt()).toMatch(
      new RegExp(
        `^resourcelock: next for lock "${name}", held by holder \\(no process\\) for \\d+s\nruns$`,
        "m",
      ),
    );
  });

  test("is not there with -q", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    const told = await Terminal.open();
    await terminal.command(`resourcelock run ${name} -q -- true`);
    await untilWaiting(name);
    await told.command(`resourcelock run ${name} -- true`);
    await told.see(/^(?:resourcelock: )?2nd of 2 for lock/m);
    expect(await terminal.screen()).not.toContain("for lock");
  });
});
