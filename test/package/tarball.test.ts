/** One package, unpacked and run. The files NAME.long.test.ts have all of them. */
import { expect, onTestFinished, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { haveTools, newLockName } from "../support/binary.ts";
import { root, runScript, stdoutOf } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";
import { expectDocumentation } from "./documentation.ts";

const target = process.arch === "arm64" ? "linux-arm64" : "linux-x64";

test.skipIf(!haveTools("dpkg-deb", "xz", "git"))(
  "scripts/package makes a tarball whose program runs, with the documentation whole",
  async () => {
    await runScript(["package", `--tarball=${target}`]);
    const directory = mkdtempSync(join(tmpdir(), "test-tarball-"));
    onTestFinished(() => {
      rmSync(directory, { recursive: true });
    });
    const tarball = join(root, `dist/resourcelock-${target}.tar.xz`);
    const unpack = ["tar", "--extract", "--file", tarball, "--directory", directory];
    stdoutOf("tar", await runToEnd(unpack));
    const tree = join(directory, `resourcelock-${target}`);
    const program = join(tree, "resourcelock");
    expect((await runToEnd([program, "--version"])).stdout).toContain(version);
    const job = await runToEnd([program, "run", newLockName(), "--", "echo", "works"]);
    expect(job).toEqual({ status: 0, stdout: "works\n", stderr: "" });
    await expectDocumentation(tree);
  },
);
