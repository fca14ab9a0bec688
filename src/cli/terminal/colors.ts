/** Colours, when they are wanted: never the only thing that tells something. */
import { obeysControls } from "../../posix/terminal.ts";
import { isCaptured } from "./output.ts";

/** SGR codes of ECMA-48: those that every theme shows legibly. */
const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

export type Style = keyof typeof codes;

/** The one rule for every screen: how a lock, or a moment in its life, is painted. */
export const lockStyles = {
  free: "dim",
  held: "green",
  contended: "yellow",
  /** Stale, damaged, or lost by force. */
  broken: "red",
  /** Nobody can tell. */
  unknown: "dim",
} as const satisfies Record<string, Style>;

/** Puts a text into a style, or leaves it as it is when no colours are wanted. */
export type Paint = (style: Style, text: string) => string;

/**
 * How to paint what goes to a descriptor: with colours on a terminal, unless `--no-color` was given or
 * NO_COLOR is set and not empty (no-color.org) or TERM is `dumb`. FORCE_COLOR (force-color.org, as CI services set
 * it) and CLICOLOR_FORCE (bixense.com/clicolors) want colours on a pipe too.
 */
export function painter(descriptor: number, noColor: boolean): Paint {
  if (!wantsColor(descriptor, noColor)) return (_, text) => text;
  return (style, text) => (text === "" ? "" : `\u001B[${codes[style]}m${text}\u001B[0m`);
}

/** Whether colours are wanted: see {@link painter}. */
export function wantsColor(descriptor: number, noColor: boolean): boolean {
  if (noColor || isCaptured() || process.env["NO_COLOR"]) return false;
  const forced = process.env["FORCE_COLOR"] || undefined;
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  if ((process.env["CLICOLOR_FORCE"] || "0") !== "0") return true;
  return obeysControls(descriptor);
}
