/** A user who may have no more threads: JavaScriptCore aborts a program whose compiler threads do not start. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { haveTools, newLockName } from "../support/binary.ts";
import { eventually } from "../support/eventually.ts";
import { binary, start } from "../support/process.ts";
import { as, binaryForEverybody, isRoot } from "./other-user.ts";

/** A user that has no other processes. */
const userId = 23_492;
/** What a program has before it compiles anything. */
const threads = 3;

const startLimited = async (...words: string[]) => {
  const limited = ["bash", "-c", `ulimit -u ${threads}; exec "$@"`, "bash"];
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
