package wire_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/sync/wire"
)

// question is a check request around its ranges and ids.
func question(members string) string {
	return `{"device":"` + device + `","card":"` + cardID + `","actor":3,"epoch":"e1","cursor":"c","view":"v"` + members + `}`
}

func TestDecodeReadsAQuestion(t *testing.T) {
	got, err := wire.Decode[wire.CheckRequest]([]byte(question(
		`,"ranges":[{"to":"` + cardID + `","count":2,"sum":"00000000000000ff"},{"from":"` + record + `","count":0,"sum":"ffffffffffffffff"}],"ids":["` + record + `"]`)))
	want := wire.CheckRequest{Device: device, Card: cardID, Actor: 3, Epoch: "e1", Cursor: "c", View: "v", IDs: []string{record}, Ranges: []wire.Range{
		{To: cardID, Sum: wire.Sum{Count: 2, Total: 0xff}}, {From: record, Sum: wire.Sum{Total: 1<<64 - 1}},
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read as %+v, %v", got, err)
	}
}

func TestDecodeRefusesQuestions(t *testing.T) {
	one := func(members string) string { return `,"ranges":[{"count":1,"sum":"00000000000000ff"` + members + `}]` }
	many := func(n int, format string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(format, i)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	id := `"0195f3a1-0000-7000-8000-%012x"`
	for _, c := range []struct {
		name, members string
		err           error
		path          string
	}{
		{"nothing asked", ``, wire.ErrInvalid, "ranges"},
		{"an id that is none", `,"ids":["x"]`, wire.ErrInvalid, "ids[0]"},
		{"an id twice", `,"ids":["` + record + `","` + record + `"]`, wire.ErrInvalid, "ids[1]"},
		{"too many ids", `,"ids":` + many(wire.MaxChecked+1, id), wire.ErrTooLarge, "ids"},
		{"too many ranges", `,"ranges":` + many(wire.MaxRanges+1, `{"count":%d,"sum":"0000000000000000"}`), wire.ErrTooLarge, "ranges"},
		{"from that is no id", one(`,"from":"a"`), wire.ErrInvalid, "ranges[0].from"},
		{"to that is no id", one(`,"to":"` + strings.ToUpper("abcdef00-0000-7000-8000-000000000001") + `"`), wire.ErrInvalid, "ranges[0].to"},
		{"an empty range", one(`,"from":"` + record + `","to":"` + record + `"`), wire.ErrInvalid, "ranges[0].to"},
		{"a range that ends before it begins", one(`,"from":"` + record + `","to":"` + device + `"`), wire.ErrInvalid, "ranges[0].to"},
		{"ranges that overlap", `,"ranges":[{"to":"` + record + `","count":0,"sum":"0000000000000000"},{"from":"` + device + `","count":0,"sum":"0000000000000000"}]`, wire.ErrInvalid, "ranges[1].from"},
		{"a range behind the end", `,"ranges":[{"count":0,"sum":"0000000000000000"},{"from":"` + device + `","count":0,"sum":"0000000000000000"}]`, wire.ErrInvalid, "ranges[1].from"},
		{"a sum that is a number", `,"ranges":[{"count":1,"sum":7}]`, wire.ErrInvalid, "ranges[0].sum"},
		{"a sum in capitals", `,"ranges":[{"count":1,"sum":"00000000000000FF"}]`, wire.ErrInvalid, "ranges[0].sum"},
		{"a negative count", `,"ranges":[{"count":-1,"sum":"00000000000000ff"}]`, wire.ErrInvalid, "ranges[0].count"},
		{"an unknown member", one(`,"scope":"lab.general"`), wire.ErrUnknownField, "ranges[0].scope"},
		{"a member of a pull", `,"ids":["` + record + `"],"part":"x"`, wire.ErrUnknownField, "part"},
	} {
		_, err := wire.Decode[wire.CheckRequest]([]byte(question(c.members)))
		var place *wire.FieldError
		if !errors.Is(err, c.err) || !errors.As(err, &place) || place.Path != c.path {
			t.Errorf("%s: %v, want %v at %s", c.name, err, c.err, c.path)
		}
	}
	for _, long := range []string{"epoch", "cursor", "view"} {
		body := strings.Replace(question(`,"ids":["`+record+`"]`), `"`+long+`":"`, `"`+long+`":"`+strings.Repeat("x", wire.MaxToken), 1)
		if _, err := wire.Decode[wire.CheckRequest]([]byte(body)); !errors.Is(err, wire.ErrTooLarge) {
			t.Errorf("a long %s: %v", long, err)
		}
	}
}

func TestSums(t *testing.T) {
	var s wire.Sum
	s.Add(1<<64 - 1)
	s.Add(3)
	if s != (wire.Sum{Count: 2, Total: 2}) || s.Plus(s).Minus(s) != s || s.Minus(s) != (wire.Sum{}) {
		t.Errorf("the sum is %v", s)
	}
	if got := wire.Digest(0xff).String(); got != "00000000000000ff" {
		t.Errorf("a digest is written %s", got)
	}
}

// Any bytes are read or refused, and what was read is read alike again.
func FuzzDecodeCheck(f *testing.F) {
	f.Add([]byte(question(`,"ids":["` + record + `"]`)))
	f.Add([]byte(question(`,"ranges":[{"to":"` + cardID + `","count":2,"sum":"00000000000000ff"},{"from":"` + record + `","count":0,"sum":"ffffffffffffffff"}]`)))
	f.Add([]byte(question(`,"ranges":[{"from":"` + record + `","to":"` + cardID + `","count":2147483648,"sum":"00000000000000ff"}]`)))
	f.Add([]byte(question(`,"ranges":[null],"ids":[{}]`)))
	f.Fuzz(func(t *testing.T, body []byte) {
		first, err := wire.Decode[wire.CheckRequest](body)
		if err != nil {
			return
		}
		if len(first.Ranges) > wire.MaxRanges || len(first.IDs) > wire.MaxChecked {
			t.Fatalf("%d ranges and %d ids are read", len(first.Ranges), len(first.IDs))
		}
		for i, r := range first.Ranges {
			if r.Count < 0 || r.To != "" && r.From >= r.To || i > 0 && r.From < first.Ranges[i-1].To {
				t.Fatalf("range %d of %+v", i, first.Ranges)
			}
		}
		raw, err := wire.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := wire.Decode[wire.CheckRequest](raw)
		if err != nil || len(second.Ranges) != len(first.Ranges) || len(second.IDs) != len(first.IDs) {
			t.Fatalf("%s is read otherwise: %v", raw, err)
		}
		for i := range first.Ranges {
			if first.Ranges[i] != second.Ranges[i] {
				t.Fatalf("range %d is %+v, then %+v", i, first.Ranges[i], second.Ranges[i])
			}
		}
	})
}
