package phone_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// canned is a server that gives each path always the same answer. Real code leaves Config.HTTPClient nil.
type canned map[string]string

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := c[r.URL.Path]
	status := http.StatusOK
	if !ok {
		status, body = http.StatusNotFound, `{"code":"route.not_found"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

const exampleCard = "0195e4a5-7c1e-7b22-9d6c-3f1a2b4c5d6e"

var exampleServer = canned{
	"/v1/auth/sign-in": `{"challenge":"0195e4a5-0000-7000-8000-000000000009","method":"sms","to":"+7 *** ***-45-67"}`,
	"/v1/auth/second-factor": `{"accessToken":"a","accessEnds":"2026-11-22T12:10:00Z","refreshToken":"mcr_r",
		"account":"0195e4a5-0000-7000-8000-000000000001"}`,
	"/v1/cards/claim": `{"card":"` + exampleCard + `"}`,
	"/v1/sync/devices": `{"device":"d","serverTime":"2026-11-22T12:00:00Z",
		"cards":[{"card":"` + exampleCard + `","epoch":"e1","actor":1,"lmid":0,"leases":[{"scope":"*","until":"2027-02-20T12:00:00Z"}]}]}`,
	"/v1/sync": `{"card":{"card":"` + exampleCard + `","epoch":"e1","view":"v1","total":1}}
{"row":{"id":"0195e4a5-0000-7000-8000-000000000002","kind":"encounter","scope":"visit.general","date":"2026-11-20T09:00:00Z","vv":"0:1","atoms":{"fact":[{"dot":"0:1","hlc":"019ab00000000000","v":{"period":{"start":"2026-11-20T12:00:00+03:00"},"reasons":[{"text":"Кашель"}],"institution":"Поликлиника № 1"}}]}}}
{"end":{"cursor":"c1","lmid":0,"view":"v1"}}
`,
}

func exampleConfig(dir string, server http.RoundTripper) phone.Config {
	return phone.Config{
		File: filepath.Join(dir, "card.db"),
		Key:  []byte("0123456789abcdef0123456789abcdef"), // from the Android Keystore or the iOS Keychain
		// The rest an app leaves out, but for the address.
		BaseURL:    "https://card.example",
		HTTPClient: &http.Client{Transport: server},
		Clock:      func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) },
	}
}

func tempDir() string {
	dir, err := os.MkdirTemp("", "medcard-example-")
	check(err)
	return dir
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A person signs in, takes over the card with the code from the clinic's desk, and reads it.
func Example() {
	ctx := context.Background()
	dir := tempDir()
	defer os.RemoveAll(dir)

	client, err := phone.Open(ctx, exampleConfig(dir, exampleServer))
	check(err)
	defer client.Close()

	challenge, err := client.SignIn(ctx, "+7 916 123-45-67", "correct horse battery")
	check(err)
	fmt.Println("code sent to", challenge.To)
	check(client.SecondFactor(ctx, challenge.ID, "123456"))

	id, err := client.Claim(ctx, "K7QM-2F9D-X4TB")
	check(err)
	report, err := client.Sync(ctx)
	check(err)
	fmt.Println("records:", report.Received)

	visits, err := client.Card(id).Visits(phone.Paging{})
	check(err)
	for _, v := range visits.Entries {
		fmt.Println(v.Fact.When().Day(), v.Fact.Institution+":", v.Fact.Reasons[0].Label())
	}
	// Output:
	// code sent to +7 *** ***-45-67
	// records: 1
	// 2026-11-20 Поликлиника № 1: Кашель
}

// Without a network everything can be read, and what is written waits.
func ExampleCard_AddMeasurement() {
	ctx := context.Background()
	dir := tempDir()
	defer os.RemoveAll(dir)
	client, err := phone.Open(ctx, exampleConfig(dir, canned{}))
	check(err)
	defer client.Close()

	mine := client.Card(exampleCard)
	edit, err := mine.AddMeasurement(card.Measurement{Systolic: 132, Diastolic: 84, Pulse: 70})
	check(err)
	fmt.Println(edit.Kind, edit.State)

	_, err = mine.AddMeasurement(card.Measurement{Systolic: 84, Diastolic: 132})
	fmt.Println(err)

	list, err := mine.Measurements(phone.Paging{})
	check(err)
	for _, m := range list.Entries {
		fmt.Printf("%d/%d pending: %v\n", m.Fact.Systolic, m.Fact.Diastolic, m.Pending)
	}
	// Output:
	// measurement waiting
	// phone: this content is not accepted (invalid)
	// 132/84 pending: true
}

// An editor remembers what it showed. What a sync brings while it is open is not replaced by what is saved through it, but
// stands beside it until the person resolves.
func ExampleEditor() {
	ctx := context.Background()
	dir := tempDir()
	defer os.RemoveAll(dir)
	client, err := phone.Open(ctx, exampleConfig(dir, canned{}))
	check(err)
	defer client.Close()
	mine := client.Card(exampleCard)
	written, err := mine.AddMeasurement(card.Measurement{Systolic: 132, Diastolic: 84})
	check(err)

	editor, err := mine.Edit(written.Record)
	check(err)
	reading := editor.Entry().Fact.(card.Measurement)
	reading.Pulse = 68
	_, err = editor.Save(reading)
	check(err)

	shown, err := mine.Record(written.Record)
	check(err)
	fmt.Println(shown.Fact.(card.Measurement).Pulse)

	open, err := mine.Conflicts()
	check(err)
	for _, conflict := range open {
		entry := conflict.Entry()
		fmt.Println("choose:", entry.Fact, entry.Siblings)
		_, err = conflict.Resolve(entry.Fact)
		check(err)
	}
	// Output:
	// 68
}

// A search goes through all kinds of records, and finds words whatever their ending. It needs no network.
func ExampleCard_Search() {
	ctx := context.Background()
	dir := tempDir()
	defer os.RemoveAll(dir)
	client, err := phone.Open(ctx, exampleConfig(dir, exampleServer))
	check(err)
	defer client.Close()
	challenge, err := client.SignIn(ctx, "+7 916 123-45-67", "correct horse battery")
	check(err)
	check(client.SecondFactor(ctx, challenge.ID, "123456"))
	id, err := client.Claim(ctx, "K7QM-2F9D-X4TB")
	check(err)
	_, err = client.Sync(ctx)
	check(err)

	mine := client.Card(id)
	visits, err := mine.Visits(phone.Paging{})
	check(err)
	_, err = mine.Comment(visits.Entries[0].ID, "Спросить врача: кашель по ночам")
	check(err)

	hits, err := mine.Search(ctx, "поликлиники каш", phone.Paging{})
	check(err)
	for _, hit := range hits.Entries {
		fmt.Println(hit.Kind, hit.Fact.Title)
	}
	hits, err = mine.Search(ctx, "ночами", phone.Paging{})
	check(err)
	for _, hit := range hits.Entries {
		fmt.Printf("%s: %s, pending: %v\n", hit.Kind, hit.Fact.Snippet, hit.Pending)
	}
	// Output:
	// encounter Кашель
	// comment: Спросить врача: кашель по ночам, pending: true
}
