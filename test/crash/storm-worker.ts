/** A worker of storm.ts that uses the library: storm-worker.ts LOCK DIRECTORY SECTIONS */
import { ResourceLock } from "../../src/index.ts";
import { section, violation } from "./section.ts";

const [lockName = "", directory = "", sections = "1"] = process.argv.slice(2);
const lock = new ResourceLock(lockName);

for (let passed = 0; passed < Number(sections); passed++) {
  if (passed % 2 === 0) {
    lock.getLock({ timeout: null, lockInfo: `section ${passed}` });
    section(directory);
    if (!lock.ungetLock()) violation(directory, "ungetLock was refused");
  } else {
    const guard = await lock.acquire({ timeout: null, lockInfo: `section ${passed}` });
    section(directory);
    if (guard?.release() !== true) violation(directory, "release was refused");
  }
}
