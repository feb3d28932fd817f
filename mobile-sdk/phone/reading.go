package phone

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Paging says which part of a list to read. The zero value is the first 50 entries.
type Paging struct {
	After string // the Next of the page before; "" = from the newest
	Limit int    // 0 = 50
}

// Page is a part of a list, from the newest to the oldest by clinical date; records without a date come last.
type Page[F any] struct {
	Entries    []Entry[F]
	Next       string       // "" = this was the last page
	Locked     []card.Scope // scopes that were met and are not opened: their lease has ended
	Unreadable int          // records that were met and are of a newer shape than this version reads; they are kept
}

const defaultLimit = 50

// ErrPaging says that After is not the Next of a page.
var ErrPaging = errors.New("phone: not the Next of a page")

// Records reads the facts of one kind: visits, conditions, the patient's own measurements. If all that was met is locked the error is a
// *LeaseError.
func (k *Card) Records(kind card.Kind, p Paging) (Page[card.Fact], error) {
	return page(k, kind, p, readFact(kind))
}

// Record reads one fact. ErrNoRecord, *LeaseError.
func (k *Card) Record(id card.RecordID) (Entry[card.Fact], error) {
	s, err := k.screen(id)
	if err != nil {
		return Entry[card.Fact]{}, err
	}
	return entryOf(s, readFact(card.Kind(s.Kind)))
}

// screen reads one record as it is to be shown.
func (k *Card) screen(id card.RecordID) (replica.Screen, error) {
	k.client.time.keep()
	s, err := k.engine.Screen(string(id))
	switch {
	case errors.Is(err, replica.ErrUnknown), err == nil && s.Deleted:
		return replica.Screen{}, ErrNoRecord
	case err != nil:
		return replica.Screen{}, err
	}
	meta, err := k.engine.Meta()
	if err != nil {
		return replica.Screen{}, err
	}
	if open := k.leased(meta); !open.opens(s.Scope) {
		return replica.Screen{}, open.err(0)
	}
	return s, nil
}

// page reads a part of the list of one kind, on one snapshot of the file.
func page[F any](k *Card, kind card.Kind, p Paging, read reader[F]) (Page[F], error) {
	k.client.time.keep()
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	behind, err := position(p.After)
	if err != nil {
		return Page[F]{}, err
	}
	var out Page[F]
	err = k.store.Read(func(tx *vault.Tx) error {
		out = Page[F]{}
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		open := k.leased(meta)
		l, err := newListing(tx, string(kind), behind, p.Limit)
		if err != nil {
			return err
		}
		for len(out.Entries) < p.Limit {
			s, ok, err := l.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if !open.opens(s.Scope) {
				continue
			}
			e, err := entryOf(s, read)
			if err != nil {
				out.Unreadable++
				continue
			}
			out.Entries = append(out.Entries, e)
		}
		if more, err := l.more(); err != nil {
			return err
		} else if more {
			out.Next = l.last.String()
		}
		out.Locked = open.locked
		return open.err(len(out.Entries) + out.Unreadable)
	})
	return out, err
}

// place is where a record stands in a list. Microseconds, as the file has them: finer ones would make two places of one.
type place struct {
	micros int64
	id     string
}

func placeOf(t time.Time, id string) place { return place{t.UnixMicro(), id} }

// before says whether p comes before q: lists run from the newest to the oldest.
func (p place) before(q place) bool {
	if p.micros != q.micros {
		return p.micros > q.micros
	}
	return p.id > q.id
}

func (p place) String() string { return strconv.FormatInt(p.micros, 10) + "_" + p.id }

func position(after string) (*place, error) {
	if after == "" {
		return nil, nil
	}
	micros, id, ok := strings.Cut(after, "_")
	n, err := strconv.ParseInt(micros, 10, 64)
	if !ok || err != nil {
		return nil, ErrPaging
	}
	return &place{n, id}, nil
}

// listing walks one kind's records in the order of the list: the base's rows, read in portions, and between them the
// records that so far exist on this phone only.
type listing struct {
	tx    *vault.Tx
	kind  string
	limit int
	rows  []wire.Row // read ahead
	ended bool       // the base has no more
	edits map[string][]replica.Item
	own   []replica.Screen // records of the outbox alone, in order
	last  *place           // of what was given last
}

func newListing(tx *vault.Tx, kind string, behind *place, limit int) (*listing, error) {
	l := &listing{tx: tx, kind: kind, limit: limit, last: behind, edits: map[string][]replica.Item{}}
	items, err := tx.Open()
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if item.Mutation.Kind == kind {
			l.edits[item.Mutation.ID] = append(l.edits[item.Mutation.ID], item)
		}
	}
	for id, edits := range l.edits {
		if _, found, err := tx.Row(id); err != nil {
			return nil, err
		} else if found {
			continue
		}
		s, ok := replica.Rebase(nil, edits)
		if ok && !s.Deleted && (behind == nil || behind.before(placeOf(whenOf(s), id))) {
			l.own = append(l.own, s)
		}
	}
	slices.SortFunc(l.own, func(a, b replica.Screen) int {
		if placeOf(whenOf(a), a.ID).before(placeOf(whenOf(b), b.ID)) {
			return -1
		}
		return 1
	})
	return l, nil
}

// fill reads ahead.
func (l *listing) fill() error {
	if len(l.rows) > 0 || l.ended {
		return nil
	}
	var behind *vault.Position
	if l.last != nil {
		behind = &vault.Position{Date: time.UnixMicro(l.last.micros), ID: l.last.id}
	}
	var err error
	l.rows, err = l.tx.List(l.kind, behind, l.limit+1)
	l.ended = len(l.rows) <= l.limit
	return err
}

// next gives the next record that is not deleted here.
func (l *listing) next() (replica.Screen, bool, error) {
	for {
		if err := l.fill(); err != nil {
			return replica.Screen{}, false, err
		}
		switch {
		case len(l.rows) == 0 && len(l.own) == 0:
			return replica.Screen{}, false, nil
		case len(l.rows) == 0, len(l.own) > 0 && placeOf(whenOf(l.own[0]), l.own[0].ID).before(placeOf(l.rows[0].Date, l.rows[0].ID)):
			s := l.own[0]
			l.own = l.own[1:]
			at := placeOf(whenOf(s), s.ID)
			l.last = &at
			return s, true, nil
		}
		row := l.rows[0]
		l.rows = l.rows[1:]
		at := placeOf(row.Date, row.ID)
		l.last = &at
		if s, ok := replica.Rebase(&row, l.edits[row.ID]); ok && !s.Deleted {
			return s, true, nil
		}
	}
}

// more says whether anything is left.
func (l *listing) more() (bool, error) {
	err := l.fill()
	return len(l.rows) > 0 || len(l.own) > 0, err
}
