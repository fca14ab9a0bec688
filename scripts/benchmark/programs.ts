/** What is built for the benchmark: the limits that no lock of this kind can be better than. */

const root = `${import.meta.dir}/../..`;
const lockers = `${import.meta.dir}/lockers`;

export interface Programs {
  /** dist/resourcelock: a copy, as start-up depends on how a file got into the page cache. */
  resourcelock: string;
  /** A compiled Bun program that does nothing, built with the same flags. */
  empty: string;
  /** One that does nothing for ever. */
  blocked: string;
  /** lockers/semaphore.c and lockers/mark.c; not there without a C compiler. */
  semaphore: string | undefined;
  mark: string | undefined;
}

export function buildPrograms(directory: string): Programs {
  copy(`${root}/dist/resourcelock`, `${directory}/resourcelock`);
  return {
    resourcelock: `${directory}/resourcelock`,
    empty: compileBun(directory, "empty", ""),
    blocked: compileBun(directory, "blocked", "setInterval(() => {}, 1e9);"),
    semaphore: compileC(directory, "semaphore"),
    mark: compileC(directory, "mark"),
  };
}

/** The flags of scripts/build, so that such a program differs by its source alone. */
function buildFlags(): string[] {
  return outputOf(`${root}/scripts/build`, "--flags").split("\n");
}

/** What a script prints, without its last newline. */
export function outputOf(...words: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(words, { stdin: "ignore" });
  if (!success) throw new Error(`${words.join(" ")} failed: ${stderr.toString()}`);
  return stdout.toString().trimEnd();
}

/** Compiles a program of one line. */
export function compileBun(
  directory: string,
  name: string,
  source: string,
  ...flags: string[]
): string {
  const [path, input] = [`${directory}/${name}`, `${directory}/${name}.ts`];
  Bun.spawnSync(["sh", "-c", 'printf %s "$0" >"$1"', source, input]);
  build(directory, [...flags, `--outfile=${path}.built`, input]);
  copy(`${path}.built`, path);
  return path;
}

/** `bun build` with the flags of scripts/build. */
export function build(directory: string, words: readonly string[]): void {
  const built = Bun.spawnSync([process.execPath, "build", ...buildFlags(), ...words], {
    cwd: directory,
    stdin: "ignore",
    timeout: 120_000,
  });
  if (!built.success) throw new Error(`bun build failed: ${built.stderr.toString()}`);
}

function copy(from: string, to: string): void {
  const { success, stderr } = Bun.spawnSync(["cp", from, to]);
  if (!success) throw new Error(stderr.toString());
}

function compilerOfC(): string | undefined {
  return Bun.which("cc") ?? undefined;
}

function compileC(directory: string, name: string): string | undefined {
  const compiler = compilerOfC();
  if (compiler === undefined) return undefined;
  const path = `${directory}/${name}`;
  const words = [compiler, "-O2", "-o", path, `${lockers}/${name}.c`, "-pthread", "-lrt"];
  const { success, stderr } = Bun.spawnSync(words);
  if (!success) console.error(`cc could not compile ${name}.c: ${stderr.toString()}`);
  return success ? path : undefined;
}
