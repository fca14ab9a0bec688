/** The library's tarball, in a project of a user's own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newLockName } from "../support/binary.ts";
import { type Outcome, runToEnd } from "../support/process.ts";
import { root, stdoutOf } from "../support/clone.ts";
import { canPackage, library } from "./packages.ts";

/** What Bun proposes to a new project, and stricter than this one's in what is unused. */
const compilerOptions = {
  lib: ["ESNext"],
  target: "ESNext",
  module: "Preserve",
  moduleResolution: "bundler",
  types: ["bun-types"],
  typeRoots: [join(root, "node_modules")],
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
};

const program = (name: string) => `
import { LockNameError, type LockStatus, ResourceLock } from "resourcelock";
using lock = new ResourceLock("${name}");
{
  using guard = lock.hold({ lockInfo: "from a tarball" });
  const status: LockStatus = lock.status();
  const token: number | undefined = guard?.token;
  console.log(lock.getLockInfo().endsWith(" - from a tarball"), status.holders.length, typeof token);
}
console.log(lock.isLocked(), LockNameError.name);
`;

describe.skipIf(!canPackage)("a project that has added the library's tarball", () => {
  let directory = "";
  const run = (...words: string[]): Promise<Outcome> => runToEnd(words, { cwd: directory });
  const bun = process.execPath;
  const compiler = join(root, "node_modules/typescript/bin/tsc");

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "test-library-"));
    await Bun.write(join(directory, "package.json"), JSON.stringify({ type: "module" }));
    await Bun.write(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions }));
    stdoutOf("bun add", await run(bun, "add", library));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const write = (text: string) => Bun.write(join(directory, "program.ts"), text);

  test("has no other package for it", () => {
    const modules = readdirSync(join(directory, "node_modules"));
    expect(modules.filter((name) => !name.startsWith("."))).toEqual(["resourcelock"]);
  });

  test("runs a program with it", async () => {
    await write(program(newLockName()));
    const outcome = { status: 0, stdout: "true 1 number\nfalse LockNameError\n", stderr: "" };
    expect(await run(bun, "program.ts")).toEqual(outcome);
  });

  test.each([
    ["bun check", [bun, "check"]],
    ["tsc", [bun, compiler]],
    ["tsc for node", [bun, compiler, "--module", "nodenext", "--moduleResolution", "nodenext"]],
  ])("is checked against its types by %s", async (_, words) => {
    await write(program("x"));
    expect(await run(...words)).toMatchObject({ status: 0 });
    await write(program("x").replace("lock.status()", "lock.status().holders"));
    const { status, stdout, stderr } = await run(...words);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("program.ts");
  });
});
