/** CONTRIBUTING's map is that of the tree: a line a folder, and a line for each file beside the folders. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Markdown } from "../documentation/markdown.ts";
import { root } from "../support/clone.ts";

const contributing = new Markdown(
  "CONTRIBUTING.md",
  await Bun.file(join(root, "CONTRIBUTING.md")).text(),
);
const block = contributing.blocks.find(({ heading }) => heading === "The map");
const lines = (block?.text ?? "")
  .split("\n")
  .map((line) => /^(\S+) +(\S.*)$/.exec(line)?.slice(1) ?? []);
const named = lines.map(([path = ""]) => path);

/** The folders that have files, from the widest to the narrowest, each with a slash at its end. */
function foldersOf(top: string): string[] {
  const folders = new Set<string>();
  for (const file of new Bun.Glob(`${top}/**`).scanSync({ cwd: root })) {
    for (let folder = dirname(file); folder !== "."; folder = dirname(folder)) {
      folders.add(`${folder}/`);
    }
  }
  return [...folders]
    .filter((folder) => !/\/(?:node_modules|__pycache__)\//.test(folder))
    .toSorted();
}

const mirrored = new Set(foldersOf("src").map((folder) => folder.replace(/^src/, "test")));

test.each([
  ["src", foldersOf("src")],
  ["test that does not mirror one of src", foldersOf("test").filter((one) => !mirrored.has(one))],
  ["scripts", foldersOf("scripts").filter((folder) => folder.split("/").length === 3)],
])("CONTRIBUTING's map has every folder of %s", (_, folders) => {
  expect(folders).not.toBeEmpty();
  expect(folders.filter((folder) => folder !== "test/" && !named.includes(folder))).toEqual([]);
});

test("CONTRIBUTING's map has every file beside the folders of src and src/cli", () => {
  const files: string[] = [];
  for (const pattern of ["src/*.ts", "src/cli/*.ts"]) {
    files.push(...new Bun.Glob(pattern).scanSync({ cwd: root }));
  }
  expect(files).not.toBeEmpty();
  expect(files.filter((file) => !named.includes(file))).toEqual([]);
});

test("CONTRIBUTING's map says what each is, and names nothing twice or that is not there", () => {
  expect(lines.filter((line) => line.length !== 2)).toEqual([]);
  expect(named.filter((path, index) => named.indexOf(path) !== index)).toEqual([]);
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
});
