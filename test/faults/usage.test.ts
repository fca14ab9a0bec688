import { afterEach, describe, expect, test } from "bun:test";
import { casesOf, newLockName, resourcelock } from "../support/binary.ts";
import { filesOf, newFreeLock, removeLocks } from "./lock-files.ts";
import { expectUsageError } from "./outcome.ts";
afterEach(removeLocks);

/** The words of a command line, split at spaces; LOCK is a lock that nobody made, '' an empty word. */
async function expectWrong(commandLine: string, text: string): Promise<void> {
  const name = newLockName();
  const words = commandLine
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => (word === "''" ? "" : word.replace("LOCK", name)));
  expectUsageError(await resourcelock(...words), text.replace("LOCK", name));
  expect(filesOf(name)).toEqual({});
}

/** Those that need a lock's name. */
const commands = ["run", "get", "unget", "wait", "state"];
/** How the list of all commands begins. */
const firstCommands = "run, get, unget, wait, session, state";

describe("a command line without a command", () => {
  test.each(casesOf(1, ["-q", "--json", "-t 5", "-m get", "--"]))(
    "%j tells which commands there are",
    (words) => expectWrong(words, `a command is missing: one of ${firstCommands}`),
  );

  test.each(casesOf(1, ["LOCK", "toString", "constructor", "__proto__", "valueOf", "''"]))(
    "that is the word %j alone tells that a name needs a command",
    async (word) => {
      const shown = word === "''" ? '""' : `"${word}"`;
      await expectWrong(word, `${shown} is not a command`);
      await expectWrong(word, "put a command before it: run, get, unget, wait, state");
    },
  );
});

describe("an unknown command", () => {
  test.each(
    casesOf(1, [
      ["gte LOCK", 'unknown command "gte"; did you mean get?'],
      ["gett", 'unknown command "gett"; did you mean get?'],
      ["LOCK gett", 'unknown command "gett"; did you mean get?'],
      ["stat LOCK", 'unknown command "stat"; did you mean state?'],
      ["LOCK status", 'unknown command "status"; did you mean state?'],
      ["status LOCK", 'unknown command "status"; did you mean state?'],
      ["ls", 'unknown command "ls"; did you mean list?'],
      ["lock LOCK", 'unknown command "lock"; did you mean get or run?'],
      ["LOCK lock", 'unknown command "lock"; did you mean get or run?'],
      ["acquire LOCK", 'unknown command "acquire"; did you mean get or run?'],
      ["unlock LOCK", 'unknown command "unlock"; did you mean unget?'],
      ["release LOCK", 'unknown command "release"; did you mean unget?'],
      ["LOCK release", 'unknown command "release"; did you mean unget?'],
      ["rm LOCK", 'unknown command "rm"; did you mean remove?'],
      ["LOCK unge -m text", 'unknown command "unge"; did you mean unget?'],
      ["rnu LOCK -- true", 'unknown command "rnu"; did you mean run?'],
      ["LOCK trcae", 'unknown command "trcae"; did you mean trace?'],
    ]),
  )("%s is told the nearest one", expectWrong);

  test.each(
    casesOf(1, [
      ["LOCK toString", '"toString"'],
      ["LOCK __proto__", '"__proto__"'],
      ["LOCK constructor", '"constructor"'],
      ["LOCK hasOwnProperty", '"hasOwnProperty"'],
      ["toString LOCK", 'neither "toString" nor "LOCK" is a command'],
      ["__proto__ LOCK", 'neither "__proto__" nor'],
      ["LOCK frobnicate", '"frobnicate"'],
      ["LOCK GET", '"GET"'],
      ["LOCK ''", '""'],
      ["LOCK x y", '"x"'],
    ]),
  )("%s that is like none is named", (words, text) => expectWrong(words, text));
});

describe("two commands are refused, and neither is taken for a lock:", () => {
  test.each(
    casesOf(1, [
      ["get state", '"get" and "state" are both commands; for a lock "state", write "/state"'],
      ["list get", '"list" and "get" are both commands; for a lock "list", write "/list get"'],
      ["run get true", '"run" and "get" are both commands'],
      ["get help", '"get" and "help" are both commands'],
      ["wait -t 1 list", '"wait" and "list" are both commands'],
      ["trace LOCK get", '"trace" and "get" are both commands'],
    ]),
  )("%s", expectWrong);
});

test("a lock may have the name of a command, with a slash before it", async () => {
  for (const name of ["state", "version"]) {
    expect(await resourcelock("wait", `/${name}`)).toEqual({ status: 0, stdout: "", stderr: "" });
  }
});

describe("an unknown option", () => {
  test.each(
    casesOf(1, [
      ["get LOCK --jsn", "unknown option --jsn; did you mean --json?"],
      ["get LOCK --mess text", "unknown option --mess; did you mean --message?"],
      ["get LOCK --get-timout=5", "unknown option --get-timout; did you mean --get-timeout?"],
      ["get --mesage text LOCK", "unknown option --mesage; did you mean --message?"],
      ["--quite LOCK state", "unknown option --quite; did you mean --quiet?"],
      ["trace LOCK --updat 1", "unknown option --updat; did you mean --update?"],
      ["run LOCK --nonblok -- true", "unknown option --nonblok; did you mean --nonblock?"],
      ["--hlep", "unknown option --hlep; did you mean --help?"],
      ["--verion", "unknown option --verion; did you mean --version?"],
    ]),
  )("%s is told the nearest one", expectWrong);

  test.each(
    casesOf(1, [
      ["get LOCK -Z", "-Z"],
      ["get LOCK -qZ", "-Z"],
      ["get LOCK -Zq", "-Z"],
      ["get LOCK --frobnicate", "--frobnicate"],
      ["get LOCK --frobnicate=-1", "--frobnicate"],
      ["LOCK --frobnicate get", "--frobnicate"],
      ["get LOCK --toString", "--toString"],
      ["get LOCK --__proto__", "--__proto__"],
      ["get LOCK --constructor=1", "--constructor"],
      ["get LOCK --no-json", "--no-json"],
      ["get LOCK --no-quiet", "--no-quiet"],
      ["get LOCK --get-timeout.x=1", "--get-timeout.x"],
      ["get LOCK -1", "-1"],
      ["get LOCK ---", "---"],
      ["get LOCK --=1", "--"],
      ["-X", "-X"],
      ["--frobnicate", "--frobnicate"],
    ]),
  )("%s that is like none is named", (words, option) =>
    expectWrong(words, `unknown option ${option}`),
  );

  test.each(
    casesOf(1, [
      ["get LOCK --check", "--check"],
      ["state LOCK -t 5", "-t"],
      ["state LOCK --message=text", "--message"],
      ["get LOCK -u 3", "-u"],
      ["unget LOCK -a 1", "-a"],
      ["trace LOCK --get-timeout 1", "--get-timeout"],
      ["get LOCK -x", "-x"],
      ["state LOCK -w 5", "-w"],
      ["get LOCK -c true", "-c"],
      ["run LOCK --json -- true", "--json"],
      ["run LOCK -a 1 -- true", "-a"],
    ]),
  )("%s is an option of another command", (words, option) =>
    expectWrong(words, `unknown option ${option}`),
  );
});

describe("an option's value", () => {
  test.each(
    casesOf(1, [
      ["get LOCK -t", "-t needs a value"],
      ["get LOCK --get-timeout", "--get-timeout needs a value"],
      ["get LOCK -m", "-m needs a value"],
      ["get LOCK -qm", "-m needs a value"],
      ["get LOCK -a", "-a needs a value"],
      ["get LOCK -E", "-E needs a value"],
      ["unget LOCK --message", "--message needs a value"],
      ["trace LOCK -u", "-u needs a value"],
      ["run LOCK -c", "-c needs a value"],
      ["run LOCK -E -- true", "-E needs a value"],
      ["run LOCK -t -- true", "-t needs a value"],
      ["run LOCK -m -- true", "-m needs a value"],
      ["get LOCK -t -q", "-t needs a value; if -q is its value, write -t-q"],
      ["get LOCK -m --json", "-m needs a value; if --json is its value, write -m--json"],
      ["get LOCK --message -q", "--message needs a value; if -q is its value, write --message=-q"],
      ["get -t", "-t needs a value"],
    ]),
  )("%s is missing", expectWrong);

  test.each(
    casesOf(1, [
      ["get LOCK --json=1", "--json takes no value"],
      ["get LOCK --quiet=", "--quiet takes no value"],
      ["state LOCK --check=false", "--check takes no value"],
      ["run LOCK --nonblock=yes -- true", "--nonblock takes no value"],
      ["get LOCK --help=1", "--help takes no value"],
      ["--version=2", "--version takes no value"],
    ]),
  )("%s is not wanted", expectWrong);
});

describe("a time", () => {
  const notTimes =
    "'' abc NaN nan 1e 0x10 1,5 ++1 5y 1.5.5 s . 1h30 30m1 ٣ 1__000 true null 1S".split(" ");

  test.each(casesOf(1, notTimes))("of %s is refused", async (time) => {
    for (const option of ["--get-timeout", "--auto-unget"]) {
      await expectWrong(`get LOCK ${option} ${time}`, `${option}: `);
      await expectWrong(`get LOCK ${option} ${time}`, "is not a duration");
    }
    await expectWrong(`run LOCK -t ${time} -- true`, "--get-timeout: ");
    await expectWrong(`trace LOCK -u ${time}`, "--update: ");
  });

  test.each(casesOf(1, ["-2", "-0.5", "-1s", "-1.5", "-10", "-1ms", "-Infinity"]))(
    "to wait of %s is refused, as -1 alone means forever",
    async (time) => {
      const text = `--get-timeout: "${time}" is negative; -1 alone means forever`;
      await expectWrong(`get LOCK -t ${time}`, text);
      await expectWrong(`get LOCK -t${time}`, text);
      await expectWrong(`LOCK get --get-timeout=${time}`, text);
      await expectWrong(`run LOCK -t ${time} -- true`, text);
    },
  );

  test.each(casesOf(1, ["-1", "-0.5", "-1s"]))(
    "of %s to hold or to pause is refused",
    async (time) => {
      await expectWrong(`get LOCK -a ${time}`, `--auto-unget: "${time}"`);
      await expectWrong(`get LOCK --auto-unget=${time}`, `--auto-unget: "${time}"`);
      await expectWrong(`trace LOCK -u ${time}`, `--update: "${time}"`);
    },
  );

  test.each(
    casesOf(1, [
      "2073601",
      "577h",
      "25d",
      "34561m",
      "2073600001ms",
      "99999999999",
      "9".repeat(400),
    ]),
  )("of %s is refused, as it is longer than 24 days", async (time) => {
    await expectWrong(`get LOCK -t ${time}`, "--get-timeout: ");
    await expectWrong(`get LOCK -t ${time}`, "is longer than 24 days");
    await expectWrong(`get LOCK -a ${time}`, "is longer than 24 days");
    await expectWrong(`trace LOCK -u ${time}`, "is longer than 24 days");
  });

  test.each(casesOf(1, ["0", "0.0001", "0.9ms", "0s"]))("to pause of %s is refused", (time) =>
    expectWrong(`trace LOCK -u ${time}`, `--update: "${time}" is shorter than 1ms`),
  );
});

describe("an exit status", () => {
  test.each(
    casesOf(1, ["-1", "256", "1.5", "abc", "1e2", "999999999999", "0x1", "+1", "''", "NaN"]),
  )("of %s is refused", async (code) => {
    const shown = code === "''" ? '""' : `"${code}"`;
    const text = `--conflict-exit-code: ${shown} is not a number from 0 to 255`;
    await expectWrong(`get LOCK -E ${code}`, text);
    await expectWrong(`run LOCK --conflict-exit-code ${code} -- true`, text);
  });
});

describe("a lock's name", () => {
  test.each(casesOf(1, [...commands, "-q get", "run -- true", "run -c true"]))(
    "is missing in %j",
    (words) => expectWrong(words, "NAME is missing"),
  );

  test("is missing before the -- of run", () =>
    expectWrong("run -- LOCK true", "NAME is missing before the --"));

  test.each(
    casesOf(1, [
      ["get LOCK y", '"y"'],
      ["LOCK get y", '"y"'],
      ["get LOCK y z", '"y"'],
      ["get LOCK -- y", '"y"'],
      ["get LOCK -m text y", '"y"'],
      ["get LOCK ''", '""'],
    ]),
  )("is one word: %s", (words, extra) => expectWrong(words, `unexpected word ${extra}`));
});

describe("run", () => {
  test.each(casesOf(1, ["run LOCK", "LOCK run", "run LOCK --", "run LOCK -t 1", "run LOCK -q --"]))(
    "without a command: %s",
    (words) => expectWrong(words, "COMMAND is missing"),
  );

  test.each(
    casesOf(1, [
      "run LOCK -c true -- true",
      "run LOCK --command=true true",
      "run -c true LOCK -- true",
      "LOCK run -c true true",
    ]),
  )("with two commands: %s", (words) => expectWrong(words, "give a COMMAND or -c, not both"));

  test.each(
    casesOf(1, ["run LOCK -Z true", "run LOCK -Z -- true", "run -Z LOCK true", "LOCK run -Z true"]),
  )("with an option before the command that it does not have: %s", (words) =>
    expectWrong(words, "unknown option -Z"),
  );
});

describe("options that exclude each other are refused:", () => {
  test.each(
    casesOf(1, [
      ["get LOCK -a 1s --owner-pid 1", "give --auto-unget or --owner-pid, not both"],
      ["run LOCK --slots 2 --shared true", "give --shared or --slots, not both"],
      ["run LOCK -n -t 5 true", "give --nonblock or --get-timeout, not both"],
      ["get LOCK -n -w 5", "give --nonblock or --get-timeout, not both"],
      ["wait LOCK -n -t 5", "give --nonblock or --get-timeout, not both"],
      ["run LOCK -x -s true", "give --exclusive or --shared, not both"],
      ["get LOCK -q -v", "give --quiet or --verbose, not both"],
      ["info LOCK --set x --stdin", "give --set or --stdin, not both"],
      ["history LOCK --json --plot", "give --plot or --json, not both"],
      ["remove LOCK --stale --force", "give --force or --stale, not both"],
      ["list --prometheus --json", "give --json or --prometheus, not both"],
    ]),
  )("%s", expectWrong);
});

describe("what would do nothing, or the opposite of what it says", () => {
  test.each([
    ["get LOCK -E 0", "--conflict-exit-code: 0 would mean that the lock was granted"],
    [
      "wait LOCK -n -E 0",
      "--conflict-exit-code: 0 would mean that the lock was granted, or is free",
    ],
    ["trace LOCK -q", "unknown option -q"],
  ])("%s", expectWrong);
});

test("wrong usage leaves a lock that is there as it is", async () => {
  const name = await newFreeLock();
  const files = filesOf(name);
  for (const words of [
    ["get", name, "--frobnicate"],
    ["get", name, "-t", "NaN"],
    ["get", name, "-E", "256"],
    ["get", name, "again"],
    ["unget", name, "--again"],
    ["unget", name, ""],
    ["run", name],
    ["run", name, "-E", "-1", "--", "true"],
    ["trace", name, "-u", "0"],
  ]) {
    expect((await resourcelock(...words)).status).toBe(64);
  }
  expect(filesOf(name)).toEqual(files);
});
