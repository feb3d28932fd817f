package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/migrations"
	"github.com/medcard/medcard/sync/replica"
)

// storm is many who write a few cards at once while others read them from their cursors on. Transactions last long, are taken
// back, lose against others and, on PostgreSQL, their connections are cut.
type storm struct {
	t     *testing.T
	db    *store.DB
	cards []card.ID
	order order
	turn  atomic.Uint64

	mu   sync.Mutex
	what map[string]int // how often each thing happened
	gaps []string       // rows that a reader at its cursor was never given
	torn []string       // rows of which a reader saw a part of a write
}

// order puts a writer's commit in its place among the others: the place is taken before the transaction begins. nil: as the
// ledger does it, by the card's row.
type order func() func(replica.Ledger) replica.Ledger

var (
	errTakenBack = errors.New("taken back")
	stormRules   = replica.Server{PageRows: 9, Rules: replica.Rules{
		"comment":  {Policy: replica.Siblings, Scope: "note.general"},
		"document": {Policy: replica.Immutable},
	}}
)

func newStorm(t *testing.T, db *store.DB, cards int) *storm {
	t.Helper()
	s := &storm{t: t, db: db, what: map[string]int{}}
	for range cards {
		s.cards = append(s.cards, newCard(t, db, "ada"))
	}
	return s
}

func (s *storm) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.what[what]++
}

// seen says whether each of these things happened.
func (s *storm) seen(what ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.ContainsFunc(what, func(w string) bool { return s.what[w] == 0 })
}

// written is how many writes were taken.
func (s *storm) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.what["published"] + s.what["edited"]
}

func (s *storm) gap(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps = append(s.gaps, fmt.Sprintf(format, args...))
	s.what["skipped"]++
}

func (s *storm) tear(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.torn = append(s.torn, fmt.Sprintf(format, args...))
}

// weathered says whether something went as it may in a storm: undone, or the database was away.
func (s *storm) weathered(err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, errTakenBack):
		s.count("taken back")
		return false
	case fault.From(err).Kind == fault.Unavailable:
		s.count("connection cut")
		return false
	}
	s.t.Error(err)
	return false
}

// update runs f on a card as its owner, and lets things go wrong. What it returns says nothing of a commit whose answer was lost.
func (s *storm) update(r *rand.Rand, id card.ID, f func(replica.Ledger) error) error {
	place := func(l replica.Ledger) replica.Ledger { return l }
	if s.order != nil {
		place = s.order()
	}
	pause, fate, tries := time.Duration(r.IntN(3000))*time.Microsecond, s.turn.Add(1)%12, 0
	if fate == 1 {
		pause = 40 * time.Millisecond
		s.count("held long")
	}
	err := s.db.Update(context.Background(), asOwner(id, func(l replica.Ledger) error {
		if err := f(place(l)); err != nil {
			return err
		}
		time.Sleep(pause) // all is written, the card's row is still held
		switch tries++; {
		case fate == 2:
			return errTakenBack
		case fate == 3 && tries == 1:
			s.count("lost against another")
			return s.lost()
		}
		return nil
	}))
	if s.order == nil && pause < 3*time.Millisecond {
		time.Sleep(pause)
	}
	return err
}

// lost is what the database says to a transaction that lost against another one.
func (s *storm) lost() error {
	if s.db.Dialect() == migrations.Postgres {
		return &pgconn.PgError{Code: "40001"}
	}
	return fmt.Errorf("busy: %w", sqlite3.BUSY)
}

func asOwner(id card.ID, f func(replica.Ledger) error) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		return f(l)
	}
}

// publish has a clinic post new documents until the storm is over, and post them anew or in another scope if it may. Both atoms of a
// version have the same value.
func (s *storm) publish(clinic int, id card.ID, anew bool, over func() bool) {
	r := rand.New(rand.NewPCG(uint64(clinic), 7))
	var docs []string
	for n := 0; !over(); n++ {
		doc := store.NewID()
		if anew && len(docs) > 0 && r.IntN(2) == 0 {
			doc = docs[r.IntN(len(docs))]
		}
		value := json.RawMessage(fmt.Sprintf(`"clinic %d: %d"`, clinic, n))
		fact := replica.Fact{ID: doc, Kind: "document", Scope: []string{"lab.general", "lab.psychiatric"}[r.IntN(2)],
			Atoms: map[string]json.RawMessage{"text": value, "value": value}}
		if s.weathered(s.update(r, id, func(l replica.Ledger) error {
			_, err := stormRules.Publish(l, []replica.Fact{fact}, time.Now())
			return err
		})) {
			docs = append(docs, doc)
			s.count("published")
		}
	}
}

// follow reads a card from its cursor on, again and again until done, and each time holds all that it was given against all that
// there is at the same moment: every row at or behind the cursor must have come.
func (s *storm) follow(id card.ID, done *atomic.Bool) {
	given := map[string]uint64{}
	var cursor uint64
	for last := false; !last; {
		last = done.Load()
		var head replica.Head
		var fresh, all []replica.Record
		err := s.db.View(context.Background(), asOwner(id, func(l replica.Ledger) (err error) {
			if head, err = l.Head(); err != nil {
				return err
			}
			time.Sleep(time.Millisecond) // others commit meanwhile
			if fresh, err = l.Scan(replica.Scopes{"*"}, cursor, 1<<30); err != nil {
				return err
			}
			all, err = l.Scan(replica.Scopes{"*"}, 0, 1<<30)
			return err
		}))
		if !s.weathered(err) {
			last = false
			continue
		}
		for _, rec := range fresh {
			given[rec.ID] = rec.Seq
			cursor = rec.Seq
			if !whole(rec.Atoms, func(v replica.Version) json.RawMessage { return v.Value }) {
				s.tear("record %s holds %v", rec.ID, rec.Atoms)
			}
			if s.order == nil && rec.Seq > head.Seq {
				s.tear("row %d came with a head of %d", rec.Seq, head.Seq)
			}
		}
		for _, rec := range all {
			if given[rec.ID] != rec.Seq {
				s.gap("row %d was committed behind a reader at %d", rec.Seq, cursor)
				given[rec.ID] = rec.Seq // told once
			}
		}
		s.count("looks")
	}
}

// whole says whether both atoms hold the same values: each write of a storm gives both the same.
func whole[V any](atoms map[string][]V, value func(V) json.RawMessage) bool {
	if len(atoms["text"]) != len(atoms["value"]) {
		return false
	}
	held := map[string]bool{}
	for _, v := range atoms["text"] {
		held[string(value(v))] = true
	}
	for _, v := range atoms["value"] {
		if !held[string(value(v))] {
			return false
		}
	}
	return true
}

// blow runs the writers for that long, and on until enough has happened, and the readers a little longer.
func (s *storm) blow(long time.Duration, enough func() bool, writers []func(over func() bool), readers []func(done *atomic.Bool)) {
	var writing, reading sync.WaitGroup
	var done atomic.Bool
	start := time.Now()
	over := func() bool {
		since := time.Since(start)
		return since > 20*time.Second || since > long && enough()
	}
	for _, w := range writers {
		writing.Go(func() { w(over) })
	}
	for _, r := range readers {
		reading.Go(func() { r(&done) })
	}
	writing.Wait()
	done.Store(true)
	reading.Wait()
}
