/** Colours, where they are wanted: never the only thing that tells something. */
import { obeysControls } from "../../posix/terminal.ts";

/** SGR codes of ECMA-48: those that every theme shows legibly. */
const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

export type Style = keyof typeof codes;

/** Puts a text into a style, or leaves it as it is where no colours are wanted. */
export type Paint = (style: Style, text: string) => string;

/**
 * How to paint what goes to a descriptor: with colours on a terminal, unless `--no-color` was given or
 * NO_COLOR is set and not empty (no-color.org) or TERM is `dumb`; CLICOLOR_FORCE, set and not 0, wants them on
 * a pipe too (bixense.com/clicolors).
 */
export function painter(descriptor: number, noColor: boolean): Paint {
  if (!wantsColor(descriptor, noColor)) return (_, text) => text;
  return (style, text) => (text === "" ? "" : `\u001B[${codes[style]}m${text}\u001B[0m`);
}

function wantsColor(descriptor: number, noColor: boolean): boolean {
  if (noColor || process.env["NO_COLOR"]) return false;
  const force = process.env["CLICOLOR_FORCE"];
  if (force !== undefined && force !== "" && force !== "0") return true;
  return obeysControls(descriptor);
}
