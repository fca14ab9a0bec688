/** The benchmark itself, in its smallest form: that all of it runs, and tells all. */
import { expect, test } from "bun:test";
import { works } from "../../scripts/benchmark/works.ts";
import { root } from "../support/clone.ts";
import { benchmark, newDirectory } from "./trial.ts";

const directory = newDirectory();

test("the benchmark does all works with whatever peers are here, and leaves nothing behind", async () => {
  const { status, stdout, stderr, page, left } = await benchmark(directory, [
    `${root}/scripts/bench`,
  ]);
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
  // The table ends at an empty line; behind it stands why some are not met.
  const aims = /## Aims\n\n([^#]*?)\n\n/.exec(page)?.[1]?.split("\n").slice(2) ?? [];
  expect(aims.length).toBeGreaterThanOrEqual(25);
  for (const aim of aims) expect(aim).toMatch(/^\| .+ \| .+ \| (?:yes|\*\*no\*\*|\?) +\|$/);
  // The lock's promises do not depend on the machine.
  expect(aims.filter((aim) => /overlap|inversion/.test(aim) && aim.includes("**no**"))).toEqual([]);
  const formatted = Bun.spawnSync([process.execPath, "fmt", "--check", `${directory}/RESULTS.md`]);
  expect(formatted.exitCode).toBe(0);
});
