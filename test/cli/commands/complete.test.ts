/** Completions: what can stand where, and real shells that complete by it. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../../package.json";
import { commandNames as namesIn, loadCommand } from "../../../src/cli/arguments/command.ts";
import { aliasesOf } from "../../../src/cli/arguments/words.ts";
import { root } from "../../../src/cli/root.ts";
import { casesOf, haveTools, newLockName, resourcelock } from "../../support/binary.ts";
import { newDirectory } from "../../support/directory.ts";
import { newHeldLock, objectsOf, printed } from "./scenario.ts";
import { type ShellName, Terminal } from "./terminal.ts";

const shells = ["bash", "zsh", "fish"] as const;

/** The lines that a shell gets for the words up to its cursor. */
async function answer(shell: "zsh" | "fish", ...words: string[]): Promise<string[]> {
  const { status, stdout, stderr } = await resourcelock("complete", shell, "--", ...words);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return stdout.trimEnd().split("\n");
}

/** The words that can stand at the cursor. */
async function wordsAt(...words: string[]): Promise<string[]> {
  const [first, ...lines] = await answer("fish", ...words);
  expect(first).toBe("words");
  return lines.map((line) => line.split("\t")[0] ?? "");
}

/** What bash gets to put in the place of the last `replaced` of a line. */
async function inBash(line: string, replaced: string): Promise<string[]> {
  const { stdout } = await resourcelock("complete", "bash", "--", `resourcelock ${line}`, replaced);
  return stdout.trimEnd().split("\n").slice(1);
}

const commandNames = await namesIn(root);

describe("complete", () => {
  test.each(shells)("%s prints the script of that shell, as it stands in src", async (shell) => {
    const script = readFileSync(
      join(import.meta.dir, `../../../src/cli/completion/completion.${shell}`),
      "utf8",
    );
    expect(await resourcelock("complete", shell)).toEqual(printed(script));
  });

  test("refuses a shell that it does not know, and none", async () => {
    const unknown = await resourcelock("complete", "toString");
    expect(unknown).toMatchObject({ status: 64, stdout: "" });
    expect(unknown.stderr).toContain("choose one of bash, zsh, fish");
    expect(await resourcelock("complete")).toMatchObject({ status: 64, stdout: "" });
  });

  test("says of each command what it does, and of each option", async () => {
    expect(await answer("fish", "ge")).toContain(
      "get\tTake a lock and leave it taken, until unget",
    );
    expect(await answer("zsh", "ge")).toContain("get:Take a lock and leave it taken, until unget");
    expect(await answer("fish", "get", "-")).toContain(
      "--json\tprint results as JSON, one object a line",
    );
  });
});

describe("the words that can stand", () => {
  test("first are the commands, and once there is a letter the locks", async () => {
    const name = await newHeldLock();
    expect(await wordsAt("")).toEqual(commandNames);
    expect(await wordsAt("t")).toEqual(expect.arrayContaining([...commandNames, name]));
  });

  test("behind a lock's name are the commands that take one", async () => {
    const words = await wordsAt("demo", "");
    expect(words).toContain("state");
    expect(words).not.toContain("man");
    expect(await wordsAt("demo", "-v", "")).toEqual(words);
  });

  test("behind a command are the locks of this moment", async () => {
    const name = newLockName();
    expect(await wordsAt("state", "")).not.toContain(name);
    await resourcelock("get", "-q", name);
    for (const words of [["state"], ["get", "-t", "5"], ["get", "-vt5"], ["unget", "--json"]]) {
      expect(await wordsAt(...words, "")).toContain(name);
    }
    expect(objectsOf(name)).toHaveLength(3);
  });

  test("behind a command that takes one lock, and a name, in either order, is no other name", async () => {
    await newHeldLock();
    expect(await wordsAt("get", "demo", "")).toEqual([]);
    expect(await wordsAt("demo", "get", "")).toEqual([]);
    expect(await wordsAt("demo", "what", "")).toEqual([]);
  });

  test("behind trace, history and one lock are the others", async () => {
    const [one, other] = [await newHeldLock(), await newHeldLock()];
    expect(await wordsAt("history", "")).toEqual(expect.arrayContaining([one, other]));
    for (const words of [
      ["history", one],
      ["trace", one],
      ["trace", "-u", "1", one],
      [one, "trace"],
    ]) {
      const names = await wordsAt(...words, "");
      expect(names).toContain(other);
      expect(names).not.toContain(one);
    }
    expect(await wordsAt("trace", "-u", "")).toEqual([]);
  });

  test("in the list of run are the locks that are not in it, and can be", async () => {
    const [one, other, comma] = [await newHeldLock(), await newHeldLock(), newLockName("a,b")];
    await resourcelock("get", "-q", `/${comma}`);
    const words = await wordsAt("run", `${one},`);
    expect(words).toContain(`${one},${other}`);
    expect(words).not.toContain(`${one},${one}`);
    expect(words.filter((word) => word.includes(comma))).toEqual([]);
  });

  test("where a name would be taken for something else has a slash before it", async () => {
    const [comma, dash] = [newLockName("a,b"), `-${newLockName()}`];
    await resourcelock("get", "-q", `/${comma}`);
    await resourcelock("get", "-q", `/${dash}`);
    for (const command of ["run", "state"]) {
      const words = await wordsAt(command, "");
      expect(words).toContain(`/${comma}`);
      expect(words).toContain(`/${dash}`);
      expect(words).not.toContain(comma);
      expect(words).not.toContain(dash);
    }
    for (const name of [comma, dash]) {
      expect(await resourcelock("state", `/${name}`, "--check")).toMatchObject({ status: 1 });
    }
  });

  test("where an option has its value are none that are not its values", async () => {
    await newHeldLock();
    for (const words of [["get", "-t"], ["get", "x", "-m"], ["--owner-pid"], ["run", "-qE"]]) {
      expect(await wordsAt(...words, "")).toEqual([]);
    }
    expect(await wordsAt("get", "--get-timeout=")).toEqual([]);
  });

  test("where an option has one of a few words are those", async () => {
    expect(await wordsAt("list", "--sort", "")).toEqual(["held", "name", "age"]);
    expect(await wordsAt("list", "--sort=")).toEqual(["--sort=held", "--sort=name", "--sort=age"]);
  });

  test.each(commandNames)("behind %s and a dash are its options, by both names", async (name) => {
    const words = Object.entries((await loadCommand(root, name))?.args ?? {})
      .filter(([, { type, description }]) => type !== "positional" && description !== undefined)
      .flatMap(([long, definition]) => {
        const [letter] = aliasesOf(definition);
        return letter === undefined ? [`--${long}`] : [`--${long}`, `-${letter}`];
      });
    expect(await wordsAt(name, "-")).toEqual(words);
    expect(await wordsAt("demo", name, "--")).toEqual(words);
  });

  test("behind an option that was given is not that option", async () => {
    const words = await wordsAt("get", "x", "-qt5", "-");
    expect(words).toContain("--json");
    for (const word of ["-q", "--quiet", "-t", "--get-timeout"]) expect(words).not.toContain(word);
  });

  test("behind a dash without a command are the program's options", async () => {
    expect(await wordsAt("-")).toEqual(["--help", "-h", "--version", "-V"]);
  });

  test("after help are the commands", async () => {
    expect(await wordsAt("help", "")).toEqual(commandNames);
    expect(await wordsAt("help", "get", "")).toEqual([]);
  });

  test("behind complete are the shells", async () => {
    expect(await wordsAt("complete", "")).toEqual([...shells]);
  });

  test("behind -- are another command's for run, and a name that looks like an option for others", async () => {
    expect(await answer("fish", "run", "demo", "--", "ec")).toEqual(["command", "3"]);
    const words = ["demo", "run", "-q", "--", "grep", "--", "-"];
    expect(await answer("zsh", ...words)).toEqual(["command", "4"]);
    const name = newLockName();
    await resourcelock("get", "-q", "--", `-${name}`);
    expect(await wordsAt("state", "--", "-")).toContain(`-${name}`);
    expect(await wordsAt("state", "")).not.toContain(`-${name}`);
    expect(await wordsAt("--", "")).toEqual([]);
  });

  test("after the lock's name of run are another command's, and options of run before it", async () => {
    expect(await answer("fish", "run", "demo", "")).toEqual(["command", "2"]);
    expect(await answer("fish", "demo", "run", "-q", "gr")).toEqual(["command", "3"]);
    expect(await answer("fish", "run", "-t", "5", "demo", "grep", "-")).toEqual(["command", "4"]);
    expect(await wordsAt("run", "demo", "-")).toContain("--shared");
  });

  test("where the line is wrong already are none", async () => {
    expect(await wordsAt("get", "--json=1", "")).toEqual([]);
  });

  test("never are names that a terminal would act upon", async () => {
    const name = newLockName("\u001B[31m\n");
    await resourcelock("get", "-q", name);
    const { stdout } = await resourcelock("complete", "fish", "--", "state", "");
    expect(stdout).not.toContain("\u001B");
    await resourcelock("unget", "-q", name);
  });
});

describe("in bash the words", () => {
  test.each([
    ["state NAME", "", String.raw` \$\(x\)\!c:d`],
    ['state "NAME', "", String.raw` \$(x)"'!'"c:d`],
    ["state 'NAME", "", " $(x)!c:d"],
  ])("that stand in place of the end of %s%s are quoted as that is", async (line, _, rest) => {
    const name = newLockName(" $(x)!c:d");
    await resourcelock("get", "-q", name);
    const start = name.slice(0, -" $(x)!c:d".length);
    expect(await inBash(line.replace("NAME", start), start)).toEqual([
      `${start}${line.includes('"') || line.includes("'") ? rest : rest.replace(" ", String.raw`\ `)}`,
    ]);
  });

  test("stand in place of what bash replaces, which is less than the word", async () => {
    const name = newLockName("a:b=c");
    await resourcelock("get", "-q", name);
    const colon = name.lastIndexOf(":") + 1;
    expect(await inBash(`state ${name.slice(0, colon)}`, "")).toEqual(["b=c"]);
    expect(await inBash(`state ${name.slice(0, -1)}`, "")).toEqual(["c"]);
  });
});

/** Has a shell read the script that the binary prints. */
const setups: Record<ShellName, string> = {
  bash: 'eval "$(resourcelock complete bash)"',
  zsh: 'autoload -Uz compinit; compinit -u -D; eval "$(resourcelock complete zsh)"',
  fish: "resourcelock complete fish | source",
};

async function openShell(shell: ShellName, setup = ""): Promise<Terminal> {
  const terminal = await Terminal.open({ columns: 200, shell });
  await terminal.type(`${setup}${setups[shell]}; echo set ''up`);
  await terminal.see(/^set up$/m);
  return terminal;
}

const literally = (text: string) => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);

describe.each(casesOf(1, shells))("on a terminal %s", (shell) => {
  describe.skipIf(!haveTools("tmux", shell))("completes", () => {
    test("commands, options and names, so that what comes about can run", async () => {
      // What is left out of it below can only be this name's, whatever other locks there are.
      const name = newLockName("-demo");
      await resourcelock("get", "-q", name);
      const terminal = await openShell(shell);
      for (const [text, completed] of [
        ["resourcelock stat", "resourcelock state"],
        [name.slice(0, -1), name],
        ["--jso", "--json"],
      ] as const) {
        await terminal.keys(text);
        await terminal.press("Tab");
        // A shell that is still at it may take the next Tab for no more than a character.
        await terminal.see(new RegExp(literally(completed)));
      }
      await terminal.press("Enter");
      await terminal.see(new RegExp(`^{"name":"${name}"`, "m"));
    });

    test("names that have to be quoted", async () => {
      const terminal = await openShell(shell);
      for (const rest of [
        "a b",
        "it's",
        '"q"',
        "c:d=e@f",
        "$(x)`y`",
        "a\\b",
        "!#~*?[x]{a}",
        "日 ü",
      ]) {
        const name = newLockName(`-${rest}`);
        await resourcelock("get", "-q", name);
        await terminal.type("clear");
        await terminal.keys(`resourcelock state ${name.slice(0, -rest.length)}`);
        await terminal.press("Tab");
        await terminal.press("Enter");
        await terminal.see(new RegExp(`^${literally(name)}: held`, "m"));
      }
    });

    test("a name within quotes, and one of which a part is quoted", async () => {
      const terminal = await openShell(shell);
      for (const quote of [
        (text: string) => `'${text}`,
        (text: string) => `"${text}`,
        (text: string) => text.replace(" ", String.raw`\ `),
      ]) {
        const name = newLockName("-a b$c");
        await resourcelock("get", "-q", name);
        await terminal.type("clear");
        await terminal.keys(`resourcelock state ${quote(name.slice(0, -"b$c".length))}`);
        await terminal.press("Tab");
        await terminal.press("Enter");
        await terminal.see(new RegExp(`^${literally(name)}: held`, "m"));
      }
    });

    test("behind the -- of run files, as behind any command", async () => {
      const directory = newDirectory();
      await Bun.write(join(directory, "afile.txt"), "what is in it\n");
      const terminal = await openShell(shell);
      await terminal.keys(`resourcelock run ${newLockName()} -- cat ${directory}/afi`);
      await terminal.press("Tab");
      await terminal.press("Enter");
      await terminal.see(/^what is in it$/m);
    });

    test("after the name of run files, as after any command", async () => {
      const directory = newDirectory();
      await Bun.write(join(directory, "afile.txt"), "what is in it\n");
      const terminal = await openShell(shell);
      await terminal.keys(`resourcelock run ${newLockName("a:b=c")} cat ${directory}/afi`);
      await terminal.press("Tab");
      await terminal.press("Enter");
      await terminal.see(/^what is in it$/m);
    });

    test("behind the -- of run commands, and then as those say", async () => {
      const completion = "/usr/share/bash-completion/bash_completion";
      if (shell === "bash" && !existsSync(completion)) {
        expect(process.env["RESOURCELOCK_REQUIRE_TOOLS"]).toBeUndefined();
        return;
      }
      const terminal = await openShell(shell, shell === "bash" ? `. ${completion}; ` : "");
      await terminal.keys(`resourcelock run ${newLockName()} -- resourceloc`);
      await terminal.press("Tab");
      await terminal.keys("--vers");
      await terminal.press("Tab");
      await terminal.press("Enter");
      await terminal.see(new RegExp(`^resourcelock ${literally(version)}$`, "m"));
    });
  });
});
