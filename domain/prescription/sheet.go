package prescription

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Limits of a sheet.
const (
	MaxItems     = 3   // the electronic form holds one to three medicines
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

// Check reports everything that is wrong with the sheet on the day it is written, or nil. The fault names places and never repeats
// what was written there.
func (s Sheet) Check(at time.Time) error {
	wrong := ErrSheet
	rules, known := RulesOn(s.Form, at)
	switch {
	case !known:
		wrong = wrong.At("form", "is no form in force on that day")
	case !rules.Allows(s.Validity):
		wrong = wrong.At("validity", "is not allowed for this form")
	}
	if s.Urgency > Statim {
		wrong = wrong.At("urgency", "is unknown")
	}
	if !s.Bearer.Valid() {
		wrong = wrong.At("patient", "needs initials and a year of birth")
	}
	if !digits(s.Clinic, 13, 15) {
		wrong = wrong.At("clinic", "needs an OGRN of 13 or 15 digits")
	}
	if !text(s.Prescriber, MaxShortName) {
		wrong = wrong.At("prescriber", "needs a name of at most 60 bytes")
	}
	if len(s.Items) < 1 || len(s.Items) > MaxItems {
		wrong = wrong.At("items", "needs one to three medicines")
	}
	for i, item := range s.Items {
		for _, f := range item.wrong() {
			wrong = wrong.At(fmt.Sprintf("items[%d].%s", i, f.Where), f.Why)
		}
		// A year's prescription is legal only with a period between hand-outs.
		if s.Validity == UpToYear && item.Regimen.Every == 0 {
			wrong = wrong.At(fmt.Sprintf("items[%d].regimen.every", i), "a prescription for up to a year needs days between hand-outs")
		}
	}
	if len(wrong.Fields) == 0 {
		return nil
	}
	return wrong
}

func (i Item) wrong() (fields []fault.Field) {
	add := func(bad bool, where, why string) {
		if bad {
			fields = append(fields, fault.Field{Where: where, Why: why})
		}
	}
	add(i.Code == 0, "code", "is missing")
	add(!text(i.Name, MaxName), "name", "needs at most 200 bytes of text")
	add(!i.Shape.Known(), "shape", "is unknown")
	add(len(i.Strength) < 1 || len(i.Strength) > 3, "strength", "needs one to three amounts")
	for n, s := range i.Strength {
		add(s.Amount == 0 || !s.Unit.Known(), fmt.Sprintf("strength[%d]", n), "needs an amount and a known unit")
	}
	add(i.Quantity < 1 || i.Quantity > MaxQuantity, "quantity", "is out of range")
	add(i.Regimen.Portion == 0, "regimen.portion", "is missing")
	return fields
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
