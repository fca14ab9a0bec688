/** What is said about a lock, in the words of cjnfuncs.resourcelock; spaces included, as people grep for it. */
export const messages = {
  granted: (name: string, info: string) =>
    `<${name}> lock request successful - Granted         <${info}>`,
  timedOut: (name: string, info: string) =>
    `<${name}> lock request timed out  - Current owner   <${info}>`,
  alreadyAcquired: (name: string, info: string) =>
    `<${name}> lock already acquired   - Prior grant     <${info}>`,
  released: (name: string, whereCalled: string) => `<${name}> lock released  <${whereCalled}>`,
  forceReleased: (name: string, whereCalled: string) =>
    `<${name}> lock force released  <${whereCalled}>`,
  notOwned: (name: string, whereCalled: string) =>
    `<${name}> lock unget request ignored - lock not owned by current process  <${whereCalled}>`,
  extraneous: (name: string, whereCalled: string) =>
    `<${name}> Extraneous lock unget request ignored  <${whereCalled}>`,
  state: (name: string, locked: boolean, info: string) =>
    `<${name}> is currently locked?  <${locked ? "True" : "False"}>  Prior info  <${info}>`,
  value: (name: string, value: number) => `<${name}> semaphore = ${value}`,
  closed: (name: string) => `<${name}> semaphore closed`,
} as const;

/** The receiver of a lock's debug texts. */
export interface LockLogger {
  /**
   * @param text the text, in the Python module's words
   * @param method the method that says it
   */
  debug(text: string, method: DebugMethod): void;
}

/** The method that says a debug text. */
export type DebugMethod = "getLock" | "ungetLock" | "isLocked" | "lockValue" | "close";
