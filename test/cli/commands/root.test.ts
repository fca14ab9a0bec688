/** The tree is citty's: its own runCommand() runs the commands too. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../src/cli/root.ts";
import { newLockName, resourcelock } from "../../support/binary.ts";
import { runToEnd } from "../../support/process.ts";

const user = join(import.meta.dir, "citty-user.ts");

const withCitty = (...words: string[]) => runToEnd([process.execPath, user, ...words]);

test("runCommand() gets a lock, as the binary does", async () => {
  const name = newLockName();
  const { stdout, stderr } = await withCitty("get", name, "-m", "by citty", "--json");
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject({ name, granted: true });
  const state = await resourcelock("state", name, "--json");
  expect(JSON.parse(state.stdout)).toMatchObject({ name, locked: true });
  expect(state.stdout).toContain("by citty");
});

test("runCommand() runs a command under a lock", async () => {
  const name = newLockName();
  const { stdout, stderr } = await withCitty("run", name, "--", "printenv", "RESOURCELOCK_NAME");
  expect({ stdout, stderr }).toEqual({ stdout: `${name}\n`, stderr: "" });
});

test("runCommand() finds no command in the prototype of a table", async () => {
  const { status, stderr } = await withCitty("toString");
  expect(status).not.toBe(0);
  expect(stderr).toContain("Unknown command");
});

test("root tells citty its name, version and description", () => {
  expect(root.meta).toMatchObject({ name: "resourcelock", version: expect.any(String) });
});
