/** A lock of this host that is held, as the contract has it. */
import { type LockLoss, LockLostError } from "../lock/errors.ts";
import type { DetachOptions, Grant, ReleaseOptions } from "../lock/engine.ts";
import type { RequestedKind } from "../lock/kinds.ts";
import { pidText, type ProcessLabel } from "../lock/status.ts";
import { type HostLock, ownerProcess, type OwnerProcess } from "./host-lock.ts";
import { processLabel } from "./ledger/process-number.ts";
import type { Participant } from "./ledger/participant.ts";
import { isLockFault } from "./lock-fault.ts";

/** Nothing tells a holder that its lock was forced away: it looks this often. */
const lookMilliseconds = 1000;

interface HoldTerms {
  readonly kind: RequestedKind;
  readonly owner: OwnerProcess | undefined;
  readonly replace: boolean | undefined;
}

export class HostGrant implements Grant {
  readonly granted = true;
  readonly name: string;
  readonly token: number;
  readonly slot: number | null;
  readonly slotName: string | null;
  readonly info: string;
  readonly adoptedFrom: ProcessLabel | undefined;
  readonly #lock: HostLock;
  #holder: Participant | undefined;
  readonly #owner: OwnerProcess | undefined;
  readonly #replace: boolean;
  #loss: LockLostError | undefined;
  #watch: { lost: AbortController; timer: Timer } | undefined;

  /**
   * @param owner what {@link detach} is going to bind the hold to
   * @param replace whether it may be asked to leave
   */
  constructor(lock: HostLock, holder: Participant, { kind, owner, replace = false }: HoldTerms) {
    this.#lock = lock;
    this.#holder = holder;
    this.#owner = owner;
    this.#replace = replace;
    this.name = lock.name;
    this.token = holder.token;
    this.slot = typeof kind === "object" ? holder.slot : null;
    const names = typeof kind === "object" ? kind.names : undefined;
    this.slotName = names?.[holder.slot] ?? null;
    this.info = holder.info;
    const { adopted } = holder;
    this.adoptedFrom = adopted && { ...processLabel(adopted), command: adopted.message };
  }

  watchLoss(): AbortSignal {
    this.#watch ??= this.#startWatch();
    return this.#watch.lost.signal;
  }

  #startWatch(): { lost: AbortController; timer: Timer } {
    const lost = new AbortController();
    const look = () => {
      const loss = this.#lookForLoss();
      if (loss === undefined) return;
      clearInterval(timer);
      lost.abort(loss);
    };
    const timer = setInterval(look, lookMilliseconds);
    timer.unref();
    // It may have been asked to leave while its job waited for another lock.
    if (this.#replace) look();
    return { lost, timer };
  }

  /** In a timer, where nobody catches an error: what cannot be looked at is no news. The release says what is wrong. */
  #lookForLoss(): LockLostError | undefined {
    try {
      return this.findLoss();
    } catch (error) {
      if (isLockFault(error)) return undefined;
      throw error;
    }
  }

  findLoss(): LockLostError | undefined {
    const holder = this.#holder;
    if (holder === undefined || holder.isLost()) return this.#lossOf({ reason: "forced" });
    const asker = this.#replace ? holder.askedBy() : undefined;
    if (asker === undefined) return undefined;
    const label = asker.command === "" ? "" : ` (${asker.command})`;
    return this.#lossOf({ reason: "replaced", by: `${pidText(asker)}${label}`, newer: asker });
  }

  #stopWatch(): void {
    clearInterval(this.#watch?.timer);
  }

  #lossOf(loss: LockLoss): LockLostError {
    return (this.#loss ??= new LockLostError(this.name, loss));
  }

  childDescriptor(lowest: number): number | undefined {
    return this.#holder?.handOn(lowest);
  }

  async detach({ process: pid }: DetachOptions = {}): Promise<boolean> {
    const holder = this.#take();
    if (holder === undefined) return false;
    this.#lock.unit.doubt();
    return this.#lock.detach(holder, pid === undefined ? undefined : this.#ownerOf(pid));
  }

  #ownerOf(pid: number): OwnerProcess {
    return this.#owner?.pid === pid ? this.#owner : ownerProcess(pid);
  }

  async release({ whereCalled = "", exitStatus }: ReleaseOptions = {}): Promise<
    LockLostError | undefined
  > {
    const holder = this.#take();
    // Something ran under it.
    this.#lock.unit.doubt();
    if (holder !== undefined && !this.#lock.release(holder, whereCalled, exitStatus)) {
      const by = pidText(holder.forcedBy);
      this.#loss = new LockLostError(this.name, { reason: "forced", by });
    }
    return this.#loss;
  }

  #take(): Participant | undefined {
    const holder = this.#holder;
    this.#holder = undefined;
    this.#stopWatch();
    return holder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
