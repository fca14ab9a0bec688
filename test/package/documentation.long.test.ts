/** The documentation that the packages have; tarball.test.ts looks at that of a tarball. */
import { describe, onTestFinished, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stdoutOf } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";
import { expectDocumentation } from "./documentation.ts";
import { canPackage, debs, library } from "./packages.ts";

/** Each package, how it is unpacked, and where its documentation lies in it. */
const packages: [name: string, unpack: string[], directory: string][] = [
  ["the .deb", ["dpkg-deb", "--extract", debs.amd64, "."], "usr/share/doc/resourcelock"],
  ["the library", ["tar", "--extract", "--file", library], "package"],
];

describe.skipIf(!canPackage)("documentation", () => {
  test.each(packages)(
    "of %s is whole, and its links lead to files of it",
    async (_, unpack, place) => {
      const directory = mkdtempSync(join(tmpdir(), "test-package-docs-"));
      onTestFinished(() => {
        rmSync(directory, { recursive: true });
      });
      stdoutOf(unpack.join(" "), await runToEnd(unpack, { cwd: directory }));
      await expectDocumentation(join(directory, place));
    },
  );
});
