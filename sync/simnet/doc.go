// Package simnet runs whole worlds of delta sync in one goroutine: people, cards, phones and a server on a network that
// drops, doubles, reorders, delays and cuts, with phones that crash at any durable write. A world is a function of its
// seed; the same seed gives the same trace, byte for byte, so a failure is a number that anyone can run again.
//
// An oracle that knows nothing of clocks or cursors watches: it remembers what each person had on the screen when he
// opened an editor, and what every device could see after each commit. While the world runs, and at its end, it is held
// against these of the invariants of sync's design:
//
//	 1 convergence         every phone holds exactly what the server would show it
//	 2 no lost update      what was accepted is current, or a sibling, or replaced by someone who had it on the screen
//	 4 no leak             no page holds a row out of its reader's sight, nor names one that he could never see
//	 5 no over-purge       what is visible through another grant stays (by 1: every seat loses and regains scopes all the time)
//	 6 cursors             never go back; the same question gets the same page
//	 8 idempotent replay   requests that come again, however late and in whatever order, change nothing
//	 9 no wedge            once the network heals, every outbox empties
//	10 own writes          what was saved is on the writer's screen
//	15 first sync          a phone that comes today holds what one holds that was there all the time
//	16 numbers             no two payloads ever pass under one (card, actor, n)
//	17 resync              a base beside which a new one grows does not change
//	18 bounded work        a page of nothing reads no rows
//
// and that no phone is left with an edit that nobody answers. Variants of the engine that are broken on purpose show that
// the oracle sees: see Broken.
//
// A world can run on real stores too, with those in memory beside them: see CardStore and PhoneFile. Then 4 is held against all
// that lies in a phone's files as well.
package simnet
