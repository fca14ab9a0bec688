/** Holds the documentation, the manual page, `--help` and the program together: what one of them says, all say. */
import { describe, expect, test } from "bun:test";
import { accessSync } from "node:fs";
import { dirname, join } from "node:path";
import { version } from "../../package.json";
import { options } from "../../src/cli/arguments/options.ts";
import { aliasesOf } from "../../src/cli/arguments/words.ts";
import { exitCodes, exitCodeTexts } from "../../src/cli/exit-code.ts";
import { endingTexts } from "../../src/cli/pictures/history-table.ts";
import { listColumns } from "../../src/cli/status/list-columns.ts";
import * as library from "../../src/index.ts";
import { newLockName, resourcelock } from "../support/binary.ts";
import { binary, runToEnd, start } from "../support/process.ts";
import {
  factsOfHelp,
  factsOfManualPage,
  factsOfProgram,
  factsOfReference,
  headOf,
} from "./facts.ts";
import { ManualPage } from "./manual-page.ts";
import { documentPaths, documents } from "./documents.ts";

const root = join(import.meta.dir, "../..");
const readText = (path: string) => Bun.file(join(root, path)).text();
const manualPagePath = "src/cli/manual/resourcelock.1";

const page = new ManualPage(await readText(manualPagePath));
const program = await factsOfProgram();

const texts = [
  { name: "the reference", facts: factsOfReference(documents.reference) },
  { name: "the manual page", facts: factsOfManualPage(page) },
  { name: "--help", facts: await factsOfHelp() },
];

describe.each(texts)("$name", ({ facts }) => {
  test("has the commands of the program, each with what it does", () => {
    expect(facts.commands).toEqual(program.commands);
  });

  test("has the options of each command, with both names, value and default", () => {
    expect(facts.options).toEqual(program.options);
  });

  test("has the exit statuses of the program, each with its meaning", () => {
    expect(facts.exitStatuses).toEqual(program.exitStatuses);
  });
});

test("each exit status of the program is among those that are told", () => {
  const told = exitCodeTexts.map(([status]) => status);
  const { killedBySignal, ...others } = exitCodes;
  expect(told).toEqual([...Object.values(others).map(String), `${killedBySignal}+N`]);
});

test("the manual page describes each option once", () => {
  const heads = Object.entries(options)
    .filter(([, definition]) => "description" in definition)
    .map(([long, definition]) => headOf(long, definition));
  const tags = page.tagged("OPTIONS").map(({ tag }) => tag);
  expect(tags.toSorted()).toEqual(heads.toSorted());
});

test("the manual page has the sections that people look for", () => {
  expect(page.sections).toEqual([
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "NOTES",
    "SECURITY",
    "EXAMPLES",
    "SEE ALSO",
  ]);
});

test("the manual page and CHANGELOG are those of this version", async () => {
  expect(page.title).toContain(`resourcelock ${version}`);
  const [newest] = (await readText("CHANGELOG.md")).match(/^## .*/m) ?? [];
  expect(newest).toStartWith(`## [${version}]`);
});

test.skipIf(Bun.which("groff") === null)(
  "groff has nothing to say on the manual page",
  async () => {
    const outcome = await runToEnd([
      "groff",
      "-man",
      "-ww",
      "-Tutf8",
      "-z",
      join(root, manualPagePath),
    ]);
    expect(outcome).toEqual({ status: 0, stdout: "", stderr: "" });
  },
);

/** `getLock` of `getLock({ timeout: 1 })`. */
const nameOf = (cell = "") => cell.replace(/^new /, "").replace(/\(.*/, "");

describe("the table of the library", () => {
  const { rows } = documents.library.table("Members in both spellings");
  test("names every public member of ResourceLock, and no other", () => {
    const { ResourceLock } = library;
    using lock = new ResourceLock(newLockName());
    const members = new Set([
      "ResourceLock",
      ...Object.keys(lock),
      ...Object.getOwnPropertyNames(ResourceLock.prototype),
      "[Symbol.dispose]",
    ]);
    members.delete("constructor");
    const named = rows.map(([, typeScript]) => nameOf(typeScript));
    expect(named.toSorted()).toEqual([...members].toSorted());
  });

  test("spells alike in both languages, but for underscores and capitals", () => {
    const spelled = rows.filter(([python]) => python !== "");
    expect(spelled).not.toBeEmpty();
    for (const [python, typeScript] of spelled) {
      expect(nameOf(python).replaceAll("_", "").toLowerCase()).toBe(
        nameOf(typeScript).toLowerCase(),
      );
    }
  });

  test("is followed by the members of LockGuard", () => {
    const { LockGuard } = library;
    const members = [
      ...Object.keys(new LockGuard({ token: 1, slot: 0 }, () => true)),
      ...Object.getOwnPropertyNames(LockGuard.prototype),
    ].filter((name) => name !== "constructor");
    const [sentence = ""] = /A `LockGuard` has .*/.exec(documents.library.text) ?? [];
    for (const member of [...members, "[Symbol.dispose]"]) {
      expect(sentence).toContain(`\`${member}`);
    }
  });

  test("is followed by every error that the library exports, and no other", () => {
    const errors = Object.entries(library)
      .filter(([, value]) => value.prototype instanceof Error)
      .map(([name]) => name);
    const named = documents.library.table("Errors").rows.map(([name = ""]) => name);
    expect(named.toSorted()).toEqual(errors.toSorted());
  });
});

/** The fields of each object that was printed. */
function fieldsOf(lines: string): string[][] {
  return lines
    .trimEnd()
    .split("\n")
    .map((line) => Object.keys(JSON.parse(line)).toSorted());
}

test("the table of JSON fields has those that each command prints", async () => {
  const { rows } = documents.json.table("JSON");
  const documented = (call: string) =>
    rows
      .filter(([, of = ""]) => of === "all" || of.split(", ").includes(call))
      .map(([field = ""]) => field)
      .toSorted();
  const name = newLockName();

  const { stdout } = await resourcelock("get", name, "-a", "0", "--json");
  expect(fieldsOf(stdout)).toEqual([documented("get"), documented("get -a")]);
  await resourcelock("get", name);
  const refused = await resourcelock("get", name, "-n", "--json");
  const granted = documented("get").filter((field) => field !== "token");
  expect(fieldsOf(refused.stdout)).toEqual([
    [...new Set([...granted, ...documented("get refused")])].toSorted(),
  ]);
  for (const command of ["unget", "state", "wait", "info"]) {
    const printed = await resourcelock(command, name, "--json");
    expect(fieldsOf(printed.stdout)).toEqual([documented(command)]);
  }
  const trace = start([binary, "trace", name, "-u", "1h", "--json"]);
  expect(fieldsOf(await trace.stdout.until("\n"))).toEqual([documented("trace")]);
  trace.signal("SIGINT");
  await trace.end();
  const list = await resourcelock("list", "--json");
  expect(fieldsOf(list.stdout)[0]).toEqual(documented("list"));
  const removal = await resourcelock("remove", name, "--json");
  expect(fieldsOf(removal.stdout)).toEqual([documented("remove")]);
});

test("the table of the columns of list is that of the program", () => {
  const { head, rows } = documents.monitoring.table("The locks of a host");
  expect(head).toEqual(["column", "JSON", "what it tells"]);
  expect(rows).toEqual(
    listColumns.map(({ head: column, field, description }) => [column, field, description]),
  );
});

test("the documentation and the manual page have the states and the metrics that list tells", async () => {
  const source = await readText("src/lock/status.ts");
  const [, union = ""] = /type LockCondition =([^;]*);/.exec(source) ?? [];
  const states = [...union.matchAll(/"(\w+)"/g)].map(([, state = ""]) => state);
  const { stdout } = await resourcelock("list", "--prometheus");
  const metrics = [...stdout.matchAll(/^# TYPE (\w+)/gm)].map(([, metric = ""]) => metric);
  expect([states.length > 0, metrics.length > 0]).toEqual([true, true]);
  const { text: command = "" } = page.tagged("COMMANDS").find(({ tag }) => tag === "list") ?? {};
  const { text: option = "" } =
    page.tagged("OPTIONS").find(({ tag }) => tag === "--prometheus") ?? {};
  for (const state of states) {
    expect([command, documents.json.text]).toEqual([
      expect.stringContaining(state),
      expect.stringContaining(`\`${state}\``),
    ]);
  }
  for (const metric of metrics) {
    expect([option, documents.monitoring.text]).toEqual([
      expect.stringContaining(metric),
      expect.stringContaining(`\`${metric}\``),
    ]);
  }
});

test("the table of holders and waiters has the fields that state prints", async () => {
  const { rows } = documents.json.table("Holders and waiters");
  const documented = (of: string) =>
    rows
      .filter(([, which = ""]) => which === "both" || which === of)
      .map(([field = ""]) => field)
      .toSorted();
  const name = newLockName();
  const attached = start([binary, "get", name, "-q", "-a", "1h"]);
  const isHeld = `until ! "$RESOURCELOCK" state ${name} --check; do sleep 0.01; done`;
  await runToEnd(["sh", "-c", isHeld]);
  const waiter = start([binary, "get", name, "-q", "-t", "1h"]);
  const printed = async () => JSON.parse((await resourcelock("state", name, "--json")).stdout);
  let state = await printed();
  while (state.waiters.length === 0) state = await printed();
  attached.signal("SIGTERM");
  await waiter.end();
  const { holders } = await printed();
  expect(holders[0].attachment).toBe("detached");
  for (const holder of [...state.holders, ...holders]) {
    expect(Object.keys(holder).toSorted()).toEqual(documented("holders"));
  }
  for (const one of state.waiters) {
    expect(Object.keys(one).toSorted()).toEqual(documented("waiters"));
  }
});

test("the documentation and the manual page have the fields and the endings of a request in the history", async () => {
  const name = newLockName();
  await resourcelock("run", name, "--", "true");
  const { stdout } = await resourcelock("history", name, "--json");
  const { rows } = documents.json.table("Requests in the history");
  const fields = rows.map(([field = ""]) => field);
  const ofThisHost = rows.filter(([, meaning = ""]) => !meaning.startsWith("only with --server"));
  expect(fieldsOf(stdout)).toEqual([ofThisHost.map(([field = ""]) => field).toSorted()]);
  const source = await readText("src/lock/status.ts");
  const [, union = ""] = /ending:([^;]*);/.exec(source) ?? [];
  const endings = [...union.matchAll(/"(\w+)"/g)].map(([, ending = ""]) => ending);
  expect(endings).not.toBeEmpty();
  const named = documents.monitoring.table("Watching locks").rows;
  expect(named.map(([, ending = ""]) => ending)).toEqual(endings);
  expect(named.map(([text = ""]) => text)).toEqual(Object.values(endingTexts));
  const { text = "" } = page.tagged("OPTIONS").find(({ tag }) => tag === "--json") ?? {};
  for (const word of [...fields, ...endings]) expect(text).toContain(word);
});

test("the documentation and the manual page have each way in which a lock can be held", async () => {
  const source = await readText("src/lock/status.ts");
  const [, union = ""] = /export type Attachment = (.*);/.exec(source) ?? [];
  const attachments = [...union.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name);
  expect(attachments).not.toBeEmpty();
  const { rows } = documents.guide.table("Who holds, who waits");
  expect(rows.map(([name = ""]) => name).toSorted()).toEqual(attachments.toSorted());
  const { text = "" } = page.tagged("OPTIONS").find(({ tag }) => tag === "--json") ?? {};
  for (const name of attachments) expect(text).toContain(name);
});

test("the table of findings has the fields that doctor prints", async () => {
  const { rows } = documents.json.table("Findings in JSON");
  const documented = rows.flatMap(([fields = ""]) => fields.split(", ")).toSorted();
  const { stdout } = await resourcelock("doctor", "--json");
  for (const fields of fieldsOf(stdout)) expect(fields).toEqual(documented);
});

test("the table of checks has those that doctor makes, in their order", async () => {
  const name = newLockName();
  await resourcelock("get", "-q", name);
  const { stdout } = await resourcelock("doctor", "--json", "-v");
  const checks = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).check);
  const documented = documents.monitoring
    .table("Is this host all right?")
    .rows.map(([check = ""]) => check);
  expect(documented).toEqual([...new Set(checks)]);
});

/** The words that can stand at the end of a command line, each with what it means. */
const answer = async (...words: string[]) => {
  const { stdout } = await resourcelock("complete", "fish", "--", ...words);
  return stdout
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split("\t"));
};

describe("completions", () => {
  test("have the commands that --help has, each with what it does", async () => {
    const told = Object.entries((await factsOfHelp()).commands);
    const offered = (await answer("")).map(([name = "", text = ""]) => [name, text]);
    expect(offered).toEqual(told.map(([call, text]) => [call.split(" ")[0] ?? "", text]));
  });

  test("have the options that --help has of each command, by all their names", async () => {
    const facts = await factsOfHelp();
    for (const [name, told] of Object.entries(facts.options)) {
      const names = told.flatMap((head) => head.match(/(?<=^|, )--?[\w-]+/g) ?? []);
      const offered = (await answer(name, "-")).map(([option = ""]) => option);
      expect([name, ...offered.toSorted()]).toEqual([name, ...names.toSorted()]);
    }
  });

  test("are there for the shells that the documentation names", async () => {
    const shells = documents.monitoring.table("Completions").rows.map(([shell = ""]) => shell);
    expect((await answer("complete", "")).map(([shell = ""]) => shell)).toEqual(shells);
    const { stdout: help } = await resourcelock("complete", "--help");
    const { text = "" } = page.tagged("COMMANDS").find(({ tag }) => tag === "complete SHELL") ?? {};
    for (const [, line = "", file = ""] of documents.monitoring.table("Completions").rows) {
      const [path = ""] = file.split(",");
      for (const told of [help, text]) {
        expect(told).toContain(line);
        expect(told).toContain(path);
      }
    }
  });
});

test("the documentation and the manual page have the variables that a command finds", async () => {
  const { stdout } = await resourcelock("run", newLockName(), "--slots", "a,b", "--", "env");
  const set = [...stdout.matchAll(/^RESOURCELOCK_\w+(?==)/gm)]
    .map(([variable]) => variable)
    .filter((variable) => process.env[variable] === undefined);
  expect(set).not.toBeEmpty();
  const named = documents.reference
    .table("What the command finds")
    .rows.map(([variable = ""]) => variable)
    // Those of another program are set with --server only: see test/etcd.
    .filter((variable) => !variable.startsWith("ETCD_"));
  expect(named.toSorted()).toEqual(set.toSorted());
  const described = page.tagged("ENVIRONMENT").map(({ tag }) => tag);
  for (const variable of set) expect(described).toContain(variable);
});

/** The anchor that GitHub gives to a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

test.each([...documentPaths, "CONTRIBUTING.md"])(
  "%s has links to headings and files that are there",
  async (path) => {
    const text = await readText(path);
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
    expect(links).not.toBeEmpty();
    for (const link of links.filter((one) => !one.startsWith("https:"))) {
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      accessSync(join(root, target));
      if (anchor === undefined) continue;
      const headings = [...(await readText(target)).matchAll(/^#+ (.*)$/gm)].map(
        ([, heading = ""]) => heading,
      );
      expect(headings.map(anchorOf)).toContain(anchor);
    }
  },
);

describe("the tables for those who come from another program", () => {
  const peers = ["flock", "sem", "setlock", "cjnfuncs"];

  test.each(peers)("%s names options that resourcelock has", (peer) => {
    const { head, rows } = documents.migrating.table(peer);
    expect(head).toEqual([peer, "resourcelock", "what differs"]);
    const known = Object.entries(options).flatMap(([long, definition]) =>
      [long, ...aliasesOf(definition)].map((name) => `${name.length > 1 ? "--" : "-"}${name}`),
    );
    const named = rows.flatMap(
      ([, ours = ""]) => ours.match(/(?<=^|[ "(])--?[a-zA-Z][\w-]*/g) ?? [],
    );
    expect(named).not.toBeEmpty();
    for (const option of named) expect(known).toContain(option);
  });

  test("leave out no option of the manual page of flock", async () => {
    const { stdout } = await runToEnd(["flock", "--help"]);
    const theirs = [...stdout.matchAll(/^ +(-\w), (--[\w-]+)/gm)].flatMap(([, ...names]) => names);
    expect(theirs).not.toBeEmpty();
    const told = documents.migrating
      .table("flock")
      .rows.map(([cell = ""]) => cell)
      .join(" ");
    for (const name of theirs) {
      if (!["-h", "--help", "-V", "--version"].includes(name)) expect(told).toContain(name);
    }
  });
});

test("README names every command of the program, and no other", () => {
  const named = documents.readme.table("Commands").rows.flatMap(([cell = ""]) => cell.split(", "));
  expect(named.toSorted()).toEqual(Object.keys(program.options).toSorted());
});

test("README links to every page of docs", () => {
  for (const path of documentPaths.filter((one) => one !== "README.md")) {
    expect(documents.readme.text).toContain(`](${path})`);
  }
});
