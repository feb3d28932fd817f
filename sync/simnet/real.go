package simnet

import (
	"errors"
	"maps"
	"math"
	"slices"

	"github.com/medcard/medcard/sync/replica"
)

// A world may run on real stores beside those in memory. Every call of the engine then goes to both, in one transaction
// each, and the first answer of the real one that differs from the one in memory ends the world. What the engine works
// with is the real answer; the oracle looks at the stores in memory, which it can see into.

// CardStore is one card in a real server's store.
type CardStore interface {
	// Update runs f in a transaction which is rolled back if f fails.
	Update(f func(replica.Ledger) error) error
	// View runs f on one snapshot.
	View(f func(replica.Ledger) error) error
	// Backup keeps the card as it stands; restore brings that back, under another epoch.
	Backup() (restore func(epoch string) error, err error)
}

// PhoneFile is one card in the file of a real phone.
type PhoneFile interface {
	replica.PhoneStore
	// Crash has the phone lose its power and start again: nothing is closed in order.
	Crash() error
	// Backup keeps the file as it stands; restore makes another phone of it, each time it is called.
	Backup() (restore func() (PhoneFile, error), err error)
	// Plain returns all that lies in the phone's files, as somebody with the key would read it.
	Plain() ([]byte, error)
	Close() error
}

// book makes the server's store of a card.
func (w *World) book(card string) *Book {
	b := NewBook("e1")
	if w.CardStore != nil {
		var err error
		b.real, err = w.CardStore(card, "e1")
		w.must(err)
	}
	return b
}

// shelf makes a phone's store.
func (w *World) shelf(card string) *Shelf {
	s := NewShelf()
	s.card = card
	if w.PhoneFile != nil {
		var err error
		s.file, err = w.PhoneFile(card)
		w.must(err)
	}
	return s
}

// crash has a phone lose its power.
func (s *Shelf) crash() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Crash(), s.compare())
}

// retire lets go of a store that is not needed any more.
func (w *World) retire(s *Shelf) {
	w.report.Coverage["a phone's file searched for traces"] += s.searched
	if s.file != nil {
		w.must(s.file.Close())
		s.file = nil
	}
}

// compare holds all that the card's two stores can tell against each other.
func (b *Book) compare() error {
	if b.real == nil {
		return nil
	}
	return b.View(func(l replica.Ledger) error {
		_, err1 := l.Head()
		_, err2 := l.Records(append(slices.Sorted(maps.Keys(b.pages.records)), "00000000-0000-7000-8000-000000000000"))
		_, err3 := l.Moves(0, math.MaxInt32)
		actors, err4 := l.Actors()
		_, err5 := l.Deleted(0, math.MaxInt32, math.MaxInt32)
		err := errors.Join(err1, err2, err3, err4, err5)
		for _, scope := range append(replica.Scopes{"*", "lab.*", "none.at_all"}, allScopes...) {
			_, err1 := l.Newest(replica.Scopes{scope})
			_, err2 := l.Scan(replica.Scopes{scope}, 0, math.MaxInt32)
			_, _, err3 := l.Sum(replica.Scopes{scope})
			_, err4 := l.Digests(replica.Scopes{scope}, "", "", math.MaxInt32)
			_, err5 := l.Forgotten(replica.Scopes{scope})
			err = errors.Join(err, err1, err2, err3, err4, err5)
		}
		for id := range b.pages.records {
			_, err1 := l.Former(id, math.MaxInt32)
			err = errors.Join(err, err1)
		}
		for _, a := range actors {
			_, err1 := l.Decisions(a.Ordinal, 0, a.LMID)
			_, _, err2 := l.Actor(a.Ordinal)
			_, err3 := l.Written(a.Ordinal, math.MaxInt32, math.MaxInt32)
			err = errors.Join(err, err1, err2, err3)
		}
		return err
	})
}

// compare holds all that the phone's two stores can tell against each other.
func (s *Shelf) compare() error {
	if s.file == nil {
		return nil
	}
	return s.View(func(tx replica.PhoneTx) error {
		_, err1 := tx.Meta()
		_, err2 := tx.Open()
		_, err3 := tx.Sum()
		_, err4 := tx.Digests("", "")
		_, err5 := tx.Scopes()
		err := errors.Join(err1, err2, err3, err4, err5)
		for _, state := range []replica.ItemState{replica.Waiting, replica.Answered, replica.Settled, replica.Rejected} {
			_, err1 := tx.Items(state)
			err = errors.Join(err, err1)
		}
		for _, id := range s.known() {
			_, _, err1 := tx.Row(id)
			_, _, err2 := tx.ShadowRow(id)
			_, err3 := tx.ItemsOf(id)
			err = errors.Join(err, err1, err2, err3)
		}
		return err
	})
}

// known lists the records of which the store holds anything.
func (s *Shelf) known() []string {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(s.state.base)), maps.Keys(s.state.shadow))
	for _, item := range s.state.items {
		ids = append(ids, item.Mutation.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
