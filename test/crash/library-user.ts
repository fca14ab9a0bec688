/** What `libraryUser` of participants.ts starts: a process that takes a lock through the library. */
import { appendFileSync } from "node:fs";
import { type LockGuard, ResourceLock } from "../../src/index.ts";
import type { LibraryWish } from "./participants.ts";

const [lockName = "", wishText = "{}"] = process.argv.slice(2);
const wish: LibraryWish = JSON.parse(wishText);
const { count = 1, timeout = null, log, line: entry = "", ...options } = wish;

const guards: LockGuard[] = [];
for (let index = 0; index < count; index++) {
  const guard = await new ResourceLock(lockName).acquire({ timeout, ...options });
  if (guard !== undefined) guards.push(guard);
}
const [first] = guards;
console.log(first === undefined ? "not granted" : `granted ${first.token} ${first.slot}`);

if (log !== undefined) {
  appendFileSync(log, `${entry}\n`);
  for (const guard of guards) guard.release();
  process.exit();
}

for await (const line of console) {
  if (line === "release") {
    const released = guards.map((guard) => guard.release());
    console.log(`released ${released.every(Boolean)}`);
  }
}
