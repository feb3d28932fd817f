package story

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// deaf loses the answer to every other request about documents: the server did what it was asked, and the phone does not know.
type deaf struct{ heard int }

func (d *deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && strings.Contains(r.URL.Path, "/documents") {
		if d.heard++; d.heard%2 == 1 {
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
			return nil, ErrNoNetwork
		}
	}
	return response, err
}

// A person photographs her passport where there is no network. It goes by itself when there is one, once, whatever answers are lost.
func TestDocumentsKeptOfflineAreHandedIn(t *testing.T) {
	demanding(t, []string{"passport"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		nobodys := got(anna.Handset("nobody has signed in"))(t)
		t.Cleanup(func() { _ = nobodys.Close() })
		if err := nobodys.KeepDocument(evidence.Passport, "4510 123456", located(t)); !errors.Is(err, phone.ErrSignedOut) {
			t.Errorf("on nobody's phone: %v", err)
		}

		hers.Network.Off(true)
		for name, c := range map[string]struct {
			slot   evidence.Slot
			number string
			files  [][]byte
			want   error
		}{
			"no slot":        {"selfie", "", [][]byte{located(t)}, evidence.ErrSlot},
			"no number":      {evidence.BirthCertificate, "", [][]byte{located(t)}, evidence.ErrNumber},
			"no files":       {evidence.Passport, "4510 123456", nil, phone.ErrDocument},
			"an empty file":  {evidence.Passport, "4510 123456", [][]byte{{}}, phone.ErrDocument},
			"a large file":   {evidence.Passport, "4510 123456", [][]byte{make([]byte, evidence.MaxFile+1)}, phone.ErrDocument},
			"too many files": {evidence.Passport, "4510 123456", make([][]byte, evidence.MaxFiles+1), phone.ErrDocument},
		} {
			if err := hers.KeepDocument(c.slot, c.number, c.files...); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		ok(t, hers.KeepDocument(evidence.Passport, "4510 123456", located(t))) // replaced by the next one
		ok(t, hers.KeepDocument(evidence.Passport, "4510 123456", located(t), located(t)))
		ok(t, hers.KeepDocument(evidence.INN, "500100732259", []byte("GIF89a no page")))
		ok(t, hers.KeepDocument(evidence.SNILS, "112-233-445 95", located(t)))
		if _, err := hers.Sync(ctx); !errors.Is(err, phone.ErrOffline) {
			t.Errorf("without a network: %v", err)
		}
		waiting := func(want int) []phone.KeptDocument {
			t.Helper()
			list := got(hers.KeptDocuments())(t)
			if len(list) != want {
				t.Fatalf("%d wait: %+v", len(list), list)
			}
			return list
		}
		if first := waiting(3)[0]; first.Slot != evidence.Passport || first.Files != 2 || first.Sent != 0 || first.Number != "4510123456" || first.Code != "" {
			t.Errorf("the first: %+v", first)
		}
		raw := got(os.ReadFile(hers.File))(t)
		if log, err := os.ReadFile(hers.File + "-wal"); err == nil {
			raw = append(raw, log...)
		}
		if bytes.Contains(raw, []byte("JFIF")) || bytes.Contains(raw, []byte("4510123456")) {
			t.Error("it lies open on the phone")
		}

		// After a restart of the app, over a line that loses answers.
		hers.again(t, w, new(deaf))
		handedIn := 0
		for range 20 {
			report, err := hers.Sync(ctx)
			if err != nil && !errors.Is(err, phone.ErrOffline) {
				t.Fatal(err)
			}
			handedIn += report.HandedIn
		}
		if refused := waiting(1)[0]; handedIn != 2 || refused.Slot != evidence.INN || refused.Code != "file.format" {
			t.Errorf("%d were handed in, and %+v", handedIn, refused)
		}
		hers.again(t, w, http.DefaultTransport)
		ok(t, hers.DropKeptDocument(evidence.INN))
		waiting(0)
		list := got(hers.Documents(ctx))(t)
		if len(list) != 2 || len(got(desk.Waiting(ctx))(t)) != 2 {
			t.Fatalf("the server has %+v", list)
		}
		for _, d := range list {
			if d.Status != evidence.Checking || len(d.Files) != map[evidence.Slot]int{evidence.Passport: 2, evidence.SNILS: 1}[d.Slot] {
				t.Errorf("the server has %+v", d)
			}
		}

		// What is being checked is not changed behind the reviewer's back: she takes it back, and sends fewer pages in its place.
		ok(t, hers.KeepDocument(evidence.Passport, "4510 123457", located(t)))
		if report := got(hers.Sync(ctx))(t); report.HandedIn > 0 || waiting(1)[0].Code != "document.checking" {
			t.Errorf("beside one that is being checked: %+v", report)
		}
		ok(t, hers.WithdrawDocument(ctx, evidence.Passport))
		for page := range 3 {
			got(hers.PutDocumentFile(ctx, evidence.Passport, page+1, located(t)))(t)
		}
		ok(t, hers.KeepDocument(evidence.Passport, "4510 123457", located(t)))
		if report := got(hers.Sync(ctx))(t); report.HandedIn != 1 || report.Unchanged {
			t.Errorf("in its place: %+v", report)
		}
		waiting(0)
		list = got(hers.Documents(ctx))(t)
		hers.again(t, w, &wireless{refuse: 1})
		for _, d := range got(hers.SeenDocuments())(t) {
			if d.Slot == evidence.Passport && (d.Number != "4510123457" || len(d.Files) != 1 || d.Status != evidence.Checking) {
				t.Errorf("without a network she sees %+v", d)
			}
		}
		if seen := got(hers.SeenDocuments())(t); len(seen) != len(list) {
			t.Errorf("without a network she sees %+v", seen)
		}
	})
}
