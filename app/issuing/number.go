package issuing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

// number draws a number that no other paper has.
func (s *Service) number(tx Tx, token [16]byte) (paper.Number, error) {
	for range 8 { // of 10^15 numbers even a second draw is one in a thousand countries
		n, err := paper.NewNumber(s.Random)
		if err != nil {
			return "", err
		}
		taken, err := tx.TakeNumber(n, token)
		if err != nil || taken {
			return n, err
		}
	}
	return "", errNumbers
}

var errNumbers = errors.New("issuing: no free number was found")

// Tries that miss are counted, for the client and for the number; a hit costs nothing, so a chain with a thousand counters that types
// what stands on papers is never held up.
//
// A client has 20 misses at once and one more a minute: 1,440 a day. With 10^9 papers out of 10^15 numbers, and one of about 80 years of
// birth, a try meets a paper with a chance of 10^9 / 10^15 / 80, about 10^-8: a client that guesses day and night meets one in
// two centuries. For one number, of a paper that somebody saw without its year of birth, there are 5 misses and one more in six
// hours: half of 80 years take nine days, and each miss can be seen by the client's operator.
type allowed struct {
	name  string
	burst int
	every time.Duration
}

var (
	triesOfClient = allowed{"paper number/client", 20, time.Minute}
	triesOfNumber = allowed{"paper number/number", 5, 6 * time.Hour}
)

// Faults of typed numbers. That a number is unknown and that the year is not the bearer's look the same.
var (
	ErrNoNumber = fault.New(fault.NotFound, "paper.number_not_found", "No paper has this number and this year of birth.")
	ErrTries    = fault.New(fault.Throttled, "paper.too_many_tries", "Too many numbers that are none were typed. Wait, or read the code instead.")
)

// PrescriptionByNumber leads from what is typed to the prescription's token. right is what the client works with prescriptions by.
func (s *Service) PrescriptionByNumber(ctx context.Context, a identity.Actor, right, typed string, birthYear int) (token prescription.Token, err error) {
	raw, err := s.byNumber(ctx, a, typed, func(tx Tx, token [16]byte) (int, error) {
		of, id, found, err := tx.PrescriptionByToken(token)
		if err != nil || !found {
			return 0, err
		}
		permit, err := tx.DecideWrite(a, of, right, card.Scopes{card.ScopeOf(card.KindPrescription, card.General)})
		if err != nil {
			return 0, err
		}
		rx, _, _, err := tx.Prescription(permit, id)
		return rx.Sheet.Bearer.BirthYear, err
	}, birthYear)
	return raw, err
}

// ReferralByNumber does the same for a referral.
func (s *Service) ReferralByNumber(ctx context.Context, a identity.Actor, typed string, birthYear int) (token referral.Token, err error) {
	raw, err := s.byNumber(ctx, a, typed, func(tx Tx, token [16]byte) (int, error) {
		of, id, found, err := tx.ReferralByToken(token)
		if err != nil || !found {
			return 0, err
		}
		permit, err := tx.DecideWrite(a, of, ReferralRight, card.Scopes{card.ScopeOf(card.KindReferral, card.General)})
		if err != nil {
			return 0, err
		}
		r, _, _, err := tx.Referral(permit, id)
		return r.Sheet.Bearer.BirthYear, err
	}, birthYear)
	return raw, err
}

// byNumber looks a number up. year gives the bearer's year of birth, 0 = there is no such paper.
func (s *Service) byNumber(ctx context.Context, a identity.Actor, typed string, year func(Tx, [16]byte) (int, error), birthYear int) (token [16]byte, err error) {
	number, err := paper.ParseNumber(typed)
	if err != nil {
		return token, err
	}
	now := s.Clock()
	missed := false
	err = s.Store.Update(ctx, func(tx Tx) error {
		missed = false
		var spend []func() error
		for _, one := range []struct {
			allowed
			of string
		}{{triesOfClient, string(a.Client)}, {triesOfNumber, string(number)}} {
			charge, err := s.mayTry(tx, one.allowed, one.of, now)
			if err != nil {
				return err
			}
			spend = append(spend, charge)
		}
		var found bool
		var err error
		if token, found, err = tx.TokenOfNumber(number); err != nil {
			return err
		}
		if found {
			born, err := year(tx, token)
			if err != nil {
				return err
			}
			found = born != 0 && born == birthYear
		}
		if missed = !found; !missed {
			return nil
		}
		for _, charge := range spend { // committed: a miss that is answered with an error has happened all the same
			if err := charge(); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && missed {
		err = ErrNoNumber
	}
	if err != nil {
		return [16]byte{}, err
	}
	return token, nil
}

// mayTry refuses when the tries are spent; charge takes one of them.
func (s *Service) mayTry(tx Tx, t allowed, of string, now time.Time) (charge func() error, err error) {
	key := s.Hash("limit", t.name+"|"+of)
	until, err := tx.LockAllowance(key)
	if err != nil {
		return nil, err
	}
	if until.Before(now) {
		until = now
	}
	until = until.Add(t.every)
	if wait := until.Sub(now) - time.Duration(t.burst)*t.every; wait > 0 {
		return nil, ErrTries.After(wait)
	}
	return func() error { return tx.SetAllowance(key, until) }, nil
}
