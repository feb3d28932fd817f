package story

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
)

// The FHIR face over plain HTTP: what it takes, what it refuses, and that no refusal repeats what was sent.

// answer is what came back from the FHIR face.
type answer struct {
	status int
	kind   string // content type
	text   string
}

// send posts a body to the FHIR face; headers come as name, value.
func (w *World) send(ctx context.Context, t testing.TB, token string, content []byte, headers ...string) answer {
	t.Helper()
	return w.ask(ctx, t, token, http.MethodPost, "/fhir/R4", content, append([]string{"Content-Type", "application/fhir+json"}, headers...)...)
}

func (w *World) ask(ctx context.Context, t testing.TB, token, method, path string, content []byte, headers ...string) answer {
	t.Helper()
	request := got(http.NewRequestWithContext(ctx, method, w.URL+path, bytes.NewReader(content)))(t)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response := got(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	text := got(io.ReadAll(response.Body))(t)
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(text)}
}

// wantOutcome checks that an error left as an OperationOutcome that is R4 itself and holds the code.
func wantOutcome(t testing.TB, a answer, status int, code string) {
	t.Helper()
	if a.status != status || !strings.Contains(a.text, `"resourceType":"OperationOutcome"`) || !strings.Contains(a.text, `"code":"`+code+`"`) || a.kind != fhir.ContentType {
		t.Errorf("got %d %s %s, want %d %s", a.status, a.kind, a.text, status, code)
	}
	if err := fhir.Validate([]byte(a.text)); err != nil {
		t.Errorf("the answer is not R4: %v", err)
	}
}

func zipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	ok(t, err)
	ok(t, z.Close())
	return b.Bytes()
}

func TestABundleChangesACardOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		token := got(got(w.Clinic(ctx, "Поликлиника № 7"))(t).Token(ctx))(t)
		first := w.send(ctx, t, token, zipped(t, example.Bundle()), "Content-Encoding", "gzip")
		if first.status != http.StatusOK || strings.Count(first.text, "201 Created") != 20 || fhir.Validate([]byte(first.text)) != nil {
			t.Fatalf("%d %s", first.status, first.text)
		}
		again := w.send(ctx, t, token, example.Bundle(), "Content-Type", "application/json; charset=utf-8")
		if again.status != http.StatusOK || strings.Count(again.text, "200 OK") != 20 {
			t.Fatalf("the same again: %d %s", again.status, again.text)
		}
		changed := w.send(ctx, t, token, bytes.Replace(example.Bundle(), []byte("11.20"), []byte("11.4"), 1))
		if strings.Count(changed.text, `W/\"2\"`) != 1 || strings.Count(changed.text, `W/\"1\"`) != 19 {
			t.Errorf("one other value: %s", changed.text)
		}
	})
}

func TestBundlesThatAreRefused(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		token := got(got(w.Clinic(ctx, "Поликлиника № 7"))(t).Token(ctx))(t)
		good := string(example.Bundle())
		for name, c := range map[string]struct {
			content []byte
			headers []string
			status  int
			code    string
		}{
			"nothing":                 {nil, nil, 400, "fhir.malformed"},
			"broken JSON":             {[]byte(`{"resourceType":"Bundle",`), nil, 400, "fhir.malformed"},
			"cut off":                 {[]byte(good[:len(good)/2]), nil, 400, "fhir.malformed"},
			"a name twice":            {[]byte(`{"resourceType":"Bundle","type":"transaction","type":"transaction"}`), nil, 400, "fhir.malformed"},
			"deep":                    {[]byte(strings.Repeat("[", 100_000)), nil, 400, "fhir.malformed"},
			"an element not in R4":    {[]byte(strings.Replace(good, `"birthDate"`, `"birthday"`, 1)), nil, 422, "fhir.not_r4"},
			"a type not in R4":        {[]byte(strings.Replace(good, `"resourceType": "Coverage"`, `"resourceType": "Cover"`, 1)), nil, 422, "fhir.not_r4"},
			"a code not in R4":        {[]byte(strings.Replace(good, `"status": "final"`, `"status": "done"`, 1)), nil, 422, "fhir.not_r4"},
			"not a transaction":       {[]byte(strings.Replace(good, `"type": "transaction"`, `"type": "batch"`, 1)), nil, 422, "bundle.not_transaction"},
			"somebody else's result":  {[]byte(strings.Replace(good, `"beneficiary": {`, `"beneficiary": {"type": "Patient", "id": "x"}, "subscriber": {"type": "Patient", "reference": "Patient/9", "display": "Соколова"}, "policyHolder": {`, 1)), nil, 422, "bundle.foreign_subject"},
			"a mistyped SNILS":        {[]byte(strings.Replace(good, `846 47`, `846 48`, 1)), nil, 422, "snils.check_digit"},
			"text":                    {[]byte(good), []string{"Content-Type", "text/plain"}, 415, "media_type.unsupported"},
			"no content type":         {[]byte(good), []string{"Content-Type", ""}, 415, "media_type.unsupported"},
			"an unknown encoding":     {[]byte(good), []string{"Content-Encoding", "br"}, 415, "encoding.unsupported"},
			"no gzip, though it says": {[]byte(good), []string{"Content-Encoding", "gzip"}, 400, "encoding.broken"},
			"gzip, cut off":           {zipped(t, example.Bundle())[:900], []string{"Content-Encoding", "gzip"}, 400, "encoding.broken"},
			"a gzip bomb":             {bomb(t), []string{"Content-Encoding", "gzip"}, 413, "body.too_large"},
		} {
			t.Run(name, func(t *testing.T) {
				a := w.send(ctx, t, token, c.content, c.headers...)
				wantOutcome(t, a, c.status, c.code)
				for _, secret := range []string{example.Family, "150-731", "846 4", "A-10442"} {
					if strings.Contains(a.text, secret) {
						t.Errorf("repeats what was sent: %s", a.text)
					}
				}
			})
		}
		// None of them opened a card: the good one is the first.
		if a := w.send(ctx, t, token, example.Bundle()); strings.Count(a.text, "201 Created") != 20 {
			t.Errorf("a refused bundle left something: %s", a.text)
		}
	})
}

func TestWhoMayPostBundles(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		wantOutcome(t, w.send(ctx, t, "", example.Bundle()), http.StatusUnauthorized, "token.missing")
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		wantOutcome(t, w.send(ctx, t, str(w.enter(ctx, t, anna), "accessToken"), example.Bundle()), http.StatusForbidden, "actor.not_allowed")
		id, key, err := w.Register(ctx, identity.Clinic, "Поликлиника")
		ok(t, err)
		narrow := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/*.rs"}, Clock: w.Now})
		wantOutcome(t, w.send(ctx, t, got(narrow.As(Doctor)(ctx))(t), example.Bundle()), http.StatusForbidden, "scope.missing")
		wantOutcome(t, w.ask(ctx, t, "", http.MethodGet, "/fhir/R4", nil), http.StatusMethodNotAllowed, "method.not_allowed")
		wantOutcome(t, w.ask(ctx, t, "", http.MethodGet, "/fhir/R4/Patient/1", nil), http.StatusNotFound, "route.not_found")
		if can := w.ask(ctx, t, "", http.MethodGet, "/fhir/R4/metadata", nil); can.status != http.StatusOK || fhir.Validate([]byte(can.text)) != nil {
			t.Errorf("metadata: %d %s", can.status, can.text)
		}
	})
}

// Two clinics post the same new patient in several requests at once: one card, and nothing twice.
func TestTheSamePatientAtOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		tokens := []string{
			got(got(w.Clinic(ctx, "Поликлиника № 7"))(t).Token(ctx))(t), got(got(w.Clinic(ctx, "Больница"))(t).Token(ctx))(t),
		}
		answers := make([]answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = w.send(ctx, t, tokens[i%2], example.Bundle()) })
		}
		all.Wait()
		created, cards := 0, map[string]bool{}
		for _, a := range answers {
			if a.status != http.StatusOK {
				t.Fatalf("%d %s", a.status, a.text)
			}
			if strings.Contains(a.text, "201 Created") {
				created++
			}
			id, _ := between(a.text, `"Patient/`, "/")
			cards[id] = true
		}
		if created != 2 || len(cards) != 1 {
			t.Errorf("%d of 8 created something, cards %v", created, fmt.Sprint(cards))
		}
	})
}
