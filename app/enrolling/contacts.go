package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// A person gets another number or another address. Who asks has shown the second factor a moment ago, the new contact answers with a code,
// and the old one is told. Nothing else changes: devices stay signed in, since it is the same person.

var (
	errOneContact  = fault.New(fault.Invalid, "contact.one", "Name a new phone number or a new e-mail address, one at a time.")
	errSameContact = fault.New(fault.Conflict, "contact.same", "This is your number or address already.")
)

// Changing is the answer to who wants another contact. It is the same whether or not the contact has an account.
type Changing struct {
	ID   account.ChallengeID
	Ends time.Time
	To   string // masked
}

// contact reads what was typed: one of the two.
func contact(phone, email string) (c account.ContactChange, err error) {
	if (phone == "") == (email == "") {
		return c, errOneContact
	}
	if email != "" {
		c.By = account.ByEmail
		if c.Email, err = identity.ParseEmail(email); err != nil {
			f := fault.From(err)
			return c, f.At("body.email", f.Text)
		}
		return c, nil
	}
	c.By = account.ByPhone
	c.Phone, err = identity.ParsePhone(phone)
	if err == nil && !c.Phone.Mobile() {
		err = errNotMobile
	}
	if err != nil {
		f := fault.From(err)
		return c, f.At("body.phone", f.Text)
	}
	return c, nil
}

// ChangeContact sends a code to the new number or address. One that has an account already gets a notice instead, so that its owner learns of
// the attempt and whoever made it does not.
func (s *Service) ChangeContact(ctx context.Context, a identity.Actor, phone, email string, from Origin) (Changing, error) {
	if err := s.dangerous(a); err != nil {
		return Changing{}, err
	}
	change, err := contact(phone, email)
	if err != nil {
		return Changing{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Changing{}, err
	}
	code, err := s.newCode()
	if err != nil {
		return Changing{}, err
	}
	now := s.now()
	change.ID, change.Account, change.Started, change.Ends = account.ChallengeID(id), a.Account, now, now.Add(registrationLife)
	target, targets := string(change.Email), []spending{newByEmail.of(string(change.Email))}
	if change.By == account.ByPhone {
		target, targets = string(change.Phone), []spending{newByPhone.of(string(change.Phone)), newByPrefix.of(change.Phone.Prefix())}
	}
	var send func() error
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := s.spend(tx, now, contactByAccount.of(string(a.Account)), newByAddress.of(from.network()), flood.of(target)); err != nil {
			return err
		}
		for _, one := range targets {
			if err := s.spendOn(tx, now, one, string(a.Account)); err != nil {
				return err
			}
		}
		who, found, err := tx.Account(a.Account)
		if err != nil || !found {
			return ended(err)
		}
		if change.Is(who) {
			return errSameContact
		}
		if err := tx.AddContactChange(change); err != nil {
			return err
		}
		if err := tx.PutCode(account.NewCode(change.ID, change.By, s.hashCode(change.ID, change.By, code), now)); err != nil {
			return err
		}
		send, err = s.contactMessage(ctx, tx, change, who, code)
		return err
	})
	if err != nil {
		return Changing{}, err
	}
	to := change.Phone.Masked()
	if change.By == account.ByEmail {
		to = change.Email.Masked()
	}
	return Changing{ID: change.ID, Ends: change.Ends, To: to}, send()
}

// contactMessage gives what sends the code, or the notice to who has the contact already.
func (s *Service) contactMessage(ctx context.Context, tx Tx, change account.ContactChange, who account.Account, code string) (send func() error, err error) {
	other, taken, err := takenBy(tx, change)
	if err != nil {
		return nil, err
	}
	if change.By == account.ByPhone {
		text := s.words.code(who.Language, smsCode, code)
		if taken {
			text = s.words.say(other.Language, smsExists, nil)
		}
		return func() error { return s.hand(ctx, s.sender.SMS(ctx, change.Phone, text)) }, nil
	}
	text := s.words.code(who.Language, emailCode, code)
	if taken {
		text = s.words.say(other.Language, emailExists, nil)
	}
	return func() error { return s.hand(ctx, s.sender.Email(ctx, change.Email, text)) }, nil
}

func takenBy(tx Tx, change account.ContactChange) (other account.Account, taken bool, err error) {
	if change.By == account.ByPhone {
		return tx.AccountByPhone(change.Phone)
	}
	return tx.AccountByEmail(change.Email)
}

// ConfirmContact takes the code that the new contact got, and puts it in the place of the old one, which is told.
func (s *Service) ConfirmContact(ctx context.Context, a identity.Actor, id account.ChallengeID, code string) error {
	if f := missingFactor(a); f != nil {
		return f
	}
	challenge, ok := canonicalID(string(id))
	if !ok {
		return errChallenge
	}
	now := s.now()
	var change account.ContactChange
	var who account.Account
	var refused error // a wrong code is counted, so its transaction commits
	err := s.store.Update(ctx, func(tx Tx) error {
		refused = nil
		var found bool
		var err error
		if change, found, err = tx.LockContactChange(account.ChallengeID(challenge)); err != nil {
			return err
		}
		if !found || change.Account != a.Account || !now.Before(change.Ends) {
			return errChallenge // before the tries are counted: another person's are not to be used up
		}
		if who, found, err = tx.Account(a.Account); err != nil || !found {
			return ended(err)
		}
		if refused, err = s.try(tx, change.ID, change.By, code, now); err != nil || refused != nil {
			return err
		}
		if _, taken, err := takenBy(tx, change); err != nil || taken {
			refused = errTaken // whoever answers there may know
			return err
		}
		if err := tx.SetContact(change); err != nil {
			return err
		}
		if err := tx.ForgetSignIns(a.Account); err != nil { // their codes went to the old one
			return err
		}
		if err := tx.AddEvent(account.Event{Account: a.Account, Kind: account.NewContact, What: string(change.By), Device: a.Device, At: now}); err != nil {
			return err
		}
		return tx.DropContactChange(change.ID)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	if change.By == account.ByPhone {
		s.later(ctx, func(ctx context.Context) {
			_ = s.hand(ctx, s.sender.SMS(ctx, who.Phone, s.words.say(who.Language, smsMoved, nil)))
		})
	} else {
		s.tell(ctx, change.Email, s.words.say(who.Language, emailMoved, nil))
	}
	s.tell(ctx, who.Email, s.words.say(who.Language, emailMoved, nil))
	return nil
}

// resendContact is Resend for a contact that waits for its code.
func (s *Service) resendContact(ctx context.Context, tx Tx, change account.ContactChange, code string, now time.Time, from Origin) (func() error, error) {
	if !now.Before(change.Ends) {
		return nil, errChallenge
	}
	if err := s.spend(tx, now, newByAddress.of(from.network())); err != nil {
		return nil, err
	}
	who, found, err := tx.Account(change.Account)
	if err != nil || !found {
		return nil, ended(err)
	}
	return s.contactMessage(ctx, tx, change, who, code)
}
