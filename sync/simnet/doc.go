// Package simnet runs whole worlds of delta sync in one goroutine: two people, two cards, four phones and their clones, clinics, and
// a server on a network that drops, doubles, overtakes and cuts at any byte. Phones crash at any durable write, are restored from old
// backups and cloned, their clocks jump by days; the server goes down before a commit or after it and is restored from backups;
// access comes, goes, ends by itself and comes again at any step, between two pages of an answer too. After a restore of the
// server it waits for the owner's word, and some owners have to claim their cards again. A world is a function of its seed; the same
// seed gives the same trace, byte for byte, so a failure is a number that anyone can run again.
//
// An oracle that knows nothing of clocks or cursors watches: it remembers what each person had on the screen when he opened an
// editor, what every record ever was, and what everybody could see after each commit. While the world runs, and at its end, it is
// held against the invariants of sync's design. Each has engines that are broken on purpose, and that invariant must find them within 500
// worlds:
//
//	 1 convergence        a phone holds exactly what the server would show it            DeafToDeletes, ForgetSilent
//	 2 no lost update     what was accepted is current, a sibling, or replaced by who    ContextAtPush, SwallowSiblings, LostItem,
//	                      had it on the screen; no edit goes without an answer, or       HeldIsGone, ForgottenIsGone
//	                      word, none of one's own because the server was restored
//	 3 no resurrection    what was deleted by who had seen all of it stays deleted       NoStones
//	 4 no leak            no page holds or names what its reader may not see, none       KeepMoved, RedForAll, StaleSight, KeepLost,
//	                      changes with a commit out of his sight; what was lost goes;    HeadForAll, Unconfirmed
//	                      what a restored server holds is not there
//	 5 no over-purge      what is visible through another grant stays                    BluntPurge
//	 6 cursors            never go back; the same question gets the same page            RecedingCursor
//	 7 no skip            what was committed comes                                       ClockCursor, TornPage
//	 8 idempotent replay  requests that come again, however late, change nothing, nor    ReplayApplies, OnceMore
//	                      do edits that come again under another number
//	 9 no wedge           once the network heals, every outbox empties                   Wedge
//	10 own writes         what was saved is on the writer's screen; no phone goes back   LostSave, LaggingReplica
//	                      to an earlier state of a record
//	11 whole mutations    a row on a phone is a state that its record was in, all of it  EarlyAt, TornRow
//	12 short clocks       settled ones hold live actors only; a prune changes no verdict, PruneEarly, PruneLive, HoardedClocks,
//	                      nor does a collection of an edit on which the server counts    CursorAsLow, CollectAtOnce
//	13 vectors' laws      on all vectors that are met                                    NewestVector
//	14 sums               equal iff bases are; a check mends what was damaged            BlindSums, FlatSums, DeleteFirst
//	15 first sync         a phone that comes today holds what the others hold            ThinFirst
//	16 numbers            no two payloads ever pass under one (card, actor, n)           TrustedNumber
//	17 resync             a base beside which a new one grows does not change            MixedBase
//	18 bounded work       nothing new costs no rows, d changes cost O(d)                 FullScan
//
// A commit's writers one after the other are all that one goroutine can show of 7: writers side by side are tried on PostgreSQL, in
// app/store/storetest. Two codes no phone of ours brings about, too_large and resolve_needed; they have tests in replica.
//
// Where a mistake is looked for no base is damaged and none checked: the check would mend what comes of the mistake.
//
// A world can run on real stores too, with those in memory beside them: see CardStore and PhoneFile. Then 4 is held against all
// that lies in a phone's files as well.
//
//	go test ./sync/simnet                                        a few hundred worlds, each seed twice with the same trace, and what they covered
//	go test ./sync/simnet -run Worlds -simnet.worlds=20000       fails if anything in Expected happened less than 1,000 times
//	go test ./sync/simnet -run Worlds -simnet.worlds=500 -simnet.twice   more of them, each seed twice
package simnet
