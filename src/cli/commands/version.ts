/** `version`: the program's, as --version. */
import { defineCommand } from "citty";
import { version } from "../../../package.json";
import { options } from "../arguments/options.ts";
import { exitCodes } from "../exit-code.ts";
import { printLine } from "../terminal/output.ts";

export default defineCommand({
  meta: { name: "version", group: "Help", description: "Print the version" },
  args: { help: options.help },
  run() {
    printLine(`resourcelock ${version}`);
    return exitCodes.done;
  },
});
