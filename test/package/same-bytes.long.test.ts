/** The packages as files: the same from anywhere, with what they should have in them. */
import { describe, expect, onTestFinished, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { runToEnd } from "../support/process.ts";
import { root, stdoutOf } from "../support/clone.ts";
import { canPackage, debs, dist, library, tarballs } from "./packages.ts";

setDefaultTimeout(600_000);

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "test-same-bytes-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

describe.skipIf(!canPackage)("scripts/package", () => {
  test("makes the same bytes in a clean clone elsewhere, whatever its caller has set", async () => {
    const directory = newDirectory();
    // With changes that are not committed yet.
    const script = `
      git clone --quiet --no-checkout . "$1/clone"
      git ls-files -z --cached --others --exclude-standard |
        tar --create --null --files-from=- --ignore-failed-read |
        tar --extract --directory="$1/clone"
      umask 077
      exec "$1/clone/scripts/package"`;
    const env = { TZ: "Asia/Tokyo", LC_ALL: "C.UTF-8", XZ_OPT: "-9", GZIP: "-1", PWD: directory };
    const words = ["bash", "-ec", script, "bash", directory];
    const sums = stdoutOf(
      "a clean clone",
      await runToEnd(words, { cwd: root, env, deadlineSeconds: 590 }),
    );
    expect(sums).toBe(readFileSync(dist("SHA256SUMS"), "utf8"));
  });

  test("writes sums that hold, of all that it made", async () => {
    const words = ["sha256sum", "--check", "--strict", "SHA256SUMS"];
    const { status, stdout } = await runToEnd(words, { cwd: dist("") });
    expect(status).toBe(0);
    const checked = stdout.trimEnd().split("\n");
    const made = [...Object.values(debs), ...Object.values(tarballs), library];
    expect(checked.toSorted()).toEqual(made.map((path) => `${basename(path)}: OK`).toSorted());
    const page = readFileSync(join(root, "docs/install.md"), "utf8");
    for (const path of made) expect(page).toContain(`| \`${basename(path)}\``);
  });

  test.each([["x64"], ["arm64"]] as const)("packs for %s what a person needs", async (name) => {
    const directory = newDirectory();
    const words = ["tar", "--extract", "--file", tarballs[name], "--directory", directory];
    stdoutOf("tar", await runToEnd(words));
    const tree = join(directory, `resourcelock-linux-${name}`);
    const files = [...new Bun.Glob("**").scanSync({ cwd: tree })];
    expect(files.toSorted()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "completions/_resourcelock",
      "completions/resourcelock.bash",
      "completions/resourcelock.fish",
      ...[...new Bun.Glob("docs/**").scanSync({ cwd: root })].toSorted(),
      "resourcelock",
      "resourcelock.1",
    ]);
    for (const [packed, source] of [
      ["resourcelock", dist(`resourcelock-linux-${name}`)],
      ["resourcelock.1", join(root, "src/cli/manual/resourcelock.1")],
    ] as const) {
      const bytes = readFileSync(join(tree, packed));
      expect(bytes.equals(readFileSync(source))).toBe(true);
    }
  });

  test("says which tool is missing, and ends with 69", async () => {
    const directory = newDirectory();
    symlinkSync(Bun.which("dirname") ?? "", join(directory, "dirname"));
    const outcome = await runToEnd([join(root, "scripts/package")], { env: { PATH: directory } });
    expect(outcome).toEqual({
      status: 69,
      stdout: "",
      stderr: "scripts/package: needs dpkg-deb, of the Debian package dpkg\n",
    });
  });

  test("refuses arguments", async () => {
    const { status, stderr } = await runToEnd([join(root, "scripts/package"), "--fast"]);
    expect({ status, stderr }).toEqual({
      status: 64,
      stderr: "scripts/package: unknown argument --fast\n",
    });
  });
});
