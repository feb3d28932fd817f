// Package simnet runs whole worlds of delta sync in one goroutine: people, cards, phones and a server on a network that
// drops, doubles, reorders, delays and cuts, with phones that crash at any durable write. A world is a function of its
// seed; the same seed gives the same trace, byte for byte, so a failure is a number that anyone can run again.
//
// An oracle that knows nothing of clocks or cursors watches: it remembers what each person had on the screen when he
// opened an editor, and at the end holds the world against three of the invariants in the doc of the folder sync:
//
//	1 convergence         every phone holds exactly what the server would show it
//	2 no lost update      what was accepted is current, or a sibling, or replaced by someone who had it on the screen
//	8 idempotent replay   requests that come again, however late and in whatever order, change nothing
//
// and that no phone is left with an edit that nobody answers. Variants of the engine that are broken on purpose show that
// the oracle sees: see Broken.
package simnet
