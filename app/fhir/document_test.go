package fhir

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/fault"
)

func TestWhatIsNoDocument(t *testing.T) {
	for name, document := range map[string]string{
		"nothing":               ``,
		"white space":           " \n",
		"cut off":               `{"resourceType":"Pat`,
		"cut off in a number":   `{"a":-`,
		"two documents":         `{} {}`,
		"a comma too many":      `{"a":1,}`,
		"a comma too many in a": `[1,]`,
		"a name twice":          `{"a":1,"a":2}`,
		"a name twice, escaped": `{"a":1,"\u0061":2}`,
		"a name twice of many":  `{` + many(40) + `,"f7":1}`,
		"single quotes":         `{'a':1}`,
		"no quotes":             `{a:1}`,
		"a comment":             `{/**/"a":1}`,
		"a leading zero":        `{"a":01}`,
		"a leading plus":        `{"a":+1}`,
		"a bare point":          `{"a":1.}`,
		"a bare exponent":       `{"a":1e}`,
		"infinity":              `{"a":Infinity}`,
		"another case":          `{"a":True}`,
		"half a word":           `{"a":tru`,
		"a line end in a text":  "{\"a\":\"x\ny\"}",
		"a wrong escape":        `{"a":"\x41"}`,
		"half an escape":        `{"a":"\u12`,
		"a lone surrogate":      `{"a":"\ud800"}`,
		"a surrogate too few":   `{"a":"\ud800\u0041"}`,
		"the low half first":    `{"a":"\udc00\ud800"}`,
		"not UTF-8":             "{\"a\":\"\xc3\x28\"}",
		"a byte order mark":     "\ufeff{}",
		"too deep":              strings.Repeat(`[`, maxDepth+1) + strings.Repeat(`]`, maxDepth+1),
	} {
		_, err := parse([]byte(document))
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if f := fault.From(err); len(f.Fields) != 1 || f.Fields[0].Why == "" {
			t.Errorf("%s: where and why are missing: %+v", name, f.Fields)
		}
	}
}

func many(n int) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = `"f` + string(rune('0'+i%10)) + strings.Repeat("x", i/10) + `":1`
	}
	return strings.Join(fields, ",")
}

func TestADocumentHasBounds(t *testing.T) {
	if _, err := parse([]byte(strings.Repeat(`[`, maxDepth) + strings.Repeat(`]`, maxDepth))); err != nil {
		t.Errorf("the deepest that is taken: %v", err)
	}
	if _, err := parse(make([]byte, MaxSize+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many bytes: %v", err)
	}
	if _, err := parse([]byte("[" + strings.Repeat("0,", maxValues) + "0]")); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many values: %v", err)
	}
}

func TestValuesStayAsWritten(t *testing.T) {
	const document = `{"a":[7.10,-0.0,1e400,12345678901234567890.12345678901234567890],"b":"Ж\u0416\ud83d\ude00\/\n\"","c":null,"d":true}`
	n, err := parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if got := n.strs("a"); strings.Join(got, " ") != "7.10 -0.0 1e400 12345678901234567890.12345678901234567890" {
		t.Errorf("numbers: %v", got)
	}
	if got := n.str("b"); got != "ЖЖ😀/\n\"" {
		t.Errorf("text: %q", got)
	}
	if a := n.get("a"); document[a.start:a.end] != `[7.10,-0.0,1e400,12345678901234567890.12345678901234567890]` {
		t.Errorf("place: %q", document[a.start:a.end])
	}
}

// FuzzRead holds the parser against encoding/json: what it takes is JSON, and says the same. Nothing panics on the way to a bundle.
func FuzzRead(f *testing.F) {
	f.Add(example.Bundle())
	for _, seed := range []string{`{"a":[1,2.50,{"b":null}],"c":"\u0416"}`, `[]`, `"\ud83d\ude00"`, `{"a":1,"a":2}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := parse(data)
		if err == nil {
			if !json.Valid(data) {
				t.Fatal("not JSON, but taken")
			}
			var said string
			if n.kind == text && (json.Unmarshal(data, &said) != nil || said != n.text) {
				t.Fatalf("text %q, want %q", n.text, said)
			}
		}
		if b, err := ReadBundle(data); err == nil {
			for i := range b.Entries {
				b.Fact(i, noRecord)
			}
			b.Outside()
		} else if k := fault.KindOf(err); k == fault.Internal {
			t.Fatalf("an answer that tells nothing: %v", err)
		}
	})
}
