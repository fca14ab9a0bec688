import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { clockText, dateText } from "../../../src/cli/terminal/time-text.ts";
import type { Paint } from "../../../src/cli/terminal/colors.ts";
import { historyPlot } from "../../../src/cli/pictures/history-plot.ts";
import { historyTable } from "../../../src/cli/pictures/history-table.ts";
import type { GrantRecord } from "../../../src/lock/status.ts";

const plain: Paint = (_, text) => text;
const start = 1_795_438_794;
const now = start + 420;

/** A record; its times are seconds after `start`. */
function record(
  command: string,
  [queued, granted, ended]: [number, number | null, number | null],
  ending: GrantRecord["ending"],
  parts: Partial<GrantRecord> = {},
): GrantRecord {
  const at = (time: number | null) => (time === null ? null : start + time);
  return {
    pid: 4242,
    command,
    kind: "exclusive",
    slot: null,
    token: granted === null ? null : 7,
    queued: start + queued,
    granted: at(granted),
    ended: at(ended),
    ending,
    ...parts,
  };
}

const records = [
  record("make deploy", [0, 0, 12], "released"),
  record("tar -cf /srv/home.tar /home", [3, 12, 20], "recovered", { pid: 4250 }),
  record("sync", [5, null, 10], "lapsed", { pid: 4251 }),
  record("sync again", [8, 20, 21], "forced", { pid: 4252 }),
  record("x", [400, 400, 401.2], "released", { pid: 4253 }),
  record("cron", [405, 405, null], "detached", { pid: null }),
  record("cat", [410, null, null], "waiting", { pid: 4260 }),
];

/** What stands before the bar of a record. */
const label = (one: GrantRecord, columns: number) =>
  historyPlot("x", [one], { columns, lines: 9 }, { now, paint: plain })[1]?.replace(/ *█.*/, "");

/** Times of day depend on the time zone of the host. */
const maskTimes = (lines: readonly string[]) =>
  lines.map((line) =>
    line.replaceAll(/\d\d:\d\d:\d\d/g, "HH:MM:SS").replaceAll(/\d{4}-\d\d-\d\d/g, "YYYY-MM-DD"),
  );

describe("the table", () => {
  test("has a line a record, with how long it waited and held, and how it ended", () => {
    expect(maskTimes(historyTable(records, 80, now, plain))).toEqual([
      "WHEN       PID  COMMAND                      WAITED  HELD  ENDING",
      "HH:MM:SS  4242  make deploy                     0ms   12s  released",
      "HH:MM:SS  4250  tar -cf /srv/home.tar /home    9.0s  8.0s  holder died",
      "HH:MM:SS  4251  sync                           5.0s     -  gave up",
      "HH:MM:SS  4252  sync again                      12s  1.0s  forced",
      "HH:MM:SS  4253  x                               0ms  1.2s  released",
      "HH:MM:SS     -  cron                            0ms   15s  detached",
      "HH:MM:SS  4260  cat                             10s     -  waits",
    ]);
  });

  test("does not tell a time that nobody knows", () => {
    const [, died, waiter] = historyTable(
      [
        record("cat", [0, 1, null], "recovered", { kind: "shared" }),
        record("make", [0, null, null], "lapsed"),
      ],
      80,
      now,
      plain,
    );
    expect(died).toMatch(/ shared +1\.0s +- +holder died$/);
    expect(waiter).toMatch(/ exclusive +- +- +gave up$/);
  });

  test("is cut to a narrow terminal, and not cut where there is none", () => {
    expect(maskTimes(historyTable(records.slice(0, 2), 38, now, plain))).toEqual([
      "WHEN      COMMAND    HELD  ENDING",
      "HH:MM:SS  make dep…   12s  released",
      "HH:MM:SS  tar -cf …  8.0s  holder died",
    ]);
    const several = records.slice(0, 2).map((one) => Object.assign({}, one, { name: "disk" }));
    expect(maskTimes(historyTable(several, 38, now, plain))[2]).toBe(
      "disk  HH:MM:SS  tar -cf …  holder died",
    );
    const long = record("c".repeat(200), [0, 0, 1], "released");
    expect(historyTable([long], Infinity, now, plain)[1]).toContain("c".repeat(200));
  });

  test("tells kinds where they differ, and dates where not all is of today", () => {
    const shared = record("cat", [0, 0, 1], "released", { kind: "shared" });
    const slot = record("render", [0, 0, 1], "released", { kind: "slots", slot: 2 });
    const yesterday = record("make", [-86_400, -86_400, -86_399], "released");
    const lines = historyTable([yesterday, shared, slot], 80, now, plain);
    expect(lines[0]).toMatch(/ KIND /);
    expect(lines[1]).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d .* exclusive /);
    expect(lines[2]).toMatch(/ shared /);
    expect(lines[3]).toMatch(/ slot 2 /);
  });
});

test("historyTable() tells the host of a process that may be on another one", () => {
  const [heads, line] = historyTable(
    [record("make", [0, 0, 1], "released", { host: "ci3" })],
    80,
    now,
    plain,
  );
  expect(heads).toMatch(/ PID {2}HOST {2}COMMAND /);
  expect(line).toMatch(/ 4242 {2}ci3 {3}make /);
});

test("historyTable() tells the exit status of a command, and of which lock a record is", () => {
  const lines = historyTable(
    [
      { ...record("make", [0, 0, 1], "released", { exitStatus: 3 }), name: "lk1" },
      { ...record("make", [1, 1, 2], "released", { exitStatus: 0 }), name: "lk2" },
      { ...record("make", [2, 2, 3], "forced", { exitStatus: 143 }), name: "lk2" },
    ],
    80,
    now,
    plain,
  );
  expect(lines.map((line) => line.split(/ {2,}/).at(-1))).toEqual([
    "ENDING",
    "exit 3",
    "exit 0",
    "forced, exit 143",
  ]);
  expect(lines.map((line) => line.slice(0, 4).trim())).toEqual(["LOCK", "lk1", "lk2", "lk2"]);
});

describe("the picture", () => {
  test("shows who held the lock when, and who stood waiting", () => {
    expect(
      maskTimes(
        historyPlot("deploy", records, { columns: 80, lines: Infinity }, { now, paint: plain }),
      ),
    ).toEqual([
      "deploy: 7 requests, HH:MM:SS to HH:MM:SS",
      "4242 make deploy         ████████████████            ╎",
      "4250 tar -cf /srv/home.…     ░░░░░░░░░░░░██████████† ╎",
      "4251 sync                       ░░░░░×               ╎",
      "4252 sync again                     ░░░░░░░░░░░░░░░░!╎",
      "4253 x                                               ╎██",
      "   - cron                                            ╎       ██████████████████>",
      "4260 cat                                             ╎             ░░░░░░░░░░░░>",
      "                         --------|------------|------╎--------|-----------------",
      "                                 HH:MM:SS     HH:MM:SS        HH:MM:SS",
      "░ waits  █ holds  > goes on  ! forced  † holder died  × not granted",
      "╎ 6m19s idle cut out",
    ]);
  });

  test("does not call a time idle in which a request may have held that is not shown", () => {
    const legend = (lines: number, isWhole: boolean) =>
      historyPlot("deploy", records, { columns: 80, lines }, { now, paint: plain, isWhole }).at(-1);
    expect(legend(Infinity, true)).toEndWith("╎ 6m19s idle cut out");
    expect(legend(Infinity, false)).toEndWith("╎ 6m19s cut out");
    const brief = [
      record("a", [0, 0, 0.01], "released"),
      record("b", [0.5, 0.5, 0.51], "released"),
    ];
    const picture = historyPlot(
      "x",
      brief,
      { columns: 80, lines: Infinity },
      { now, paint: plain },
    );
    expect(picture.at(-1)).toEndWith("╎ 490ms idle cut out");
  });

  test("shows a hold that is stale as held at first, as nobody knows when its holder died", () => {
    const stale = [
      record("make", [0, 0, null], "stale"),
      record("tar", [400, null, null], "waiting"),
    ];
    const rows = historyPlot(
      "x",
      stale,
      { columns: 30, lines: Infinity },
      { now, paint: plain },
    ).slice(1, 3);
    expect(rows[0]).toMatch(/^4242 make █†{19}$/);
    expect(rows[1]).toMatch(/^4242 tar +░*>$/);
  });

  test("labels tell commands and slots rather than process ids in a narrow window, and hosts", () => {
    const slot = record("flash blink", [0, 0, 1], "released", { slot: 1, slotName: "ttyUSB1" });
    expect(label(slot, 40)).toBe("ttyUSB1 fla…");
    expect(label(record("make deploy", [0, 0, 1], "released"), 40)).toBe("make deploy");
    expect(label(record("make", [0, 0, 1], "released", { host: "ci3" }), 80)).toBe(
      "4242 on ci3 make",
    );
  });

  test("is readable at 38 columns", () => {
    expect(
      maskTimes(
        historyPlot(
          "a",
          records.slice(0, 4),
          { columns: 38, lines: Infinity },
          { now, paint: plain },
        ),
      ),
    ).toEqual([
      "a: 4 requests, HH:MM:SS to HH:MM:SS",
      "make deploy ███████████████",
      "tar -cf /s…     ░░░░░░░░░░░█████████†",
      "sync              ░░░░░×",
      "sync again            ░░░░░░░░░░░░░░░!",
      "            -------|------------------",
      "                   HH:MM:SS",
      "░ waits  █ holds  ! forced",
      "† holder died  × not granted",
    ]);
  });

  test("a short time has a finer axis", () => {
    const [, , , labels] = historyPlot(
      "x",
      [record("a", [0, 0, 0.5], "released")],
      { columns: 60, lines: 9 },
      { now, paint: plain },
    );
    expect(labels).toMatch(/^ +\d\d:\d\d:54\.0 +\d\d:\d\d:54\.2 +\d\d:\d\d:54\.4$/);
  });

  test("one of which nobody knows when it ended has a mark where it was last known of", () => {
    const all = [
      record("a", [0, 0, 10], "released"),
      record("b", [0, 5, null], "recovered"),
      record("c", [5, null, null], "lapsed"),
    ];
    const rows = historyPlot(
      "x",
      all,
      { columns: 27, lines: Infinity },
      { now, paint: plain },
    ).slice(1, 4);
    expect(rows).toEqual([
      "4242 a ████████████████████",
      "4242 b ░░░░░░░░░░†",
      "4242 c           ×",
    ]);
  });

  test("two that follow each other are never in one column", () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      record("x", [0, index, index + 1], "released"),
    );
    const rows = historyPlot(
      "x",
      many,
      { columns: 80, lines: Infinity },
      { now, paint: plain },
    ).slice(1, 31);
    const holders = Array.from({ length: 80 }, (_, column) =>
      rows.filter((row) => Array.from(row)[column] === "█"),
    );
    for (const holding of holders) expect(holding.length).toBeLessThanOrEqual(1);
  });

  test("names, commands and labels are escaped, and one of a record that nobody knows is there", () => {
    const hostile = [
      record("b\nc\u202E\u001B[31m", [0, 0, 1], "released"),
      record("", [1, 1, 2], "released", { pid: null }),
      record("cat", [2, 2, 3], "released", { kind: "shared" }),
      record("gpu", [2, 2, 3], "released", { kind: "slots", slot: 0 }),
    ];
    const picture = historyPlot(
      "a\u001B[31m",
      hostile,
      { columns: 120, lines: Infinity },
      { now, paint: plain },
    ).map((line) => line.trim());
    expect(picture[0]).toStartWith("a\\x1b[31m: 4 requests");
    expect(picture[1]).toStartWith("4242 b\\nc\\u202e\\x1b[31m ");
    expect(picture[2]).toStartWith("- ");
    expect(picture[3]).toStartWith("4242 shared cat ");
    expect(picture[4]).toStartWith("4242 slot 0 gpu ");
  });

  test("historyPlot() shows the last requests when the window is low, sorted by request", () => {
    const picture = historyPlot(
      "x",
      records.toReversed(),
      { columns: 80, lines: 7 },
      { now, paint: plain },
    );
    expect(picture).toHaveLength(7);
    expect(picture[0]).toStartWith("x: last 3 of 7 requests, ");
    expect(picture.slice(1, 4).map((line) => line.slice(0, 9))).toEqual([
      "4253 x   ",
      "   - cron",
      "4260 cat ",
    ]);
  });

  test("historyPlot() names a time once when all of it is within a second", () => {
    const brief = [record("a", [0, 0, 0.2], "released")];
    const picture = historyPlot(
      "x",
      brief,
      { columns: 70, lines: Infinity },
      { now, paint: plain },
    );
    expect(maskTimes(picture)[0]).toBe("x: 1 request, HH:MM:SS");
  });

  test("historyPlot() has ticks at round times, also of days, and names the days", () => {
    const days = [
      record("a", [0, 0, 3 * 86_400], "released"),
      record("b", [9, 9, 86_400], "forced"),
    ];
    const ticks = historyPlot(
      "x",
      days,
      { columns: 70, lines: Infinity },
      { now, paint: plain },
    )[4];
    expect(ticks).toMatch(/^ +\d\d-\d\d +12:00 +\d\d-\d\d +12:00 +\d\d-\d\d$/);
    const minutes = historyPlot(
      "x",
      [record("a", [0, 0, 900], "released")],
      { columns: 60, lines: 9 },
      { now, paint: plain },
    )[3];
    expect(minutes).toMatch(/^ +(\d\d:\d[02468] *)+$/);
  });

  test("says so where there is no room", () => {
    expect(
      historyPlot("x", records, { columns: 10, lines: Infinity }, { now, paint: plain }),
    ).toEqual(["narrow"]);
  });

  test("no line is wider than the terminal", () => {
    const time = fc.double({ min: 0, max: 400, noNaN: true });
    const endings = fc.constantFrom<GrantRecord["ending"]>("released", "forced", "held", "lapsed");
    const one = fc
      .tuple(time, time, time, endings, fc.string({ unit: "grapheme", maxLength: 80 }))
      .map(([a, b, c, ending, command]) => {
        const [queued = 0, granted = 0, ended = 0] = [a, b, c].toSorted((x, y) => x - y);
        const open = ending === "held";
        return record(
          command,
          [queued, ending === "lapsed" ? null : granted, open ? null : ended],
          ending,
        );
      });
    fc.assert(
      fc.property(
        fc.array(one, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 200 }),
        (all, columns) => {
          const lines = [
            ...historyPlot(
              "name",
              all,
              { columns: columns, lines: Infinity },
              { now, paint: plain },
            ),
            ...(columns < 30 ? [] : historyTable(all, columns, now, plain)),
          ];
          for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });
});

test("a moment is told to the second, or finer", () => {
  expect(dateText(start)).toMatch(/^2026-11-2\d$/);
  expect(clockText(start + 0.0421, 3)).toMatch(/^\d\d:\d\d:\d\d\.042$/);
});
