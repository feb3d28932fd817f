package story

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/qr/trust"
)

const bornIn = 1984 // the example's patient

// does posts to an act on a paper.
func (c *Clinic) does(ctx context.Context, path string, body any) (p Paper, err error) {
	err = c.Call(ctx, http.MethodPost, path, nil, body, &p)
	return p, err
}

// sheet is a request for a prescription that a test changes.
func sheet(id card.ID, key string, change func(body, item, regimen map[string]any)) map[string]any {
	regimen := map[string]any{"portion": 100, "times": 2, "days": 30}
	item := map[string]any{"code": 4711, "name": "Метформин", "shape": "tablet", "strength": []any{map[string]any{"amount": 500, "unit": "mg"}}, "quantity": 60, "regimen": regimen}
	body := map[string]any{
		"card": id, "idempotencyKey": key, "form": "107-1/u", "validity": 3, "clinic": "1027700132195", "prescriber": "Петрова А. С.", "items": []any{item},
	}
	change(body, item, regimen)
	return body
}

// Each form over HTTP: what it allows is issued, what it forbids is refused by a word and a place and leaves nothing.
func TestFormsOfPrescriptions(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		benefit := map[string]any{"category": 83, "discount": 100, "diagnosis": "E11.9", "ground": "pensioner"}
		for n, c := range []struct {
			change      func(body, item, regimen map[string]any)
			days        int // of validity; 0 = refused
			token       bool
			rule, where string
		}{
			{func(_, _, _ map[string]any) {}, 60, false, "", ""},
			{func(b, _, r map[string]any) { b["validity"], r["every"], r["days"] = 5, 30, 360 }, 365, false, "", ""},
			{func(b, _, r map[string]any) {
				b["form"], b["validity"], b["benefit"], r["days"] = "148-1/u-04", 4, benefit, 180
			}, 90, false, "", ""},
			{func(b, _, _ map[string]any) { b["form"], b["validity"] = "148-1/u-88", 1 }, 15, true, "", ""},
			{func(b, _, _ map[string]any) { b["form"], b["validity"] = "107/u-NP", 1 }, 15, true, "", ""},
			{func(b, i, _ map[string]any) { i["trade"], b["commission"] = "Глюкофаж", "17/2026" }, 60, false, "", ""},

			{func(b, _, _ map[string]any) { b["validity"] = 5 }, 0, false, "prescription.period_required", "items[0].regimen.every"},
			{func(b, _, _ map[string]any) { b["validity"] = 1 }, 0, false, "prescription.validity_not_allowed", "validity"},
			{func(b, _, r map[string]any) { b["form"], b["validity"], r["every"] = "107/u-NP", 1, 7 }, 0, false, "prescription.repeat_forbidden", "items[0].regimen.every"},
			{func(b, i, _ map[string]any) { b["form"], b["validity"], b["items"] = "148-1/u-88", 1, []any{i, i} }, 0, false, "prescription.too_many_items", "items"},
			{func(b, _, _ map[string]any) { b["form"], b["validity"] = "148-1/u-04", 2 }, 0, false, "prescription.benefit_category", "benefit.category"},
			{func(_, i, _ map[string]any) { i["trade"] = "Глюкофаж" }, 0, false, "prescription.commission_required", "commission"},
			{func(b, _, _ map[string]any) { b["special"] = true }, 0, false, "prescription.special_forbidden", "special"},
		} {
			paper, err := clinic.does(ctx, "/v1/prescriptions", sheet(id, "form-000000"+strconv.Itoa(n), c.change))
			if c.days == 0 {
				p := refused(t, err, http.StatusUnprocessableEntity, "prescription.invalid")
				if !slices.ContainsFunc(p.Fields, func(f problem.Field) bool { return f.Code == c.rule && f.Where == c.where }) {
					t.Errorf("%d: %+v, want %s at %s", n, p.Fields, c.rule, c.where)
				}
				continue
			}
			ok(t, err)
			if left := time.Until(paper.ValidUntil); left < time.Duration(c.days-1)*24*time.Hour || left > time.Duration(c.days+2)*24*time.Hour {
				t.Errorf("%d: valid for %s, want %d days", n, left, c.days)
			}
			if strings.HasPrefix(paper.Code, "EMC1T:") != c.token || paper.Number == "" {
				t.Errorf("%d: code %.8s, number %q", n, paper.Code, paper.Number)
			}
		}
	})
}

// Why somebody pays less stands in the card; the pharmacy is told the discount, and the code nothing of it.
func TestABeneficiaryIsSeenByWhomItConcerns(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		paper := got(clinic.does(ctx, "/v1/prescriptions", sheet(id, "benefit-0001", func(b, i, r map[string]any) {
			b["form"], b["validity"], r["days"], r["every"], i["quantity"] = "148-1/u-04", 4, 180, 30, 360
			b["benefit"] = map[string]any{"category": 83, "discount": 50, "diagnosis": "E11.9", "series": "4526", "number": "0012345", "ground": "chronic"}
		})))(t)
		page := got(synced(ctx, t, handset, id).PrescriptionsIn(prescription.CategoryActive, phone.Paging{}, w.Now()))(t)
		want := prescription.Benefit{Category: 83, Discount: 50, Diagnosis: "E11.9", Series: "4526", Number: "0012345", Ground: prescription.ChronicIll}
		if len(page.Entries) != 1 || page.Entries[0].Fact.Sheet.Benefit != want {
			t.Errorf("on the phone: %+v", page.Entries)
		}
		pharmacy := got(w.Pharmacy(ctx, "Аптека"))(t)
		ok(t, pharmacy.Refresh(ctx))
		if v := pharmacy.Verify(paper.Code, w.Now()); v.Answer != trust.OK || v.Paper.Prescription.Benefit != (prescription.Benefit{}) {
			t.Errorf("the code says %+v", v.Paper)
		}
		for n := range 2 { // twelve parts, a month apart
			held := got(pharmacy.Accept(ctx, paper.Code, counter.NewKey()))(t)
			if held.Prescription.Discount != 50 || held.Prescription.BenefitCategory != 83 || held.Prescription.FormNumber != "0012345" {
				t.Errorf("the pharmacy is told %+v", held.Prescription)
			}
			outcome := got(pharmacy.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 60}}, counter.NewKey()))(t)
			if outcome.State != "partly_dispensed" || outcome.Items[0].NextAt == nil {
				t.Fatalf("part %d: %+v", n, outcome)
			}
			refused(t, pharmacy.accept(ctx, paper.Code), http.StatusConflict, "prescription.too_early")
			w.Skip(30*24*time.Hour + time.Minute)
		}
	})
}

// What the clinic takes back dies at the counter, in the status list, online and on the patient's phone, and what it lets go on lives again.
func TestAPrescriptionTakenBack(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic, other := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Clinic(ctx, "Другая"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		pharmacy := got(w.Pharmacy(ctx, "Аптека"))(t)
		paper := got(clinic.Prescribe(ctx, id, "taken-back-1"))(t)
		path := "/v1/prescriptions/" + paper.ID + "/"

		// stands checks what everybody is told; the list is made anew each minute.
		stands := func(when string, category prescription.Category, state string, answer trust.Answer) {
			t.Helper()
			w.Skip(2 * time.Minute)
			ok(t, pharmacy.Refresh(ctx))
			if v := pharmacy.Verify(paper.Code, w.Now()); v.Answer != answer {
				t.Errorf("%s: offline %v", when, v)
			}
			var v struct {
				Genuine     bool
				State, Kind string
			}
			ok(t, w.Call(ctx, "", http.MethodPost, "/v1/verify", nil, map[string]any{"code": paper.Code}, &v))
			if v.State != state || v.Kind != "prescription" || v.Genuine != (answer == trust.OK) {
				t.Errorf("%s: online %+v", when, v)
			}
			k := synced(ctx, t, handset, id)
			for _, c := range []prescription.Category{prescription.CategoryActive, prescription.CategoryOnHold, prescription.CategoryCancelled} {
				page := got(k.PrescriptionsIn(c, phone.Paging{}, w.Now()))(t)
				if (len(page.Entries) == 1) != (c == category) {
					t.Errorf("%s: %d are %s on the phone", when, len(page.Entries), c)
				}
			}
		}
		stands("new", prescription.CategoryActive, "issued", trust.OK)
		_, err := other.does(ctx, path+"cancel", body{"idempotencyKey": "cancel-00000001"})
		refused(t, err, http.StatusNotFound, "prescription.not_found")
		_, err = other.does(ctx, path+"suspend", nil)
		refused(t, err, http.StatusNotFound, "paper.not_found")
		got(clinic.does(ctx, path+"suspend", nil))(t)
		stands("suspended", prescription.CategoryOnHold, "on_hold", trust.No)
		refused(t, pharmacy.accept(ctx, paper.Code), http.StatusConflict, "prescription.on_hold")
		got(clinic.does(ctx, path+"resume", nil))(t)
		stands("resumed", prescription.CategoryActive, "issued", trust.OK)
		_, err = clinic.does(ctx, path+"resume", nil)
		refused(t, err, http.StatusConflict, "prescription.not_on_hold")

		held := got(pharmacy.Accept(ctx, paper.Code, counter.NewKey()))(t)
		_, err = clinic.does(ctx, path+"cancel", body{"idempotencyKey": "cancel-00000002"})
		if p := refused(t, err, http.StatusConflict, "prescription.in_work"); p.State != "in_work" {
			t.Errorf("state %q", p.State)
		}
		got(pharmacy.Reject(ctx, held, counter.NewKey()))(t)
		if gone := got(clinic.does(ctx, path+"cancel", body{"idempotencyKey": "cancel-00000003"}))(t); gone.State != "cancelled" {
			t.Errorf("state %q", gone.State)
		}
		stands("cancelled", prescription.CategoryCancelled, "cancelled", trust.No)
		refused(t, pharmacy.accept(ctx, paper.Code), http.StatusConflict, "prescription.cancelled")
		w.Skip(61 * 24 * time.Hour)
		k := handset.Card(id)
		if page := got(k.PrescriptionsIn(prescription.CategoryExpired, phone.Paging{}, w.Now()))(t); len(page.Entries) != 0 {
			t.Error("what was cancelled expired as well")
		}
		if _, err := k.PrescriptionsIn("lost", phone.Paging{}, w.Now()); err == nil {
			t.Error("a category that is none")
		}
	})
}

func TestAReferralGoesFromHandToHand(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		heart := got(w.clinicOf(ctx, "Кардиоцентр", "1037739442707"))(t)
		stranger := got(w.Clinic(ctx, "Чужая"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		ok(t, handset.RegisterPush(ctx, "fcm", "phone-1", "ru"))
		first := got(clinic.Refer(ctx, id, "referral-000001"))(t)
		arrived(t, w, "phone-1", 1)
		hand := func(specialty int, key string) map[string]any {
			return map[string]any{"idempotencyKey": key, "target": "1037739442707", "specialty": specialty, "clinic": "1027700132195", "referrer": "Ким Е. А."}
		}
		transfer := func(c *Clinic, p Paper, specialty int, key string) (Paper, error) {
			return c.does(ctx, "/v1/referrals/"+p.ID+"/transfer", hand(specialty, key))
		}
		_, err := transfer(stranger, first, 25, "transfer-00001")
		refused(t, err, http.StatusNotFound, "paper.not_found")

		second := got(transfer(clinic, first, 25, "transfer-00001"))(t)
		if again := got(transfer(clinic, first, 25, "transfer-00001"))(t); again != second {
			t.Errorf("asked again: %+v, first %+v", again, second)
		}
		arrived(t, w, "phone-1", 2) // the patient is told
		if second.Code == first.Code || second.Number == first.Number || !second.ValidUntil.Equal(first.ValidUntil) {
			t.Errorf("the new one: %+v", second)
		}
		_, err = transfer(clinic, first, 26, "transfer-00002")
		if p := refused(t, err, http.StatusConflict, "referral.closed"); p.State != "transferred" {
			t.Errorf("state %q", p.State)
		}
		// The old code is dead, offline and for whom it was to.
		pharmacy := got(w.Pharmacy(ctx, "Читает коды"))(t)
		w.Skip(2 * time.Minute)
		ok(t, pharmacy.Refresh(ctx))
		if v := pharmacy.Verify(first.Code, w.Now()); v.Answer != trust.No || v.Reasons[0] != trust.IsRevoked {
			t.Errorf("the old code: %v", v)
		}
		if v := pharmacy.Verify(second.Code, w.Now()); v.Answer != trust.OK {
			t.Errorf("the new code: %v", v)
		}
		_, err = heart.does(ctx, "/v1/referrals/accept", map[string]any{"code": first.Code})
		refused(t, err, http.StatusConflict, "referral.closed")
		_, err = stranger.does(ctx, "/v1/referrals/accept", map[string]any{"code": second.Code})
		refused(t, err, http.StatusForbidden, "referral.other_clinic")

		// The clinic that it is to was told, takes it by its number, and hands it on within the house.
		if kinds := inbox(ctx, t, heart); !slices.Equal(kinds, []string{"referral.incoming"}) {
			t.Errorf("the clinic that it goes to was told %v", kinds)
		}
		if kinds := inbox(ctx, t, clinic); !slices.Equal(kinds, []string{"referral.transferred"}) {
			t.Errorf("the clinic that it comes from was told %v", kinds)
		}
		_, err = heart.does(ctx, "/v1/referrals/accept", map[string]any{"number": second.Number, "birthYear": bornIn + 1})
		refused(t, err, http.StatusNotFound, "paper.number_not_found")
		taken := got(heart.does(ctx, "/v1/referrals/accept", map[string]any{"number": second.Number, "birthYear": bornIn}))(t)
		if taken.ID != second.ID || taken.State != "accepted" {
			t.Errorf("%+v", taken)
		}
		third := got(transfer(heart, second, 26, "transfer-00003"))(t)
		_, err = transfer(heart, third, 25, "transfer-00004")
		refused(t, err, http.StatusConflict, "referral.loop") // it wrote this one
		_, err = transfer(clinic, third, 25, "transfer-00004")
		refused(t, err, http.StatusNotFound, "paper.not_found")
		got(heart.does(ctx, "/v1/referrals/accept", map[string]any{"code": third.Code}))(t)
		_, err = transfer(heart, third, 25, "transfer-00005")
		refused(t, err, http.StatusConflict, "referral.loop")
		_, err = transfer(heart, third, 26, "transfer-00006")
		refused(t, err, http.StatusUnprocessableEntity, "referral.destination")
		if used := got(heart.does(ctx, "/v1/referrals/"+third.ID+"/use", nil))(t); used.State != "used" {
			t.Errorf("%+v", used)
		}
		_, err = transfer(heart, third, 27, "transfer-00007")
		if p := refused(t, err, http.StatusConflict, "referral.closed"); p.State != "used" {
			t.Errorf("state %q", p.State)
		}

		k := synced(ctx, t, handset, id)
		for _, of := range []Paper{first, second, third} {
			var chain []string
			for _, link := range got(k.Chain(referral.ID(of.ID)))(t) {
				chain = append(chain, string(link.ID))
			}
			if !slices.Equal(chain, []string{first.ID, second.ID, third.ID}) {
				t.Errorf("the chain on the phone: %v", chain)
			}
		}
		for category, n := range map[referral.Category]int{referral.CategoryHandedOn: 2, referral.CategoryUsed: 1, referral.CategoryActive: 0} {
			if page := got(k.ReferralsIn(category, phone.Paging{}, w.Now()))(t); len(page.Entries) != n {
				t.Errorf("%d are %s, want %d", len(page.Entries), category, n)
			}
		}

		old := got(clinic.Refer(ctx, id, "referral-000002"))(t)
		w.Skip(32 * 24 * time.Hour)
		_, err = transfer(clinic, old, 25, "transfer-00008")
		if p := refused(t, err, http.StatusConflict, "referral.closed"); p.State != "expired" {
			t.Errorf("state %q", p.State)
		}
	})
}

func TestTwoTransfersAtOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		for round := range 3 {
			paper := got(clinic.Refer(ctx, id, "race-referral-"+strconv.Itoa(round)))(t)
			var mu sync.Mutex
			var won int
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					_, err := clinic.does(ctx, "/v1/referrals/"+paper.ID+"/transfer", map[string]any{
						"idempotencyKey": "race-" + strconv.Itoa(round) + "-" + strconv.Itoa(i), "specialty": 30 + i, "clinic": "1027700132195", "referrer": "Ким Е. А.",
					})
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won++
						return
					}
					refused(t, err, http.StatusConflict, "referral.closed")
				})
			}
			all.Wait()
			if won != 1 {
				t.Errorf("%d of 8 won", won)
			}
		}
	})
}

func TestACertificateIsVerifiedByAnybody(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		paper := got(clinic.Certify(ctx, id, "certificate-0001"))(t)
		if again := got(clinic.Certify(ctx, id, "certificate-0001"))(t); again != paper {
			t.Errorf("filed again: %+v", again)
		}
		page := got(synced(ctx, t, handset, id).Certificates(phone.Paging{}))(t)
		if len(page.Entries) != 1 || page.Entries[0].Fact.Code != paper.Code || page.Entries[0].Fact.Typed.String() != paper.Number {
			t.Fatalf("on the phone: %+v", page)
		}
		shown := page.Entries[0].Fact
		reader := got(w.Pharmacy(ctx, "Читает коды"))(t)
		ok(t, reader.Refresh(ctx))
		reader.Network.Off(true)
		v := reader.Verify(paper.Code, w.Now())
		if v.Answer != trust.OK || v.Paper.Certificate == nil || v.Paper.Certificate.Number != "2026-114" || !v.Paper.Certificate.Matches(shown.Certificate) {
			t.Fatalf("offline: %+v", v)
		}
		forged := shown.Certificate
		forged.Sheet.Text = strings.Replace(forged.Sheet.Text, "Годна", "Негодна", 1)
		if v.Paper.Certificate.Matches(forged) {
			t.Error("a letter was changed and nobody saw it")
		}
		reader.Network.Off(false)
		// Anybody, without a token: genuine or not, and nothing of health or of the patient.
		verify := func() (genuine bool, reasons []string) {
			t.Helper()
			var raw []byte
			ok(t, w.Call(ctx, "", http.MethodPost, "/v1/verify", nil, map[string]any{"code": paper.Code}, &raw))
			for _, secret := range []string{"086", "2026-114", "initials", "1984", "Годна", example.Family} {
				if strings.Contains(string(raw), secret) {
					t.Errorf("%s stands in %s", secret, raw)
				}
			}
			var answer struct {
				Genuine bool
				Reasons []string
			}
			ok(t, w.Call(ctx, "", http.MethodPost, "/v1/verify", nil, map[string]any{"code": paper.Code}, &answer))
			return answer.Genuine, answer.Reasons
		}
		if genuine, why := verify(); !genuine {
			t.Errorf("not genuine: %v", why)
		}
		got(clinic.does(ctx, "/v1/certificates/"+paper.ID+"/revoke", nil))(t)
		if genuine, why := verify(); genuine || !slices.Equal(why, []string{"revoked"}) {
			t.Errorf("revoked: %v %v", genuine, why)
		}
		w.Skip(2 * time.Minute)
		ok(t, reader.Refresh(ctx))
		if v := reader.Verify(paper.Code, w.Now()); v.Answer != trust.No || v.Reasons[0] != trust.IsRevoked {
			t.Errorf("revoked, offline: %v", v)
		}
		_, err := clinic.does(ctx, "/v1/certificates/"+paper.ID+"/revoke", nil)
		refused(t, err, http.StatusConflict, "certificate.revoked")
		if page = got(synced(ctx, t, handset, id).Certificates(phone.Paging{}))(t); page.Entries[0].Fact.State != "revoked" {
			t.Errorf("on the phone it is %s", page.Entries[0].Fact.State)
		}
	})
}

func TestANumberIsTypedAtTheCounter(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		paper := got(clinic.Prescribe(ctx, id, "typed-00000001"))(t)
		referred := got(clinic.Refer(ctx, id, "typed-00000002"))(t)
		page := got(synced(ctx, t, handset, id).Prescriptions(phone.Paging{}))(t)
		if len(page.Entries) != 1 || page.Entries[0].Fact.Number.String() != paper.Number {
			t.Fatalf("on the phone: %+v", page.Entries)
		}
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		typed := func(p *Pharmacy, number string, year int) error {
			_, err := p.AcceptTyped(ctx, number, year, counter.NewKey())
			return err
		}
		mistyped := []byte(strings.ReplaceAll(paper.Number, " ", ""))
		mistyped[5] = '0' + (mistyped[5]-'0'+1)%10
		for range 30 { // costs nothing
			refused(t, typed(pharmacy, string(mistyped), bornIn), http.StatusUnprocessableEntity, "paper.number")
		}
		refused(t, typed(pharmacy, referred.Number, bornIn), http.StatusNotFound, "paper.number_not_found")
		held := got(pharmacy.AcceptTyped(ctx, paper.Number, bornIn, counter.NewKey()))(t)
		if held.ID != paper.ID || held.Prescription.Patient.BirthYear != bornIn {
			t.Errorf("%+v", held)
		}
		outcome := got(pharmacy.Complete(ctx, held, []counter.Portion{{Item: 0, Quantity: 60}}, counter.NewKey()))(t)
		if outcome.State != "dispensed" {
			t.Errorf("%+v", outcome)
		}

		// Who tries years on a number he saw is stopped, whoever he is; the true year too is of no use then.
		thief, another := got(w.Pharmacy(ctx, "Аптека № 2"))(t), got(w.Pharmacy(ctx, "Аптека № 3"))(t)
		second := got(clinic.Prescribe(ctx, id, "typed-00000003"))(t)
		for year := range 5 {
			refused(t, typed(thief, second.Number, 1950+year), http.StatusNotFound, "paper.number_not_found")
		}
		for _, p := range []*Pharmacy{thief, another} {
			if p := refused(t, typed(p, second.Number, bornIn), http.StatusTooManyRequests, "paper.too_many_tries"); p.RetryAfter <= 0 {
				t.Error("nobody is told how long to wait")
			}
		}
		w.Skip(6*time.Hour + time.Minute)
		got(another.AcceptTyped(ctx, second.Number, bornIn, counter.NewKey()))(t)
	})
}

// Every paper's pictures, the signed one and the small one, through the whole pipeline: a photo goes up, a verdict with the state comes back.
func TestAPhotoOfEachPaperTellsItsState(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		pharmacy := got(w.Pharmacy(ctx, "Аптека"))(t)
		token := got(pharmacy.Token(ctx))(t)
		papers := map[string]Paper{
			"prescriptions": got(clinic.Prescribe(ctx, id, "photo-0000001"))(t),
			"referrals":     got(clinic.Refer(ctx, id, "photo-0000002"))(t),
			"certificates":  got(clinic.Certify(ctx, id, "photo-0000003"))(t),
		}
		looks := func(verdict, state, reason string) {
			t.Helper()
			for kind, paper := range papers {
				for _, size := range []string{"signed", "token"} {
					var png []byte
					ok(t, clinic.Call(ctx, http.MethodGet, "/v1/"+kind+"/"+paper.ID+"/code.png?scale=8&kind="+size, map[string]string{"Purpose-Of-Use": "TREAT"}, nil, &png))
					reading := got(w.Scan(ctx, token, png))(t)
					if len(reading.Codes) != 1 {
						t.Fatalf("%s %s: %+v", size, kind, reading)
					}
					code := reading.Codes[0]
					if (code.Text == paper.Code) != (size == "signed") || code.Verdict != verdict || state != "" && code.State != state || reason != "" && !slices.Contains(code.Reasons, reason) {
						t.Errorf("%s %s: %+v, want %s %s", size, kind, code, verdict, state)
					}
				}
			}
		}
		looks("ok", "issued", "")
		got(clinic.does(ctx, "/v1/prescriptions/"+papers["prescriptions"].ID+"/cancel", map[string]any{"idempotencyKey": "cancel-00000001"}))(t)
		got(clinic.does(ctx, "/v1/referrals/"+papers["referrals"].ID+"/cancel", nil))(t)
		got(clinic.does(ctx, "/v1/certificates/"+papers["certificates"].ID+"/revoke", nil))(t)
		looks("no", "", "revoked")
	})
}

// synced brings the phone up to date and opens the card without a network.
func synced(ctx context.Context, t *testing.T, handset *Phone, id card.ID) *phone.Card {
	t.Helper()
	got(handset.Sync(ctx))(t)
	return handset.Card(id)
}

func inbox(ctx context.Context, t *testing.T, c *Clinic) (kinds []string) {
	t.Helper()
	var answer struct {
		Notices []struct{ Kind, Paper string }
	}
	ok(t, c.Call(ctx, http.MethodGet, "/v1/clinic/notices", nil, nil, &answer))
	for _, n := range answer.Notices {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

// clinicOf is a clinic whose number in the state register the operator has seen.
func (w *World) clinicOf(ctx context.Context, name, ogrn string) (*Clinic, error) {
	key, public, err := newKey()
	if err != nil {
		return nil, err
	}
	client, err := w.Server.Clients.AddClient(ctx, oauth.NewClient{Kind: identity.Clinic, Name: name, OGRN: ogrn, Keys: public})
	if err != nil {
		return nil, err
	}
	source := credential.New(credential.Client{ID: string(client.ID), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
	return &Clinic{ID: client.ID, Name: name, Token: source.As(Doctor), world: w}, nil
}
