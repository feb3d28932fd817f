package store

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
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
}

// AppendAudit writes an entry under the card's next number. It needs no permit: to be remembered is never refused.
func (tx *Tx) AppendAudit(e audit.Entry) error {
	var number uint64
	found, err := tx.one([]any{&number}, "UPDATE card SET audit_count = audit_count + 1 WHERE id = ? RETURNING audit_count", string(e.Card))
	if err != nil {
		return err
	}
	if !found {
		return errNoCard
	}
	detail, err := json.Marshal(auditDetail{
		Organisation: e.Actor.Organisation, PersonID: e.Actor.Person.ID, PersonName: e.Actor.Person.Name, PersonRole: e.Actor.Person.Role,
		What: e.What, Scopes: e.Actor.Scopes,
	})
	if err != nil {
		return err
	}
	sealed, err := tx.seal(e.Card, auditPlace(number), detail)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO audit_entry (card, number, at, action, purpose, actor_kind, account, device, client, request, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(e.Card), number, micros(e.At), string(e.Action), string(e.Purpose), e.Actor.Kind.String(),
		string(e.Actor.Account), string(e.Actor.Device), string(e.Actor.Client), e.Request, sealed)
	return err
}

func auditPlace(number uint64) string { return fmt.Sprintf("audit_entry|sealed|%d", number) }

// OwnReadSince reports whether the account's device was already seen reading its own card for the purpose at or after the
// instant: the owner's own reads are remembered once per device, purpose and quarter of an hour.
func (tx *Tx) OwnReadSince(id card.ID, a identity.Actor, p consent.Purpose, since time.Time) (bool, error) {
	var n int
	_, err := tx.one([]any{&n}, `SELECT count(*) FROM audit_entry WHERE card = ? AND account = ? AND device = ? AND purpose = ? AND at >= ? AND action IN ?`,
		string(id), string(a.Account), string(a.Device), string(p), micros(since), []string{string(audit.Read), string(audit.Sync)})
	return n > 0, err
}

// AuditTrail gives the owner the entries below the number (0 = from the newest), newest first.
func (tx *Tx) AuditTrail(p consent.Permit, below uint64, limit int) ([]audit.Entry, error) {
	if err := tx.mayRead(p, p.Card()); err != nil || !p.Owner() {
		return nil, ErrForeignPermit
	}
	const highest = 1 << 62 // beyond it no database's integers go
	if below == 0 || below > highest {
		below = highest
	}
	type row struct {
		entry  audit.Entry
		kind   string
		sealed []byte
	}
	var list []row
	err := tx.each(func(rows *sql.Rows) error {
		r := row{entry: audit.Entry{Card: p.Card()}}
		a := &r.entry.Actor
		if err := rows.Scan(&r.entry.Number, &r.entry.At, &r.entry.Action, &r.entry.Purpose, &r.kind, &a.Account, &a.Device, &a.Client, &r.entry.Request, &r.sealed); err != nil {
			return err
		}
		r.entry.At = r.entry.At.UTC()
		list = append(list, r)
		return nil
	}, `SELECT number, at, action, purpose, actor_kind, account, device, client, request, sealed
		FROM audit_entry WHERE card = ? AND number < ? ORDER BY number DESC LIMIT ?`, string(p.Card()), below, limit)
	if err != nil {
		return nil, err
	}
	entries := make([]audit.Entry, 0, len(list))
	for _, r := range list {
		plain, err := tx.open(p.Card(), auditPlace(r.entry.Number), r.sealed)
		if err != nil {
			return nil, err
		}
		var d auditDetail
		if err := json.Unmarshal(plain, &d); err != nil {
			return nil, err
		}
		a := &r.entry.Actor
		a.Kind, a.Organisation, a.Scopes = actorKind(r.kind), d.Organisation, d.Scopes
		a.Person = identity.Person{ID: d.PersonID, Name: d.PersonName, Role: d.PersonRole}
		r.entry.What = d.What
		entries = append(entries, r.entry)
	}
	return entries, nil
}

func actorKind(word string) identity.ActorKind {
	for k := identity.Nobody; k <= identity.System; k++ {
		if k.String() == word {
			return k
		}
	}
	return identity.Nobody
}
