/*
 * The ledger as a model for Spin: a queue of participants whom the kernel vouches for, beside the semaphore
 * and the info text that all peers share. The code is src/host/ledger/participant.ts, which explains the words; where
 * the two differ, one of them is wrong. test/model/verify searches every configuration to its end:
 *
 *   N              participants, 2 to 4
 *   ROUNDS         how often each of them takes the lock
 *   CRASHES        how many processes may be killed, each before any of its steps
 *   FOREIGN        how often a peer takes the lock that knows only the semaphore and the info text
 *   PEER_FORCES    that peer may force the lock, once
 *   DETACHED       a participant may leave the lock held without a process, or bound to one
 *   FORCE          how many processes may force the lock, each once
 *   SHARED         some participants are shared holders, the others exclusive
 *   SLOTS          some participants want one of so many slots, the others are exclusive
 *   STOPPED        how many waiters may be stopped, for a while or for ever
 *   LAPSES         how many waiters may give up
 *   HANDED_ON      the command of a holder that is killed may live on and keep its seat
 *   MUTANT_x       one rule broken, to show that the search finds out
 *
 * What it shows: nobody is inside together with somebody who must not be, the peer counted, but for those the
 * lock was forced from; slots have numbers of their own; nobody is overtaken; the semaphore is never over 1;
 * all who live are served, and at the end the unit is there again or the next one to come will adopt it.
 *
 * What it leaves out, as nothing can be done about it in the ledger:
 * - A participant is killed with the unit in hand, microseconds before the record says so, and a peer
 *   wrote the info text last: the lock looks foreign until it is forced (`gone`).
 * - The lock is forced in those microseconds: then two have it, as with the seed (`raced`; the peer of
 *   PEER_FORCES waits for such a moment to pass, and then takes the lock and writes its text in one step).
 * - The peer takes longer than the grace time from taking the lock to writing its text.
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
#ifndef SLOTS
#define SLOTS 0
#endif
#ifndef STOPPED
#define STOPPED 0
#endif
#ifndef LAPSES
#define LAPSES 0
#endif

#define NOBODY 255

mtype = { Free, Held, Detached };             /* the record */
mtype = { Waiting, AtSemaphore, Holding };    /* a seat */
mtype = { Running, Paused, Frozen };          /* a process: stopped for a while, or for ever */

/* ---- what all peers share ---- */

byte sem = 1;
byte info = 0;                  /* stands for the info text: each grant writes a new one */
byte texts = 0;

/* ---- the ledger ---- */

byte mutex = NOBODY;            /* a byte lock on a description of its own, which is never handed on */
byte tickets = 0;
mtype record = Free;
byte noted = 0;                 /* the info text as it was when the lock was last seen free or detached */
byte written = 0;               /* the info text that the holder writes, known before it stands there */
byte bound = NOBODY;            /* the process that a detached hold is bound to */

typedef Seat {
  byte ticket;                  /* 0 for an empty seat */
  mtype state;
  bool evicted;
  bool superseded;              /* a unit that it may have got was adopted */
  byte slot
}
Seat seat[N];

/* ---- the processes ---- */

bool hasTaken[N + FORCE];       /* has the unit in hand: from the semaphore, and the record does not say so */
bool alive[N];                  /* whether the description lives that keeps the seat's byte locked */
bool finished[N];
mtype process[N];               /* how it runs */
byte kills = CRASHES;           /* that may still come */
byte stops = STOPPED;
byte lapses = LAPSES;
byte companions = 0;            /* those below this number are shared holders or want a slot */

/* ---- what is so, for the assertions: nobody acts on it ---- */

bool inside[N];                 /* this participant's work goes on */
bool hit[N];                    /* a peer has forced the lock from it, and it does not know */
bool died = false;              /* somebody */
bool leftHeld = false;          /* somebody relies on the lock that is left held */
bool peerInside = false;
bool peerHit = false;           /* the lock was forced from the peer */
bool peerFinished = (FOREIGN == 0);
bool raced = false;             /* the lock was forced while somebody had the unit in hand */
bool gone = false;              /* somebody was killed with the unit in hand, and it looks foreign */
/* Acted on: to see it false is to have waited for the grace time. */
bool peerWindow = false;        /* the peer has taken the unit and not yet written its text */

/* ---- the queue ---- */

/* `some` is `any` once more, as a macro cannot be used within itself. */
#if N == 2
#define any(is, of) (is(0, of) || is(1, of))
#define some(is, of) (is(0, of) || is(1, of))
#define number(is, of) (is(0, of) + is(1, of))
#elif N == 3
#define any(is, of) (is(0, of) || is(1, of) || is(2, of))
#define some(is, of) (is(0, of) || is(1, of) || is(2, of))
#define number(is, of) (is(0, of) + is(1, of) + is(2, of))
#else
#define any(is, of) (is(0, of) || is(1, of) || is(2, of) || is(3, of))
#define some(is, of) (is(0, of) || is(1, of) || is(2, of) || is(3, of))
#define number(is, of) (is(0, of) + is(1, of) + is(2, of) + is(3, of))
#endif

#define isExclusive(i) (i >= companions)
#define isLive(i) (alive[i] && seat[i].ticket != 0)
#define stands(i) (isLive(i) && !seat[i].evicted)
#define isHolder(i, of) (i != of && stands(i) && seat[i].state == Holding)
#define isAtSemaphore(i, of) (i != of && isLive(i) && seat[i].state == AtSemaphore)
#define standsAtSemaphore(i, of) (isAtSemaphore(i, of) && !seat[i].evicted)

#define isBefore(i, of) (i != of && stands(i) && seat[i].ticket < seat[of].ticket)
#ifdef MUTANT_JOIN_PAST_WAITING
#define conflicts(i, of) (isBefore(i, of) && (isExclusive(of) || (isExclusive(i) && seat[i].state == Holding)))
#else
#define conflicts(i, of) (isBefore(i, of) && (isExclusive(of) || isExclusive(i)))
#endif
#ifdef MUTANT_COUNT_ONLY_WAITING
#define wantsSlotBefore(i, of) (isBefore(i, of) && !isExclusive(i) && seat[i].state == Waiting)
#else
#define wantsSlotBefore(i, of) (isBefore(i, of) && !isExclusive(i))
#endif
#define isFirst(of) (!any(conflicts, of) && \
  (SLOTS == 0 || isExclusive(of) || number(wantsSlotBefore, of) < SLOTS))

/* ---- the record ---- */

#ifdef MUTANT_ADOPT_BOUND_TO_LIVING
#define isBoundToDead (record == Detached && bound != NOBODY)
#else
#define isBoundToDead (record == Detached && bound != NOBODY && !alive[bound])
#endif
/* Not that of a later grant, by a peer who took the lock from the holder: texts have their dates. */
#define isHoldersText(text) (text == noted || text <= written)

/*
 * Nobody will give the unit back. That cannot be said while another one is at the semaphore: it may have got the
 * unit and not have been able to say so yet. One that was evicted there is stopped: it is told to drop its unit.
 */
#define isLost(of) (sem == 0 && !isPeers && (record == Free || isBoundToDead) && !isInTransit(of))
#ifdef MUTANT_ADOPT_FOREIGN
#define isPeers false
#elif defined(MUTANT_NO_GRACE)
#define isPeers (info != noted)
#else
#define isPeers (info != noted || peerWindow)
#endif
#ifdef MUTANT_ADOPT_IN_TRANSIT
#define isInTransit(of) false
#else
#define isInTransit(of) any(standsAtSemaphore, of)
#endif

/* What the first of the queue does not wait for: the lock is there, or there is one to join or to adopt. */
#define canTake(of) (record == Held || sem > 0 || isLost(of))
/* It could take the lock and has not done so at two looks in a row: that is, it is stopped. */
#ifdef MUTANT_EVICT_ONLY_WHERE_FREE
#define isStalled(i, of) (waitsBefore(i, of) && record == Free && sem > 0)
#else
#define isStalled(i, of) (waitsBefore(i, of) && canTake(i))
#endif
#define waitsBefore(i, of) (isBefore(i, of) && seat[i].state != Holding && isFirst(i) && process[i] != Running)

/* ---- the steps of a process: before each it may be killed ---- */

#ifdef HANDED_ON
#define orDie :: kills > 0 -> die(); goto dead \
              :: kills > 0 && started -> dieUnderCommand(); goto orphaned
#else
#define orDie :: kills > 0 -> die(); goto dead
#endif
#define step(...) atomic { if :: __VA_ARGS__ orDie fi }

/* A unit that may have been adopted; where it was another one, that one is gone. */
#define isSuperseded(i) (i < N && seat[i % N].superseded)
inline dropSuperseded() {
  hasTaken[me] = false;
  if
  :: sem == 0 && record != Held && !peerInside && !leftHeld && !(record == Free && info == noted) -> gone = true
  :: else
  fi
}

inline die() {
  d_step {
    kills--; died = true;
    if :: mutex == me -> mutex = NOBODY :: else fi;
    /* Killed with a unit that nobody knows of, and the info text is a peer's: that looks foreign. */
    if
    :: hasTaken[me] && isSuperseded(me) -> dropSuperseded()
    :: hasTaken[me] && !isSuperseded(me) && record != Held && !(record == Free && info == noted) ->
       assert(FOREIGN > 0); gone = true
    :: else
    fi;
    if
    :: me < N ->
       /* Nobody looks at a seat whose byte is free: emptied only to have fewer states. */
       alive[me] = false; inside[me] = false; process[me] = Running; emptySeat()
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
    text = 0; hasTaken[me] = false; answer = false; lapsed = false; round = 0
  }
}

inline emptySeat() {
  d_step {
    seat[me].ticket = 0; seat[me].state = Waiting; seat[me].evicted = false; seat[me].superseded = false;
    seat[me].slot = 0
  }
}

inline lock() { step(mutex == NOBODY -> mutex = me) }
inline unlock() { step(mutex = NOBODY) }
inline post() { sem++; assert(sem <= 1) }

#if LAPSES
#define orLapse :: atomic { lapses > 0 -> lapses--; lapsed = true; goto look }
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
  (isExclusive(i) || isExclusive(of) || (SLOTS > 0 && seat[i].slot == seat[of].slot)))
#define hasUnit(i, of) (hasTaken[i])
#define isInside(i, of) (inside[i] && !seat[i].evicted && !hit[i])

inline enter() {
  d_step {
    assert(!peerInside);
    assert(!seat[me].evicted);
    assert(!any(clashes, me));
    assert(SLOTS == 0 || isExclusive(me) || (number(isInside, me) < SLOTS && seat[me].slot < SLOTS));
    assert(isFirst(me));
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

#define supersedeOne(i) if :: isAtSemaphore(i, me) && seat[i].evicted -> seat[i].superseded = true :: else fi
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

#define evictStalled(i) if :: isStalled(i, me) -> step(seat[i].evicted = true) :: else fi

/*
 * The lock was forced. In one write, as a holder's text that is not noted looks foreign; but a peer's text is
 * not noted, as the peer goes on if this process is killed before it posts.
 */
inline setFree() {
  step(text = info);
  step(
#ifdef MUTANT_FORCE_NOTES_PEERS_TEXT
    noted = text;
#else
    if :: record == Held && isHoldersText(text) -> noted = text :: else fi;
#endif
    record = Free; bound = NOBODY; leftHeld = false
  )
}

/* Forced unget, by anybody. */
inline force() {
  lock();
  step(answer = (record != Free || sem == 0));
  evictHolders();
  setFree();
#ifdef MUTANT_FORCE_TWICE
  unlock();
  step(if :: answer -> post() :: else fi);
#else
  step(
    if
    :: answer && sem == 0 ->
       raced = any(hasUnit, me); post(); gone = false; peerHit = peerHit || peerInside; peerInside = false
    :: else
    fi
  );
  do :: raced :: else -> break od;              /* for ever: looked at no further */
  unlock();
#endif
  answer = false; text = 0
}

proctype Participant(byte me) {
  byte round = 0;
  byte text = 0;
  bool answer = false;
  bool lapsed = false;
#ifdef MUTANT_DROP_UNIT_AFTER_GRANT
  byte seen = 0;
#endif
  bool started = false;         /* its command runs, or what that left behind */

queue:
  lock();
  step(tickets++; seat[me].ticket = tickets);
  unlock();

place:
  mayBeStopped
  if
  :: step(seat[me].evicted || isFirst(me))
#if STOPPED
  :: atomic { some(isStalled, me) -> goto evict }
#endif
  orLapse
  fi;

look:
  lock();
lookAgain:
  step(if :: seat[me].evicted || lapsed -> goto leave :: else -> seat[me].state = Waiting fi);
  step(text = info);            /* before the semaphore is looked at */
  step(
    if
    :: record == Held && any(isHolder, me) && sem == 0 -> goto join
#ifdef MUTANT_ADOPT_WITHOUT_SEMAPHORE
    :: record == Held && !any(isHolder, me) -> goto adopt
#else
    :: record == Held && !any(isHolder, me) && sem == 0 -> goto adopt
    :: record == Held && sem > 0 -> goto forced
#endif
    :: record != Held && sem > 0
    :: record != Held && sem == 0 && isLost(me) -> goto lost
    :: record != Held && sem == 0 && !isLost(me) -> goto wait
    fi
  );
#ifdef MUTANT_TEXT_AFTER_SEMAPHORE
  step(text = info);
#endif
  step(noted = text; record = Free; bound = NOBODY; leftHeld = false);
  step(if :: sem > 0 -> sem--; hasTaken[me] = true :: else -> goto wait fi);
  goto granted;

/*
 * The first of the queue waits for the semaphore: a peer holds, or it is detached. It looks again now and then,
 * which the model has it do once that would lead to something else.
 */
wait:
  step(
    if
#ifdef MUTANT_ALL_AT_SEMAPHORE
    :: false
#else
    :: any(standsAtSemaphore, me)             /* one of a group is enough; this one only looks */
#endif
    :: else -> seat[me].state = AtSemaphore; answer = true
    fi
  );
  text = 0;
#ifdef MUTANT_DROP_UNIT_AFTER_GRANT
  seen = written;
#endif
  unlock();
  mayBeStopped
  if
  :: step(answer && sem > 0 -> sem--; hasTaken[me] = true)
  :: atomic {
       seat[me].evicted || (answer && (record == Held || isLost(me))) ||
       (!answer && (canTake(me) || !any(standsAtSemaphore, me))) -> answer = false; goto look
     }
  orLapse
  fi;
  answer = false;
  mayBeStopped
  if
  :: true
  orLapse
  fi;
  lock();
  step(if :: seat[me].evicted -> goto leave :: else fi);
  goto granted;

leave:                          /* evicted while it waited, or given up */
  answer = false;
#ifdef MUTANT_KEEP_UNIT
  if :: hasTaken[me] -> goto granted :: else fi;
#endif
#ifdef MUTANT_DROP_UNIT
  step(hasTaken[me] = false);
#elif defined(MUTANT_DROP_UNIT_AFTER_GRANT)
  step(if :: written != seen -> hasTaken[me] = false :: else fi);
#endif
  /*
   * Gives the unit back as a holder does. Where the record says held, it is one too many, by a peer's force. One
   * that may have been adopted is dropped: if it was another one, the lock may look foreign for that.
   */
  step(
    if
    :: hasTaken[me] && record == Held -> hasTaken[me] = false
#ifndef MUTANT_KEEP_SUPERSEDED
    :: hasTaken[me] && record != Held && seat[me].superseded -> dropSuperseded()
    :: hasTaken[me] && record != Held && !seat[me].superseded -> noted = info; record = Free; bound = NOBODY
#else
    :: hasTaken[me] && record != Held -> noted = info; record = Free; bound = NOBODY
#endif
    :: else
    fi
  );
  step(if :: hasTaken[me] && sem == 0 -> hasTaken[me] = false; post() :: else -> hasTaken[me] = false fi);
  step(emptySeat());
  unlock();
  if :: lapsed -> lapsed = false; goto again :: else -> goto queue fi;

#if STOPPED
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
  step(text = info);            /* after the semaphore was looked at */
  step(if :: isHoldersText(text) :: else -> goto forced fi);
#endif
  text = 0;
  sitDown();
  unlock();
  goto work;

forced:                         /* by a peer, and a living group does not know */
  evictHolders();
  setFree();
  goto lookAgain;

adopt:                          /* the holder died; a peer may have forced the lock from it before */
  step(text = info);            /* after the semaphore was looked at */
  step(if :: isHoldersText(text) -> noted = text :: else -> goto forced fi);
#ifdef MUTANT_ADOPT_WITHOUT_SEMAPHORE
  step(if :: sem > 0 -> sem-- :: else fi);
#endif
  supersede();
  goto write;

lost:
  supersede();
granted:
write:
  text = 0;
  step(texts++; written = texts);
  step(
    assert(!leftHeld || (bound != NOBODY && !alive[bound]));
    record = Held; bound = NOBODY; hasTaken[me] = false; leftHeld = false
  );
  sitDown();
#ifdef MUTANT_TEXT_AFTER_MUTEX
  text = written;
  unlock();
  step(info = text);
  text = 0;
#else
  step(info = written);
  unlock();
#endif

work:
  started = true;
#ifdef DETACHED
  if
  :: isExclusive(me) -> goto detach
  :: true
  fi;
#endif
  step(mutex == NOBODY -> mutex = me; inside[me] = false);
#ifdef MUTANT_RELEASE_WITHOUT_SEAT
  step(answer = true; emptySeat());
#elif defined(MUTANT_EMPTY_SEAT_LAST)
  step(answer = !seat[me].evicted);
#else
  step(answer = !seat[me].evicted; emptySeat());
#endif
  step(if :: !answer || any(isHolder, me) -> goto released :: else -> answer = (sem == 0) fi);
  step(text = info);            /* after the semaphore was looked at */
#ifdef MUTANT_RELEASE_TEXT_FIRST
  step(answer = (sem == 0));
#endif
  step(if :: isHoldersText(text) -> noted = text :: else -> answer = false fi);
#ifdef MUTANT_POST_BEFORE_FREE
  step(if :: answer && sem == 0 -> post() :: else fi);
  step(record = Free);
#else
  step(record = Free);
  step(if :: answer && sem == 0 -> post() :: else fi);
#endif

released:
#ifdef MUTANT_EMPTY_SEAT_LAST
  step(emptySeat());
#endif
  text = 0; answer = false; started = false;
  unlock();

again:
  round++;
  if :: round < ROUNDS -> goto queue :: else fi;
  atomic { finished[me] = true; round = 0; goto dead };

#ifdef DETACHED
detach:
  lock();
  step(
    if
    :: seat[me].evicted -> emptySeat(); inside[me] = false; goto released
    :: else -> answer = (sem == 0)
    fi
  );
  step(text = info);            /* after the semaphore was looked at */
  step(
    if
#ifdef MUTANT_DETACH_WITHOUT_LOOK
    :: true -> noted = text; answer = false
#else
    :: answer && isHoldersText(text) -> noted = text; answer = false
#endif
    :: else -> record = Free; emptySeat(); inside[me] = false; goto released   /* a peer has forced it */
    fi
  );
  step(if :: bound = me :: bound = NOBODY fi);
  step(record = Detached; leftHeld = !hit[me]; inside[me] = false);
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
       sem > 0 -> sem--; peerInside = true;
       assert(!some(isInside, NOBODY) && !leftHeld);
#ifdef PEER_FORCES
       texts++; info = texts
#else
       peerWindow = true
#endif
     };
     atomic {
       if
       :: !peerHit && peerWindow -> texts++; info = texts
       :: else
       fi;
       peerWindow = false
     };
     atomic {
       if :: peerInside && sem == 0 -> post() :: else fi;
       peerInside = false
     };
     round++
#ifdef PEER_FORCES
  :: forces -> forces = false
  :: atomic {
       forces && !some(hasUnit, NOBODY) && mutex == NOBODY -> forces = false;
       if
       :: sem == 0 ->
          post(); leftHeld = false; gone = false;
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

#define isBusy(i, of) (alive[i] && !finished[i] && process[i] != Frozen)
#define isFrozen(i, of) (process[i] == Frozen)
#define isFrozenHolder(i, of) (process[i] == Frozen && seat[i].state == Holding && isLive(i) && record == Held)
#define isFrozenAtSemaphore(i, of) (process[i] == Frozen && seat[i].state == AtSemaphore && isLive(i))

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
       :: some(isBusy, NOBODY) && (leftHeld || gone) ->
          record = Free; bound = NOBODY; leftHeld = false; gone = false; sem = 1
       :: some(isBusy, NOBODY) && !(leftHeld || gone) ->
          /* A stopped one may have the unit in hand, and is as good as a stopped holder. */
          assert(some(isFrozenHolder, NOBODY) ||
            (some(isFrozenAtSemaphore, NOBODY) && sem == 0 && record != Held));
          goOnAll()
       :: !some(isBusy, NOBODY) && some(isFrozen, NOBODY) -> goOnAll()
       :: !some(isBusy, NOBODY) && !some(isFrozen, NOBODY) && !peerFinished ->
          assert(died || leftHeld);
          record = Free; bound = NOBODY; leftHeld = false; gone = false; sem = 1
       :: !some(isBusy, NOBODY) && !some(isFrozen, NOBODY) && peerFinished -> break
       fi
     }
  od;
  assert(sem == 1 || gone || leftHeld ||
    (died && (record == Held || info == noted)));
  assert(died || record != Held)
}

init {
  atomic {
    byte i = 0;
#if defined(SHARED) || SLOTS > 0
    /* Nobody can tell one mixture from the same in another order. */
    if :: companions = N :: companions = N - 1 :: companions = N - 2 fi;
#endif
    do
    :: i < N -> alive[i] = true; process[i] = Running; run Participant(i); i++
    :: i == N -> break
    od;
#if FORCE > 0
    run Force(N);
#endif
#if FORCE > 1
    run Force(N + 1);
#endif
#if FOREIGN > 0
    run Peer()
#endif
  }
}
