/*
 * A lock in etcd as a model for Spin: leases that run out, renewals that a deposed leader answers, answers that are lost,
 * waiters whose place is gone, and the two processes that watch each other. The code is src/etcd/place.ts, renewal.ts,
 * session.ts and stop-rule.ts; where the two differ, one of them is wrong. `verify etcd` searches every case of
 * etcd.cases to its end:
 *
 *   N        clients, 2 or 3, all exclusive
 *   ROUNDS   how often each of them asks for the lock; a place that was lost counts too
 *   T        the TTL, in ticks; everything that runs under the lock is killed one tick before its end
 *   CHANGES  how often the leader changes; the old one may go on answering renewals
 *   LOST     how many answers to acquiring transactions are lost, and the transactions repeated
 *   BESIDE   of how many clients renewals are on their way while they do other things; those of the others take no time
 *   FAULTS   how many wrappers are killed or stopped, one a client at most
 *   FORCED   how many holds are forced away: nothing is promised for those from then on, but nothing hangs either
 *   MUTANT_x one rule broken, to show that the search finds out
 *
 * Time passes in ticks, for all clocks alike. A client may be slower than any number of ticks between any two of its
 * steps: that stands for a network that is cut, a machine that is busy, a waiter that is stopped. Only the kill is in
 * time: whichever of wrapper and keeper is able does it before the next tick.
 *
 * What it shows: nobody is inside together with somebody else, and the tokens of those who go in rise.
 *
 * What it leaves out, as nothing can be done about it: wrapper and keeper of one command both killed or stopped, and an
 * etcd before 3.4.31 or 3.5.13 whose deposed leader revokes leases that the new one has renewed (etcd issue 15247).
 */
#ifndef N
#define N 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef T
#define T 3
#endif
#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef LOST
#define LOST 1
#endif
#ifndef BESIDE
#define BESIDE 1
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef FORCED
#define FORCED 0
#endif

#define KILL (T - 1)

/* ---- what a majority of the cluster agrees on ---- */

byte revision = 1;
byte created[N];                /* the revision that made the client's key, 0 for none */
bool granted[N];                /* what the key's value says */
byte token[N];                  /* the revision of the grant */
bool lease[N];

/* ---- what the leader keeps in memory ---- */

byte term = 1;
byte stale = 0;                 /* the term of a leader that was deposed and does not know; 0 for none */
byte rest[N];                   /* ticks until the leader ends the lease */

/* ---- the clients ---- */

byte age[N];                    /* ticks since the last renewal that counts was sent, T at most */
byte mine[N];                   /* the revision that made the client's key, as it knows; 0 for none: nothing is renewed */
bool holds[N];                  /* granted: renewals that are sent from now on are confirmed by a read */
bool isSent[N];                 /* a renewal is on its way */
bool gone[N];                   /* the lease or the key is known to be gone */
byte sent[N];                   /* ticks since the renewal on its way was sent; T also for none */
byte noted[N];                  /* ticks since the last answered renewal of the waiter was sent; T also for none */
byte notedTerm[N];              /* of the leader that answered it; 0 for none */
bool isLate[N];                 /* it was answered after the grant was asked for */
bool inside[N];                 /* the command runs */
bool faulty[N];                 /* the wrapper is dead or stopped; its keeper is not */
byte lastToken = 0;
bool wasForced = false;

byte lostLeft = LOST;
byte faultsLeft = FAULTS;
byte changesLeft = CHANGES;
byte forcedLeft = FORCED;

#define advance(i, ticks) age[i] = (ticks < age[i] -> ticks : age[i])

/* Whether somebody is left to renew, and to kill in time. */
#ifdef MUTANT_ONE_PROCESS
#define able(i) (!faulty[i])
#else
#define able(i) true
#endif

#define mustDie(i) (inside[i] && age[i] >= KILL && able(i))

#if N == 2
#define none(p) (!p(0) && !p(1))
#else
#define none(p) (!p(0) && !p(1) && !p(2))
#endif

#define isBefore(i) (created[i] != 0 && created[i] < created[me])
#define hasKey(i) (created[i] != 0)
#define othersInside(i) (i != me && inside[i])

inline grant(i) {
  granted[i] = true;
  token[i] = revision
}

/* The leader's answer to a renewal. */
inline ask() {
  if
  :: lease[me] -> rest[me] = T; answered = term
  :: stale != 0 -> answered = stale
  :: !lease[me] -> answered = 0
  fi
}

/* What becomes of the answer. */
inline conclude() {
#ifdef MUTANT_FROM_ANSWER
  sent[me] = 0;
#endif
  if
  :: answered == 0 && isConfirmed -> gone[me] = true
  :: answered == 0 && !isConfirmed                  /* the client sees that its key is gone */
  :: answered != 0 && isConfirmed ->
     /* The read by a majority. */
     if
#ifdef MUTANT_NO_CONFIRM
     :: true -> advance(me, sent[me])
#else
     :: created[me] != mine[me] -> gone[me] = true
#ifdef MUTANT_ANY_TERM
     :: created[me] == mine[me] -> advance(me, sent[me])
#else
     :: created[me] == mine[me] && term == answered -> advance(me, sent[me])
     :: created[me] == mine[me] && term != answered
#endif
#endif
     fi
  :: answered != 0 && !isConfirmed ->
     if
#ifdef MUTANT_UNCONFIRMED_COUNTS
     :: holds[me] -> advance(me, sent[me])
#else
     :: holds[me]                                   /* a hold asks for more */
#endif
     :: !holds[me] -> noted[me] = sent[me]; notedTerm[me] = answered; isLate[me] = true
     fi
  fi;
  answered = 0; isConfirmed = false; isSent[me] = false; sent[me] = T
}

#define mayRenew(i) (mine[i] != 0 && !gone[i] && able(i))

/* Renews beside all that the client does: an answer may come when that has gone on. */
proctype Renewer(byte me) {
  byte answered;                /* the term of the leader that did it; 0 when it says that the lease is gone */
  bool isConfirmed;
end:
  do
  :: atomic {
       me < BESIDE && mayRenew(me) ->
       isConfirmed = holds[me]; isSent[me] = true; sent[me] = 0
     };
     atomic { ask() };
     atomic { conclude() }
  :: atomic {
       me >= BESIDE && mayRenew(me) ->
       isConfirmed = holds[me]; isSent[me] = true; sent[me] = 0;
       ask();
       conclude()
     }
  od
}

proctype Client(byte me) {
  byte rounds = 0;
  byte grantTerm;

queue:
  /* What an earlier session has on its way is not heard any more. */
  atomic {
    !isSent[me] ->
    age[me] = T; mine[me] = 0; holds[me] = false; gone[me] = false;
    noted[me] = T; notedTerm[me] = 0; isLate[me] = false; grantTerm = 0
  };
  do
  :: rounds == ROUNDS -> goto end
  :: rounds < ROUNDS ->
    rounds++;
    /* A new lease is a new key: what is left of an earlier one has to go first, as there is one key a client here. */
    created[me] == 0;
    /* The lease: its time counts from the sending. */
    age[me] = 0;
    atomic { lease[me] = true; rest[me] = T };

join:
    atomic {
      if
      :: !lease[me] -> goto queue
      :: lease[me] && created[me] != 0              /* the first sending did it */
      :: lease[me] && created[me] == 0 ->
         revision++;
         created[me] = revision;
         granted[me] = false;
         if
         :: none(isBefore) -> grant(me); grantTerm = term
         :: else
         fi
      fi;
      mine[me] = created[me]
    };
    if
    :: atomic { lostLeft > 0 -> lostLeft-- }; goto join
    :: true
    fi;

    do
    :: atomic { created[me] == mine[me] && granted[me] -> break }
    :: atomic { created[me] != mine[me] -> goto queue }  /* my place is gone: queue again */
    :: created[me] == mine[me] && !granted[me] && none(isBefore) ->
       /* The watch said so; what is true by now is another matter. */
#ifdef MUTANT_NO_SECOND_LOOK
       atomic { revision++; token[me] = revision };
       break
#else
       isLate[me] = false;                          /* the grant is asked for */
       atomic {
         if
         :: created[me] == mine[me] && none(isBefore) ->
            revision++;
            grant(me);
            grantTerm = term
         :: else
         fi
       }
#endif
    od;
    /*
     * The answer. The grant confirms a renewal of its own term that was answered before the grant was asked for, and no
     * other.
     */
    atomic {
      if
#if defined(MUTANT_GRANT_CONFIRMS_ALL)
      :: notedTerm[me] != 0 -> advance(me, noted[me])
#elif defined(MUTANT_LATE_COUNTS)
      :: notedTerm[me] != 0 && notedTerm[me] == grantTerm -> advance(me, noted[me])
#else
      :: notedTerm[me] != 0 && notedTerm[me] == grantTerm && !isLate[me] -> advance(me, noted[me])
#endif
      :: else
      fi;
      noted[me] = T; notedTerm[me] = 0; isLate[me] = false; grantTerm = 0;
      holds[me] = true
    };

    /* The command starts only under a lease that was renewed not long ago. */
    do
    :: atomic {
#if defined(MUTANT_FRESH_AT_GRANT) || defined(MUTANT_NO_SECOND_LOOK)
         age[me] = 0;
#endif
         age[me] < KILL ->
         inside[me] = true;
         assert(wasForced || none(othersInside));
         assert(wasForced || token[me] > lastToken);
         lastToken = token[me];
         break
       }
    :: atomic { gone[me] -> goto queue }
    od;

    if
    :: atomic { !inside[me] -> goto queue }          /* killed: the lease runs out by itself */
    :: gone[me] && FORCED == 0 -> inside[me] = false; goto queue
    :: gone[me] && FORCED > 0                        /* forced: the command goes on, nothing is renewed */
#ifdef MUTANT_RELEASE_AT_DEATH
    :: faulty[me]
#endif
    :: inside[me] -> inside[me] = false              /* the command ends */
    fi;
    /* The release, by the wrapper or its keeper. */
    atomic {
      if
      :: created[me] == mine[me] -> revision++; created[me] = 0; granted[me] = false
      :: else
      fi
    };
    d_step { inside[me] = false; lease[me] = false; rest[me] = 0; age[me] = T };
    goto queue
  od;
end:
  skip
}

/* Whichever of wrapper and keeper is able kills what is left of the command in time. */
proctype Watchdog(byte me) {
end:
  do
  :: atomic { mustDie(me) -> inside[me] = false }
  od
}

proctype World() {
  byte i;
end:
  do
  :: atomic {                                        /* a tick */
       none(mustDie) ->
       for (i : 0 .. N - 1) {
         if :: rest[i] > 0 -> rest[i]-- :: else fi;
         if :: age[i] < T -> age[i]++ :: else fi;
         if :: sent[i] < T -> sent[i]++ :: else fi;
         if :: noted[i] < T -> noted[i]++ :: else fi
       };
       i = 0
     }
  :: atomic { lease[0] && rest[0] == 0 -> lease[0] = false; created[0] = 0; granted[0] = false }
  :: atomic { lease[1] && rest[1] == 0 -> lease[1] = false; created[1] = 0; granted[1] = false }
#if N > 2
  :: atomic { lease[2] && rest[2] == 0 -> lease[2] = false; created[2] = 0; granted[2] = false }
#endif
  :: atomic {                                        /* another leader: all leases start anew */
       changesLeft > 0 ->
       changesLeft--;
       stale = term;
       term++;
       for (i : 0 .. N - 1) {
         if :: lease[i] -> rest[i] = T :: else fi
       };
       i = 0
     }
  :: atomic { stale != 0 -> stale = 0 }              /* the old one has noticed */
  :: atomic { faultsLeft > 0 && inside[0] && !faulty[0] -> faultsLeft--; faulty[0] = true }
  :: atomic { faultsLeft > 0 && inside[1] && !faulty[1] -> faultsLeft--; faulty[1] = true }
  :: atomic {                                        /* unget, or etcdctl del */
       forcedLeft > 0 && created[0] != 0 && granted[0] ->
       forcedLeft--;
       wasForced = true;
       created[0] = 0;
       granted[0] = false
     }
  od
}

init {
  atomic {
    run Client(0); run Renewer(0); run Watchdog(0);
    run Client(1); run Renewer(1); run Watchdog(1);
#if N > 2
    run Client(2); run Renewer(2); run Watchdog(2);
#endif
    sent[0] = T; sent[1] = T; age[0] = T; age[1] = T; noted[0] = T; noted[1] = T;
#if N > 2
    sent[2] = T; age[2] = T; noted[2] = T;
#endif
    run World()
  }
}
