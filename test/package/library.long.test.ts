/** The library's tarball, in a project of a user's own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { newLockName } from "../support/binary.ts";
import { stdoutOf } from "../support/clone.ts";
import { canPackage, library } from "./packages.ts";
import { checkers, node, programFor, programOutput, UserProject } from "./user-project.ts";

const bun = process.execPath;

describe.skipIf(!canPackage)("a project that has added the library's tarball", () => {
  let project: UserProject;

  beforeAll(async () => {
    project = await UserProject.create();
    stdoutOf("bun add", await project.run([bun, "add", library]));
  });
  afterAll(() => {
    project[Symbol.dispose]();
  });

  test("has no other package for it", () => {
    const modules = readdirSync(join(project.directory, "node_modules"));
    expect(modules.filter((name) => !name.startsWith("."))).toEqual(["resourcelock"]);
  });

  test("has its types in one file for each entry, and the page of the library as its README", async () => {
    const directory = join(project.directory, "node_modules/resourcelock");
    expect(readdirSync(join(directory, "types")).toSorted()).toEqual(["etcd.d.ts", "index.d.ts"]);
    expect(await Bun.file(join(directory, "README.md")).text()).toStartWith("# Library\n");
  });

  test("runs a program with it", async () => {
    await project.write("program.ts", programFor(newLockName()));
    const outcome = await project.run([bun, "program.ts"]);
    expect(outcome).toEqual({ status: 0, stdout: programOutput, stderr: "" });
  });

  test.each(checkers)("is checked against its types by %s", async (_, words) => {
    const program = programFor("x");
    await project.write("program.ts", program);
    expect(await project.run(words)).toMatchObject({ status: 0 });
    await project.write("program.ts", program.replace("lock.status()", "lock.status().holders"));
    const { status, stdout, stderr } = await project.run(words);
    expect(status).not.toBe(0);
    expect(stdout + stderr).toContain("program.ts");
  });

  test.skipIf(node === undefined)("is told by Node that it needs Bun", async () => {
    await project.write(
      "program.mjs",
      'import { withLock } from "resourcelock";\nvoid withLock;\n',
    );
    const { status, stderr } = await project.run([node ?? "", "program.mjs"]);
    expect(status).toBe(1);
    expect(stderr).toContain("Error: Cannot import resourcelock here: it needs Bun ");
  });
});
