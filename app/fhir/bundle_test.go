package fhir

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
)

// transaction makes a bundle of resources, each posted to its type under the address urn:uuid:1, urn:uuid:2 ...
func transaction(resources ...string) []byte {
	var entries []string
	for i, r := range resources {
		kind := strings.SplitN(strings.SplitN(r, `"resourceType":"`, 2)[1], `"`, 2)[0]
		entries = append(entries, fmt.Sprintf(`{"fullUrl":"urn:uuid:%d","resource":%s,"request":{"method":"POST","url":%q}}`, i+1, r, kind))
	}
	return []byte(`{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`)
}

const ada = `{"resourceType":"Patient","id":"ada","identifier":[{"system":"urn:mrn","value":"7"},{"system":"http://fhir.ru/ig/core/systems/SNILS/","value":"112-233-445 95"}]}`

func observing(subject string) string {
	return `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":` + subject + `}`
}

func TestWhoseBundleItIs(t *testing.T) {
	for name, c := range map[string]struct {
		bundle []byte
		want   *fault.Fault // nil = taken
	}{
		"by address":                    {transaction(ada, observing(`{"reference":"urn:uuid:1"}`)), nil},
		"by type and id":                {transaction(ada, observing(`{"reference":"Patient/ada"}`)), nil},
		"by an old version":             {transaction(ada, observing(`{"reference":"Patient/ada/_history/2"}`)), nil},
		"by search":                     {transaction(ada, observing(`{"reference":"Patient?identifier=urn:mrn|7"}`)), nil},
		"by search for a state number":  {transaction(ada, observing(`{"reference":"Patient?identifier=https%3A%2F%2Ffhir.ru%2Fig%2Fcore%2Fsystems%2Fsnils%7C11223344595"}`)), nil},
		"by identifier alone":           {transaction(ada, observing(`{"type":"Patient","identifier":{"system":"urn:oid:1.2.643.100.3","value":"112-233-445 95"}}`)), nil},
		"before the patient's entry":    {transaction(observing(`{"reference":"urn:uuid:2"}`), ada), nil},
		"not a bundle":                  {[]byte(ada), ErrNotTransaction},
		"a batch":                       {bytes.Replace(transaction(ada), []byte(`"transaction"`), []byte(`"batch"`), 1), ErrNotTransaction},
		"empty":                         {[]byte(`{"resourceType":"Bundle","type":"transaction"}`), ErrOnePatient},
		"no patient":                    {transaction(observing(`{"reference":"Patient/ada"}`)), ErrOnePatient},
		"two patients":                  {transaction(ada, `{"resourceType":"Patient","id":"bob"}`), ErrOnePatient},
		"a patient inside":              {transaction(ada, strings.Replace(observing(`{"reference":"urn:uuid:1"}`), `"status"`, `"contained":[{"resourceType":"Patient","id":"p"}],"status"`, 1)), ErrOnePatient},
		"another's id":                  {transaction(ada, observing(`{"reference":"Patient/bob"}`)), ErrForeignSubject},
		"another's address":             {transaction(ada, observing(`{"reference":"urn:uuid:9"}`)), ErrForeignSubject},
		"the same id elsewhere":         {transaction(ada, observing(`{"reference":"https://other.example/fhir/Patient/ada"}`)), ErrForeignSubject},
		"another's number":              {transaction(ada, observing(`{"reference":"Patient?identifier=urn:mrn|8"}`)), ErrForeignSubject},
		"another's number, logical":     {transaction(ada, observing(`{"type":"Patient","identifier":{"system":"urn:mrn","value":"8"}}`)), ErrForeignSubject},
		"a name only":                   {transaction(ada, observing(`{"display":"Ada"}`)), ErrForeignSubject},
		"a thing":                       {transaction(ada, observing(`{"reference":"Device/1"}`)), ErrForeignSubject},
		"nobody":                        {transaction(ada, `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"}}`), ErrForeignSubject},
		"another, of a type we keep":    {transaction(ada, `{"resourceType":"Coverage","id":"c","status":"active","beneficiary":{"reference":"Patient/bob"},"payor":[{"display":"x"}]}`), ErrForeignSubject},
		"her, with another's number":    {transaction(ada, observing(`{"reference":"urn:uuid:1","identifier":{"system":"urn:mrn","value":"8"}}`)), ErrForeignSubject},
		"another, deep inside":          {transaction(ada, strings.Replace(observing(`{"reference":"urn:uuid:1"}`), `"status"`, `"extension":[{"url":"urn:x","valueReference":{"reference":"Patient/bob"}}],"status"`, 1)), ErrForeignSubject},
		"another, as the one who did":   {transaction(ada, strings.Replace(observing(`{"reference":"urn:uuid:1"}`), `"status"`, `"performer":[{"reference":"Patient/bob"}],"status"`, 1)), ErrForeignSubject},
		"another, linked":               {transaction(strings.Replace(ada, `"id"`, `"link":[{"type":"seealso","other":{"reference":"Patient/bob"}}],"id"`, 1)), ErrForeignSubject},
		"the same identifier twice":     {transaction(ada, `{"resourceType":"Device","identifier":[{"system":"s","value":"1"}]}`, `{"resourceType":"Device","identifier":[{"system":"s","value":"1"}],"status":"active"}`), ErrDuplicate},
		"the same id twice":             {transaction(ada, `{"resourceType":"Device","id":"1"}`, `{"resourceType":"Device","id":"1"}`), ErrDuplicate},
		"the same content twice":        {transaction(ada, `{"resourceType":"Device"}`, `{"resourceType":"Device"}`), ErrDuplicate},
		"the same address twice":        {bytes.Replace(transaction(ada, `{"resourceType":"Device","id":"1"}`), []byte("urn:uuid:2"), []byte("urn:uuid:1"), 1), ErrDuplicate},
		"an order's number on several":  {transaction(ada, `{"resourceType":"Device","id":"1","identifier":[{"system":"a","value":"1"},{"system":"o","value":"1"}]}`, `{"resourceType":"Device","id":"2","identifier":[{"system":"a","value":"2"},{"system":"o","value":"1"}]}`), nil},
		"a mistyped SNILS":              {transaction(strings.Replace(ada, "445 95", "445 96", 1)), identity.ErrSNILSCheck},
		"a mistyped policy":             {transaction(`{"resourceType":"Patient","identifier":[{"system":"https://fhir.ru/ig/core/systems/OMS","value":"2341998071655740"}]}`), identity.ErrPolicyCheck},
		"an old policy":                 {transaction(`{"resourceType":"Patient","identifier":[{"system":"https://fhir.ru/ig/core/systems/oms","value":"АБ 123456"}]}`), nil},
		"an old policy that has digits": {transaction(`{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"urn:oid:1.2.643.5.1.13.13.11.1035","code":"1"}]},"system":"https://fhir.ru/ig/core/systems/oms","value":"2341998071655740"}]}`), nil},
	} {
		_, err := ReadBundle(c.bundle)
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: got %v %+v, want %v", name, err, fault.From(err), c.want)
		}
		if err == nil {
			continue
		}
		if answer := string(Outcome(err, "")); strings.Contains(answer, "bob") || strings.Contains(answer, "445") || strings.Contains(answer, "2341") {
			t.Errorf("%s: repeats what was sent: %s", name, answer)
		}
	}
}

func TestRequests(t *testing.T) {
	entry := func(resource, request string) []byte {
		return []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + resource + `,"request":` + request + `}]}`)
	}
	for name, c := range map[string]struct {
		bundle []byte
		key    string // "" = refused
	}{
		"posted":                        {entry(ada, `{"method":"POST","url":"Patient"}`), "identifier|urn:mrn|7"},
		"posted with a slash":           {entry(ada, `{"method":"POST","url":"/Patient"}`), "identifier|urn:mrn|7"},
		"posted unless it is there":     {entry(ada, `{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:card%7C9"}`), "identifier|urn:card|9"},
		"put under its id":              {entry(ada, `{"method":"PUT","url":"Patient/ada"}`), "id|ada"},
		"put by search":                 {entry(ada, `{"method":"PUT","url":"Patient?identifier=urn:mrn|7"}`), "identifier|urn:mrn|7"},
		"known by its id":               {entry(`{"resourceType":"Patient","id":"x"}`, `{"method":"POST","url":"Patient"}`), "id|x"},
		"an identifier without a place": {entry(`{"resourceType":"Patient","id":"x","identifier":[{"value":"7"}]}`, `{"method":"POST","url":"Patient"}`), "id|x"},
		"put over one version":          {entry(ada, `{"method":"PUT","url":"Patient/ada","ifMatch":"W/\"3\""}`), "id|ada"},
		"put over no version":           {entry(ada, `{"method":"PUT","url":"Patient/ada","ifMatch":"3"}`), ""},
		"posted unless somebody is":     {entry(ada, `{"method":"POST","url":"Patient","ifNoneExist":"name=Ada"}`), ""},
		"put under another id":          {entry(ada, `{"method":"PUT","url":"Patient/bob"}`), ""},
		"put by a vague search":         {entry(ada, `{"method":"PUT","url":"Patient?name=Ada"}`), ""},
		"put by two searches":           {entry(ada, `{"method":"PUT","url":"Patient?identifier=a|b&identifier=c|d"}`), ""},
		"posted to another type":        {entry(ada, `{"method":"POST","url":"Person"}`), ""},
		"deleted":                       {entry(ada, `{"method":"DELETE","url":"Patient/ada"}`), ""},
		"read":                          {entry(ada, `{"method":"GET","url":"Patient/ada"}`), ""},
		"no request":                    {[]byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + ada + `}]}`), ""},
		"no resource":                   {[]byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"POST","url":"Patient"}}]}`), ""},
	} {
		b, err := ReadBundle(c.bundle)
		switch {
		case c.key == "" && !errors.Is(err, ErrRequest):
			t.Errorf("%s: got %v", name, err)
		case c.key != "" && (err != nil || b.Entries[0].Key.Name != c.key):
			t.Errorf("%s: got %+v, %v; want %s", name, b, err, c.key)
		}
	}
	many := transaction(append([]string{ada}, strings.Split(strings.Repeat(`{"resourceType":"Device"}|`, MaxEntries), "|")[:MaxEntries]...)...)
	if _, err := ReadBundle(many); !errors.Is(err, ErrTooManyEntries) {
		t.Errorf("too many entries: %v", err)
	}
}

func TestTheBodyStaysByteForByte(t *testing.T) {
	b, err := ReadBundle(transaction(ada, observing(`{"reference" : "urn:uuid:1"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b.Entries[1].Body); got != observing(`{"reference" : "urn:uuid:1"}`) {
		t.Errorf("kept %s", got)
	}
}

func TestTheDigestIsOfWhatIsSaid(t *testing.T) {
	weighing := func(value, more string) string {
		return `{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:1"},"valueQuantity":{"value":` + value + `}` + more + `}`
	}
	digest := func(resource string) posting.Digest {
		t.Helper()
		b, err := ReadBundle(transaction(ada, resource))
		if err != nil {
			t.Fatal(err)
		}
		return b.Entries[1].Digest
	}
	first := digest(weighing("7.1", ""))
	for name, same := range map[string]string{
		"another order":   `{"valueQuantity":{"value":7.1},"subject":{"reference":"urn:uuid:1"},"code":{"text":"x"},"status":"final","id":"o","resourceType":"Observation"}`,
		"white space":     strings.ReplaceAll(weighing("7.1", ""), `,"`, " ,\n\t\""),
		"an escape":       strings.Replace(weighing("7.1", ""), `"x"`, `"\u0078"`, 1),
		"another id":      strings.Replace(weighing("7.1", ""), `"o"`, `"p"`, 1),
		"another address": strings.Replace(weighing("7.1", ""), `urn:uuid:1`, `Patient?identifier=urn:mrn|7`, 1),
	} {
		if digest(same) != first {
			t.Errorf("%s: another digest", name)
		}
	}
	stamped := digest(weighing("7.1", `,"meta":{"source":"urn:lab"}`))
	if digest(weighing("7.1", `,"meta":{"versionId":"2","lastUpdated":"2026-11-22T10:00:00Z","source":"urn:lab"}`)) != stamped || stamped == first {
		t.Error("of meta, versions and stamps do not count, the rest does")
	}
	for name, other := range map[string]string{
		"a more precise value": weighing("7.10", ""),
		"one field more":       weighing("7.1", `,"note":[{"text":"x"}]`),
	} {
		if digest(other) == first {
			t.Errorf("%s: the same digest", name)
		}
	}
}

func TestIntroduction(t *testing.T) {
	b, err := ReadBundle(transaction(`{"resourceType":"Patient","id":"patient-1","birthDate":"1980-05","identifier":[
		{"system":"http://fhir.ru/ig/core/systems/SNILS/","value":" 112-233-445 95"},{"system":"urn:mrn","value":"7"},{"system":"urn:card","value":"8"},{"value":"9"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	who := b.Introduction()
	if fmt.Sprint(who.Names) != "[identifier|urn:mrn|7 identifier|urn:card|8]" || len(who.Numbers) != 1 || who.Numbers[0] != (card.Number{System: card.SystemSNILS, Value: "11223344595"}) || who.Born != "1980-05" {
		t.Errorf("%+v", who)
	}
	for document, want := range map[string]string{
		`{"resourceType":"Patient","id":"x"}`: "[id|x]",
		`{"resourceType":"Patient"}`:          "[]",
	} {
		b, err := ReadBundle(transaction(document))
		if err != nil || fmt.Sprint(b.Introduction().Names) != want {
			t.Errorf("%s: %v, %v", document, b.Introduction(), err)
		}
	}
}

func TestOutsideReferencesAreNamedOnce(t *testing.T) {
	b, err := ReadBundle(transaction(ada,
		strings.Replace(observing(`{"reference":"urn:uuid:1"}`), `"status"`, `"encounter":{"reference":"Encounter/9"},"hasMember":[{"reference":"Observation/8"},{"reference":"#x"},{"reference":"urn:uuid:77"}],"status"`, 1),
		`{"resourceType":"Procedure","status":"completed","subject":{"reference":"urn:uuid:1"},"encounter":{"reference":"Encounter/9"},"performer":[{"actor":{"reference":"Practitioner/5"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.Outside()); got != "[{Encounter id|9} {Observation id|8}]" {
		t.Errorf("outside: %s", got)
	}
}

func BenchmarkReadBundle(b *testing.B) {
	body := example.Bundle()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := ReadBundle(body); err != nil {
			b.Fatal(err)
		}
	}
}
