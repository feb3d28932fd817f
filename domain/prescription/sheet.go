package prescription

import (
	"strings"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/identity"
)

// Limits of a sheet.
const (
	MaxItems     = 3   // on any form; the rules of a form may say less
	MaxProtocol  = 40  // bytes of the number of a commission's protocol
	MaxName      = 200 // bytes of a medicine's name
	MaxShortName = 60  // bytes of the prescriber's name
	MaxQuantity  = 100_000
)

// Sheet is what the prescriber wrote.
type Sheet struct {
	Form       Form
	Validity   Validity
	Urgency    Urgency
	Bearer     identity.Bearer
	Clinic     string // OGRN of the clinic, 13 or 15 digits
	Prescriber string // "Петрова А. С.", as printed
	Items      []Item

	// These stand in the card and on paper, never in a code.
	Benefit    Benefit // of a form for beneficiaries, else zero
	Special    bool    // the mark "for a special purpose"
	Commission string  // number of the protocol where a medical commission decided and signed, else empty
}

// Urgency is how fast the pharmacy must serve.
type Urgency uint8

// The urgencies: cito within two working days, statim within one.
const (
	Routine Urgency = iota
	Cito
	Statim
)

// Item is one medicine of a sheet.
type Item struct {
	Code     uint32     // node of the national medicine catalogue, dictionary 1.2.643.5.1.13.13.99.2.611
	Name     string     // international non-proprietary name; read from a code it may be cut short
	Trade    string     // trade name, where a commission decided that no other will do; stands in the card only
	Shape    Shape      // what a unit is: a tablet, a capsule, a millilitre ...
	Strength []Strength // of one unit, one to three active substances in the order of the name
	Quantity int        // units to hand out in all
	Regimen  Regimen
}

// Strength is how much of an active substance is in a unit. Whole numbers only: half a milligram is 500 micrograms.
type Strength struct {
	Amount uint32
	Unit   Unit
}

// Regimen is how the patient takes it.
type Regimen struct {
	Portion uint16 // hundredths of a unit at a time: 50 is half a tablet
	Times   uint8  // a day; 0 = when needed
	Days    uint16 // length of the course; 0 = until the next visit
	Every   uint16 // days between two hand-outs of a long course; 0 = all at once
}

// SameName reports whether a name read from a code, which may be cut short, is that of the dictionary's full name.
func SameName(read, full string) bool {
	return read != "" && strings.HasPrefix(full, read)
}

func text(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' })
}

func digits(s string, lengths ...int) bool {
	right := false
	for _, n := range lengths {
		right = right || len(s) == n
	}
	return right && strings.Trim(s, "0123456789") == "" && s[0] != '0'
}
