/** `complete`: prints what makes a shell complete this program's command lines. */
import { lockNamesOnHost } from "../../host/objects/files.ts";
import { options } from "../arguments/arguments.ts";
import { readBashLine, writeBashWord } from "../completion/bash-line.ts";
import { command } from "../arguments/command.ts";
import { type Candidate, candidatesAt } from "../completion/completion.ts";
import bashScript from "../completion/completion.bash" with { type: "text" };
import fishScript from "../completion/completion.fish" with { type: "text" };
import zshScript from "../completion/completion.zsh" with { type: "text" };
import { escapeControls } from "../terminal/escape.ts";
import { exitCodes } from "../exit-code.ts";
import { printLine } from "../terminal/output.ts";
import { UsageError } from "../arguments/usage-error.ts";

/** The completions of a shell. */
interface Shell {
  script: string;
  /**
   * The lines that answer its script's call: `words` and then the words that can stand at the cursor, in the
   * form that it wants them in; or `command`, where the line of another program is to be completed.
   *
   * @param rest what the script gives: for bash the line up to the cursor and the part of it that is replaced,
   *   for the others the words up to the cursor
   */
  answer(rest: readonly string[]): Promise<string[]>;
}

const shells: Readonly<Record<string, Shell>> = Object.assign(Object.create(null), {
  bash: { script: bashScript, answer: answerBash },
  zsh: { script: zshScript, answer: (words) => answer(words, zshLine) },
  fish: { script: fishScript, answer: (words) => answer(words, fishLine) },
} satisfies Record<string, Shell>);

export default command({
  name: "complete",
  description: "Print the completions for a shell: bash, zsh or fish",
  args: {
    shell: {
      type: "positional",
      required: true,
      valueHint: Object.keys(shells).join("|"),
      description: "the shell",
    },
    help: options.help,
  },
  takesRest: true,
  notes: [
    "For every session, write the line into the file:",
    '  ~/.bashrc                   eval "$(resourcelock complete bash)"',
    '  ~/.zshrc, below compinit    eval "$(resourcelock complete zsh)"',
    "  ~/.config/fish/config.fish  resourcelock complete fish | source",
  ],
  async run({ args, rest }) {
    const shell = shells[args.shell];
    if (shell === undefined) {
      throw new UsageError(
        `there are no completions for ${JSON.stringify(args.shell)}: choose one of ${Object.keys(shells).join(", ")}`,
      );
    }
    const text =
      rest === undefined ? shell.script.trimEnd() : (await shell.answer(rest)).join("\n");
    printLine(text);
    return exitCodes.done;
  },
});

async function answer(
  words: readonly string[],
  lineOf: (candidate: Candidate) => string,
): Promise<string[]> {
  const candidates = await candidatesAt(words, showableLockNames);
  return candidates === undefined ? ["command"] : ["words", ...candidates.map(lineOf)];
}

/** A name with control characters would be shown as it is by some shells, and a line does not hold each. */
function showableLockNames(): string[] {
  return lockNamesOnHost().filter((name) => escapeControls(name) === name);
}

/** bash does not look at what it replaces: it gets the words that begin with that, quoted as that is. */
async function answerBash([line = "", replaced = ""]: readonly string[]): Promise<string[]> {
  const whole = readBashLine(line);
  const kept = readBashLine(line.slice(0, line.length - replaced.length));
  if (whole === undefined || kept === undefined) return ["words"];
  const [current = "", before = ""] = [whole.words.at(-1), kept.words.at(-1)];
  const candidates = await candidatesAt(whole.words.slice(1), showableLockNames);
  if (candidates === undefined) return ["command"];
  const words = candidates.map(({ word }) => word).filter((word) => word.startsWith(current));
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
