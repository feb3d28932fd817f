package cardsync

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// fill draws a value of any shape that a fact can have.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if rapid.Bool().Draw(t, "filled") {
				fill(t, v.Field(i))
			}
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			element := reflect.New(v.Type().Elem()).Elem()
			fill(t, element)
			v.Set(reflect.Append(v, element))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.String:
		v.SetString(rapid.String().Draw(t, "text"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "yes"))
	case reflect.Int:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	default:
		t.Fatalf("a fact has a field of kind %v, which has no shape", v.Kind())
	}
}

func anyFact(t *rapid.T) card.Fact {
	facts := card.Facts()
	v := reflect.New(reflect.TypeOf(facts[rapid.IntRange(0, len(facts)-1).Draw(t, "kind")])).Elem()
	fill(t, v)
	return v.Interface().(card.Fact)
}

func TestAFactComesBackFromItsAtoms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fact := anyFact(t)
		atoms := Atoms(fact)
		back, err := ToFact(fact.Kind(), atoms)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, fact) {
			t.Fatalf("got  %#v\nwant %#v", back, fact)
		}
		for name, atom := range Atoms(back) {
			if !bytes.Equal(atom, atoms[name]) {
				t.Fatalf("the atom %s is not stable: %s, then %s", name, atoms[name], atom)
			}
			if !json.Valid(atom) {
				t.Fatalf("not JSON: %s", atom)
			}
		}
	})
}

func TestEveryFactHasItsKindOnce(t *testing.T) {
	seen := map[card.Kind]bool{}
	for _, fact := range card.Facts() {
		if seen[fact.Kind()] {
			t.Errorf("two facts are of kind %s", fact.Kind())
		}
		seen[fact.Kind()] = true
		if _, ok := policies[fact.Kind()]; !ok {
			t.Errorf("kind %s has no conflict policy", fact.Kind())
		}
		if record := FromFact("r", fact, card.General); strings.HasPrefix(string(record.Scope), string(fact.Kind())+".") {
			t.Errorf("kind %s has no class of access of its own", fact.Kind())
		}
	}
}

func TestAtomsOfEachKind(t *testing.T) {
	for _, fact := range card.Facts() {
		want := []string{AtomFact}
		switch fact.Kind() {
		case card.KindMeasurement:
			want = []string{AtomReading}
		case card.KindComment:
			want = []string{AtomAbout, AtomText}
		}
		atoms := Atoms(fact)
		for _, name := range want {
			if _, ok := atoms[name]; !ok || len(atoms) != len(want) {
				t.Errorf("%s: atoms %v, want %v", fact.Kind(), reflect.ValueOf(atoms).MapKeys(), want)
			}
		}
	}
}

func TestReadingIsLenientAndNeverGuesses(t *testing.T) {
	fact, err := ToFact(card.KindCondition, map[string]json.RawMessage{AtomFact: json.RawMessage(`{"clinical":"active","newField":{"a":[1]},"recorded":"2011-08"}`)})
	if want := (card.Condition{Clinical: "active", Recorded: "2011-08"}); err != nil || !reflect.DeepEqual(fact, want) {
		t.Errorf("a field of a newer server: got %#v, %v", fact, err)
	}
	for name, text := range map[string]string{
		"nothing":      ``,
		"not JSON":     `{"clinical":`,
		"wrong type":   `{"clinical":1}`,
		"null":         `{"clinical":null}`,
		"twice":        `{"clinical":"a","clinical":"b"}`,
		"other case":   `{"Clinical":1}{}`,
		"trailing":     `{"clinical":"a"} {}`,
		"not UTF-8":    "{\"clinical\":\"\xff\"}",
		"array":        `[]`,
		"deep":         `{"severity":` + strings.Repeat(`{"codings":[`, 40),
		"deep unknown": `{"x":` + strings.Repeat(`[`, 20_000),
	} {
		if _, err := ToFact(card.KindCondition, map[string]json.RawMessage{AtomFact: json.RawMessage(text)}); !errors.Is(err, ErrShape) {
			t.Errorf("%s: got %v, want ErrShape", name, err)
		}
	}
	if _, err := ToFact("dream", nil); !errors.Is(err, ErrShape) {
		t.Errorf("an unknown kind: %v", err)
	}
}

func TestWhatAPhoneMayWrite(t *testing.T) {
	reading := `{"systolic":132,"diastolic":84,"pulse":70,"unit":"mm[Hg]","at":"2026-11-22T08:30:00+03:00"}`
	for name, c := range map[string]struct {
		kind  card.Kind
		atom  string
		value string
		code  string
	}{
		"reading":               {card.KindMeasurement, AtomReading, reading, ""},
		"reading without pulse": {card.KindMeasurement, AtomReading, strings.Replace(reading, `"pulse":70,`, "", 1), ""},
		"swapped":               {card.KindMeasurement, AtomReading, strings.NewReplacer("132", "84", "84", "132").Replace(reading), wire.CodeInvalid},
		"another unit":          {card.KindMeasurement, AtomReading, strings.Replace(reading, "mm[Hg]", "kPa", 1), wire.CodeInvalid},
		"day without time":      {card.KindMeasurement, AtomReading, strings.Replace(reading, "T08:30:00+03:00", "", 1), wire.CodeInvalid},
		"fraction":              {card.KindMeasurement, AtomReading, strings.Replace(reading, "132", "132.5", 1), wire.CodeInvalid},
		"unknown field":         {card.KindMeasurement, AtomReading, strings.Replace(reading, `"pulse"`, `"puls"`, 1), wire.CodeInvalid},
		"huge number":           {card.KindMeasurement, AtomReading, strings.Replace(reading, "132", "1e400", 1), wire.CodeInvalid},
		"text":                  {card.KindComment, AtomText, `"Врач спросил про аллергию"`, ""},
		"long text":             {card.KindComment, AtomText, `"` + strings.Repeat("а", maxComment) + `"`, wire.CodeInvalid},
		"about":                 {card.KindComment, AtomAbout, `{"record":"0195e4a5-0000-7000-8000-000000000001","written":"2026-11-22T08:30:00Z"}`, ""},
		"about no date":         {card.KindComment, AtomAbout, `{"written":"soon"}`, wire.CodeInvalid},
		"an unknown atom":       {card.KindComment, "colour", `"red"`, wire.CodeInvalid},
	} {
		if code := Rules()[string(c.kind)].Check(map[string]json.RawMessage{c.atom: json.RawMessage(c.value)}); code != c.code {
			t.Errorf("%s: got %q, want %q", name, code, c.code)
		}
	}
}

func TestRules(t *testing.T) {
	for kind, rule := range Rules() {
		if own := kind == string(card.KindMeasurement) || kind == string(card.KindComment); own != (rule.Policy == replica.Siblings) || own != (rule.Check != nil) {
			t.Errorf("%s: policy %v", kind, rule.Policy)
		}
	}
	written := map[string]json.RawMessage{AtomReading: json.RawMessage(`{"systolic":132,"at":"2026-11-22T08:30:00+03:00"}`)}
	if got := Rules()[string(card.KindMeasurement)].Date(written); got.Format(time.RFC3339) != "2026-11-22T05:30:00Z" {
		t.Errorf("the date of a reading: %v", got)
	}
	if got := Rules()[string(card.KindComment)].Date(map[string]json.RawMessage{AtomText: json.RawMessage(`"a"`)}); !got.IsZero() {
		t.Errorf("the date of an edit of a text: %v", got)
	}
}
