#!/usr/bin/env bun
/** The short example of cjnfuncs.resourcelock: resourcelock_ex.py. */
import { ResourceLock } from "../../src/index.ts";
import { log, moduleLogger } from "./module-logger.ts";

const lockName = process.argv[2] ?? "test_lock";
const warning = (text: string) => log("resourcelock_ex", "<module>", "WARNING", text);

const myLock = new ResourceLock(lockName, { logger: moduleLogger });

// 1 second timeout
if (!myLock.getLock({ timeout: 1, lockInfo: "resourcelock_ex.module #1" })) {
  warning(`Lock <${lockName}> request timeout`);
} else {
  warning(`I have the <${lockName}> lock`);
  // do interesting stuff with known/secure access to the resource

  // Release the lock so that other processes and threads can use the resource
  myLock.ungetLock({ whereCalled: "at end of code" });
  warning(`Lock <${lockName}> released`);
}

myLock.close();
