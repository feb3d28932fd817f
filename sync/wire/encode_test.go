package wire_test

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// standard is what encoding/json makes of a value.
func standard(t interface{ Fatal(...any) }, v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Rows are written by hand, for speed: as the standard encoder writes them, to the byte.
func TestRowsAreWrittenAsTheStandardEncoderDoes(t *testing.T) {
	words := rapid.StringMatching(`[a-zA-Z0-9.:<&"\\\n é\x{2028}-]{0,12}`)
	values := rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`null`), json.RawMessage(`"a < b & c"`), json.RawMessage(`{"a":[1,2.50,"é"]}`)})
	version := rapid.Custom(func(t *rapid.T) wire.Version {
		return wire.Version{
			Dot: vclock.Dot{Actor: rapid.Uint32().Draw(t, "actor"), N: rapid.Uint64().Draw(t, "n")}, HLC: vclock.HLC(rapid.Uint64().Draw(t, "hlc")),
			Value: values.Draw(t, "value"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		row := wire.Row{
			ID: words.Draw(t, "id"), Kind: words.Draw(t, "kind"), Scope: words.Draw(t, "scope"),
			VV:    vclock.Clock{{Actor: 0, N: rapid.Uint64().Draw(t, "n")}, {Actor: 7, N: 1}}[:rapid.IntRange(0, 2).Draw(t, "actors")],
			Atoms: rapid.MapOfN(words, rapid.SliceOfN(version, 0, 3), 0, 4).Draw(t, "atoms"),
		}
		if rapid.Bool().Draw(t, "dated") {
			row.Date = time.Unix(rapid.Int64Range(-1e9, 1e10).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		}
		var b bytes.Buffer
		if err := wire.NewLineWriter(&b).Write(wire.Line{Row: &row}); err != nil {
			t.Fatal(err)
		}
		if want := standard(t, wire.Line{Row: &row}); b.String() != want {
			t.Fatalf("\n got %s\nwant %s", b.String(), want)
		}
		raw, err := wire.Marshal(row)
		if want := standard(t, row); err != nil || string(raw)+"\n" != want {
			t.Fatalf("%v\n got %s\nwant %s", err, raw, want)
		}
	})
}

// Mutations are written by hand to be hashed.
func TestMutationsAreWrittenAsTheStandardEncoderDoes(t *testing.T) {
	words := rapid.StringMatching(`[a-zA-Z0-9.:<&"\\\n é-]{0,12}`)
	dot := rapid.Custom(func(t *rapid.T) vclock.Dot {
		return vclock.Dot{Actor: rapid.Uint32().Draw(t, "actor"), N: rapid.Uint64().Draw(t, "n")}
	})
	change := rapid.Custom(func(t *rapid.T) wire.Change {
		return wire.Change{V: rapid.SampledFrom([]json.RawMessage{nil, json.RawMessage(`null`), json.RawMessage(`"a < b"`), json.RawMessage(`{"a":[1,"é"]}`)}).Draw(t, "value"), Seen: rapid.SliceOfN(dot, 0, 3).Draw(t, "seen")}
	})
	rapid.Check(t, func(t *rapid.T) {
		m := wire.Mutation{
			N: rapid.Uint64().Draw(t, "n"), Op: wire.Op(words.Draw(t, "op")), ID: words.Draw(t, "id"), Kind: words.Draw(t, "kind"), At: words.Draw(t, "at"), Epoch: words.Draw(t, "epoch"),
			Ctx: vclock.Clock{{Actor: 0, N: rapid.Uint64().Draw(t, "n")}, {Actor: 7, N: 1}}[:rapid.IntRange(0, 2).Draw(t, "actors")],
			HLC: vclock.HLC(rapid.Uint64().Draw(t, "hlc")), Atoms: rapid.MapOfN(words, change, 0, 3).Draw(t, "atoms"),
		}
		raw, err := wire.Marshal(m)
		if want := standard(t, m); err != nil || string(raw)+"\n" != want {
			t.Fatalf("%v\n got %s\nwant %s", err, raw, want)
		}
	})
}

// A field that is added to a row must be added to what writes rows.
func TestRowsHaveTheFieldsThatAreWritten(t *testing.T) {
	for shape, fields := range map[reflect.Type]int{reflect.TypeFor[wire.Row](): 6, reflect.TypeFor[wire.Version](): 3, reflect.TypeFor[wire.Mutation](): 9, reflect.TypeFor[wire.Change](): 2} {
		if shape.NumField() != fields {
			t.Errorf("%s has %d fields and encode.go writes %d: teach it, then correct this number", shape, shape.NumField(), fields)
		}
	}
}

func BenchmarkWriteRow(b *testing.B) {
	row := wire.Row{
		ID: "0197a1b2-0000-7000-8000-000000000001", Kind: "observation", Scope: "lab.general", Date: time.Unix(1e9, 0).UTC(), VV: vclock.Clock{{N: 1}},
		Atoms: map[string][]wire.Version{"fact": {{Dot: vclock.Dot{N: 1}, HLC: 1, Value: json.RawMessage(`{"` + string(bytes.Repeat([]byte("a"), 250)) + `":1}`)}}},
	}
	b.Run("ours", func(b *testing.B) {
		w := wire.NewLineWriter(io.Discard)
		for b.Loop() {
			if err := w.Write(wire.Line{Row: &row}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard", func(b *testing.B) {
		for b.Loop() {
			standard(b, wire.Line{Row: &row})
		}
	})
}
