/** Who may use a lock that get or run makes. */
import { accessOf } from "../../host/objects/access.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The values of --mode and --group, for the lock.
 *
 * @throws {UsageError} for a mode that is none, and where there is no such group
 */
export function parseAccess(
  mode: string | undefined,
  group: string | undefined,
): { mode: number | undefined; group: string | undefined } {
  const bits = mode === undefined ? undefined : parseMode(mode);
  try {
    accessOf(bits, group);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
  return { mode: bits, group };
}

function parseMode(text: string): number {
  if (/^0?[0-7]{3}$/.test(text)) return Number.parseInt(text, 8);
  throw new UsageError(`--mode: ${JSON.stringify(text)} is not a mode in octal, as in 0660`);
}
