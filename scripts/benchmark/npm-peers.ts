/** The packages of npm that are compared. They are installed into dist/bench-peers, as npm/package-lock.json says. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Locker } from "./peers.ts";

const npmDirectory = `${import.meta.dir}/../../dist/bench-peers`;

const npmPackages = ["proper-lockfile", "fs-ext", "fs-native-extensions"] as const;

/** Each package under Node, as its users run it, and under Bun where it works there. */
export function npmLockers(directory: string): Locker[] {
  const trouble = installNpmPackages();
  const bundle = bundleForNode();
  return npmPackages.flatMap((name) =>
    (["node", "bun"] as const).map((runtime): Locker => {
      const executable = runtime === "bun" ? process.execPath : (Bun.which("node") ?? "node");
      const words = (lockName: string) => {
        const file = `${directory}/${lockName}`;
        if (!existsSync(file)) writeFileSync(file, "");
        return [executable, bundle, name, file];
      };
      return {
        name: `${name}, ${runtime}`,
        version: npmVersion(name),
        missing:
          trouble ?? (loads(executable, name) ? undefined : `${name} does not load in ${runtime}`),
        environment: {},
        words,
      };
    }),
  );
}

function installNpmPackages(): string | undefined {
  if (Bun.which("npm") === null) return "npm";
  if (Bun.which("node") === null) return "node";
  const stamp = `${npmDirectory}/installed`;
  const lock = `${import.meta.dir}/npm/package-lock.json`;
  const script = `
    cmp -s "$1" "$2" && exit
    mkdir -p "$3" && cp "\${1%/*}"/*.json "$3" && cd "$3" &&
    npm ci --no-audit --no-fund --loglevel=error >&2 && cp "$1" "$2"`;
  const { success, stderr } = Bun.spawnSync(["sh", "-c", script, "sh", lock, stamp, npmDirectory], {
    // The headers of Debian's node, for the one that is compiled; else they would be downloaded.
    env: {
      ...process.env,
      ...(existsSync("/usr/include/node") ? { npm_config_nodedir: "/usr" } : {}),
    },
    stdin: "ignore",
    timeout: 120_000,
  });
  if (success) return undefined;
  console.error(stderr.toString());
  return "npm ci in dist/bench-peers failed";
}

/** A bundle beside node_modules, as Node 20 and older do not run TypeScript. */
function bundleForNode(): string {
  const words = ["build", "--target=node", "--splitting", `--outdir=${npmDirectory}`];
  const { success, stderr } = Bun.spawnSync([
    process.execPath,
    ...words,
    `${import.meta.dir}/lockers/npm.ts`,
  ]);
  if (!success) throw new Error(`bun build failed: ${stderr.toString()}`);
  return `${npmDirectory}/npm.js`;
}

function loads(runtime: string, name: string): boolean {
  const words = [runtime, "-e", `require(${JSON.stringify(name)})`];
  const options = { cwd: npmDirectory, stdin: "ignore", timeout: 20_000 } as const;
  return Bun.spawnSync(words, options).success;
}

function npmVersion(name: string): string {
  const path = `${npmDirectory}/node_modules/${name}/package.json`;
  if (!existsSync(path)) return "-";
  const { version }: { version: string } = JSON.parse(readFileSync(path, "utf8"));
  return version;
}
