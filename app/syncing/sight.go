package syncing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
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
	for _, g := range grants {
		if g.Ended == 0 && !g.Ends.IsZero() && !g.Ends.After(now) {
			return s, endsDue{p.Card()}
		}
		s.Changed = max(s.Changed, g.Began, g.Ended)
	}
	s.Since = func(seq uint64) (replica.Span, error) {
		scopes, err := tx.CardScopes(p)
		if err != nil {
			return replica.Span{}, err
		}
		return span(grants, s.Now, plain(scopes), seq), nil
	}
	return s, nil
}

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
func span(grants []consent.Grant, now, scopes replica.Scopes, seq uint64) (out replica.Span) {
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
			held := slices.ContainsFunc(grants, func(g consent.Grant) bool { return g.At(at) && g.Scopes.Holds(card.Scope(scope)) })
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
