package counter_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/trust"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// server stands for Medcard: it publishes what a root signed, and one prescription can be dispensed.
type server struct {
	*httptest.Server
	t                     *testing.T
	root, rx, statusKey   qr.SigningKey
	keys, status          []byte
	etags                 bool
	served, unchanged     int
	authorised            []string
	bodies                []map[string]any
	failStatus            bool
	dispensed, redirected bool
	receipts              ledger
}

func newKey(t testing.TB, issuer string, usage qr.Usage) qr.SigningKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, "counter test "+string(usage))
	key, err := qr.NewSigningKey(issuer, usage, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, etags: true, root: newKey(t, "root", qr.KeySet), rx: newKey(t, "medcard", qr.Prescription), statusKey: newKey(t, "medcard", qr.StatusList)}
	s.publish(1, now)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/trust/keys", func(w http.ResponseWriter, r *http.Request) { s.send(w, r, s.keys) })
	mux.HandleFunc("GET /v1/trust/status/7", func(w http.ResponseWriter, r *http.Request) {
		if s.failStatus {
			s.problem(w, 503, "database.away", "")
			return
		}
		s.send(w, r, s.status)
	})
	mux.HandleFunc("POST /v1/dispensing/accept", func(w http.ResponseWriter, r *http.Request) {
		s.read(r)
		if s.redirected {
			http.Redirect(w, r, "http://somewhere.invalid/", http.StatusTemporaryRedirect)
			return
		}
		if s.dispensed {
			s.problem(w, 409, "prescription.dispensed", "dispensed")
			return
		}
		fmt.Fprintf(w, `{"id":"rx-1","secret":"s","leaseUntil":%q,"prescription":{"form":"107-1/u","patient":{"initials":"ИАП","birthYear":1956},
			"validUntil":%q,"state":"in_work","items":[{"code":5231,"name":"Метформин","quantity":60,"remaining":60,"strength":[{"amount":500,"unit":"mg"}],"regimen":{"portion":100,"times":2}}]}}`,
			now.Add(10*time.Minute).Format(time.RFC3339), now.Add(60*day).Format(time.RFC3339))
	})
	mux.HandleFunc("POST /v1/dispensing/rx-1/complete", func(w http.ResponseWriter, r *http.Request) {
		s.read(r)
		s.dispensed = true
		fmt.Fprint(w, `{"id":"rx-1","state":"dispensed","items":[{"quantity":60,"dispensed":60,"remaining":0}]}`)
	})
	mux.HandleFunc("POST /v1/dispensing/rx-1/reject", func(w http.ResponseWriter, r *http.Request) {
		s.read(r)
		fmt.Fprint(w, `{"id":"rx-1","state":"issued","items":[{"quantity":60,"dispensed":0,"remaining":60}]}`)
	})
	s.receipts.serve(s, mux)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *server) publish(sequence uint64, at time.Time) {
	s.t.Helper()
	set := trust.KeySet{Sequence: sequence, IssuedAt: at.Add(-time.Hour), Expires: at.Add(trust.KeySetTerm), Lists: []uint32{7}}
	for _, k := range []qr.SigningKey{s.rx, s.statusKey} {
		set.Keys = append(set.Keys, trust.Key{Key: k.Key, NotBefore: now.Add(-30 * day), LastIssue: now.Add(60 * day), LastVerify: now.Add(400 * day), Standing: trust.Active})
	}
	list := trust.NewStatusList(7, at)
	if err := list.Set(100, trust.Valid); err != nil {
		s.t.Fatal(err)
	}
	var err, err2 error
	s.keys, err = trust.SealKeySet(set, s.root)
	s.status, err2 = trust.SealStatus(list, s.statusKey)
	if err := errors.Join(err, err2); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) send(w http.ResponseWriter, r *http.Request, data []byte) {
	s.authorised = append(s.authorised, r.URL.Path+" "+r.Header.Get("Authorization"))
	tag := fmt.Sprintf(`"%x"`, data[len(data)-8:])
	if s.etags && r.Header.Get("If-None-Match") == tag {
		s.unchanged++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.served++
	w.Header().Set("ETag", tag)
	_, _ = w.Write(data)
}

func (s *server) problem(w http.ResponseWriter, status int, code, state string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"code":%q,"state":%q,"status":%d}`, code, state, status)
}

func (s *server) read(r *http.Request) {
	body := map[string]any{}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		s.t.Error(err)
	}
	body["auth"] = r.Header.Get("Authorization")
	s.bodies = append(s.bodies, body)
}

func (s *server) config(dir string) counter.Config {
	return counter.Config{
		Dir: dir, Server: s.URL + "/", Roots: []qr.Key{s.root.Key},
		Bearer: func(context.Context) (string, error) { return "t0ken", nil },
	}
}

func (s *server) code() string { return s.issue(1, 60, 0) }

func (s *server) otherCode() string { return s.issue(2, 60, 0) }

// longCode is of a course of 90 tablets, handed out every 28 days.
func (s *server) longCode() string { return s.issue(3, 90, 28) }

func (s *server) issue(n byte, quantity int, every uint16) string {
	s.t.Helper()
	p, err := prescription.Issue("rx-1", "card", prescription.Token{n, 2, 3}, prescription.Sheet{
		Form: prescription.Ordinary, Validity: prescription.Days60, Bearer: identity.NewBearer(1956, "Иванова", "Анна", "Петровна"),
		Clinic: "1027700132195", Prescriber: "Соколов М. И.",
		Items: []prescription.Item{{
			Code: 5231, Name: "Метформин", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}},
			Quantity: quantity, Regimen: prescription.Regimen{Portion: 100, Times: 2, Every: every},
		}},
	}, now.Add(-day), time.UTC)
	if err != nil {
		s.t.Fatal(err)
	}
	text, err := document.SealPrescription(p, qr.StatusRef{List: 7, Index: 100}, s.rx)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func open(t *testing.T, config counter.Config) *counter.Counter {
	t.Helper()
	c, err := counter.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func says(t *testing.T, c *counter.Counter, text string, at time.Time, want string) counter.Verdict {
	t.Helper()
	v := c.Verify(text, at)
	if v.String() != want {
		t.Errorf("%v, want %s", v.Verdict, want)
	}
	return v
}

func TestVerifyWithoutANetwork(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	c := open(t, s.config(dir))
	text := s.code()
	if v := says(t, c, text, now, "CANT_TELL_OFFLINE unknown_key stale_keys"); v.Paper != nil {
		t.Error("content of a code that nobody could check")
	}
	if err := c.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.Close() // from here on there is no network

	v := says(t, c, text, now.Add(5*time.Minute), "OK")
	if v.Paper == nil || v.Paper.Prescription.Items[0].Name != "Метформин" || !v.Fresh() || v.StatusAge != 5*time.Minute || v.KeysAge != 65*time.Minute {
		t.Errorf("%+v", v.Paper)
	}
	if v := says(t, c, text, now.Add(10*time.Hour), "OK"); v.Fresh() {
		t.Error("10 hours are not fresh")
	}
	says(t, c, text, now.Add(49*time.Hour), "CANT_TELL_OFFLINE stale_status")
	says(t, c, text, now.Add(8*day), "CANT_TELL_OFFLINE stale_keys stale_status")
	if v := says(t, c, text, now.Add(60*day), "NO expired stale_keys stale_status"); v.Paper == nil {
		t.Error("an expired prescription may be shown as one")
	}
	forged := strings.Replace(text, text[300:303], "000", 1)
	says(t, c, forged, now, "NO bad_signature")
	says(t, c, qr.TokenText(qr.TokenID{1}), now, "CANT_TELL_OFFLINE online_only")

	again := open(t, s.config(dir)) // the computer was restarted
	says(t, again, text, now.Add(5*time.Minute), "OK")
	if again.Sequence() != 1 {
		t.Error(again.Sequence())
	}
	if err := again.Refresh(context.Background()); err == nil {
		t.Error("refreshed without a network")
	}
	says(t, again, text, now.Add(5*time.Minute), "OK")
}

func TestRefreshFetchesWhatChanged(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	c := open(t, s.config(dir))
	refresh := func(c *counter.Counter, served, unchanged int) {
		t.Helper()
		s.served, s.unchanged = 0, 0
		if err := c.Refresh(context.Background()); err != nil {
			t.Fatal(err)
		}
		if s.served != served || s.unchanged != unchanged {
			t.Errorf("%d served, %d unchanged; want %d, %d", s.served, s.unchanged, served, unchanged)
		}
	}
	refresh(c, 2, 0)
	refresh(c, 0, 2)
	refresh(open(t, s.config(dir)), 0, 2)
	s.publish(2, now.Add(time.Hour))
	refresh(c, 2, 0)
	if want := []string{"/v1/trust/keys ", "/v1/trust/status/7 Bearer t0ken"}; s.authorised[0] != want[0] || s.authorised[1] != want[1] {
		t.Errorf("%q: only the status is asked for as a pharmacy", s.authorised[:2])
	}

	// A file that was damaged on disk is fetched again, and believed no more until then.
	path := filepath.Join(dir, "keys.cose")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[40] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	damaged := open(t, s.config(dir))
	says(t, damaged, s.code(), now, "CANT_TELL_OFFLINE unknown_key stale_keys")
	refresh(damaged, 2, 0)
	says(t, damaged, s.code(), now.Add(time.Hour), "OK")

	// So is all when the pinned root is another: what lies there was signed by the old one.
	config := s.config(dir)
	config.Roots = []qr.Key{newKey(t, "root", qr.KeySet).Key}
	config.Roots[0].Issuer = "another"
	if err := open(t, config).Refresh(context.Background()); !errors.Is(err, trust.ErrRoot) {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.new-*"))
	if err != nil || len(files) > 0 {
		t.Error("left behind:", files, err)
	}
}

func TestRefreshRefusesARollback(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.etags = false
	s.publish(5, now)
	c := open(t, s.config(dir))
	if err := c.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.publish(4, now.Add(time.Hour))
	if err := c.Refresh(context.Background()); !errors.Is(err, trust.ErrRollback) {
		t.Error(err)
	}
	if c = open(t, s.config(dir)); c.Sequence() != 5 {
		t.Errorf("%d is on the disk", c.Sequence())
	}
}

func TestRefreshKeepsWhatArrived(t *testing.T) {
	s := newServer(t)
	s.failStatus = true
	c := open(t, s.config(t.TempDir()))
	var p *problem.Problem
	if err := c.Refresh(context.Background()); !errors.As(err, &p) || p.Code != "database.away" {
		t.Error(err)
	}
	says(t, c, s.code(), now, "CANT_TELL_OFFLINE stale_status")
}

func TestDispense(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	c := open(t, s.config(dir))
	ctx, text := context.Background(), s.code()
	if err := c.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	key := counter.NewKey()
	held, err := c.Accept(ctx, text, key)
	if err != nil {
		t.Fatal(err)
	}
	if held.ID != "rx-1" || held.Secret != "s" || !held.LeaseUntil.Equal(now.Add(10*time.Minute)) || held.Prescription.Patient.Initials != "ИАП" ||
		held.Prescription.Items[0].Remaining != 60 || held.Prescription.Items[0].Strength[0].Unit != "mg" {
		t.Errorf("%+v", held)
	}
	if b := s.bodies[0]; b["code"] != text || b["idempotencyKey"] != key || b["auth"] != "Bearer t0ken" || len(b) != 3 {
		t.Errorf("%v", b)
	}
	back, err := c.Reject(ctx, held, counter.NewKey())
	if err != nil || back.State != "issued" {
		t.Error(back, err)
	}
	says(t, c, text, now, "OK")
	done, err := c.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 60}}, counter.NewKey())
	if err != nil || done.State != "dispensed" || done.Items[0].Remaining != 0 {
		t.Error(done, err)
	}
	if b := s.bodies[2]; b["secret"] != "s" || fmt.Sprint(b["items"]) != "[map[item:0 quantity:60]]" || len(b["idempotencyKey"].(string)) < 8 {
		t.Errorf("%v", b)
	}

	// The list of that hour still says valid; this counter knows better, also after a restart and for both codes of the document.
	says(t, c, text, now, "NO seen_before")
	says(t, open(t, s.config(dir)), text, now, "NO seen_before")

	var p *problem.Problem
	if _, err := c.Accept(ctx, text, counter.NewKey()); !errors.As(err, &p) || p.Status != 409 || p.Code != "prescription.dispensed" || p.State != "dispensed" {
		t.Error(err)
	}
}

func TestNoTokenLeavesForAnotherServer(t *testing.T) {
	s := newServer(t)
	s.redirected = true
	c := open(t, s.config(t.TempDir()))
	var p *problem.Problem
	if _, err := c.Accept(context.Background(), "EMC1T:0", counter.NewKey()); !errors.As(err, &p) || p.Status != http.StatusTemporaryRedirect {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := newServer(t)
	for name, change := range map[string]func(*counter.Config){
		"no root":   func(c *counter.Config) { c.Roots = nil },
		"no folder": func(c *counter.Config) { c.Dir = "" },
		"no URL":    func(c *counter.Config) { c.Server = "http://[" },
	} {
		config := s.config(t.TempDir())
		change(&config)
		if _, err := counter.Open(config); err == nil {
			t.Error(name)
		}
	}
	config := s.config(t.TempDir())
	config.Bearer = nil
	if _, err := open(t, config).Accept(context.Background(), "x", counter.NewKey()); err == nil || !strings.Contains(err.Error(), "access tokens") {
		t.Error(err)
	}
	config.Server = ""
	if err := open(t, config).Refresh(context.Background()); err == nil {
		t.Error("without a server")
	}
}
