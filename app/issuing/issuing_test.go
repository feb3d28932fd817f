package issuing

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

var (
	seven    = identity.Actor{Kind: identity.Clinic, Client: "seven", Scopes: []string{PrescriptionRight, ReferralRight, CertificateRight}, Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}
	eight    = identity.Actor{Kind: identity.Clinic, Client: "eight", Scopes: []string{PrescriptionRight, ReferralRight, CertificateRight}, Person: identity.Person{ID: "7", Name: "Иванова А. П.", Role: "терапевт"}}
	anna     = identity.Actor{Kind: identity.Patient, Account: "anna", Device: "phone", SecondFactor: true}
	boris    = identity.Actor{Kind: identity.Patient, Account: "boris", Device: "phone", SecondFactor: true}
	pharmacy = identity.Actor{Kind: identity.Pharmacy, Client: "green"}
)

func tablets(form prescription.Form, v prescription.Validity) prescription.Sheet {
	return prescription.Sheet{
		Form: form, Validity: v, Clinic: "1027700132195", Prescriber: "Петрова А. С.",
		Items: []prescription.Item{{
			Code: 4711, Name: "Метформин", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}},
			Quantity: 60, Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30},
		}},
	}
}

func consultation() referral.Sheet {
	return referral.Sheet{Kind: 6, Care: referral.Planned, Clinic: "1027700132195", Purpose: "Консультация", Referrer: "Петрова А. С.", Days: 30}
}

func (w *world) prescribe(who identity.Actor, of card.ID, key string, sheet prescription.Sheet) (prescription.Prescription, string, error) {
	return w.Service.Prescription(w.t.Context(), who, Filing{Card: of, Key: key, Request: "request"}, sheet)
}

func (w *world) refer(who identity.Actor, of card.ID, key string, sheet referral.Sheet) (referral.Referral, string, error) {
	return w.Service.Referral(w.t.Context(), who, Filing{Card: of, Key: key, Request: "request"}, sheet)
}

func (w *world) prescribed() (prescription.Prescription, string) {
	w.t.Helper()
	rx, code, err := w.prescribe(seven, "card-1", "visit-0001", tablets(prescription.Ordinary, prescription.Days60))
	if err != nil {
		w.t.Fatal(err)
	}
	return rx, code
}

func (w *world) wants(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Errorf("got %v, want %v", err, want)
	}
}

func TestFiledAgainItIsTheSamePaper(t *testing.T) {
	w := newWorld(t)
	w.reruns = 1
	rx, code := w.prescribed()
	w.now = w.now.Add(time.Hour)
	again, sameCode := w.prescribed()
	if again.ID != rx.ID || sameCode != code || again.IssuedAt != rx.IssuedAt || rx.Sheet.Bearer != (identity.Bearer{Initials: "САИ", BirthYear: 1984}) {
		t.Errorf("%+v, then %+v", rx, again)
	}
	other := tablets(prescription.Ordinary, prescription.Days60)
	other.Items[0].Quantity = 30
	_, _, err := w.prescribe(seven, "card-1", "visit-0001", other)
	w.wants(err, ErrMismatch)
	_, _, err = w.prescribe(seven, "card-3", "visit-0001", tablets(prescription.Ordinary, prescription.Days60)) // another patient
	w.wants(err, ErrMismatch)
	_, _, err = w.refer(seven, "card-1", "visit-0001", consultation())
	w.wants(err, ErrMismatch)
	if _, _, err := w.refer(seven, "card-1", "visit-0002", consultation()); err != nil {
		t.Error(err)
	}
	if _, _, err := w.refer(seven, "card-1", "visit-0002", consultation()); err != nil {
		t.Error(err)
	}
	if len(w.audits) != 2 || len(w.records) != 2 || w.news != 2 || len(w.places) != 2 || w.audits[0].Action != audit.Issue || w.audits[0].Card != "card-1" {
		t.Errorf("%d entries, %d records, %d news, %d places; want 2 each", len(w.audits), len(w.records), w.news, len(w.places))
	}
}

func TestWhoMayNotFile(t *testing.T) {
	w := newWorld(t)
	ordinary := tablets(prescription.Ordinary, prescription.Days60)
	for name, c := range map[string]struct {
		who   identity.Actor
		of    card.ID
		key   string
		sheet prescription.Sheet
		want  error
	}{
		"a foreign clinic":      {eight, "card-1", "visit-0001", ordinary, consent.ErrNoGrant},
		"a card that is none":   {eight, "card-9", "visit-0001", ordinary, consent.ErrNoGrant},
		"a clinic without":      {identity.Actor{Kind: identity.Clinic, Client: "seven"}, "card-1", "visit-0001", ordinary, fault.New(fault.Denied, "scope.missing", "")},
		"the patient":           {anna, "card-1", "visit-0001", ordinary, consent.ErrNoGrant},
		"nobody":                {identity.Actor{}, "card-1", "visit-0001", ordinary, consent.ErrNoGrant},
		"a card without a name": {seven, "card-2", "visit-0001", ordinary, ErrPatient},
		"a short key":           {seven, "card-1", "visit", ordinary, ErrKey},
		"a sheet that is none":  {seven, "card-1", "visit-0001", prescription.Sheet{}, prescription.ErrSheet},
		"too long a validity":   {seven, "card-1", "visit-0001", tablets(prescription.Narcotic, prescription.Days60), prescription.ErrSheet},
	} {
		t.Run(name, func(t *testing.T) {
			if _, code, err := w.prescribe(c.who, c.of, c.key, c.sheet); !errors.Is(err, c.want) || code != "" {
				t.Errorf("got %q %v, want %v", code, err, c.want)
			}
			if len(w.prescriptions)+len(w.places)+len(w.audits)+len(w.records)+w.news != 0 {
				t.Error("it left something")
			}
		})
	}
	if f := fault.From(consent.ErrNoGrant); f.Kind != fault.NotFound {
		t.Error("a foreign card must look like a missing one")
	}
}

func TestAControlledFormCarriesATokenOnly(t *testing.T) {
	w := newWorld(t)
	for i, form := range []prescription.Form{prescription.Accounted, prescription.Narcotic} {
		rx, code, err := w.prescribe(seven, "card-1", "visit-000"+string(rune('1'+i)), tablets(form, prescription.Days15))
		if err != nil {
			t.Fatal(err)
		}
		if code != qr.TokenText(qr.TokenID(rx.Token)) || !strings.HasPrefix(code, "EMC1T:") {
			t.Errorf("%s: the code says more than its token: %s", form, code)
		}
		if token, err := w.Token(t.Context(), code); err != nil || token != rx.Token {
			t.Errorf("%s: %v %v", form, token, err)
		}
	}
}

func TestTheCodeLeadsToItsToken(t *testing.T) {
	w := newWorld(t)
	rx, code := w.prescribed()
	if token, err := w.Token(t.Context(), code); err != nil || token != rx.Token {
		t.Errorf("%v %v", token, err)
	}
	_, other, err := w.refer(seven, "card-1", "visit-0002", consultation())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"a referral's": other, "a changed one": strings.Replace(code, code[50:51], string("0123456789"[(code[50]+1)%10]), 1), "none": "EMC1:", "a stranger's": "HC1:NCF", "": "",
	} {
		if _, err := w.Token(t.Context(), text); !errors.Is(err, ErrCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	foreign := newWorld(t)
	foreign.ring.Keys = foreign.ring.Keys[2:] // signed by a key that is not published here
	if _, err := foreign.Token(t.Context(), code); !errors.Is(err, ErrCode) {
		t.Errorf("an unknown key: %v", err)
	}
}

func TestWhoSeesACode(t *testing.T) {
	w := newWorld(t)
	rx, code := w.prescribed()
	see := func(who identity.Actor) (string, error) {
		why := Look{Request: "request"}
		if who.Kind.Organisation() {
			why.Purpose = consent.Treatment
		}
		shown, err := w.PrescriptionCode(t.Context(), who, rx.ID, why)
		return shown.Code, err
	}
	for name, who := range map[string]identity.Actor{"its patient": anna, "its clinic": seven} {
		if text, err := see(who); err != nil || text != code {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	seen := len(w.audits)
	if _, err := see(anna); err != nil || len(w.audits) != seen {
		t.Errorf("her second look: %v, %d entries more", err, len(w.audits)-seen)
	}
	if _, err := see(seven); err != nil || len(w.audits) != seen+1 {
		t.Errorf("the clinic's second look: %v, %d entries more", err, len(w.audits)-seen)
	}
	for name, who := range map[string]identity.Actor{"another patient": boris, "another clinic": eight} {
		if text, err := see(who); !errors.Is(err, ErrUnknown) || text != "" {
			t.Errorf("%s: %q %v", name, text, err)
		}
	}
	_, err := w.PrescriptionCode(t.Context(), anna, "rx-9", Look{Request: "request"})
	w.wants(err, ErrUnknown)
	_, err = w.ReferralCode(t.Context(), anna, referral.ID(rx.ID), Look{Request: "request"})
	w.wants(err, ErrUnknown)
}

func TestWhatAScanTells(t *testing.T) {
	w := newWorld(t)
	rx, code := w.prescribed()
	judge := func(who identity.Actor, want trust.Answer, why ...trust.Reason) {
		t.Helper()
		v, err := w.Judge(t.Context(), who, code)
		if err != nil || v.Answer != want || len(why) > 0 && !slices.Equal(v.Reasons, why) {
			t.Errorf("%v %v, want %v %v", v, err, want, why)
		}
	}
	judge(anna, trust.OK)
	w.statuses[rx.Token] = int(trust.Spent)
	judge(pharmacy, trust.No, trust.IsDispensed)
	judge(anna, trust.OK) // what she bought is nobody's business
	w.statuses[rx.Token] = int(trust.Revoked)
	judge(anna, trust.No, trust.IsRevoked)
	delete(w.statuses, rx.Token)
	judge(anna, trust.No, trust.IsNotIssued) // signed this moment, by a key that was stolen
	w.now = rx.ValidUntil.Add(time.Second)
	w.statuses[rx.Token] = int(trust.Valid)
	judge(anna, trust.No, trust.HasExpired)
}
