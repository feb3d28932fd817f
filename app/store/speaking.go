package store

import (
	"slices"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
)

// A card's owner is told what is done with it. A small child has no account, and then its parents are.

// DecideWatch is Decide for who asks who opened the card: its owner, or who speaks for its patient.
func (tx *Tx) DecideWatch(a identity.Actor, id card.ID, now time.Time) (consent.Permit, error) {
	permit, err := tx.Decide(a, id, consent.PatientRequest, now)
	if permit.Owner() || err != nil && !consent.Closed(err) {
		return permit, err
	}
	refusal := orElse(err, consent.ErrNotOwner)
	own, err := tx.representations("card = ? AND agent = ?", string(id), string(a.Account)) // first: to anybody else the card may not exist
	if err != nil || !slices.ContainsFunc(own, func(r family.Representation) bool { return r.Speaks(now) }) {
		return consent.Permit{}, orElse(err, refusal)
	}
	if speaks, err := tx.Speaks(id, a.Account, now); err != nil || !speaks {
		return consent.Permit{}, orElse(err, refusal)
	}
	tx.permit, err = consent.DecideWatch(a, id, true, tx.token)
	return tx.permit, err
}

// Speaks reports whether the account's person is one of those who are told what is done with the card.
func (tx *Tx) Speaks(id card.ID, account identity.AccountID, now time.Time) (bool, error) {
	people, err := tx.speakers(id, now)
	return slices.Contains(people, account), err
}

// speakers lists who is told what is done with the card: its owners, and where it has none, who represents the patient wholly.
func (tx *Tx) speakers(id card.ID, now time.Time) ([]identity.AccountID, error) {
	people, err := tx.OwnersOf(id, now)
	if err != nil || len(people) > 0 {
		return people, err
	}
	acting, err := tx.Representations(id)
	for _, r := range acting {
		if r.Speaks(now) && !slices.Contains(people, r.Agent) {
			people = append(people, r.Agent)
		}
	}
	return people, err
}

// alarm tells those who speak for the card's patient to look into the app.
func (tx *Tx) alarm(id card.ID, now time.Time) error {
	return tx.alarmBut(id, now, "")
}

// alarmBut is alarm for what somebody did himself: is he one of those, nobody is told.
func (tx *Tx) alarmBut(id card.ID, now time.Time, doer identity.AccountID) error {
	people, err := tx.speakers(id, now)
	if err != nil || doer != "" && slices.Contains(people, doer) {
		return err
	}
	for _, who := range people {
		if err := tx.enqueueNews(id, who, notice.Security, ""); err != nil {
			return err
		}
	}
	return nil
}
