/** The critical section of storm.ts for library users: section.sh tells how it works. */
import {
  appendFileSync,
  linkSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";

/** What a process's stat file says from its state on; undefined where there is no such process. */
function fieldsOf(processId: number | string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

const [stateField, flagsField, startField] = [0, 6, 19];
const PF_EXITING = 4;

/** Whether the process that a witness names is still there. */
export function lives(witness: string): boolean {
  const [id = "", start] = witness.trim().split(" ");
  const fields = fieldsOf(id);
  if (fields === undefined || /^[ZX]/.test(fields[stateField] ?? "")) return false;
  return (Number(fields[flagsField]) & PF_EXITING) === 0 && fields[startField] === start;
}

/** Writes down what must not happen, and ends the process. */
export function violation(directory: string, what: string): never {
  appendFileSync(`${directory}/violations`, `${process.pid}: ${what}\n`);
  process.exit(99);
}

/** Passes through the critical section. */
export function section(directory: string): void {
  const [witness, mine] = [`${directory}/witness`, `${directory}/of-${process.pid}`];
  writeFileSync(mine, `${process.pid} ${fieldsOf(process.pid)?.[startField]}\n`);
  let inherited = false;
  while (!tryLink(mine, witness)) {
    inherit(directory, witness);
    inherited = true;
  }
  const [one, other] = ["one", "other"].map((name) => numberIn(`${directory}/${name}`));
  if (!inherited && one !== other) {
    violation(directory, `the files do not agree: ${one} and ${other}`);
  }
  const next = Math.max(one ?? 0, other ?? 0) + 1;
  writeFileSync(`${directory}/one`, `${next}\n`);
  writeFileSync(`${directory}/other`, `${next}\n`);
  try {
    unlinkSync(witness);
  } catch {
    violation(directory, "somebody took the witness");
  }
  unlinkSync(mine);
}

/** Takes a dead process's witness away. */
function inherit(directory: string, witness: string): void {
  const found = textOf(witness);
  if (found === undefined) violation(directory, "two in the section: one of them left");
  if (lives(found)) violation(directory, `two in the section: process ${found.trim()}, too`);
  const dead = `${directory}/dead-${process.pid}`;
  try {
    renameSync(witness, dead);
  } catch {
    violation(directory, "two heirs");
  }
  if (textOf(dead) !== found) {
    violation(directory, `two in the section: process ${textOf(dead)?.trim()} came in`);
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function numberIn(path: string): number {
  return Number(textOf(path));
}

/** Looks at the critical section as a shared holder: nobody may be in it meanwhile. */
async function look(directory: string): Promise<void> {
  const witness = `${directory}/witness`;
  const [before, sections] = [textOf(witness), textOf(`${directory}/other`)];
  await Bun.sleep(20);
  const found = textOf(witness);
  if (found !== undefined && lives(found)) {
    violation(directory, `process ${found.trim()} in the section beside a shared holder`);
  }
  // One that died there is left for its heir.
  if (found !== before || textOf(`${directory}/other`) !== sections) {
    violation(directory, "somebody was in the section beside a shared holder");
  }
}

/** Is in a slot: nobody else has that number, nobody is in the section. */
async function slot(directory: string, number: string): Promise<void> {
  const [witness, mine] = [`${directory}/slot-${number}`, `${directory}/of-${process.pid}`];
  writeFileSync(mine, `${process.pid} ${fieldsOf(process.pid)?.[startField]}\n`);
  while (!tryLink(mine, witness)) inherit(directory, witness);
  await look(directory);
  unlinkSync(witness);
  unlinkSync(mine);
}

// As a command of `run`: one process, as what it has started would outlive it when it is killed.
if (import.meta.main) {
  const [directory = "", kind] = process.argv.slice(2);
  if (kind === "shared") await look(directory);
  else if (kind === "slots") await slot(directory, process.env["RESOURCELOCK_SLOT"] ?? "");
  else section(directory);
  // Long enough to be asked to leave for a newer one, which is seen once a second.
  if (kind === "replace") await Bun.sleep(1300);
}
