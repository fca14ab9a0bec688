/*
 * The ledger as a model for Spin: a queue of participants whom the kernel vouches for, beside the semaphore and
 * the info text that all peers share. The code is src/host/ledger, which explains the words; where the two
 * differ, one of them is wrong. `verify ledger` searches every case of ledger.cases to its end:
 *
 *   N              participants, 2 to 4
 *   ROUNDS         how often each of them takes the lock
 *   CRASHES        how many processes may be killed, each before any of its steps
 *   FOREIGN        how often a peer takes the lock that knows only the semaphore and the info text
 *   PEER_FORCES    that peer may force the lock, once: it posts, takes and writes its text in three steps
 *   SILENT         that peer writes no text
 *   BUSY           whoever is inside, the peer too, sets the text to the same constant
 *   SETS           how often somebody else sets the text to that constant: by `info --set`, or as a peer does
 *   LONG           the constant is so long that it covers the date of the text before it
 *   DETACHED       a participant may leave the lock held without a process, or bound to one
 *   OWNER          it may be bound to a process that ends, and whose number is used again
 *   FORCE          how many processes may force the lock, each once
 *   SHARED         some participants are shared holders, the others exclusive
 *   SLOTS          some participants want one of so many slots, the others are exclusive
 *   MIXED          each of them names its own number of slots, up to SLOTS
 *   STOPPED        how many waiters may be stopped, for a while or for ever
 *   LAPSES         how many waiters may give up
 *   NOWAIT         the last participant does not wait: it comes and goes until it finds the lock free
 *   NEWEST         all participants, of three all but the first, supersede each other: who comes sends away those that
 *                  wait, and asks those that hold to leave, which they may do at any time
 *   NO_ADOPT       the first participant does not take over from the dead
 *   NO_FORK        the command of a holder may take its place: its end is a release that nobody writes down
 *   HANDED_ON      the command of a holder that is killed may live on and keep its seat; so may one of an earlier
 *                  grant, which must not keep anything
 *   CUTS           how many grants find that the file of the ledger cannot take all they write
 *   REPLACED       somebody deletes the info segment, and a peer creates it again, once
 *   RECREATED      somebody deletes the semaphore, and a participant creates it again, once
 *   MUTANT_x       one rule broken, to show that the search finds out
 *
 * It shows: nobody is inside together with somebody who must not be, the peer counted, but for those the lock was
 * forced from; slots have numbers of their own; nobody is overtaken; the semaphore is never over 1; all who live
 * are served, those who do not wait as well, but for those that one that came later has superseded; and at the end
 * the unit is there again or the next one to come will adopt it.
 *
 * It leaves out what nobody can do anything about:
 * - A participant is killed with the unit in hand that it got by waiting, microseconds before the record says so,
 *   and a peer wrote the info text last; or it is killed before it has left its mark. Then the lock looks foreign
 *   until it is forced (`gone`).
 * - A participant is killed between what the record says and its own text, and a peer had the lock for the moment
 *   between its look at the text and its take (`gone`).
 * - The lock is forced in such microseconds: then two have it, as with the seed (`raced`).
 * - A peer forces the lock from a participant and takes it. Until it has written its text, nobody can know that,
 *   and a text without a date that covers the whole date of its own hides it again (`raced`).
 * - A participant is killed between two machine instructions, those that leave the mark and take the unit, or post
 *   the unit and take the mark back; and then comes a peer that writes no text, or the text that was there.
 * - A peer sets the text, without having the lock, in the microseconds in which somebody is killed (`gone`).
 * - The segment is deleted and another one created, and within the time in which a participant need not have noticed
 *   it is killed, or a peer forces the lock and takes it (`gone`, `raced`); or a peer has had the lock and has written
 *   to the new segment, and the participant takes it next, with the text as noted in the old one (`gone`).
 * - The semaphore is deleted while a peer has its unit; or it is deleted and created again while a waiter has the unit
 *   and the record does not say so, and in that moment a peer takes the new one's (`raced`).
 * - A peer that the lock was forced from gives back a unit later, as the seed does. Here it is dead by then.
 * - A waiter is stopped with the unit in hand, or at the semaphore while the unit is lost: all wait for it
 *   as for a stopped holder.
 */
#ifndef N
#define N 3
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef FOREIGN
#define FOREIGN 0
#endif
#ifndef FORCE
#define FORCE 0
#endif
#ifndef SETS
#define SETS 0
#endif
#ifndef SLOTS
#define SLOTS 0
#endif
#ifndef STOPPED
#define STOPPED 0
#endif
#ifndef LAPSES
#define LAPSES 0
#endif
#ifndef CUTS
#define CUTS 0
#endif

#if defined(BUSY) || SETS
#define COMES_BACK              /* one text stands there again and again */
#endif
#if defined(COMES_BACK) || defined(SILENT) || defined(REPLACED)
#define UNPROVEN                /* a peer may hold while the text is as it was */
#endif

#define NOBODY 255
#define NOTHING 254             /* no text: a hash that none has */
#define UNWRITTEN 253           /* the record says that it holds, and its text is yet to be written */
#define CONSTANT 100            /* the text that is set */
#define EMPTY 101               /* no text: that of a new segment */
#define OURS 128                /* texts of participants' grants are numbered from here on, a peer's from 1 on */

mtype = { Free, Held, Detached };             /* the record */
mtype = { Waiting, AtSemaphore, Holding };    /* a seat */
mtype = { Running, Paused, Frozen };          /* a process: stopped for a while, or for ever */

/* ---- what all peers share ---- */

byte sem = 1;
byte mark = 0;                  /* in unused bytes of the semaphore: who has the mutex has the unit in hand */
byte waitersMark = 0;           /* whose seat has got it by waiting at the semaphore, without the mutex; 0 nobody's */
byte info = 0;                  /* stands for the info text: each grant writes a new one */
#ifdef COMES_BACK
byte behind = 0;                /* the grant whose date can be seen in the segment, behind a text that was set too */
#endif
byte peerTexts = 0;

/* ---- the ledger ---- */

byte mutex = NOBODY;            /* a byte lock on a description of its own, which is never handed on */
byte tickets = 0;
mtype record = Free;
byte grants = OURS;             /* counts them; also the date of the last one */
byte noted = 0;                 /* the info text as it was when the lock was last seen free or detached */
byte bound = NOBODY;            /* the process that a detached hold is bound to */
#ifdef NOWAIT
byte stalled = 0;               /* the ticket of a first waiter that could take the lock and has not */
#endif

typedef Seat {
  byte ticket;                  /* 0 for an empty seat */
  mtype state;
  bool evicted;
  bool superseded;              /* a unit that it may have got was adopted */
#ifdef NEWEST
  bool asked;                   /* a newer one asked it to leave: the queue, or the lock */
#endif
#if SLOTS
  byte slot
#endif
}
Seat seat[N];

/* ---- the processes ---- */

bool hasTaken[N + FORCE];       /* has the unit in hand, and the record does not say so */
bool alive[N];                  /* whether a description lives that keeps the seat's byte locked */
bool finished[N];
mtype process[N];               /* how it runs */
byte kills = CRASHES;           /* that may still come */
byte stops = STOPPED;
byte lapses = LAPSES;
byte companions = 0;            /* those below this number are shared holders or want a slot */
#ifdef MIXED
byte want[N];                   /* of how many slots */
#endif
#if CUTS
byte cuts = CUTS;
#endif
#ifdef HANDED_ON
bool kept[N];                 /* something that the command of an earlier grant started lives on */
#endif
#ifdef REPLACED
bool replaced = false;          /* the segment is another one */
byte oldInfo = 0;               /* the text in the one that was deleted */
bool hasOpened[N + FORCE];      /* the new one */
#endif
#ifdef RECREATED
bool recreated = false;         /* the semaphore is another one */
bool heldOfNew = false;         /* the record says that the unit was taken from that */
#endif
#ifdef OWNER
#define OWNER_PROCESS 200
byte ownerStart = 1;            /* 1 the owner; 0 nobody; 2 another process of its number */
#endif

/* ---- what is so, for the assertions: nobody acts on it ---- */

bool inside[N];                 /* this participant's work goes on */
bool hit[N];                    /* a peer has forced the lock from it, and it does not know */
bool died = false;              /* somebody */
#ifdef NO_FORK
bool ended = false;             /* the holder of the record, by a release that nobody wrote down */
bool diedInGroup = false;       /* another one that held with it */
#endif
bool leftHeld = false;          /* somebody relies on the lock that is left held */
bool peerInside = false;
bool peerHit = false;           /* the lock was forced from the peer */
bool peerFinished = (FOREIGN == 0);
#ifdef PEER_FORCES
bool hasForced = false;         /* the peer has posted, and not yet let go of what it took then */
#endif
bool blind = false;             /* the text was read while nobody could know of the peer */
bool raced = false;             /* see above: looked at no further */
bool gone = false;              /* see above: the unit is lost until somebody forces the lock */
bool passed = false;            /* a peer had the lock between a look at the text and the take */
/* Acted on: to see it false is to have waited for the grace time. */
bool peerWindow = false;        /* the peer has taken the unit and not yet written its text */
#ifdef NOWAIT
bool isCalled = true;           /* who does not wait may come */
byte calls = 0;                 /* since all others came to rest */
#endif

#ifdef NEWEST
byte arrivals = 0;
byte arrival[N];                /* in which order the requests were made, whatever tickets they had since */
#endif

/* ---- the queue ---- */

/* `some` and `one` are `any` once more, as a macro cannot be used within itself. */
#if N == 2
#define any(is, of) (is(0, of) || is(1, of))
#define some(is, of) (is(0, of) || is(1, of))
#define one(is, of) (is(0, of) || is(1, of))
#define number(is, of) (is(0, of) + is(1, of))
#elif N == 3
#define any(is, of) (is(0, of) || is(1, of) || is(2, of))
#define some(is, of) (is(0, of) || is(1, of) || is(2, of))
#define one(is, of) (is(0, of) || is(1, of) || is(2, of))
#define number(is, of) (is(0, of) + is(1, of) + is(2, of))
#else
#define any(is, of) (is(0, of) || is(1, of) || is(2, of) || is(3, of))
#define some(is, of) (is(0, of) || is(1, of) || is(2, of) || is(3, of))
#define one(is, of) (is(0, of) || is(1, of) || is(2, of) || is(3, of))
#define number(is, of) (is(0, of) + is(1, of) + is(2, of) + is(3, of))
#endif

#define isExclusive(i) (i >= companions)
#define isLive(i) (alive[i] && seat[i].ticket != 0)
#ifdef MUTANT_ASKED_IS_GONE
#define stands(i) (isLive(i) && !seat[i].evicted && !seat[i].asked)
#else
#define stands(i) (isLive(i) && !seat[i].evicted)
#endif
#define isHolder(i, of) (i != of && stands(i) && seat[i].state == Holding)
#define isAtSemaphore(i, of) (i != of && isLive(i) && seat[i].state == AtSemaphore)
#define standsAtSemaphore(i, of) (isAtSemaphore(i, of) && !seat[i].evicted)

#define isBefore(i, of) (i != of && stands(i) && seat[i].ticket < seat[of].ticket)
#ifdef MUTANT_JOIN_PAST_WAITING
#define conflicts(i, of) (isBefore(i, of) && (isExclusive(of) || (isExclusive(i) && seat[i].state == Holding)))
#else
#define conflicts(i, of) (isBefore(i, of) && (isExclusive(of) || isExclusive(i)))
#endif
#define wantsSlotBefore(i, of) (isBefore(i, of) && !isExclusive(i))
#define isSlotTakenBefore(i, of) (wantsSlotBefore(i, of) && seat[i].state != Waiting)
#ifdef MIXED
/* The least number that one of those before it has named, or itself, is what counts. */
#define isFullFor(i, of) (wantsSlotBefore(i, of) && number(wantsSlotBefore, of) >= want[i])
#define mayHaveSlot(of) (number(wantsSlotBefore, of) < want[of] && !one(isFullFor, of))
#else
#define mayHaveSlot(of) (number(wantsSlotBefore, of) < SLOTS)
#endif
#define comesNext(of) (!any(conflicts, of) && (SLOTS == 0 || isExclusive(of) || mayHaveSlot(of)))
#ifdef MUTANT_COUNT_ONLY_HOLDING
#define isFirst(of) (!any(conflicts, of) && (isExclusive(of) || number(isSlotTakenBefore, of) < SLOTS))
#elif defined(MUTANT_OVERTAKE_IN_SLOTS)
#define isFirst(of) (!any(conflicts, of) && (isExclusive(of) || number(wantsSlotBefore, of) < want[of]))
#else
#define isFirst(of) comesNext(of)
#endif

/* ---- the record ---- */

#ifdef REPLACED
#define infoOf(who) (hasOpened[who] == replaced -> info : oldInfo)
#else
#define infoOf(who) info
#endif

/* Whose mark it is: of who takes or gives back the unit after that grant; of who has yet to write its text. */
#define isMarked (mark == grants + 1 || waitersMark != 0)
#define isTextPending (mark == grants)

#ifdef OWNER
#define isOwnerDead (bound != ownerStart)
#else
#define isOwnerDead (!alive[bound])
#endif
#ifdef MUTANT_ADOPT_BOUND_TO_LIVING
#define isBoundToDead (record == Detached && bound != NOBODY)
#else
#define isBoundToDead (record == Detached && bound != NOBODY && isOwnerDead)
#endif

/*
 * Whether the text is the holder's, or was only set: a text with a date is that of a grant, and behind one without
 * it stands the date of the grant before. Nobody compares dates but for being equal.
 */
#ifdef COMES_BACK
/* A peer has set it under a detached hold, whose date still stands behind it. */
#define isSetUnderDetached (record == Detached && info == CONSTANT && behind == grants)
#define ownDate (behind == grants || behind == 0)
#ifdef MUTANT_TEXT_WITHOUT_DATE_IS_SET
#define isHoldersText(text) (text == CONSTANT || text == noted || text == grants)
#else
#define isHoldersText(text) ((text == CONSTANT && (ownDate || (isTextPending && text == noted))) || \
  (text != CONSTANT && (text == noted || text == grants)))
#endif
#elif defined(MUTANT_COMPARE_DATES)
#define isSetUnderDetached false
#define ownDate true
#define isHoldersText(text) (text == noted || text <= grants)
#else
#define isSetUnderDetached false
#define ownDate true
#define isHoldersText(text) (text == noted || text == grants || text == EMPTY)
#endif

/*
 * Nobody will give the unit back. That cannot be said while another one is at the semaphore: it may have got the
 * unit and not have been able to say so yet. One that was evicted there is stopped: it is told to drop its unit.
 */
#define isLost(of) (sem == 0 && !isPeers(of) && \
  ((record == Free && isInHand) || (record == Detached && waitersMark != 0) || (isBoundToDead && ownDate)) && \
  !isInTransit(of))
#ifdef MUTANT_ADOPT_WITHOUT_MARK
#define isInHand true
#else
#define isInHand isMarked
#endif
#ifdef MUTANT_ADOPT_FOREIGN
#define isPeers(of) false
#elif defined(MUTANT_NO_GRACE)
#define isPeers(of) (infoOf(of) != noted)
#else
/* Without an owner's death to go by, only time tells a peer that has not yet written its text. */
#define isPeers(of) ((!isNoted(infoOf(of)) && !isSetUnderDetached) || (!isBoundToDead && peerWindow))
#endif
#define isInTransit(of) any(standsAtSemaphore, of)

/* The text is as noted, or a new segment tells nothing. */
#define isNoted(text) (text == noted || text == EMPTY)

/* The unit is a dead holder's. */
#define isDeadHolders(of) \
  (sem == 0 && ((record == Held && !one(isHolder, NOBODY) && !isReleased) || isLost(of)))
#ifdef NO_FORK
#define isReleased (ended && !diedInGroup)
#define isLeftHeldByRelease (record == Held && ended)
#else
#define isReleased false
#define isLeftHeldByRelease false
#endif
#ifdef NO_ADOPT
#define adopts(i) (i != 0)
#else
#define adopts(i) true
#endif

/* What the first of the queue does not wait for: the lock is there, or there is one to join or to adopt. */
#define canTake(of) (record == Held || sem > 0 || isLost(of))
/*
 * It could take the lock and has not done so at two looks in a row: that is, it is stopped, or does not adopt what
 * another one would.
 */
#ifdef MUTANT_EVICT_ONLY_WHERE_FREE
#define isStalled(i, of) (waitsBefore(i, of) && record == Free && sem > 0 && process[i] != Running)
#elif defined(NO_ADOPT) && !defined(MUTANT_NO_ADOPT_BLOCKS)
#define isStalled(i, of) (waitsBefore(i, of) && canTake(i) && \
  (process[i] != Running || !(adopts(i) || isReleased)) && (!isDeadHolders(i) || adopts(of)))
#elif defined(NO_ADOPT)
#define isStalled(i, of) (waitsBefore(i, of) && canTake(i) && process[i] != Running)
#else
#define isStalled(i, of) (waitsBefore(i, of) && canTake(i) && process[i] != Running)
#endif
#define waitsBefore(i, of) (isBefore(i, of) && seat[i].state != Holding && isFirst(i))

/* ---- the steps of a process: before each it may be killed ---- */

#ifdef HANDED_ON
#define orDie :: kills > 0 -> die(); goto dead \
              :: kills > 0 && started -> dieUnderCommand(); goto orphaned
#else
#define orDie :: kills > 0 -> die(); goto dead
#endif
#define step(...) atomic { if :: __VA_ARGS__ orDie fi }

#ifdef REPLACED
#define setInfo(who, text) if :: hasOpened[who] == replaced -> info = text :: else -> oldInfo = text fi
#else
#define setInfo(who, text) info = text
#endif

/* A unit that may have been adopted; where it was another one, that one is gone. */
#define isSuperseded(i) (i < N && seat[i % N].superseded)
/* Nobody was granted since it has got its unit: that is not the one that was adopted. */
#ifdef MUTANT_DROP_SUPERSEDED
#define isGotSince(i) false
#else
#define isGotSince(i) (waitersMark == i + 1)
#endif
inline dropSuperseded() {
  hasTaken[me] = false;
  if
  :: sem == 0 && record != Held && !peerInside && !leftHeld && !(record == Free && isMarked && info == noted) ->
     gone = true
  :: else
  fi
}

#if SETS
#define isSetByPeer (info == CONSTANT)
#else
#define isSetByPeer false
#endif
/* One that got the unit by waiting leaves a mark of its own. */
#define isWaiter(i) (i < N && seat[i % N].state == AtSemaphore)
#define leavesTrace(i) (record != Held && info == noted && \
  (isWaiter(i) -> waitersMark == i + 1 || (record == Free && mutex == i && mark == grants + 1) : \
  record == Free && isMarked))
inline die() {
  d_step {
    kills--; died = true;
#ifdef NO_FORK
    if :: me < N && seat[me % N].state == Holding && stands(me % N) -> diedInGroup = true :: else fi;
#endif
    /* Killed with a unit that nobody knows of, without a mark of its own, or where a peer wrote the text last. */
    if
    :: hasTaken[me] && isSuperseded(me) -> dropSuperseded()
    :: hasTaken[me] && !isSuperseded(me) && record != Held && !leavesTrace(me) ->
       assert(raced || mutex != me || info != noted || (me < N && seat[me % N].superseded));
       gone = true
    :: hasTaken[me] && record == Held && isWaiter(me) && !isSuperseded(me) -> gone = true
#ifdef REPLACED
    /* Its text is where nobody else looks. */
    :: (started || text == UNWRITTEN || (me < N && inside[me % N])) && (late || hasOpened[me] != replaced) ->
       gone = true
#endif
    :: text == UNWRITTEN && infoOf(me) != noted -> assert(raced || passed || isSetByPeer); gone = true
    :: else
    fi;
    if :: mutex == me -> mutex = NOBODY; passed = false :: else fi;
    if
    :: me < N ->
       /* Nobody looks at a seat whose byte is free: emptied only to have fewer states. */
#ifdef HANDED_ON
#ifdef MUTANT_KEEP_DESCRIPTION
       alive[me] = kept[me];
       if :: kept[me] :: else -> emptySeat() fi;
#else
       alive[me] = false; emptySeat();
#endif
#else
       alive[me] = false; emptySeat();
#endif
       inside[me] = false; process[me] = Running
    :: else
    fi;
    text = 0; hasTaken[me] = false; answer = false; lapsed = false; round = 0
  }
}

inline dieUnderCommand() {
  d_step {
    kills--; died = true;
#ifndef MUTANT_MUTEX_HANDED_ON
    if :: mutex == me -> mutex = NOBODY :: else fi;
#endif
    /* It lets go: what there is of the unit is as after any other death. */
    if
    :: hasTaken[me] && record != Held && !(record == Free && isMarked && info == noted) -> gone = true
    :: else
    fi;
    text = 0; hasTaken[me] = false; answer = false; lapsed = false; round = 0
  }
}

inline emptySeat() {
  d_step {
    seat[me].ticket = 0; seat[me].state = Waiting; seat[me].evicted = false; seat[me].superseded = false;
#ifdef NEWEST
    seat[me].asked = false;
#endif
#if SLOTS
    seat[me].slot = 0
#endif
  }
}

inline lock() { step(mutex == NOBODY && !raced -> mutex = me) }
inline unlock() { step(mutex = NOBODY) }
inline post() { sem++; assert(raced || sem <= 1) }

/* Where a peer may hold although the text tells nothing, the instruction before goes with the post or the take. */
#ifdef UNPROVEN
#define leaveMark()
#define takeUnit() mark = grants + 1; sem--; hasTaken[me] = true; passed = (infoOf(me) != text)
#define dropMark() skip
#define postUnit() post(); hasTaken[me] = false; mark = 0
#define postNothing() hasTaken[me] = false; mark = 0
#else
#define leaveMark() step(mark = grants + 1)
#define takeUnit() sem--; hasTaken[me] = true; passed = (infoOf(me) != text)
#define dropMark() step(mark = 0)
#define postUnit() post(); hasTaken[me] = false
#define postNothing() hasTaken[me] = false
#endif

/*
 * Under a record that says held, a waiter's unit is one too many: a peer that forces the lock has posted it. But a peer
 * that has had the lock since, as its text says, has given it back: then the hold is over, and nobody has told.
 */
#ifdef MUTANT_DROP_FORCING
#define isOfForcing(i) false
#else
#define isOfForcing(i) (!isHoldersText(infoOf(i)) && (!seat[i].superseded || isGotSince(i)))
#endif

/* The mark of a waiter is no good once its seat is left. */
#define forget() if :: waitersMark == me + 1 -> waitersMark = 0 :: else fi

/* The unit that a peer has posted is gone again before anybody took the lock: the hold goes on. */
#if N > 2
#define unforce() hit[0] = false; hit[1] = false; hit[2] = false
#else
#define unforce() hit[0] = false; hit[1] = false
#endif

/* A peer has forced the lock, taken it and not yet written its text, and somebody relies on the record. */
#ifdef PEER_FORCES
#define isUnseen (peerInside && peerWindow && hasForced)
#else
#define isUnseen false
#endif
#define readText() text = infoOf(me); blind = isUnseen
#define trust() raced = raced || blind; blind = false

#if LAPSES
#define orLapse :: atomic { lapses > 0 && !raced -> lapses--; lapsed = true; goto look }
#else
#define orLapse
#endif

/* A waiter may be stopped here: for a while, or until everybody else has come to rest. */
#if STOPPED
#define mayBeStopped beStopped();
inline beStopped() {
  atomic {
    if
    :: true
    :: stops > 0 -> stops--; process[me] = Paused
    :: stops > 0 -> stops--; process[me] = Frozen
    fi
  };
  step(process[me] != Frozen -> process[me] = Running)
}
#else
#define mayBeStopped
#endif

#define clashes(i, of) (i != of && inside[i] && !seat[i].evicted && !hit[i] && \
  (isExclusive(i) || isExclusive(of) || isSameSlot(i, of)))
#if SLOTS
#define isSameSlot(i, of) (seat[i].slot == seat[of].slot)
#else
#define isSameSlot(i, of) false
#endif
#define hasUnit(i, of) (hasTaken[i])
#define isInside(i, of) (inside[i] && !seat[i].evicted && !hit[i])
#define isCrowded(i, of) (isInside(i, of) && number(isInside, of) >= want[i])

inline enter() {
  d_step {
    assert(raced || !peerInside);
    assert(raced || !seat[me].evicted);
    assert(raced || !any(clashes, me));
#ifdef MIXED
    assert(raced || isExclusive(me) || (number(isInside, me) < want[me] && seat[me].slot < want[me] && !any(isCrowded, me)));
#elif SLOTS
    assert(raced || isExclusive(me) || (number(isInside, me) < SLOTS && seat[me].slot < SLOTS));
#endif
    assert(raced || comesNext(me));
    inside[me] = true; hit[me] = false
  }
}
#define hasSlot0(i, of) (isHolder(i, of) && seat[i].slot == 0)
#define hasSlot1(i, of) (isHolder(i, of) && seat[i].slot == 1)
#define hasSlot2(i, of) (isHolder(i, of) && seat[i].slot == 2)
inline sitDown() {
#if SLOTS
  step(
    if
    :: isExclusive(me)
    :: else ->
       seat[me].slot = (!any(hasSlot0, me) -> 0 : (!any(hasSlot1, me) -> 1 : (!any(hasSlot2, me) -> 2 : 3)))
    fi
  );
#endif
  step(seat[me].state = Holding; enter())
}

#define evictHolder(i) if :: isHolder(i, NOBODY) -> step(seat[i].evicted = true) :: else fi
inline evictHolders() {
  evictHolder(0);
  evictHolder(1);
#if N > 2
  evictHolder(2);
#endif
#if N > 3
  evictHolder(3);
#endif
}

#define supersedeOne(i) \
  if \
  :: isAtSemaphore(i, me) && seat[i].evicted -> \
     seat[i].superseded = true \
  :: else \
  fi
inline supersede() {
  step(
    supersedeOne(0);
    supersedeOne(1);
#if N > 2
    supersedeOne(2);
#endif
#if N > 3
    supersedeOne(3);
#endif
  )
}

#ifdef NOWAIT
#define isNotedStalled(i, of) (stalled != 0 && stalled == seat[i].ticket && isStalled(i, of))
#define noteStalled(i) if :: isStalled(i, me) -> step(stalled = seat[i].ticket) :: else fi
#endif
#define evictStalled(i) if :: isStalled(i, me) -> step(seat[i].evicted = true) :: else fi

#ifdef NEWEST
#define isNewest(i) (N == 2 || i != 0)
/* Also one that was evicted, as it is stopped: it would come again. */
#define isYielding(i, of) (i != of && isNewest(i) && isLive(i) && seat[i].state != Holding && !seat[i].asked)
#define isReplaceable(i, of) (isHolder(i, of) && isNewest(i) && !seat[i].asked)
#define sendAway(i) \
  if \
  :: isYielding(i, me) -> \
     step(assert(arrival[i] < arrival[me]); seat[i].evicted = true; seat[i].asked = true) \
  :: else \
  fi
#define askToLeave(i) if :: isReplaceable(i, me) -> step(seat[i].asked = true) :: else fi
inline supersedeOthers() {
  sendAway(0); sendAway(1);
#if N > 2
  sendAway(2);
#endif
#if N > 3
  sendAway(3);
#endif
  askToLeave(0); askToLeave(1);
#if N > 2
  askToLeave(2);
#endif
#if N > 3
  askToLeave(3);
#endif
}
#endif

/*
 * The lock was forced. In one write, as a holder's text that is not noted looks foreign; but a peer's text is
 * not noted, as the peer goes on if this process is killed before it posts. Who is to post leaves its mark before.
 */
#define isKnown(text) (record == Held -> (isHoldersText(text)) : ((text == noted && ownDate) || isSetUnderDetached))
/* The unit is this process's to give back: a holder's, or one that somebody had in hand who was killed. */
#define givesBack(posts) (posts && sem == 0 && (record == Free -> isMarked && isNoted(text) : isKnown(text)))
#ifdef MUTANT_FORCE_KEEPS_MARK
#define setMark(posts) if :: givesBack(posts) -> mark = grants + 1 :: else fi
#else
/* A mark that somebody left who was killed before the record said so tells of a unit that a peer has posted. */
#define setMark(posts) \
  if :: givesBack(posts) -> mark = grants + 1; trust() :: else -> mark = 0 fi
#endif
inline setFree(posts) {
  /* The text after the semaphore: where that is not 0, a peer may take it at any time. */
  step(readText(); if :: posts && sem > 0 -> text = NOTHING :: else fi);
#ifndef UNPROVEN
  step(setMark(posts));
#endif
  step(
#ifdef UNPROVEN
    setMark(posts);
#endif
    if :: posts && mark == grants + 1 -> hasTaken[me] = true :: else fi;
    if :: isKnown(text) && record != Free -> noted = text :: else fi;
    record = Free; bound = NOBODY; leftHeld = false
  )
}
/* Forced unget, by anybody. */
inline force() {
  lock();
  step(answer = (record != Free || sem == 0));
  if
  :: answer -> evictHolders(); setFree(true)
  :: else
  fi;
#ifdef MUTANT_FORCE_TWICE
  unlock();
  step(if :: answer -> hasTaken[me] = false; post() :: else fi);
#else
  step(
    hasTaken[me] = false;
    if
    :: answer && sem == 0 ->
       waitersMark = 0;
       raced = raced || any(hasUnit, me); post(); gone = false; peerHit = peerHit || peerInside; peerInside = false
    :: else
    fi
#ifdef UNPROVEN
    ; if :: answer -> mark = 0 :: else fi
#endif
  );
  if :: answer -> dropMark() :: else fi;
  unlock();
#endif
  answer = false; text = 0
}

/* `info --set`, or a setLockInfo of the holder: the text is noted, so that it is not taken for a peer's grant. */
#ifdef COMES_BACK
#ifdef LONG
#define writeConstant() info = CONSTANT; behind = 0
#else
#define writeConstant() info = CONSTANT
#endif
/* A peer that nobody could know of has written its text since, or will. */
#define overwrite() raced = raced || (record != Free && (blind || (peerInside && info != text))); blind = false
inline setConstant() {
  step(readText());
  if
  :: step(record == Held && (sem > 0 || !isHoldersText(text)) -> skip) -> evictHolders(); setFree(false)
  :: step(record != Held || (sem == 0 && isHoldersText(text)))
  fi;
  step(
    if
    :: record == Held -> if :: isTextPending -> noted = CONSTANT :: else fi
    :: record == Free && (text == noted || sem > 0) -> noted = CONSTANT
    :: record == Detached && text == noted && ownDate -> noted = CONSTANT
    :: record != Held && !(record == Free && (text == noted || sem > 0)) &&
       !(record == Detached && text == noted && ownDate) ->
       if :: noted == CONSTANT -> noted = NOTHING :: else fi
    fi
  );
  step(overwrite(); writeConstant());
  text = 0
}
#endif

proctype Participant(byte me) {
  byte round = 0;
  byte text = 0;
#ifdef MUTANT_DROP_UNIT_AFTER_GRANT
  byte seen = 0;
#endif
  bool answer = false;
  bool lapsed = false;
  bool started = false;         /* its command runs, or what that left behind */
#ifdef REPLACED
  bool late = false;            /* a peer's text stood in a new segment already when it took the lock in the old one */
#endif

queue:
#ifdef NOWAIT
  if
  :: me == N - 1 -> atomic { isCalled -> isCalled = false; calls++ }
  :: else
  fi;
#endif
  lock();
#ifdef NEWEST
  step(
    if
    :: arrival[me] == 0 -> arrivals++; arrival[me] = arrivals
    :: arrival[me] != 0 ->
#ifndef MUTANT_SUPERSEDE_ON_RETURN
       /* It was evicted, as it was stopped: whoever waits now came later. */
       if :: isNewest(me) && some(isYielding, me) -> lapsed = true :: else fi
#else
       skip
#endif
    fi
  );
  if :: lapsed -> unlock(); lapsed = false; goto again :: else fi;
#endif
  step(tickets++; seat[me].ticket = tickets);
#ifdef NEWEST
  if :: isNewest(me) -> supersedeOthers() :: else fi;
#endif
#ifdef NOWAIT
  if
  :: me == N - 1 -> goto once
  :: else
  fi;
#endif
  unlock();

place:
  mayBeStopped
  if
  :: step(seat[me].evicted || isFirst(me))
#if STOPPED || defined(NO_ADOPT)
  :: atomic { some(isStalled, me) -> goto evict }
#endif
  orLapse
  fi;

look:
  lock();
lookAgain:
  step(
#ifdef NOWAIT
    if :: stalled == seat[me].ticket -> stalled = 0 :: else fi;
#endif
    if :: seat[me].evicted || lapsed -> goto leave :: else -> seat[me].state = Waiting fi
  );
lookOnce:
  step(text = infoOf(me));      /* before the semaphore is looked at */
  step(
    if
    :: record == Held && any(isHolder, me) && sem == 0 -> goto join
#ifdef MUTANT_ADOPT_WITHOUT_SEMAPHORE
    :: record == Held && !any(isHolder, me) -> goto adopt
#else
    :: record == Held && !any(isHolder, me) && sem == 0 -> goto adopt
#ifdef RECREATED
    :: record == Held && sem > 0 && heldOfNew != recreated -> sem--; goto lookOnce
    :: record == Held && sem > 0 && heldOfNew == recreated -> goto forced
#else
    :: record == Held && sem > 0 -> goto forced
#endif
#endif
    :: record != Held && sem > 0 ->
#ifdef REPLACED
       late = (text == noted || hasOpened[me] == replaced);
#ifndef MUTANT_TAKE_IN_OLD_SEGMENT
       if :: late :: else -> hasOpened[me] = replaced; goto lookOnce fi
#endif
#else
       skip
#endif
    :: record != Held && sem == 0 && isLost(me) && (isNoted(text) || isSetUnderDetached) -> blind = isUnseen; goto lost
    :: record != Held && sem == 0 && !(isLost(me) && (isNoted(text) || isSetUnderDetached)) -> goto wait
    fi
  );
#ifdef MUTANT_TEXT_AFTER_SEMAPHORE
  step(text = infoOf(me));
#endif
  step(
    /* As the text was read before, it may be older than that of one who was killed with the unit meanwhile. */
    if :: sem == 0 && isMarked && info == noted && text != noted -> gone = true :: else fi;
    noted = text; record = Free; bound = NOBODY; leftHeld = false
  );
#ifdef MUTANT_MARK_AFTER_TAKE
  step(if :: sem > 0 -> sem--; hasTaken[me] = true :: else -> goto wait fi);
  step(mark = grants + 1);
#else
  leaveMark();
  step(if :: sem > 0 -> takeUnit() :: else -> mark = 0; goto wait fi);
#endif
  goto granted;

#ifdef NOWAIT
once:                           /* as `look`, for who does not wait: it evicts who stands in its way, or goes */
  seat[me].state = Waiting;
  if
  :: step(isFirst(me)) -> goto lookOnce
  :: step(!isFirst(me) && some(isNotedStalled, me)) ->
     evictStalled(0);
     evictStalled(1);
#if N > 3
     evictStalled(2);
#endif
     step(stalled = 0);
     goto once
  :: step(!isFirst(me) && !some(isNotedStalled, me)) ->
#ifndef MUTANT_STALL_IN_OBSERVER
     noteStalled(0);
     noteStalled(1);
#if N > 3
     noteStalled(2);
#endif
#endif
     lapsed = true; goto leave
  fi;
#endif

/*
 * The first of the queue waits for the semaphore: a peer holds, or it is detached. It looks again now and then,
 * which the model has it do once that would lead to something else.
 */
wait:
#ifdef NOWAIT
  if :: me == N - 1 -> lapsed = true; goto leave :: else fi;
#endif
  step(
    if
#ifdef MUTANT_ALL_AT_SEMAPHORE
    :: false
#else
    :: any(standsAtSemaphore, me)             /* one of a group is enough; this one only looks */
#endif
    :: else -> seat[me].state = AtSemaphore; answer = true
    fi;
    text = 0
#ifdef MUTANT_DROP_UNIT_AFTER_GRANT
    ; seen = grants
#endif
  );
  unlock();
  mayBeStopped
  if
  :: step(answer && sem > 0 -> sem--; hasTaken[me] = true)
#ifdef REPLACED
  :: atomic { !raced && hasOpened[me] != replaced -> hasOpened[me] = replaced; answer = false; goto look }
#endif
  :: atomic {
       !raced && (seat[me].evicted || (answer && (record == Held || isLost(me))) ||
       (!answer && (canTake(me) || !any(standsAtSemaphore, me)))) -> answer = false; goto look
     }
  orLapse
  fi;
  step(
#ifdef MUTANT_ONE_MARK
    mark = grants + 1;
#else
    waitersMark = me + 1;
#endif
    answer = false
  );
  mayBeStopped
  if
  :: true
  orLapse
  fi;
  lock();
  step(
    if
    :: seat[me].evicted -> goto leave
    :: else ->
#ifndef MUTANT_KEEP_NOTED
#ifdef REPLACED
       hasOpened[me] = replaced;
#endif
       text = infoOf(me);       /* the peer's that gave the unit back */
#if defined(RECREATED) && !defined(MUTANT_KEEP_NEW_UNIT)
       sem = 0                  /* it is there once more in a new semaphore */
#endif
#else
       text = noted
#endif
    fi
  );
  goto write;

leave:                          /* evicted while it waited, or given up */
  answer = false;
#ifdef MUTANT_KEEP_UNIT
  if :: hasTaken[me] -> goto granted :: else fi;
#endif
#ifdef MUTANT_DROP_UNIT
  step(hasTaken[me] = false);
#elif defined(MUTANT_DROP_UNIT_AFTER_GRANT)
  step(if :: hasTaken[me] && grants != seen -> hasTaken[me] = false :: else fi);
#endif
  /*
   * Gives the unit back as a holder does. Where the record says held, it is one too many, by a peer's force, unless
   * the hold is over by that. One that was adopted is dropped; if its mark still stands, it has got another one since.
   */
  step(
    if
    :: hasTaken[me] && record == Held && !isOfForcing(me) -> hasTaken[me] = false; forget(); unforce()
    :: hasTaken[me] && record == Held && isOfForcing(me) -> answer = true
#ifndef MUTANT_KEEP_SUPERSEDED
    :: hasTaken[me] && record != Held && seat[me].superseded && !isGotSince(me) -> dropSuperseded()
    :: hasTaken[me] && record != Held && (!seat[me].superseded || isGotSince(me)) -> mark = grants + 1
#else
    :: hasTaken[me] && record != Held -> mark = grants + 1
#endif
    :: else
    fi
  );
  if
  :: hasTaken[me] ->
     if
     :: answer -> evictHolders(); step(mark = 0; record = Free; bound = NOBODY); step(mark = grants + 1); answer = false
     :: else
     fi;
     step(noted = infoOf(me); record = Free; bound = NOBODY);
     step(forget());
     step(if :: sem == 0 -> postUnit() :: else -> postNothing() fi);
     dropMark()
  :: else
  fi;
#ifdef NEWEST
  step(lapsed = lapsed || seat[me].asked; emptySeat());
#else
  step(emptySeat());
#endif
  text = 0;
  unlock();
#ifdef NOWAIT
  if :: me == N - 1 && lapsed -> lapsed = false; goto queue :: else fi;
#endif
  if :: lapsed -> lapsed = false; goto again :: else -> goto queue fi;

#if STOPPED || defined(NO_ADOPT)
evict:
  lock();
  evictStalled(0);
  evictStalled(1);
#if N > 2
  evictStalled(2);
#endif
#if N > 3
  evictStalled(3);
#endif
  unlock();
  goto place;
#endif

join:                           /* a group: its unit is this one's too, unless a peer has forced it */
  assert(!isExclusive(me));
#ifndef MUTANT_JOIN_WITHOUT_LOOK
  step(readText());      /* after the semaphore was looked at */
  step(if :: isHoldersText(text) -> trust() :: else -> goto forced fi);
#endif
  text = 0;
  sitDown();
  unlock();
  goto work;

forced:                         /* by a peer, and a living group does not know */
  evictHolders();
  setFree(false);
  goto lookAgain;

adopt:                          /* the holder died; a peer may have forced the lock from it before */
#ifdef NO_ADOPT
#ifdef MUTANT_REFUSE_RELEASED
  if :: adopts(me) :: else -> goto refuse fi;
#else
  if :: adopts(me) || isReleased :: else -> goto refuse fi;
#endif
#endif
#ifdef REPLACED
#ifndef MUTANT_OLD_SEGMENT
  step(if :: sem > 0 -> goto forced :: else -> hasOpened[me] = replaced; readText() fi);
#else
  step(readText());
#endif
#else
  step(readText());             /* after the semaphore was looked at */
#endif
  step(if :: isHoldersText(text) -> noted = text; trust() :: else -> goto forced fi);
#ifdef MUTANT_ADOPT_WITHOUT_SEMAPHORE
  step(if :: sem > 0 -> sem-- :: else fi);
#endif
  supersede();
  goto write;

lost:
#ifdef NO_ADOPT
  if :: adopts(me) :: else -> goto refuse fi;
#endif
#ifdef REPLACED
#ifndef MUTANT_OLD_SEGMENT
  step(hasOpened[me] = replaced; text = infoOf(me));
  step(if :: isLost(me) :: else -> goto wait fi);
#endif
#endif
  step(trust());
  supersede();
write:
  leaveMark();
granted:
  step(
    assert(raced || !leftHeld || (bound != NOBODY && isOwnerDead));
    grants++;
#ifdef UNPROVEN
    mark = grants;
#endif
    noted = text; text = UNWRITTEN;
#ifdef RECREATED
    heldOfNew = recreated;
#endif
#ifdef REPLACED
    late = late && hasOpened[me] != replaced && info != EMPTY;
#endif
    record = Held; bound = NOBODY; hasTaken[me] = false; leftHeld = false
#ifdef NO_FORK
    ; ended = false; diedInGroup = false
#endif
  );
#if CUTS
  if
  :: atomic { cuts > 0 -> cuts--; goto cut }
  :: true
  fi;
#endif
  sitDown();
#ifdef MUTANT_TEXT_AFTER_MUTEX
  text = grants;
  unlock();
  step(info = text);
  text = 0;
#else
  step(
    setInfo(me, grants); passed = false; text = 0; waitersMark = 0;
#ifdef COMES_BACK
    behind = grants;
#endif
#ifdef UNPROVEN
    mark = 0
#endif
  );
  dropMark();
  unlock();
#endif

work:
  started = true;
#ifdef BUSY
  lock();
  if
  :: step(stands(me) && !hit[me]) -> setConstant()
  :: step(!stands(me) || hit[me])
  fi;
  unlock();
#endif
#ifdef NO_FORK
  if
  :: atomic {                   /* without the mutex, which nobody has who was left to take it */
       !raced ->
       if :: stands(me) -> ended = true :: else fi;
       inside[me] = false; started = false; text = 0; emptySeat()
     };
     goto again
  :: true
  fi;
#endif
#ifdef DETACHED
  if
  :: isExclusive(me) -> goto detach
  :: true
  fi;
#endif
  step(mutex == NOBODY && !raced -> mutex = me; inside[me] = false);
#ifdef MUTANT_RELEASE_WITHOUT_SEAT
  step(answer = true; emptySeat());
#elif defined(MUTANT_EMPTY_SEAT_LAST)
  step(answer = !seat[me].evicted);
#else
  step(answer = !seat[me].evicted; emptySeat());
#endif
  step(if :: !answer || any(isHolder, me) -> goto released :: else -> answer = (sem == 0) fi);
  step(
#ifdef REPLACED
    /* It may have noticed by now, or not. */
    if :: hasOpened[me] = replaced :: true fi;
#endif
    readText();                 /* after the semaphore was looked at */
#ifdef REPLACED
    raced = raced || (hasOpened[me] != replaced && peerInside)    /* looked for too seldom to be seen here */
#endif
  );
#ifdef MUTANT_RELEASE_TEXT_FIRST
  step(answer = (sem == 0));
#endif
  step(
    if
    :: isHoldersText(text) ->
       raced = raced || (answer && (blind || any(hasUnit, me))); blind = false;
       if :: answer -> mark = grants + 1 :: else fi
    :: else ->
       answer = false; text = NOTHING
#ifdef REPLACED
       ; gone = gone || (late && sem == 0)
#endif
    fi
  );
#ifdef MUTANT_POST_BEFORE_FREE
  step(if :: answer && sem == 0 -> postUnit() :: else fi);
  step(if :: text != NOTHING -> noted = text :: else fi; record = Free);
#else
  step(if :: text != NOTHING -> noted = text :: else fi; record = Free; hasTaken[me] = answer);
#ifdef MUTANT_CLEAR_MARK_BEFORE_POST
  step(mark = 0);
#endif
  step(if :: answer && sem == 0 -> postUnit() :: else -> postNothing() fi);
  dropMark();
#endif

released:
#ifdef MUTANT_EMPTY_SEAT_LAST
  step(emptySeat());
#endif
  text = 0; answer = false; started = false;
#ifdef HANDED_ON
  if
  :: kept[me] = true
  :: true
  fi;
#endif
  unlock();

again:
#ifdef NEWEST
  arrival[me] = 0;
#endif
  round++;
  if :: round < ROUNDS -> goto queue :: else fi;
  atomic { finished[me] = true; round = 0; goto dead };

#if CUTS
cut:                            /* the seat was not written: the record is put right, and nobody goes in */
#ifdef MUTANT_SHORT_WRITE
  inside[me] = true;
  step(setInfo(me, grants));
  dropMark();
  unlock();
  step(mutex == NOBODY && !raced -> mutex = me; inside[me] = false; emptySeat(); goto released);
#endif
  if
  :: step(mark = grants + 1);
     step(record = Free; hasTaken[me] = true; text = 0);
     step(if :: sem == 0 -> postUnit() :: else -> postNothing() fi);
     dropMark()
  :: atomic {                   /* not even that can be written: its seat counts as a dead one's */
       if :: infoOf(me) != noted -> gone = true :: else fi;
       text = 0
     }
  fi;
  died = true;
  step(emptySeat());
  unlock();
  goto again;
#endif

#ifdef NO_ADOPT
refuse:                         /* the unit is a dead holder's: not at the semaphore, in the way of those who adopt */
  text = 0;
  unlock();
#ifdef MUTANT_REFUSE_RELEASED
  atomic { !raced && (seat[me].evicted || record != Held) -> goto look };
#else
  atomic { !raced && (seat[me].evicted || !isDeadHolders(me)) -> goto look };
#endif
#endif

#ifdef DETACHED
detach:
  lock();
  step(
    if
    :: seat[me].evicted -> emptySeat(); inside[me] = false; goto released
    :: else -> answer = (sem == 0)
    fi
  );
  step(readText());             /* after the semaphore was looked at */
  step(
    if
#ifdef MUTANT_DETACH_WITHOUT_LOOK
    :: true -> noted = text; answer = false
#else
    :: answer && isHoldersText(text) -> noted = text; answer = false; trust()
#endif
    :: else -> record = Free; emptySeat(); inside[me] = false; goto released   /* a peer has forced it */
    fi
  );
#ifdef OWNER
  /* The start time that was read when the owner was named tells it from another one of its number. */
#ifdef MUTANT_START_READ_LATE
  step(if :: bound = ownerStart :: bound = NOBODY fi);
#else
  step(if :: bound = 1 :: bound = NOBODY fi);
#endif
  step(record = Detached; leftHeld = !hit[me] && (bound == NOBODY || ownerStart == 1); inside[me] = false);
#else
  step(if :: bound = me :: bound = NOBODY fi);
  step(record = Detached; leftHeld = !hit[me]; inside[me] = false);
#endif
  step(emptySeat());
  text = 0; started = false;
  unlock();
  if
  :: force()
  :: true                       /* left to be released by somebody else */
  fi;
  goto again;
#endif

#ifdef HANDED_ON
orphaned:
  if
  :: process[me] = Frozen
  :: true
  fi;
  atomic {
    process[me] != Frozen ->
    alive[me] = false; inside[me] = false; process[me] = Running; emptySeat(); started = false;
    if :: mutex == me -> mutex = NOBODY :: else fi
  };
#endif

dead:
end_dead:
  false
}

/* Somebody who forces the lock once, or does not; with the variables that the steps know. */
proctype Force(byte me) {
  byte round = 0;
  byte text = 0;
  bool answer = false;
  bool lapsed = false;
  bool started = false;
#ifdef REPLACED
  bool late = false;
#endif
  if :: force() :: true fi;
#ifdef HANDED_ON
orphaned:
#endif
dead:
end_dead:
  false
}

/* The seed's class: no ledger, never killed. */
proctype Peer() {
  byte round = 0;
#ifdef PEER_FORCES
  bool forces = true;
#endif
  do
  :: round < FOREIGN && !peerHit ->
     atomic {
       sem > 0 && !raced ->
#ifdef RECREATED
       raced = recreated && some(hasUnit, NOBODY);
#endif
       sem--; peerInside = true;
       assert(raced || (!some(isInside, NOBODY) && !leftHeld));
       peerWindow = true
     };
#ifndef SILENT
     atomic {
       !raced;
       if
       :: !peerHit ->
          peerTexts++; info = peerTexts;
#ifdef COMES_BACK
          behind = peerTexts
#endif
       :: else
       fi;
       peerWindow = false
     };
#ifdef BUSY
     atomic {
       !raced;
       if
       :: peerInside ->
#if defined(LONG) && defined(PEER_FORCES)
          raced = raced || !forces;
#endif
          writeConstant()
       :: else
       fi
     };
#endif
#else
     peerWindow = false;
#endif
     atomic {
       !raced;
       if :: peerInside && sem == 0 -> post() :: else fi;
#ifdef PEER_FORCES
       hasForced = false;
#endif
       peerInside = false
     };
     round++
#ifdef PEER_FORCES
  :: forces -> forces = false
  :: atomic {
       forces && !raced -> forces = false;
       if
       :: sem == 0 ->
          /* In the middle of what a participant does, it is the seed's race; and a mark may be a dead one's. */
          raced = raced || some(hasUnit, NOBODY) || mutex != NOBODY;
#ifdef UNPROVEN
          raced = raced || (isMarked && record == Free) || (isTextPending && record == Held);
#endif
          post(); leftHeld = false; gone = false; hasForced = true;
          hit[0] = inside[0]; hit[1] = inside[1];
#if N > 2
          hit[2] = inside[2]
#endif
       :: else
       fi
     }
#endif
  :: round == FOREIGN || peerHit -> break
  od;
  peerFinished = true;
end_finished:
  false
}

#if SETS
#define forceOne(i) if :: isHolder(i, NOBODY) -> seat[i].evicted = true :: else fi
/* Sets the text, in the two ways there are; it is not killed. */
proctype Setter(byte me) {
  byte round = 0;
  byte text = 0;
  do
  :: round < SETS ->
     if
     :: atomic { mutex == NOBODY && !raced -> mutex = me };
        atomic { !raced; text = info; blind = isUnseen };
        if
        :: atomic { !raced && record == Held && (sem > 0 || !isHoldersText(text)) -> skip };
           /* As evictHolders and setFree, in one step. */
           atomic {
             !raced;
             forceOne(0); forceOne(1);
#if N > 2
             forceOne(2);
#endif
             mark = 0; record = Free; bound = NOBODY
           }
        :: atomic { !raced && !(record == Held && (sem > 0 || !isHoldersText(text))) -> skip }
        fi;
        atomic {
          !raced;
          if
          :: record == Held -> if :: isTextPending -> noted = CONSTANT :: else fi
          :: (record == Free && (text == noted || sem > 0)) || (record == Detached && text == noted && ownDate) ->
             noted = CONSTANT
          :: record != Held && !(record == Free && (text == noted || sem > 0)) &&
             !(record == Detached && text == noted && ownDate) ->
             if :: noted == CONSTANT -> noted = NOTHING :: else fi
          fi
        };
        atomic { !raced; overwrite(); writeConstant() };
        text = 0;
        mutex = NOBODY
     :: atomic {
          !raced;
          /* Somebody was killed with the unit in hand, and will be taken for a peer. */
          if
          :: noted != CONSTANT && info == noted && record == Free && sem == 0 && isMarked && !peerInside &&
             !some(hasUnit, NOBODY) -> gone = true
          :: record == Held && isTextPending && !ownDate -> gone = true
          :: noted != CONSTANT && info == noted && isBoundToDead && sem == 0 && !peerInside && !ownDate -> gone = true
          :: else
          fi;
#if defined(LONG) && defined(PEER_FORCES)
          raced = raced || peerInside;
#endif
          writeConstant()
        }
     :: true
     fi;
     round++
  :: round == SETS -> break
  od;
end_set:
  false
}
#endif

#ifdef OWNER
/* The process that a hold is bound to ends, and then its number is another one's. */
proctype Owner() {
  atomic { !raced; ownerStart = 0; if :: bound == 1 && record == Detached -> leftHeld = false :: else fi };
  ownerStart = 2;
end_owner:
  false
}
#endif

#ifdef REPLACED
/* Somebody deletes the info segment, and a peer creates an empty one. */
proctype Replacer() {
  if
  :: atomic {
       !raced;
       /* Of what was noted the text is the proof. */
       if
       :: (record != Held && sem == 0 && !peerInside) || (record == Held && isTextPending) -> gone = true
       :: else
       fi;
       raced = raced || (peerInside && record != Free);
       oldInfo = info; info = EMPTY; replaced = true
     }
  :: true
  fi;
end_replaced:
  false
}
#endif

#ifdef RECREATED
/* Somebody deletes the semaphore, and the next participant creates it with the value that the record tells. */
proctype Recreator() {
  if
  :: atomic {
       !raced && mutex == NOBODY && !peerInside ->
       sem = (record == Free -> 1 : 0); recreated = true;
       if :: record == Free -> gone = false :: else fi
     }
  :: true
  fi;
end_recreated:
  false
}
#endif

#define isBusy(i, of) (alive[i] && !finished[i] && process[i] != Frozen)
#define isFrozen(i, of) (process[i] == Frozen)
#define isFrozenHolder(i, of) (process[i] == Frozen && seat[i].state == Holding && isLive(i) && record == Held)
#define isFrozenAtSemaphore(i, of) (process[i] == Frozen && seat[i].state == AtSemaphore && isLive(i))
#define isRefusing(i, of) (isBusy(i, of) && !adopts(i) && isDeadHolders(i))
#define isHeldUp(i, of) (isBusy(i, of) && adopts(i))
/* Only who does not adopt may wait for a user to free a dead holder's lock. */
#define areRefusing ((died || isBoundToDead) && some(isRefusing, NOBODY) && !some(isHeldUp, NOBODY))

inline goOn(i) { if :: process[i] == Frozen -> process[i] = Running :: else fi }
inline goOnAll() {
  goOn(0); goOn(1);
#if N > 2
  goOn(2);
#endif
#if N > 3
  goOn(3);
#endif
}

/* What may come need not come: else nothing would ever be stuck while somebody may still be killed. */
active proctype Luck() {
end:
  do
  :: atomic { kills > 0 -> kills = 0 }
#if LAPSES
  :: atomic { lapses > 0 -> lapses = 0 }
#endif
  od
}

/* When nothing moves any more: says whether it may be so, and does what a user would. */
active proctype Operator() {
  do
  :: timeout ->
     atomic {
       if
       :: raced -> break
#ifdef NOWAIT
       /* At rest, the second call of who does not wait has to find out what the first one noted. */
       :: !raced && isBusy(N - 1, NOBODY) && !isCalled && calls < 3 -> isCalled = true
       :: !raced && isBusy(N - 1, NOBODY) && !isCalled && calls >= 3 && (leftHeld || gone) ->
          record = Free; bound = NOBODY; leftHeld = false; gone = false; sem = 1; calls = 0
       :: !raced && isBusy(N - 1, NOBODY) && !isCalled && calls >= 3 && !(leftHeld || gone) ->
          assert(some(isFrozenHolder, NOBODY) ||
            (some(isFrozenAtSemaphore, NOBODY) && sem == 0 && record != Held));
          goOnAll(); calls = 0
       :: !raced && !(isBusy(N - 1, NOBODY) && !isCalled) && some(isFrozen, NOBODY) -> goOnAll()
       :: !raced && !some(isBusy, NOBODY) && !some(isFrozen, NOBODY) -> break
#else
       :: !raced && some(isBusy, NOBODY) && (leftHeld || gone || areRefusing) ->
          record = Free; bound = NOBODY; leftHeld = false; gone = false; sem = 1
       :: !raced && some(isBusy, NOBODY) && !(leftHeld || gone || areRefusing) ->
          /* A stopped one may have the unit in hand, and is as good as a stopped holder. */
          assert(some(isFrozenHolder, NOBODY) ||
            (some(isFrozenAtSemaphore, NOBODY) && sem == 0 && record != Held));
          goOnAll()
       :: !raced && !some(isBusy, NOBODY) && some(isFrozen, NOBODY) -> goOnAll()
       :: !raced && !some(isBusy, NOBODY) && !some(isFrozen, NOBODY) && !peerFinished ->
          assert(died || isBoundToDead || leftHeld || gone || isLeftHeldByRelease);
          record = Free; bound = NOBODY; leftHeld = false; gone = false; sem = 1
       :: !raced && !some(isBusy, NOBODY) && !some(isFrozen, NOBODY) && peerFinished -> break
#endif
       fi
     }
  od;
  assert(raced || sem == 1 || gone || leftHeld || isBoundToDead ||
    isLeftHeldByRelease || (died && (record == Held || (isMarked && info == noted) || record == Detached)));
  assert(raced || died || record != Held || isLeftHeldByRelease)
}

init {
  atomic {
    byte i = 0;
#if defined(SHARED) || SLOTS > 0
    /* Nobody can tell one mixture from the same in another order. */
    if :: companions = N :: companions = N - 1 :: companions = N - 2 fi;
#endif
    do
    :: i < N ->
       alive[i] = true; process[i] = Running;
#ifdef MIXED
       if
       :: want[i] = 1
       :: want[i] = 2
#if SLOTS > 2
       :: want[i] = 3
#endif
       fi;
#endif
       run Participant(i); i++
    :: i == N -> break
    od;
#if FORCE > 0
    run Force(N);
#endif
#if FORCE > 1
    run Force(N + 1);
#endif
#if SETS > 0
    run Setter(N + FORCE);
#endif
#ifdef OWNER
    run Owner();
#endif
#ifdef REPLACED
    run Replacer();
#endif
#ifdef RECREATED
    run Recreator();
#endif
#if FOREIGN > 0
    run Peer()
#endif
  }
}
