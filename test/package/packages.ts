/** The packages, made once for all tests here: `scripts/test --all` makes them before the tests. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { version } from "../../package.json";
import { haveTools } from "../support/binary.ts";
import { root, runScript } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";

export const canPackage = haveTools("dpkg-deb", "xz", "git");

if (canPackage && !(await areFresh())) await runScript(["package"]);

/** Whether there are packages made of what is here; a commit since then dates them anew. */
async function areFresh(): Promise<boolean> {
  const made = statSync(dist("SHA256SUMS"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const { stdout } = await runToEnd(["git", "rev-parse", "--git-path", "logs/HEAD"], { cwd: root });
  const commits = resolve(root, stdout.trimEnd());
  const folders = ["src", "docs", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
      join(root, folder, name),
    ),
  );
  const files = ["package.json", "README.md", "CHANGELOG.md", "LICENSE"].map((name) =>
    join(root, name),
  );
  return (
    existsSync(commits) &&
    [commits, ...folders, ...files].every((path) => statSync(path).mtimeMs < made)
  );
}

/** Where a package lies. */
export function dist(name: string): string {
  return join(root, "dist", name);
}

export const debs = {
  amd64: dist(`resourcelock_${version}_amd64.deb`),
  arm64: dist(`resourcelock_${version}_arm64.deb`),
};
export const tarballs = {
  x64: dist("resourcelock-linux-x64.tar.xz"),
  arm64: dist("resourcelock-linux-arm64.tar.xz"),
};
export const library = dist(`resourcelock-${version}.tgz`);
