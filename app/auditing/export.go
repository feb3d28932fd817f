package auditing

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Period is which part of the log an auditor takes away. It begins at the reading's place or at a time.
type Period struct {
	Reading
	Since time.Time // zero = from the place on
	Until time.Time // zero = up to the end of the log
}

// Disorder is by how much entries of the log may be out of the order of their times: servers' clocks differ, and a transaction takes a while.
// An export of a period begins and ends so much outside of it that none of its entries is left out.
const Disorder = 10 * time.Minute

// maxExports is how many exports a server makes at a time.
const maxExports = 4

// Why there is no export.
var (
	ErrPeriod  = fault.New(fault.Invalid, "audit.period", "Say where the export begins either by from, a place, or by since, a time; and until comes after since.")
	ErrExports = fault.New(fault.Throttled, "audit.exports_running", "This server makes as many exports as it can. Try again later.").After(30 * time.Second)
)

// Export is a part of the log on its way to an auditor, with all that its receiver needs to know that it is just that.
type Export struct {
	Since, Until time.Time    // as they were asked for
	From, To     int64        // places: [From, To)
	Edge         []audit.Hash // of the whole trees that the log before From consists of, the largest first
	Origin       string       // the log's name
	Checkpoint   string       // signed
	Proof        []audit.Hash // that the checkpoint's log begins with its first To entries; RFC 6962, section 2.1.2

	size    int64
	next    int64
	service *Service
}

// Exported is a place of the log as it leaves.
type Exported struct {
	audit.Logged
	Order *Proven // stands beside the first entry of a page whose card was shredded: the entry that says so; nil = the log does not hold it yet
}

// Export begins one, which is remembered as a reading of all of it. It costs the server a page at a time, however long the period is; whoever
// lost the connection begins anew at the place where it broke. Close it.
func (s *Service) Export(ctx context.Context, a identity.Actor, in Period) (e *Export, err error) {
	if err := mayReview(a, in.Reading); err != nil {
		return nil, err
	}
	if in.From != 0 && !in.Since.IsZero() || !in.Until.IsZero() && !in.Since.Before(in.Until) {
		return nil, ErrPeriod
	}
	keys, err := s.Keys()
	if err != nil {
		return nil, err
	}
	if s.exports.Add(1) > maxExports {
		s.exports.Add(-1)
		return nil, ErrExports
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		e = &Export{Since: in.Since, Until: in.Until, From: in.From, Origin: keys.Signer.Name(), service: s}
		if err := e.measure(tx); err != nil {
			return err
		}
		return s.remember(tx, a, in.Reading, "export of "+e.places())
	})
	if err != nil {
		s.exports.Add(-1)
		return nil, err
	}
	return e, nil
}

// Close makes room for the next one.
func (e *Export) Close() { e.service.exports.Add(-1) }

func (e *Export) places() string { return fmt.Sprintf("places %d to %d", e.From, e.To) }

// measure finds out where the export begins and ends, and what proves that.
func (e *Export) measure(tx Tx) (err error) {
	if e.size, e.Checkpoint, err = tx.Log(); err != nil {
		return err
	}
	if e.Checkpoint == "" {
		return ErrNoCheckpoint
	}
	if e.From < 0 || e.From > e.size {
		return ErrSizes
	}
	// The entry before the first of the period, and the one behind the last, come along: by their times the receiver sees that the period is whole.
	if !e.Since.IsZero() {
		if e.From, err = e.firstAt(tx, 0, e.Since.Add(-Disorder)); err != nil {
			return err
		}
		e.From = max(e.From-1, 0)
	}
	e.To = e.size
	if !e.Until.IsZero() {
		if e.To, err = e.firstAt(tx, e.From, e.Until.Add(Disorder)); err != nil {
			return err
		}
		e.To = min(e.To+1, e.size)
	}
	e.next = e.From
	tree := treeOf(tx)
	if e.From > 0 {
		if _, err := tlog.TreeHash(e.From, tlog.HashReaderFunc(func(places []int64) ([]tlog.Hash, error) {
			hashes, err := tree.ReadHashes(places)
			e.Edge = asHashes(hashes)
			return hashes, err
		})); err != nil {
			return err
		}
	}
	if e.To > 0 {
		hashes, err := tlog.ProveTree(e.size, e.To, tree)
		e.Proof = asHashes(hashes)
		return err
	}
	return nil
}

// firstAt finds a place from which on the entries are of the time or later, but for the disorder: one by which a search for it in halves comes out.
func (e *Export) firstAt(tx Tx, low int64, at time.Time) (int64, error) {
	for high := e.size; low < high; {
		middle := low + (high-low)/2
		place, when, err := e.timeFrom(tx, middle, high)
		if err != nil {
			return 0, err
		}
		if place < high && when.Before(at) {
			low = place + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// timeFrom gives the time of the first entry at or behind a place that still has one; high = there is none before that.
func (e *Export) timeFrom(tx Tx, place, high int64) (int64, time.Time, error) {
	for ; place < high; place++ {
		found, err := tx.LoggedEntries(place, place+1)
		if err != nil {
			return 0, time.Time{}, err
		}
		for _, l := range found {
			if at := l.Entry.At; !at.IsZero() {
				return place, at, nil
			}
		}
	}
	return high, time.Time{}, nil
}

// Next gives the next page, none at the end.
func (e *Export) Next(ctx context.Context) (page []Exported, err error) {
	to := min(e.next+PageSize, e.To)
	err = e.service.Store.View(ctx, func(tx Tx) error {
		logged, err := tx.LoggedEntries(e.next, to)
		if err != nil {
			return err
		}
		if _, ok := gapless(logged, e.next, to); !ok {
			return ErrTampered
		}
		page = make([]Exported, len(logged))
		told := map[card.ID]bool{}
		for i, l := range logged {
			page[i].Logged = l
			if l.State != audit.Shredded || told[l.Card] {
				continue
			}
			told[l.Card] = true
			if page[i].Order, err = e.order(tx, l.Card); err != nil {
				return err
			}
		}
		return nil
	})
	e.next = to
	return page, err
}

// order proves that somebody destroyed the card.
func (e *Export) order(tx Tx, id card.ID) (*Proven, error) {
	number, found, err := tx.ShreddingOf(id)
	if err != nil || !found {
		return nil, err
	}
	places, err := tx.PlacesInLog(id, []uint64{number})
	if err != nil {
		return nil, err
	}
	place, logged := places[number]
	if !logged || place >= e.size {
		return nil, nil
	}
	entries, err := tx.LoggedEntries(place, place+1)
	if err != nil || len(entries) != 1 || entries[0].State != audit.Readable {
		return nil, err
	}
	hashes, err := tlog.ProveRecord(e.size, place, treeOf(tx))
	return &Proven{Salted: entries[0].Entry, Logged: true, Place: place, Proof: asHashes(hashes)}, err
}
