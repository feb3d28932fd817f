package medcard_test

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/medcard/medcard/mobile-sdk/medcard"
)

// Java can make any object with new, and hand null over for any other. Whatever it then calls, nothing panics, and what gives an
// error does so with a code.
func TestNoObjectPanics(t *testing.T) {
	functions := []any{
		medcard.Open, medcard.OpenCounter, medcard.CodePicture, medcard.NewKey, medcard.ResumeHeld, medcard.FailureOf,
		medcard.NewOptions, medcard.NewCounterOptions, medcard.NewCancellation,
	}
	for _, f := range functions {
		call(t, reflect.TypeOf(f).String(), reflect.ValueOf(f))
	}
	calls := 0
	for _, object := range []any{
		&medcard.Client{}, &medcard.Card{}, &medcard.Editor{}, &medcard.Outbox{}, &medcard.Conflicts{}, &medcard.Counter{},
		&medcard.CounterOptions{}, &medcard.Held{}, &medcard.Cancellation{}, &medcard.File{},
	} {
		v := reflect.ValueOf(object)
		for i := range v.NumMethod() {
			call(t, v.Type().String()+"."+v.Type().Method(i).Name, v.Method(i))
			calls++
		}
	}
	if calls < 50 {
		t.Errorf("only %d methods were called", calls)
	}
}

// call calls with zeroes.
func call(t *testing.T, name string, f reflect.Value) {
	t.Helper()
	in := make([]reflect.Value, f.Type().NumIn())
	for i := range in {
		in[i] = reflect.Zero(f.Type().In(i))
	}
	for _, out := range f.Call(in) {
		if err, ok := out.Interface().(error); ok && !strings.HasPrefix(err.Error(), "sdk.") {
			t.Errorf("%s: %v has no code", name, err)
		}
	}
}

func TestWhatIsWrittenIsFound(t *testing.T) {
	client, err := medcard.Open(medcard.NewOptions(filepath.Join(t.TempDir(), "card.db"), bytes.Repeat([]byte{7}, 32), "http://127.0.0.1:9"))
	check(t, err)
	defer func() { check(t, client.Close()) }()
	one, err := client.Card("0195e4a5-7c1e-7b22-9d6c-3f1a2b4c5d6e")
	check(t, err)
	reading, err := one.AddMeasurement(132, 84, 70, 0)
	check(t, err)
	_, err = one.Comment(reading.Record, "После лестницы 😀")
	check(t, err)
	for query, want := range map[string]string{"лестница": `"snippet"`, "аппендицит": `"entries":[]`} {
		page, err := one.Search(query, "", 0)
		check(t, err)
		if !strings.Contains(string(page), want) {
			t.Errorf("%s: %s", query, page)
		}
	}
}

func TestAFileCrossesTheBorder(t *testing.T) {
	client, err := medcard.Open(medcard.NewOptions(filepath.Join(t.TempDir(), "card.db"), bytes.Repeat([]byte{7}, 32), "http://127.0.0.1:9"))
	check(t, err)
	defer func() { check(t, client.Close()) }()
	one, err := client.Card("0195e4a5-7c1e-7b22-9d6c-3f1a2b4c5d6e")
	check(t, err)
	reading, err := one.AddMeasurement(132, 84, 70, 0)
	check(t, err)
	photo := append([]byte("\xff\xd8\xff\xe0"), bytes.Repeat([]byte("скан "), 200_000)...)
	attachment, err := one.Attach("Тонометр", "image/jpeg", photo)
	check(t, err)

	// A reading that gets a photo, and keeps its numbers.
	editor, err := one.Edit(reading.Record)
	check(t, err)
	entry, err := editor.Entry()
	check(t, err)
	_, fact, _ := bytes.Cut(entry, []byte(`"fact":`))
	fact = append(bytes.TrimSuffix(fact, []byte("}}")), []byte(`,"attachments":[`+string(attachment)+`]}`)...)
	_, err = editor.Save(fact)
	check(t, err)
	shown, err := one.Record(reading.Record)
	check(t, err)
	if text := string(shown); !strings.Contains(text, `"systolic":132`) || !strings.Contains(text, `"attachments":[`+string(attachment)+`]`) {
		t.Fatalf("the reading is %s", text)
	}
	_, rest, _ := strings.Cut(string(attachment), `"hash":"`)
	hash, _, _ := strings.Cut(rest, `"`)
	file, err := one.OpenAttachment(hash)
	check(t, err)
	var all []byte
	for {
		part, err := file.Read(int64(len(all)), 300_000)
		check(t, err)
		if len(part) == 0 {
			break
		}
		all = append(all, part...)
	}
	kind, err := file.ContentType()
	check(t, err)
	if !bytes.Equal(all, photo) || kind != "image/jpeg" {
		t.Errorf("%d bytes of %s came back, want %d", len(all), kind, len(photo))
	}
	states, err := one.Uploads()
	check(t, err)
	if !strings.Contains(string(states), `"upload":"waiting"`) {
		t.Errorf("its state: %s", states)
	}
	for what, err := range map[string]error{
		"sdk.no_file":   second(one.OpenAttachment(strings.Repeat("ab", 32))),
		"sdk.file_size": second(one.Attach("x", "image/jpeg", nil)),
		"sdk.argument":  second(one.CommentWith(reading.Record, "x", []byte(`[{"sha":"x"}]`))),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("want %s, got %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
