package phone

import (
	"cmp"
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
	Empty      Empty        // why a list of one kind has nothing, asked from its begin; "" = it has something
}

// Empty says why a list has nothing to show. (That a lease ended is a LeaseError, and that a card is not opened yet tells Client.Me.)
type Empty string

// The reasons. Of somebody else's card there is one for all that might be: whether nobody wrote any, or they are kept from him, is not his to know.
const (
	NotSynced     Empty = "notSynced"     // the phone has not received all of the card yet
	NonePublished Empty = "nonePublished" // of one's own card: there are none, no clinic has published any
	NoneShown     Empty = "noneShown"     // of somebody else's: there are none, or none that one may see
	NoneSuch      Empty = "noneSuch"      // there are some, but not of the category that was asked for
)

func emptiness(meta replica.Meta, met bool) Empty {
	switch {
	case met:
		return NoneSuch
	case meta.Synced.IsZero():
		return NotSynced
	case meta.Own:
		return NonePublished
	}
	return NoneShown
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
	k.enter()
	meta, err := k.engine.Meta()
	if err != nil {
		return replica.Screen{}, err
	}
	open := k.leased(meta)
	s, err := k.engine.Screen(string(id))
	switch {
	case errors.Is(err, replica.ErrUnknown):
		open.missed("")
		return replica.Screen{}, cmp.Or(open.err(0), ErrNoRecord)
	case err == nil && s.Deleted:
		return replica.Screen{}, ErrNoRecord
	case err != nil:
		return replica.Screen{}, err
	case !open.opens(s.Scope):
		return replica.Screen{}, open.err(0)
	}
	return s, nil
}

// page reads a part of the list of one kind, on one snapshot of the file.
func page[F any](k *Card, kind card.Kind, p Paging, read reader[F]) (Page[F], error) {
	return filtered(k, kind, p, read, func(F) bool { return true })
}

// filtered reads a part of the list of those of a kind that are wanted.
func filtered[F any](k *Card, kind card.Kind, p Paging, read reader[F], wanted func(F) bool) (Page[F], error) {
	k.enter()
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
		l, err := newListing(tx, ofKind(string(kind)), behind, p.Limit)
		if err != nil {
			return err
		}
		met := false
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
			met = true
			e, err := entryOf(s, read)
			if err != nil {
				out.Unreadable++
				continue
			}
			if !wanted(e.Fact) {
				continue
			}
			out.Entries = append(out.Entries, e)
		}
		if more, err := l.more(); err != nil {
			return err
		} else if more {
			out.Next = l.last.String()
		}
		open.missed(kind)
		out.Locked = open.locked
		if behind == nil && len(out.Entries)+out.Unreadable == 0 {
			out.Empty = emptiness(meta, met)
		}
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

// selection says what a listing is of.
type selection struct {
	rows   func(tx *vault.Tx, behind *vault.Position, limit int) ([]wire.Row, error) // of the base
	edited func(wire.Mutation) bool                                                  // whether an edit can bring a record into it
	shown  func(replica.Screen) bool                                                 // nil = all of them; the others were never there
	meets  func(replica.Screen) bool                                                 // whether an edited record belongs to it; nil = yes
}

// ofKind selects all records of a kind.
func ofKind(kind string) selection {
	return selection{
		rows: func(tx *vault.Tx, behind *vault.Position, limit int) ([]wire.Row, error) {
			return tx.List(kind, behind, limit)
		},
		edited: func(m wire.Mutation) bool { return m.Kind == kind },
	}
}

// listing walks a selection in the order of lists: the base's rows, read in portions, and between them the records that were edited
// on this phone.
type listing struct {
	of     selection
	tx     *vault.Tx
	limit  int
	rows   []wire.Row       // read ahead
	read   *place           // how far the base was read
	ended  bool             // the base has no more
	edits  map[string]bool  // what was edited here
	edited []replica.Screen // in order
	last   *place           // of what was given last
}

func newListing(tx *vault.Tx, of selection, behind *place, limit int) (*listing, error) {
	l := &listing{of: of, tx: tx, limit: limit, read: behind, last: behind, edits: map[string]bool{}}
	items, err := tx.Open()
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if of.edited(item.Mutation) {
			l.edits[item.Mutation.ID] = true
		}
	}
	for id := range l.edits {
		edits, err := tx.ItemsOf(id)
		if err != nil {
			return nil, err
		}
		var under *wire.Row
		if row, found, err := tx.Row(id); err != nil {
			return nil, err
		} else if found {
			under = &row
		}
		s, ok := replica.Rebase(under, edits)
		if ok && !s.Deleted && l.shows(s) && (of.meets == nil || of.meets(s)) && (behind == nil || behind.before(placeOf(whenOf(s), id))) {
			l.edited = append(l.edited, s)
		}
	}
	slices.SortFunc(l.edited, func(a, b replica.Screen) int {
		if placeOf(whenOf(a), a.ID).before(placeOf(whenOf(b), b.ID)) {
			return -1
		}
		return 1
	})
	return l, nil
}

func (l *listing) shows(s replica.Screen) bool { return l.of.shown == nil || l.of.shown(s) }

// fill reads ahead, over the rows that were edited here: those stand in edited.
func (l *listing) fill() error {
	for len(l.rows) == 0 && !l.ended {
		var behind *vault.Position
		if l.read != nil {
			behind = &vault.Position{Date: time.UnixMicro(l.read.micros), ID: l.read.id}
		}
		rows, err := l.of.rows(l.tx, behind, l.limit+1)
		if err != nil {
			return err
		}
		l.ended = len(rows) <= l.limit
		for _, row := range rows {
			at := placeOf(row.Date, row.ID)
			l.read = &at
			if !l.edits[row.ID] && l.shows(replica.Screen{ID: row.ID, Kind: row.Kind, Scope: row.Scope}) {
				l.rows = append(l.rows, row)
			}
		}
	}
	return nil
}

// next gives the next record that is not deleted here.
func (l *listing) next() (replica.Screen, bool, error) {
	for {
		if err := l.fill(); err != nil {
			return replica.Screen{}, false, err
		}
		switch {
		case len(l.rows) == 0 && len(l.edited) == 0:
			return replica.Screen{}, false, nil
		case len(l.rows) == 0, len(l.edited) > 0 && placeOf(whenOf(l.edited[0]), l.edited[0].ID).before(placeOf(l.rows[0].Date, l.rows[0].ID)):
			s := l.edited[0]
			l.edited = l.edited[1:]
			at := placeOf(whenOf(s), s.ID)
			l.last = &at
			return s, true, nil
		}
		row := l.rows[0]
		l.rows = l.rows[1:]
		at := placeOf(row.Date, row.ID)
		l.last = &at
		if s, ok := replica.Rebase(&row, nil); ok {
			return s, true, nil
		}
	}
}

// more says whether anything is left.
func (l *listing) more() (bool, error) {
	err := l.fill()
	return len(l.rows) > 0 || len(l.edited) > 0, err
}
