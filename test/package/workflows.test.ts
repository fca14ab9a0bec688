/** The workflows of .github: their form, their scripts' syntax, and that they run what the project has. */
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { root } from "../support/clone.ts";

interface Step {
  uses?: string;
  run?: string;
}

interface Workflow {
  name: string;
  on: Record<string, { branches?: string[]; tags?: string[] } | null>;
  jobs: Record<string, { "runs-on": string; "timeout-minutes": number; steps: Step[] }>;
}

async function readWorkflow(name: string): Promise<Workflow> {
  const text = await Bun.file(join(root, ".github/workflows", `${name}.yml`)).text();
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tests below say what has to be there
  return Bun.YAML.parse(text) as Workflow;
}

function scriptsOf(workflow: Workflow): string[] {
  return Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run = [] }) => run));
}

const names = ["ci", "release"];

test.each(names)(
  "workflow %s has a name, a time limit and steps that use or run something",
  async (name) => {
    const workflow = await readWorkflow(name);
    expect(workflow.name).toBe(name);
    const jobs = Object.values(workflow.jobs);
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs) {
      expect(job["runs-on"]).toMatch(/^ubuntu-/);
      expect(job["timeout-minutes"]).toBeLessThanOrEqual(90);
      for (const step of job.steps) expect(Object.keys(step)).toContainAnyValues(["uses", "run"]);
    }
  },
);

test.each(names)("workflow %s runs scripts that a shell can read", async (name) => {
  const scripts = scriptsOf(await readWorkflow(name));
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) {
    const check = Bun.spawnSync(["bash", "-n"], { stdin: Buffer.from(script) });
    expect({ script, stderr: check.stderr.toString() }).toEqual({ script, stderr: "" });
  }
});

test.each(names)("workflow %s runs executable files of this repository", async (name) => {
  const scripts = scriptsOf(await readWorkflow(name)).join("\n");
  const paths = [...scripts.matchAll(/(?:\.\/scripts|\.ci)\/\S+/g)].map(([path]) => path);
  expect(paths.length).toBeGreaterThan(0);
  for (const path of paths) expect(statSync(join(root, path)).mode & 0o111).toBeGreaterThan(0);
});

test("workflow ci runs on pushes to main and on pull requests", async () => {
  const { on } = await readWorkflow("ci");
  expect(on["push"]?.branches).toEqual(["main"]);
  expect(Object.keys(on)).toContain("pull_request");
});

test("workflow release runs on tags of versions alone", async () => {
  const { on } = await readWorkflow("release");
  expect(Object.keys(on)).toEqual(["push"]);
  expect(on["push"]?.tags).toEqual(["v[0-9]*"]);
});

test("workflow release names the files of SHA256SUMS to gh", () => {
  const line = `${"0".repeat(64)}  resourcelock-linux-x64.tar.xz\n`;
  const cut = Bun.spawnSync(["cut", "-c67-"], { stdin: Buffer.from(line) });
  expect(cut.stdout.toString()).toBe("resourcelock-linux-x64.tar.xz\n");
});
