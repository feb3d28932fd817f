package enrolling

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Ceremony is a challenge for an authenticator: Options is the JSON that the platform's credential API takes.
type Ceremony struct {
	ID      account.ChallengeID
	Options string
	Ends    time.Time
}

// begin keeps a ceremony of which all but the challenge is known.
func (s *Service) begin(ctx context.Context, c account.Ceremony, options []byte, limits ...spending) (Ceremony, error) {
	id, err := s.newID()
	if err != nil {
		return Ceremony{}, err
	}
	now := s.now()
	c.ID, c.Ends = account.ChallengeID(id), now.Add(account.CeremonyLife)
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := s.spend(tx, now, limits...); err != nil {
			return err
		}
		return tx.AddCeremony(c)
	})
	return Ceremony{ID: c.ID, Options: string(options), Ends: c.Ends}, err
}

// take uses a ceremony up, right or wrong, and gives it if it is of the purpose and the actor.
func (s *Service) take(ctx context.Context, id account.ChallengeID, purpose account.Purpose, a identity.Actor) (account.Ceremony, error) {
	canonical, ok := canonicalID(string(id))
	if !ok {
		return account.Ceremony{}, errChallenge
	}
	var c account.Ceremony
	var found bool
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		c, found, err = tx.TakeCeremony(account.ChallengeID(canonical))
		if err == nil && found && (c.Purpose != purpose || c.Account != a.Account || c.Session != a.Session) {
			return errChallenge // it stays for whose it is
		}
		return err
	})
	if err == nil && (!found || !s.now().Before(c.Ends)) {
		err = errChallenge
	}
	return c, err
}

// holder gives an account with its passkeys.
func (s *Service) holder(ctx context.Context, id identity.AccountID) (h holder, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		var found bool
		if h.who, found, err = tx.Account(id); err != nil {
			return err
		}
		if !found {
			return errEnded
		}
		h.keys, err = tx.Passkeys(id)
		return err
	})
	return h, err
}

// BeginPasskey starts the making of a passkey.
func (s *Service) BeginPasskey(ctx context.Context, a identity.Actor) (Ceremony, error) {
	if s.passkeys == nil {
		return Ceremony{}, errNoPasskeys
	}
	if err := s.dangerous(a); err != nil {
		return Ceremony{}, err
	}
	h, err := s.holder(ctx, a.Account)
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.keys) >= account.MostPasskeys {
		return Ceremony{}, errPasskeysMany
	}
	challenge, err := s.draw(32)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := s.passkeys.register(h, challenge)
	if err != nil {
		return Ceremony{}, err
	}
	return s.begin(ctx, account.Ceremony{Purpose: account.AddPasskey, Account: a.Account, Session: a.Session, Data: data}, options)
}

// AddPasskey takes the answer of the authenticator that made a passkey.
func (s *Service) AddPasskey(ctx context.Context, a identity.Actor, id account.ChallengeID, name, response string) error {
	if s.passkeys == nil {
		return errNoPasskeys
	}
	if err := s.dangerous(a); err != nil {
		return err
	}
	name = strings.Join(strings.Fields(name), " ")
	if utf8.RuneCountInString(name) > 100 || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return errPasskeyName
	}
	c, err := s.take(ctx, id, account.AddPasskey, a)
	if err != nil {
		return err
	}
	h, err := s.holder(ctx, a.Account)
	if err != nil {
		return err
	}
	made, err := s.passkeys.registered(h, c.Data, response)
	if err != nil {
		return err
	}
	record, err := json.Marshal(made)
	if err != nil {
		return err
	}
	key := account.Passkey{ID: made.ID, Account: a.Account, Name: name, Record: record, Added: s.now()}
	return s.change(ctx, a, emailPasskeyOn, func(tx Tx) (refused, err error) {
		list, err := tx.Passkeys(a.Account)
		if err != nil {
			return nil, err
		}
		if len(list) >= account.MostPasskeys {
			return errPasskeysMany, nil
		}
		added, err := tx.AddPasskey(key)
		if err == nil && !added {
			refused = errPasskeyTaken
		}
		return refused, err
	})
}

// RemovePasskey forgets a passkey.
func (s *Service) RemovePasskey(ctx context.Context, a identity.Actor, id []byte) error {
	if err := s.dangerous(a); err != nil {
		return err
	}
	return s.change(ctx, a, emailPasskeyOff, func(tx Tx) (refused, err error) {
		removed, err := tx.RemovePasskey(a.Account, id)
		if err == nil && !removed {
			refused = errPasskeyAbsent
		}
		return refused, err
	})
}

// BeginPasskeySignIn starts a sign-in with a passkey alone. No login is asked for: the authenticator knows whose it is, and nobody can ask
// here who has an account.
func (s *Service) BeginPasskeySignIn(ctx context.Context, in Device, from Origin) (Ceremony, error) {
	if s.passkeys == nil {
		return Ceremony{}, errNoPasskeys
	}
	app, err := s.cleanDevice(in)
	if err != nil {
		return Ceremony{}, err
	}
	challenge, err := s.draw(32)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := s.passkeys.challenge(nil, challenge)
	if err != nil {
		return Ceremony{}, err
	}
	return s.begin(ctx, account.Ceremony{Purpose: account.PasskeySignIn, App: app, Data: data}, options, signInByAddress.of(from.network()))
}

// PasskeySignIn takes what the authenticator signed and opens a session.
func (s *Service) PasskeySignIn(ctx context.Context, id account.ChallengeID, response string, from Origin) (Tokens, error) {
	if s.passkeys == nil {
		return Tokens{}, errNoPasskeys
	}
	c, err := s.take(ctx, id, account.PasskeySignIn, identity.Actor{})
	if err != nil {
		return Tokens{}, err
	}
	opening, err := s.newOpening()
	if err != nil {
		return Tokens{}, err
	}
	h, key, err := s.signed(ctx, nil, c, response)
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	var session account.Session
	var known bool
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := s.keep(tx, key); err != nil {
			return err
		}
		var err error
		if known, err = knows(tx, h.who.ID, c.App.Of(h.who.ID)); err != nil {
			return err
		}
		session, err = s.open(tx, opening, h.who.ID, c.App.Of(h.who.ID), from.Key, now, account.Possession, account.Several)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if !known {
		s.tell(ctx, h.who.Email, s.words.say(h.who.Language, emailDevice, nil))
	}
	return s.tokens(session, opening.token, opening.refreshEnds(now), now)
}

// BeginPasskeyProof starts a step-up by passkey.
func (s *Service) BeginPasskeyProof(ctx context.Context, a identity.Actor) (Ceremony, error) {
	if s.passkeys == nil {
		return Ceremony{}, errNoPasskeys
	}
	if f := missingFactor(a); f != nil {
		return Ceremony{}, f
	}
	h, err := s.holder(ctx, a.Account)
	if err != nil {
		return Ceremony{}, err
	}
	if len(h.keys) == 0 {
		return Ceremony{}, errPasskeyAbsent
	}
	challenge, err := s.draw(32)
	if err != nil {
		return Ceremony{}, err
	}
	options, data, err := s.passkeys.challenge(&h, challenge)
	if err != nil {
		return Ceremony{}, err
	}
	return s.begin(ctx, account.Ceremony{Purpose: account.PasskeyProof, Account: a.Account, Session: a.Session, Data: data}, options)
}

// ProvePasskey takes what the authenticator signed for a step-up. It tells until when the session may do dangerous acts.
func (s *Service) ProvePasskey(ctx context.Context, a identity.Actor, id account.ChallengeID, response string) (until time.Time, err error) {
	if s.passkeys == nil {
		return until, errNoPasskeys
	}
	if f := missingFactor(a); f != nil {
		return until, f
	}
	c, err := s.take(ctx, id, account.PasskeyProof, a)
	if err != nil {
		return until, err
	}
	h, err := s.holder(ctx, a.Account)
	if err != nil {
		return until, err
	}
	_, key, err := s.signed(ctx, &h, c, response)
	if err != nil {
		return until, err
	}
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := s.keep(tx, key); err != nil {
			return err
		}
		return tx.ProveSession(a.Session, now)
	})
	return now.Add(identity.FactorFresh), err
}

// signed checks a response and gives the passkey as it must be kept.
func (s *Service) signed(ctx context.Context, known *holder, c account.Ceremony, response string) (holder, account.Passkey, error) {
	find := func(handle string) (holder, error) {
		id, ok := canonicalID(handle)
		if !ok {
			return holder{}, nil // of nobody: the library finds no key
		}
		h, err := s.holder(ctx, identity.AccountID(id))
		if fault.CodeOf(err) == errEnded.Code {
			return holder{}, nil
		}
		return h, err
	}
	h, used, err := s.passkeys.used(known, find, c.Data, response)
	if err != nil {
		return holder{}, account.Passkey{}, err
	}
	record, err := json.Marshal(used)
	return h, account.Passkey{ID: used.ID, Account: h.who.ID, Record: record, Used: s.now()}, err
}

func (s *Service) keep(tx Tx, key account.Passkey) error {
	kept, err := tx.UsePasskey(key)
	if err == nil && !kept {
		return errPasskey // it was removed at this moment
	}
	return err
}
