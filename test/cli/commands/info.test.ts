/** `info`: the text that all who use a lock share, byte by byte. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { bash, haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { binary } from "../../support/process.ts";
import { jsonLines, masked, newHeldLock, objectsOf, printed } from "./scenario.ts";

const segment = (name: string) => `/dev/shm/${name}`;

describe("info", () => {
  test("prints the info text and a newline, nothing else", async () => {
    const name = await newHeldLock("who and why");
    expect(await masked("info", name)).toEqual(printed("DATE - who and why\n"));
    expect(await masked(name, "info", "-q")).toEqual(printed(""));
  });

  test("prints the bytes as they are, also where they are not UTF-8", async () => {
    const name = await newHeldLock();
    const bytes = Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d, 0xff, 0xc3, 0x0a, 0x00, 0x41]);
    writeFileSync(segment(name), bytes, { flag: "r+" });
    const child = Bun.spawn([binary, "info", name], { stdout: "pipe" });
    expect(Buffer.from(await child.stdout.bytes())).toEqual(
      Buffer.from([...bytes.subarray(0, 8), 0x0a]),
    );
    expect(await child.exited).toBe(0);
  });

  test.skipIf(!haveTools("script", "stty"))(
    "lets no control characters through to a terminal but newlines and tabs",
    async () => {
      const name = await newHeldLock();
      const bytes = Buffer.from("\u001B]0;title\u0007 one\r\n\ttwo \u009B1m\u202E \0", "utf8");
      writeFileSync(segment(name), bytes, { flag: "r+" });
      const { status, stdout } = await bash(
        `script -qec 'stty -opost; "$RESOURCELOCK" info ${name}' /dev/null`,
      );
      expect([status, stdout]).toEqual([0, "\\x1b]0;title\\x07 one\\r\n\ttwo \\x9b1m\\u202e \n"]);
    },
  );

  test("--json prints it as an object", async () => {
    const name = await newHeldLock("x");
    expect(await jsonLines("info", name)).toEqual([
      { name, exists: true, locked: true, value: 0, info: "DATE - x" },
    ]);
  });

  test("of a lock that nobody has made is status 1, and nothing is made", async () => {
    const name = newLockName();
    const text = `resourcelock: lock "${name}" does not exist\n`;
    const outcome = { status: 1, stdout: "", stderr: text };
    expect(await resourcelock("info", name)).toEqual(outcome);
    expect(await resourcelock("info", name, "--set", "x")).toEqual(outcome);
    expect(await jsonLines("info", name)).toEqual([
      { name, exists: false, locked: false, value: null, info: null },
    ]);
    expect(objectsOf(name)).toEqual([]);
  });

  test("is status 71 where its output cannot be written", async () => {
    const name = await newHeldLock();
    expect((await bash(`"$RESOURCELOCK" info ${name} >/dev/full`)).status).toBe(71);
  });
});

describe("info --set", () => {
  test.each(["a text", "", "日本語 \u001B[31m\n", "-t"])(
    "writes %j, without a date",
    async (text) => {
      const name = await newHeldLock();
      expect(await resourcelock("info", name, `--set=${text}`)).toEqual(printed(""));
      expect(readFileSync(segment(name), "utf8")).toStartWith(`${text}\0`);
      expect(await resourcelock("info", name)).toEqual(printed(`${text}\n`));
      expect(await jsonLines("info", name, "--set", "y")).toMatchObject([{ info: "y" }]);
    },
  );

  test("does not make who holds the lock a stranger, and the hold can be released", async () => {
    const name = await newHeldLock();
    await resourcelock("info", name, "--set", "x");
    expect(await jsonLines("state", name)).toMatchObject([
      { locked: true, holders: [{ attachment: "detached" }] },
    ]);
    expect((await resourcelock("unget", name, "-q")).status).toBe(0);
  });

  test("refuses a text that does not fit, and leaves the old one", async () => {
    const name = await newHeldLock();
    expect((await resourcelock("info", name, "--set", "a".repeat(4095))).status).toBe(0);
    const { status, stderr } = await resourcelock("info", name, "--set", "b".repeat(4096));
    expect([status, stderr]).toEqual([
      64,
      "resourcelock: Cannot store the info text: it takes 4097 bytes with its end mark, and there is room for 4096\n",
    ]);
    expect(await resourcelock("info", name)).toEqual(printed(`${"a".repeat(4095)}\n`));
  });
});

const write = (name: string, command: string) =>
  bash(`${command} | "$RESOURCELOCK" info ${name} --stdin`);

const letters = (count: number) => `head -c ${count} /dev/zero | tr '\\0' a`;

describe("info --stdin", () => {
  test("writes all that stdin has, as it is", async () => {
    const name = await newHeldLock();
    expect(await write(name, "(echo one; sleep 0.1; printf two)")).toEqual(printed(""));
    expect(await resourcelock("info", name)).toEqual(printed("one\ntwo\n"));
    expect(await write(name, "true")).toEqual(printed(""));
    expect(await resourcelock("info", name)).toEqual(printed("\n"));
  });

  test("has room for the segment without its NUL, and refuses more at once", async () => {
    const name = await newHeldLock();
    expect(await write(name, letters(4095))).toEqual(printed(""));
    const refused = {
      status: 64,
      stdout: "",
      stderr: `resourcelock: Cannot store the info text: stdin has more than the 4095 bytes that lock "${name}" has room for\n`,
    };
    expect(await write(name, letters(4096))).toEqual(refused);
    expect(await write(name, "yes")).toEqual(refused);
    expect(await resourcelock("info", name)).toEqual(printed(`${"a".repeat(4095)}\n`));
  });

  test.each([
    ["what is not UTF-8", String.raw`printf '\377'`, "stdin is not UTF-8"],
    ["a NUL", String.raw`printf 'a\0b'`, "it contains a NUL byte"],
  ])("refuses %s", async (_, command, reason) => {
    const name = await newHeldLock("old");
    const { status, stderr } = await write(name, command);
    expect([status, stderr]).toEqual([64, `resourcelock: Cannot store the info text: ${reason}\n`]);
    expect(await masked("info", name)).toEqual(printed("DATE - old\n"));
  });

  test("cannot be had with --set, nor where stdin is closed", async () => {
    const name = await newHeldLock("old");
    expect((await resourcelock("info", name, "--set", "x", "--stdin")).status).toBe(64);
    expect((await bash(`"$RESOURCELOCK" info ${name} --stdin <&-`)).status).toBe(64);
    expect(await masked("info", name)).toEqual(printed("DATE - old\n"));
  });
});
