/** Participants of one process: closing a ledger is what the kernel sees of a death. */
import { afterEach, describe, expect, spyOn, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { lockStates, seatStates } from "../../../src/host/ledger/layout.ts";
import {
  evictions,
  seatExitStatus,
  slotsOf,
  withKindFlags,
} from "../../../src/host/ledger/seat-words.ts";
import type { Blocked, Outcome } from "../../../src/host/ledger/apply.ts";
import { Participant } from "../../../src/host/ledger/participant.ts";
import type { Wish } from "../../../src/host/ledger/own-seat.ts";
import { newcomerOf } from "../../../src/host/ledger/newcomer.ts";
import { kinds, waiters } from "../../../src/host/ledger/queue.ts";
import { forceRelease } from "../../../src/host/ledger/force.ts";
import { evict, markOf, waiterMarkOf, writeInfoText } from "../../../src/host/ledger/record.ts";
import { openOrCreateLedger } from "../../../src/host/objects/objects.ts";
import { LockUnit } from "../../../src/host/objects/unit.ts";
import { LockDamagedError } from "../../../src/lock/errors.ts";
import { processStart } from "../../../src/posix/process-start.ts";
import { now, pause, timestampOf } from "../../../src/posix/clock.ts";
import { formatLockInfo } from "../../../src/lock/info-text.ts";
import { unlockByte } from "../../../src/posix/byte-lock.ts";
import { newLockName } from "../../support/binary.ts";
import { start } from "../../support/process.ts";

/** A lock, and participants that are let go of after the test. */
class Lock {
  readonly name = newLockName();
  readonly unit = LockUnit.openOrCreate(this.name, 4096, () => 1);
  readonly ledger = openOrCreateLedger(this.name);
  readonly path = `/dev/shm/${this.name}.ledger`;
  readonly participants = new Set<Participant>();

  /** @param unit that of another process, where it is not this one's */
  participant(options: Partial<Wish> = {}, unit = this.unit): Participant {
    const wait = { usesFutex: false, blocksAtSemaphore: true };
    const wish = { kind: kinds.exclusive, slots: 0, adopt: true, message: "", wait, ...options };
    const participant = new Participant(() => openOrCreateLedger(this.name), unit, wish);
    this.participants.add(participant);
    return participant;
  }

  holder(options: Partial<Wish> = {}): Participant {
    const participant = this.participant(options);
    expect(participant.tryAdvance()).toBe("granted");
    return participant;
  }

  waiter(options: Partial<Wish> = {}): Participant {
    const participant = this.participant(options);
    expect(participant.tryAdvance()).not.toBe("granted");
    return participant;
  }

  kill(participant: Participant): void {
    this.participants.delete(participant);
    participant.ledger.close();
  }

  state(): number {
    return this.ledger.snapshot(({ header }) => header.state);
  }

  close(): void {
    for (const participant of this.participants) participant.ledger.close();
    this.ledger.close();
    this.unit.close();
  }
}

let lock: Lock;
const newLock = () => (lock = new Lock());
afterEach(() => lock.close());

/** A grant's text, as a peer writes it. */
function peerWrites(text: string): void {
  lock.unit.writeInfo(lock.unit.encode(formatLockInfo(text, timestampOf(now()))));
}

/** What an attempt is blocked on. */
function blockedBy(participant: Participant): Blocked {
  return requireBlocked(participant.tryAdvance());
}

function requireBlocked(outcome: Outcome): Blocked {
  if (typeof outcome === "string") throw new Error(outcome);
  return outcome;
}

/** Tries until it is granted. */
function untilGranted(participant: Participant): void {
  let outcome = participant.tryAdvance();
  while (outcome !== "granted") {
    Bun.sleepSync(requireBlocked(outcome).retryAfterSeconds * 1000);
    outcome = participant.tryAdvance();
  }
}

/** A peer holds and releases, while a participant waits for that, is stopped, and is evicted for it. */
function heldPastStopped() {
  newLock();
  expect(lock.unit.tryTake()).toBe(true);
  peerWrites("first");
  const stopped = lock.participant();
  const blocked = blockedBy(stopped);
  lock.unit.postIfLocked();
  lock.ledger.transact(() => evict(lock.ledger, 1));
  const holder = lock.holder();
  // A peer forces the lock.
  lock.unit.postIfLocked();
  const goOn = () => {
    stopped.blockInKernel(blocked, 1);
    expect(lock.unit.readValue()).toBe(0);
    return stopped.tryAdvance();
  };
  return { holder, goOn };
}

describe("Participant.tryAdvance() of a newcomer", () => {
  test("supersedes a newest one that waits, which then leaves the queue", () => {
    newLock();
    lock.holder();
    const older = lock.waiter({ newcomer: newcomerOf({ newest: true }) });
    const plain = lock.waiter();
    lock.waiter({ newcomer: newcomerOf({ newest: true }) });
    expect(older.tryAdvance()).toBe("superseded");
    expect(older.forcedBy).toEqual({ pid: process.pid });
    expect(typeof plain.tryAdvance()).toBe("object");
  });

  test("supersedes also one that was evicted because it was stopped", () => {
    newLock();
    lock.holder();
    const older = lock.waiter({ newcomer: newcomerOf({ newest: true }) });
    lock.ledger.transact(() => evict(lock.ledger, 2));
    lock.waiter({ newcomer: newcomerOf({ newest: true }) });
    expect(older.tryAdvance()).toBe("superseded");
  });

  test("leaves the queue to a newer one that came while it was evicted", () => {
    newLock();
    lock.holder();
    const older = lock.waiter({ newcomer: newcomerOf({ newest: true }) });
    const newer = lock.waiter();
    lock.ledger.transact(() => {
      evict(lock.ledger, 2);
      const seat = lock.ledger.seat(3);
      seat.kind = withKindFlags(seat, "newest");
      lock.ledger.store();
    });
    expect(older.tryAdvance()).toBe("superseded");
    expect(typeof newer.tryAdvance()).toBe("object");
  });

  test("asks a holder to leave that agreed to it, and waits until it has left", () => {
    newLock();
    const newcomer = newcomerOf({ replace: true });
    const older = lock.holder({ newcomer });
    expect(older.askedBy()).toBeUndefined();
    const newer = lock.waiter({ newcomer, message: "newer" });
    expect(older.askedBy()).toEqual({ pid: process.pid, command: "newer" });
    expect(older.release()).toBe(true);
    expect(newer.tryAdvance()).toBe("granted");
  });

  test("asks no holder that did not agree to it", () => {
    newLock();
    const older = lock.holder();
    lock.waiter({ newcomer: newcomerOf({ replace: true }) });
    expect(older.askedBy()).toBeUndefined();
  });

  test("does not wait behind more than it may", () => {
    newLock();
    lock.holder();
    const newcomer = newcomerOf({ maxWaiters: 1 });
    lock.waiter({ newcomer });
    expect(lock.participant({ newcomer }).tryAdvance()).toBe("crowded");
    expect(lock.ledger.snapshot((state) => waiters(state))).toEqual([2]);
  });
});

describe("Participant.tryAdvance()", () => {
  test("takes a free lock, and the next one waits until it is left", () => {
    const { unit } = newLock();
    const holder = lock.holder({ message: "first" });
    expect(unit.readValue()).toBe(0);
    expect(unit.readInfo()).toBe(holder.info);
    expect(holder.info).toEndWith(" - first");
    const waiter = lock.participant();
    const blocked = blockedBy(waiter);
    expect(blocked).toEqual({ on: "holder", seat: 1, retryAfterSeconds: 1 });
    expect(waiter.mayAdvance(blocked)).toBe(false);
    expect(holder.release()).toBe(true);
    expect(waiter.mayAdvance(blocked)).toBe(true);
    expect(waiter.tryAdvance()).toBe("granted");
    expect(waiter.token).toBeGreaterThan(holder.token);
    expect(waiter.release()).toBe(true);
    expect(unit.readValue()).toBe(1);
  });

  test("adopts from a holder that died, and says from whom", () => {
    newLock();
    lock.kill(lock.holder({ message: "the dead one" }));
    const next = lock.holder();
    expect(next.adopted).toMatchObject({ process: process.pid, message: "the dead one" });
    expect(lock.unit.readValue()).toBe(0);
  });

  test("leaves a dead holder's unit alone when the request says so", () => {
    newLock();
    lock.kill(lock.holder());
    expect(lock.participant({ adopt: false }).tryAdvance()).toMatchObject({ on: "timer" });
  });

  test("adopts from an owner that ended", async () => {
    newLock();
    const owner = start(["sleep", "1000"]);
    expect(lock.holder().detach(owner.pid, processStart(owner.pid) ?? 0)).toBe(true);
    expect(lock.state()).toBe(lockStates.detached);
    const waiter = lock.waiter();
    await owner.kill();
    expect(waiter.tryAdvance()).toBe("granted");
    expect(waiter.adopted?.process).toBe(owner.pid);
  });

  test("waits at the semaphore for a detached hold, alone of a group", () => {
    newLock();
    lock.holder().detach(0, 0);
    const shared = { kind: kinds.shared };
    expect(lock.participant(shared).tryAdvance()).toMatchObject({ on: "semaphore" });
    const second = blockedBy(lock.participant(shared));
    expect(second.on).toBe("waiter");
    expect(second.seat).toBeGreaterThan(0);
  });

  test("joins a group, whose last member gives the unit back", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const [one, other] = [lock.holder(shared), lock.holder(shared)];
    expect(one.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(0);
    expect(other.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("gives slots numbers of their own", () => {
    newLock();
    const two = { kind: kinds.slots, slots: 2 };
    const [one, other] = [lock.holder(two), lock.holder(two)];
    expect([one.slot, other.slot]).toEqual([0, 1]);
    lock.waiter(two);
    one.release();
    expect(lock.state()).toBe(lockStates.held);
  });

  test("evicts holders that a peer forced the lock from", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const loser = lock.holder(shared);
    lock.unit.postIfLocked();
    const next = lock.holder(shared);
    expect(loser.release()).toBe(false);
    expect(next.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  describe("of one that was stopped and evicted, and has got a unit under another's hold", () => {
    test("gives it back when a peer has forced the lock, had it, and released it", () => {
      const { holder, goOn } = heldPastStopped();
      expect(lock.unit.tryTake()).toBe(true);
      peerWrites("second");
      lock.unit.postIfLocked();
      expect(goOn()).toBe("granted");
      expect(holder.release()).toBe(false);
      expect([lock.unit.readValue(), lock.state()]).toEqual([0, lockStates.held]);
    });

    test("drops it when the peer has only posted it, so that the hold goes on", () => {
      const { holder, goOn } = heldPastStopped();
      expect(goOn()).not.toBe("granted");
      expect(holder.release()).toBe(true);
      expect(lock.unit.readValue()).toBe(1);
    });
  });

  test("gives the unit back when the text of its grant cannot be made, and leaves no mark", () => {
    newLock();
    const participant = lock.participant();
    const encoding = spyOn(lock.unit, "encodeGrant").mockImplementationOnce(() => {
      throw new Error("No space left on device");
    });
    expect(() => participant.tryAdvance()).toThrow("No space left");
    encoding.mockRestore();
    participant.withdraw();
    expect([lock.unit.readValue(), lock.unit.readMark()]).toEqual([1, 0]);
    lock.holder();
  });

  test("does not adopt a peer's hold after a forced release of what somebody left between two steps", () => {
    newLock();
    lock.unit.setMark(markOf(0));
    expect(lock.unit.tryTake()).toBe(true);
    lock.unit.writeInfo(lock.unit.encode("a peer's text"));
    expect(forceRelease(lock.ledger, lock.unit, { by: 1 })).toBe("released");
    // A peer takes it, and its text says nothing.
    expect(lock.unit.tryTake()).toBe(true);
    lock.ledger.transact(() => {
      lock.ledger.header.notedHash = lock.unit.infoHash();
      lock.ledger.store();
    });
    expect(blockedBy(lock.participant())).toMatchObject({ retryAfterSeconds: 1 });
    expect(lock.ledger.snapshot(({ header }) => header.missingSince)).toBe(0);
  });

  test("adopts what somebody left between two steps, after the grace time", () => {
    newLock();
    // Somebody died with the unit in hand.
    lock.unit.setMark(markOf(0));
    expect(lock.unit.tryTake()).toBe(true);
    lock.ledger.transact(() => {
      lock.ledger.header.notedHash = lock.unit.infoHash();
      lock.ledger.store();
    });
    const waiter = lock.participant();
    const startedAt = performance.now();
    untilGranted(waiter);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
    expect(waiter.adopted).toMatchObject({ process: 0, message: "" });
  });

  test("takes the unit of a semaphore that was recreated under a holder", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const first = lock.holder(shared);
    rmSync(`/dev/shm/sem.${lock.name}`);
    lock.unit.recreateIfMissing(() => 1, { now: true });
    expect(lock.unit.readValue()).toBe(1);
    const second = lock.holder(shared);
    expect(lock.unit.readValue()).toBe(0);
    expect([first.release(), second.release()]).toEqual([true, true]);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("evicts a first waiter that leaves a free lock untaken", () => {
    newLock();
    const holder = lock.holder();
    const stopped = lock.waiter();
    const next = lock.waiter();
    holder.release();
    untilGranted(next);
    expect(stopped.tryAdvance()).toMatchObject({ on: "holder" });
    expect(next.release()).toBe(true);
    expect(stopped.tryAdvance()).toBe("granted");
  });

  test("starts over in a ledger that took the name of the one it has open", () => {
    newLock();
    const waiter = lock.participant();
    rmSync(lock.path);
    const holder = lock.holder();
    expect(waiter.tryAdvance()).toMatchObject({ on: "holder" });
    expect(holder.release()).toBe(true);
    expect(waiter.tryAdvance()).toBe("granted");
  });

  test("goes on with the old ledger when the new one cannot be opened", () => {
    newLock();
    const waiter = lock.participant();
    rmSync(lock.path);
    mkdirSync(lock.path);
    expect(() => waiter.tryAdvance()).toThrow(LockDamagedError);
    // Still its own descriptor: closing it is no error, and nobody else's is closed.
    expect(() => waiter.withdraw()).not.toThrow();
    rmdirSync(lock.path);
  });

  test("grows the ledger for many, and it is small again when they have left", () => {
    newLock();
    const all = Array.from({ length: 160 }, () => lock.holder({ kind: kinds.shared }));
    expect(statSync(lock.path).size).toBe(6 * 4096);
    for (const participant of all) expect(participant.release()).toBe(true);
    expect(statSync(lock.path).size).toBe(4096);
    expect(lock.unit.readValue()).toBe(1);
  });
});

/** A participant that has the unit in hand, and has not said so. */
function withUnit(options: Partial<Wish> = {}): Participant {
  const peer = lock.unit.tryTake();
  expect(peer).toBe(true);
  const waiter = lock.participant(options);
  const blocked = blockedBy(waiter);
  expect(blocked.on).toBe("semaphore");
  lock.unit.postIfLocked();
  waiter.blockInKernel(blocked, 1);
  expect(lock.unit.readValue()).toBe(0);
  expect(waiter.mayAdvance(blocked)).toBe(true);
  return waiter;
}

/** A lock whose new segment has the text of a grant that is over, while `lock.unit` has the old one open. */
function replaced(): LockUnit {
  newLock().holder().release();
  lock.unit.reopenIfReplaced();
  rmSync(`/dev/shm/${lock.name}`);
  return LockUnit.openOrCreate(lock.name, 4096, () => 1);
}

describe("when the info segment was deleted, and another process has made a new one", () => {
  test("who took the lock a moment later still holds it", () => {
    using other = closing(replaced());
    const before = lock.participant({}, other.unit);
    expect(before.tryAdvance()).toBe("granted");
    before.release();
    const holder = lock.holder();
    // The new segment is found at the latest when this time is over.
    pause(0.06);
    expect(holder.isLost()).toBe(false);
    expect(holder.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("a text that is set a moment later takes the lock from nobody", () => {
    using other = closing(replaced());
    const holder = lock.participant({}, other.unit);
    expect(holder.tryAdvance()).toBe("granted");
    writeInfoText(lock.ledger, lock.unit, lock.unit.encode("half done"));
    expect(other.unit.readInfo()).toBe("half done");
    expect(holder.release()).toBe(true);
  });
});

function closing(unit: LockUnit): { unit: LockUnit } & Disposable {
  return { unit, [Symbol.dispose]: () => unit.close() };
}

describe("a unit that was got by waiting for the semaphore", () => {
  test("is recorded at the next attempt", () => {
    newLock();
    const waiter = withUnit();
    expect(waiter.tryAdvance()).toBe("granted");
    expect(lock.state()).toBe(lockStates.held);
  });

  test("is the holder's when the semaphore was deleted before it could be recorded", () => {
    newLock();
    const waiter = withUnit();
    rmSync(`/dev/shm/sem.${lock.name}`);
    using _ = closing(LockUnit.openOrCreate(lock.name, 4096, () => 1));
    // The new semaphore is found at the latest when this time is over.
    pause(0.06);
    expect(waiter.tryAdvance()).toBe("granted");
    expect([lock.unit.readValue(), waiter.isLost()]).toEqual([0, false]);
    expect(waiter.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("stays marked when another one fails to take it", () => {
    newLock();
    withUnit();
    lock.ledger.transact(() => {
      // As one that was stopped there.
      lock.ledger.seat(1).evicted = evictions.evicted;
      lock.ledger.store();
    });
    const mark = lock.unit.readWaiterMark();
    const next = lock.participant();
    const reading = spyOn(lock.unit, "readValue").mockReturnValue(1);
    expect(blockedBy(next)).toMatchObject({ on: "semaphore" });
    reading.mockRestore();
    expect(mark).toBe(waiterMarkOf(0, 1));
    expect(lock.unit.readWaiterMark()).toBe(mark);
    expect(lock.unit.readMark()).toBe(0);
  });

  test("is given back when the request is withdrawn", () => {
    newLock();
    withUnit().withdraw();
    expect(lock.unit.readValue()).toBe(1);
    lock.holder();
  });

  test("is given back when one that was stopped got it long after its own was adopted", () => {
    newLock();
    const waiter = lock.participant();
    lock.unit.tryTake();
    const blocked = blockedBy(waiter);
    lock.ledger.transact(() => {
      lock.ledger.seat(1).evicted = evictions.unitAdopted;
      lock.ledger.header.grants += 2;
      lock.ledger.header.notedHash = lock.unit.infoHash();
      lock.ledger.store();
    });
    lock.unit.postIfLocked();
    waiter.blockInKernel(blocked, 1);
    expect(lock.unit.readWaiterMark()).toBe(waiterMarkOf(2, 1));
    waiter.withdraw();
    expect(lock.unit.readValue()).toBe(1);
    expect(lock.unit.readWaiterMark()).toBe(0);
    lock.holder();
  });

  test("does not get a peer's hold adopted when its own was adopted, and others were granted since", () => {
    newLock();
    const waiter = withUnit();
    lock.ledger.transact(() => {
      lock.ledger.seat(1).evicted = evictions.unitAdopted;
      lock.ledger.header.grants += 1;
      lock.ledger.header.notedHash = lock.unit.infoHash();
      lock.ledger.store();
    });
    waiter.withdraw();
    const next = lock.participant();
    expect(blockedBy(next)).toMatchObject({ on: "semaphore", retryAfterSeconds: 1 });
    expect(lock.ledger.snapshot(({ header }) => header.missingSince)).toBe(0);
  });

  test("is given back when somebody else comes first by now", () => {
    newLock();
    const waiter = withUnit({ kind: kinds.slots, slots: 1 });
    const seat = lock.ledger.snapshot((state) => state.taken[0] ?? 0);
    const other = lock.participant({ kind: kinds.slots, slots: 1 });
    other.tryAdvance();
    // As a later one of more slots, which may overtake, would be.
    lock.ledger.transact(() => {
      for (const number of lock.ledger.taken) {
        if (number !== seat) lock.ledger.seat(number).state = seatStates.holding;
      }
      lock.ledger.store();
    });
    expect(waiter.tryAdvance()).toMatchObject({ on: "holder" });
    expect(lock.unit.readValue()).toBe(1);
  });
});

describe("Participant.release() and detach()", () => {
  test("tell when the lock was forced by a peer that took it", () => {
    newLock();
    const holder = lock.holder();
    lock.unit.postIfLocked();
    expect(holder.release()).toBe(false);
    const other = lock.holder();
    lock.unit.postIfLocked();
    expect(other.detach(0, 0)).toBe(false);
    expect(lock.state()).toBe(lockStates.free);
  });

  test("tell when a participant forced the lock", () => {
    newLock();
    const holder = lock.holder();
    expect(holder.isLost()).toBe(false);
    expect(forceRelease(lock.ledger, lock.unit, { by: 4711 })).toBe("released");
    expect(holder.isLost()).toBe(true);
    expect(holder.detach(0, 0)).toBe(false);
    expect(holder.forcedBy).toEqual({ pid: 4711 });
    expect(forceRelease(lock.ledger, lock.unit, { by: 4711 })).toBe("free");
  });

  test("tell a loss to a peer before the end, and not who it is", () => {
    newLock();
    const holder = lock.holder();
    lock.unit.postIfLocked();
    expect(holder.isLost()).toBe(true);
    expect(holder.release()).toBe(false);
    expect(holder.forcedBy).toEqual({ pid: null });
  });

  test("leave an exit status in the history, and the number of slots as it was", () => {
    newLock();
    const two = { kind: kinds.slots, slots: 2 };
    const [one, other] = [lock.holder(two), lock.holder(two)];
    one.release(3);
    other.release(0);
    lock.holder().release();
    const seats = lock.ledger.snapshot((state) => [1, 2, 3].map((number) => state.seat(number)));
    expect(seats.map((seat) => [slotsOf(seat), seatExitStatus(seat)])).toEqual([
      [2, 3],
      [2, 0],
      [0, null],
    ]);
  });

  test("leave a group to those that live on", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const [one, other] = [lock.holder(shared), lock.holder(shared)];
    expect(one.detach(0, 0)).toBe(true);
    expect(lock.state()).toBe(lockStates.held);
    expect(other.release()).toBe(true);
  });

  test("leave the unit to a member of the group whose seat was overwritten", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const [one, other] = [lock.holder(shared), lock.holder(shared)];
    lock.ledger.transact(() => {
      Object.assign(lock.ledger.seat(2), { ticket: 0, state: 99, since: 0 });
      lock.ledger.store();
    });
    expect(one.release()).toBe(true);
    expect(lock.state()).toBe(lockStates.held);
    expect(other.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("give the unit back when the ledger cannot be told", () => {
    newLock();
    const holder = lock.holder();
    // Somebody else takes part, so that it is not begun anew.
    lock.waiter();
    const descriptor = openSync(lock.path, "r+");
    writeFileSync(descriptor, "garbage");
    closeSync(descriptor);
    expect(holder.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("pass a descriptor on that keeps no later grant", () => {
    newLock();
    const holder = lock.holder();
    const descriptor = holder.handOn(50);
    expect(holder.release()).toBe(true);
    const { ledger } = holder;
    // Its ledger is used again, as the library does.
    const wait = { usesFutex: false, blocksAtSemaphore: true };
    const wish = { kind: kinds.exclusive, slots: 0, adopt: true, message: "", wait };
    const next = new Participant(() => ledger, lock.unit, wish);
    expect(next.tryAdvance()).toBe("granted");
    next.ledger.close();
    lock.participants.delete(holder);
    lock.holder();
    closeSync(descriptor);
  });

  test("pass a descriptor on that can neither write nor unlock", () => {
    newLock();
    const holder = lock.holder();
    const descriptor = holder.handOn(50);
    expect(() => writeSync(descriptor, "x")).toThrow();
    for (const offset of [2 ** 30, 2 ** 30 + 1]) unlockByte(descriptor, offset);
    expect(lock.participant().tryAdvance()).toMatchObject({ on: "holder" });
    closeSync(descriptor);
  });

  test("pass a descriptor on that keeps the seat", () => {
    newLock();
    const holder = lock.holder();
    const descriptor = holder.handOn(50);
    lock.kill(holder);
    const waiter = lock.participant();
    const blocked = blockedBy(waiter);
    expect(blocked.on).toBe("holder");
    closeSync(descriptor);
    expect(waiter.mayAdvance(blocked)).toBe(true);
    expect(waiter.tryAdvance()).toBe("granted");
  });
});

describe("a holder that died in a group of which others went on", () => {
  test("does not count to a later grant, which ends by a release", () => {
    newLock();
    const dead = lock.holder({ kind: kinds.shared });
    const other = lock.holder({ kind: kinds.shared });
    lock.kill(dead);
    expect(other.release()).toBe(true);
    lock.kill(lock.holder({ endsByRelease: true }));
    const next = lock.holder({ adopt: false });
    expect(next.adopted).toBeUndefined();
    expect(lock.ledger.snapshot(({ header }) => header.recoveries)).toBe(0);
  });
});

describe("forceRelease() of a hold that is meant", () => {
  const by = 1;

  test("releases the hold with that token, and no later one", () => {
    newLock();
    const { token } = lock.holder();
    expect(forceRelease(lock.ledger, lock.unit, { by, token })).toBe("released");
    expect(lock.unit.readValue()).toBe(1);
    const next = lock.holder();
    expect(forceRelease(lock.ledger, lock.unit, { by, token })).toBe("not-meant");
    expect(next.isLost()).toBe(false);
    expect(lock.unit.readValue()).toBe(0);
  });

  test("releases the hold that is bound to that process, and no other", () => {
    newLock();
    lock.holder().detach(process.pid, processStart(process.pid) ?? 0);
    expect(forceRelease(lock.ledger, lock.unit, { by, process: 1 })).toBe("not-meant");
    expect(forceRelease(lock.ledger, lock.unit, { by, process: process.pid })).toBe("released");
    expect(lock.state()).toBe(lockStates.free);
  });

  test("releases one of a group, and leaves the lock to the others", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const [one, other] = [lock.holder(shared), lock.holder(shared)];
    expect(forceRelease(lock.ledger, lock.unit, { by, token: other.token })).toBe("released");
    expect({ one: one.isLost(), other: other.isLost() }).toEqual({ one: false, other: true });
    expect(other.release()).toBe(false);
    expect(lock.unit.readValue()).toBe(0);
    expect(one.release()).toBe(true);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("releases a dead holder's lock, by its token", () => {
    newLock();
    const dead = lock.holder();
    const { token } = dead;
    lock.kill(dead);
    expect(forceRelease(lock.ledger, lock.unit, { by, token: token + 1 })).toBe("not-meant");
    expect(forceRelease(lock.ledger, lock.unit, { by, token })).toBe("released");
  });

  test("does nothing to a peer's lock", () => {
    newLock();
    lock.unit.tryTake();
    expect(forceRelease(lock.ledger, lock.unit, { by, token: 1 })).toBe("not-meant");
    expect(forceRelease(lock.ledger, lock.unit, { by })).toBe("released");
  });
});

describe("Participant.withdraw()", () => {
  test("leaves the queue, and position() tells of those that are left", () => {
    newLock();
    lock.holder();
    const [one, other] = [lock.waiter(), lock.waiter()];
    expect(other.position()).toEqual({ place: 2, waiting: 2 });
    one.withdraw();
    expect(other.position()).toEqual({ place: 1, waiting: 1 });
  });

  test("lets go of the seat when the ledger is damaged", () => {
    newLock();
    lock.holder();
    const waiter = lock.waiter();
    const descriptor = openSync(lock.path, "r+");
    writeFileSync(descriptor, "garbage");
    closeSync(descriptor);
    expect(() => waiter.withdraw()).not.toThrow();
  });
});

const failing = () => {
  throw new Error("the text cannot be written");
};

describe("a grant that cannot be completed", () => {
  test("gives the unit back when its text cannot be written", () => {
    newLock();
    const participant = lock.participant();
    const write = spyOn(lock.unit, "writeInfo").mockImplementation(failing);
    expect(() => participant.tryAdvance()).toThrow("the text cannot be written");
    write.mockRestore();
    expect(lock.unit.readValue()).toBe(1);
    lock.holder();
  });

  test("leaves the unit to the group that it would have joined by adopting", () => {
    newLock();
    const shared = { kind: kinds.shared };
    const dead = lock.holder(shared);
    lock.kill(dead);
    const participant = lock.participant(shared);
    const write = spyOn(lock.unit, "writeInfo").mockImplementation(failing);
    expect(() => participant.tryAdvance()).toThrow("the text cannot be written");
    write.mockRestore();
    expect(lock.state()).toBe(lockStates.free);
    expect(lock.unit.readValue()).toBe(1);
  });

  test("gives the unit back when the record cannot be written", () => {
    newLock();
    const participant = lock.participant();
    const store = spyOn(participant.ledger, "store").mockImplementation(failing);
    expect(() => participant.tryAdvance()).toThrow("the text cannot be written");
    store.mockRestore();
    expect(lock.unit.readValue()).toBe(1);
  });
});

test("writeInfoText() notes a text, so that a hold is still known", () => {
  newLock();
  const holder = lock.holder();
  writeInfoText(lock.ledger, lock.unit, lock.unit.encode("another text"));
  expect(holder.release()).toBe(true);
  writeInfoText(lock.ledger, lock.unit, lock.unit.encode("at rest"));
  expect(lock.ledger.snapshot(({ header }) => header.notedHash)).toBe(lock.unit.infoHash());
});
