package granting

import (
	"context"
	"strings"
	"time"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// RightStaff is the OAuth scope that a clinic needs to name its practitioners.
const RightStaff = "system/PractitionerRole.cu"

// Faults of practising.
var (
	ErrPosition       = fault.New(fault.Invalid, "practitioner.invalid", "Name a position of 2 to 100 characters, and an end within a year from now.")
	ErrNoPractitioner = fault.New(fault.NotFound, "practitioner.not_found", "The person is no practitioner of yours.")
)

// practises is how long a clinic's word of its practitioner is good: then it has to say so again.
const practises = 366 * 24 * time.Hour

// NamePractitioner notes that an account's person treats patients at the clinic. Only who does may be a representative who manages a card;
// with the last clinic's word that right ends at once.
func (s *Service) NamePractitioner(ctx context.Context, a identity.Actor, who identity.AccountID, position string, ends time.Time) error {
	now := s.Clock()
	position = strings.TrimSpace(position)
	if !wording.Long(position, 2, 100) || !ends.After(now) || ends.Sub(now) > practises {
		return ErrPosition
	}
	return s.Store.Update(ctx, func(tx Tx) error {
		found, err := tx.HasAccount(who)
		if err == nil && !found {
			err = ErrNoPerson
		}
		if err != nil {
			return err
		}
		if err := tx.PutPractitioner(a.Client, who, position, ends); err != nil {
			return err
		}
		return tx.AddEvent(account.Event{Account: who, Kind: account.Practising, What: "added", Client: a.Client, Organisation: a.Organisation, At: now})
	})
}

// DropPractitioner takes the clinic's word back.
func (s *Service) DropPractitioner(ctx context.Context, a identity.Actor, who identity.AccountID) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		found, err := tx.DropPractitioner(a.Client, who)
		if err = orNone(found, ErrNoPractitioner, err); err != nil {
			return err
		}
		return tx.AddEvent(account.Event{Account: who, Kind: account.Practising, What: "removed", Client: a.Client, Organisation: a.Organisation, At: s.Clock()})
	})
}
