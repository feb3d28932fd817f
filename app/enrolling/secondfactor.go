package enrolling

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

// proof is a second factor that was right.
type proof struct {
	who     account.Account
	pending account.SignIn
	by      account.Method
	strange bool // a device from which the person never signed in
	left    int  // recovery codes, when one was used
}

// prove judges the typed code of a challenge and keeps what it learned. refused is for the caller, err for the transaction.
func (s *Service) prove(tx Tx, id account.ChallengeID, typed string, now time.Time) (p proof, refused, err error) {
	pending, found, err := tx.SignIn(id)
	if err != nil {
		return p, nil, err
	}
	if !found || !now.Before(pending.Ends) {
		return p, nil, errChallenge
	}
	if p.who, found, err = tx.Account(pending.Account); err != nil {
		return p, nil, err
	}
	if !found {
		return p, nil, errChallenge
	}
	known, err := knows(tx, p.who.ID, pending.Device)
	if err != nil {
		return p, nil, err
	}
	p.strange = !known
	p.pending, p.by = pending, pending.Method
	recovery, paper := account.ReadRecoveryCode(typed)
	switch {
	case paper:
		p.by = account.Recovery
		p.left, refused, err = s.tryRecovery(tx, pending, p.strange, recovery, now)
	case pending.Method == account.TOTP:
		refused, err = s.tryApp(tx, pending, p.strange, typed, now)
	default:
		refused, err = s.try(tx, id, account.ByPhone, typed, now)
	}
	return p, refused, err
}

// knows reports whether the person signed in from the device before.
func knows(tx Tx, who identity.AccountID, d account.Device) (bool, error) {
	seen, found, err := tx.Device(who, d.ID)
	return found && subtle.ConstantTimeCompare(seen.Secret, d.Secret) == 1, err
}

// ring tells the person's other devices of one that was not there before. Who shows the id of a known device without its secret is another: then that one
// is told, too. known: it was there before.
func ring(tx Tx, who identity.AccountID, d account.Device) (known bool, err error) {
	seen, found, err := tx.Device(who, d.ID)
	switch {
	case err != nil || found && subtle.ConstantTimeCompare(seen.Secret, d.Secret) == 1:
		return err == nil, err
	case found:
		return false, tx.TellOfDevice(who, "")
	}
	return false, tx.TellOfDevice(who, d.ID)
}

// guess counts a try at what no message limits, because nothing is sent: the codes of an app, and recovery codes.
func (s *Service) guess(tx Tx, who identity.AccountID, device identity.DeviceID, strange bool, now time.Time) error {
	if strange {
		return s.spend(tx, now, appByAccount.of(string(who)))
	}
	return s.spend(tx, now, appByDevice.of(string(who)+"|"+string(device)))
}

func (s *Service) tryApp(tx Tx, pending account.SignIn, strange bool, typed string, now time.Time) (refused, err error) {
	if err := s.guess(tx, pending.Account, pending.Device.ID, strange, now); err != nil {
		return nil, err
	}
	tries, found, err := tx.LockCode(pending.ID, account.ByApp)
	if err != nil {
		return nil, err
	}
	app, confirmed, err := tx.LockAuthenticator(pending.Account)
	if err != nil {
		return nil, err
	}
	if !found || !confirmed || app.Confirmed.IsZero() {
		return errChallenge, nil // it was taken off meanwhile
	}
	next, right := app.Try(typed, now)
	tries, verdict := tries.Judge(right, now)
	if err := tx.PutCode(tries); err != nil {
		return nil, err
	}
	if verdict != account.Right {
		return verdicts[verdict], nil
	}
	return nil, tx.PutAuthenticator(next)
}

// tryRecovery takes a recovery code in place of whatever the challenge awaits; its tries count there.
func (s *Service) tryRecovery(tx Tx, pending account.SignIn, strange bool, typed account.RecoveryCode, now time.Time) (left int, refused, err error) {
	if err := s.guess(tx, pending.Account, pending.Device.ID, strange, now); err != nil {
		return 0, nil, err
	}
	channel := account.ByPhone
	if pending.Method == account.TOTP {
		channel = account.ByApp
	}
	tries, found, err := tx.LockCode(pending.ID, channel)
	if err != nil {
		return 0, nil, err
	}
	if !found {
		return 0, errChallenge, nil
	}
	awaited := tries.Ends
	tries.Ends = pending.Ends // the message may be too old by now; the paper is not
	right := false
	if _, verdict := tries.Judge(true, now); verdict == account.Right {
		if right, err = tx.UseRecoveryCode(pending.Account, s.hashRecovery(pending.Account, typed), now); err != nil {
			return 0, nil, err
		}
	}
	tries, verdict := tries.Judge(right, now)
	tries.Ends = awaited
	if err := tx.PutCode(tries); err != nil {
		return 0, nil, err
	}
	if verdict != account.Right {
		return 0, verdicts[verdict], nil
	}
	left, err = tx.RecoveryCodes(pending.Account)
	return left, nil, err
}

// tellOf writes to the person what a proof must not do silently.
func (s *Service) tellOf(ctx context.Context, p proof) {
	if p.by == account.Recovery {
		s.tell(ctx, p.who.Email, s.words.say(p.who.Language, emailCodeUsed, map[string]any{"Left": p.left}))
	}
}

// SecondFactor takes the code and opens a session.
func (s *Service) SecondFactor(ctx context.Context, id account.ChallengeID, code string, from Origin) (Tokens, error) {
	challenge, ok := canonicalID(string(id))
	if !ok {
		return Tokens{}, errChallenge
	}
	id = account.ChallengeID(challenge)
	opening, err := s.newOpening()
	if err != nil {
		return Tokens{}, err
	}
	now := s.now()
	var refused error
	var p proof
	var session account.Session
	err = s.store.Update(ctx, func(tx Tx) (err error) {
		if p, refused, err = s.prove(tx, id, code, now); err != nil {
			return err
		}
		if refused != nil {
			return tx.CountRefusal(p.who.ID, from.network(), now)
		}
		if p.pending.Session != "" {
			return errChallenge // a step-up opens nothing
		}
		session, err = s.open(tx, opening, p.who.ID, p.pending.Device, from.Key, now, p.pending.First, p.by, account.Several)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Tokens{}, err
	}
	s.tellOf(ctx, p)
	if p.strange {
		s.tell(ctx, p.who.Email, s.words.say(p.who.Language, emailDevice, nil))
	}
	return s.tokens(session, opening.token, opening.refreshEnds(now), now)
}

// opening is what must be drawn for a session before its transaction.
type opening struct {
	id    identity.SessionID
	token string // the first refresh token
}

func (o opening) refreshEnds(now time.Time) time.Time { return now.Add(account.RefreshLife) }

func (s *Service) newOpening() (o opening, err error) {
	id, err := s.newID()
	if err != nil {
		return o, err
	}
	o.id = identity.SessionID(id)
	o.token, err = s.newToken()
	return o, err
}

// open opens a session on a device, bound to the key unless that is "".
func (s *Service) open(tx Tx, o opening, who identity.AccountID, device account.Device, key string, now time.Time, methods ...account.Method) (account.Session, error) {
	if s.bound && key == "" {
		return account.Session{}, errUnbound
	}
	known, err := ring(tx, who, device)
	if err != nil {
		return account.Session{}, err
	}
	if err := tx.AddEvent(account.Event{Account: who, Kind: account.SignedIn, What: methodsOf(methods, !known), Device: device.ID, At: now}); err != nil {
		return account.Session{}, err
	}
	device.Seen = now
	if err := tx.PutDevice(who, device); err != nil {
		return account.Session{}, err
	}
	session := account.Session{ID: o.id, Account: who, Device: device.ID, Methods: methods, Opened: now, Proved: now, Ends: now.Add(account.SessionLife), Key: key}
	if err := tx.AddSession(session); err != nil {
		return account.Session{}, err
	}
	return session, tx.AddRefresh(account.Refresh{Hash: s.hashToken(o.token), Session: session.ID, Ends: o.refreshEnds(now)})
}
