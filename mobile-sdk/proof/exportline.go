package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// exportForm is what the first line says that the lines are; app/auditing describes them.
const exportForm = "medcard audit export 1"

// The lines of an export.
const (
	beginLine = "begin"
	entryLine = "entry"
	endLine   = "end"
)

// exportLine is any line, with the fields in the order in which the server writes them.
type exportLine struct {
	Line string `json:"line"`

	Form       string     `json:"form,omitempty"`
	From       *int64     `json:"from,omitempty"`
	To         *int64     `json:"to,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
	Edge       [][]byte   `json:"edge,omitempty"`
	Checkpoint string     `json:"checkpoint,omitempty"`

	Place          *int64       `json:"place,omitempty"`
	Card           string       `json:"card,omitempty"`
	Number         uint64       `json:"number,omitempty"`
	State          string       `json:"state,omitempty"`
	Hash           []byte       `json:"hash,omitempty"`
	At             *time.Time   `json:"at,omitempty"`
	Action         string       `json:"action,omitempty"`
	Purpose        string       `json:"purpose,omitempty"`
	Kind           string       `json:"kind,omitempty"`
	Account        string       `json:"account,omitempty"`
	Device         string       `json:"device,omitempty"`
	Client         string       `json:"client,omitempty"`
	Organisation   string       `json:"organisation,omitempty"`
	Person         string       `json:"person,omitempty"`
	Name           string       `json:"name,omitempty"`
	Role           string       `json:"role,omitempty"`
	Scopes         []string     `json:"scopes,omitempty"`
	What           string       `json:"what,omitempty"`
	Request        string       `json:"request,omitempty"`
	Representation string       `json:"representation,omitempty"`
	Salt           []byte       `json:"salt,omitempty"`
	Order          *exportOrder `json:"order,omitempty"`

	Proof *[][]byte `json:"proof,omitempty"`
}

// exportOrder is the proof that somebody destroyed a card.
type exportOrder struct {
	Place int64    `json:"place"`
	Entry []byte   `json:"entry"`
	Salt  []byte   `json:"salt"`
	Proof [][]byte `json:"proof"`
}

var errLine = errors.New("it is not a line as the server writes it")

// readExportLine takes only the very bytes that the server writes: what a reader of the file sees is then what was hashed, whatever he reads it with.
func readExportLine(text []byte) (l exportLine, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return l, errLine
	}
	again, err := json.Marshal(l)
	if err != nil || !bytes.Equal(again, text) {
		return l, errLine
	}
	return l, nil
}

// entry is what a line says that somebody did.
func (l exportLine) entry() audit.Salted {
	e := audit.Entry{
		Card: card.ID(l.Card), Number: l.Number, Action: audit.Action(l.Action), Purpose: consent.Purpose(l.Purpose), What: l.What, Request: l.Request,
		Representation: consent.RepresentationID(l.Representation),
		Actor: identity.Actor{
			Kind: identity.KindOf(l.Kind), Account: identity.AccountID(l.Account), Device: identity.DeviceID(l.Device), Client: identity.ClientID(l.Client),
			Organisation: l.Organisation, Person: identity.Person{ID: l.Person, Name: l.Name, Role: l.Role}, Scopes: l.Scopes,
		},
	}
	if l.At != nil {
		e.At = *l.At
	}
	return audit.Salted{Entry: e, Salt: l.Salt}
}

// asList reads hashes; one of another length makes the list none.
func asList(list [][]byte) ([]audit.Hash, error) {
	out := make([]audit.Hash, len(list))
	for i, b := range list {
		if len(b) != hashSize {
			return nil, errLine
		}
		out[i] = audit.Hash(b)
	}
	return out, nil
}
