#!/usr/bin/env bun
/**
 * Demo of resourcelock: each way to use a lock, step by step, after demo-resourcelock.py of cjnfuncs.
 *
 *     bun test/examples/demo-resourcelock.ts           (the comments are for a lock that is free)
 *
 *     resourcelock get test_lock
 *     bun test/examples/demo-resourcelock.ts
 */
import { ResourceLock } from "../../src/index.ts";
import { moduleLogger } from "./module-logger.ts";

const lockName = process.argv[2] ?? "test_lock";
const pythonBoolean = (value: boolean) => (value ? "True" : "False");

console.log("\n***** 0 - Lock instantiation");
const myLock = new ResourceLock(lockName, { logger: moduleLogger });

console.log("\n***** 1 - Check the initial lock state");
console.log(
  `is_lock returned    <${pythonBoolean(myLock.isLocked())}> - Expecting <False> for initial unlocked test case, and <True> for initial locked test case`,
);
myLock.lockValue();

console.log("\n***** 2 - Get the lock");
console.log(
  `get_lock returned   <${pythonBoolean(myLock.getLock({ timeout: 0.1, lockInfo: "Lock in test #2" }))}> - Expecting <True> if lock request is successful`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 3 - Get the lock a second time, same_process_ok=False");
console.log(
  `get_lock returned   <${pythonBoolean(myLock.getLock({ timeout: 0.1, lockInfo: "Lock try in test #3" }))}> - Expecting <False> Repeated lock request fails`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 4 - Get the lock a third time, same_process_ok=True");
console.log(
  `get_lock returned   <${pythonBoolean(myLock.getLock({ timeout: 0.1, sameProcessOk: true, lockInfo: "Lock try in test #4" }))}> - Expecting <True> Repeated lock request passes with switch`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 5 - Unget the lock");
console.log(
  `unget_lock returned <${pythonBoolean(myLock.ungetLock({ whereCalled: "In test #5" }))}> - Expecting <True> if lock is successfully released`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 6 - Unget the lock a second time");
console.log(
  `unget_lock returned <${pythonBoolean(myLock.ungetLock({ whereCalled: "In test #6" }))}> - Expecting <False> since the lock is not currently set`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 7 - Attempt to Unget the lock not owned by current process");
myLock.getLock({ timeout: 0.1, lockInfo: "Lock in test #7" });
myLock.iHaveTheLock = false;
myLock.isLocked();
myLock.lockValue();
console.log(
  `unget_lock returned <${pythonBoolean(myLock.ungetLock({ whereCalled: "In test #7" }))}> - Expecting <False> since lock not obtained by current process`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 8 - Force Unget");
console.log(
  `unget_lock returned <${pythonBoolean(myLock.ungetLock({ force: true, whereCalled: "In test #8" }))}> - Expecting <True> since lock was set and forced unget`,
);
myLock.isLocked();
myLock.lockValue();

console.log("\n***** 9 - Force Unget when lock not set");
console.log(
  `unget_lock returned <${pythonBoolean(myLock.ungetLock({ force: true, whereCalled: "In test #9" }))}> - Expecting <False> since lock was not set`,
);
myLock.isLocked();
myLock.lockValue();

myLock.close();

console.log();
console.log(`Using the cli, get the lock ('resourcelock ${lockName} get') and run the test again`);
