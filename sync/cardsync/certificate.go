package cardsync

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/paper"
)

type certificateShape struct {
	Kind       certificate.Kind `json:"kind"`
	Number     string           `json:"number"`
	Bearer     bearerShape      `json:"bearer"`
	Clinic     string           `json:"clinic"`
	Author     string           `json:"author"`
	Text       string           `json:"text"`
	Days       int              `json:"days"`
	IssuedAt   time.Time        `json:"issuedAt"`
	ValidUntil time.Time        `json:"validUntil"`
	Code       string           `json:"qr"`
	Typed      paper.Number     `json:"typed,omitempty"`
}

type certificateStateShape struct {
	State certificate.State `json:"state"`
}

// FromCertificate makes the record that shows a certificate on its patient's phone.
func FromCertificate(c certificate.Certificate, code string) Record {
	s := c.Sheet
	return Record{
		ID: card.RecordID(c.ID), Kind: card.KindCertificate, Scope: card.ScopeOf(card.KindCertificate, card.General), Dated: c.IssuedAt,
		Atoms: map[string]json.RawMessage{
			AtomDocument: plain(certificateShape{
				Kind: s.Kind, Number: s.Number, Bearer: bearerShape(s.Bearer), Clinic: s.Clinic, Author: s.Author, Text: s.Text, Days: s.Days,
				IssuedAt: c.IssuedAt.UTC(), ValidUntil: c.ValidUntil.UTC(), Code: code, Typed: c.Typed,
			}),
			AtomState: plain(certificateStateShape{State: c.State}),
		},
	}
}

// ToCertificate reads a certificate and the text of its QR code from a record's atoms.
func ToCertificate(id card.RecordID, atoms map[string]json.RawMessage) (c certificate.Certificate, code string, err error) {
	var d certificateShape
	var s certificateStateShape
	if json.Unmarshal(atoms[AtomDocument], &d) != nil || json.Unmarshal(atoms[AtomState], &s) != nil {
		return c, "", fmt.Errorf("%w: a certificate", ErrShape)
	}
	return certificate.Certificate{
		ID: certificate.ID(id), Typed: d.Typed, IssuedAt: d.IssuedAt, ValidUntil: d.ValidUntil, State: s.State,
		Sheet: certificate.Sheet{
			Kind: d.Kind, Number: d.Number, Bearer: identity.Bearer(d.Bearer), Clinic: d.Clinic, Author: d.Author, Text: d.Text, Days: d.Days,
		},
	}, d.Code, nil
}
