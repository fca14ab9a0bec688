/** What stands in the way of aims: for the pages of results. */

/** Why a start and a waiter are dearer than an empty Bun program. */
export const ofStructure =
  "Starts and memory: JavaScript's structure. Each function that runs once and each kind and size of object takes heap and code; FFI alone takes 60 page faults. From the 64th block of heap on JavaScriptCore starts a thread that takes 512 KB more: an empty program has 28 blocks, one with FFI 39, and run 70 before it reads its arguments, 91 with its code, 120 when its command runs; a build with nothing but one command has 75 to 112. Without that thread (BUN_JSC_useWarmUpMarkedBlocks=0) run has 0.88 of the page faults.";

/** Why the next command of a queue starts later than flock's. */
export const ofHandOver =
  "Hand-over: the released waiter runs JavaScript between the end of the one command and the start of the next, where flock has a system call.";
