package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// auditDetail is the sealed part of an entry.
type auditDetail struct {
	Organisation string   `json:"organisation,omitempty"`
	PersonID     string   `json:"personId,omitempty"`
	PersonName   string   `json:"personName,omitempty"`
	PersonRole   string   `json:"personRole,omitempty"`
	What         string   `json:"what,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
	Behalf       string   `json:"representation,omitempty"`
	Salt         []byte   `json:"salt,omitempty"` // of the entry's hash in the log; entries from before the log have none
}

// AppendAudit writes an entry under the card's next number, and its hash where the log takes it from. It needs no permit: to be
// remembered is never refused.
func (tx *Tx) AppendAudit(e audit.Entry) error {
	if err := tx.enter(e.Card); err != nil {
		return err
	}
	var number uint64
	var tell bool
	var key uint32
	found, err := tx.one([]any{&number, &tell, &key}, "UPDATE card SET audit_count = audit_count + 1 WHERE id = ? AND shredded_at IS NULL RETURNING audit_count, tell_access, key_name", string(e.Card))
	if err := tx.met(e.Card, found, err); err != nil {
		return err
	}
	tx.holds(e.Card, key)
	e.Number, e.At = number, micros(e.At)
	if p := tx.permit; e.Representation == "" && p.Card() == e.Card && p.Actor().Account == e.Actor.Account {
		e.Representation = p.Representation() // here, so that no act forgets in whose name it was
	}
	salt := make([]byte, audit.SaltSize)
	if _, err := rand.Read(salt); err != nil {
		return err
	}
	detail, err := json.Marshal(auditDetail{
		Organisation: e.Actor.Organisation, PersonID: e.Actor.Person.ID, PersonName: e.Actor.Person.Name, PersonRole: e.Actor.Person.Role,
		What: e.What, Scopes: e.Actor.Scopes, Behalf: string(e.Representation), Salt: salt,
	})
	if err != nil {
		return err
	}
	sealed, err := tx.sealAudit(e, detail)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO audit_entry (card, number, at, action, purpose, actor_kind, account, device, client, request, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(e.Card), number, micros(e.At), string(e.Action), string(e.Purpose), e.Actor.Kind.String(),
		string(e.Actor.Account), string(e.Actor.Device), string(e.Actor.Client), e.Request, sealed)
	if err != nil {
		return err
	}
	if err := tx.awaitLog(audit.Leaf{Card: e.Card, Number: number, Hash: audit.LeafHash(salt, e.Canonical())}); err != nil || !tell || !e.Action.Opens() {
		return err
	}
	return tx.alarmBut(e.Card, e.At, e.Actor.Account) // several looks before the push is under way are one
}

// TellsOfAccess reports whether who speaks for the patient wants to be told each time somebody else opens the card.
func (tx *Tx) TellsOfAccess(p consent.Permit) (on bool, err error) {
	if err := tx.mayWatch(p); err != nil {
		return false, err
	}
	_, err = tx.one([]any{&on}, "SELECT tell_access FROM card WHERE id = ?", string(p.Card()))
	return on, err
}

// SetTellsOfAccess changes that.
func (tx *Tx) SetTellsOfAccess(p consent.Permit, on bool) error {
	if err := tx.mayWatch(p); err != nil {
		return err
	}
	_, err := tx.exec("UPDATE card SET tell_access = ? WHERE id = ?", on, string(p.Card()))
	return err
}

func auditPlace(number uint64) string { return fmt.Sprintf("audit_entry|sealed|%d", number) }

// OwnReadSince reports whether the account's device was already seen reading its own card for the purpose at or after the
// instant: the owner's own reads are remembered once per device, purpose and quarter of an hour.
func (tx *Tx) OwnReadSince(id card.ID, a identity.Actor, p consent.Purpose, since time.Time) (bool, error) {
	if err := tx.enter(id); err != nil {
		return false, err
	}
	var n int
	_, err := tx.one([]any{&n}, `SELECT count(*) FROM audit_entry WHERE card = ? AND account = ? AND device = ? AND purpose = ? AND at >= ? AND action IN ?`,
		string(id), string(a.Account), string(a.Device), string(p), micros(since), []string{string(audit.Read), string(audit.Sync)})
	return n > 0, err
}

// readsLooked bounds what LastReads looks at: who read nothing in so many entries has not used an access for years.
const readsLooked = 10_000

// LastReads tells the owner when each organisation and each person last read something of the card, by client and by account.
func (tx *Tx) LastReads(p consent.Permit) (map[string]time.Time, error) {
	if err := tx.mayOwn(p); err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	err := tx.each(func(rows *sql.Rows) error {
		var client, account string
		var at time.Time
		if err := rows.Scan(&client, &account, &at); err != nil {
			return err
		}
		for _, who := range []string{client, account} {
			if _, known := last[who]; !known {
				last[who] = at.UTC()
			}
		}
		return nil
	}, `SELECT client, account, at FROM (SELECT client, account, at, action, number FROM audit_entry WHERE card = ? ORDER BY number DESC LIMIT ?) AS newest
		WHERE action IN ? ORDER BY number DESC`, string(p.Card()), readsLooked, []string{string(audit.Read), string(audit.Sync)})
	return last, err
}

// AuditTrail gives who speaks for the patient the entries below the number (0 = from the newest), newest first.
func (tx *Tx) AuditTrail(p consent.Permit, below uint64, limit int) ([]audit.Entry, error) {
	salted, err := tx.SaltedTrail(p, below, limit)
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Entry, len(salted))
	for i, e := range salted {
		entries[i] = e.Entry
	}
	return entries, nil
}

// SaltedTrail is AuditTrail with the salts by which the owner finds his entries in the log.
func (tx *Tx) SaltedTrail(p consent.Permit, below uint64, limit int) ([]audit.Salted, error) {
	if err := tx.mayWatch(p); err != nil {
		return nil, err
	}
	const highest = 1 << 62 // beyond it no database's integers go
	if below == 0 || below > highest {
		below = highest
	}
	rows, err := tx.auditRows("WHERE e.card = ? AND e.number < ? ORDER BY e.number DESC LIMIT ?", string(p.Card()), below, limit)
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Salted, len(rows))
	for i, r := range rows {
		if entries[i], err = tx.openAudit(r); err != nil {
			return nil, errEntryDamaged.Because(err)
		}
	}
	return entries, nil
}

// errEntryDamaged tells the owner himself: it is his line that somebody changed.
var errEntryDamaged = fault.New(fault.Gone, "audit.entry_damaged", "A line of the access log is not what was written: it was damaged, or tampered with.")

// auditRow is an entry as it lies in the table.
type auditRow struct {
	entry  audit.Entry
	kind   string
	sealed []byte
}

// auditRows reads entries: from is what follows the name of the table, which is e.
func (tx *Tx) auditRows(from string, args ...any) (list []auditRow, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r auditRow
		a := &r.entry.Actor
		if err := rows.Scan(&r.entry.Card, &r.entry.Number, &r.entry.At, &r.entry.Action, &r.entry.Purpose, &r.kind, &a.Account, &a.Device, &a.Client, &r.entry.Request, &r.sealed); err != nil {
			return err
		}
		r.entry.At = r.entry.At.UTC()
		list = append(list, r)
		return nil
	}, "SELECT e.card, e.number, e.at, e.action, e.purpose, e.actor_kind, e.account, e.device, e.client, e.request, e.sealed FROM audit_entry AS e "+from, args...)
	return list, err
}

// openAudit opens the sealed part of an entry.
func (tx *Tx) openAudit(r auditRow) (audit.Salted, error) {
	plain, err := tx.openDetail(r)
	if err != nil {
		return audit.Salted{}, err
	}
	var d auditDetail
	if err := json.Unmarshal(plain, &d); err != nil {
		return audit.Salted{}, err
	}
	a := &r.entry.Actor
	a.Kind, a.Organisation, a.Scopes = identity.KindOf(r.kind), d.Organisation, d.Scopes
	a.Person = identity.Person{ID: d.PersonID, Name: d.PersonName, Role: d.PersonRole}
	r.entry.What, r.entry.Representation = d.What, consent.RepresentationID(d.Behalf)
	return audit.Salted{Entry: r.entry, Salt: d.Salt}, nil
}
