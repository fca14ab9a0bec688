/** The exit status for a lock that was not granted in time. */
import { UsageError } from "./usage-error.ts";

/** @throws {UsageError} for what is not 0 to 255 */
export function conflictExitCode(text: string): number {
  const code = Number(text);
  if (String(code) === text && Number.isInteger(code) && code >= 0 && code <= 255) return code;
  throw new UsageError(
    `--conflict-exit-code: ${JSON.stringify(text)} is not a number from 0 to 255`,
  );
}
