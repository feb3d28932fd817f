package story

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// bureau is an organisation whose people review.
type bureau struct {
	*World
	*credential.Source
}

func (w *World) bureau(ctx context.Context, t testing.TB) bureau {
	t.Helper()
	id, key, err := w.Register(ctx, identity.Reviewer, "Служба проверки")
	ok(t, err)
	return bureau{w, credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: []string{"system/review.u"}, Clock: w.Now})}
}

// clerk is one of them.
type clerk struct {
	*World
	token string
}

func (b bureau) clerk(ctx context.Context, t testing.TB, name string) clerk {
	t.Helper()
	return clerk{b.World, got(b.As(credential.Actor{Subject: "r-" + name, Name: name, Role: "эксперт"})(ctx))(t)}
}

const reviewing = "/v1/reviews/"

// get looks, saying why.
func (c clerk) get(ctx context.Context, path string, answer any) error {
	return c.Call(ctx, c.token, http.MethodGet, reviewing+path, map[string]string{"Purpose-Of-Use": "HOPERAT"}, nil, answer)
}

func (c clerk) says(ctx context.Context, path string, in body) error {
	return c.Call(ctx, c.token, http.MethodPost, reviewing+path+"/verdict", nil, in, nil)
}

// queue reads all pages of what waits, and gives the addresses behind reviewing.
func (c clerk) queue(ctx context.Context, t testing.TB, of string) (paths []string, pages int) {
	t.Helper()
	for after := ""; ; {
		var page struct {
			Documents   []struct{ Account, Document string }
			Emergencies []struct{ Card, ID, Words, Person string }
			Next        string
		}
		ok(t, c.Call(ctx, c.token, http.MethodGet, reviewing+of+after, nil, nil, &page))
		pages++
		for _, d := range page.Documents {
			paths = append(paths, of+"/"+d.Account+"/"+d.Document)
		}
		for _, e := range page.Emergencies {
			if e.Words != "" || e.Person != "" {
				t.Errorf("the list tells %+v", e)
			}
			paths = append(paths, of+"/"+e.Card+"/"+e.ID)
		}
		if page.Next == "" {
			return paths, pages
		}
		after = "?after=" + page.Next
	}
}

// did reports whether the card's log tells her that a reviewer of that name did it.
func did(ctx context.Context, t *testing.T, hers *phone.Card, what audit.Action, name string) bool {
	t.Helper()
	log, _, err := hers.AccessLog(ctx, 0)
	ok(t, err)
	return slices.ContainsFunc(log, func(a phone.Access) bool {
		return a.Action == what && a.Person == name && a.Who == "reviewer" && a.Organisation == "Служба проверки" && a.Purpose == "HOPERAT"
	})
}

// Reviewers have a door of their own to what the commands do: they see what waits, look at it, which its person reads, and say what it is. Of two
// who do so at once one is late; nobody reviews himself; and an approval opens the card in the same moment.
func TestAReviewerChecksADocument(t *testing.T) {
	demanding(t, []string{"passport"}, func(ctx context.Context, t *testing.T, w *World, _ reviewer) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, anna, id := owner(ctx, t, w, clinic)
		ok(t, anna.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		got(anna.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
		got(anna.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
		bureau := w.bureau(ctx, t)
		one, two := bureau.clerk(ctx, t, "Орлова Вера Павловна"), bureau.clerk(ctx, t, "Жуков Пётр Ильич")

		waiting, _ := one.queue(ctx, t, "documents")
		if len(waiting) != 1 {
			t.Fatalf("in the queue: %v", waiting)
		}
		path := waiting[0]
		var seen struct {
			Slot, Number, Status string
			Files                []struct{ File int }
		}
		ok(t, one.get(ctx, path, &seen))
		if seen.Slot != "passport" || seen.Number != "4510123456" || seen.Status != "checking" || len(seen.Files) != 1 {
			t.Errorf("seen: %+v", seen)
		}
		file := w.say(t, turn{method: http.MethodGet, target: reviewing + path + "/files/1", token: one.token, headers: []string{"Purpose-Of-Use: HOPERAT"}})
		if file.status != http.StatusOK || !strings.Contains(file.text, "JFIF") && !strings.HasPrefix(file.text, "\xff\xd8") || strings.Contains(file.text, "GPS") {
			t.Errorf("the file: %d, %d bytes", file.status, len(file.text))
		}

		refused(t, one.get(ctx, path+"/files/2", nil), http.StatusNotFound, "document.no_file")
		refused(t, one.Call(ctx, one.token, http.MethodGet, reviewing+path, nil, nil, nil), http.StatusBadRequest, "purpose.missing")
		refused(t, one.says(ctx, path, body{"verdict": "rejected"}), http.StatusUnprocessableEntity, "verdict.invalid")
		refused(t, one.says(ctx, path, body{"verdict": "approved", "reason": "expired"}), http.StatusUnprocessableEntity, "verdict.invalid")
		refused(t, one.Call(ctx, one.token, http.MethodGet, reviewing+"documents?after=2026_x_y", nil, nil, nil), http.StatusUnprocessableEntity, "invalid_input")
		for _, look := range []string{path, path + "/files/1"} {
			refused(t, bureau.clerk(ctx, t, "анна игоревна СОКОЛОВА").get(ctx, look, nil), http.StatusForbidden, "review.own")
		}
		refused(t, bureau.clerk(ctx, t, "Соколова Анна Игоревна").says(ctx, path, body{"verdict": "approved"}), http.StatusForbidden, "review.own")
		nameless := clerk{w, got(bureau.Token(ctx))(t)}
		refused(t, nameless.get(ctx, path, nil), http.StatusUnprocessableEntity, "reviewer.unnamed")
		refused(t, nameless.says(ctx, path, body{"verdict": "approved"}), http.StatusUnprocessableEntity, "reviewer.unnamed")
		refused(t, clerk{w, got(clinic.Token(ctx))(t)}.get(ctx, path, nil), http.StatusForbidden, "actor.not_allowed")
		for _, target := range []string{"/records", "/access-log", "/emergencies"} {
			refused(t, one.Call(ctx, one.token, http.MethodGet, "/v1/cards/"+string(id)+target, map[string]string{"Purpose-Of-Use": "TREAT"}, nil, nil), http.StatusForbidden, "actor.not_allowed")
		}

		// Both judge at once, time and again: one of them counts, and the other is told which.
		for i := range 4 {
			answers := make([]error, 2)
			var both sync.WaitGroup
			both.Go(func() {
				answers[0] = one.says(ctx, path, body{"verdict": "rejected", "reason": "unreadable", "words": "Засвечено"})
			})
			both.Go(func() {
				answers[1] = two.says(ctx, path, body{"verdict": "rejected", "reason": "expired", "words": "Просрочен"})
			})
			both.Wait()
			late := slices.IndexFunc(answers, func(err error) bool { return err != nil })
			if late < 0 || answers[1-late] != nil {
				t.Fatalf("both judged: %v", answers)
			}
			if p := refused(t, answers[late], http.StatusConflict, "document.judged"); p.State != "rejected" {
				t.Errorf("the late one reads %q", p.State)
			}
			if d := got(anna.Documents(ctx))(t)[0]; d.Reason != []evidence.Reason{evidence.Unreadable, evidence.Expired}[1-late] || d.Words == "" {
				t.Errorf("the verdict of %d counts, and she reads %+v", 1-late, d)
			}
			if i == 0 { // later ones may fall together
				w.rings(t, "anna-phone", 1)
			}
			refused(t, one.get(ctx, path, nil), http.StatusConflict, "document.judged")
			got(anna.PutDocumentFile(ctx, evidence.Passport, 1, located(t)))(t)
			refused(t, one.get(ctx, path, nil), http.StatusNotFound, "document.not_waiting")
			got(anna.HandInDocument(ctx, evidence.Passport, "4510 123456"))(t)
		}
		if report := got(anna.Sync(ctx))(t); report.Received > 0 {
			t.Errorf("the card is open: %+v", report)
		}
		refused(t, two.says(ctx, path, body{"verdict": "approved", "name": "Соколова Анна Игоревна"}), http.StatusUnprocessableEntity, "verdict.invalid")
		refused(t, two.says(ctx, path, body{"verdict": "approved", "name": "Соколова Анна Игоревна", "born": "15.06.1984"}), http.StatusUnprocessableEntity, "verdict.invalid")
		ok(t, two.says(ctx, path, body{"verdict": "approved", "name": "Соколова Анна Игоревна", "born": "1984-06-15"}))
		if report := got(anna.Sync(ctx))(t); report.Received == 0 {
			t.Error("approved, and the card is closed")
		}
		refused(t, one.says(ctx, path, body{"verdict": "rejected", "reason": "doubtful"}), http.StatusConflict, "document.judged")
		if hers := anna.Card(id); !did(ctx, t, hers, audit.Inspect, "Орлова Вера Павловна") || !did(ctx, t, hers, audit.Judge, "Жуков Пётр Ильич") {
			t.Error("the log does not tell her who looked and who judged")
		}
		if left, _ := one.queue(ctx, t, "documents"); len(left) > 0 {
			t.Errorf("left in the queue: %v", left)
		}
	})
}

// A claim is a document as any other: what it is to prove is seen with its pages, the patient's card remembers the look, and the approval lets
// the claimant act. Neither of the two persons whom it names reviews it.
func TestAReviewerChecksAClaim(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		born := w.Now().AddDate(-9, 0, 0)
		h := keepHouse(ctx, t, w, born)
		c := got(h.claims(ctx, t, h.claimed(born)))(t)
		bureau := w.bureau(ctx, t)
		vera := bureau.clerk(ctx, t, "Орлова Вера Павловна")
		waiting, _ := vera.queue(ctx, t, "documents")
		path := "documents/" + string(h.parent.Account) + "/" + string(c.ID)
		if !slices.Equal(waiting, []string{path}) {
			t.Fatalf("in the queue: %v", waiting)
		}
		for _, name := range []string{"Соколов Борис Ильич", "Соколова Анна Игоревна"} {
			refused(t, bureau.clerk(ctx, t, name).says(ctx, path, body{"verdict": "approved"}), http.StatusForbidden, "review.own")
		}
		var seen struct {
			Claim struct {
				Level          string
				Patient, Agent struct{ Family, Born, SNILS string }
				Checks         []struct{ Subject, Finding string }
			}
		}
		ok(t, vera.get(ctx, path, &seen))
		if seen.Claim.Level != "full" || seen.Claim.Patient.Born != born.In(moscowTime).Format(time.DateOnly) || seen.Claim.Patient.SNILS == "" || seen.Claim.Agent.Family != "Соколов" || len(seen.Claim.Checks) != 5 {
			t.Errorf("seen: %+v", seen)
		}
		if !did(ctx, t, h.hers, audit.Inspect, "Орлова Вера Павловна") {
			t.Error("the patient's log does not tell who looked")
		}
		ok(t, vera.says(ctx, path, body{"verdict": "approved"}))
		if r := got(h.boris.Sync(ctx))(t); r.Received == 0 {
			t.Errorf("approved, and the phone got %+v", r)
		}
		if !did(ctx, t, h.hers, audit.Grant, "Орлова Вера Павловна") {
			t.Error("the patient's log does not tell who let him act")
		}
	})
}

// An emergency is reviewed by somebody else than who opened the card, once, and its owner reads who looked and what was found.
func TestAReviewerJudgesAnEmergency(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, anna, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		hers := anna.Card(id)
		doctor := Doctor
		doctor.Proven = w.Now().Unix()
		ambulance := w.as(ctx, t, "Скорая помощь", doctor)
		words := "Без сознания, ДТП, нужны диагнозы"
		ok(t, ambulance.Call(ctx, http.MethodPost, "/v1/cards/"+string(id)+"/emergencies", nil, body{"scopes": []string{"dx.*"}, "reason": "unconscious", "words": words}, nil))

		bureau := w.bureau(ctx, t)
		vera := bureau.clerk(ctx, t, "Орлова Вера Павловна")
		waiting, _ := vera.queue(ctx, t, "emergencies")
		if len(waiting) != 1 {
			t.Fatalf("in the queue: %v", waiting)
		}
		path := waiting[0]
		refused(t, bureau.clerk(ctx, t, doctor.Name).get(ctx, path, nil), http.StatusForbidden, "review.own")
		refused(t, bureau.clerk(ctx, t, doctor.Name).says(ctx, path, body{"verdict": "justified", "finding": "Вызов был"}), http.StatusForbidden, "review.own")
		refused(t, vera.says(ctx, path, body{"verdict": "justified", "finding": "      "}), http.StatusUnprocessableEntity, "verdict.invalid")
		for _, unknown := range []string{"emergencies/" + somebodyElse + "/" + somebodyElse, "emergencies/" + string(id) + "/" + somebodyElse} { // there is a card or there is none
			refused(t, vera.get(ctx, unknown, nil), http.StatusNotFound, "emergency.not_found")
		}
		var seen struct{ Person, Words, Clinic string }
		ok(t, vera.get(ctx, path, &seen))
		if seen.Person != doctor.Name || seen.Words != words || seen.Clinic != "Скорая помощь" {
			t.Errorf("seen: %+v", seen)
		}
		ok(t, vera.says(ctx, path, body{"verdict": "unjustified", "finding": "Вызова к пациентке не было"}))
		if p := refused(t, vera.says(ctx, path, body{"verdict": "justified", "finding": "Всё же был"}), http.StatusConflict, "emergency.reviewed"); p.State != "unjustified" {
			t.Errorf("the late one reads %q", p.State)
		}
		if list := got(hers.Emergencies(ctx))(t); list[0].Verdict != consent.Unjustified || list[0].Reviewer != "Орлова Вера Павловна" || list[0].Finding == "" {
			t.Errorf("the owner reads %+v", list)
		}
		err := ambulance.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records", map[string]string{"Purpose-Of-Use": "ETREAT"}, nil, nil)
		refused(t, err, http.StatusNotFound, "card.not_found")
		if !did(ctx, t, hers, audit.Inspect, "Орлова Вера Павловна") || !did(ctx, t, hers, audit.Judge, "Орлова Вера Павловна") {
			t.Error("the log does not tell her who looked and who judged")
		}
	})
}

const somebodyElse = "018f0000-0000-7000-8000-000000000001"

// A long queue is read page by page, each thing once, the oldest first.
func TestALongQueue(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		_, _, id := owner(ctx, t, w, got(w.Clinic(ctx, "Городская больница"))(t))
		doctor := Doctor
		doctor.Proven = w.Now().Unix()
		var opened, sent []string
		for range 5 {
			ambulance := w.as(ctx, t, "Скорая помощь", doctor)
			for range 21 {
				var e struct{ ID string }
				ok(t, ambulance.Call(ctx, http.MethodPost, "/v1/cards/"+string(id)+"/emergencies", nil, body{"scopes": []string{"dx.*"}, "reason": "unconscious", "words": "Без сознания, ДТП"}, &e))
				opened = append(opened, "emergencies/"+string(id)+"/"+e.ID)
			}
		}
		numbers := map[evidence.Slot]string{evidence.Passport: "4510123456", evidence.SNILS: "112-233-445 95", evidence.Policy: "2341998071655749", evidence.PolicyApplication: "123456789", evidence.INN: "500100732259", evidence.DataConsent: "", evidence.BirthCertificate: "II-АБ 123456"}
		page := located(t)
		for n := range 10 {
			p := somebody(fmt.Sprint(n))
			p.phone = fmt.Sprint("+7916765432", n)
			w.Skip(time.Hour) // an address opens so many accounts and no more
			w.enrol(ctx, t, p)
			token := str(w.enter(ctx, t, p), "accessToken")
			for _, slot := range evidence.Slots() {
				number, is := numbers[slot]
				if !is {
					number = "77-1"
				}
				ok(t, w.Call(ctx, token, http.MethodPut, "/v1/me/documents/"+string(slot)+"/files/1", map[string]string{"Content-Type": "image/jpeg"}, page, nil))
				d := got(w.post(ctx, "/v1/me/documents/"+string(slot)+"/submit", token, body{"number": number}))(t)
				sent = append(sent, "documents/"+p.account+"/"+str(d, "id"))
			}
		}
		vera := w.bureau(ctx, t).clerk(ctx, t, "Орлова Вера Павловна")
		for of, want := range map[string][]string{"documents": sent, "emergencies": opened} {
			if list, pages := vera.queue(ctx, t, of); !slices.Equal(list, want) || pages != 2 || len(list) <= 100 {
				t.Errorf("%s: %d on %d pages, want %d", of, len(list), pages, len(want))
			}
		}
	})
}
