/** The test build, and what it has. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = `${root}src`;

/** It kills or stops itself at the fault point that RESOURCELOCK_FAULT names. */
export const testBinary = `${root}dist/resourcelock-test`;

/** Makes the test build, where there is none or a source is newer. */
export function buildWhereStale(): void {
  const built = statSync(testBinary, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const isFresh = [...sources(), `${root}scripts/build`].every(
    (path) => statSync(path).mtimeMs < built,
  );
  if (isFresh) return;
  const { success, stderr } = Bun.spawnSync([`${root}scripts/build`, "--test"]);
  if (!success) throw new Error(stderr.toString());
}

function sources(): string[] {
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  return files.map((file) => `${source}/${file}`);
}

/** The names of all fault points, as the source has them. */
export function faultPoints(): string[] {
  const names = new Set<string>();
  for (const path of sources()) {
    if (!path.endsWith(".ts")) continue;
    const calls = readFileSync(path, "utf8").matchAll(/faultPoint\("([^"]+)"\)/g);
    for (const [, name = ""] of calls) names.add(name);
  }
  return [...names].toSorted();
}
