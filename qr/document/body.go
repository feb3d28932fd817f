package document

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
)

// What can be wrong.
var (
	ErrBody      = errors.New("document: not the body of this kind of document")
	ErrTooLong   = errors.New("document: does not fit a readable code; split it into two documents")
	ErrTokenOnly = errors.New("document: a controlled prescription has no code but its token")
)

const (
	maxName = 60 // bytes of a name in a code
	minName = 16 // fewer do not tell one medicine from another: eight Cyrillic letters
)

type bearer struct {
	_        struct{} `cbor:",toarray"`
	Initials string
	Year     uint16
}

type prescriptionBody struct {
	_          struct{} `cbor:",toarray"`
	Form       uint8
	Validity   uint8
	Urgency    uint8
	Bearer     bearer
	Clinic     uint64
	Prescriber string
	Items      []item
}

type item struct {
	_        struct{} `cbor:",toarray"`
	Code     uint32
	Name     string
	Shape    uint8
	Strength []uint32 // amount, unit, amount, unit ...
	Quantity uint32
	Regimen  [4]uint16 // portion, times, days, every
}

type referralBody struct {
	_         struct{} `cbor:",toarray"`
	Kind      uint8
	Care      uint8
	Bearer    bearer
	Clinic    uint64
	Target    uint64
	Specialty uint16
	Purpose   string
	Referrer  string
}

// forms are the numbers of the forms in a code. They never change.
var forms = map[prescription.Form]uint8{
	prescription.Ordinary: 1, prescription.Accounted: 2, prescription.Preferential: 3, prescription.Narcotic: 4,
}

func packPrescription(s prescription.Sheet, c cuts) (prescriptionBody, error) {
	clinic, err := packOGRN(s.Clinic)
	if err != nil {
		return prescriptionBody{}, err
	}
	body := prescriptionBody{
		Form: forms[s.Form], Validity: uint8(s.Validity), Urgency: uint8(s.Urgency), Bearer: packBearer(s.Bearer),
		Clinic: clinic, Prescriber: cut(s.Prescriber, c.author),
	}
	for _, i := range s.Items {
		packed := item{
			Code: i.Code, Name: cut(i.Name, c.name), Shape: uint8(i.Shape), Quantity: uint32(i.Quantity),
			Regimen: [4]uint16{i.Regimen.Portion, uint16(i.Regimen.Times), i.Regimen.Days, i.Regimen.Every},
		}
		for _, strength := range i.Strength {
			packed.Strength = append(packed.Strength, strength.Amount, uint32(strength.Unit))
		}
		body.Items = append(body.Items, packed)
	}
	return body, nil
}

func (b prescriptionBody) unpack() (prescription.Sheet, error) {
	sheet := prescription.Sheet{
		Validity: prescription.Validity(b.Validity), Urgency: prescription.Urgency(b.Urgency), Bearer: b.Bearer.unpack(),
		Clinic: unpackOGRN(b.Clinic), Prescriber: b.Prescriber,
	}
	for form, number := range forms {
		if number == b.Form {
			sheet.Form = form
		}
	}
	if sheet.Form == "" || len(b.Items) < 1 || len(b.Items) > prescription.MaxItems {
		return prescription.Sheet{}, ErrBody
	}
	for _, i := range b.Items {
		item := prescription.Item{
			Code: i.Code, Name: i.Name, Shape: prescription.Shape(i.Shape), Quantity: int(i.Quantity),
			Regimen: prescription.Regimen{Portion: i.Regimen[0], Times: uint8(min(i.Regimen[1], 255)), Days: i.Regimen[2], Every: i.Regimen[3]},
		}
		if len(i.Name) > maxName || !item.Shape.Known() || len(i.Strength) < 2 || len(i.Strength) > 6 || len(i.Strength)%2 != 0 ||
			i.Quantity < 1 || i.Quantity > prescription.MaxQuantity || i.Regimen[1] > 255 {
			return prescription.Sheet{}, ErrBody
		}
		for n := 0; n < len(i.Strength); n += 2 {
			unit := i.Strength[n+1]
			if unit > 255 || !prescription.Unit(unit).Known() {
				return prescription.Sheet{}, ErrBody
			}
			item.Strength = append(item.Strength, prescription.Strength{Amount: i.Strength[n], Unit: prescription.Unit(unit)})
		}
		sheet.Items = append(sheet.Items, item)
	}
	return sheet, nil
}

func packReferral(s referral.Sheet, c cuts) (referralBody, error) {
	clinic, err := packOGRN(s.Clinic)
	if err != nil {
		return referralBody{}, err
	}
	target, err := packOGRN(s.Target)
	if err != nil {
		return referralBody{}, err
	}
	return referralBody{
		Kind: uint8(s.Kind), Care: uint8(s.Care), Bearer: packBearer(s.Bearer), Clinic: clinic, Target: target, Specialty: s.Specialty,
		Purpose: cut(s.Purpose, c.name), Referrer: cut(s.Referrer, c.author),
	}, nil
}

func (b referralBody) unpack() referral.Sheet {
	return referral.Sheet{
		Kind: referral.Kind(b.Kind), Care: referral.Care(b.Care), Bearer: b.Bearer.unpack(), Clinic: unpackOGRN(b.Clinic),
		Target: unpackOGRN(b.Target), Specialty: b.Specialty, Purpose: b.Purpose, Referrer: b.Referrer,
	}
}

func packBearer(b identity.Bearer) bearer {
	return bearer{Initials: b.Initials, Year: uint16(b.BirthYear)}
}

func (b bearer) unpack() identity.Bearer {
	return identity.Bearer{Initials: b.Initials, BirthYear: int(b.Year)}
}

// packOGRN writes the number as an integer: nine bytes instead of fourteen. It never begins with a zero.
func packOGRN(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: an OGRN is a number", ErrBody)
	}
	return n, nil
}

func unpackOGRN(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// cut shortens a text to at most limit bytes and never within a character.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// cuts says how many bytes the texts of a body may have.
type cuts struct{ author, name int }

// fit encodes with texts as long as the room allows. The author's name is cut first, then left out: it stands on the paper and is
// nobody's safety. Only then names of medicines and purposes are cut, by single bytes: names differ, so no formula knows which cut
// frees how much.
func fit[B any](room int, pack func(cuts) (B, error)) ([]byte, error) {
	var ladder []cuts
	for _, author := range []int{40, 24, 16, 0} {
		ladder = append(ladder, cuts{author, maxName})
	}
	for name := maxName - 1; name >= minName; name-- {
		ladder = append(ladder, cuts{0, name})
	}
	for _, step := range ladder {
		body, err := pack(step)
		if err != nil {
			return nil, err
		}
		encoded, err := encoding.Marshal(body)
		if err != nil {
			return nil, err
		}
		if len(encoded) <= room {
			return encoded, nil
		}
	}
	return nil, ErrTooLong
}

var encoding = must(cbor.CoreDetEncOptions().EncMode())

var strict = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	IndefLength:      cbor.IndefLengthForbidden,
	TagsMd:           cbor.TagsForbidden,
	MaxNestedLevels:  4,
	MaxArrayElements: 16,
	MaxMapPairs:      16,
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

func unmarshal(data []byte, body any) error {
	if err := strict.Unmarshal(data, body); err != nil {
		return ErrBody // the decoder's text may quote the input
	}
	// What the decoder lets pass (null for an array, a number written long) does not encode to the same bytes again.
	if again, err := encoding.Marshal(body); err != nil || !bytes.Equal(again, data) {
		return ErrBody
	}
	return nil
}
