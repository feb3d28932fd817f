package granting

import (
	"context"
	"strings"
	"time"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// ReviewTx is what the review of emergencies needs of a transaction.
type ReviewTx interface {
	// UnreviewedEmergencies lists those that wait, of all cards, behind the one that after names by Due, Card and ID; the zero value begins.
	UnreviewedEmergencies(after consent.Opening, limit int) ([]consent.Opening, error)
	LockEmergency(card.ID, consent.GrantID) (e consent.Opening, found bool, err error)
	// ReviewEmergency keeps the verdict; an emergency that was unjustified ends with it.
	ReviewEmergency(consent.Opening) error
	Client(identity.ClientID) (c identity.Client, found bool, err error)
}

// What a reviewer of emergencies is refused with.
var (
	ErrNoEmergency = fault.New(fault.NotFound, "emergency.not_found", "There is no such emergency.")
	ErrReviewed    = fault.New(fault.Conflict, "emergency.reviewed", "Somebody reviewed this emergency already; state tells the verdict.")
	ErrVerdict     = fault.New(fault.Invalid, "verdict.invalid", "The verdict is justified or unjustified, with 3 to 500 characters on what was found.")
)

const reviewsListed = 100

// Which names an emergency to a reviewer.
type Which struct {
	Card      card.ID
	Emergency consent.GrantID
	Request   string // id of the HTTP request, for the audit
}

// Finding is what a reviewer says of an emergency; the owner reads it.
type Finding struct {
	Verdict consent.Verdict
	Words   string // what was found out
}

// Unreviewed lists emergencies that wait for their review, the first due first, behind the last one of the page before; the zero value begins.
// What the clinic's person wrote, and who he is, are left out: a list is no look.
func (s *Service) Unreviewed(ctx context.Context, by identity.Actor, after consent.Opening) (list []consent.Opening, more bool, err error) {
	if err := by.Reviews(); err != nil {
		return nil, false, err
	}
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.UnreviewedEmergencies(after, reviewsListed+1)
		return err
	})
	if more = len(list) > reviewsListed; more {
		list = list[:reviewsListed]
	}
	for i := range list {
		list[i].Words, list[i].Person = "", identity.Person{}
	}
	return list, more, err
}

// LookAtEmergency shows a reviewer who opened the card and why, once it is remembered on the card that he looks.
func (s *Service) LookAtEmergency(ctx context.Context, by identity.Actor, w Which) (e consent.Opening, err error) {
	err = s.review(ctx, by, w, func(tx Tx, found consent.Opening, now time.Time) error {
		e = found
		return tx.AppendAudit(reviewEntry(now, by, w, audit.Inspect, "emergency"))
	})
	if err != nil {
		return consent.Opening{}, err
	}
	return e, nil
}

// Review ends the wait of an emergency, once. Was it unjustified, its grant ends if it still runs. The owner is told in either case.
func (s *Service) Review(ctx context.Context, by identity.Actor, w Which, f Finding) (e consent.Opening, err error) {
	if f.Verdict != consent.Justified && f.Verdict != consent.Unjustified || !wording.Long(f.Words, 3, 500) {
		return e, ErrVerdict
	}
	err = s.review(ctx, by, w, func(tx Tx, found consent.Opening, now time.Time) error {
		e = found
		e.Verdict, e.Finding, e.Reviewed, e.Reviewer = f.Verdict, strings.TrimSpace(f.Words), now, strings.TrimSpace(by.Person.Name)
		if err := tx.ReviewEmergency(e); err != nil {
			return err
		}
		return tx.AppendAudit(reviewEntry(now, by, w, audit.Judge, string(f.Verdict)))
	})
	return e, err
}

// review finds an emergency that waits, for a named reviewer who did not open it himself.
func (s *Service) review(ctx context.Context, by identity.Actor, w Which, work func(Tx, consent.Opening, time.Time) error) error {
	if err := by.ReviewsByName(); err != nil {
		return err
	}
	now := s.Clock().UTC().Truncate(time.Microsecond)
	return s.Store.Update(ctx, func(tx Tx) error {
		e, found, err := tx.LockEmergency(w.Card, w.Emergency)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrNoEmergency
		case e.Verdict != "":
			return ErrReviewed.In(string(e.Verdict))
		}
		own, err := opened(tx, by, e)
		if err == nil && own {
			err = identity.ErrOwnAffair
		}
		if err != nil {
			return err
		}
		return work(tx, e, now)
	})
}

// opened reports whether the reviewer is the person who opened the card: by his name, or by his number where both clients are one organisation.
func opened(tx Tx, by identity.Actor, e consent.Opening) (bool, error) {
	if by.Person.Called(e.Person.Name) {
		return true, nil
	}
	if by.Client == "" || by.Person.ID != e.Person.ID {
		return false, nil
	}
	reviewer, _, err := tx.Client(by.Client)
	if err != nil {
		return false, err
	}
	clinic, _, err := tx.Client(e.Client)
	return reviewer.OGRN != "" && reviewer.OGRN == clinic.OGRN, err
}

func reviewEntry(now time.Time, by identity.Actor, w Which, act audit.Action, what string) audit.Entry {
	return audit.Entry{Card: w.Card, At: now, Actor: by, Action: act, Purpose: consent.Operations, What: what, Request: w.Request}
}
