// Package charting lets someone who has a permit read a card: a clinic to whom the patient gave consent, with a purpose. It reads records, or has
// what forms ask of a patient filled in from them.
//
// An organisation reads through somebody: the patient is told who it was and in what role, so a token without the claim actor (sub, name and
// role, see package oauth) is refused with person.missing by consent.Decide, at the records, the files and the codes of papers alike. To write it needs
// nobody: a clinic's system that publishes or files at night, and a pharmacy's that hands out, are shown nothing of the card but what they brought
// or were shown a code for, and the log names the organisation.
//
// A read by anyone but the owner is remembered first: its audit entry is part of the transaction that reads, and the bytes
// leave after the commit.
package charting

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	EntriesBehind(p consent.Permit, kinds []card.Kind, dated time.Time, id card.RecordID, limit int) ([]replica.Record, error)
	AppendAudit(audit.Entry) error
}

// Store runs transactions.
type Store interface {
	Update(context.Context, func(Tx) error) error
}

// Service reads cards.
type Service struct {
	Store Store
	Clock func() time.Time
}

// PageSize is how many records a page holds at most.
const PageSize = 200

// ErrKind means that a query names a kind that there is not. It is not just empty: what is asked for stands in the audit.
var ErrKind = fault.New(fault.Invalid, "kind.unknown", "One of the kinds asked for is unknown. The kinds are those that records carry, such as observation.")

// Query says what to read.
type Query struct {
	Card    card.ID
	Purpose consent.Purpose
	Kinds   []card.Kind // none = all
	Dated   time.Time   // with ID: continue behind this record
	ID      card.RecordID
	Request string
}

// Record is one record as it stands: per atom its newest value and the open siblings behind it.
type Record struct {
	ID    card.RecordID
	Kind  card.Kind
	Scope card.Scope
	Dated time.Time
	Atoms map[string][]json.RawMessage
}

// Read gives a page of records, newest clinical date first. more tells whether there may be another page.
func (s *Service) Read(ctx context.Context, a identity.Actor, q Query) (page []Record, more bool, err error) {
	if slices.ContainsFunc(q.Kinds, func(k card.Kind) bool { return !k.Known() }) {
		return nil, false, ErrKind
	}
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		page = nil
		permit, err := tx.Decide(a, q.Card, q.Purpose, now)
		if err != nil {
			return err
		}
		if err := tx.AppendAudit(audit.Entry{
			Card: q.Card, At: now, Actor: a, Action: audit.Read, Purpose: q.Purpose, What: what(q.Kinds), Request: q.Request,
		}); err != nil {
			return err
		}
		records, err := tx.EntriesBehind(permit, q.Kinds, q.Dated, q.ID, PageSize)
		if err != nil {
			return err
		}
		for _, r := range records {
			page = append(page, show(r))
		}
		more = len(records) == PageSize
		return nil
	})
	return page, more, err
}

// what names the kinds for the audit.
func what(kinds []card.Kind) string {
	if len(kinds) == 0 {
		return "all kinds"
	}
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func show(r replica.Record) Record {
	out := Record{ID: card.RecordID(r.ID), Kind: card.Kind(r.Kind), Scope: card.Scope(r.Scope), Dated: r.Date, Atoms: map[string][]json.RawMessage{}}
	for name, versions := range r.Atoms {
		ordered := slices.Clone(versions)
		slices.SortStableFunc(ordered, func(a, b replica.Version) int {
			if a.HLC != b.HLC {
				if a.HLC > b.HLC {
					return -1
				}
				return 1
			}
			return b.Dot.Compare(a.Dot)
		})
		for _, v := range ordered {
			out.Atoms[name] = append(out.Atoms[name], v.Value)
		}
	}
	return out
}
