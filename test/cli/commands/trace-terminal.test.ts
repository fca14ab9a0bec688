/** The picture of `trace`, on a terminal. */
import { describe, expect, test } from "bun:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { isAlive, untilStates } from "../../support/process.ts";
import { newDirectory } from "../../support/directory.ts";
import { newHeldLock } from "./scenario.ts";
import { Terminal } from "./terminal.ts";
import { eventually } from "../../support/eventually.ts";

/** Wide enough for the names of locks in tests. */
const columns = 120;

/** Starts a trace, and tells its process id. */
async function startTrace(terminal: Terminal, ...words: string[]): Promise<number> {
  const file = join(newDirectory(), "pid");
  await terminal.command(`sh -c 'echo $$ >${file}; exec resourcelock trace ${words.join(" ")}'`);
  // The picture is there, and with it the handlers of signals.
  await terminal.see(/^q quit/m);
  return Number(readFileSync(file, "utf8"));
}

describe.skipIf(!haveTools("tmux"))("trace on a terminal", () => {
  test("draws a row a lock, and leaves the last picture at ^C, with 0", async () => {
    const [one, other] = [newLockName(), newLockName()];
    const terminal = await Terminal.open({ columns });
    await startTrace(terminal, one, other, "-u", "0.05");
    await terminal.see(
      new RegExp(
        `^LOCK +HELD BY +FOR +WAITING +LONGEST +GRANTS/MIN\n${one} +no such lock yet`,
        "m",
      ),
    );
    expect(await terminal.isCursorShown()).toBeFalse();
    await resourcelock("get", other);
    await terminal.see(new RegExp(`^${other} .*no process.*\n *█+$`, "m"));
    await resourcelock("unget", other);
    const [picture] = await terminal.see(new RegExp(`^${other} +free .*\n *█+·+$`, "m"));
    await terminal.press("C-c");
    const screen = await terminal.prompt();
    // It has gone on for a while, and stands where it stood.
    expect(screen.match(/^LOCK /gm)).toHaveLength(1);
    expect(screen).toContain(picture.slice(0, picture.indexOf("\n")).trimEnd());
    expect(screen).not.toContain("^C");
    expect(await terminal.isCursorShown()).toBeTrue();
    expect(await terminal.status()).toBe("0");
  });

  test("shows who holds, and how many wait by bars in a colour of their own", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open({ columns })];
    await terminal.command(
      `resourcelock run ${name} -q -- true & resourcelock trace ${name} -u 0.05`,
    );
    await terminal.see(new RegExp(`^${name} +holder .no process. +\\S+ +1 .*\\n.*▁$`, "m"));
    expect(await terminal.coloredScreen()).toMatch(/ESC\[33m▁+/);
    await terminal.press("C-c");
    await resourcelock("unget", name);
  });

  test.each(["--no-color", "NO_COLOR"])("with %s there are no colours", async (how) => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    const option = how === "NO_COLOR" ? "" : how;
    if (how === "NO_COLOR") await terminal.output("export NO_COLOR=1");
    await startTrace(terminal, name, "-u", "0.05", option);
    await terminal.see(/█{10}$/m);
    // Not even dim or bold.
    expect(await terminal.coloredScreen()).not.toMatch(/ESC\[\d*[1-9]m/);
    await terminal.press("C-c");
  });

  test("follows the size of the window, and is whole at 30 columns", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await startTrace(terminal, name, "-u", "0.02");
    await terminal.see(/^█{80}$/m);
    await terminal.resize(30, 12);
    const { input: narrow } = await terminal.see(/^LOCK +HELD BY +WAITING$/m);
    expect(narrow).toMatch(/^█{30}$/m);
    await terminal.resize(100, 24);
    const { input: wide } = await terminal.see(/^LOCK .*GRANTS\/MIN$/m);
    expect(wide.match(/^LOCK /gm)).toHaveLength(1);
    await terminal.see(/^█{100}$/m);
    await terminal.press("C-c");
    await terminal.prompt();
  });

  test("gives the terminal back at ^Z, draws anew after fg, and so again", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    const processId = await startTrace(terminal, name, "-u", "0.05");
    for (let count = 0; count < 2; count++) {
      await terminal.press("C-z");
      await terminal.prompt();
      await untilStates([processId], /T/);
      expect(await terminal.isCursorShown()).toBeTrue();
      await terminal.clear();
      await terminal.command("fg");
      await terminal.see(/^█+$/m);
      await untilStates([processId], /[SR]/);
    }
    await terminal.press("C-c");
    await terminal.prompt();
    expect(await terminal.isCursorShown()).toBeTrue();
    expect(await terminal.status()).toBe("0");
  });

  test("does not draw while it is in the background", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await startTrace(terminal, name, "-u", "0.01");
    await terminal.press("C-z");
    await terminal.prompt();
    expect(await terminal.output("bg; sleep 0.3")).not.toContain("█");
    expect(await terminal.isCursorShown()).toBeTrue();
    await terminal.clear();
    await terminal.command("fg");
    await terminal.see(/^█+$/m);
    await terminal.press("C-c");
    await terminal.prompt();
  });

  test.each(["TERM", "HUP", "QUIT"] as const)(
    "restores the terminal at %s, and dies of it",
    async (signal) => {
      const [name, terminal] = [await newHeldLock(), await Terminal.open()];
      const processId = await startTrace(terminal, name, "-u", "0.05");
      process.kill(processId, `SIG${signal}`);
      const screen = await terminal.prompt();
      expect(screen).toContain("█");
      expect(await terminal.isCursorShown()).toBeTrue();
      const numbers = { TERM: 15, HUP: 1, QUIT: 3 };
      expect(await terminal.status()).toBe(String(128 + numbers[signal]));
    },
  );

  test("restores the terminal at an error, and tells it", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await startTrace(terminal, name, "-u", "0.05");
    rmSync(`/dev/shm/sem.${name}`);
    writeFileSync(`/dev/shm/sem.${name}`, "");
    const screen = await terminal.prompt();
    expect(screen).toContain("resourcelock: Cannot use lock");
    expect(await terminal.isCursorShown()).toBeTrue();
    expect(await terminal.status()).toBe("71");
  });

  test("ends at q with 0, with the terminal as it was and the last picture on it", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    const settings = "stty -a | grep -owE -e '-?(echo|icanon)' | tr '\\n' ' '; echo";
    const before = await terminal.output(settings);
    await terminal.command("clear; echo what was there");
    await terminal.prompt();
    await startTrace(terminal, name, "-u", "0.05");
    expect(await terminal.screen()).not.toContain("what was there");
    await terminal.keys("q");
    const screen = await terminal.prompt();
    expect(screen).toContain("what was there");
    expect(screen).toMatch(/█$/m);
    expect(screen).not.toContain("q quit");
    expect(await terminal.status()).toBe("0");
    expect(await terminal.output(settings)).toBe(before);
  });

  test("starts with the past that the history knows, over the full width", async () => {
    const name = await newHeldLock();
    await Bun.sleep(1500);
    const terminal = await Terminal.open({ columns: 30 });
    await startTrace(terminal, name, "-u", "0.02");
    expect(await terminal.screen()).toMatch(/^█{30}$/m);
    await terminal.keys("q");
    await terminal.prompt();
  });

  test("shows the history of the selected lock, and releases it after asking", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open({ columns })];
    await startTrace(terminal, newLockName(), name, "-u", "0.05");
    await terminal.press("Down");
    await terminal.press("Down");
    await terminal.see(new RegExp(`^${name}: held by holder .no process.`, "m"));
    await terminal.press("Enter");
    await terminal.see(/^WHEN +PID/m);
    await terminal.keys("b");
    await terminal.keys("u");
    await terminal.see(new RegExp(`^Release ${name}\\? y/n {2}held by holder .no process.$`, "m"));
    await terminal.keys("n");
    await terminal.see(/enter history/);
    expect((await resourcelock("state", name, "--check")).status).toBe(1);
    await terminal.keys("uy");
    await terminal.see(new RegExp(`^${name}: released$`, "m"));
    expect((await resourcelock("state", name, "--check")).status).toBe(0);
    await terminal.keys("q");
    await terminal.prompt();
  });

  test("says who is still running after u, and why u does nothing", async () => {
    const [free, name] = [newLockName(), newLockName()];
    const terminal = await Terminal.open({ columns });
    await terminal.command(`resourcelock run ${name} -q -m deploy -- sleep 600 &`);
    await terminal.prompt();
    await startTrace(terminal, name, free, "-u", "0.05");
    await terminal.keys("u");
    await terminal.see(/^select a lock first: up\/down$/m);
    await terminal.press("Down");
    await terminal.see(new RegExp(`^${name}: held by deploy`, "m"));
    await terminal.keys("uy");
    await terminal.see(new RegExp(`^${name}: released\npid \\d+ .deploy. is still running`, "m"));
    await terminal.press("Down");
    await terminal.keys("u");
    await terminal.see(new RegExp(`^${free} is free: there is nothing to release$`, "m"));
    await terminal.keys("q");
    await terminal.prompt();
  });

  test("ends with its terminal", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    const processId = await startTrace(terminal, name, "-u", "0.05");
    await terminal.close();
    await eventually(
      () => `the end of ${processId}`,
      () => !isAlive(processId),
    );
  });

  test("prints lines with -v, and where TERM is dumb", async () => {
    const [name, terminal] = [await newHeldLock(), await Terminal.open()];
    await terminal.command(`TERM=dumb resourcelock trace ${name}`);
    await terminal.see(new RegExp(`^${name}: held by holder`, "m"));
    await terminal.press("C-c");
    await terminal.prompt();
    await terminal.clear();
    await terminal.command(`resourcelock trace -v ${name}`);
    await terminal.see(new RegExp(`^${name}: held by holder`, "m"));
    await terminal.press("C-c");
    await terminal.prompt();
  });
});
