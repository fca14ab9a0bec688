/** The arm64 binary on a machine of another kind, under qemu. */
import { join } from "node:path";
import { doWithout, haveTools } from "../support/binary.ts";
import { root, runScript } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";

/** Builds the binary. @returns the program that runs it under qemu */
export async function emulatedBinary(): Promise<string | undefined> {
  // There test/cli runs the same binary directly.
  if (process.arch === "arm64") return undefined;
  if (!haveTools("qemu-aarch64-static", "cc", "apt-get", "dpkg-deb")) return undefined;
  await runScript(["build", "--target=linux-arm64"]);
  const emulation = await runToEnd([
    join(root, "scripts/emulate-arm64"),
    join(root, "dist/resourcelock-linux-arm64"),
  ]);
  if (emulation.status === 0) return emulation.stdout.trimEnd();
  doWithout(`libc6 for arm64: ${emulation.stderr.trimEnd()}`);
  return undefined;
}
