package syncing

import (
	"errors"
	"slices"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// page is one page of a card's part of the answer, or the word that there is no news.
type page struct{ replica.Page }

func (p page) same() bool { return len(p.Lines) == 1 && p.Lines[0].Same != nil }

// page makes one page in a transaction of its own, under a permit of its own. Before the first, what is to be remembered of the
// request is written down, in a transaction before it. Most of an owner's pulls have nothing of the kind and never write.
func (s *stream) page(ask replica.Pull, first bool) (page, error) {
	out, err := s.read(ask, first, first)
	var due unwritten
	if !errors.As(err, &due) {
		return out, err
	}
	if err := s.remember(ask.Ask, due); err != nil {
		return page{}, err
	}
	return s.read(ask, first, false)
}

// read makes a page. With a look at what is to be remembered it may fail with unwritten: then nothing was read yet. That there is no news
// tells nothing of the card, and is not remembered.
func (s *stream) read(ask replica.Pull, first, look bool) (out page, err error) {
	now := s.Clock().UTC()
	id := card.ID(ask.Ask.Card)
	err = s.view(s.ctx, func(tx Tx) error {
		permit, err := tx.Decide(s.actor, id, consent.PatientRequest, now)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(permit)
		if err != nil {
			return err
		}
		head, err := l.Head()
		if err != nil {
			return err
		}
		in := ask
		if in.Sight, err = sightOf(tx, permit, now); err != nil {
			return err
		}
		in.Seal, in.MaxBytes = s.sealer(id, in.Device, head.Epoch), max(s.budget, 1)
		same := false
		if first {
			if same, err = s.Engine.Same(l, in); err != nil {
				return err
			}
			if whole(ask.Ask, head) {
				if err := s.startCopy(); err != nil {
					return err
				}
			}
		}
		switch {
		case same:
			out.Page = replica.Page{Lines: []wire.Line{{Same: &wire.Same{Card: ask.Ask.Card}}}}
		case look:
			if err := s.remembered(tx, l, permit, ask.Ask); err != nil {
				return err
			}
			fallthrough
		default:
			if out.Page, err = s.pull(tx, l, permit, in, first); err != nil {
				return err
			}
		}
		if s.told {
			return nil
		}
		list, err := others(tx, s.actor, s.named)
		if len(list) > 0 {
			out.Lines = slices.Insert(out.Lines, 0, wire.Line{Other: &wire.Other{Cards: list}})
		}
		return err
	})
	return out, err
}

// pull makes the page itself. The first one tells the leases.
func (s *stream) pull(tx Tx, l replica.Ledger, permit consent.Permit, in replica.Pull, first bool) (out replica.Page, err error) {
	if first {
		if in.Leases, err = leases(tx, permit, s.Clock().UTC()); err != nil {
			return out, err
		}
		in.Own = permit.Owner()
		if in.Ask.Cursor == "" {
			if in.Total, err = tx.CountRecords(permit); err != nil {
				return out, err
			}
		}
	}
	return s.Engine.Pull(l, in)
}

// unwritten says what must be written down before anything is read.
type unwritten struct {
	reader bool // who reads
	device bool // what the device has durably, or that it lives
}

func (unwritten) Error() string { return "syncing: a reading is to be remembered first" }

// remembered fails with unwritten unless all is written down already: who reads, the owner's device once per quarter of an hour and
// anybody else each time, and what the device has durably.
func (s *stream) remembered(tx Tx, l replica.Ledger, p consent.Permit, ask wire.PullCard) error {
	now := s.Clock().UTC()
	seen := false
	if p.Owner() {
		var err error
		if seen, err = tx.OwnReadSince(p.Card(), s.actor, consent.PatientRequest, now.Add(-readAgain)); err != nil {
			return err
		}
	}
	actor, found, err := l.Actor(ask.Actor)
	if err != nil {
		return err
	}
	if !found || actor.Device != string(s.actor.Device) {
		return replica.ErrActor
	}
	quiet := s.Engine.Quiet(actor, replica.Push{Acked: ask.Acked, Now: now})
	if seen && quiet {
		return nil
	}
	return unwritten{reader: !seen, device: !quiet}
}

// remember writes down what is due.
func (s *stream) remember(ask wire.PullCard, due unwritten) error {
	now := s.Clock().UTC()
	id := card.ID(ask.Card)
	return s.Store.Update(s.ctx, func(tx Tx) error {
		permit, err := tx.Decide(s.actor, id, consent.PatientRequest, now)
		if err != nil {
			return err
		}
		if due.device {
			l, err := tx.Ledger(permit)
			if err != nil {
				return err
			}
			batch, err := s.batch(tx, permit, ask, nil, now)
			if err != nil {
				return err
			}
			if _, err := s.Engine.Push(l, batch); err != nil && !replica.Behind(err) {
				return err
			}
		}
		if !due.reader {
			return nil
		}
		return tx.AppendAudit(audit.Entry{Card: id, At: now, Actor: s.actor, Action: audit.Sync, Purpose: consent.PatientRequest, What: "all kinds", Request: s.request})
	})
}
