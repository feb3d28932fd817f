package enrolling

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Provider vouches for people: the national identity system, say.
type Provider interface {
	Name() string
	// URL is the page where the person signs in; Person trades the code that comes back from there.
	URL(ctx context.Context, state, nonce, verifier string) (string, error)
	Person(ctx context.Context, code, nonce, verifier string) (account.External, error)
}

// Faults of external sign-in.
var (
	errNoProvider      = fault.New(fault.NotFound, "external.not_set_up", "Sign-in through another provider is not set up on this server. Sign in with your password.")
	errProviderAway    = fault.New(fault.Unavailable, "external.unavailable", "The provider cannot be reached. Try again later, or sign in with your password.").After(time.Minute)
	errExternal        = fault.New(fault.Unauthenticated, "external.refused", "The provider did not vouch for you. Start again.")
	errExternalUnknown = fault.New(fault.NotFound, "external.unknown", "No account is linked to you at this provider. Register, or sign in with your password and link it.")
	errLinked          = fault.New(fault.Conflict, "external.linked", "There is a link to this provider already, of this account or of another one.")
	errOtherPerson     = fault.New(fault.Conflict, "external.other_person", "The provider vouches for another person than the one whose card this is.")
	errNoLink          = fault.New(fault.NotFound, "external.not_linked", "The account is not linked to this provider.")
)

// Departure is a way to the provider's page. The app opens URL, takes the answer only if its state is State, and brings its code back.
type Departure struct {
	ID    account.ChallengeID
	URL   string
	State string
	Ends  time.Time
}

// secrets are what the provider's answer is checked against.
type secrets struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// depart draws the secrets of a way to the provider and keeps them.
func (s *Service) depart(ctx context.Context, c account.Ceremony, limits ...spending) (Departure, error) {
	var drawn [3]string
	for i := range drawn {
		b, err := s.draw(32)
		if err != nil {
			return Departure{}, err
		}
		drawn[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	k := secrets{State: drawn[0], Nonce: drawn[1], Verifier: drawn[2]}
	page, err := s.provider.URL(ctx, k.State, k.Nonce, k.Verifier)
	if err != nil {
		return Departure{}, errProviderAway.Because(err)
	}
	if c.Data, err = json.Marshal(k); err != nil {
		return Departure{}, err
	}
	begun, err := s.begin(ctx, c, nil, limits...)
	return Departure{ID: begun.ID, URL: page, State: k.State, Ends: begun.Ends}, err
}

// arrive checks what came back from the provider and asks it who that is.
func (s *Service) arrive(ctx context.Context, c account.Ceremony, state, code string) (account.External, error) {
	var k secrets
	if err := json.Unmarshal(c.Data, &k); err != nil {
		return account.External{}, err
	}
	if subtle.ConstantTimeCompare([]byte(k.State), []byte(state)) != 1 || code == "" {
		return account.External{}, errExternal
	}
	who, err := s.provider.Person(ctx, code, k.Nonce, k.Verifier)
	if err != nil {
		return account.External{}, errExternal.Because(err)
	}
	if who.Subject == "" {
		return account.External{}, errExternal
	}
	return who, nil
}

// BeginExternal starts a sign-in through the provider.
func (s *Service) BeginExternal(ctx context.Context, in Device, from Origin) (Departure, error) {
	if s.provider == nil {
		return Departure{}, errNoProvider
	}
	app, err := s.cleanDevice(in)
	if err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, account.Ceremony{Purpose: account.ExternalSignIn, App: app}, signInByAddress.of(from.network()))
}

// ExternalSignIn takes the provider's code in place of a password: the second factor of the account is asked for as ever. So whoever is
// let in by a number alone, which somebody may have mixed up, still shows that the account is his.
func (s *Service) ExternalSignIn(ctx context.Context, id account.ChallengeID, state, code string, from Origin) (Challenge, error) {
	if s.provider == nil {
		return Challenge{}, errNoProvider
	}
	c, err := s.take(ctx, id, account.ExternalSignIn, identity.Actor{})
	if err != nil {
		return Challenge{}, err
	}
	person, err := s.arrive(ctx, c, state, code)
	if err != nil {
		return Challenge{}, err
	}
	var who account.Account
	var known bool
	err = s.store.View(ctx, func(tx Tx) error {
		id, found, err := tx.LinkedAccount(person)
		if err == nil && !found {
			id, found, err = tx.OwnerBySNILS(person.SNILS)
		}
		if err != nil {
			return err
		}
		if !found {
			return errExternalUnknown
		}
		if who, found, err = tx.Account(id); err == nil && !found {
			return errExternalUnknown
		}
		if err != nil {
			return err
		}
		known, err = knows(tx, who.ID, c.App.Of(who.ID))
		return err
	})
	if err != nil {
		return Challenge{}, err
	}
	return s.challenge(ctx, who, account.SignIn{Account: who.ID, Device: c.App.Of(who.ID), First: account.Federated}, known, "", from)
}

// BeginLink starts to link the actor's account to the provider.
func (s *Service) BeginLink(ctx context.Context, a identity.Actor) (Departure, error) {
	if s.provider == nil {
		return Departure{}, errNoProvider
	}
	if err := s.dangerous(a); err != nil {
		return Departure{}, err
	}
	return s.depart(ctx, account.Ceremony{Purpose: account.ExternalLink, Account: a.Account, Session: a.Session})
}

// Link links the actor's account to whom the provider vouches for. It refuses a person whose number leads to somebody else's card.
func (s *Service) Link(ctx context.Context, a identity.Actor, id account.ChallengeID, state, code string) error {
	if s.provider == nil {
		return errNoProvider
	}
	if err := s.dangerous(a); err != nil {
		return err
	}
	c, err := s.take(ctx, id, account.ExternalLink, a)
	if err != nil {
		return err
	}
	person, err := s.arrive(ctx, c, state, code)
	if err != nil {
		return err
	}
	now := s.now()
	return s.change(ctx, a, emailLinked, func(tx Tx) (refused, err error) {
		owner, found, err := tx.OwnerBySNILS(person.SNILS)
		if err != nil {
			return nil, err
		}
		if found && owner != a.Account {
			return errOtherPerson, nil
		}
		linked, err := tx.AddLink(a.Account, person, now)
		if err == nil && !linked {
			refused = errLinked
		}
		return refused, err
	})
}

// Unlink forgets the link of the actor's account to the provider.
func (s *Service) Unlink(ctx context.Context, a identity.Actor) error {
	if s.provider == nil {
		return errNoProvider
	}
	if err := s.dangerous(a); err != nil {
		return err
	}
	return s.change(ctx, a, emailUnlinked, func(tx Tx) (refused, err error) {
		removed, err := tx.RemoveLink(a.Account, s.provider.Name())
		if err == nil && !removed {
			refused = errNoLink
		}
		return refused, err
	})
}
