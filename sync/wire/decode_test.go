package wire_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

const (
	device = "0195f3a1-0000-7000-8000-000000000001"
	cardID = "0195f3a1-0000-7000-8000-000000000002"
	record = "0195f3a1-0000-7000-8000-000000000003"
)

// batch is a push request around the members of one mutation.
func batch(mutation string) string {
	return `{"device":"` + device + `","card":"` + cardID + `","epoch":"e1","actor":3,"acked":4,"mutations":[` + mutation + `]}`
}

func mutation(members string) string {
	return `{"n":5,"op":"patch","id":"` + record + `","kind":"comment"` + members + `}`
}

func TestDecodeReadsAWholeBatch(t *testing.T) {
	got, err := wire.Decode[wire.PushRequest]([]byte(batch(mutation(
		`,"at":"tok","ctx":"0:2,3:7","hlc":"0195f3a1b2c30004","atoms":{"text":{"v": { "a" : [ 1, 2 ] },"seen":["3:7"]}}`))))
	if err != nil {
		t.Fatal(err)
	}
	m := got.Mutations[0]
	switch {
	case m.N != 5 || m.Op != wire.OpPatch || m.ID != record || m.At != "tok" || m.HLC.String() != "0195f3a1b2c30004":
		t.Errorf("read as %+v", m)
	case m.Ctx.Get(3) != 7 || m.Ctx.Get(0) != 2:
		t.Errorf("ctx %v", m.Ctx)
	case string(m.Atoms["text"].V) != `{"a":[1,2]}`:
		t.Errorf("value %s: not compact", m.Atoms["text"].V)
	case m.Atoms["text"].Seen[0] != vclock.Dot{Actor: 3, N: 7}:
		t.Errorf("seen %v", m.Atoms["text"].Seen)
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40)
	cases := []struct {
		name, body string
		err        error
		path       string
	}{
		{"nothing", ``, wire.ErrMalformed, ""},
		{"two documents", batch(mutation(``)) + `{}`, wire.ErrMalformed, ""},
		{"no JSON", `{"device":`, wire.ErrMalformed, ""},
		{"broken UTF-8", "{\"device\":\"\xff\"}", wire.ErrMalformed, ""},
		{"a list", `[]`, wire.ErrInvalid, ""},
		{"null", `null`, wire.ErrInvalid, ""},
		{"unknown at the top", `{"devise":1}`, wire.ErrUnknownField, "devise"},
		{"unknown deep", batch(mutation(`,"atoms":{"text":{"v":1,"sene":[]}}`)), wire.ErrUnknownField, "mutations[0].atoms.text.sene"},
		{"another case", `{"Device":"` + device + `"}`, wire.ErrUnknownField, "Device"},
		{"an unknown name that is no name", `{"Иванов Иван":1}`, wire.ErrUnknownField, "?"},
		{"twice", `{"device":"` + device + `","device":"` + device + `"}`, wire.ErrInvalid, "device"},
		{"twice, once escaped", `{"device":"` + device + `","d\u0065vice":"` + device + `"}`, wire.ErrInvalid, "device"},
		{"twice inside a value", batch(mutation(`,"atoms":{"text":{"v":{"a":1,"a":2}}}`)), wire.ErrInvalid, "mutations[0].atoms.text.v.a"},
		{"null for a number", batch(mutation(`,"at":null`)), wire.ErrInvalid, "mutations[0].at"},
		{"n of zero", batch(`{"n":0,"op":"patch","id":"` + record + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].n"},
		{"n below zero", batch(`{"n":-1,"op":"patch","id":"` + record + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].n"},
		{"n with a fraction", batch(`{"n":1.0,"op":"patch","id":"` + record + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].n"},
		{"n beyond a double", batch(`{"n":9007199254740993,"op":"patch","id":"` + record + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].n"},
		{"actor beyond its bounds", `{"actor":4294967296}`, wire.ErrInvalid, "actor"},
		{"unknown operation", batch(`{"n":1,"op":"drop","id":"` + record + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].op"},
		{"id in capitals", batch(`{"n":1,"op":"patch","id":"` + strings.ToUpper(record) + `","kind":"comment"}`), wire.ErrInvalid, "mutations[0].id"},
		{"clock out of order", batch(mutation(`,"ctx":"3:7,0:2"`)), wire.ErrInvalid, "mutations[0].ctx"},
		{"a zero dot", batch(mutation(`,"atoms":{"text":{"v":1,"seen":["0:0"]}}`)), wire.ErrInvalid, "mutations[0].atoms.text.seen[0]"},
		{"an atom without value", batch(mutation(`,"atoms":{"text":{}}`)), wire.ErrInvalid, "mutations[0].atoms.text.v"},
		{"an atom's odd name", batch(mutation(`,"atoms":{"te xt":{"v":1}}`)), wire.ErrInvalid, "mutations[0].atoms.?"},
		{"nested too deeply", batch(mutation(`,"atoms":{"text":{"v":` + deep + `}}`)), wire.ErrTooLarge, "mutations[0].atoms.text.v"},
		{"a long value", batch(mutation(`,"atoms":{"text":{"v":"` + strings.Repeat("x", wire.MaxValue) + `"}}`)), wire.ErrTooLarge, "mutations[0].atoms.text.v"},
		{"a long body", `"` + strings.Repeat("x", wire.MaxBody) + `"`, wire.ErrTooLarge, ""},
		{"too many mutations", batch(strings.TrimSuffix(strings.Repeat(mutation(``)+",", wire.MaxMutations+1), ",")), wire.ErrTooLarge, "mutations"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := wire.Decode[wire.PushRequest]([]byte(c.body))
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			var at *wire.FieldError
			if errors.As(err, &at) && !strings.HasPrefix(at.Path, c.path) {
				t.Errorf("at %q, want %q", at.Path, c.path)
			} else if at == nil && c.path != "" {
				t.Errorf("says no place, want %q", c.path)
			}
		})
	}
}

// Whatever is refused may be about a patient: no error repeats what was sent.
func TestErrorsRepeatNoValue(t *testing.T) {
	const secret = "Seropositive"
	for _, body := range []string{
		batch(`{"n":"` + secret + `"}`),
		batch(mutation(`,"ctx":"` + secret + `"`)),
		batch(mutation(`,"atoms":{"text":{"v":"` + secret + `","seen":["` + secret + `"]}}`)),
		batch(mutation(`,"atoms":"` + secret + `"`)),
		`{"device":"` + secret + `","cards":[]}`,
		`{"` + secret + ` since 2019":1}`,
		`{"device":"` + secret,
	} {
		_, err := wire.Decode[wire.PushRequest]([]byte(body))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestSyncRequestEmbedsThePull(t *testing.T) {
	body := `{"device":"` + device + `","cards":[{"card":"` + cardID + `","actor":1,"cursor":"c","at":"a","mutations":[]}],"maxBytes":5}`
	got, err := wire.Decode[wire.SyncRequest]([]byte(body))
	if err != nil || got.Cards[0].Cursor != "c" || got.Cards[0].At != "a" || got.MaxBytes != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	// What belongs to another request is unknown in this one.
	if _, err := wire.Decode[wire.PullRequest]([]byte(body)); !errors.Is(err, wire.ErrUnknownField) {
		t.Fatalf("a pull with mutations: %v", err)
	}
	twice := strings.Replace(body, `"cards":[`, `"cards":[{"card":"`+cardID+`","actor":1},`, 1)
	if _, err := wire.Decode[wire.SyncRequest]([]byte(twice)); !errors.Is(err, wire.ErrInvalid) {
		t.Fatalf("a card twice: %v", err)
	}
	if _, err := wire.Decode[wire.SyncRequest]([]byte(`{"device":"` + device + `","cards":[]}`)); !errors.Is(err, wire.ErrInvalid) {
		t.Fatalf("no cards: %v", err)
	}
}

func TestHashTellsPayloadsApart(t *testing.T) {
	base := wire.Mutation{N: 1, Op: wire.OpPatch, ID: record, Kind: "comment", At: "t",
		Atoms: map[string]wire.Change{"text": {V: json.RawMessage(`"a"`)}}}
	var hashes [2][32]byte
	for i, value := range []string{`{"a":[1,2]}`, ` { "a" : [ 1, 2 ] } `} {
		in, err := wire.Decode[wire.PushRequest]([]byte(batch(mutation(`,"atoms":{"text":{"v":` + value + `}}`))))
		if err != nil {
			t.Fatal(err)
		}
		hashes[i] = in.Mutations[0].Hash()
	}
	if hashes[0] != hashes[1] {
		t.Error("white space changes the hash")
	}
	for name, change := range map[string]func(*wire.Mutation){
		"value": func(m *wire.Mutation) { m.Atoms = map[string]wire.Change{"text": {V: json.RawMessage(`"b"`)}} },
		"seen": func(m *wire.Mutation) {
			m.Atoms = map[string]wire.Change{"text": {V: json.RawMessage(`"a"`), Seen: []vclock.Dot{{Actor: 1, N: 1}}}}
		},
		"at": func(m *wire.Mutation) { m.At = "u" }, "op": func(m *wire.Mutation) { m.Op = wire.OpResolve },
		"ctx": func(m *wire.Mutation) { m.Ctx = vclock.Clock{{Actor: 1, N: 1}} },
	} {
		other := base
		change(&other)
		if base.Hash() == other.Hash() {
			t.Errorf("another %s hashes alike", name)
		}
	}
}

// What was decoded is written so that it decodes to the same again: a phone's retry must hash alike.
func FuzzDecodeBatch(f *testing.F) {
	f.Add([]byte(batch(mutation(``))))
	f.Add([]byte(batch(mutation(`,"at":"tok","ctx":"0:2,3:7","hlc":"0195f3a1b2c30004","atoms":{"text":{"v":{"a":[1,"é<"]},"seen":["3:7"]}}`))))
	f.Add([]byte(batch(mutation(`,"atoms":{"text":{"v":null}}`) + `,` + mutation(``))))
	f.Add([]byte(`{"devi\u0063e":"` + device + `"}`))
	f.Add([]byte(`{"a":1e999}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := wire.Decode[wire.PushRequest](body)
		if err != nil {
			return
		}
		raw, err := wire.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := wire.Decode[wire.PushRequest](raw)
		if err != nil {
			t.Fatalf("%s does not decode: %v", raw, err)
		}
		for i := range first.Mutations {
			if first.Mutations[i].Hash() != second.Mutations[i].Hash() {
				t.Fatalf("%s hashes otherwise after a round trip", raw)
			}
		}
	})
}

func BenchmarkDecodeThousand(b *testing.B) {
	one := mutation(`,"at":"kfQd6q23e1Qlqt7w_QZJRg","ctx":"0:2,3:7","hlc":"0195f3a1b2c30004","atoms":{"text":{"v":"` +
		strings.Repeat("x", 200) + `","seen":["3:7"]}}`)
	body := []byte(batch(strings.TrimSuffix(strings.Repeat(one+",", 1000), ",")))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Decode[wire.PushRequest](body); err != nil {
			b.Fatal(err)
		}
	}
}

func TestCorpusIsSmall(t *testing.T) {
	files, err := os.ReadDir("testdata/fuzz/FuzzDecodeBatch")
	if err == nil && len(files) > 100 {
		t.Errorf("%d files: keep those that find something", len(files))
	}
}
