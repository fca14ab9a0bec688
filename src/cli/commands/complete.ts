/** `complete`: prints what makes a shell complete this program's command lines. */
import { type CommandDef, defineCommand } from "citty";
import type { CallData } from "../arguments/command.ts";
import { options } from "../arguments/options.ts";
import { readBashLine, writeBashWord } from "../completion/bash-line.ts";
import { type Candidate, completionAt } from "../completion/completion.ts";
import { lockNamesOnHost } from "../engine.ts";
import bashScript from "../completion/completion.bash" with { type: "text" };
import fishScript from "../completion/completion.fish" with { type: "text" };
import zshScript from "../completion/completion.zsh" with { type: "text" };
import { escapeControls } from "../terminal/escape.ts";
import { exitCodes } from "../exit-code.ts";
import { printLine } from "../terminal/output.ts";
import { UsageError } from "../arguments/words.ts";

/** The completions of a shell. */
interface Shell {
  script: string;
  /**
   * The lines that answer its script's call: `words` and then the words that can stand at the cursor, in the form that it
   * wants them in; or `command` and where that begins, if the line of another program is to be completed.
   *
   * @param rest what the script gives: for bash the line up to the cursor and the part of it that is replaced, for the
   *   others the words up to the cursor
   */
  answer(rest: readonly string[], tree: CommandDef): Promise<string[]>;
}

const shells: Readonly<Record<string, Shell>> = Object.assign(Object.create(null), {
  bash: { script: bashScript, answer: answerBash },
  zsh: { script: zshScript, answer: (words, tree) => answer(words, tree, zshLine) },
  fish: { script: fishScript, answer: (words, tree) => answer(words, tree, fishLine) },
} satisfies Record<string, Shell>);

export default defineCommand({
  meta: {
    name: "complete",
    group: "Help",
    description: "Print the completions for a shell: bash, zsh or fish",
    takesRest: true,
    notes: [
      "To have them in every session, add the line to the shell's file:",
      '~/.bashrc: eval "$(resourcelock complete bash)"',
      '~/.zshrc, below compinit: eval "$(resourcelock complete zsh)"',
      "~/.config/fish/config.fish: resourcelock complete fish | source",
    ],
  },
  args: {
    shell: {
      type: "positional",
      required: true,
      valueHint: Object.keys(shells).join("|"),
      description: "the shell",
    },
    help: options.help,
  },
  async run({ args, data }) {
    const shell = shells[args.shell];
    if (shell === undefined) {
      throw new UsageError(
        `no completions for ${JSON.stringify(args.shell)}: choose one of ${Object.keys(shells).join(", ")}`,
      );
    }
    const given: CallData | undefined = data;
    const words = args._.slice(1);
    const isCalled = given !== undefined && words.length > 0;
    const lines = isCalled ? await shell.answer(words, given.tree) : [shell.script.trimEnd()];
    printLine(lines.join("\n"));
    return exitCodes.done;
  },
});

async function answer(
  words: readonly string[],
  tree: CommandDef,
  lineOf: (candidate: Candidate) => string,
): Promise<string[]> {
  const completion = await completionAt(words, tree, showableLockNames);
  if ("programAt" in completion) return ["command", String(completion.programAt)];
  return ["words", ...completion.candidates.map(lineOf)];
}

/** A name with control characters would be shown as it is by some shells, and a line does not hold each. */
function showableLockNames(): string[] {
  return lockNamesOnHost().filter((name) => escapeControls(name) === name);
}

/** bash does not look at what it replaces: it gets the words that begin with that, quoted as that is. */
async function answerBash(
  [line = "", replaced = ""]: readonly string[],
  tree: CommandDef,
): Promise<string[]> {
  const whole = readBashLine(line);
  const kept = readBashLine(line.slice(0, line.length - replaced.length));
  if (whole === undefined || kept === undefined) return ["words"];
  const [current = "", before = ""] = [whole.words.at(-1), kept.words.at(-1)];
  const completion = await completionAt(whole.words.slice(1), tree, showableLockNames);
  if ("programAt" in completion) {
    return ["command", String(whole.starts[completion.programAt + 1] ?? line.length)];
  }
  const words = completion.candidates
    .map(({ word }) => word)
    .filter((word) => word.startsWith(current));
  return ["words", ...words.map((word) => writeBashWord(word.slice(before.length), kept.quote))];
}

/** For `_describe`, where a colon ends the word. */
function zshLine({ word, description }: Candidate): string {
  const escaped = word.replaceAll(/[\\:]/g, String.raw`\$&`);
  return description === "" ? escaped : `${escaped}:${description}`;
}

function fishLine({ word, description }: Candidate): string {
  return description === "" ? word : `${word}\t${description}`;
}
