package syncing

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Push takes the edits of one card.
func (s *Service) Push(ctx context.Context, a identity.Actor, in wire.PushRequest, request string) (wire.PushResponse, error) {
	if _, err := DeviceOf(a, in.Device); err != nil {
		return wire.PushResponse{}, err
	}
	ask := wire.PullCard{Card: in.Card, Actor: in.Actor, Epoch: in.Epoch, Acked: in.Acked}
	pushed, err := s.push(ctx, a, ask, in.Mutations, request)
	if code, known := problemCode(err); known {
		return wire.PushResponse{}, fault.New(fault.Conflict, fault.Code(code), "The edits do not join on to what this server has of the device; the code says how to go on.").Because(err)
	}
	return wire.PushResponse{LMID: pushed.LMID, Results: pushed.Results}, err
}

// push judges a batch in one transaction. Without mutations it notes what the device has durably, when there is something to
// note.
func (s *Service) push(ctx context.Context, a identity.Actor, ask wire.PullCard, mutations []wire.Mutation, request string) (out replica.Pushed, err error) {
	now := s.Clock().UTC()
	id := card.ID(ask.Card)
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := tx.Decide(a, id, consent.PatientRequest, now)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(permit)
		if err != nil {
			return err
		}
		batch, err := s.batch(tx, permit, ask, mutations, now)
		if err != nil {
			return err
		}
		if out, err = s.Engine.Push(l, batch); err != nil {
			return err
		}
		if len(out.Changed) == 0 {
			return nil
		}
		if err := tx.NoteAuthor(permit, out.Changed, now); err != nil {
			return err
		}
		scopes := changedScopes(out.Changed)
		if err := tx.EnqueueNews(permit, scopes); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: a, Action: audit.Push, Purpose: consent.PatientRequest, What: kinds(out.Changed), Request: request})
	})
	if err != nil {
		return replica.Pushed{}, err
	}
	return out, nil
}

func (s *Service) batch(tx Tx, p consent.Permit, ask wire.PullCard, mutations []wire.Mutation, now time.Time) (replica.Push, error) {
	dev := string(p.Actor().Device)
	if err := tx.CommitEnds(p.Card(), now); err != nil {
		return replica.Push{}, err
	}
	sight, err := sightOf(tx, p, now)
	return replica.Push{
		Device: dev, Actor: ask.Actor, Epoch: ask.Epoch, Acked: ask.Acked, Low: ask.Low, Mutations: mutations,
		Sight: sight, Seal: s.sealer(p.Card(), dev, ask.Epoch), Now: now,
	}, err
}

func changedScopes(records []replica.Record) card.Scopes {
	var scopes card.Scopes
	for _, r := range records {
		scopes = append(scopes, card.Scope(r.Scope))
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// kinds names what was written, for the audit.
func kinds(records []replica.Record) string {
	var words []string
	for _, r := range records {
		words = append(words, r.Kind)
	}
	slices.Sort(words)
	return strings.Join(slices.Compact(words), " ")
}
