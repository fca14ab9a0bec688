import { expect, test } from "bun:test";
import fc from "fast-check";
import type { NoticeOutput } from "../../../src/cli/terminal/output.ts";
import { noticeText, type WaitFacts, WaitNotice } from "../../../src/cli/waiting/wait-notice.ts";
import type { HolderStatus } from "../../../src/index.ts";

const holder: HolderStatus = {
  pid: null,
  command: "nightly backup",
  since: Date.now() / 1000 - 192.5,
  kind: "exclusive",
  attachment: "detached",
  token: 1,
  slot: null,
  slots: null,
};
const facts: WaitFacts = { place: 2, waiting: 3, holders: [holder] };

/** A notice that writes into a list. */
function notice(output: Partial<NoticeOutput>) {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  const waitNotice = new WaitNotice("x", {
    live: false,
    columns: () => 80,
    line: write,
    raw: write,
    ...output,
  });
  return { waitNotice, written };
}

const held = ", held by nightly backup (no process) for 3m12s";

test("update() writes a line at once and then every 30 seconds", () => {
  const { waitNotice, written } = notice({});
  let described = 0;
  const describe = () => {
    described += 1;
    return facts;
  };
  for (let seconds = 0; seconds < 65; seconds += 0.5) waitNotice.update(seconds, describe);
  waitNotice.end();
  expect(written).toEqual([
    `2nd of 3 for lock "x"${held}`,
    `2nd of 3 for lock "x" after 30s${held}`,
    `2nd of 3 for lock "x" after 1m00s${held}`,
  ]);
  expect(described).toBe(3);
});

test("update() writes one line over and over on a terminal, and end() takes it away once", () => {
  const { waitNotice, written } = notice({ live: true, columns: () => 200 });
  waitNotice.update(0, () => facts);
  waitNotice.update(2, () => ({ ...facts, place: 1 }));
  waitNotice.end();
  waitNotice.end();
  expect(written).toEqual([
    `\r\u001B[Kresourcelock: 2nd of 3 for lock "x"${held}`,
    `\r\u001B[Kresourcelock: next for lock "x" after 2s${held}`,
    "\r\u001B[K",
  ]);
});

test("update() cuts the line on a narrow terminal, and leaves room for ^C", () => {
  const { waitNotice, written } = notice({ live: true, columns: () => 20 });
  waitNotice.update(1, () => facts);
  expect(written).toEqual(["\r\u001B[K2nd of 3 for loc…"]);
});

test("update() says who holds the lock rather than who says so on a narrow terminal", () => {
  const { waitNotice, written } = notice({ live: true, columns: () => 45 });
  waitNotice.update(0, () => facts);
  expect(written).toEqual(['\r\u001B[K2nd of 3 for lock "x", held by nightly… (…']);
});

test("noticeText() tells one who looks on what is waited for", () => {
  expect(noticeText("x", 0, { ...facts, place: 0 }, 80)).toBe(`waiting for lock "x"${held}`);
});

test("noticeText() escapes, and tells the info text of a holder without a ledger, without its date", () => {
  const foreign = { ...holder, attachment: "foreign", since: null, command: "" } as const;
  const info = "2026-11-23 11:22:36.117364 - made by \u001B[31mus";
  expect(noticeText("x", 0, { ...facts, holders: [foreign], info }, 200)).toBe(
    '2nd of 3 for lock "x", held by a Python (cjnfuncs) program: made by \\x1b[31mus',
  );
});

test("noticeText() cuts messages, then names fewer holders, and keeps the name whole", () => {
  const long = { ...holder, command: "c".repeat(100) };
  // The info text has all of the message, and a date.
  const info = `2026-11-23 11:22:36.117364 - ${long.command.repeat(3)}`;
  const one = noticeText("disk", 0, { ...facts, holders: [long], info }, 66);
  expect(Bun.stringWidth(one)).toBeLessThanOrEqual(66);
  expect(one).toMatch(/^2nd of 3 for lock "disk", held by c+… \(no process\) for 3m12s$/);
  const slots = [0, 1].map((slot) =>
    Object.assign({}, long, { kind: "slots", slot, slots: 2 } as const),
  );
  const several = noticeText("disk", 0, { ...facts, holders: slots }, 90);
  expect(Bun.stringWidth(several)).toBeLessThanOrEqual(90);
  expect(several).toMatch(/2 of 2 slots held by c+… \(no process\) for 3m12s and 1 more$/);
  const named = noticeText("n".repeat(200), 0, facts, 66);
  expect(named).toMatch(/^2nd of 3 for lock "n{200}", held by nightly… \(no process\)/);
});

test("noticeText() leaves the message of a process out when nothing of it fits", () => {
  const process = { ...holder, pid: 21212, attachment: "attached" } as const;
  const text = noticeText("disk", 2, { ...facts, holders: [process] }, 63);
  expect(text).toBe('2nd of 3 for lock "disk" after 2s, held by pid 21212 for 3m12s');
});

test("noticeText() of one holder and a short name fits 66 columns, whatever the message", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 90 }), (command) => {
      const text = noticeText("disk", 0, { ...facts, holders: [{ ...holder, command }] }, 80);
      expect(Bun.stringWidth(text)).toBeLessThanOrEqual(80);
    }),
  );
});
