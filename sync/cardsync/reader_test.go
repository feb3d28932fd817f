package cardsync

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/card"
)

// anyJSON draws a value as a newer server might send one in a field that we do not know.
func anyJSON(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(), rapid.SampledFrom([]string{`"`, `\`, `}`, `]`, `\"`, "ж"}).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars, rapid.SliceOfN(anyJSON(depth-1), 0, 3).AsAny(), rapid.MapOfN(rapid.String(), anyJSON(depth-1), 0, 3).AsAny())...)
}

func TestWhatIsNotKnownIsSkippedWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unknown, err := json.Marshal(anyJSON(3).Draw(t, "unknown"))
		if err != nil {
			t.Fatal(err)
		}
		text := ` { "newField" : ` + string(unknown) + ` , "clinical" : "active" , "another" : [` + string(unknown) + `] } `
		fact, err := ToFact(card.KindCondition, map[string]json.RawMessage{AtomFact: json.RawMessage(text)})
		if want := (card.Condition{Clinical: "active"}); err != nil || !reflect.DeepEqual(fact, want) {
			t.Fatalf("%s: got %#v, %v", text, fact, err)
		}
	})
}

// FuzzRead throws any bytes at the shape of every kind: they are read, or they are ErrShape.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"clinical":"active","code":{"codings":[{"code":"I10"}]}}`))
	f.Add([]byte(`{"value":{"quantity":{"value":"1.5"}},"at":{"start":"2026-11-22"}}`))
	f.Add([]byte(`"\u0436\n"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, fact := range card.Facts() {
			for _, s := range []strictness{strict, lenient} {
				into := reflect.New(reflect.TypeOf(fact))
				if err := decode(text, into.Interface(), s); err != nil && !errors.Is(err, ErrShape) {
					t.Errorf("%s: %v", fact.Kind(), err)
				}
			}
		}
	})
}
