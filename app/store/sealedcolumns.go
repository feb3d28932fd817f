package store

import (
	"fmt"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/prescription"
)

// sealedColumn is one in which the work of the cards' data keys stands. All of them are here: what is missing is lost when a card gets another key.
type sealedColumn struct {
	table, column string
	keys          []string               // the columns by which a row is found among those of its card
	place         func(row []any) string // the place that is bound in, from those
	but           string                 // a condition for rows that are wrapped, and not sealed; "" = none
}

// sealedRow is one value of such a column.
type sealedRow struct {
	keys   []any
	sealed []byte
}

var sealedColumns = []sealedColumn{
	{table: "record", column: "sealed", keys: []string{"id", "seq"}, place: func(row []any) string { return recordPlace(text(row[0]), number(row[1])) }},
	{table: "record_version", column: "sealed", keys: []string{"id", "seq"}, place: func(row []any) string { return recordPlace(text(row[0]), number(row[1])) }},
	{table: "card_scope", column: "sum", keys: []string{"scope"}, place: func(row []any) string { return sumPlace(text(row[0])) }},
	{table: "attachment_upload", column: "sealed", keys: []string{"name", "author"}, place: func(row []any) string { return uploadPlace(octets(row[0]), text(row[1])) }},
	{table: "attachment_piece", column: "sealed", keys: []string{"name", "author", "number"}, place: func(row []any) string {
		return piecePlace(octets(row[0]), int64(number(row[2]))) // #nosec G115 -- numbers count from 0
	}},
	{table: "posting", column: "sealed", keys: []string{"client", "key_hash", "version"}, place: func(row []any) string {
		return postingPlace(identity.ClientID(text(row[0])), octets(row[1]), int(number(row[2]))) // #nosec G115 -- versions count from 1
	}},
	{table: "patient_key", column: "born", keys: []string{"hash"}, place: func(row []any) string { return patientPlace(octets(row[0])) }},
	{table: "prescription", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return paperPlace(card.KindPrescription, text(row[0])) }},
	{table: "referral", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return paperPlace(card.KindReferral, text(row[0])) }},
	{table: "certificate", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return paperPlace(card.KindCertificate, text(row[0])) }},
	{table: "dispensing_answer", column: "sealed", keys: []string{"prescription", "client", "key_hash"}, place: func(row []any) string {
		return answerPlace(prescription.ID(text(row[0])), identity.ClientID(text(row[1])), digest(row[2]))
	}},
	{table: "reminder", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return reminderPlace(notice.ID(text(row[0]))) }},
	{table: "emergency", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return emergencyPlace(consent.GrantID(text(row[0]))) }},
	{table: "representation", column: "sealed", keys: []string{"id"}, place: func(row []any) string { return representationPlace(consent.RepresentationID(text(row[0]))) }},
	{table: "audit_entry", column: "sealed", keys: []string{"number"}, place: func(row []any) string { return auditPlace(number(row[0])) }, but: "action = '" + string(audit.Shred) + "'"},
}

// notBy is the condition that the column's value was sealed with any but the key of the name, which is not the card's first; or, of that one, that
// it was sealed with a later one.
func (c sealedColumn) notBy(name uint32) (condition string, args []any) {
	begins, is := prefix(name), "<>"
	if name == firstKey {
		begins, is = []byte(sealedBy), "="
	}
	condition = fmt.Sprintf("substr(%s, 1, %d) %s ?", c.column, len(begins), is) // NULL is neither
	if c.but != "" {
		condition += " AND NOT (" + c.but + ")"
	}
	return condition, []any{begins}
}

// A database's driver gives what it holds in types of its own: those below are what keys of rows are.

func text(key any) string {
	if b, ok := key.([]byte); ok {
		return string(b)
	}
	s, _ := key.(string)
	return s
}

func octets(key any) []byte {
	b, _ := key.([]byte)
	return b
}

func digest(key any) (d prescription.Digest) {
	copy(d[:], octets(key))
	return d
}

func number(key any) uint64 {
	n, _ := key.(int64)
	return uint64(n) // #nosec G115 -- keys count up from 0
}
