package cardsync

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/wire"
)

var hash = card.Hash(strings.Repeat("0a", 32))

func TestFilesTravelApart(t *testing.T) {
	files := []card.Attachment{{Title: "Тонометр", ContentType: "image/jpeg", Size: 7, Hash: hash}}
	for _, fact := range []card.Fact{
		card.Measurement{Systolic: 120, Diastolic: 80, Unit: card.MillimetresOfMercury, At: "2026-11-22T08:30:00Z", Attachments: files},
		card.Comment{Text: "x", Written: "2026-11-22", Attachments: files},
	} {
		atoms := Atoms(fact)
		if got := wire.NamedIn(atoms[AtomFiles]); len(got) != 1 || got[0] != string(hash) {
			t.Errorf("%T: names %v", fact, got)
		}
		for name, value := range atoms {
			if name != AtomFiles && strings.Contains(string(value), "Тонометр") {
				t.Errorf("%T: the atom %s holds the files too: %s", fact, name, value)
			}
		}
		if back, err := ToFact(fact.Kind(), atoms); err != nil || !reflect.DeepEqual(back, fact) {
			t.Errorf("%T comes back as %+v, %v", fact, back, err)
		}
		if code := Rules()[string(fact.Kind())].Check(atoms); code != "" {
			t.Errorf("%T: %s", fact, code)
		}
	}
}

func TestWhatAPhoneMayAttach(t *testing.T) {
	good := `{"title":"Тонометр","contentType":"image/jpeg","size":7,"created":"2026-11-22","hash":"` + string(hash) + `"}`
	for name, c := range map[string]struct {
		value string
		fits  bool
	}{
		"one":                   {`[` + good + `]`, true},
		"none any more":         {`[]`, true},
		"no title, no type":     {`[{"size":7,"hash":"` + string(hash) + `"}]`, true},
		"the same twice":        {`[` + good + `,` + good + `]`, false},
		"too many":              {`[` + strings.Repeat(good+`,`, MaxFiles) + good + `]`, false},
		"nothing in it":         {strings.Replace(`[`+good+`]`, `"size":7,`, "", 1), false},
		"larger than any":       {strings.Replace(`[`+good+`]`, `"size":7`, `"size":33554433`, 1), false},
		"a negative size":       {strings.Replace(`[`+good+`]`, `"size":7`, `"size":-1`, 1), false},
		"no hash":               {`[{"size":7}]`, false},
		"a hash in capitals":    {strings.ReplaceAll(`[`+good+`]`, "0a", "0A"), false},
		"a long title":          {strings.Replace(`[`+good+`]`, "Тонометр", strings.Repeat("т", 101), 1), false},
		"a title of two lines":  {strings.Replace(`[`+good+`]`, "Тонометр", `a\nb`, 1), false},
		"a title that turns":    {strings.Replace(`[`+good+`]`, "Тонометр", `a\u202Efdp.exe`, 1), false},
		"a type that is none":   {strings.Replace(`[`+good+`]`, "image/jpeg", "image", 1), false},
		"a type with a header":  {strings.Replace(`[`+good+`]`, "image/jpeg", `image/jpeg\r\nX: y`, 1), false},
		"a type with a charset": {strings.Replace(`[`+good+`]`, "image/jpeg", "text/html; charset=x", 1), false},
		"a day that is none":    {strings.Replace(`[`+good+`]`, "2026-11-22", "soon", 1), false},
		"an address":            {strings.Replace(`[`+good+`]`, `"title"`, `"url"`, 1), false},
		"no list":               {good, false},
	} {
		for _, kind := range []card.Kind{card.KindComment, card.KindMeasurement} {
			code := Rules()[string(kind)].Check(map[string]json.RawMessage{AtomFiles: json.RawMessage(c.value)})
			if (code == "") != c.fits {
				t.Errorf("%s, %s: %q", kind, name, code)
			}
		}
	}
	inside := `{"systolic":132,"diastolic":84,"unit":"mm[Hg]","at":"2026-11-22T08:30:00+03:00","attachments":[` + good + `]}`
	if Rules()[string(card.KindMeasurement)].Check(map[string]json.RawMessage{AtomReading: json.RawMessage(inside)}) == "" {
		t.Error("files inside a reading are taken: nobody would look for them there")
	}
}

func TestNamedIn(t *testing.T) {
	a, b := strings.Repeat("0a", 32), strings.Repeat("1b", 32)
	for value, want := range map[string][]string{
		`{"x":[{"hash":"` + a + `"},{"hash":"` + b + `"},{"hash":"` + a + `"}]}`: {a, b},
		`{"text":"\"hash\":\"` + a + `\""}`:                                      nil, // a person who wrote it down
		`{"hash":"` + a[:62] + `"}`:                                              nil,
		`{"hash":"` + a + `0"}`:                                                  nil,
		`{"hash":"` + strings.ToUpper(a) + `"}`:                                  nil,
		`{"hash":"` + a:                                                          nil,
		`{"hash":`:                                                               nil,
		`{}`:                                                                     nil,
	} {
		if got := wire.NamedIn(json.RawMessage(value)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", value, got, want)
		}
	}
}
