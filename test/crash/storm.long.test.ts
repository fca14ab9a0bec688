/** The hostile storm in a short form: objects deleted, texts set, limits; scripts/storm tells all of it. */
import { expect, test } from "bun:test";
import { haveTools } from "../support/binary.ts";
import { runToEnd } from "../support/process.ts";
import { buildWhereStale } from "./build.ts";

buildWhereStale();

const storm = [process.execPath, `${import.meta.dir}/storm.ts`, "--hostile", "--workers", "6"];

/** Runs the storm in a small /dev/shm of its own, which it fills up, where this host allows one. */
async function hostileStorm(...options: string[]): Promise<string | undefined> {
  const mount = "mount -t tmpfs -o size=32m,mode=1777 tmpfs /dev/shm";
  const own = [
    "unshare",
    "-m",
    "sh",
    "-c",
    `mount --make-rprivate / && ${mount} && exec "$@"`,
    "sh",
  ];
  const words = [...(mayMount ? own : []), ...storm, ...options];
  const { status, stdout, stderr } = await runToEnd(words, { deadlineSeconds: 290 });
  if (status !== 0) console.error(stdout, stderr);
  return stdout.trim().split("\n").at(-1);
}

const mayMount = process.getuid?.() === 0 && haveTools("unshare", "mount");
const well = "the critical section was never entered twice";

test("workers under hostile conditions never get in together, and the lock is never lost", async () => {
  expect(await hostileStorm("--deaths", "200")).toBe(well);
});

test.skipIf(!haveTools("python3"))("the same holds with two Python peers among them", async () => {
  expect(await hostileStorm("--deaths", "150", "--peers", "2")).toBe(well);
});
