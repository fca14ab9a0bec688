/**
 * Makes critical sections through the library, as peer.py does in Python:
 * contend.ts NAME SECTIONS COUNTER WITNESS
 */
import { closeSync, openSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { ResourceLock } from "../../src/index.ts";

const [lockName = "", sections = "", counter = "", witness = ""] = process.argv.slice(2);

using lock = new ResourceLock(lockName);
console.log("ready");
for (let section = 0; section < Number(sections); section++) {
  lock.getLock({ timeout: null, lockInfo: `section ${section} of Bun ${process.pid}` });
  countInCriticalSection();
  if (!lock.ungetLock()) {
    throw new Error(`The lock was not locked at the end of section ${section}`);
  }
}

/** Adds 1 to a number in a file; the witness says whether anybody else is doing so. */
function countInCriticalSection(): void {
  closeSync(openSync(witness, "wx"));
  const number = Number(readFileSync(counter, "utf8"));
  writeFileSync(counter, `${number + 1}\n`);
  unlinkSync(witness);
}
