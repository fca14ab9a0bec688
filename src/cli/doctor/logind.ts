/** Whether systemd-logind deletes a user's locks: RemoveIPC of logind.conf(5). */

/** The file system, as far as it is asked for here. */
export interface Files {
  /** The text of a file; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** The names in a directory; none where it cannot be read. */
  list(directory: string): readonly string[];
}

/** Where its configuration lies, what wins first. */
const directories = ["/etc", "/run", "/usr/local/lib", "/usr/lib"].map((top) => `${top}/systemd`);

interface RemoveIpc {
  value: boolean;
  /** The file that says so; undefined where none does. */
  path: string | undefined;
}

/**
 * What is in force: of the main files and of drop-ins of one name, those in /etc hide the others; of what is left,
 * the main file comes first, then the drop-ins in the order of their names, and the last word counts.
 */
export function removeIpc(files: Files): RemoveIpc {
  const main = directories
    .map((directory) => `${directory}/logind.conf`)
    .find((path) => files.read(path) !== undefined);
  const dropIns = new Map<string, string>();
  for (const directory of directories.map((one) => `${one}/logind.conf.d`)) {
    for (const name of files.list(directory)) {
      if (name.endsWith(".conf") && !dropIns.has(name)) dropIns.set(name, `${directory}/${name}`);
    }
  }
  const inOrder = [...dropIns].toSorted(([one], [other]) => (one < other ? -1 : 1));
  let result: RemoveIpc = { value: true, path: undefined };
  for (const path of [main, ...inOrder.map(([, dropIn]) => dropIn)]) {
    const value = path === undefined ? undefined : valueIn(files.read(path) ?? "");
    if (value !== undefined) result = { value, path };
  }
  return result;
}

/** The last value of RemoveIPC in a file; undefined where it has none that systemd would take. */
function valueIn(text: string): boolean | undefined {
  let section = "";
  let value: boolean | undefined;
  for (const line of text.split("\n").map((one) => one.trim())) {
    section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
    const [, given] = /^RemoveIPC\s*=\s*(.*)$/.exec(line) ?? [];
    if (section !== "Login" || given === undefined) continue;
    if (/^(1|yes|y|true|t|on)$/i.test(given)) value = true;
    if (/^(0|no|n|false|f|off)$/i.test(given)) value = false;
  }
  return value;
}
