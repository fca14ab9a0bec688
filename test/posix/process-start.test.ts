import { expect, test } from "bun:test";
import { hasEnded, processStart } from "../../src/posix/process-start.ts";
import { start } from "../support/process.ts";

test("a process has ended once it is a zombie, and when its number is another one's", async () => {
  const child = start(["sleep", "100"]);
  const startedAt = processStart(child.pid) ?? 0;
  expect([
    startedAt > 0,
    hasEnded(child.pid, startedAt),
    hasEnded(child.pid, startedAt + 1),
  ]).toEqual([true, false, true]);
  await child.kill();
  expect([processStart(child.pid), hasEnded(child.pid, startedAt)]).toEqual([undefined, true]);
});
