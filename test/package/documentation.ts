/** The documentation in a package: all of it, with links that work there. */
import { expect } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../support/clone.ts";

/** The files that the links of a page lead to. */
async function linkedFiles(page: string): Promise<string[]> {
  const text = await Bun.file(page).text();
  return [...text.matchAll(/\]\((?!https:|#)([^)#]+)/g)].map(([, link = ""]) =>
    join(dirname(page), link),
  );
}

/** Expects README.md and docs/ in a directory to be those of this clone, and their links to lead to files. */
export async function expectDocumentation(directory: string): Promise<void> {
  const pages = readdirSync(join(root, "docs")).toSorted();
  expect(readdirSync(join(directory, "docs")).toSorted()).toEqual(pages);
  const paths = ["README.md", ...pages.map((page) => `docs/${page}`)];
  const links = (await Promise.all(paths.map((path) => linkedFiles(join(directory, path))))).flat();
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
}
