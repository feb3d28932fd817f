package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

func lines() []wire.Line {
	return []wire.Line{
		{Card: &wire.Card{Card: cardID, Epoch: "e1", View: "v"}},
		{Res: &wire.Result{N: 1, Outcome: wire.Conflict, Code: wire.CodeSibling}},
		{Purge: &wire.Purge{Keep: []string{"lab.*"}}},
		{Row: &wire.Row{ID: record, Kind: "comment", Scope: "note.general", Date: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
			VV:    vclock.Clock{{Actor: 3, N: 7}},
			Atoms: map[string][]wire.Version{"text": {{Dot: vclock.Dot{Actor: 3, N: 7}, HLC: 5, Value: json.RawMessage(`"a < b"`)}}}}},
		{Del: &wire.Del{ID: record}},
		{Red: &wire.Red{ID: record}},
		{End: &wire.End{Cursor: "c", LMID: 1}},
		{Gone: &wire.Gone{Card: cardID}},
		{Err: &wire.Problem{Code: wire.ProblemHole}},
	}
}

func TestStreamRoundTrip(t *testing.T) {
	var b bytes.Buffer
	w := wire.NewLineWriter(&b)
	for _, line := range lines() {
		if err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(b.String(), `\u003c`) {
		t.Error("values are escaped for web pages: they would come back as other bytes")
	}
	r := wire.NewLineReader(&b)
	for i, want := range lines() {
		got, err := r.Next()
		if err != nil {
			t.Fatalf("line %d: %v", i, err)
		}
		a, _ := wire.Marshal(got)
		if b, _ := wire.Marshal(want); !bytes.Equal(a, b) {
			t.Errorf("line %d: %s, want %s", i, a, b)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last line: %v", err)
	}
}

// Cut at every byte: what is whole is read, what is not is told, and the end of the stream is never taken for its end line.
func TestStreamCutAnywhere(t *testing.T) {
	var whole bytes.Buffer
	w := wire.NewLineWriter(&whole)
	for _, line := range lines() {
		if err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	for cut := range whole.Len() {
		part := whole.Bytes()[:cut]
		r := wire.NewLineReader(bytes.NewReader(part))
		n := 0
		var err error
		for err == nil {
			if _, err = r.Next(); err == nil {
				n++
			}
		}
		atBorder := cut == 0 || part[cut-1] == '\n'
		if want := bytes.Count(part, []byte("\n")); n != want {
			t.Fatalf("cut at %d: %d lines, want %d", cut, n, want)
		}
		if want := map[bool]error{true: io.EOF, false: io.ErrUnexpectedEOF}[atBorder]; !errors.Is(err, want) {
			t.Fatalf("cut at %d: %v, want %v", cut, err, want)
		}
	}
}

func TestStreamRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"no known member": {`{"shred":{}}`, wire.ErrMalformed},
		"two members":     {`{"del":{"id":"a"},"red":{"id":"a"}}`, wire.ErrMalformed},
		"no JSON":         {`del a`, wire.ErrMalformed},
		"an endless line": {strings.Repeat(" ", wire.MaxLine+1), wire.ErrTooLarge},
	} {
		if _, err := wire.NewLineReader(strings.NewReader(c.text + "\n")).Next(); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
	}
	// A newer server may say more within a line.
	if line, err := wire.NewLineReader(strings.NewReader(`{"del":{"id":"a","why":"x"}}` + "\n")).Next(); err != nil || line.Del.ID != "a" {
		t.Errorf("a new member within a line: %v", err)
	}
}

func FuzzLine(f *testing.F) {
	for _, line := range lines() {
		raw, _ := wire.Marshal(line)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		line, err := wire.NewLineReader(bytes.NewReader(append(raw, '\n'))).Next()
		if err != nil {
			return
		}
		if _, err := wire.Marshal(line); err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
	})
}

// Each member of a Line can be written and read back: the writer and the count of members know all of them.
func TestALineMayBeAnyOfItsMembers(t *testing.T) {
	lines := reflect.TypeFor[wire.Line]()
	for i := range lines.NumField() {
		var one wire.Line
		reflect.ValueOf(&one).Elem().Field(i).Set(reflect.New(lines.Field(i).Type.Elem()))
		var text bytes.Buffer
		if err := wire.NewLineWriter(&text).Write(one); err != nil {
			t.Fatal(err)
		}
		back, err := wire.NewLineReader(&text).Next()
		if err != nil || reflect.ValueOf(back).Field(i).IsNil() {
			t.Errorf("%s: %+v, %v", lines.Field(i).Name, back, err)
		}
	}
}
