/**
 * Values of etcd's JSON gateway. proto3 leaves out what is zero, 64-bit numbers are strings, keys and values are
 * base64. Whatever has another shape is no answer of etcd: {@link LockServerError} with fault `corrupt`.
 */
import { LockServerError } from "../lock/errors.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

function corrupt(what: string): LockServerError {
  return new LockServerError("corrupt", `Cannot understand the lock server: ${what}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads a JSON text that must be an object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An object in a field; an empty one if the field is absent. */
export function objectIn(message: JsonObject, field: string): JsonObject {
  const value = message[field] ?? {};
  if (!isObject(value)) throw corrupt(`"${field}" is not an object`);
  return value;
}

/** The objects of an array in a field; none if the field is absent. */
export function objectsIn(message: JsonObject, field: string): JsonObject[] {
  const value = message[field] ?? [];
  if (!Array.isArray(value)) throw corrupt(`"${field}" is not an array`);
  return value.map((item: unknown) => {
    if (!isObject(item)) throw corrupt(`"${field}" has something other than objects in it`);
    return item;
  });
}

/** A whole number in a field; 0 if the field is absent. */
export function numberIn(message: JsonObject, field: string): number {
  const value = message[field] ?? 0;
  const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isSafeInteger(number)) {
    throw corrupt(`"${field}" is not a whole number`);
  }
  return number;
}

/** A 64-bit number in a field, as its digits: an ID is not calculated with. */
export function idIn(message: JsonObject, field: string): string {
  const value = message[field] ?? "0";
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value !== "string" || !/^-?\d{1,20}$/.test(value)) {
    throw corrupt(`"${field}" is not an ID`);
  }
  return value;
}

/** A text in a field; empty if the field is absent. */
export function textIn(message: JsonObject, field: string): string {
  const value = message[field] ?? "";
  if (typeof value !== "string") throw corrupt(`"${field}" is not a text`);
  return value;
}

/** A truth value in a field; false if the field is absent. */
export function flagIn(message: JsonObject, field: string): boolean {
  return message[field] === true;
}

/** The text that the bytes in a field spell in UTF-8. */
export function decodedIn(message: JsonObject, field: string): string {
  return Buffer.from(textIn(message, field), "base64").toString();
}

/** Stands before the base64 of a key that is no UTF-8: no text of a valid key begins with it. */
const rawMark = "\uDFFF";

/** A key as a text that no other key has; see {@link encodedKey} for the way back. Keys of locks are in UTF-8. */
export function keyIn(message: JsonObject, field: string): string {
  const text = decodedIn(message, field);
  const raw = textIn(message, field);
  return encoded(text) === raw ? text : rawMark + raw;
}

/** A key as the gateway takes it. */
export function encodedKey(key: string): string {
  return key.startsWith(rawMark) ? key.slice(rawMark.length) : encoded(key);
}

/** A value as the gateway takes it, or a prefix of keys. */
export function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** The first key behind all keys that begin with a prefix, as the gateway takes it. */
export function encodedRangeEnd(prefix: string): string {
  const bytes = Buffer.from(prefix);
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = bytes[index] ?? 0;
    if (byte === 0xff) continue;
    bytes[index] = byte + 1;
    return bytes.subarray(0, index + 1).toString("base64");
  }
  // etcd's word for "to the last key".
  return encoded("\0");
}
