/** The programs that are compared, as Debian has them. */
import type { Peer } from "./peers.ts";
import { outputOf } from "./processes.ts";

/** The version of a tool, and what is needed where it is not here. */
export function tool(
  name: string,
  debianPackage: string,
  version: string[] = [],
): Pick<Peer, "version" | "missing"> {
  const missing = Bun.which(name) === null ? `package ${debianPackage}` : undefined;
  return { version: missing === undefined ? versionOf(version, debianPackage) : "-", missing };
}

/** What it says itself, else what the Debian package says. */
export function versionOf(words: readonly string[], debianPackage: string): string {
  const said = words.length > 0 ? outputOf(words) : undefined;
  const number = /\d+(?:\.\d+)+\w*|\d{8}/.exec(said ?? "")?.[0];
  if (number !== undefined) return number;
  return outputOf(["dpkg-query", "-W", "-f", "${Version}", debianPackage]) ?? "unknown";
}
