/** The benchmark on a machine that lacks peers, and with a work that there is not. */
import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { root } from "../support/clone.ts";
import { benchmark, newDirectory } from "./trial.ts";

const directory = newDirectory();

test("a peer that is missing is named", async () => {
  const tools = `${directory}/tools`;
  mkdirSync(tools);
  for (const tool of ["sh", "cp", "true"]) symlinkSync(Bun.which(tool) ?? tool, `${tools}/${tool}`);
  const bench = [process.execPath, `${root}/scripts/benchmark/bench.ts`];
  const { status, page } = await benchmark(directory, [...bench, "--only", "one-job"], {
    PATH: tools,
  });
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
  const bench = [process.execPath, `${root}/scripts/benchmark/bench.ts`, "--only", "nothing"];
  const { exitCode, stderr } = Bun.spawnSync(bench, { stdin: "ignore" });
  expect(exitCode).toBe(64);
  expect(stderr.toString()).toContain("one-job, commands, costs, library, scripts, hand-over");
});
