/** `man`: shows the manual page. */
import { defineCommand } from "citty";
import { isTerminal } from "../../posix/file.ts";
import { columnsOf } from "../../posix/terminal.ts";
import { options } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { printLine } from "../terminal/output.ts";
import { pageText } from "../manual/page-text.ts";
import page from "../manual/resourcelock.1" with { type: "text" };

const stdout = 1;
/** Longer lines are hard to read. */
const maxColumns = 100;

export default defineCommand({
  meta: {
    name: "man",
    group: "Help",
    description: "Show the manual page; piped, print its source",
    examples: [
      ["man", "in the pager"],
      ["man > resourcelock.1", "to install the page"],
    ],
    notes: ["Without man(1), it is shown as plain text."],
  },
  args: { help: options.help },
  async run() {
    if (!isTerminal(stdout)) printLine(page.trimEnd());
    else if (Bun.which("man") !== null) return show();
    else printLine(pageText(page, Math.min(columnsOf(stdout), maxColumns)));
    return exitCodes.done;
  },
});

/** By man(1), whose pager has the terminal: ^C is for that to act upon. */
function show(): Promise<number> {
  process.on("SIGINT", () => {});
  const man = Bun.spawn(["man", "-l", "-"], {
    stdin: new TextEncoder().encode(page),
    stdout: "inherit",
    stderr: "inherit",
  });
  return man.exited;
}
