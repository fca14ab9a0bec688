/** The documentation that the packages have: all of it, with links that work there. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, stdoutOf } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";
import { canPackage, debs, library, tarballs } from "./packages.ts";

const pages = readdirSync(join(root, "docs")).toSorted();

/** Each package, how it is unpacked, and where its documentation lies in it. */
const packages: [name: string, unpack: string[], directory: string][] = [
  ["the .deb", ["dpkg-deb", "--extract", debs.amd64, "."], "usr/share/doc/resourcelock"],
  ["the tarball", ["tar", "--extract", "--file", tarballs.x64], "resourcelock-linux-x64"],
  ["the library", ["tar", "--extract", "--file", library], "package"],
];

/** The files that the links of a page lead to. */
async function linkedFiles(page: string): Promise<string[]> {
  const text = await Bun.file(page).text();
  return [...text.matchAll(/\]\((?!https:|#)([^)#]+)/g)].map(([, link = ""]) =>
    join(dirname(page), link),
  );
}

describe.skipIf(!canPackage)("documentation", () => {
  test.each(packages)(
    "of %s is whole, and its links lead to files of it",
    async (_, unpack, place) => {
      const directory = mkdtempSync(join(tmpdir(), "test-package-docs-"));
      try {
        stdoutOf(unpack.join(" "), await runToEnd(unpack, { cwd: directory }));
        const documentation = join(directory, place);
        expect(readdirSync(join(documentation, "docs")).toSorted()).toEqual(pages);
        const paths = ["README.md", ...pages.map((page) => `docs/${page}`)];
        const links = await Promise.all(
          paths.map((path) => linkedFiles(join(documentation, path))),
        );
        expect(links.flat().length).toBeGreaterThan(20);
        expect(links.flat().filter((path) => !existsSync(path))).toEqual([]);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
