package story

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// reviewer is Sidorova, who looks at documents with the commands of the server.
type reviewer struct{ *proving.Service }

var sidorova = identity.AtDesk("Сидорова")

// seen is a document as she sees it, judgement what she says of it.
type (
	seen struct {
		evidence.Document
		Contents [][]byte
	}
	judgement struct {
		Account  identity.AccountID
		Document evidence.DocumentID
		Approved bool
		Reason   evidence.Reason
		Words    string
		Holder   family.Named
	}
)

func (r reviewer) Waiting(ctx context.Context) ([]evidence.Document, error) {
	list, _, err := r.Service.Waiting(ctx, sidorova, evidence.Document{})
	return list, err
}

func (r reviewer) Look(ctx context.Context, of identity.AccountID, id evidence.DocumentID) (s seen, err error) {
	which := proving.Which{Account: of, Document: id, Request: "review"}
	s.Document, err = r.Service.Look(ctx, sidorova, which)
	for _, f := range s.Files {
		_, content, err := r.File(ctx, sidorova, which, f.Number)
		if err != nil {
			return s, err
		}
		s.Contents = append(s.Contents, content)
	}
	return s, err
}

func (r reviewer) Judge(ctx context.Context, v judgement) error {
	which := proving.Which{Account: v.Account, Document: v.Document, Request: "review"}
	_, err := r.Service.Judge(ctx, sidorova, which, proving.Verdict{Approved: v.Approved, Reason: v.Reason, Words: v.Words, Holder: v.Holder})
	return err
}

// demanding runs a test in a fresh world whose operator demands proofs.
func demanding(t *testing.T, demand []string, test func(context.Context, *testing.T, *World, reviewer)) {
	t.Helper()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) { c.Demand = demand }})
		custody := got(server.Custody(w.cfg, w.Now))(t)
		test(t.Context(), t, w, reviewer{got(server.Prove(w.Server.Store, custody, w.cfg, w.Now))(t)})
	})
}

// located is a photo as a phone makes it: it tells where it was taken.
func located(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	ok(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 40)), nil))
	tiff := append([]byte("Exif\x00\x00II\x2a\x00\x08\x00\x00\x00\x01\x00\x25\x88\x04\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x00\x00\x00\x00"), "GPS 55.7522 37.6156"...)
	segment := append([]byte{0xff, 0xe1, 0, byte(len(tiff) + 2)}, tiff...)
	return slices.Concat(b.Bytes()[:2], segment, b.Bytes()[2:])
}

// missing is what keeps the person from a card, in a word each.
func missing(ctx context.Context, t *testing.T, p *Phone) (words []string) {
	t.Helper()
	for _, m := range got(p.Me(ctx))(t).Missing {
		if m.Detail == "" {
			t.Errorf("%s does not say what to do", m.Code)
		}
		words = append(words, strings.TrimSuffix(m.Code+" "+m.Document, " "))
	}
	return words
}

// A person redeems a card and does not see it: a passport has to be looked at, and her insurer to confirm her policy. Each step tells what is
// still missing, and with the last one the card is on her phone without another sign-in.
func TestACardOpensWhenAllIsProved(t *testing.T) {
	demanding(t, []string{"passport", "insurer"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, claim := admitted(ctx, t, clinic)
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		ok(t, hers.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		is := func(want ...string) {
			t.Helper()
			if words := missing(ctx, t, hers); !slices.Equal(words, want) {
				t.Errorf("missing: %q, want %q", words, want)
			}
		}
		is("documents.not_approved passport", "policy.not_linked", "card.not_claimed")
		for range 2 {
			if opened := got(hers.Claim(ctx, claim))(t); opened != id {
				t.Fatalf("redeemed %s, not %s", opened, id)
			}
		}
		is("documents.not_approved passport", "policy.not_linked")
		if me := got(hers.Me(ctx))(t); me.Recipient || len(me.Cards) > 0 || !slices.Equal(me.Waiting, []card.ID{id}) {
			t.Errorf("she is %+v", me)
		}
		closed := func(code string) {
			t.Helper()
			_, _, err := hers.Card(id).AccessLog(ctx, 0)
			refused(t, err, http.StatusForbidden, code)
			if report := got(hers.Sync(ctx))(t); report.Received > 0 {
				t.Errorf("a closed card was synced: %+v", report)
			}
		}
		closed("documents.not_approved")

		d := got(hers.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
		if d.Status != evidence.Draft || len(d.Files) != 1 || d.Files[0].Format != evidence.JPEG {
			t.Errorf("sent: %+v", d)
		}
		_, err = hers.HandInDocument(ctx, evidence.Passport, "4510 12345")
		refused(t, err, http.StatusUnprocessableEntity, "passport.format")
		d = got(hers.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
		if d.Status != evidence.Checking || d.Number != "4510123456" {
			t.Errorf("handed in: %+v", d)
		}
		_, err = hers.PutDocumentFile(ctx, evidence.Passport, 2, located(t))
		refused(t, err, http.StatusConflict, "document.checking")

		// A reviewer looks, and what he sees does not tell where the photo was taken.
		waiting := got(desk.Waiting(ctx))(t)
		if len(waiting) != 1 || waiting[0].Account != anna.Account || waiting[0].Number != "" {
			t.Fatalf("in the queue: %+v", waiting)
		}
		seen := got(desk.Look(ctx, anna.Account, waiting[0].ID))(t)
		if len(seen.Contents) != 1 || bytes.Contains(seen.Contents[0], []byte("GPS")) || seen.Number != "4510123456" {
			t.Errorf("he sees %d files of %+v", len(seen.Contents), seen.Document)
		}
		if _, err := jpeg.Decode(bytes.NewReader(seen.Contents[0])); err != nil {
			t.Error(err)
		}
		for _, table := range []string{"document", "document_file"} {
			if raw := w.rows(t, table); strings.Contains(raw, "JFIF") || strings.Contains(raw, "4510") || strings.Contains(raw, "GPS") {
				t.Errorf("%s lies open in the database", table)
			}
		}
		verdict := judgement{Account: anna.Account, Document: waiting[0].ID, Reason: evidence.Unreadable, Words: "Засвечена верхняя строка"}
		ok(t, desk.Judge(ctx, verdict))
		w.rings(t, "anna-phone", 1)
		if err := desk.Judge(ctx, verdict); err == nil {
			t.Error("a second verdict counts")
		}
		list := got(hers.Documents(ctx))(t)
		if len(list) != 1 || list[0].Status != evidence.Rejected || list[0].Reason != evidence.Unreadable || list[0].Words != verdict.Words {
			t.Errorf("she reads %+v", list)
		}
		closed("documents.not_approved")

		got(hers.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
		got(hers.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
		verdict.Approved, verdict.Reason, verdict.Words = true, "", ""
		ok(t, desk.Judge(ctx, verdict))
		w.rings(t, "anna-phone", 2)
		is("policy.not_linked")
		closed("policy.not_linked")

		_, err = hers.LinkPolicy(ctx, phone.NamedPolicy{Number: "7750930841004210"})
		refused(t, err, http.StatusUnprocessableEntity, "policy.check_digit")
		if l := got(hers.LinkPolicy(ctx, phone.NamedPolicy{Number: "7750930841004216"}))(t); l.State != evidence.Pending {
			t.Errorf("asked: %+v", l)
		}
		if l := got(hers.Policies(ctx))(t); len(l) != 1 || l[0].State != evidence.Pending || l[0].Number != "7750930841004216" {
			t.Errorf("listed: %+v", l)
		}
		if l := got(hers.ConfirmPolicy(ctx, got(w.Code(ctx, anna.Login))(t)))(t); l.State != evidence.Linked {
			t.Errorf("confirmed: %+v", l)
		}
		is()
		if report := got(hers.Sync(ctx))(t); report.Received == 0 {
			t.Errorf("the sync brought %+v", report)
		}
		if found := got(hers.Card(id).Conditions(phone.Paging{}))(t).Entries; len(found) == 0 {
			t.Error("the card is open and empty")
		}
		if me := got(hers.Me(ctx))(t); !me.Recipient || len(me.Waiting) > 0 {
			t.Errorf("she is %+v", me)
		}
		log, _, err := hers.Card(id).AccessLog(ctx, 0)
		ok(t, err)
		for _, want := range []audit.Action{audit.Claim, audit.Prove, audit.Inspect, audit.Judge, audit.Grant} {
			if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == want }) {
				t.Errorf("the log does not tell of %s", want)
			}
		}
		if !slices.ContainsFunc(log, func(a phone.Access) bool { return a.Action == audit.Inspect && a.Person == "Сидорова" }) {
			t.Error("the log does not tell who looked")
		}
	})
}

// Of a person without a card, too, it is remembered who looked at her documents.
func TestALookAtDocumentsIsRemembered(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		got(hers.PutDocumentFile(ctx, evidence.SNILS, 1, located(t)))(t)
		d := got(hers.HandInDocument(ctx, evidence.SNILS, "112-233-445 95"))(t)
		got(desk.Look(ctx, anna.Account, d.ID))(t)
		ok(t, desk.Judge(ctx, judgement{Account: anna.Account, Document: d.ID, Approved: true}))

		token := got(w.auditor(ctx, t)(ctx))(t)
		found := map[string]bool{}
		for began := time.Now(); len(found) < 3 && time.Since(began) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
			var page reviewed
			ok(t, w.Call(ctx, token, http.MethodGet, "/v1/audit/entries", map[string]string{"Purpose-Of-Use": "HOPERAT"}, nil, &page))
			for _, e := range page.Entries {
				if strings.HasSuffix(e.What, " of "+string(anna.Account)) {
					found[e.Action] = true
				}
			}
		}
		if !found["prove"] || !found["inspect"] || !found["judge"] {
			t.Errorf("remembered: %v", found)
		}
	})
}

// Whoever owns a card goes on seeing it when proofs are demanded later.
func TestALaterDemandClosesNothing(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		o := Options{Dir: t.TempDir(), Postgres: cfg.Postgres}
		w := got(Start(ctx, o))(t)
		id, claim := admitted(ctx, t, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		got(w.post(ctx, "/v1/cards/claim", str(w.enter(ctx, t, anna), "accessToken"), body{"code": claim}))(t)
		ok(t, w.Close())

		o.Change = func(c *config.Config) { c.Demand = []string{"passport"} }
		w = open(t, o)
		token := str(w.enter(ctx, t, anna), "accessToken")
		me := got(w.me(ctx, token))(t)
		if lacks, _ := me["missing"].([]any); len(lacks) > 0 || me["recipientOfMedicalServices"] != true {
			t.Errorf("she is %v", me)
		}
		ok(t, w.Call(ctx, token, http.MethodGet, "/v1/cards/"+string(id)+"/access-log", nil, nil, nil))
	})
}

// A document that is to replace an approved one stands beside it until it is approved itself.
func TestARenewedDocumentStandsBesideTheOld(t *testing.T) {
	demanding(t, []string{"snils"}, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = hers.Close() })
		send := func() evidence.DocumentID {
			got(hers.PutDocumentFile(ctx, evidence.SNILS, 1, located(t)))(t)
			return got(hers.HandInDocument(ctx, evidence.SNILS, "112-233-445 95"))(t).ID
		}
		statuses := func() (all []evidence.Status) {
			for _, d := range got(hers.Documents(ctx))(t) {
				all = append(all, d.Status)
			}
			return all
		}
		first := send()
		ok(t, hers.WithdrawDocument(ctx, evidence.SNILS))
		if all := statuses(); !slices.Equal(all, []evidence.Status{evidence.Draft}) {
			t.Errorf("withdrawn: %v", all)
		}
		if err := desk.Judge(ctx, judgement{Account: anna.Account, Document: first, Approved: true}); err == nil {
			t.Error("what was withdrawn is approved")
		}
		got(hers.HandInDocument(ctx, evidence.SNILS, "112-233-445 95"))(t)
		ok(t, desk.Judge(ctx, judgement{Account: anna.Account, Document: first, Approved: true}))
		second := send()
		if second == first {
			t.Fatal("the approved one was changed")
		}
		ok(t, desk.Judge(ctx, judgement{Account: anna.Account, Document: second, Reason: evidence.Mismatch}))
		if words := missing(ctx, t, hers); !slices.Equal(words, []string{"card.not_claimed"}) {
			t.Errorf("missing: %q", words)
		}
		if all := statuses(); len(all) != 2 || !slices.Contains(all, evidence.Approved) || !slices.Contains(all, evidence.Rejected) {
			t.Errorf("two of them: %v", all)
		}
		got(hers.HandInDocument(ctx, evidence.SNILS, "112-233-445 95"))(t)
		ok(t, desk.Judge(ctx, judgement{Account: anna.Account, Document: second, Approved: true}))
		if all := statuses(); !slices.Equal(all, []evidence.Status{evidence.Approved}) {
			t.Errorf("after the change: %v", all)
		}
		refused(t, hers.WithdrawDocument(ctx, evidence.SNILS), http.StatusNotFound, "document.not_found")
	})
}

// What is no page is refused by name and kept nowhere; nobody sees or changes what others sent; and files are counted.
func TestBadTurnsOfADocument(t *testing.T) {
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, desk reviewer) {
		anna, boris := somebody("1"), somebody("2")
		w.enrol(ctx, t, anna)
		w.enrol(ctx, t, boris)
		hers, his := str(w.enter(ctx, t, anna), "accessToken"), str(w.enter(ctx, t, boris), "accessToken")
		put := func(token, where string, content []byte) error {
			return w.Call(ctx, token, http.MethodPut, "/v1/me/documents/"+where, map[string]string{"Content-Type": "image/jpeg"}, content, nil)
		}
		w.untouched(ctx, t, "files that are no pages", func(t *testing.T) {
			locked := []byte("%PDF-1.4\n1 0 obj <</Type/Page>> endobj trailer <</Encrypt 2 0 R>>\n%%EOF")
			for _, c := range []struct {
				content []byte
				status  int
				code    string
			}{
				{[]byte("GIF89a medcard-canary"), http.StatusUnsupportedMediaType, "file.format"},
				{[]byte("MZ\x90 medcard-canary"), http.StatusUnsupportedMediaType, "file.format"},
				{located(t)[:200], http.StatusUnprocessableEntity, "file.broken"},
				{locked, http.StatusUnprocessableEntity, "file.locked"},
				{bytes.Replace(locked, []byte("Encrypt"), []byte("Launch "), 1), http.StatusUnprocessableEntity, "file.active"},
			} {
				p := refused(t, put(hers, "passport/files/1", c.content), c.status, c.code)
				if strings.Contains(p.Error(), "canary") {
					t.Error("the answer repeats what was sent")
				}
			}
			refused(t, put(hers, "selfie/files/1", located(t)), http.StatusUnprocessableEntity, "invalid_input")
			refused(t, put(hers, "passport/files/11", located(t)), http.StatusUnprocessableEntity, "invalid_input")
			_, err := w.post(ctx, "/v1/me/documents/passport/submit", hers, body{"number": "4510 123456"})
			refused(t, err, http.StatusNotFound, "document.not_found")
		})
		ok(t, put(hers, "passport/files/2", located(t)))
		_, err := w.post(ctx, "/v1/me/documents/passport/submit", hers, body{"number": "4510 123456"})
		refused(t, err, http.StatusConflict, "document.gap")
		ok(t, put(hers, "passport/files/1", located(t)))
		got(w.post(ctx, "/v1/me/documents/passport/submit", hers, body{"number": "4510 123456"}))(t)

		var list struct{ Documents, Slots []map[string]any }
		ok(t, w.Call(ctx, his, http.MethodGet, "/v1/me/documents", nil, nil, &list))
		if len(list.Documents) > 0 || len(list.Slots) != len(evidence.Slots()) {
			t.Errorf("he sees %v", list)
		}
		refused(t, w.Call(ctx, his, http.MethodDelete, "/v1/me/documents/passport", nil, nil, nil), http.StatusNotFound, "document.not_found")

		for range 58 { // two are spent
			ok(t, put(hers, "inn/files/1", located(t)))
		}
		if p := refused(t, put(hers, "inn/files/1", located(t)), http.StatusTooManyRequests, "throttled"); p.RetryAfter == 0 {
			t.Error("it does not say when to come again")
		}
		ok(t, put(his, "inn/files/1", located(t)))

		// What is left unfinished is forgotten, what is being checked is not.
		w.Skip(91 * 24 * time.Hour)
		ok(t, desk.Sweep(ctx))
		if waiting := got(desk.Waiting(ctx))(t); len(waiting) != 1 || len(waiting[0].Files) != 2 {
			t.Errorf("in the queue: %+v", waiting)
		}
		hers = str(w.enter(ctx, t, anna), "accessToken")
		ok(t, w.Call(ctx, hers, http.MethodGet, "/v1/me/documents", nil, nil, &list))
		if len(list.Documents) != 1 || list.Documents[0]["slot"] != "passport" {
			t.Errorf("left: %v", list.Documents)
		}
	})
}
