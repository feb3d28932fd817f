package story

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/proving/clamd/clamdtest"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// claimed is what the parent types from a birth certificate of the household's child.
func (h *household) claimed(born time.Time) phone.Claimed {
	return phone.Claimed{
		Basis: family.BirthCertificate, Number: "II-АБ 123456", Level: family.Full,
		Patient: phone.Named{Family: "соколова", Given: []string{"Анна", "Игоревна"}, Born: card.Date(born.In(moscowTime).Format(time.DateOnly)), SNILS: example.SNILS, Policy: example.Policy},
		Agent:   phone.Named{Family: "Соколов", Given: []string{"Борис", "Ильич"}, Born: "1985-03-04"},
	}
}

// forgetful is a network that loses the answer to the first of each kind of request about claims and documents, and, while it is deaf, that to
// every claim that is taken.
type forgetful struct {
	seen map[string]bool
	deaf bool
}

func (f *forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	key := r.Method + r.URL.Path
	if err == nil && f.deaf && response.StatusCode == http.StatusAccepted {
		f.seen[key] = false
	}
	if err == nil && !f.seen[key] && (strings.Contains(r.URL.Path, "/documents") || strings.Contains(r.URL.Path, "/claims")) {
		f.seen[key] = true
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
		return nil, ErrNoNetwork
	}
	return response, err
}

// A parent files a claim where there is no network. It goes by itself when there is one, once, whatever answers are lost, and even if it was
// approved before the phone knows that it was filed. What does not fit waits for the person, and keeps nothing else from going.
func TestAClaimIsKeptOffline(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		born := w.Now().AddDate(-9, 0, 0)
		h := keepHouse(ctx, t, w, born)
		h.boris.Network.Off(true)
		fits := h.claimed(born)
		wrong, incomplete, typo := fits, fits, fits
		wrong.Patient.Given = []string{"Мария", "Игоревна"}
		incomplete.Patient.SNILS, incomplete.Patient.Policy = "", ""
		typo.Patient.SNILS = "112-233-445 96"
		for want, c := range map[error]phone.Claimed{family.ErrClaim: incomplete, identity.ErrSNILSCheck: typo, family.ErrKind: {Basis: "friendship"}} {
			if err := h.boris.KeepClaim(c, located(t)); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		if err := h.boris.KeepClaim(fits); !errors.Is(err, phone.ErrDocument) {
			t.Errorf("without pages: %v", err)
		}
		ok(t, h.boris.KeepClaim(wrong, located(t), located(t)))
		ok(t, h.boris.KeepClaim(fits, located(t)))
		ok(t, h.boris.KeepClaim(fits, located(t))) // replaces the one before
		ok(t, h.boris.KeepDocument(evidence.BirthCertificate, "II-АБ 123456", located(t)))
		ok(t, h.boris.DropKeptDocument(evidence.BirthCertificate)) // and none of the claims
		if list := got(h.boris.KeptClaims())(t); len(list) != 2 || list[0].Files != 2 || list[1].Patient.SNILS != fits.Patient.SNILS || list[1].Code != "" || len(got(h.boris.KeptDocuments())(t)) != 0 {
			t.Fatalf("kept: %+v", list)
		}
		raw := got(os.ReadFile(h.boris.File))(t)
		if log, err := os.ReadFile(h.boris.File + "-wal"); err == nil {
			raw = append(raw, log...)
		}
		if bytes.Contains(raw, []byte("Игоревна")) {
			t.Error("it lies open on the phone")
		}

		line := &forgetful{seen: map[string]bool{}, deaf: true}
		h.boris.again(t, w, line)
		filed := 0
		for range 20 {
			report, err := h.boris.Sync(ctx)
			if err != nil && !errors.Is(err, phone.ErrOffline) {
				t.Fatal(err)
			}
			filed += report.HandedIn
			if waiting := got(desk.Waiting(ctx))(t); len(waiting) == 1 && filed == 0 { // before the phone hears of it
				ok(t, desk.Judge(ctx, judgement{Account: h.parent.Account, Document: waiting[0].ID, Approved: true}))
				line.deaf = false
			}
		}
		left := got(h.boris.KeptClaims())(t)
		if filed != 1 || len(left) != 1 || left[0].Code != "claim.mismatch" || left[0].Patient.Given[0] != "Мария" {
			t.Errorf("%d were filed, and left %+v", filed, left)
		}
		ok(t, h.boris.DropKeptClaim(left[0].ID))
		if n := len(got(h.boris.KeptClaims())(t)); n != 0 {
			t.Errorf("%d are kept after it was dropped", n)
		}
		claims, acts := got(h.boris.RepresentationClaims(ctx))(t), got(h.boris.Represents(ctx))(t)
		if len(claims) != 1 || claims[0].Status != evidence.Approved || len(acts) != 1 {
			t.Errorf("the server has %+v and %+v", claims, acts)
		}
		log, _, err := h.hers.AccessLog(ctx, 0)
		ok(t, err)
		if slices.ContainsFunc(log, func(a phone.Access) bool { return a.Failed }) {
			t.Error("somebody was blocked")
		}
	})
}

// claims files a claim with a page of its document.
func (h *household) claims(ctx context.Context, t *testing.T, c phone.Claimed) (phone.Claim, error) {
	t.Helper()
	got(h.boris.PutDocumentFile(ctx, evidence.Slot(c.Basis), 1, located(t)))(t)
	return h.boris.ClaimRepresentation(ctx, c)
}

// unfit gives the codes of what does not fit.
func unfit(t *testing.T, err error) (codes []string) {
	t.Helper()
	for _, f := range refused(t, err, http.StatusUnprocessableEntity, "claim.mismatch").Fields {
		codes = append(codes, f.Code)
	}
	return codes
}

// A parent without any tie to a child's card proves that he is one. Without a document he is blocked and all concerned hear of it; what does
// not fit is refused at once; a reviewer's approval brings the card to the phone with the next sync.
func TestAParentsClaim(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		born := w.Now().AddDate(-9, 0, 0)
		h := keepHouse(ctx, t, w, born)
		h.register(ctx, t)
		fits := h.claimed(born)
		_, err := h.boris.ClaimRepresentation(ctx, fits)
		refused(t, err, http.StatusForbidden, "claim.no_document")
		h.rings(t, "boris-phone", 1)
		h.rings(t, "anna-phone", 1)
		log, _, err := h.hers.AccessLog(ctx, 0)
		ok(t, err)
		if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == audit.Refuse && a.Failed }) {
			t.Errorf("the log does not tell that somebody was blocked: %+v", log)
		}

		// A stranger cannot tell a card that is not there from one that says otherwise.
		var answers []string
		for name, change := range map[string]func(*phone.Claimed){
			"no card at all": func(c *phone.Claimed) { c.Patient.SNILS, c.Patient.Policy = "112-233-445 95", "" },
			"another name":   func(c *phone.Claimed) { c.Patient.Given = []string{"Мария", "Игоревна"} },
			"another day":    func(c *phone.Claimed) { c.Patient.Born = "2018-01-01" },
			"another policy": func(c *phone.Claimed) { c.Patient.Policy = "2341998071655749" },
			"no card, no page": func(c *phone.Claimed) {
				c.Patient.SNILS, c.Patient.Policy, c.Basis = "112-233-445 95", "", family.GuardianOrder
			},
			"another day no page": func(c *phone.Claimed) { c.Patient.Born, c.Basis = "2018-01-01", family.GuardianOrder },
		} {
			c := fits
			change(&c)
			if c.Basis == family.GuardianOrder {
				_, err = h.boris.ClaimRepresentation(ctx, c)
				refused(t, err, http.StatusForbidden, "claim.no_document")
				continue
			}
			_, err := h.claims(ctx, t, c)
			if codes := unfit(t, err); !slices.Equal(codes, []string{"claim.patient_mismatch"}) {
				t.Errorf("%s: %v", name, codes)
			}
			answers = append(answers, err.Error())
		}
		if slices.Sort(answers); len(slices.Compact(answers)) != 1 {
			t.Errorf("the answers differ: %q", answers)
		}
		h.rings(t, "anna-phone", 1) // of none of these

		c := got(h.claims(ctx, t, fits))(t)
		if c.Status != evidence.Checking || c.Card != "" || len(c.Checks) != 5 || !slices.Contains(c.Checks, family.Check{Subject: family.TheAgent, Finding: family.Unknown}) {
			t.Errorf("filed: %+v", c)
		}
		if again := got(h.boris.ClaimRepresentation(ctx, fits))(t); again.ID != c.ID {
			t.Error("sent again it is another one")
		}
		if n := got(h.boris.Sync(ctx))(t).Received + len(got(h.boris.Documents(ctx))(t)); n != 0 {
			t.Error("the claim alone brings a card, or stands among his own documents")
		}

		waiting := got(desk.Waiting(ctx))(t)
		if len(waiting) != 1 || waiting[0].ID != c.ID || waiting[0].Claim == nil || waiting[0].Claim.Patient.Name.Family != "" {
			t.Fatalf("in the queue: %+v", waiting)
		}
		seen := got(desk.Look(ctx, h.parent.Account, c.ID))(t)
		if len(seen.Contents) != 1 || seen.Claim.Patient.Name.Full() != "соколова Анна Игоревна" || seen.Claim.Card != h.id {
			t.Errorf("the reviewer sees %+v", seen.Document)
		}
		if raw := w.rows(t, "document"); strings.Contains(raw, "Игоревна") || strings.Contains(raw, "АБ 123456") || strings.Contains(raw, string(h.id)) {
			t.Error("the claim lies open in the database")
		}
		verdict := judgement{Account: h.parent.Account, Document: c.ID, Approved: true}
		ok(t, desk.Judge(ctx, verdict))
		if desk.Judge(ctx, verdict) == nil {
			t.Error("a second verdict counts")
		}
		if r := got(h.boris.Sync(ctx))(t); r.Received == 0 { // without another sign-in
			t.Errorf("approved, and the phone got %+v", r)
		}
		if n := got(h.his.Counts())(t); !maps.Equal(n, got(h.hers.Counts())(t)) {
			t.Errorf("the phone has %v", n)
		}
		h.rings(t, "anna-phone", 2)
		list, claims := got(h.boris.Represents(ctx))(t), got(h.boris.RepresentationClaims(ctx))(t)
		if len(list) != 1 || list[0].Basis != family.BirthCertificate || len(list[0].Tokens) != 1 || list[0].Tokens[0].Ends.Sub(list[0].Tokens[0].Starts) != 24*time.Hour {
			t.Errorf("he represents %+v", list)
		}
		if len(claims) != 1 || claims[0].Status != evidence.Approved || claims[0].Card != h.id || claims[0].Representation != list[0].ID {
			t.Errorf("his claims: %+v", claims)
		}
		log, _, err = h.hers.AccessLog(ctx, 0)
		ok(t, err)
		for _, want := range []audit.Action{audit.Prove, audit.Grant} {
			if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == want && !a.Failed }) {
				t.Errorf("the log does not tell of %s", want)
			}
		}
		refused(t, h.boris.WithdrawClaim(ctx, c.ID), http.StatusNotFound, "claim.not_found")

		// The slot is free for another one, and its approval takes nothing of the first.
		other := fits
		other.Number, other.Level = "II-АБ 123457", family.Limited
		second := got(h.claims(ctx, t, other))(t)
		ok(t, desk.Judge(ctx, judgement{Account: h.parent.Account, Document: second.ID, Approved: true}))
		if claims := got(h.boris.RepresentationClaims(ctx))(t); len(claims) != 2 || claims[0].Status != evidence.Approved || claims[1].ID != c.ID {
			t.Errorf("his claims: %+v", claims)
		}
	})
}

// An attorney's claim has powers and a term; one that a reviewer rejects tells why and gives nothing; each kind of nonsense has a code; and
// claims are counted.
func TestBadTurnsOfAClaim(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		born := w.Now().AddDate(-70, 0, 0)
		h := keepHouse(ctx, t, w, born)
		letter := h.claimed(born)
		letter.Basis, letter.Powers, letter.Until = family.PowerOfAttorney, family.Powers{View: true, Upload: true}, w.Now().AddDate(1, 0, 0)
		got(h.boris.PutDocumentFile(ctx, evidence.PowerOfAttorney, 1, located(t)))(t)
		for _, c := range []struct {
			change func(*phone.Claimed)
			status int
			code   string
			field  string
		}{
			{func(c *phone.Claimed) { c.Until = w.Now().Add(-time.Hour) }, http.StatusUnprocessableEntity, "claim.mismatch", "claim.term_over"},
			{func(c *phone.Claimed) { c.Until = time.Time{} }, http.StatusUnprocessableEntity, "representation.no_term", ""},
			{func(c *phone.Claimed) { c.Powers = family.Powers{Change: true} }, http.StatusUnprocessableEntity, "representation.invalid", ""},
			{func(c *phone.Claimed) { c.Level = family.Manage }, http.StatusForbidden, "practitioner.required", ""},
			{func(c *phone.Claimed) { c.Patient.SNILS, c.Patient.Policy = "", "" }, http.StatusUnprocessableEntity, "claim.incomplete", ""},
			{func(c *phone.Claimed) { c.Patient.SNILS = "112-233-445 96" }, http.StatusUnprocessableEntity, "snils.check_digit", ""},
			{func(c *phone.Claimed) { c.Patient.Given = []string{" "}; c.Patient.Family = " " }, http.StatusUnprocessableEntity, "claim.incomplete", ""},
		} {
			wish := letter
			c.change(&wish)
			_, err := h.boris.ClaimRepresentation(ctx, wish)
			p := refused(t, err, c.status, c.code)
			if c.field != "" && !slices.ContainsFunc(p.Fields, func(f problem.Field) bool { return f.Code == c.field }) {
				t.Errorf("%s: fields %+v", c.code, p.Fields)
			}
		}
		parental := letter
		parental.Basis, parental.Powers, parental.Until = family.BirthCertificate, family.Powers{}, time.Time{}
		_, err := h.claims(ctx, t, parental)
		if codes := unfit(t, err); !slices.Equal(codes, []string{"claim.age"}) {
			t.Errorf("a parent of somebody of age: %v", codes)
		}

		// Who has a card of his own is compared with it, and nobody represents himself.
		_, err = h.anna.PutDocumentFile(ctx, evidence.PowerOfAttorney, 1, located(t))
		ok(t, err)
		stranger := letter
		stranger.Patient.SNILS, stranger.Patient.Policy = "112-233-445 95", ""
		_, err = h.anna.ClaimRepresentation(ctx, stranger)
		if codes := unfit(t, err); !slices.Equal(codes, []string{"claim.agent_mismatch", "claim.patient_mismatch"}) {
			t.Errorf("by another name than her own: %v", codes)
		}
		herself := letter
		herself.Agent = letter.Patient
		herself.Agent.SNILS, herself.Agent.Policy = "", ""
		_, err = h.anna.ClaimRepresentation(ctx, herself)
		refused(t, err, http.StatusUnprocessableEntity, "representation.self")

		c := got(h.boris.ClaimRepresentation(ctx, letter))(t)
		refused(t, h.anna.WithdrawClaim(ctx, c.ID), http.StatusNotFound, "claim.not_found")
		ok(t, desk.Judge(ctx, judgement{Account: h.parent.Account, Document: c.ID, Reason: evidence.Doubtful, Words: "Нужен оригинал"}))
		claims := got(h.boris.RepresentationClaims(ctx))(t)
		if len(claims) != 1 || claims[0].Status != evidence.Rejected || claims[0].Reason != evidence.Doubtful || claims[0].Words != "Нужен оригинал" || claims[0].Card != "" {
			t.Errorf("rejected: %+v", claims)
		}
		if list := got(h.boris.Represents(ctx))(t); len(list) != 0 || got(h.boris.Sync(ctx))(t).Received != 0 {
			t.Errorf("rejected, and he represents %+v", list)
		}
		ok(t, h.boris.WithdrawClaim(ctx, c.ID))

		// What has run out while it waited cannot be approved.
		short := letter
		short.Number, short.Until = "77 АА 2", w.Now().Add(time.Hour)
		c = got(h.claims(ctx, t, short))(t)
		w.Skip(2 * time.Hour)
		if err := desk.Judge(ctx, judgement{Account: h.parent.Account, Document: c.ID, Approved: true}); err == nil {
			t.Error("a letter that has run out was approved")
		}
		ok(t, desk.Judge(ctx, judgement{Account: h.parent.Account, Document: c.ID, Reason: evidence.Expired}))
		ok(t, h.boris.Enter(ctx))

		w.Skip(25 * time.Hour)
		ok(t, h.boris.Enter(ctx))
		letter.Until = w.Now().AddDate(1, 0, 0)
		var last phone.Claim
		for i := range family.MaxClaims {
			letter.Number = "77 АА 10" + string(rune('0'+i))
			last = got(h.claims(ctx, t, letter))(t)
		}
		letter.Number = "77 АА 200"
		_, err = h.claims(ctx, t, letter)
		refused(t, err, http.StatusConflict, "claim.too_many")
		ok(t, h.boris.WithdrawClaim(ctx, last.ID))
		wrong := letter
		wrong.Patient.Born = "1950-01-01"
		for range 5 {
			_, err = h.boris.ClaimRepresentation(ctx, wrong)
			unfit(t, err)
		}
		_, err = h.boris.ClaimRepresentation(ctx, wrong)
		if p := refused(t, err, http.StatusTooManyRequests, "throttled"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}

		// One that is approved lets the attorney in as far as it goes.
		waiting := got(desk.Waiting(ctx))(t)
		ok(t, desk.Judge(ctx, judgement{Account: h.parent.Account, Document: waiting[0].ID, Approved: true}))
		if r := got(h.boris.Sync(ctx))(t); r.Received == 0 {
			t.Errorf("approved, and the phone got %+v", r)
		}
		if list := got(h.boris.Represents(ctx))(t); len(list) != 1 || !slices.Equal(list[0].Powers, []string{"view", "upload"}) || !list[0].Ends.Equal(letter.Until.Truncate(time.Microsecond)) {
			t.Errorf("he represents %+v", list)
		}
	})
}

// With a virus scanner nothing is kept that it has not looked at: what is infected is refused, and while it is away all is refused for now;
// what was sent before stays.
func TestFilesAreScanned(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		scanner := got(clamdtest.Start())(t)
		w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) { c.Clamd = scanner.Address }})
		_, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		got(hers.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
		_, err = hers.PutDocumentFile(ctx, evidence.Passport, 2, append(located(t), clamdtest.Virus...))
		if p := refused(t, err, http.StatusUnprocessableEntity, "file.infected"); strings.Contains(p.Detail, clamdtest.Signature) {
			t.Error("the answer tells what the scanner knows")
		}
		ok(t, scanner.Close())
		_, err = hers.PutDocumentFile(ctx, evidence.Passport, 2, located(t))
		if p := refused(t, err, http.StatusServiceUnavailable, "file.not_scanned"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}
		if n := scanner.Scanned.Load(); n != 2 {
			t.Errorf("%d files were looked at", n)
		}
		list := got(hers.Documents(ctx))(t)
		if len(list) != 1 || len(list[0].Files) != 1 {
			t.Errorf("she has %+v", list)
		}
		got(hers.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
	})
}
