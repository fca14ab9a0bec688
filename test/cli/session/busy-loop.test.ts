import { afterEach, beforeEach, expect, type Mock, spyOn, test } from "bun:test";
import { BusyLoop } from "../../../src/cli/session/busy-loop.ts";

let clock: Mock<typeof performance.now>;

beforeEach(() => {
  clock = spyOn(performance, "now");
});

afterEach(() => {
  clock.mockRestore();
});

test("what goes on by timers has a turn of the event loop every 50 ms, and none between", () => {
  const loop = new BusyLoop({ hasTimers: true });
  const isDueAt = (milliseconds: number) => {
    clock.mockReturnValueOnce(milliseconds);
    return loop.lookWhetherDue();
  };
  const times = [1000, 1001, 1049, 1050, 1051, 1099, 1100];
  expect(times.filter((time) => isDueAt(time))).toEqual([1000, 1050, 1100]);
});

test("without timers the event loop has a turn when a signal waits for its handler", async () => {
  const loop = new BusyLoop({ hasTimers: false });
  const { promise: handled, resolve } = Promise.withResolvers<string>();
  process.once("SIGUSR2", resolve);
  clock.mockReturnValue(1000);
  process.kill(process.pid, "SIGUSR2");
  expect(loop.lookWhetherDue()).toBe(true);
  expect(await handled).toBe("SIGUSR2");
});
