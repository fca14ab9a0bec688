/**
 * The table of all texts that the program can say, for a reader to go through in one sitting: `messages.txt`. Whoever
 * changes a text looks at it there, after `UPDATE_MESSAGES=1 bun test ./test/messages/`.
 */
import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { textsOf } from "./texts.ts";

const root = join(import.meta.dir, "..", "..");
const files = [...new Bun.Glob("src/**/*.ts").scanSync({ cwd: root })].toSorted();
const textsByFile = new Map(
  files.map((file) => [file, textsOf(file, readFileSync(join(root, file), "utf8"))]),
);
const texts = [...textsByFile].flatMap(([file, said]) => said.map((text) => ({ file, text })));

test("messages.txt has what the source says", () => {
  const path = join(import.meta.dir, "messages.txt");
  const table = [...textsByFile]
    .filter(([, said]) => said.length > 0)
    .map(([file, said]) => `${file}\n${said.map((text) => `  ${text}\n`).join("")}`)
    .join("\n");
  if (process.env["UPDATE_MESSAGES"] === "1") writeFileSync(path, table);
  expect(table).toBe(readFileSync(path, "utf8"));
});

/** Words that read as translated, and what to say for them: style.md, section 5. */
const avoided =
  /\b(anew|for ever|behind a|where there is|as long as somebody|one that|those that)\b/i;

test("no text has a word that the house avoids", () => {
  const found = texts.filter(({ text }) => avoided.test(text));
  expect(found).toEqual([]);
});

test("a lock's name stands in quotes, except in the seed's texts", () => {
  const found = texts.filter(
    ({ file, text }) => file !== "src/lock/messages.ts" && /lock <\{/.test(text),
  );
  expect(found).toEqual([]);
});

test("textsOf() finds literals and templates, and leaves names and patterns alone", () => {
  const source = 'f("not free", `lock "${name}" is\n held`, "a-b", "src/x.ts", `${a} ${b}`);';
  expect(textsOf("x.ts", source)).toEqual(["not free", 'lock "{name}" is held']);
});
