import { describe, expect, test } from "bun:test";
import { keysIn, press, type TraceView } from "../../../src/cli/pictures/trace-view.ts";

const names = ["a", "b", "c"];
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
    expect(press(locks, "down", names).view.selected).toBe("a");
    expect(press(onB, "down", names).view.selected).toBe("c");
    expect(press(onB, "pageDown", names).view.selected).toBe("c");
    expect(press(onB, "up", names).view.selected).toBe("a");
    expect(press(onB, "last", names).view.selected).toBe("c");
    expect(press(onB, "back", names).view.selected).toBeUndefined();
    expect(press(locks, "down", []).view.selected).toBeUndefined();
  });

  test("opens nothing and asks nothing without a selected lock, or when it is gone", () => {
    expect(press(locks, "open", names).view.page).toBe("locks");
    expect(press(locks, "release", names).view.page).toBe("locks");
    expect(press(onB, "release", ["a"]).view.page).toBe("locks");
  });

  test("releases only after yes", () => {
    const { view } = press(onB, "release", names);
    expect(view).toEqual({ page: "question", selected: "b" });
    expect(press(view, "yes", names)).toEqual({ view: onB, act: { release: "b" } });
    for (const key of ["other", "open", "release", "back"] as const) {
      expect(press(view, key, names)).toEqual({ view: onB });
    }
  });

  test("leaves the history at any key, and ends at q everywhere", () => {
    const { view } = press(onB, "open", names);
    expect(view.page).toBe("history");
    expect(press(view, "other", names).view).toEqual(onB);
    for (const page of ["locks", "history", "question"] as const) {
      expect(press({ page, selected: "b" }, "quit", names).act).toBe("quit");
    }
  });
});
