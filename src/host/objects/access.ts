/** Who may use a lock that is made. */
import { groupIdOf } from "../../posix/user.ts";

/** Who may use a lock's objects, as the files they are. */
export interface Access {
  /** Permission bits, whatever the umask; undefined is for their user alone, as the Python module makes them. */
  mode?: number | undefined;
  /** The number of the group that they get. */
  groupId?: number | undefined;
}

/** What a group is for, where nothing else is said. */
const modeForGroup = 0o660;
/** Its own user has to be able to use the lock. */
const minMode = 0o600;
const maxMode = 0o777;

/**
 * @param group a name, or a number
 * @throws {RangeError} where there is no such group, and for a mode that is none or keeps out the lock's own user
 * @throws {TypeError} for a mode that is a text, and for a group that is neither text nor number
 */
export function accessOf(mode: number | undefined, group: string | number | undefined): Access {
  if (mode !== undefined && typeof mode !== "number") {
    throw new TypeError(
      `Cannot create a lock with mode ${JSON.stringify(mode)}: give a number, as in 0o660`,
    );
  }
  if (mode !== undefined && !isUsableMode(mode)) {
    throw new RangeError(
      `Cannot create a lock with mode ${mode.toString(8)}: its owner needs at least 600, and 777 is the most`,
    );
  }
  if (group === undefined) return { mode };
  if (typeof group !== "string" && typeof group !== "number") {
    throw new TypeError(
      `Cannot create a lock for group ${String(group)}: give the name of a group, or its number`,
    );
  }
  const groupId = typeof group === "number" ? group : (groupIdOf(group) ?? numberOf(group));
  if (
    groupId === undefined ||
    !Number.isInteger(groupId) ||
    groupId < 0 ||
    groupId >= 2 ** 32 - 1
  ) {
    throw new RangeError(
      `Cannot create a lock for group ${JSON.stringify(group)}: there is no such group`,
    );
  }
  return { mode: mode ?? modeForGroup, groupId };
}

function isUsableMode(mode: number): boolean {
  return Number.isInteger(mode) && mode >= 0 && mode <= maxMode && (mode & minMode) === minMode;
}

function numberOf(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
