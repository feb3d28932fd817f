package store

import (
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

var errSealedContact = errors.New("store: a sealed contact does not open: it was changed or moved, or this is another key folder")

// uuidOrNil keeps an empty id from reaching PostgreSQL, which reads no UUID from it; NULL equals nothing.
func uuidOrNil(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// AddSignIn keeps a sign-in that waits for its second factor.
func (tx *Tx) AddSignIn(s account.SignIn) error {
	_, err := tx.exec(`INSERT INTO sign_in (id, account, device, device_name, device_secret, started_at, ends_at, method, session, first)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(s.ID), string(s.Account), string(s.Device.ID), s.Device.Name, s.Device.Secret,
		micros(s.Started), micros(s.Ends), string(s.Method), uuidOrNil(string(s.Session)), string(s.First))
	return err
}

// SignIn finds a sign-in that waits for its second factor.
func (tx *Tx) SignIn(id account.ChallengeID) (account.SignIn, bool, error) {
	s := account.SignIn{ID: id}
	var session sql.NullString
	found, err := tx.one([]any{&s.Account, &s.Device.ID, &s.Device.Name, &s.Device.Secret, &s.Started, &s.Ends, &s.Method, &session, &s.First},
		"SELECT account, device, device_name, device_secret, started_at, ends_at, method, session, first FROM sign_in WHERE id = ?", string(id))
	s.Session = identity.SessionID(session.String)
	s.Started, s.Ends = s.Started.UTC(), s.Ends.UTC()
	return s, found, err
}

// LockCode finds the code of a channel of a challenge, and locks it.
func (tx *Tx) LockCode(id account.ChallengeID, by account.Channel) (account.Code, bool, error) {
	c := account.Code{Challenge: id, Channel: by}
	if n, err := tx.exec("UPDATE one_time_code SET tries = tries WHERE challenge = ? AND channel = ?", string(id), string(by)); err != nil || n == 0 {
		return account.Code{}, false, err
	}
	var used sql.NullTime
	found, err := tx.one([]any{&c.Hash, &c.Ends, &c.Tries, &c.Sends, &c.Sent, &used},
		"SELECT hash, ends_at, tries, sends, sent_at, used_at FROM one_time_code WHERE challenge = ? AND channel = ?", string(id), string(by))
	c.Ends, c.Sent, c.Used = c.Ends.UTC(), c.Sent.UTC(), fromNull(used)
	return c, found, err
}

// PutCode keeps a code in place of the one that its channel had.
func (tx *Tx) PutCode(c account.Code) error {
	_, err := tx.exec(`INSERT INTO one_time_code (challenge, channel, hash, ends_at, tries, sends, sent_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (challenge, channel) DO UPDATE SET hash = excluded.hash, ends_at = excluded.ends_at, tries = excluded.tries,
			sends = excluded.sends, sent_at = excluded.sent_at, used_at = excluded.used_at`,
		string(c.Challenge), string(c.Channel), c.Hash, micros(c.Ends), c.Tries, c.Sends, micros(c.Sent), nullTime(c.Used))
	return err
}

// Device finds a device from which the account was signed in to.
func (tx *Tx) Device(of identity.AccountID, id identity.DeviceID) (account.Device, bool, error) {
	d := account.Device{ID: id}
	found, err := tx.one([]any{&d.Name, &d.Secret, &d.Seen},
		"SELECT name, secret, seen_at FROM account_device WHERE account = ? AND device = ?", uuidOrNil(string(of)), uuidOrNil(string(id)))
	d.Seen = d.Seen.UTC()
	return d, found, err
}

// PutDevice keeps a device of the account as it introduced itself last.
func (tx *Tx) PutDevice(of identity.AccountID, d account.Device) error {
	_, err := tx.exec(`INSERT INTO account_device (account, device, name, secret, seen_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, device) DO UPDATE SET name = excluded.name, secret = excluded.secret, seen_at = excluded.seen_at`,
		string(of), string(d.ID), d.Name, d.Secret, micros(d.Seen))
	return err
}

// AddSession opens a session.
func (tx *Tx) AddSession(s account.Session) error {
	methods := make([]string, len(s.Methods))
	for i, m := range s.Methods {
		methods[i] = string(m)
	}
	_, err := tx.exec("INSERT INTO session (id, account, device, methods, opened_at, proved_at, ends_at, proof_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(s.ID), string(s.Account), string(s.Device), strings.Join(methods, " "), micros(s.Opened), nullTime(s.Proved), micros(s.Ends), s.Key)
	return err
}

// Session finds a session, live or not.
func (tx *Tx) Session(id identity.SessionID) (account.Session, bool, error) {
	s := account.Session{ID: id}
	var methods string
	var proved, revoked sql.NullTime
	found, err := tx.one([]any{&s.Account, &s.Device, &methods, &s.Opened, &proved, &s.Ends, &revoked, &s.Key, &s.Locked},
		"SELECT account, device, methods, opened_at, proved_at, ends_at, revoked_at, proof_key, EXISTS (SELECT 1 FROM account_lock WHERE account_lock.account = session.account) FROM session WHERE id = ?", string(id))
	for m := range strings.FieldsSeq(methods) {
		s.Methods = append(s.Methods, account.Method(m))
	}
	s.Opened, s.Proved, s.Ends, s.Revoked = s.Opened.UTC(), fromNull(proved), s.Ends.UTC(), fromNull(revoked)
	if !proved.Valid {
		s.Proved = s.Opened
	}
	return s, found, err
}

// EndSession ends a session for all its tokens. What has ended stays ended as it was.
func (tx *Tx) EndSession(id identity.SessionID, now time.Time) error {
	_, err := tx.exec("UPDATE session SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", micros(now), string(id))
	return err
}

// EndSessions ends all sessions of an account.
func (tx *Tx) EndSessions(of identity.AccountID, now time.Time) error {
	_, err := tx.exec("UPDATE session SET revoked_at = ? WHERE account = ? AND revoked_at IS NULL", micros(now), string(of))
	return err
}

// AddRefresh keeps a refresh token's hash.
func (tx *Tx) AddRefresh(r account.Refresh) error {
	_, err := tx.exec("INSERT INTO refresh_token (hash, session, ends_at) VALUES (?, ?, ?)", r.Hash, string(r.Session), micros(r.Ends))
	return err
}

// LockRefresh finds a refresh token by its hash, and locks it.
func (tx *Tx) LockRefresh(hash []byte) (account.Refresh, bool, error) {
	r := account.Refresh{Hash: hash}
	if n, err := tx.exec("UPDATE refresh_token SET hash = hash WHERE hash = ?", hash); err != nil || n == 0 {
		return account.Refresh{}, false, err
	}
	var used sql.NullTime
	found, err := tx.one([]any{&r.Session, &r.Ends, &used, &r.Salt}, "SELECT session, ends_at, used_at, salt FROM refresh_token WHERE hash = ?", hash)
	r.Ends, r.Used = r.Ends.UTC(), fromNull(used)
	return r, found, err
}

// UseRefresh marks a refresh token as used and keeps the salt of its successor.
func (tx *Tx) UseRefresh(hash, salt []byte, now time.Time) error {
	_, err := tx.exec("UPDATE refresh_token SET used_at = ?, salt = ? WHERE hash = ? AND used_at IS NULL", micros(now), salt, hash)
	return err
}
