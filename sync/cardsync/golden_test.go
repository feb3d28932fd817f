package cardsync

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/card"
)

// TestShapesStayAsTheyAre is the contract with phones in the field: the shape of each fact, with every field filled. When it
// fails, a field was renamed, moved or removed; only additions at the end of a struct may change the file
// (go test -run Shapes with MEDCARD_WRITE_GOLDEN=1 writes it anew).
func TestShapesStayAsTheyAre(t *testing.T) {
	var b strings.Builder
	for _, fact := range card.Facts() {
		v := reflect.New(reflect.TypeOf(fact)).Elem()
		fillAll(v)
		full := v.Interface().(card.Fact)
		atoms := Atoms(full)
		for _, name := range []string{AtomFact, AtomReading, AtomText, AtomAbout, AtomFiles} {
			if atom, ok := atoms[name]; ok {
				fmt.Fprintf(&b, "%s %s %s\n", full.Kind(), name, atom)
			}
		}
		if back, err := ToFact(full.Kind(), atoms); err != nil || !reflect.DeepEqual(back, full) {
			t.Errorf("%s does not come back: %v", full.Kind(), err)
		}
	}
	path := filepath.Join("testdata", "shapes.txt")
	if os.Getenv("MEDCARD_WRITE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the shapes changed:\n%s", b.String())
	}
}

// fillAll gives every field a value, every list one element.
func fillAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fillAll(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillAll(v.Index(0))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAll(v.Elem())
	case reflect.String:
		v.SetString("t")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(1)
	}
}
