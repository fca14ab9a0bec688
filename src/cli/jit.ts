/**
 * For a command that does the same thousands of times: lets JavaScriptCore compile what is hot. The binary starts with
 * a JIT policy (see scripts/build) that leaves all to the interpreter, as compiler threads would wake up a `run` or
 * `get` that waits for long, and take memory, for nothing.
 */
export function compileHotCode(): void {
  Bun.unsafe.setJITPolicy(1);
}
