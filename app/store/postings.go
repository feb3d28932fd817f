package store

import (
	"bytes"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
)

// postingRow is the table posting; sealed holds the resource as it came.
type postingRow struct {
	Card     string  `gorm:"column:card;primaryKey"`
	Client   string  `gorm:"column:client;primaryKey"`
	KeyHash  []byte  `gorm:"column:key_hash;primaryKey"`
	Version  int     `gorm:"column:version;primaryKey"`
	Type     string  `gorm:"column:type"`
	Record   string  `gorm:"column:record"`
	Digest   []byte  `gorm:"column:digest"`
	PostedAt instant `gorm:"column:posted_at"`
	Sealed   []byte  `gorm:"column:sealed"`
}

func (postingRow) TableName() string { return "posting" }

func postingPlace(client identity.ClientID, keyHash []byte, version int) string {
	return fmt.Sprintf("posting|sealed|%s|%x|%d", client, keyHash, version)
}

// keyHash is under what a posted resource is found. Names may hold numbers of documents, so they are not kept.
func (tx *Tx) keyHash(k posting.Key) []byte { return tx.db.keys.Hash("posting", k.Type+"|"+k.Name) }

// digestHash keeps whoever reads the table from trying out what a resource might say.
func (tx *Tx) digestHash(d posting.Digest) []byte { return tx.db.keys.Hash("digest", string(d[:])) }

// Known answers, in the order of the questions, what the card holds of what the client posted.
func (tx *Tx) Known(p consent.Permit, client identity.ClientID, questions []posting.Question) ([]posting.Known, error) {
	if err := tx.mayPost(p); err != nil {
		return nil, err
	}
	type held struct {
		known  posting.Known
		digest []byte
	}
	hashes := make([][]byte, len(questions))
	for i, q := range questions {
		hashes[i] = tx.keyHash(q.Key)
	}
	newest := map[string]held{}
	for chunk := range chunks(hashes, 500) {
		err := tx.each(func(rows *sql.Rows) error {
			var hash []byte
			var h held
			if err := rows.Scan(&hash, &h.known.Version, &h.known.Record, &h.digest); err != nil {
				return err
			}
			if h.known.Version > newest[string(hash)].known.Version {
				newest[string(hash)] = h
			}
			return nil
		}, "SELECT key_hash, version, record, digest FROM posting WHERE card = ? AND client = ? AND key_hash IN ?", string(p.Card()), string(client), chunk)
		if err != nil {
			return nil, err
		}
	}
	answers := make([]posting.Known, len(questions))
	for i, q := range questions {
		h := newest[string(hashes[i])]
		answers[i] = h.known
		answers[i].Same = h.known.Version > 0 && bytes.Equal(h.digest, tx.digestHash(q.Digest))
	}
	return answers, nil
}

// Keep adds versions of what the client posted.
func (tx *Tx) Keep(p consent.Permit, client identity.ClientID, postings []posting.Posting) error {
	if err := tx.mayPost(p); err != nil {
		return err
	}
	for chunk := range chunks(postings, 200) {
		rows := make([]postingRow, len(chunk))
		for i, post := range chunk {
			hash := tx.keyHash(post.Key)
			sealed, err := tx.seal(p.Card(), postingPlace(client, hash, post.Version), post.Body)
			if err != nil {
				return err
			}
			rows[i] = postingRow{
				Card: string(p.Card()), Client: string(client), KeyHash: hash, Version: post.Version, Type: post.Key.Type, Record: string(post.Record),
				Digest: tx.digestHash(post.Digest), PostedAt: instant(post.At), Sealed: sealed,
			}
		}
		if err := tx.g.Create(&rows).Error; err != nil {
			return err
		}
	}
	return nil
}

// AsPosted gives the resource behind a record as it came, in its newest version: what a card's export hands out, and what a dispute
// about a mapped fact is settled by.
func (tx *Tx) AsPosted(p consent.Permit, id card.RecordID) (body []byte, found bool, err error) {
	if sees, err := tx.Sees(p, id); err != nil || !sees {
		return nil, false, err
	}
	var client identity.ClientID
	var hash, sealed []byte
	var version int
	found, err = tx.one([]any{&client, &hash, &version, &sealed},
		"SELECT client, key_hash, version, sealed FROM posting WHERE card = ? AND record = ? ORDER BY version DESC LIMIT 1", string(p.Card()), string(id))
	if err != nil || !found {
		return nil, false, err
	}
	body, err = tx.open(p.Card(), postingPlace(client, hash, version), sealed)
	return body, err == nil, err
}

// Labels tells under which labels records of the card stand, to somebody who writes them: what belongs to a secret visit is secret, too.
func (tx *Tx) Labels(p consent.Permit, ids []card.RecordID) (map[card.RecordID]string, error) {
	if err := tx.mayPost(p); err != nil {
		return nil, err
	}
	labels := map[card.RecordID]string{}
	for chunk := range chunks(ids, 500) {
		names := make([]string, len(chunk))
		for i, id := range chunk {
			names[i] = string(id)
		}
		condition, list := tx.among("id", names)
		if err := tx.each(func(rows *sql.Rows) error {
			var id card.RecordID
			var scope card.Scope
			err := rows.Scan(&id, &scope)
			labels[id] = scope.Show().Label()
			return err
		}, "SELECT id, scope FROM record WHERE card = ? AND "+condition, string(p.Card()), list); err != nil {
			return nil, err
		}
	}
	return labels, nil
}

// mayPost asks for a permit that writes, of this transaction.
func (tx *Tx) mayPost(p consent.Permit) error { return tx.mayWrite(p, p.Card(), postedScope) }

// postedScope stands for what is kept as posted: who writes it needs the right to write any kind.
var postedScope = card.ScopeOf("posting", card.General)

// CardsOfPatient finds every card that one of the numbers or names leads to. It is a directory look-up: it tells no more than the
// day of birth that the look-up is checked against.
func (tx *Tx) CardsOfPatient(who posting.Introduction) ([]posting.Match, error) {
	keys := tx.patientKeys(who)
	hashes := make([][]byte, len(keys))
	for i, k := range keys {
		hashes[i] = k.hash
	}
	type row struct {
		match posting.Match
		hash  []byte
		born  []byte
	}
	var found []row
	if err := tx.each(func(rows *sql.Rows) error {
		var r row
		err := rows.Scan(&r.hash, &r.match.By, &r.match.Card, &r.born)
		found = append(found, r)
		return err
	}, "SELECT hash, system, card, born FROM patient_key WHERE hash IN ? ORDER BY card", hashes); err != nil {
		return nil, err
	}
	matches := make([]posting.Match, len(found))
	for i, r := range found {
		matches[i] = r.match
		if r.born != nil {
			born, err := tx.open(r.match.Card, patientPlace(r.hash), r.born)
			if err != nil {
				return nil, err
			}
			matches[i].Born = card.Date(born)
		}
	}
	return matches, nil
}

// Introduce writes down by what the card is found again, and the day of birth as precisely as anybody told it.
func (tx *Tx) Introduce(p consent.Permit, who posting.Introduction) error {
	if err := tx.mayPost(p); err != nil {
		return err
	}
	have := map[string]string{} // hash -> system
	others := map[string]bool{} // registers of which the card has a number
	if err := tx.each(func(rows *sql.Rows) error {
		var hash []byte
		var system string
		err := rows.Scan(&hash, &system)
		have[string(hash)] = system
		others[system] = system != ""
		return err
	}, "SELECT hash, system FROM patient_key WHERE card = ?", string(p.Card())); err != nil {
		return err
	}
	for _, k := range tx.patientKeys(who) {
		_, known := have[string(k.hash)]
		if !known && others[k.system] {
			return posting.ErrOther
		}
		var born []byte
		if who.Born != "" {
			var err error
			if born, err = tx.seal(p.Card(), patientPlace(k.hash), []byte(who.Born)); err != nil {
				return err
			}
		}
		if known {
			if err := tx.refineBirth(p.Card(), k.hash, born, who.Born); err != nil {
				return err
			}
			continue
		}
		n, err := tx.exec("INSERT INTO patient_key (hash, system, card, born) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", k.hash, k.system, string(p.Card()), born)
		if err != nil {
			return err
		}
		if n == 0 {
			return posting.ErrTaken
		}
		others[k.system] = k.system != ""
	}
	return nil
}

// refineBirth replaces a birth date that is unknown or less precise.
func (tx *Tx) refineBirth(id card.ID, hash, sealed []byte, born card.Date) error {
	if born == "" {
		return nil
	}
	var old []byte
	if _, err := tx.one([]any{&old}, "SELECT born FROM patient_key WHERE hash = ?", hash); err != nil {
		return err
	}
	if old != nil {
		plain, err := tx.open(id, patientPlace(hash), old)
		if err != nil || card.Date(plain).Precision() >= born.Precision() {
			return err
		}
	}
	_, err := tx.exec("UPDATE patient_key SET born = ? WHERE hash = ?", sealed, hash)
	return err
}

func patientPlace(hash []byte) string { return "patient_key|born|" + hex.EncodeToString(hash) }

type patientKey struct {
	hash   []byte
	system string
}

// patientKeys gives each number and name once, in one order for everybody: two that introduce the same patient at once wait for
// each other at the first key, and not crosswise.
func (tx *Tx) patientKeys(who posting.Introduction) []patientKey {
	var keys []patientKey
	add := func(hash []byte, system string) {
		if !slices.ContainsFunc(keys, func(k patientKey) bool { return bytes.Equal(k.hash, hash) }) {
			keys = append(keys, patientKey{hash, system})
		}
	}
	for _, n := range who.Numbers {
		add(tx.db.keys.Hash("number", n.System+"|"+n.Value), n.System)
	}
	for _, name := range who.Names {
		add(tx.db.keys.Hash("patient", string(who.Client)+"|"+name), "")
	}
	slices.SortFunc(keys, func(a, b patientKey) int { return bytes.Compare(a.hash, b.hash) })
	return keys
}
