package granting

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Faults of proposals.
var (
	ErrManyProposals = fault.New(fault.Throttled, "proposals.too_many", "So many of this organisation's codes wait for an answer already. They stand for a quarter of an hour.")
	ErrAgreed        = fault.New(fault.Conflict, "proposal.agreed", "Somebody has let them in with this code already. Let them show a new one.")
	ErrWider         = fault.New(fault.Invalid, "proposal.wider", "You may let them in to less than they ask for, and for a shorter time, but not to more.")
)

// mostProposals may wait at a time for one organisation: the desks of a large hospital.
const mostProposals = 500

// Ask is what an organisation asks to be let in to.
type Ask struct {
	Scopes  card.Scopes
	Purpose consent.Purpose
	Ends    time.Time
}

// Propose makes a code for a patient to read. It opens nothing.
func (s *Service) Propose(ctx context.Context, a identity.Actor, ask Ask) (p consent.Proposal, code identity.ProposalCode, err error) {
	now := s.Clock()
	if a.Client == "" {
		return p, "", consent.ErrNoGrant
	}
	wish := Wish{Client: a.Client, Scopes: ask.Scopes, Purpose: ask.Purpose, Ends: ask.Ends}
	if err := wish.check(now); err != nil {
		return p, "", err
	}
	if code, err = identity.NewProposalCode(rand.Reader); err != nil {
		return p, "", err
	}
	p = consent.Proposal{
		ID: consent.GrantID(s.NewID()), Client: a.Client, Organisation: a.Organisation, Person: a.Person, Scopes: ask.Scopes, Purpose: ask.Purpose,
		Ends: ask.Ends, Expires: now.Add(consent.ProposalTerm),
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		waiting, err := tx.DropProposals(a.Client, now)
		if err != nil {
			return err
		}
		if waiting >= mostProposals {
			return ErrManyProposals
		}
		return tx.PutProposal(p, code)
	})
	return p, code, err
}

// Proposal tells the organisation what became of one of its own.
func (s *Service) Proposal(ctx context.Context, a identity.Actor, id consent.GrantID) (p consent.Proposal, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		var found bool
		if p, found, err = tx.Proposal(a.Client, id); err == nil && !found {
			err = identity.ErrProposalCode
		}
		return err
	})
	return p, err
}

// LookAt tells a person who asks to be let in with the code, to what and why. Whoever holds the code is told, so it says nothing of anybody's card.
func (s *Service) LookAt(ctx context.Context, typed string) (p consent.Proposal, err error) {
	code, err := identity.ParseProposalCode(typed)
	if err != nil {
		return p, err
	}
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		p, err = s.proposed(tx, code)
		if err == nil && p.Card != "" {
			err = ErrAgreed
		}
		return err
	})
	return p, err
}

// proposed finds what a code stands for: while it stands, and afterwards for who has agreed to it.
func (s *Service) proposed(tx Tx, code identity.ProposalCode) (consent.Proposal, error) {
	p, found, err := tx.ProposalOf(code)
	if err == nil && (!found || p.Card == "" && !p.Open(s.Clock())) {
		err = identity.ErrProposalCode
	}
	return p, err
}

// Yes is how a person agrees: with the code that he read, into which card, and to what of that which was asked for.
type Yes struct {
	Card    card.ID
	Code    string
	Scopes  card.Scopes // none: all that was asked for
	Ends    time.Time   // zero: as long as was asked for
	Request string
}

// Agree lets an organisation in with a code. Said again, by the owner of the card that it led to, it gives the same grant: an answer may have been
// lost.
//
// The code leads from outside to a card, so its row and the card's stand in one transaction here, as with a claim.
func (s *Service) Agree(ctx context.Context, a identity.Actor, y Yes) (agreed Named, err error) {
	now := s.Clock()
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, y.Card)
		if err != nil {
			return err
		}
		code, err := identity.ParseProposalCode(y.Code)
		if err != nil {
			return err
		}
		p, err := s.proposed(tx, code)
		if err != nil {
			return err
		}
		if p.Card != "" {
			agreed, err = s.agreedBefore(tx, permit, p)
			return err
		}
		g, err := y.grant(p, now)
		if err != nil {
			return err
		}
		won, err := tx.AgreeProposal(permit, p.ID)
		if err != nil {
			return err
		}
		if !won {
			return ErrAgreed
		}
		agreed, err = s.put(tx, permit, a, g, audit.Grant, y.Request)
		return err
	})
	return agreed, err
}

// grant is what the person agrees to.
func (y Yes) grant(p consent.Proposal, now time.Time) (consent.Grant, error) {
	g := consent.Grant{ID: p.ID, Card: y.Card, Role: consent.Reader, Client: p.Client, Scopes: p.Scopes, Purpose: p.Purpose, Starts: now, Ends: p.Ends}
	if len(y.Scopes) > 0 {
		g.Scopes = y.Scopes
	}
	if !y.Ends.IsZero() {
		g.Ends = y.Ends
	}
	for _, scope := range g.Scopes {
		if !p.Scopes.Holds(scope) {
			return g, ErrWider
		}
	}
	if g.Ends.After(p.Ends) {
		return g, ErrWider
	}
	return g, Wish{Client: g.Client, Scopes: g.Scopes, Purpose: g.Purpose, Ends: g.Ends}.check(now)
}

// agreedBefore finds the grant that a proposal became, for the owner of the card that it led to. Anybody else learns that it is used.
func (s *Service) agreedBefore(tx Tx, permit consent.Permit, p consent.Proposal) (Named, error) {
	if p.Card != permit.Card() {
		return Named{}, ErrAgreed
	}
	all, err := tx.Grants(permit)
	if err != nil {
		return Named{}, err
	}
	at := slices.IndexFunc(all, func(g consent.Grant) bool { return g.ID == p.ID })
	if at < 0 {
		return Named{}, ErrAgreed
	}
	return s.named(tx, all[at])
}
