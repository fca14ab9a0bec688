/** `man`: shows the manual page. */
import { defineCommand } from "citty";
import { isTerminal } from "../../posix/file.ts";
import { options } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { diagnostics, printLine } from "../terminal/output.ts";
import page from "../manual/resourcelock.1" with { type: "text" };

const stdout = 1;

export default defineCommand({
  meta: {
    name: "man",
    group: "Help",
    description: "Show the manual page; piped, print its source",
    examples: [
      ["man", "in the pager"],
      ["man > resourcelock.1", "to install the page"],
    ],
    notes: [
      "The source is what resourcelock man > resourcelock.1 writes; on a host without man(1), a terminal gets it too.",
    ],
  },
  args: { help: options.help },
  async run() {
    if (isTerminal(stdout)) {
      if (Bun.which("man") !== null) return show();
      diagnostics().warn("man is not installed; this is the source of the page");
    }
    printLine(page.trimEnd());
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
