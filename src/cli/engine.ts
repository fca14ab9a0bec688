/** The one place that chooses where locks live. Commands know the contract (src/lock/engine.ts) and nothing behind it. */
import { HostEngine } from "../host/engine.ts";
import type { LockEngine } from "../lock/engine.ts";
import type { DebugMethod } from "../lock/messages.ts";
import { UsageError } from "./arguments/words.ts";
import { lockLogger, type OutputOptions } from "./terminal/output.ts";

export interface EngineOptions {
  readonly output: OutputOptions;
  /** The method whose debug text is the command's result, so that -v does not say it twice. */
  readonly resultOf?: DebugMethod;
  /** Who may use locks that are created: permission bits, and a group by name or number. */
  readonly access?: { readonly mode?: number | undefined; readonly group?: string | undefined };
}

/**
 * Opens the engine; disposing of it ends what it keeps open.
 *
 * @throws {UsageError} for a mode or a group that there is not
 */
export function openEngine({ output, access, resultOf }: EngineOptions): LockEngine {
  try {
    return new HostEngine({ ...access, logger: lockLogger(output, resultOf) });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}
