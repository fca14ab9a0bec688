/** What the history and the tree of this clone have to keep to. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { haveTools } from "../support/binary.ts";
import { root } from "../support/clone.ts";
import { runToEnd } from "../support/process.ts";

const git = (...words: string[]) => runToEnd(["git", "-C", root, ...words]);
const isClone = haveTools("git") && (await git("rev-parse", "--is-inside-work-tree")).status === 0;

test.skipIf(!isClone)("git has no generated file: none that .gitignore names", async () => {
  expect((await git("ls-files", "--cached", "--ignored", "--exclude-standard")).stdout).toBe("");
});

/** The rule for subjects holds from here on. */
const lastBeforeRule = "59b0ccc";
const maxSubjectCharacters = 72;

test.skipIf(!isClone)("git has no commit whose subject is longer than 72 characters", async () => {
  // A shallow clone may not have that commit: what it has since then is asked for.
  const known = await git("merge-base", "--is-ancestor", lastBeforeRule, "HEAD");
  const range = known.status === 0 ? `${lastBeforeRule}..HEAD` : "HEAD^!";
  const { stdout } = await git("log", "--no-merges", "--format=%s", range);
  const long = stdout.split("\n").filter((subject) => subject.length > maxSubjectCharacters);
  expect(long).toEqual([]);
});

test("bun.lock names no host of a registry", async () => {
  const lock = await Bun.file(join(root, "bun.lock")).text();
  expect(lock.match(/https?:\/\/[^"]*/g) ?? []).toEqual([]);
});

/** Tools that every Debian has, and the C compiler by its other name. */
const toolsOfDebian = new Set(
  "apt-get cc chroot mount nsenter prlimit script setpriv stty".split(" "),
);

test(".ci/run installs each tool that tests ask for", async () => {
  const script = await Bun.file(join(root, ".ci/run")).text();
  const installed = new Set([...script.matchAll(/[\s(]([\w-]+):[\w-]+/g)].map(([, tool]) => tool));
  const asked = new Set<string>();
  for (const path of new Bun.Glob("test/**/*.ts").scanSync({ cwd: root })) {
    const source = await Bun.file(join(root, path)).text();
    for (const [, words = ""] of source.matchAll(/haveTools\(("[^)]*)\)/g)) {
      for (const [, tool = ""] of words.matchAll(/"([^"]*)"/g)) asked.add(tool);
    }
  }
  expect(asked.size).toBeGreaterThan(15);
  expect([...asked].filter((tool) => !installed.has(tool) && !toolsOfDebian.has(tool))).toEqual([]);
});
