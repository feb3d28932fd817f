package granting

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// FamilyTx is what representing needs of a transaction.
type FamilyTx interface {
	Representations(card.ID) ([]family.Representation, error)
	RepresentationsOf(identity.AccountID) ([]family.Representation, error)
	ProxyTokens(card.ID, time.Time) ([]consent.Grant, error)
	OpenToken(family.Representation, consent.Grant) (consent.Grant, error)
	EndToken(r family.Representation, token consent.GrantID, now time.Time) (found bool, err error)
	EndRepresentation(family.Representation, time.Time) (found bool, err error)
	Provenance(p consent.Permit, id card.RecordID, limit int) ([]family.Author, error)
	DueFamilyNotices(now time.Time, limit int) ([]family.Due, error)
	TellFamily(family.Due, time.Time) error
	PutPractitioner(by identity.ClientID, who identity.AccountID, position string, ends time.Time) error
	DropPractitioner(by identity.ClientID, who identity.AccountID) (found bool, err error)
	AddEvent(account.Event) error // what was done with an account
}

// Represented is a representation as its people see it, with the tokens that run.
type Represented struct {
	family.Representation
	Tokens []consent.Grant
}

// Represents lists whom the person represents, or did.
func (s *Service) Represents(ctx context.Context, a identity.Actor) (list []Represented, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) error {
		all, err := tx.RepresentationsOf(a.Account)
		if err == nil {
			list, err = represented(tx, all, now)
		}
		return err
	})
	return list, err
}

// Representatives lists who represents the card's patient, or did: for the owner, and for whoever speaks for him. Any other whose right opens
// something is told of his own.
func (s *Service) Representatives(ctx context.Context, a identity.Actor, id card.ID) (list []Represented, err error) {
	now := s.Clock()
	err = s.Store.View(ctx, func(tx Tx) error {
		all, err := s.patientSide(tx, a, id, now)
		if errors.Is(err, consent.ErrNoGrant) || errors.Is(err, consent.ErrNotOwner) {
			if own := slices.DeleteFunc(slices.Clone(all), func(r family.Representation) bool { return r.Agent != a.Account }); slices.ContainsFunc(own, opens(now)) {
				all, err = own, nil
			}
		}
		if err == nil {
			list, err = represented(tx, all, now)
		}
		return err
	})
	return list, err
}

func represented(tx Tx, all []family.Representation, now time.Time) ([]Represented, error) {
	list := make([]Represented, len(all))
	for i, r := range all {
		tokens, err := tx.ProxyTokens(r.Card, now)
		if err != nil {
			return nil, err
		}
		list[i] = Represented{r, slices.DeleteFunc(tokens, func(g consent.Grant) bool { return g.Representation != r.ID })}
	}
	return list, nil
}

// opens says of a representation whether it opens anything at the instant.
func opens(now time.Time) func(family.Representation) bool {
	return func(r family.Representation) bool {
		scopes, _ := r.Reach(now)
		return r.Held.IsZero() && len(scopes) > 0
	}
}

// patientSide gives the card's representations, and refuses who does not speak for its patient: he is neither the owner, nor represents him
// wholly. To him the card does not exist.
func (s *Service) patientSide(tx Tx, a identity.Actor, id card.ID, now time.Time) ([]family.Representation, error) {
	all, err := tx.Representations(id)
	if err != nil {
		return nil, err
	}
	speaks := func(r family.Representation) bool { return r.Agent == a.Account && r.Speaks(now) }
	if slices.ContainsFunc(all, speaks) {
		return all, nil
	}
	_, err = s.owner(tx, a, id)
	return all, err
}

// OpenToken opens a child's card to the agent's phone for 24 hours. It asks for a fresh second factor, and nothing does again until the
// token has ended.
func (s *Service) OpenToken(ctx context.Context, a identity.Actor, id card.ID, of consent.RepresentationID, request string) (g consent.Grant, err error) {
	now := s.Clock().Truncate(time.Microsecond) // what databases keep: the end is 24 hours after what the answer says
	if err := a.Fresh(now); err != nil {
		return g, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		r, err := locked(tx, id, func() (family.Representation, error) {
			all, err := tx.Representations(id)
			if err != nil {
				return family.Representation{}, err
			}
			i := slices.IndexFunc(all, func(r family.Representation) bool { return r.ID == of && r.Agent == a.Account })
			if i < 0 {
				return family.Representation{}, consent.ErrNoGrant
			}
			return all[i], nil
		})
		if err != nil {
			return err
		}
		if r.Level == family.Manage && !a.Possession {
			return consent.ErrPasskey
		}
		wanted, err := r.Open(consent.GrantID(s.NewID()), a.Device, now)
		if err != nil {
			return err
		}
		if g, err = tx.OpenToken(r, wanted); err != nil {
			return err
		}
		return tx.AppendAudit(audit.Entry{
			Card: id, At: now, Actor: a, Action: audit.Grant, Purpose: consent.PatientRequest, What: "the agent's phone", Request: request, Representation: of,
		})
	})
	return g, err
}

// EndToken ends a token at once: for its agent, the owner, and whoever represents the patient wholly.
func (s *Service) EndToken(ctx context.Context, a identity.Actor, id card.ID, token consent.GrantID, request string) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		found := false
		r, err := locked(tx, id, func() (r family.Representation, err error) {
			tokens, err := tx.ProxyTokens(id, now)
			if err != nil {
				return r, err
			}
			var of consent.RepresentationID
			if i := slices.IndexFunc(tokens, func(g consent.Grant) bool { return g.ID == token }); i >= 0 {
				of = tokens[i].Representation
			}
			r, found, err = s.meant(tx, a, id, of, now)
			return r, err
		})
		if err == nil && found {
			found, err = tx.EndToken(r, token, now)
		}
		return s.ended(tx, a, r, string(token), orNone(found, family.ErrNoToken, err), request)
	})
}

// EndRepresentation ends a representation at once, and what came from it: for its agent and the owner.
func (s *Service) EndRepresentation(ctx context.Context, a identity.Actor, id card.ID, of consent.RepresentationID, request string) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		found := false
		r, err := locked(tx, id, func() (r family.Representation, err error) {
			r, found, err = s.meant(tx, a, id, of, now)
			return r, err
		})
		if err == nil && r.Agent != a.Account { // who represents the patient beside him may close phones, and not take his right
			_, err = s.owner(tx, a, id)
		}
		if err == nil && found && r.Runs(now) {
			found, err = tx.EndRepresentation(r, now)
		} else {
			found = false
		}
		return s.ended(tx, a, r, string(of), orNone(found, family.ErrNone, err), request)
	})
}

// locked finds a representation of a card, takes the card's lock and finds it again as it stands under the lock. Who has nothing to do with the
// card is refused before it is locked: he must not learn from that whether there was one.
func locked(tx Tx, id card.ID, find func() (family.Representation, error)) (family.Representation, error) {
	if r, err := find(); err != nil {
		return r, err
	}
	if err := tx.LockCard(id); err != nil {
		return family.Representation{}, err
	}
	return find()
}

// meant finds a representation of the card, for its agent and the patient's side.
func (s *Service) meant(tx Tx, a identity.Actor, id card.ID, of consent.RepresentationID, now time.Time) (r family.Representation, found bool, err error) {
	all, err := tx.Representations(id)
	if err != nil {
		return r, false, err
	}
	if i := slices.IndexFunc(all, func(r family.Representation) bool { return r.ID == of }); i >= 0 {
		r, found = all[i], true
	}
	if r.Agent != a.Account {
		_, err = s.patientSide(tx, a, id, now)
	}
	return r, found, err
}

func orNone(found bool, none, err error) error {
	if err == nil && !found {
		return none
	}
	return err
}

// ended remembers that somebody ended what is named, unless that failed.
func (s *Service) ended(tx Tx, a identity.Actor, r family.Representation, what string, failure error, request string) error {
	if failure != nil {
		return failure
	}
	entry := audit.Entry{Card: r.Card, At: s.Clock(), Actor: a, Action: audit.Revoke, Purpose: consent.PatientRequest, What: what, Request: request}
	if r.Agent == a.Account {
		entry.Representation = r.ID
	}
	return tx.AppendAudit(entry)
}

// authorsListed bounds what is told of one record.
const authorsListed = 500

// Authors tells the owner who wrote a record in his name, newest first. What he wrote himself, or a clinic, has none.
func (s *Service) Authors(ctx context.Context, a identity.Actor, id card.ID, record card.RecordID) (list []family.Author, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		permit, err := s.owner(tx, a, id)
		if err == nil {
			list, err = tx.Provenance(permit, record, authorsListed)
		}
		return err
	})
	return list, err
}

// announced bounds one look for what is to be told.
const announced = 500

// announce tells the people of representations what is due: that a child comes of the age at which his own word counts, or that a letter
// runs out. One that fails keeps no other from its turn.
func (s *Service) announce(ctx context.Context) error {
	now := s.Clock()
	for {
		var due []family.Due
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			due, err = tx.DueFamilyNotices(now, announced)
			return err
		}); err != nil || len(due) == 0 {
			return err
		}
		var errs []error
		for _, d := range due {
			errs = append(errs, s.Store.Update(ctx, func(tx Tx) error { return tx.TellFamily(d, now) }))
		}
		if err := errors.Join(append(errs, ctx.Err())...); err != nil {
			return err
		}
	}
}
