/** Places in a queue that are lost before their grant, and what becomes of a request then. */
import { LockServerError } from "../lock/errors.ts";

/** The place is gone: its lease ended, or somebody deleted its key. */
export class PlaceGone extends Error {
  override readonly name = "PlaceGone";
}

/** Whether a place has gone, or has not come to be, because its lease has ended. */
export function isPlaceGone(error: unknown): error is PlaceGone | LockServerError {
  const isLeaseGone = error instanceof LockServerError && error.fault === "leaseGone";
  return isLeaseGone || error instanceof PlaceGone;
}

/** Before a place that was lost is replaced: where each is lost at once, a server must not be asked without end. */
export function lostPlacePauseMilliseconds(lostPlaces: number): number {
  return Math.min(50 * 2 ** lostPlaces, 5000);
}
