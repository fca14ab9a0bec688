/** The documentation that people read: README.md and the pages of docs. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/clone.ts";
import { Markdown } from "./markdown.ts";

const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .toSorted();

/** The files, relative to the root of the repository. */
export const documentPaths: readonly string[] = [
  "README.md",
  ...pages.map((name) => `docs/${name}`),
];

/** Reads one of them. */
export async function readDocument(path: string): Promise<Markdown> {
  return new Markdown(path, await Bun.file(join(root, path)).text());
}

const readPage = (name: string) => readDocument(`docs/${name}.md`);

/** The pages whose tables say what the program says too. */
export const documents = {
  guide: await readPage("guide"),
  json: await readPage("json"),
  library: await readPage("library"),
  migrating: await readPage("migrating"),
  monitoring: await readPage("monitoring"),
  readme: await readDocument("README.md"),
  reference: await readPage("reference"),
};
