/** A user who may have no more threads: JavaScriptCore aborts a program whose threads do not start. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { haveTools, newLockName } from "../support/binary.ts";
import { eventually } from "../support/eventually.ts";
import { binary, start } from "../support/process.ts";
import { as, binaryForEverybody, isRoot } from "./other-user.ts";

/** Users that have no other processes. */
const [oneUser, otherUser] = [23_492, 23_493];
/** What a program has before it compiles anything. */
const threads = 3;

const startLimited = async (...words: string[]) => await startAs(oneUser, threads, words);

const startAs = async (userId: number, processes: number, words: readonly string[]) => {
  const limited = ["bash", "-c", `ulimit -u ${processes}; exec "$@"`, "bash"];
  return start([...as(userId), ...limited, await binaryForEverybody(), ...words]);
};

describe.skipIf(!isRoot || !haveTools("setpriv"))("a user who may have no more threads", () => {
  test("session goes on when it has answered a hundred requests", async () => {
    const name = newLockName();
    const rounds = 100;
    const session = await startLimited("session");
    await session.tell(`get ${name}\nunget ${name}\n`.repeat(rounds));
    await session.endInput();
    const { status, stdout } = await session.end();
    expect(status).toBe(0);
    expect(stdout).toBe(`0 ${name}: locked\n0 ${name}: released\n`.repeat(rounds));
  });

  test("run keeps its lock and its status when its command uses the limit up", async () => {
    // A garbage collection begins a second after the start, if there is one.
    const usesUp = "(while sleep 2 & do :; done) 2>/dev/null; sleep 2 & exec sleep 1.5";
    const words = ["run", newLockName(), "--", "sh", "-c", usesUp];
    const run = await startAs(otherUser, threads + 8, words);
    expect(await run.end()).toMatchObject({ status: 0, stderr: "" });
  });

  test.each(["list", "remove", "doctor"])("%s does its work on many locks", async (command) => {
    const names = Array.from({ length: 200 }, () => newLockName());
    const session = start([binary, "session"]);
    await session.tell(names.map((name) => `get ${name}\n`).join(""));
    await session.endInput();
    await session.end();
    const words = command === "remove" ? ["--stale", "--dry-run"] : ["--json"];
    const { status, stderr } = await (await startLimited(command, ...words)).end();
    expect(stderr).not.toContain("panic");
    // That doctor has found something is no failure.
    expect(status).toBeLessThanOrEqual(1);
  });
});

test("session compiles what it does again and again, on threads", async () => {
  const name = newLockName();
  const session = start([binary, "session"]);
  await session.tell(`get ${name}\nunget ${name}\n`.repeat(1000));
  const directory = `/proc/${session.pid}/task`;
  await eventually("a thread that compiles", () =>
    readdirSync(directory).some((id) =>
      readFileSync(`${directory}/${id}/comm`, "utf8").startsWith("JITWorker"),
    ),
  );
});
