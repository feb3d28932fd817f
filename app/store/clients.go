package store

import (
	"database/sql"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// kindNames are how kinds of clients stand in the database.
var kindNames = map[string]identity.ActorKind{
	identity.Clinic.String(): identity.Clinic, identity.Pharmacy.String(): identity.Pharmacy, identity.Auditor.String(): identity.Auditor,
	identity.Reviewer.String(): identity.Reviewer, identity.Insurer.String(): identity.Insurer,
}

const clientColumns = "id, kind, name, ogrn, scopes, jwks, policies, added_at, revoked_at"

// AddClient keeps an organisation.
func (tx *Tx) AddClient(c identity.Client) error {
	_, err := tx.exec("INSERT INTO oauth_client (id, kind, name, ogrn, scopes, jwks, policies, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		string(c.ID), c.Kind.String(), c.Name, string(c.OGRN), strings.Join(c.Scopes, " "), c.Keys, strings.Join(c.Policies, " "), micros(c.Added))
	return err
}

// Client finds an organisation, revoked ones too.
func (tx *Tx) Client(id identity.ClientID) (identity.Client, bool, error) {
	var c clientRow
	found, err := tx.one(c.places(), "SELECT "+clientColumns+" FROM oauth_client WHERE id = ?", string(id))
	if err != nil || !found {
		return identity.Client{}, false, err
	}
	return c.client(), true, nil
}

// Organisation gives the display name of a client that may be let in; found is false for any other.
func (tx *Tx) Organisation(id identity.ClientID) (name string, found bool, err error) {
	found, err = tx.one([]any{&name}, "SELECT name FROM oauth_client WHERE id = ? AND revoked_at IS NULL", string(id))
	return name, found, err
}

// Insurers lists the insurers that are connected, in the order in which they came.
func (tx *Tx) Insurers() ([]identity.Client, error) {
	return tx.clients("kind = ? AND revoked_at IS NULL", identity.Insurer.String())
}

// Clients lists all organisations in the order in which they came.
func (tx *Tx) Clients() ([]identity.Client, error) { return tx.clients("1 = 1") }

func (tx *Tx) clients(which string, args ...any) ([]identity.Client, error) {
	var list []identity.Client
	err := tx.each(func(rows *sql.Rows) error {
		var c clientRow
		if err := rows.Scan(c.places()...); err != nil {
			return err
		}
		list = append(list, c.client())
		return nil
	}, "SELECT "+clientColumns+" FROM oauth_client WHERE "+which+" ORDER BY added_at, id", args...)
	return list, err
}

// RevokeClient gives false when there is no such client that is not revoked.
func (tx *Tx) RevokeClient(id identity.ClientID, now time.Time) (bool, error) {
	n, err := tx.exec("UPDATE oauth_client SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", micros(now), string(id))
	return n > 0, err
}

// SpendAssertion remembers the id of an assertion, and gives false when it was seen before.
func (tx *Tx) SpendAssertion(id identity.ClientID, jti []byte, ends time.Time) (bool, error) {
	n, err := tx.exec("INSERT INTO oauth_assertion (client, jti, ends_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", string(id), jti, micros(ends))
	return n > 0, err
}

// ForgetAssertions deletes the ids of assertions that ended before the instant.
func (tx *Tx) ForgetAssertions(before time.Time) error {
	_, err := tx.exec("DELETE FROM oauth_assertion WHERE ends_at < ?", micros(before))
	return err
}

type clientRow struct {
	c                      identity.Client
	kind, scopes, policies string
	revoked                sql.NullTime
}

func (r *clientRow) places() []any {
	return []any{&r.c.ID, &r.kind, &r.c.Name, &r.c.OGRN, &r.scopes, &r.c.Keys, &r.policies, &r.c.Added, &r.revoked}
}

func (r *clientRow) client() identity.Client {
	c := r.c
	c.Kind, c.Scopes, c.Policies, c.Added, c.Revoked = kindNames[r.kind], strings.Fields(r.scopes), strings.Fields(r.policies), c.Added.UTC(), fromNull(r.revoked)
	return c
}
