import { describe, expect, test } from "bun:test";
import { requireFunction, requireRequest, requireSlots } from "../../src/lock/request-options.ts";

test.each([undefined, 1, 1023])("requireSlots() takes %p", (slots) => {
  expect(() => requireSlots(slots, false)).not.toThrow();
});

test.each([0, 1024, 1.5, Number.NaN])("requireSlots() refuses %p", (slots) => {
  expect(() => requireSlots(slots, false)).toThrow(RangeError);
});

test("requireSlots() refuses slots of a shared hold", () => {
  expect(() => requireSlots(2, true)).toThrow("both shared and in slots");
});

describe("requireRequest()", () => {
  test.each<object>([
    {},
    { lockInfo: "", shared: false, adopt: true, sameProcessOk: true },
    { lockInfo: undefined, shared: undefined, signal: undefined, slots: undefined },
    { slots: 2, signal: AbortSignal.abort() },
  ])("takes options %#", (options) => {
    expect(() => requireRequest(options)).not.toThrow();
  });

  test.each([
    ["5s", 'Cannot take "5s" for options: give an object, as in { timeout: 5 }'],
    [null, "Cannot take null for options: give an object, as in { timeout: 5 }"],
    [{ lockInfo: null }, "Cannot take null for lockInfo: give a string"],
    [{ lockInfo: [] }, "Cannot take an array for lockInfo: give a string"],
    [{ shared: "false" }, 'Cannot take "false" for shared: give true or false'],
    [{ adopt: 0 }, "Cannot take 0 for adopt: give true or false"],
    [{ sameProcessOk: () => true }, "Cannot take a function for sameProcessOk: give true or false"],
    [{ signal: new AbortController() }, "Cannot take an object for signal: give an AbortSignal"],
  ])("refuses %j with a TypeError in words", (options, text) => {
    const check = () => Reflect.apply(requireRequest, undefined, [options]);
    expect(check).toThrow(TypeError);
    expect(check).toThrow(text);
  });
});

test("requireFunction() takes a function or nothing, and refuses all else", () => {
  expect(() => requireFunction("onLost", () => {})).not.toThrow();
  expect(() => requireFunction("onLost", undefined)).not.toThrow();
  expect(() => requireFunction("onLost", "kill")).toThrow(
    new TypeError('Cannot take "kill" for onLost: give a function'),
  );
});
