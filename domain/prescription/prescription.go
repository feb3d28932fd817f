package prescription

import (
	"encoding/hex"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/paper"
)

// ID names a prescription in the card. It is a UUID in canonical text form.
type ID string

// Token is what the code carries instead of the ID: 16 random bytes that lead a pharmacy to the prescription and say nothing else.
type Token [16]byte

// String writes the token as 32 hexadecimal digits.
func (t Token) String() string { return hex.EncodeToString(t[:]) }

// Prescription is a sheet that was issued.
type Prescription struct {
	ID         ID
	Card       card.ID
	Token      Token
	Number     paper.Number // typed where no code can be read; "" = one that was issued before there were numbers
	Sheet      Sheet
	IssuedAt   time.Time
	ValidUntil time.Time // the last second
	Course     Course
}

// Issue makes a prescription of a sheet, or says what is wrong with the sheet. The zone is the clinic's: its days count.
func Issue(id ID, of card.ID, token Token, sheet Sheet, now time.Time, zone *time.Location) (Prescription, error) {
	if err := sheet.Check(now); err != nil {
		return Prescription{}, err
	}
	// Codes carry whole seconds: so does the prescription, or the two would differ.
	now = now.UTC().Truncate(time.Second)
	until := sheet.Validity.Until(now, zone)
	return Prescription{
		ID: id, Card: of, Token: token, Sheet: sheet, IssuedAt: now, ValidUntil: until,
		Course: newCourse(sheet.Items, until),
	}, nil
}
