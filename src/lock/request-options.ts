/**
 * Checks of what a program gives the library. What cannot be used is an error in words before anything is taken, also
 * for a program without types: `timeout: true` must not become a second.
 */

/** What a request may say, before it was checked. */
interface UncheckedRequest {
  lockInfo?: unknown;
  shared?: unknown;
  adopt?: unknown;
  sameProcessOk?: unknown;
  slots?: number | undefined;
  signal?: unknown;
}

/**
 * Checks the options of a request but for its time limit, which {@link secondsOfTimeout} reads.
 *
 * @throws {TypeError} for a value of another type
 * @throws {RangeError} as {@link requireSlots}
 */
export function requireRequest(options: UncheckedRequest): void {
  requireOptions(options);
  const { lockInfo, shared, adopt, sameProcessOk, slots, signal } = options;
  requireText("lockInfo", lockInfo);
  requireBoolean("shared", shared);
  requireBoolean("adopt", adopt);
  requireBoolean("sameProcessOk", sameProcessOk);
  requireSignal(signal);
  requireSlots(slots, shared === true);
}

/** @throws {TypeError} for what is no object, as a time limit that is given without its name */
export function requireOptions(options: object): void {
  if (typeof options === "object" && options !== null) return;
  throw new TypeError(
    `Cannot take ${shown(options)} for options: give an object, as in { timeout: 5 }`,
  );
}

/**
 * Checks the slots of a request.
 *
 * @throws {RangeError} for a number of slots that no lock has, and for slots of a shared hold
 */
export function requireSlots(slots: number | undefined, shared: boolean): void {
  if (slots === undefined) return;
  if (shared) throw new RangeError("Cannot hold a lock both shared and in slots");
  if (Number.isInteger(slots) && slots >= 1 && slots <= 1023) return;
  throw new RangeError(`Cannot hold a lock in ${shown(slots)} slots: give a number from 1 to 1023`);
}

/** @throws {TypeError} */
export function requireText(name: string, value: unknown): void {
  requireKind(value === undefined || typeof value === "string", { name, value, kind: "a string" });
}

/** @throws {TypeError} */
export function requireBoolean(name: string, value: unknown): void {
  const isIt = value === undefined || typeof value === "boolean";
  requireKind(isIt, { name, value, kind: "true or false" });
}

/** @throws {TypeError} */
export function requireFunction(name: string, value: unknown): void {
  requireKind(value === undefined || typeof value === "function", {
    name,
    value,
    kind: "a function",
  });
}

/** @throws {TypeError} */
export function requireSignal(value: unknown): void {
  const isIt = value === undefined || value instanceof AbortSignal;
  requireKind(isIt, { name: "signal", value, kind: "an AbortSignal" });
}

function requireKind(
  isIt: boolean,
  { name, value, kind }: { name: string; value: unknown; kind: string },
): void {
  if (!isIt) throw new TypeError(`Cannot take ${shown(value)} for ${name}: give ${kind}`);
}

/** A value in an error text. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
