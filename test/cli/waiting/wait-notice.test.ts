import { expect, test } from "bun:test";
import type { NoticeOutput } from "../../../src/cli/terminal/output.ts";
import { WaitNotice } from "../../../src/cli/waiting/wait-notice.ts";
import type { LockStatus } from "../../../src/index.ts";

/** A notice about a lock that a peer holds, which writes into a list. */
function notice(output: Partial<NoticeOutput>) {
  const written: string[] = [];
  const lock = {
    lockName: "x",
    getLockInfo: () => "made by \u001B[31mus",
    status: (): LockStatus => ({ holders: [], waiters: [], grants: 0, recoveries: 0 }),
  };
  const request = { participant: { position: () => ({ place: 2, waiting: 3 }) } };
  const write = (text: string) => written.push(text);
  const waitNotice = new WaitNotice(lock, request, {
    live: false,
    columns: () => 80,
    line: write,
    raw: write,
    ...output,
  });
  return { waitNotice, written };
}

test("a notice comes after a second and then every 30 seconds", () => {
  const { waitNotice, written } = notice({});
  for (let seconds = 0.5; seconds < 65; seconds += 0.5) waitNotice.update(seconds);
  waitNotice.end();
  const text = "you are 2nd of 3; its info text: <made by \u001B[31mus>";
  expect(written).toEqual([
    `waiting for lock <x>; ${text}`,
    `waiting for lock <x> for 30 s; ${text}`,
    `waiting for lock <x> for 60 s; ${text}`,
  ]);
});

test("on a terminal one line is written over, escaped, cut to the width, and taken away at the end", () => {
  const { waitNotice, written } = notice({ live: true, columns: () => 200 });
  waitNotice.update(0.5);
  waitNotice.update(1);
  waitNotice.update(2);
  waitNotice.end();
  waitNotice.end();
  const text = "as 2nd of 3; its info text: <made by \\x1b[31mus>";
  expect(written).toEqual([
    `\r\u001B[Kresourcelock: waiting for lock <x> for 1 s ${text}`,
    `\r\u001B[Kresourcelock: waiting for lock <x> for 2 s ${text}`,
    "\r\u001B[K",
  ]);
});

test("a narrow terminal's line ends in an ellipsis and leaves room for ^C", () => {
  const { waitNotice, written } = notice({ live: true, columns: () => 20 });
  waitNotice.update(1);
  const [line = ""] = written;
  expect(line).toBe("\r\u001B[Kresourcelock: wa…");
});
