/** Directories of a test's own. */
import { onTestFinished } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An empty directory, which is deleted at the end of the test. */
export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "resourcelock-test-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}
