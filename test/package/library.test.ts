/** The library as a project sees it that links a clone, and as Node sees it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { packageManager } from "../../package.json";
import * as etcd from "../../src/etcd/etcd-lock.ts";
import * as library from "../../src/index.ts";
import { newLockName } from "../support/binary.ts";
import { root, runScript } from "../support/clone.ts";
import { checkers, node, programFor, programOutput, UserProject } from "./user-project.ts";

const needsBun = `Cannot import resourcelock here: it needs Bun ${packageManager.replace("bun@", "")} or later`;

beforeAll(async () => {
  await runScript(["types"]);
});

describe("a project that links a clone", () => {
  let project: UserProject;

  beforeAll(async () => {
    project = await UserProject.create();
    mkdirSync(join(project.directory, "node_modules"));
    symlinkSync(root, join(project.directory, "node_modules/resourcelock"));
  });
  afterAll(() => {
    project[Symbol.dispose]();
  });

  test("runs a program with it", async () => {
    await project.write("program.ts", programFor(newLockName()));
    const outcome = await project.run([process.execPath, "program.ts"]);
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

  test.skipIf(node === undefined).each(["resourcelock", "resourcelock/etcd"])(
    "is told by Node that %s needs Bun",
    async (entry) => {
      const name = entry === "resourcelock" ? "withLock" : "EtcdLock";
      await project.write("program.mjs", `import { ${name} } from "${entry}";\nvoid ${name};\n`);
      const { status, stderr } = await project.run([node ?? "", "program.mjs"]);
      expect(status).toBe(1);
      expect(stderr).toContain(`Error: ${needsBun}`);
    },
  );
});

test("what Node gets has every name of the library, so that an import of one comes to the error", async () => {
  const source = await Bun.file(join(root, "src/not-bun.js")).text();
  const { exports } = new Bun.Transpiler().scan(source);
  expect(exports.toSorted()).toEqual([...Object.keys(library), ...Object.keys(etcd)].toSorted());
  expect(source).toContain(needsBun);
});

test.each([
  ["index", []],
  ["etcd", ["./index.js"]],
])("the types of %s are in one file, without those of the inside", async (entry, imported) => {
  const types = await Bun.file(join(root, `dist/types/${entry}.d.ts`)).text();
  const { imports } = new Bun.Transpiler({ loader: "ts" }).scan(types);
  expect(imports.map(({ path }) => path)).toEqual([]);
  const named = [...types.matchAll(/(?:\bfrom|\bimport\() ?"([^"]*)"/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !path.startsWith("resourcelock"));
  expect(named).toEqual([...imported]);
  expect(types).not.toMatch(/Participant\b|HostLock|LockEngine|Attempt\b/);
});

/** What stands before each declaration and each member of the types: its comment, or nothing. */
function commentsIn(types: string): { name: string; comment: string }[] {
  const declaration =
    /(\/\*\*(?:(?!\*\/)[^])*\*\/)?\n((?:export (?:declare )?| {4}(?! ))(?:(?:class|interface|type|function|readonly|get|set) )*([\w[\].]+)\??[^\n]*)/g;
  return [...types.matchAll(declaration)]
    .map(([, comment = "", line = "", name = ""]) => ({ name, comment, line }))
    .filter(({ line }) => !/^ {4}(?:#private|set |readonly name\b)/.test(line));
}

describe.each(["index", "etcd"])("the types of %s", (entry) => {
  const read = () => Bun.file(join(root, `dist/types/${entry}.d.ts`)).text();

  // A program has no need to construct an error.
  test("say of each name and member, constructors excepted, what it is", async () => {
    const found = commentsIn(await read());
    expect(found.length).toBeGreaterThan(10);
    expect(
      found
        .filter(({ name, comment }) => name !== "constructor" && comment === "")
        .map(({ name }) => name),
    ).toEqual([]);
  });

  test("say of each option what it is by default", async () => {
    const options = [...(await read()).matchAll(/^export interface \w+Options[^]*?^\}/gm)];
    expect(options.length).toBeGreaterThan(1);
    const withoutDefault = options
      .flatMap(([text]) => commentsIn(text))
      .filter(({ comment, name }) => !comment.includes("@default") && /^[a-z]/.test(name));
    expect(withoutDefault.map(({ name }) => name)).toEqual([]);
  });
});
