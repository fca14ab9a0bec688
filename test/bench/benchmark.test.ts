/** The benchmark itself, in its smallest form: that all of it runs, and tells all. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { works } from "../../scripts/benchmark/works.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const directory = mkdtempSync(`${tmpdir()}/resourcelock-test-bench-`);
afterAll(() => rmSync(directory, { recursive: true }));

/** The page that it writes, and what it leaves behind. */
async function benchmark(words: string[], env: Record<string, string> = {}) {
  const results = `${directory}/RESULTS.md`;
  rmSync(results, { force: true });
  const child = Bun.spawn([...words, "--trial", "--results", results], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, TMPDIR: directory, ...env },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const left = [...readdirSync("/dev/shm"), ...readdirSync(directory)].filter(
    (file) => file.includes(`bench-${child.pid}-`) || file.startsWith("resourcelock-bench-"),
  );
  return { status: await child.exited, stdout, stderr, left, page: readFileSync(results, "utf8") };
}

test("the benchmark does all works with whatever peers are here, and leaves nothing behind", async () => {
  const { status, stdout, stderr, page, left } = await benchmark([`${root}scripts/bench`]);
  expect(stderr).not.toContain("Error");
  expect({ status, left }).toEqual({ status: 0, left: [] });
  for (const { title } of works) {
    expect(stdout).toContain(`## ${title}\n`);
    expect(page).toContain(`## ${title}\n`);
  }
  for (const fact of ["processors", "memory", "kernel", "libc", "Bun", "this program", "when"]) {
    expect(page).toMatch(new RegExp(`^\\| ${fact} +\\| [^ |]`, "m"));
  }
  expect(page).toContain("`scripts/bench --trial`");
  const aims = /## Aims\n([^#]*)/.exec(page)?.[1]?.trim().split("\n").slice(2) ?? [];
  expect(aims.length).toBeGreaterThanOrEqual(25);
  for (const aim of aims) expect(aim).toMatch(/^\| .+ \| .+ \| (?:yes|\*\*no\*\*|\?) +\|$/);
  // The lock's promises do not depend on the machine.
  expect(aims.filter((aim) => /overlap|inversion/.test(aim) && aim.includes("**no**"))).toEqual([]);
  const formatted = Bun.spawnSync([process.execPath, "fmt", "--check", `${directory}/RESULTS.md`]);
  expect(formatted.exitCode).toBe(0);
});

test("a peer that is missing is named", async () => {
  const tools = `${directory}/tools`;
  mkdirSync(tools);
  for (const tool of ["sh", "cp", "true"]) symlinkSync(Bun.which(tool) ?? tool, `${tools}/${tool}`);
  const bench = [process.execPath, `${root}scripts/benchmark/bench.ts`];
  const { status, page } = await benchmark([...bench, "--only", "one-job"], { PATH: tools });
  expect(status).toBe(0);
  const needs = {
    flock: "package util-linux",
    setlock: "package daemontools",
    lockfile: "package procmail",
    dotlockfile: "package liblockfile-bin",
    sem: "package parallel",
    "etcdctl lock": "packages etcd-server, etcd-client",
    "C, sem_timedwait": String.raw`a C compiler \(package gcc\)`,
    "Python peer": "package python3",
    "proper-lockfile, node": "npm",
  };
  const [work = "", versions = ""] = page.split("## Versions");
  for (const [peer, need] of Object.entries(needs)) {
    const row = new RegExp(`^\\| ${peer} +\\| missing: ${need} +\\|`, "m");
    expect(work).toMatch(row);
    expect(versions).toMatch(row);
  }
  expect(page).toContain("| one job: at most 4 x flock");
  expect(page).toContain("not measured here");
});

test("a work that there is not is refused, with the names of all", async () => {
  const bench = [process.execPath, `${root}scripts/benchmark/bench.ts`, "--only", "nothing"];
  const { exitCode, stderr } = Bun.spawnSync(bench, { stdin: "ignore" });
  expect(exitCode).toBe(64);
  expect(stderr.toString()).toContain("one-job, commands, library, hand-over");
});
