/** The floors of src hold, and the check that holds them sees what crosses them. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../support/clone.ts";
import { crossingsIn, filesOutside } from "./floors.ts";
import { circlesIn, type Import, importsOf } from "./imports.ts";

const files = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })].toSorted();
const imports: Import[] = [];
for (const file of files) imports.push(...importsOf(file, await Bun.file(join(root, file)).text()));

const textOf = ({ from, to }: Import) => `${from} -> ${to}`;
const importOf = (text: string): Import => {
  const [from = "", to = ""] = text.split(" -> ");
  return { from, to };
};
const crossings = [...new Set(crossingsIn(imports).map(textOf))];

test("no file of src imports across a floor", () => {
  expect(crossings).toEqual([]);
});

test("no files of src import each other in a circle", () => {
  expect(circlesIn(imports)).toEqual([]);
});

test("every file of src has a room", () => {
  expect(filesOutside(files)).toEqual([]);
});

describe("importsOf()", () => {
  test.each([
    ["a static import", 'import { a } from "../b/a.ts";'],
    ["an import for its effects", 'import "../b/a.ts";'],
    ["an import of a type", 'import type { A } from "../b/a.ts";'],
    ["a re-export", 'export { a } from "../b/a.ts";'],
    ["a re-export of all", 'export * from "../b/a.ts";'],
    ["a lazy import", 'const load = async () => (await import("../b/a.ts")).default;'],
    ["a type's import", 'type A = import("../b/a.ts").A;'],
    ["an import with attributes", 'import a from "../b/a.ts" with { type: "text" };'],
  ])("finds %s", (_, source) => {
    expect(importsOf("src/c/c.ts", source)).toEqual([{ from: "src/c/c.ts", to: "src/b/a.ts" }]);
  });

  test("finds nothing in a comment or a text", () => {
    const source = '// import "./a.ts"\nexport const text = `import("./b.ts")`;';
    expect(importsOf("src/c.ts", source)).toEqual([]);
  });

  test("throws when a lazy import is computed", () => {
    expect(() => importsOf("src/c.ts", "await import(name);")).toThrow(
      "name the file in a literal",
    );
  });
});

describe("crossingsIn()", () => {
  test.each([
    ["a command imports another", "src/cli/commands/run.ts", "src/cli/commands/get.ts"],
    ["a command imports the host", "src/cli/commands/run.ts", "src/host/resource-lock.ts"],
    ["a picture imports what waits", "src/cli/pictures/a.ts", "src/cli/waiting/signals.ts"],
    ["the terminal imports arguments", "src/cli/terminal/a.ts", "src/cli/arguments/command.ts"],
    ["arguments import a status", "src/cli/arguments/a.ts", "src/cli/status/existing.ts"],
    ["somebody imports root", "src/cli/completion/a.ts", "src/cli/root.ts"],
    ["a command imports a semaphore", "src/cli/commands/get.ts", "src/posix/semaphore.ts"],
    ["cli imports bun:ffi", "src/cli/terminal/a.ts", "bun:ffi"],
    ["the host imports cli", "src/host/a.ts", "src/cli/exit-code.ts"],
    ["the host imports etcd", "src/host/a.ts", "src/etcd/a.ts"],
    ["etcd imports the host", "src/etcd/a.ts", "src/host/a.ts"],
    ["the contract imports posix", "src/lock/engine.ts", "src/posix/clock.ts"],
    ["posix imports a lock", "src/posix/a.ts", "src/lock/name.ts"],
    ["main imports the host", "src/main.ts", "src/host/a.ts"],
  ])("tells when %s", (_, from, to) => {
    expect(crossingsIn([{ from, to }])).toEqual([{ from, to }]);
  });

  test("tells a lazy import that is planted in a real file", async () => {
    const file = "src/cli/commands/state.ts";
    const source = await Bun.file(join(root, file)).text();
    const planted = `${source}\nexport const load = () => import("./run.ts");\n`;
    const known = crossingsIn(importsOf(file, source));
    expect(crossingsIn(importsOf(file, planted))).toEqual([
      ...known,
      { from: file, to: "src/cli/commands/run.ts" },
    ]);
  });

  test.each([
    ["a command imports the engine's door", "src/cli/commands/run.ts", "src/cli/engine.ts"],
    ["doctor imports the host", "src/cli/commands/doctor.ts", "src/host/inventory/list.ts"],
    ["the engine's door imports etcd", "src/cli/engine.ts", "src/etcd/a.ts"],
    ["the host imports the contract", "src/host/a.ts", "src/lock/engine.ts"],
  ])("is silent when %s", (_, from, to) => {
    expect(crossingsIn([{ from, to }])).toEqual([]);
  });
});

describe("circlesIn()", () => {
  test("tells a circle once, from the file that sorts first", () => {
    const links = ["c -> a", "a -> b", "b -> c", "d -> c", "b -> e"].map(importOf);
    expect(circlesIn(links)).toEqual(["a -> b -> c -> a"]);
  });

  test("is silent when two ways lead to one file", () => {
    expect(circlesIn(["a -> b", "a -> c", "b -> d", "c -> d"].map(importOf))).toEqual([]);
  });
});
