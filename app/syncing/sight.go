package syncing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
)

// sightOf is what a device sees under the permit, and could see at any commit before: a function of the grants, which keep
// the commits that began and ended them.
//
// It fails with an endsDue where a grant has run out and its end is no commit yet: what was visible when cannot be told then.
func sightOf(tx Tx, p consent.Permit, now time.Time) (replica.Sight, error) {
	grants, err := tx.OwnGrants(p)
	if err != nil {
		return replica.Sight{}, err
	}
	s := replica.Sight{Now: plain(p.Scopes())}
	if !p.Owner() {
		visible, err := named(tx, p)
		if err != nil {
			return s, err
		}
		s.Now = plain(visible)
		s.Closed = plain(slices.DeleteFunc(slices.Clone(visible), p.Adds))
		s.Fixed = plain(slices.DeleteFunc(slices.Clone(visible), p.Writes))
	}
	for _, g := range grants {
		if g.Ended == 0 && !g.Ends.IsZero() && !g.Ends.After(now) {
			return s, endsDue{p.Card()}
		}
	}
	s.Changed = consent.Changed(grants)
	s.Since = func(seq uint64) (replica.Span, error) {
		sections, err := tx.Sections(p)
		if err != nil {
			return replica.Span{}, err
		}
		return span(grants, s.Now, filledSince(sections, seq), seq, p.Owner()), nil
	}
	return s, nil
}

// named are the scopes that somebody else than the owner sees, by their names and not by patterns: what travels to him must not tell
// a restriction from a card in which there is nothing to restrict.
//
// Only those are named in which something stands: one of which the last record was hidden looks like one that never had any. Who saw that
// record loses the scope, and so deletes what he has of it. Those in which people write are named whatever stands in them.
func named(tx Tx, p consent.Permit) (card.Scopes, error) {
	sections, err := tx.Sections(p)
	scopes := slices.Clone(written)
	for _, s := range sections {
		if s.Live {
			scopes = append(scopes, s.Scope)
		}
	}
	scopes = slices.DeleteFunc(scopes, func(s card.Scope) bool { return !p.Reads(s) })
	slices.Sort(scopes)
	return slices.Compact(scopes), err
}

// filledSince leaves out the scopes in which nothing stood at the commit, nor ever since: what is visible of those changes nothing.
func filledSince(sections []card.Section, seq uint64) replica.Scopes {
	var scopes card.Scopes
	for _, s := range sections {
		if s.Live || s.Head > seq {
			scopes = append(scopes, s.Scope)
		}
	}
	return plain(scopes)
}

// written are the scopes of what people write, as opposed to clinics.
var written = func() (scopes []card.Scope) {
	for _, rule := range cardsync.Rules() {
		if rule.Policy != replica.Immutable {
			scopes = append(scopes, card.Scope(rule.Scope))
		}
	}
	return scopes
}()

// endsDue says that a grant of the card has run out and must be committed as ended.
type endsDue struct{ card card.ID }

func (e endsDue) Error() string { return "syncing: the end of a grant is to be committed" }

// view is Store.View of one card for those who ask for a sight: should an end be due, it is committed first.
func (s *Service) view(ctx context.Context, f func(Tx) error) error {
	err := s.Store.View(ctx, f)
	var due endsDue
	if !errors.As(err, &due) {
		return err
	}
	if err := s.Store.Update(ctx, func(tx Tx) error { return tx.CommitEnds(due.card, s.Clock().UTC()) }); err != nil {
		return err
	}
	return s.Store.View(ctx, f)
}

// span holds each scope against the grants: at the commit, and at every later one that changed something.
func span(grants []consent.Grant, now, scopes replica.Scopes, seq uint64, owner bool) (out replica.Span) {
	changes := []uint64{seq}
	for _, g := range grants {
		for _, change := range []uint64{g.Began, g.Ended} {
			if change > seq {
				changes = append(changes, change)
			}
		}
	}
	for _, scope := range scopes {
		seen := 0
		for _, at := range changes {
			held := consent.Seen(grants, card.Scope(scope), at, owner)
			if held {
				seen++
			}
			if held && at == seq {
				out.At = append(out.At, scope)
			}
		}
		if seen > 0 {
			out.Ever = append(out.Ever, scope)
		}
		if seen == len(changes) && now.Holds(scope) {
			out.Always = append(out.Always, scope)
		}
	}
	return out
}

// plain are the engine's scopes, in one order.
func plain[T ~string](scopes []T) replica.Scopes {
	out := make(replica.Scopes, len(scopes))
	for i, scope := range scopes {
		out[i] = string(scope)
	}
	slices.SortFunc(out, cmp.Compare[string])
	return slices.Compact(out)
}
