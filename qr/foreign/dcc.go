package foreign

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dcc is the content of an EU Digital COVID Certificate (schema 1.x). Lists that are not used may be missing, empty or null.
type dcc struct {
	Version string `cbor:"ver"`
	Name    struct {
		Family  string `cbor:"fn"`
		Given   string `cbor:"gn"`
		FamilyT string `cbor:"fnt"` // as in the machine-readable zone of a passport
		GivenT  string `cbor:"gnt"`
	} `cbor:"nam"`
	Born       any              `cbor:"dob"`
	Vaccinated []map[string]any `cbor:"v"`
	Tested     []map[string]any `cbor:"t"`
	Recovered  []map[string]any `cbor:"r"`
}

// entry says which fields a statement has: their names there and here, and which it must have.
type entry struct {
	key, name string
	needed    bool
}

var (
	everywhere = []entry{{"tg", "disease", true}, {"co", "country", true}, {"is", "issuedBy", true}, {"ci", "certificateId", true}}
	vaccineHas = append([]entry{
		{"vp", "prophylaxis", true}, {"mp", "product", true}, {"ma", "manufacturer", true}, {"dn", "dose", true}, {"sd", "ofDoses", true}, {"dt", "date", true},
	}, everywhere...)
	testHas = append([]entry{
		{"tt", "testType", true}, {"nm", "testName", false}, {"ma", "testDevice", false}, {"sc", "takenAt", true}, {"dr", "resultAt", false}, {"tr", "result", true}, {"tc", "place", false},
	}, everywhere...)
	recoveryHas = append([]entry{
		{"fr", "firstPositive", true}, {"df", "validFrom", true}, {"du", "validUntil", true},
	}, everywhere...)
)

// describe fills a certificate and reports whether it says what such a one must say: a name, a date of birth, one statement.
func (d dcc) describe(c *Certificate) bool {
	c.Holder = strings.TrimSpace(shown(d.Name.Given) + " " + shown(d.Name.Family))
	if c.Holder == "" {
		c.Holder = strings.TrimSpace(shown(d.Name.GivenT) + " " + shown(d.Name.FamilyT))
	}
	born, _ := value(d.Born)              // empty where nobody knows
	c.Born, _, _ = strings.Cut(born, "T") // some write midnight behind the date
	fits := d.Version != "" && c.Holder != "" && d.Born != nil
	for _, list := range []struct {
		what What
		of   []map[string]any
		has  []entry
	}{{Vaccination, d.Vaccinated, vaccineHas}, {Test, d.Tested, testHas}, {Recovery, d.Recovered, recoveryHas}} {
		for _, item := range list.of {
			s := Statement{What: list.what, Fields: []Field{}}
			for _, e := range list.has {
				text, there := value(item[e.key])
				if there {
					s.Fields = append(s.Fields, Field{e.name, text})
				}
				fits = fits && (there || !e.needed)
			}
			c.Statements = append(c.Statements, s)
		}
	}
	if len(c.Statements) > maxStatements {
		c.Statements = c.Statements[:maxStatements]
	}
	if c.Issuer == "" && len(c.Statements) > 0 {
		for _, f := range c.Statements[0].Fields {
			if f.Name == "country" {
				c.Issuer = f.Value
			}
		}
	}
	return fits && len(c.Statements) == 1
}

const (
	maxStatements = 16
	maxShown      = 200 // bytes of a value
)

// value writes what stands in a field; empty texts and null count as nothing.
func value(v any) (text string, there bool) {
	switch v := v.(type) {
	case string:
		text = shown(v)
	case uint64, int64:
		text = fmt.Sprint(v)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		text = strconv.FormatBool(v)
	case time.Time:
		text = v.UTC().Format(time.RFC3339)
	}
	return text, text != ""
}

// shown is a text that can be shown: one line, of bounded length, and no sign that turns the direction of writing around.
func shown(text string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfffd:
			return -1
		}
		return r
	}, text)
	for len(clean) > maxShown {
		clean = clean[:maxShown]
		clean = strings.ToValidUTF8(clean, "")
	}
	return strings.TrimSpace(clean)
}
