import { expect, test } from "bun:test";
import { requireSlots } from "../../src/host/lock-options.ts";

test.each([undefined, 1, 1023])("requireSlots() takes %p", (slots) => {
  expect(() => requireSlots(slots, false)).not.toThrow();
});

test.each([0, 1024, 1.5, Number.NaN])("requireSlots() refuses %p", (slots) => {
  expect(() => requireSlots(slots, false)).toThrow(RangeError);
});

test("requireSlots() refuses slots of a shared hold", () => {
  expect(() => requireSlots(2, true)).toThrow("both shared and in slots");
});
