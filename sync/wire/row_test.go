package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/sync/wire"
)

const (
	plainRow = `{"id":"0195e4a5-0000-7000-8000-000000000001","kind":"lab","scope":"lab.general","date":"2026-11-22T12:00:00Z","vv":"0:2",` +
		`"atoms":{"fact":[{"dot":"0:2","hlc":"00018bcfe5687800","v":{"text":"Кашель \"ночью\"","n":[1,-2.5e3,0,true,null]}}]}}`
	strangeRow = ` {"atoms":{"fact":[]},"id":"a\u0062","kind":"x","new":{"b":1},"scope":"s","vv":""}`
)

// rows are good and bad ones. Each of the bad is one step from a good one.
func rows() []string {
	all := []string{plainRow, strangeRow, ``, `{}`, `null`, `[]`, `{"id":"a","kind":"b","scope":"c","vv":"","atoms":{}}`, `{"id":"a","kind":"b","scope":"c","vv":"","atoms":null}`}
	for _, change := range [][2]string{
		{`0:2",`, `0:2:`}, {`"date":"2026-11-22T12:00:00Z",`, ``}, {`2026-11-22T12`, `2026-11-22t12`}, {`lab.general`, `лаб`}, {`lab.general`, "a\tb"}, {`{"dot"`, `{ "dot"`},
		{`,true`, `,true,`}, {`[1,`, `[`}, {`[1,`, `[,`}, {`-2.5e3`, `-`}, {`-2.5e3`, `01`}, {`-2.5e3`, `1.`}, {`-2.5e3`, `1e`}, {`-2.5e3`, `1E+04`}, {`-2.5e3`, `-0`}, {`true`, `tru`},
		{`ночью`, `\u00e9\n\ud800`}, {`ночью`, `\u00g9`}, {`ночью`, `\x`}, {`ночью`, "\x01"}, {`ночью`, "\xff"}, {`"n":`, `"n" :`}, {`"n":`, `"text":`}, {`"n":`, `n:`},
		{`"fact":[`, `"fact":[],"fact":[`}, {`"v":{`, `"V":{`}, {`,"hlc":"00018bcfe5687800"`, ``}, {`00018bcfe5687800`, `18bcfe5687800`}, {`]}}`, `]}} `}, {`]}}`, `]}}}`}, {`]}}`, `]}`},
		{`]}}`, `],"fact2":[{"dot":"1:1","v":"a"},{"dot":"1:2","v":[]}]}}`}, {`[1,`, strings.Repeat(`[`, 40) + strings.Repeat(`]`, 40) + `,`},
	} {
		all = append(all, strings.Replace(plainRow, change[0], change[1], 1))
	}
	return all
}

// FuzzRow: rows that are read by hand are read as the standard decoder reads them, and refused where it refuses.
func FuzzRow(f *testing.F) {
	for _, s := range rows() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		given := bytes.Clone(b)
		var want wire.Row
		bad := json.Unmarshal(b, &want)
		got, err := wire.UnmarshalRow(b)
		clear(b) // a row must not depend on the bytes it came from: the reader of a stream takes them for the next one
		if (err != nil) != (bad != nil) || err != nil && !errors.Is(err, wire.ErrMalformed) {
			t.Fatalf("%q: %v, the standard decoder: %v", given, err, bad)
		}
		if err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q:\ngot  %+v\nwant %+v", given, got, want)
		}
		line, err := wire.NewLineReader(strings.NewReader(`{"row":` + string(given) + "}\n")).Next()
		if err == nil && line.Row != nil && bad == nil && !bytes.ContainsAny(given, "\n") && !reflect.DeepEqual(*line.Row, want) {
			t.Fatalf("%q in a line: %+v", given, line.Row)
		}
	})
}

// TestARowIsCheap: what is written as our server writes it takes the short way.
func TestARowIsCheap(t *testing.T) {
	b := []byte(plainRow)
	if n := testing.AllocsPerRun(100, func() { _, _ = wire.UnmarshalRow(b) }); n > 8 {
		t.Errorf("%v allocations for a row", n)
	}
	line := `{"row":` + plainRow + "}\n"
	r := wire.NewLineReader(strings.NewReader(strings.Repeat(line, 200)))
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Next() }); n > 9 {
		t.Errorf("%v allocations for a line", n)
	}
}

func BenchmarkRow(b *testing.B) {
	raw := []byte(plainRow)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.UnmarshalRow(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var row wire.Row
			if err := json.Unmarshal(raw, &row); err != nil {
				b.Fatal(err)
			}
		}
	})
}
