/** scripts/resourcelock in a clone that others can read. */
import { expect, onTestFinished, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { haveTools } from "../support/binary.ts";
import { root } from "../support/clone.ts";
import { runToEnd, start } from "../support/process.ts";

/** A clone whose build takes no time. */
function newClone(): string {
  const clone = mkdtempSync(`${tmpdir()}/resourcelock-clone-`);
  onTestFinished(() => {
    rmSync(clone, { recursive: true });
  });
  for (const directory of ["src", "scripts", "dist"]) mkdirSync(join(clone, directory));
  for (const file of ["package.json", "bun.lock", "tsconfig.json"]) {
    writeFileSync(join(clone, file), "");
  }
  copyFileSync(join(root, "scripts/resourcelock"), join(clone, "scripts/resourcelock"));
  const build =
    "#!/bin/sh\nprintf '#!/bin/sh\\necho built' >dist/resourcelock\nchmod 755 dist/resourcelock\n";
  writeFileSync(join(clone, "scripts/build"), build.replaceAll("dist/", `${clone}/dist/`));
  chmodSync(join(clone, "scripts/build"), 0o755);
  return clone;
}

test("scripts/resourcelock locks a file that nobody else can open, and lets others run what it built", async () => {
  const clone = newClone();
  writeFileSync(join(clone, "dist/.lock"), "", { mode: 0o644 });
  const { stdout } = await runToEnd([join(clone, "scripts/resourcelock")]);
  expect(stdout).toBe("built\n");
  expect(statSync(join(clone, "dist/.lock")).mode & 0o777).toBe(0o600);
  expect(statSync(join(clone, "dist/resourcelock")).mode & 0o777).toBe(0o755);
});

test.skipIf(!haveTools("flock"))(
  "scripts/resourcelock says that it waits for another build",
  async () => {
    const clone = newClone();
    const lock = join(clone, "dist/.lock");
    const other = start(["flock", lock, "sh", "-c", "echo locked; exec cat"]);
    await other.stdout.until("locked\n");
    const script = start([join(clone, "scripts/resourcelock")]);
    await script.stderr.until(
      `waiting for another build, which has ${clone}/scripts/../dist/.lock locked\n`,
    );
    expect(existsSync(join(clone, "dist/resourcelock"))).toBe(false);
    await other.endInput();
    expect(await script.end()).toMatchObject({ status: 0, stdout: "built\n" });
  },
);
