/** The harness of all tests that start processes. */
import { describe, expect, onTestFinished, test } from "bun:test";
import { isAlive, killStranger, processState, runToEnd, start } from "./process.ts";
import { eventually } from "./eventually.ts";

const sh = (script: string) => start(["sh", "-c", script]);

test("runToEnd() gives status, stdout and stderr", async () => {
  const outcome = await runToEnd(["sh", "-c", "echo out; echo err >&2; exit 3"]);
  expect(outcome).toEqual({ status: 3, stdout: "out\n", stderr: "err\n" });
});

test("runToEnd() gives 128 + N when signal N killed the process", async () => {
  expect((await runToEnd(["sh", "-c", "kill -TERM $$"])).status).toBe(143);
});

test("start() takes a variable out of the environment when it is undefined", async () => {
  const { stdout } = await runToEnd(["sh", "-c", 'echo "${HOME-none}"'], {
    env: { HOME: undefined },
  });
  expect(stdout).toBe("none\n");
});

describe("TestProcess", () => {
  test("end() gives what was printed before and after it was called", async () => {
    const child = sh("echo one; read line; echo two");
    await child.stdout.until("one");
    await child.tell("\n");
    expect(await child.end()).toEqual({ status: 0, stdout: "one\ntwo\n", stderr: "" });
    expect(child.endedBy).toBeNull();
  });

  test("stop() returns when it is stopped, and resume() lets it go on", async () => {
    const child = sh("read line; echo done");
    await child.stop();
    expect(processState(child.pid)).toBe("T");
    child.resume();
    await child.tell("\n");
    expect((await child.end()).stdout).toBe("done\n");
  });

  test("kill() returns when it has ended", async () => {
    const child = sh("sleep 1000");
    await child.kill();
    expect(isAlive(child.pid)).toBe(false);
    expect(child.endedBy).toBe("SIGKILL");
  });

  test("dispose() kills what a killed process left behind, even if that has just been started", async () => {
    for (let round = 0; round < 10; round++) {
      const killed = sh("sleep 1000 & echo $!; wait");
      const orphan = Number(await killed.stdout.nextLine());
      await killed.dispose();
      await eventually("end of the orphan", () => !isAlive(orphan));
    }
  });

  test("dispose() leaves alone what a process left behind that ended by itself", async () => {
    const ended = sh("sleep 1000 >/dev/null 2>&1 & echo $!");
    const daemon = Number(await ended.stdout.nextLine());
    onTestFinished(() => killStranger(daemon));
    await ended.end();
    await ended.dispose();
    expect(isAlive(daemon)).toBe(true);
  });
});

describe("Output", () => {
  test("until() throws what was printed when the process ends without the text", async () => {
    const child = sh("echo out; echo err >&2");
    const error: unknown = await child.stdout.until("never").catch((reason: unknown) => reason);
    expect(String(error)).toContain(
      'No never on stdout of sh -c echo out; echo err >&2 (stdout "out',
    );
  });

  test("nextLine() gives each line once", async () => {
    const { stdout } = sh("printf 'a\\nb\\n'; sleep 0.01; printf 'c'; echo d");
    const lines = [await stdout.nextLine(), await stdout.nextLine(), await stdout.nextLine()];
    expect(lines).toEqual(["a", "b", "cd"]);
  });

  test("line() waits for the end of the line", async () => {
    const { stderr } = sh("{ echo first; printf 'the sec'; sleep 0.01; echo ond; } >&2");
    expect(await stderr.line(/^the/)).toBe("the second");
  });
});
