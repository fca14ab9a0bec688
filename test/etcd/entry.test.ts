import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type EntryValue,
  formatEntry,
  holderOf,
  parseEntry,
  shownMessage,
} from "../../src/etcd/entry.ts";

const kv = (value: string) => ({
  key: "a/1",
  value,
  createRevision: 5,
  modRevision: 7,
  version: 1,
  lease: "1",
});

const value: EntryValue = {
  kind: "slots",
  slots: 3,
  host: "pi4",
  user: "ci",
  pid: 42,
  message: "make deploy",
  since: 1_700_000_000,
  granted: 1_700_000_001,
  slot: 2,
  slotName: "ttyUSB2",
};

describe("parseEntry()", () => {
  test("parseEntry() reads what formatEntry() writes", () => {
    const entry = parseEntry(kv(formatEntry(value)));
    expect(entry.value).toEqual(value);
    expect(entry.kind).toBe("slots");
    expect(entry.slots).toBe(3);
    expect(holderOf(entry).slotName).toBe("ttyUSB2");
  });

  test.each([
    ["nothing, as of etcdctl", ""],
    ["a text", "hello"],
    ["JSON of another program", '{"kind":"shared"}'],
    ["JSON of a later form", '{"v":2,"kind":"shared"}'],
    ["an unknown kind", '{"v":1,"kind":"many"}'],
    ["slots without a number", '{"v":1,"kind":"slots"}'],
    ["too many slots", '{"v":1,"kind":"slots","slots":1024}'],
    ["an array", "[1]"],
  ])("parseEntry() counts as exclusive when the value is %s", (_, text) => {
    const entry = parseEntry(kv(text));
    expect(entry.kind).toBe("exclusive");
    expect(entry.value).toBeUndefined();
    expect(holderOf(entry).attachment).toBe("foreign");
  });

  test("parseEntry() leaves out fields that make no sense", () => {
    const text =
      '{"v":1,"kind":"shared","pid":-3,"slot":1,"granted":"now","host":7,"token":1.5,"owner":1e99}';
    expect(parseEntry(kv(text)).value).toEqual({
      kind: "shared",
      slots: 0,
      host: "",
      user: "",
      pid: 0,
      message: "",
      since: 0,
    });
  });

  test("parseEntry() takes any value without an error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const entry = parseEntry(kv(text));
        expect(["exclusive", "shared", "slots"]).toContain(entry.kind);
        holderOf(entry);
      }),
    );
  });
});

describe("holderOf()", () => {
  test("holderOf() takes the revision of the grant as the token", () => {
    expect(holderOf(parseEntry(kv(formatEntry(value)))).token).toBe(7);
  });

  test("holderOf() takes the token of the value when it was written again after the grant", () => {
    const detached: EntryValue = { ...value, attachment: "detached", token: 6 };
    const holder = holderOf(parseEntry(kv(formatEntry(detached))));
    expect(holder.token).toBe(6);
    expect(holder.pid).toBeNull();
  });
});

describe("shownMessage()", () => {
  test("shownMessage() cuts a long message between letters", () => {
    const shown = shownMessage("ä".repeat(150));
    expect(shown).toBe("ä".repeat(100));
    expect(shownMessage(`x${"ä".repeat(150)}`)).toBe(`x${"ä".repeat(99)}`);
  });
});
