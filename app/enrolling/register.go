package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Application is what somebody types to register.
type Application struct {
	Phone    string
	Email    string
	Password string
	Language account.Language // "" = Russian
}

// Registered is the answer to an application. It is the same whether or not the contacts have an account already.
type Registered struct {
	ID    account.ChallengeID
	Ends  time.Time
	Phone string // masked
	Email string // masked
}

// registrationLife is how long both channels may take: a code and its repetitions.
const registrationLife = time.Hour

// Register starts a registration and sends a code to the phone and one to the e-mail address. A contact that has an account
// already gets a notice instead of a code, so its owner learns of the attempt and whoever made it does not.
func (s *Service) Register(ctx context.Context, in Application, from Origin) (Registered, error) {
	draft, err := cleanApplication(in)
	if err != nil {
		return Registered{}, err
	}
	now := s.now()
	if err := s.store.Update(ctx, func(tx Tx) error { // before the costly hash, or a flood of them would be free
		phone, email := string(draft.Phone), string(draft.Email)
		if err := s.spend(tx, now, newByAddress.of(from.network()), flood.of(phone), flood.of(email)); err != nil {
			return err
		}
		for _, target := range []spending{newByPhone.of(phone), newByEmail.of(email), newByPrefix.of(draft.Phone.Prefix())} {
			if err := s.spendOn(tx, now, target, from.network()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return Registered{}, err
	}
	if draft.Password, err = s.passwords.Hash(ctx, s.random, draft.Password); err != nil {
		return Registered{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Registered{}, err
	}
	phoneCode, err := s.newCode()
	if err != nil {
		return Registered{}, err
	}
	emailCode, err := s.newCode()
	if err != nil {
		return Registered{}, err
	}
	draft.ID, draft.Started, draft.Ends = account.ChallengeID(id), now, now.Add(registrationLife)

	var taken contacts
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		if taken, err = findTaken(tx, draft); err != nil {
			return err
		}
		if err := tx.AddRegistration(draft); err != nil {
			return err
		}
		if err := tx.PutCode(account.NewCode(draft.ID, account.ByPhone, s.hashCode(draft.ID, account.ByPhone, phoneCode), now)); err != nil {
			return err
		}
		return tx.PutCode(account.NewCode(draft.ID, account.ByEmail, s.hashCode(draft.ID, account.ByEmail, emailCode), now))
	})
	if err != nil {
		return Registered{}, err
	}
	if err := s.sendRegistration(ctx, draft, taken, account.ByPhone, phoneCode); err != nil {
		return Registered{}, err
	}
	if err := s.sendRegistration(ctx, draft, taken, account.ByEmail, emailCode); err != nil {
		return Registered{}, err
	}
	return Registered{ID: draft.ID, Ends: draft.Ends, Phone: draft.Phone.Masked(), Email: draft.Email.Masked()}, nil
}

// cleanApplication reads the input and names every place that is wrong at once.
func cleanApplication(in Application) (account.Registration, error) {
	var wrong *fault.Fault
	note := func(where string, err error) {
		f := fault.From(err)
		if wrong == nil {
			wrong = f
		} else {
			places := wrong.Fields
			wrong = errInput
			for _, p := range places {
				wrong = wrong.At(p.Where, p.Why)
			}
		}
		wrong = wrong.At(where, f.Text)
	}
	var r account.Registration
	var err error
	if r.Phone, err = identity.ParsePhone(in.Phone); err != nil {
		note("body.phone", err)
	} else if !r.Phone.Mobile() {
		note("body.phone", errNotMobile)
	}
	if r.Email, err = identity.ParseEmail(in.Email); err != nil {
		note("body.email", err)
	}
	if r.Password, err = cleanPassword(in.Password); err != nil {
		note("body.password", err)
	} else if guessable(r) {
		note("body.password", errPasswordLogin)
	}
	if r.Language = in.Language; r.Language == "" {
		r.Language = defaultTongue
	}
	if !r.Language.Known() {
		note("body.language", errLanguage)
	}
	if wrong != nil {
		return account.Registration{}, wrong
	}
	return r, nil
}

var (
	errNotMobile = fault.New(fault.Invalid, "phone.not_mobile", "The number must be a mobile one: codes arrive there as text messages.")
	errLanguage  = fault.New(fault.Invalid, "language.unknown", "The language is ru or en.")
)

// guessable finds a password that whoever knows the login tries first.
func guessable(r account.Registration) bool {
	if email, err := identity.ParseEmail(r.Password); err == nil && email == r.Email {
		return true
	}
	phone, err := identity.ParsePhone(r.Password)
	return err == nil && phone == r.Phone
}

// contacts says of each channel whether it has an account.
type contacts map[account.Channel]bool

func findTaken(tx Tx, r account.Registration) (contacts, error) {
	_, phone, err := tx.AccountByPhone(r.Phone)
	if err != nil {
		return nil, err
	}
	_, email, err := tx.AccountByEmail(r.Email)
	return contacts{account.ByPhone: phone, account.ByEmail: email}, err
}

func (s *Service) sendRegistration(ctx context.Context, r account.Registration, taken contacts, by account.Channel, code string) error {
	if by == account.ByPhone {
		text := s.words.code(r.Language, smsCode, code)
		if taken[by] {
			text = s.words.say(r.Language, smsExists, nil)
		}
		return s.hand(ctx, s.sender.SMS(ctx, r.Phone, text))
	}
	text := s.words.code(r.Language, emailCode, code)
	if taken[by] {
		text = s.words.say(r.Language, emailExists, nil)
	}
	return s.hand(ctx, s.sender.Email(ctx, r.Email, text))
}
