/** Runs a command line through citty's own reading of words, as a program that has our tree in its own would. */
import { runCommand } from "citty";
import { root } from "../../../src/cli/root.ts";

await runCommand(root, { rawArgs: process.argv.slice(2) });
