/** What a program asks of the system, as strace(1) sees it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import { runToEnd } from "../support/process.ts";

/**
 * Runs a program in a directory.
 *
 * @returns its calls by path and of the network, and those of what it starts up to where another program
 * takes the process over
 */
export async function systemCalls(
  cwd: string,
  words: string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const [program = ""] = words;
  const directory = mkdtempSync(`${tmpdir()}/resourcelock-`);
  try {
    const trace = `${directory}/trace`;
    const strace = ["strace", "-f", "-o", trace, "-e", "trace=%file,%network,%process"];
    await runToEnd([...strace, ...words], { cwd, env });
    return ownCalls(readFileSync(trace, "utf8").split("\n"), program);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function ownCalls(lines: string[], program: string): string[] {
  const parents = new Map<string, string>();
  const takenOver = new Set<string>();
  const calls: { processId: string; call: string }[] = [];
  for (const line of lines) {
    const [, processId = "", call = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, child] = /^(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$/.exec(call) ?? [];
    if (child !== undefined) parents.set(child, processId);
    // The end of a call that another thread's interrupted, a signal, an end; getcwd looks nothing up.
    if (/^(<|-|\+|getcwd\()/.test(call) || call === "" || takenOver.has(processId)) continue;
    if (call.startsWith("execve(") && pathsOf(call)[0] !== program) takenOver.add(processId);
    calls.push({ processId, call });
  }
  // strace may tell of a child's calls before it tells of the child.
  const belongsToAnother = (processId: string | undefined): boolean =>
    processId !== undefined &&
    (takenOver.has(processId) || belongsToAnother(parents.get(processId)));
  return calls
    .filter(({ processId }) => !belongsToAnother(parents.get(processId)))
    .map(({ call }) => call);
}

/** The paths that a call is about: of execve the program alone, of readlink the link alone. */
export function pathsOf(call: string): string[] {
  const quoted = [...call.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path = ""]) => path);
  return /^(execve|readlink)/.test(call) ? quoted.slice(0, 1) : quoted;
}

/** Calls on a directory or below it, made from there; a relative path counts whatever it is relative to. */
export function callsBelow(directory: string, calls: string[]): string[] {
  return calls.filter((call) =>
    pathsOf(call).some(
      (path) => path !== "" && `${resolve(directory, path)}/`.startsWith(`${directory}/`),
    ),
  );
}
