/**
 * For a command that does the same thousands of times: lets JavaScriptCore compile what is hot. The binary starts with
 * a JIT policy (see scripts/build) that leaves all to the interpreter, as compiler threads would wake up a `run` or
 * `get` that waits for long, and take memory, for nothing.
 */
import { canStartThreads } from "../posix/thread.ts";

/** What JavaScriptCore starts at most on a large host: 3 threads compile and 7 collect garbage; and some to spare. */
const maxThreads = 12;

/** Lets hot code be compiled, unless the compiler's threads might not start: JavaScriptCore aborts the process then. */
export function compileHotCode(): void {
  if (canStartThreads(maxThreads)) Bun.unsafe.setJITPolicy(1);
}
