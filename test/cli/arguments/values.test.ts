import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  parseAccess,
  parseAge,
  parseCount,
  parseDuration,
  parseExitCode,
  parseKind,
  parseNames,
  parseOneOf,
  parsePid,
  parseProcess,
  parseQueueing,
  parseRefusalStatus,
  parseTimeout,
  parseToken,
} from "../../../src/cli/arguments/values.ts";
import { UsageError } from "../../../src/cli/arguments/words.ts";

describe("parseDuration()", () => {
  test.each([
    ["0", 0],
    ["2", 2],
    ["0.5", 0.5],
    [".5", 0.5],
    ["2.", 2],
    ["500ms", 0.5],
    ["10s", 10],
    ["5m", 300],
    ["1h", 3600],
    ["1.5h", 5400],
    ["576h", 2_073_600],
    ["1d", 86_400],
    ["1h30m", 5400],
    ["5min", 300],
    ["90sec", 90],
    ["1.5h30s", 5430],
    ["1m500ms", 60.5],
    ["1e-3", 0.001],
    ["+2", 2],
    ["1_000", 1000],
  ])("%s is %d seconds", (text, seconds) => {
    expect(parseDuration("-t", text)).toBe(seconds);
  });

  test.each([
    ["-1"],
    ["-0.5"],
    [""],
    [" "],
    ["nan"],
    ["5 minutes"],
    ["."],
    ["577h"],
    ["25d"],
    ["1h30"],
    ["1H"],
    ["1hm"],
    ["_1"],
    ["1__0"],
    ["1 h"],
    ["9".repeat(400)],
  ])("%j is refused, and the option named", (text) => {
    expect(() => parseDuration("--update", text)).toThrow(UsageError);
    expect(() => parseDuration("--update", text)).toThrow("--update");
  });

  test("whatever is given, the answer is from 0 to 24 days or an error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const seconds = parseDuration("-t", text);
          expect(seconds).toBeGreaterThanOrEqual(0);
          expect(seconds).toBeLessThanOrEqual(2_073_600);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
    );
  });
});

describe("parseTimeout()", () => {
  test("-1 is for ever, however it is spelt", () => {
    expect(["-1", "-1.", "-1.0", "-1.00"].map((text) => parseTimeout("-t", text))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  test.each([["-2"], ["-0.5"], ["-1s"], ["-1.5"]])("%s is refused as negative", (text) => {
    expect(() => parseTimeout("-t", text)).toThrow("negative");
  });

  test.each(["inf", "Infinity", "+inf"])("%s is forever, as in Python", (text) => {
    expect(parseTimeout("-t", text)).toBeNull();
  });

  test("anything else is a duration", () => {
    expect(parseTimeout("-t", "5m")).toBe(300);
  });
});

describe("parseAge()", () => {
  test("has no limit", () => {
    expect(parseAge("--unused", "90d")).toBe(90 * 86_400);
  });
});

describe("parseNames()", () => {
  test.each([
    ["a", ["a"]],
    ["a,b", ["a", "b"]],
    ["/a,b", ["/a,b"]],
  ])("of %s is %j", (text, names) => {
    expect(parseNames(text)).toEqual(names);
  });

  test("refuses spaces beside a comma, and shows what was meant", () => {
    expect(() => parseNames("a, b")).toThrow('for several locks, write "a,b"');
    expect(parseNames("/a, b")).toEqual(["/a, b"]);
    expect(parseNames("a b")).toEqual(["a b"]);
  });
});

describe.each([
  ["parseExitCode()", parseExitCode, 0, 255],
  ["parsePid()", parsePid, 1, 2 ** 31 - 1],
  ["parseToken()", parseToken, 1, Number.MAX_SAFE_INTEGER],
] as const)("%s", (_, parse, min, max) => {
  test.each([min, max])("takes %p", (number) => {
    expect(parse("--option", String(number))).toBe(number);
  });

  test.each([String(min - 1), String(max + 1), "", "1.0", "+1", "0x1", "01", "one", " 1"])(
    "refuses %p and names the option and the limits",
    (text) => {
      const message = `--option: ${JSON.stringify(text)} is not a number from ${min} to ${max}`;
      expect(() => parse("--option", text)).toThrow(new UsageError(message));
    },
  );
});

describe("parseProcess()", () => {
  test("takes the number of a living process", () => {
    expect(parseProcess("--owner-pid", String(process.pid)).pid).toBe(process.pid);
  });

  test.each(["0", "-1", "99999999", "1.5", "", "self"])("refuses %p", (text) => {
    const message = `--owner-pid: ${JSON.stringify(text)} is not the number of a living process`;
    expect(() => parseProcess("--owner-pid", text)).toThrow(new UsageError(message));
  });
});

test("parseRefusalStatus() refuses 0, after which a script would go on", () => {
  expect(parseRefusalStatus("-E", "1")).toBe(1);
  expect(() => parseRefusalStatus("-E", "0")).toThrow("0 would mean that the lock was granted");
});

describe("parseAccess()", () => {
  test("refuses a group that the mode keeps out", () => {
    expect(() => parseAccess("0600", "adm")).toThrow("--group means nothing with --mode 0600");
    expect(parseAccess("0640", "adm")).toEqual({ mode: 0o640, group: "adm" });
  });

  test.each([
    [undefined, undefined],
    ["660", 0o660],
    ["0666", 0o666],
  ])("takes the mode %p", (text, mode) => {
    expect(parseAccess(text, undefined)).toEqual({ mode, group: undefined });
  });

  test.each(["66", "00660", "068", "rw-rw----", ""])("refuses the mode %p", (text) => {
    expect(() => parseAccess(text, undefined)).toThrow(UsageError);
  });
});

describe("parseKind()", () => {
  test("takes the kinds that are not slots", () => {
    expect(parseKind(undefined, undefined)).toBe("exclusive");
    expect(parseKind(true, undefined)).toBe("shared");
  });

  test.each([1, 2, 1023])("takes %d slots", (slots) => {
    expect(parseKind(undefined, String(slots))).toEqual({ slots });
  });

  test.each([
    ["ttyUSB0,ttyUSB1", ["ttyUSB0", "ttyUSB1"]],
    ["gpu", ["gpu"]],
    ["0,1,5", ["0", "1", "5"]],
    ["über,日本", ["über", "日本"]],
    ["ttyUSB1,ttyUSB0", ["ttyUSB0", "ttyUSB1"]],
  ])("takes %j as the names of slots", (text, names) => {
    expect(parseKind(undefined, text)).toEqual({ slots: names.length, names });
  });

  test.each(["0", "1024", "-1", "1.5", "01", "0x1", "2a"])("refuses %j as a number", (text) => {
    const message = `--slots: ${JSON.stringify(text)} is not a number from 1 to 1023`;
    expect(() => parseKind(undefined, text)).toThrow(new UsageError(message));
  });

  test.each(["", ",", "a,", ",a", "a,b,a"])("refuses %j as names", (text) => {
    expect(() => parseKind(undefined, text)).toThrow("nor a list of different names");
  });

  test("parseKind() counts the names when there are too many", () => {
    const text = Array(1024).keys().toArray().join(",");
    const message = "--slots: 1024 names are given; 1023 are allowed";
    expect(() => parseKind(undefined, text)).toThrow(new UsageError(message));
  });
});

describe("parseOneOf()", () => {
  test("takes one of the words", () => {
    expect(parseOneOf("--on-lost", "kill", ["fail", "kill"])).toBe("kill");
  });

  test.each(["", "Kill", "kil"])("refuses %j", (text) => {
    const message = `--on-lost: ${JSON.stringify(text)} is not fail or kill`;
    expect(() => parseOneOf("--on-lost", text, ["fail", "kill"])).toThrow(new UsageError(message));
  });
});

test("parseCount() takes whole numbers from 1 on", () => {
  expect(parseCount("--count", "3")).toBe(3);
  for (const text of ["0", "-1", "1.5", "many"]) {
    expect(() => parseCount("--count", text)).toThrow(UsageError);
  }
});

describe("parseQueueing()", () => {
  test("reads what is asked for, and nothing else", () => {
    expect(parseQueueing({}, null)).toEqual({ newest: undefined, maxWaiters: undefined });
    expect(parseQueueing({ newest: true, "max-waiters": "0" }, 5)).toEqual({
      newest: true,
      maxWaiters: 0,
    });
  });

  test("refuses more waiters than a lock has room for, and --newest without a wait", () => {
    expect(() => parseQueueing({ "max-waiters": "1024" }, null)).toThrow("--max-waiters");
    expect(() => parseQueueing({ newest: true }, 0)).toThrow("--newest means nothing with -t 0");
    expect(() => parseQueueing({ "max-waiters": "1" }, 0)).toThrow(
      "--max-waiters means nothing with -t 0",
    );
  });
});
