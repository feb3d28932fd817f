package enrolling

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

var errKeyOfSession = fault.New(fault.Unauthenticated, "dpop.required", "This session is bound to a key: send a proof of this request by that key in the header DPoP (RFC 9449).")

// Tokens keep a signed-in app going.
type Tokens struct {
	Access      string
	AccessEnds  time.Time
	Refresh     string
	RefreshEnds time.Time
	Session     identity.SessionID
	Account     identity.AccountID
	Device      identity.DeviceID
	Bound       bool // to a key, with which each request that shows Access has to be proved
}

func (s *Service) tokens(of account.Session, refresh string, refreshEnds, now time.Time) (Tokens, error) {
	ends := now.Add(account.AccessLife)
	access, err := s.access(of, ends)
	return Tokens{Access: access, AccessEnds: ends, Refresh: refresh, RefreshEnds: refreshEnds,
		Session: of.ID, Account: of.Account, Device: of.Device, Bound: of.Key != ""}, err
}

func (s *Service) hashToken(token string) []byte { return s.digest("refresh", token) }

// successor makes the token that follows another: only who holds both the token and the salt of its row can.
func successor(token string, salt []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(salt)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Refresh trades a refresh token for its successor and a new access token. A token that comes a second time ends the session
// for whoever holds it, except when the answer to the first was lost: the same device asks again soon and gets the same. That of a session
// which is bound to a key counts for nobody who does not prove to hold that, and is not spent by him either.
func (s *Service) Refresh(ctx context.Context, token, deviceSecret string, from Origin) (Tokens, error) {
	if !strings.HasPrefix(token, tokenPrefix) || len(token) > 128 {
		return Tokens{}, errRefresh
	}
	salt, err := s.draw(32)
	if err != nil {
		return Tokens{}, err
	}
	hash, secret := s.hashToken(token), s.digest("device", deviceSecret)
	now := s.now()
	var (
		refused error
		session account.Session
		next    account.Refresh
		heir    string
		victim  account.Account
	)
	err = s.store.Update(ctx, func(tx Tx) error {
		refused, victim, next = nil, account.Account{}, account.Refresh{}
		shown, found, err := tx.LockRefresh(hash)
		if err != nil {
			return err
		}
		if !found {
			return errRefresh
		}
		if session, found, err = tx.Session(shown.Session); err != nil {
			return err
		}
		if !found || !session.Live(now) {
			return errRefresh
		}
		if session.Key != "" && subtle.ConstantTimeCompare([]byte(session.Key), []byte(from.Key)) != 1 {
			return errKeyOfSession
		}
		if s.bound && session.Key == "" {
			return errUnbound
		}
		device, found, err := tx.Device(session.Account, session.Device)
		if err != nil {
			return err
		}
		known := found && subtle.ConstantTimeCompare(device.Secret, secret) == 1
		if !shown.Used.IsZero() {
			heir = successor(token, shown.Salt)
			if next, found, err = tx.LockRefresh(s.hashToken(heir)); err != nil {
				return err
			}
			if !found {
				return errRefresh
			}
		}
		switch shown.Turn(known, !next.Used.IsZero(), now) {
		case account.Rotate:
			heir = successor(token, salt)
			next = account.Refresh{Hash: s.hashToken(heir), Session: session.ID, Ends: earlier(now.Add(account.RefreshLife), session.Ends)}
			if err := tx.UseRefresh(hash, salt, now); err != nil {
				return err
			}
			if err := tx.SeeDevice(session.Account, session.Device, now); err != nil {
				return err
			}
			return tx.AddRefresh(next)
		case account.Repeat:
			return nil
		case account.Reuse:
			refused = errReuse
			if victim, _, err = tx.Account(session.Account); err != nil {
				return err
			}
			if err := tx.AddEvent(account.Event{Account: session.Account, Kind: account.SessionEnded, What: "a copied token", Device: session.Device, At: now}); err != nil {
				return err
			}
			return tx.EndSession(session.ID, now)
		}
		return errRefresh
	})
	if victim.ID != "" && err == nil {
		s.tell(ctx, victim.Email, s.words.say(victim.Language, emailReuse, nil))
	}
	if err == nil {
		err = refused
	}
	if err != nil {
		return Tokens{}, err
	}
	return s.tokens(session, heir, next.Ends, now)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// SignOut ends the session of the actor, or all sessions of his account, and the pushes with them.
func (s *Service) SignOut(ctx context.Context, a identity.Actor, everywhere bool) error {
	now := s.now()
	what := map[bool]string{true: "everywhere"}[everywhere]
	return s.store.Update(ctx, func(tx Tx) error {
		if err := tx.AddEvent(account.Event{Account: a.Account, Kind: account.SignedOut, What: what, Device: a.Device, At: now}); err != nil {
			return err
		}
		if everywhere {
			if err := tx.DropPush(a.Account, ""); err != nil {
				return err
			}
			return tx.EndSessions(a.Account, now)
		}
		if err := tx.DropPush(a.Account, a.Device); err != nil {
			return err
		}
		return tx.EndSession(a.Session, now)
	})
}
