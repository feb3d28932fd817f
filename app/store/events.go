package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// AddEvent keeps what was done with an account, in the transaction that does it. The audit log gets it from the upkeep: its entry stands on a
// card, and nobody's sign-in is to wait for what else is done with that.
func (tx *Tx) AddEvent(e account.Event) error {
	id := NewID()
	due := any(micros(e.At))
	if e.Kind == account.Locking {
		due = nil
	}
	_, err := tx.exec(`INSERT INTO account_event (account, id, fold, kind, what, device, client, organisation, at, last_at, count, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		string(e.Account), id, id, string(e.Kind), e.What, string(e.Device), string(e.Client), e.Organisation, micros(e.At), micros(e.At), due)
	return err
}

// nobody is whose refused sign-ins those for a login are that no account has: they take the same work, and go with the next sweep.
const nobody = "00000000-0000-0000-0000-000000000000"

// CountRefusal counts a sign-in that was refused, once per account, network and hour.
func (tx *Tx) CountRefusal(of identity.AccountID, network string, now time.Time) error {
	whose := string(of)
	if whose == "" {
		whose = nobody
	}
	hour := now.UTC().Truncate(account.Folded)
	fold := fmt.Sprintf("%x %d", tx.db.keys.Hash("network", whose+"|"+network), hour.Unix())
	_, err := tx.exec(`INSERT INTO account_event (account, id, fold, kind, what, device, client, organisation, at, last_at, count, due_at) VALUES (?, ?, ?, ?, '', '', '', '', ?, ?, 1, ?)
		ON CONFLICT (account, fold) DO UPDATE SET count = account_event.count + 1, last_at = excluded.last_at`,
		whose, NewID(), fold, string(account.SignInRefused), micros(now), micros(now), micros(hour.Add(account.Folded)))
	return err
}

const eventColumns = "account, id, kind, what, device, client, organisation, at, last_at, count"

func (tx *Tx) events(from string, args ...any) (list []account.Event, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var e account.Event
		err := rows.Scan(&e.Account, &e.ID, &e.Kind, &e.What, &e.Device, &e.Client, &e.Organisation, &e.At, &e.Last, &e.Count)
		e.At, e.Last = e.At.UTC(), e.Last.UTC()
		list = append(list, e)
		return err
	}, "SELECT "+eventColumns+" FROM account_event WHERE "+from, args...)
	return list, err
}

// EventsOf lists what was done with an account, the newest first, below one of them ("" = from the newest).
func (tx *Tx) EventsOf(of identity.AccountID, below account.EventID, limit int) ([]account.Event, error) {
	if below == "" {
		return tx.events("account = ? ORDER BY id DESC LIMIT ?", string(of), limit)
	}
	return tx.events("account = ? AND id < ? ORDER BY id DESC LIMIT ?", string(of), string(below), limit)
}

// DueEvents lists events behind one ("" = from the oldest) that are not in the audit log and should be.
func (tx *Tx) DueEvents(after account.EventID, now time.Time, limit int) ([]account.Event, error) {
	if after == "" {
		after = nobody
	}
	return tx.events("due_at IS NOT NULL AND due_at <= ? AND id > ? AND account <> ? ORDER BY id LIMIT ?", micros(now), string(after), nobody, limit)
}

// AuditEvent writes an event into the audit log, once: on its person's own cards, or on the log's where he has none. Of refused sign-ins it takes
// all of the account that are due, from whatever networks, as one. The entry is of now, when it begins to wait for the log, and says when
// that was which it tells of.
func (tx *Tx) AuditEvent(e account.Event, due, now time.Time) error {
	which, args := "id = ?", []any{micros(due), string(e.Account), string(e.ID)}
	if e.Kind == account.SignInRefused {
		which, args = "kind = ? AND due_at <= ?", []any{micros(due), string(e.Account), string(e.Kind), micros(due)}
	}
	times := 0
	if _, err := tx.one([]any{&times}, "SELECT CAST(coalesce(sum(count), 0) AS bigint) FROM account_event WHERE account = ? AND due_at IS NOT NULL AND "+which, args[1:]...); err != nil || times == 0 {
		return err
	}
	if _, err := tx.exec("UPDATE account_event SET due_at = NULL WHERE due_at <= ? AND account = ? AND "+which, args...); err != nil {
		return err
	}
	return tx.AuditProof(e.Account, entryOf(e, times, now))
}

// entryOf is an event as the audit log has it.
func entryOf(e account.Event, times int, now time.Time) audit.Entry {
	out := audit.Entry{At: now, Actor: identity.Actor{Kind: identity.Patient, Account: e.Account, Device: e.Device}, Action: audit.Account, Purpose: consent.PatientRequest, Request: string(e.ID)}
	out.What = string(e.Kind)
	if e.What != "" {
		out.What += ": " + e.What
	}
	switch {
	case e.Kind == account.SignInRefused: // nobody knows who it was
		out.Actor, out.Action, out.Purpose = identity.Actor{Kind: identity.Nobody}, audit.Refuse, consent.Operations
		out.What += fmt.Sprintf(": %d times", times)
	case e.Client != "":
		out.Actor, out.Purpose = identity.Actor{Kind: identity.Clinic, Client: e.Client, Organisation: e.Organisation}, consent.Operations
	}
	out.What += " at " + e.Last.Format(time.RFC3339)
	return out
}

// forgetEvents deletes those of nobody, and what is older than any list shows.
func (tx *Tx) forgetEvents(before time.Time) error {
	if _, err := tx.exec("DELETE FROM account_event WHERE account = ? AND at < ?", nobody, micros(before)); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM account_event WHERE due_at IS NULL AND at < ?", micros(before.Add(-account.EventsKept)))
	return err
}
