/**
 * The texts at the end of a seat: the first bytes of its message, ended by NUL unless they fill the place, and behind that
 * the name of the slot that it was granted. Programs that know no such names read up to the NUL.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a message is cut to at least, to make room for a name. */
const minMessageBytes = 24;

function textFrom(bytes: Uint8Array, start: number): string {
  const rest = bytes.subarray(start);
  const end = rest.indexOf(0);
  return decoder.decode(end === -1 ? rest : rest.subarray(0, end));
}

/** Where the name of the slot begins. */
function nameStart(bytes: Uint8Array): number {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes.length : end + 1;
}

export function messageIn(bytes: Uint8Array): string {
  return textFrom(bytes, 0);
}

/** Writes a message, as many whole characters as there is room for. */
export function putMessage(bytes: Uint8Array, message: string): void {
  bytes.fill(0);
  encoder.encodeInto(message, bytes);
}

/** @returns "" if the slot has no name */
export function slotNameIn(bytes: Uint8Array): string {
  return textFrom(bytes, nameStart(bytes));
}

/** Writes the name of a slot behind the message, which gives way; a long name is cut. */
export function putSlotName(bytes: Uint8Array, name: string): void {
  const message = messageIn(bytes);
  const nameBytes = new Uint8Array(bytes.length - minMessageBytes - 1);
  const { written } = encoder.encodeInto(name, nameBytes);
  bytes.fill(0);
  const room = bytes.length - 1 - written;
  const { written: messageBytes } = encoder.encodeInto(message, bytes.subarray(0, room));
  bytes.set(nameBytes.subarray(0, written), messageBytes + 1);
}
