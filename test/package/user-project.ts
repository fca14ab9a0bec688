/** A project of somebody who uses the library, stricter with types than most. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../support/clone.ts";
import { type Outcome, runToEnd } from "../support/process.ts";

/** Declarations are checked too, with no types around but the language's and the platform's. */
const compilerOptions = {
  lib: ["ESNext", "DOM"],
  target: "ESNext",
  module: "Preserve",
  moduleResolution: "bundler",
  types: [],
  strict: true,
  noEmit: true,
  skipLibCheck: false,
  noUnusedLocals: true,
  noUnusedParameters: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
};

const compiler = join(root, "node_modules/typescript/bin/tsc");

/** What checks the types of a project. */
export const checkers: readonly (readonly [string, readonly string[]])[] = [
  ["bun check", [process.execPath, "check"]],
  ["tsc", [process.execPath, compiler]],
  [
    "tsc for node",
    [process.execPath, compiler, "--module", "nodenext", "--moduleResolution", "nodenext"],
  ],
];

/** Node, where there is one: not a link to Bun of its name. */
export const node = [Bun.which("node"), "/usr/bin/node", "/usr/local/bin/node"].find(
  (path) =>
    path !== null &&
    Bun.spawnSync(["sh", "-c", 'exec "$0" -p "process.versions.bun"', path]).stdout.toString() ===
      "undefined\n",
);

export class UserProject implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), "test-library-"));

  static async create(): Promise<UserProject> {
    const project = new UserProject();
    await project.write("package.json", JSON.stringify({ type: "module" }));
    await project.write("tsconfig.json", JSON.stringify({ compilerOptions }));
    return project;
  }

  async write(file: string, text: string): Promise<void> {
    await Bun.write(join(this.directory, file), text);
  }

  run(words: readonly string[]): Promise<Outcome> {
    return runToEnd([...words], { cwd: this.directory });
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true });
  }
}

/** A program that uses both entries, the second one for its types only. */
export const programFor = (name: string) => `
import { LockTimeoutError, type LockState, type LockStatus, ResourceLock, watch, withLock } from "resourcelock";
import type { EtcdLock } from "resourcelock/etcd";

export type RemoteStatus = Awaited<ReturnType<EtcdLock["status"]>>;

using lock = new ResourceLock("${name}");
const token: number = await withLock("${name}", { timeout: "5s", lockInfo: "of a user" }, async (guard) => {
  const status: LockStatus = lock.status();
  console.log(lock.getLockInfo().endsWith(" - of a user"), status.holders.length);
  return guard.token;
});
for await (const state of watch("${name}")) {
  const seen: LockState | undefined = state;
  console.log(seen?.state, typeof token, LockTimeoutError.name);
  break;
}
`;

export const programOutput = "true 1\nfree number LockTimeoutError\n";
