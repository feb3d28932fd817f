package store

import (
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/posting"
)

// What somebody says who claims to act for a patient is compared here, and nothing of the cards leaves but whether it fits.

// CardOfNamed finds the card to which all numbers of the person lead, and reports whether it is his by name and date of birth. Where there is
// no such card another one is read and compared all the same: by the time that it takes nobody learns whether there is.
func (tx *Tx) CardOfNamed(who family.Named) (id card.ID, is bool, err error) {
	keys := tx.patientKeys(posting.Introduction{Numbers: who.Numbers()})
	is = len(keys) > 0
	for i, k := range keys {
		var led card.ID
		found, err := tx.one([]any{&led}, "SELECT card FROM patient_key WHERE hash = ?", k.hash)
		if err != nil {
			return "", false, err
		}
		is = is && found && (i == 0 || led == id)
		if led != "" {
			id = led
		}
	}
	if id == "" {
		if found, err := tx.one([]any{&id}, "SELECT card FROM patient_key ORDER BY hash LIMIT 1"); err != nil || !found {
			return "", false, err
		}
	}
	born, err := tx.born(id)
	if err != nil {
		return "", false, err
	}
	person, found, err := tx.person(id)
	if err != nil {
		return "", false, err
	}
	if is = who.Is(person, born) && found && is; !is {
		return "", false, nil
	}
	return id, true, nil
}

// OwnCardIs compares the person named with the account's own card; family.Unknown where it has none that it sees, or one that says nothing of
// its patient.
func (tx *Tx) OwnCardIs(of identity.AccountID, who family.Named) (family.Finding, error) {
	own, err := tx.ownCards(of)
	if err != nil || len(own) == 0 {
		return family.Unknown, err
	}
	id := own[0]
	born, err := tx.born(id)
	if err != nil {
		return "", err
	}
	person, found, err := tx.person(id)
	switch {
	case err != nil:
		return "", err
	case !found || born == "":
		return family.Unknown, nil
	case who.Is(person, born):
		return family.Matched, nil
	}
	return family.Mismatched, nil
}

// TellOfAttempt lets those who speak for the card's patient hear that somebody wanted to act for him: the owner, and who represents him.
func (tx *Tx) TellOfAttempt(id card.ID, now time.Time) error {
	people, err := tx.PeopleOf(id, now)
	if err != nil {
		return err
	}
	for _, who := range people {
		if err := tx.enqueueNews(id, who, notice.Family, ""); err != nil {
			return err
		}
	}
	return nil
}
