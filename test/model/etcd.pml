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
byte sent[N];                   /* ticks since the renewal on its way was sent; T also for none */
bool inside[N];                 /* the command runs */
bool faulty[N];                 /* the wrapper is dead or stopped; its keeper is not */
byte lastToken = 0;
bool wasForced = false;

byte lostLeft = LOST;
byte faultsLeft = FAULTS;
byte changesLeft = CHANGES;
byte forcedLeft = FORCED;

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

/* One renewal; `gone` is set when the lease or the key is known to be gone. */
inline renew() {
  sent[me] = 0;
  if
  :: atomic { lease[me] -> rest[me] = T; answered = term }
  :: atomic { stale != 0 -> answered = stale }
  :: atomic { !lease[me] -> gone = true }
  fi;
  if
  :: gone -> sent[me] = T
  :: else ->
#if defined(MUTANT_NO_CONFIRM)
     age[me] = sent[me]
#elif defined(MUTANT_FROM_ANSWER)
     age[me] = 0
#else
     /* The read by a majority. */
     atomic {
       if
       :: created[me] != mine -> gone = true
#ifdef MUTANT_ANY_TERM
       :: created[me] == mine -> age[me] = sent[me]
#else
       :: created[me] == mine && term == answered -> age[me] = sent[me]
       :: created[me] == mine && term != answered
#endif
       fi;
       answered = 0;
       sent[me] = T
     }
#endif
  fi
}

proctype Client(byte me) {
  byte rounds = 0;
  byte mine;                    /* the revision that made my key */
  byte answered;
  bool gone;

queue:
  do
  :: rounds == ROUNDS -> goto end
  :: rounds < ROUNDS ->
    rounds++;
    /* A new lease is a new key: what is left of an earlier one has to go first, as there is one key a client here. */
    created[me] == 0;
    /* The lease: its time counts from the sending. */
    d_step { gone = false; answered = 0; age[me] = 0 };
    d_step { lease[me] = true; rest[me] = T };

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
         :: none(isBefore) -> grant(me)
         :: else
         fi
      fi;
      mine = created[me]
    };
    if
    :: atomic { lostLeft > 0 -> lostLeft-- }; goto join
    :: true
    fi;

    do
    :: atomic { created[me] == mine && granted[me] -> break }
    :: atomic { created[me] != mine -> goto queue }  /* my place is gone: queue again */
    :: created[me] == mine && !granted[me] ->        /* a waiter's renewal, which nobody confirms yet */
       sent[me] = 0;
       if
       :: atomic { lease[me] -> rest[me] = T; answered = term; age[me] = sent[me] }
       :: atomic { stale != 0 -> answered = stale; age[me] = sent[me] }
       :: !lease[me]
       fi;
       sent[me] = T
    :: created[me] == mine && !granted[me] && none(isBefore) ->
       /* The watch said so; what is true by now is another matter. */
#ifdef MUTANT_NO_SECOND_LOOK
       atomic { revision++; token[me] = revision };
       break
#else
       atomic {
         if
         :: created[me] == mine && none(isBefore) ->
            revision++;
            grant(me);
#ifndef MUTANT_GRANT_CONFIRMS_ALL
            /* The grant confirms a renewal of its own term, and no other. */
            if
            :: answered != 0 && answered != term -> age[me] = T
            :: else
            fi;
#endif
            answered = 0
         :: else
         fi
       }
#endif
    od;

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
    :: age[me] >= KILL ->
       renew();
       if
       :: gone -> goto queue
       :: else
       fi
    od;

    do
    :: atomic { !inside[me] -> goto queue }          /* killed: the lease runs out by itself */
    :: inside[me] && able(me) ->
       renew();
       if
       :: gone && FORCED == 0 -> inside[me] = false; goto queue
       :: gone && FORCED > 0 -> break                /* forced: the command goes on, nothing is renewed */
       :: else
       fi
#ifdef MUTANT_RELEASE_AT_DEATH
    :: faulty[me] -> break
#endif
    :: inside[me] -> inside[me] = false; break       /* the command ends */
    od;
    /* The release, by the wrapper or its keeper. */
    atomic {
      if
      :: created[me] == mine -> revision++; created[me] = 0; granted[me] = false
      :: else
      fi
    };
    d_step { inside[me] = false; lease[me] = false; rest[me] = 0; age[me] = T; mine = 0 }
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
         if :: sent[i] < T -> sent[i]++ :: else fi
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
    run Client(0); run Watchdog(0);
    run Client(1); run Watchdog(1);
#if N > 2
    run Client(2); run Watchdog(2);
#endif
    sent[0] = T; sent[1] = T; age[0] = T; age[1] = T;
#if N > 2
    sent[2] = T; age[2] = T;
#endif
    run World()
  }
}
