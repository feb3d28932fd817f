package phone

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/phone/words"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Hit is what a search shows of a record. Its texts are made of the record as it is found; nothing of them is kept.
type Hit struct {
	Title   string // what the record is about, as in a list
	Snippet string // the text in which a word was found, or the part around it
}

// ErrQuery says that a query is longer than 200 letters or has more than 12 words.
var ErrQuery = errors.New("phone: the query is too long")

// Search reads the records, of all kinds, that hold all words of the query: names and codes of diagnoses, medicines, vaccines, tests and
// procedures, conclusions, notes, comments, doctors, clinics. It needs no network, and finds at once what was written here. Each
// word is found whatever its ending, in Russian and English; codes (I10, 718-7) as they are typed; the last word also as the beginning of
// one, unless a space follows it.
//
// Hits run from the newest to the oldest, as all lists do: a card tells a story in time, and a person looks for the last time that
// something was so. What is locked is not found; Page.Locked names it whatever the query is. A query without a letter or a
// digit finds nothing. ErrQuery, ErrPaging, *LeaseError if everything is locked.
//
// Nothing that is on the phone is missed: what a sync brought and Client.Index has not seen yet, Search indexes first, portion by portion,
// until ctx ends.
func (k *Card) Search(ctx context.Context, query string, p Paging) (Page[Hit], error) {
	q, err := words.Parse(query)
	if err != nil {
		return Page[Hit]{}, ErrQuery
	}
	k.enter()
	if p.Limit <= 0 {
		p.Limit = defaultLimit
	}
	behind, err := position(p.After)
	if err != nil {
		return Page[Hit]{}, err
	}
	for {
		if err := k.index(ctx); err != nil {
			return Page[Hit]{}, err
		}
		out, err := k.hits(q, behind, p.Limit)
		if !errors.Is(err, errUnindexed) { // else a sync brought something in between
			return out, err
		}
	}
}

// errUnindexed says that the index does not know all records yet.
var errUnindexed = errors.New("phone: records wait for the index")

// hits searches, on one snapshot of the file.
func (k *Card) hits(q words.Query, behind *place, limit int) (Page[Hit], error) {
	var out Page[Hit]
	err := k.store.Read(func(tx *vault.Tx) error {
		out = Page[Hit]{}
		if waiting, err := tx.Unindexed(); err != nil || waiting {
			return errors.Join(err, errUnindexed)
		}
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		out.Locked = k.ended(meta)
		l, err := newListing(tx, k.sought(q, meta), behind, limit)
		if err != nil {
			return err
		}
		for len(out.Entries) < limit {
			s, ok, err := l.next()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			out.Entries = append(out.Entries, hitOf(s, q))
		}
		if len(out.Entries) == 0 && len(out.Locked) > 0 && len(out.Locked) == len(meta.Leases) {
			return &LeaseError{Scopes: out.Locked}
		}
		more, err := l.more()
		if more {
			out.Next = l.last.String()
		}
		return err
	})
	return out, err
}

// sought is the selection of what the query finds. The base is asked through its index; what was edited here is read as it is shown:
// every list reads the outbox anyway, it is short, and an index of it would be one more place to forget something in.
func (k *Card) sought(q words.Query, meta replica.Meta) selection {
	open := k.leased(meta)
	terms := make([]vault.Term, len(q))
	for i, t := range q {
		terms[i] = vault.Term(t)
	}
	return selection{
		rows: func(tx *vault.Tx, behind *vault.Position, limit int) ([]wire.Row, error) {
			return tx.Search(terms, behind, limit)
		},
		edited: func(wire.Mutation) bool { return true },
		shown:  func(s replica.Screen) bool { return open.opens(s.Scope) },
		meets:  func(s replica.Screen) bool { return q.In(words.Of(textsOf(s)...)) },
	}
}

// ended are the scopes whose lease has ended. They do not depend on what is met: else a search would tell what stands there.
func (k *Card) ended(meta replica.Meta) (locked []card.Scope) {
	now := k.client.time.now()
	for _, lease := range meta.Leases {
		if !now.Before(lease.Until) {
			locked = append(locked, card.Scope(lease.Scope))
		}
	}
	return locked
}

func hitOf(s replica.Screen, q words.Query) Entry[Hit] {
	e, _ := entryOf(s, func(card.RecordID, map[string]json.RawMessage) (Hit, error) { return Hit{}, nil })
	e.Siblings = nil // they are searched, and shown where the record is opened
	all := textsOf(s)
	if len(all) > 0 {
		e.Fact.Title = cut(all[0], 0)
		e.Fact.Snippet = e.Fact.Title
	}
	for _, text := range all {
		if at, _, ok := q.Find(text); ok {
			e.Fact.Snippet = cut(text, at)
			break
		}
	}
	return e
}

// snippetSize is how many letters of a text a hit shows: two lines on a phone.
const snippetSize = 90

// cut is the text, or the part of it around the place, in one line.
func cut(text string, at int) string {
	if utf8.RuneCountInString(text) <= snippetSize {
		return inOneLine(text)
	}
	before, after := []rune(text[:at]), []rune(text[at:])
	shown := min(len(before), max(snippetSize/3, snippetSize-len(after)))
	head, tail := "", ""
	if shown < len(before) {
		head = "… "
	}
	if n := snippetSize - shown; n < len(after) {
		after, tail = after[:n], "…"
	}
	part := string(before[len(before)-shown:]) + string(after)
	if head != "" { // not from the middle of a word
		if i := strings.IndexByte(part, ' '); i >= 0 && i < len(string(before[len(before)-shown:])) {
			part = part[i+1:]
		}
	}
	return head + inOneLine(part) + tail
}

func inOneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
