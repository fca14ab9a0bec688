/** A ledger and a unit in memory, for the pure rules. */
import type { View } from "../../../src/host/ledger/decide.ts";
import {
  type Header,
  LedgerImage,
  type LedgerState,
  type Seat,
  seatStates,
} from "../../../src/host/ledger/layout.ts";
import { seatFlags } from "../../../src/host/ledger/seat-words.ts";

import { ownStartNamespace } from "../../../src/posix/proc.ts";
import { noStamp, type Stamp } from "../../../src/host/ledger/stamp.ts";

export interface FakeSeat extends Partial<Seat> {
  /** Whether its byte is locked. Default true. */
  isAlive?: boolean;
}

/** A ledger with these seats, from 1 on; their tickets are their numbers unless they say otherwise. */
export function ledgerOf(seats: FakeSeat[], header: Partial<Header> = {}): LedgerState {
  const image = new LedgerImage();
  image.begin();
  image.header.boundNamespace = ownStartNamespace();
  Object.assign(image.header, header);
  const dead = new Set<number>();
  for (const [index, { isAlive = true, ...fields }] of seats.entries()) {
    const number = index + 1;
    Object.assign(
      image.seat(number),
      { ticket: number, state: seatStates.waiting, since: 1, flags: seatFlags.leavesMarks },
      fields,
    );
    if (!isAlive) dead.add(number);
  }
  image.loaded();
  return {
    header: image.header,
    seats: image.seats,
    taken: image.taken,
    seat: (number) => image.seat(number),
    isLive: (number) => image.seat(number).ticket !== 0 && !dead.has(number),
  };
}

export interface FakeView {
  seats?: FakeSeat[];
  header?: Partial<Header>;
  /** Whose turn it is. Default 1. */
  seat?: number;
  value?: number;
  semaphoreId?: number;
  textHash?: number;
  /** What tells of the text's grant. Default: nothing. */
  stamp?: Stamp;
  mark?: number;
  waiterMark?: number;
  overwrittenSeat?: number;
  tookUnitUnrecorded?: boolean;
  adopts?: boolean;
}

/** A view, and the order in which semaphore and text were asked for. */
export function viewOf({
  seats = [{}],
  header = {},
  seat = 1,
  value = 0,
  semaphoreId = 7,
  textHash = 1,
  stamp = noStamp,
  mark = 0,
  waiterMark = 0,
  overwrittenSeat = 0,
  tookUnitUnrecorded = false,
  adopts = true,
}: FakeView = {}): { view: View; asked: string[] } {
  const asked: string[] = [];
  const note = <T>(what: string, answer: T): T => {
    if (asked.at(-1) !== what) asked.push(what);
    return answer;
  };
  const view: View = {
    ledger: { ...ledgerOf(seats, header), overwrittenSeat: () => overwrittenSeat },
    unit: {
      readValue: () => note("semaphore", value),
      semaphoreId,
      infoHash: () => note("text", textHash),
      stampAsRead: () => stamp,
      readMark: () => mark,
      readWaiterMark: () => waiterMark,
    },
    seat,
    tookUnitUnrecorded,
    adopts,
  };
  return { view, asked };
}
