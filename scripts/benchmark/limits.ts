/** What stands in the way of aims: for the pages of results. */

/** Why a start and a waiter are dearer than an empty Bun program. */
export const ofStructure =
  "Starts and memory: JavaScript's structure. Each function that runs once and each kind of object takes heap and code; FFI alone takes 60 page faults. From the 64th block of heap on JavaScriptCore starts a thread that takes 512 KB more: run needs 95 blocks, state 83, and a build with nothing but one command still 75 to 92.";

/** Why the next command of a queue starts later than flock's. */
export const ofHandOver =
  "Hand-over: the released waiter runs JavaScript between the end of the one command and the start of the next, where flock has a system call.";
