import { expect, test } from "bun:test";
import { hasEnded, processStart } from "../../src/posix/process-start.ts";

test("a process has ended once it is a zombie, and when its number is another one's", async () => {
  const child = Bun.spawn(["sleep", "100"]);
  const start = processStart(child.pid) ?? 0;
  expect([start > 0, hasEnded(child.pid, start), hasEnded(child.pid, start + 1)]).toEqual([
    true,
    false,
    true,
  ]);
  child.kill("SIGKILL");
  await child.exited;
  expect([processStart(child.pid), hasEnded(child.pid, start)]).toEqual([undefined, true]);
});
