package replica

import (
	"time"
)

// Server is the server's side: decisions over a Ledger. It has no state of its own; copy it freely.
type Server struct {
	Rules     Rules
	Drift     time.Duration // how far a writer's clock may run ahead; 0 = 60 s
	PageRows  int           // rows in a page at most; 0 = 1000
	PageBytes int           // bytes in a page, about; 0 = 1 MiB

	CheckRows int // records that one answer of a check looks at, at most; 0 = 4096

	NewActors int // that a device may get on a card within a day; 0 = 24

	Silence     time.Duration // how long a device may be silent before it is retired; 0 = 90 days
	CollectRows int           // records that one collection touches at most; 0 = 500

	watch func(unchanged, shown bool) // tests see how each old value was judged
}

func (s Server) drift() time.Duration {
	if s.Drift == 0 {
		return time.Minute
	}
	return s.Drift
}

func (s Server) pageRows() int {
	if s.PageRows == 0 {
		return 1000
	}
	return s.PageRows
}

func (s Server) pageBytes() int {
	if s.PageBytes == 0 {
		return 1 << 20
	}
	return s.PageBytes
}

// Sealer hides sequence numbers from the device: their gaps and their growth would betray writes that it may not see. A
// Sealer belongs to one device, card and epoch; the same number seals to the same token, always of the same length.
type Sealer interface {
	Seal(seq uint64) string
	// Open returns ErrToken for a token that this Sealer did not make.
	Open(token string) (seq uint64, err error)
}

// lostActors is more than a card can have gained between its last backup and the restore.
const lostActors = 1 << 10

// Restored is for the command that restores a backup, once for each card, together with the change of the card's epoch. The
// ordinals that were given out after the backup are not known any more and must not be given again: a phone that still
// has one would take another's numbers for its own. So a gap is left. And none of the others has written in the new epoch.
func (s Server) Restored(l Ledger, now time.Time) error {
	if _, err := l.Lock(); err != nil {
		return err
	}
	actors, err := l.Actors()
	if err != nil {
		return err
	}
	gap := Actor{Ordinal: lostActors, LastSeen: now, State: Forgotten} // the clocks that held it were lost with it
	for _, a := range actors {
		gap.Ordinal = max(gap.Ordinal, a.Ordinal+lostActors)
		if !a.State.live() {
			continue
		}
		a.State, a.LastSeen = Live, now // after an old backup all would count as silent
		if err := l.SaveActor(a); err != nil {
			return err
		}
	}
	return l.SaveActor(gap)
}
