/** Several locks of one command line: what is wrong with one does not keep the others from it. */
import { expect, spyOn, test } from "bun:test";
import { withEachLock } from "../../../src/cli/status/each-lock.ts";
import { diagnostics } from "../../../src/cli/terminal/output.ts";
import { LockDamagedError, LockServerError } from "../../../src/lock/errors.ts";

const damaged = () => {
  throw new LockDamagedError("it is damaged");
};

const silent = () => {
  throw new LockServerError("unavailable", "no answer");
};

test("withEachLock() gives the worst status, in the order of the names", async () => {
  const seen: string[] = [];
  const act = (name: string) => seen.push(name) % 2;
  expect(await withEachLock(["a", "b"], act)).toBe(1);
  expect(seen).toEqual(["a", "b"]);
});

test("withEachLock() tells what is wrong with one lock, and goes on", async () => {
  const told = spyOn(diagnostics(), "error").mockImplementation(
    Object.assign(() => {}, { raw: () => {} }),
  );
  const status = await withEachLock(["bad", "good"], (name) => (name === "bad" ? damaged() : 0));
  expect(status).toBeGreaterThan(0);
  expect(told.mock.calls).toEqual([["it is damaged"]]);
  told.mockRestore();
});

test("withEachLock() throws what is wrong with the only lock, or with all of them", async () => {
  expect(withEachLock(["bad"], damaged)).rejects.toThrow("it is damaged");
  expect(withEachLock(["a", "b"], silent)).rejects.toThrow("no answer");
});
