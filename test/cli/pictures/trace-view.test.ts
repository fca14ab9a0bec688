import { describe, expect, test } from "bun:test";
import { keysIn, press, type TraceView } from "../../../src/cli/pictures/trace-view.ts";

const shown = ["a", "b", "c"].map((name) => ({ name, isFree: name === "c" }));
const locks: TraceView = { page: "locks", selected: undefined };
const onB: TraceView = { page: "locks", selected: "b" };

test("keysIn() reads arrows in both modes, pages, letters, and skips what it does not know", () => {
  expect(keysIn("\u001B[A\u001BOB\u001B[5~\rqx\u001B")).toEqual([
    "up",
    "down",
    "pageUp",
    "open",
    "quit",
    "other",
    "back",
  ]);
});

describe("press()", () => {
  test("moves the selection within the locks", () => {
    expect(press(locks, "down", shown).view.selected).toBe("a");
    expect(press(onB, "down", shown).view.selected).toBe("c");
    expect(press(onB, "pageDown", shown).view.selected).toBe("c");
    expect(press(onB, "up", shown).view.selected).toBe("a");
    expect(press(onB, "last", shown).view.selected).toBe("c");
    expect(press(onB, "back", shown).view.selected).toBeUndefined();
    expect(press(locks, "down", []).view.selected).toBeUndefined();
  });

  test("says that a lock is to be selected first, and when the selected one is gone", () => {
    const say = "select a lock first: up/down";
    expect(press(locks, "open", shown)).toEqual({ view: locks, say });
    expect(press(locks, "release", shown)).toEqual({ view: locks, say });
    expect(press(onB, "release", shown.slice(0, 1))).toEqual({ view: onB, say });
  });

  test("does not ask whether to release a free lock", () => {
    const onC: TraceView = { page: "locks", selected: "c" };
    expect(press(onC, "release", shown)).toEqual({
      view: onC,
      say: "c is free: there is nothing to release",
    });
  });

  test("releases only after yes", () => {
    const { view } = press(onB, "release", shown);
    expect(view).toEqual({ page: "question", selected: "b" });
    expect(press(view, "yes", shown)).toEqual({ view: onB, act: { release: "b" } });
    for (const key of ["other", "open", "release", "back"] as const) {
      expect(press(view, key, shown)).toEqual({ view: onB });
    }
  });

  test("leaves the history at any key, and ends at q everywhere", () => {
    const { view } = press(onB, "open", shown);
    expect(view.page).toBe("history");
    expect(press(view, "other", shown).view).toEqual(onB);
    for (const page of ["locks", "history", "question"] as const) {
      expect(press({ page, selected: "b" }, "quit", shown).act).toBe("quit");
    }
  });
});
