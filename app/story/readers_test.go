package story

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/credential"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// An organisation reads through somebody whom the patient can be told, and says why. Its system writes and files without anybody: that shows it
// nothing.
func TestOrganisationsReadThroughAPerson(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		id, key, err := w.Register(ctx, identity.Clinic, "Поликлиника № 7")
		ok(t, err)
		source := credential.New(credential.Client{ID: string(id), Key: key, TokenURL: w.URL + "/oauth/token", Scopes: clinicScopes, Clock: w.Now})
		clinic := &Clinic{ID: id, Name: "Поликлиника № 7", Token: source.Token, world: w}
		scan := aFile("%PDF-1.4\n"+canary, 5_000, 5)
		_, hers, of := owner(ctx, t, w, clinic) // the bundle came from a system
		got(clinic.Post(ctx, filled(t, anna.patient(), reportWith("r1", scan))))(t)
		got(hers.Card(of).GiveGrant(ctx, phone.Wish{Client: id, Scopes: card.Scopes{"lab.*", "dx.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		rx, ref, cert := got(clinic.Prescribe(ctx, of, "readers-rx-1"))(t), got(clinic.Refer(ctx, of, "readers-ref-1"))(t), got(clinic.Certify(ctx, of, "readers-cert-1"))(t)
		over := got(clinic.Prescribe(ctx, of, "readers-rx-2"))(t)
		near, far := cutOff(ctx, t, w, "Аптека № 1"), cutOff(ctx, t, w, "Аптека № 2")
		got(near.HandOut(over.Code, units(60), w.Now()))(t)
		got(far.HandOut(over.Code, units(50), w.Now()))(t)
		near.upload(ctx, t)
		far.upload(ctx, t)

		path := "/v1/cards/" + string(of)
		reads := []string{
			path + "/records", path + "/attachments/" + string(fileHash(scan)),
			"/v1/prescriptions/" + rx.ID + "/code.png", "/v1/referrals/" + ref.ID + "/code.png", "/v1/certificates/" + cert.ID + "/code.png", "/v1/dispensing/cases",
		}
		read := func(target, why string) error {
			headers := map[string]string{}
			if why != "" {
				headers["Purpose-Of-Use"] = why
			}
			return clinic.Call(ctx, http.MethodGet, target, headers, nil, new([]byte))
		}
		lines := func() (page []phone.Access) {
			page, _, err := hers.Card(of).AccessLog(ctx, 0)
			ok(t, err)
			return page
		}
		before := len(lines())
		for name, person := range map[string]credential.Actor{"nobody": {}, "a number": {Subject: "e-31"}, "no role": {Subject: "e-31", Name: Doctor.Name}, "no name": {Subject: "e-31", Role: Doctor.Role}} {
			clinic.Token = source.As(person)
			for _, target := range reads {
				refused(t, read(target, "TREAT"), http.StatusForbidden, "person.missing")
			}
			refused(t, read("/v1/cards/"+uuid.NewString()+"/records", "TREAT"), http.StatusForbidden, "person.missing")
			if n := len(lines()) - before; n != 0 {
				t.Errorf("%s: %d lines of reads that were refused", name, n)
			}
		}
		clinic.Token = source.As(Doctor)
		for i, target := range reads {
			refused(t, read(target, ""), http.StatusBadRequest, "purpose.missing")
			refused(t, read(target, "CURIOSITY"), http.StatusBadRequest, "purpose.missing")
			ok(t, read(target, "TREAT"))
			page := lines()
			if e := page[0]; len(page) != before+i+1 || e.Action != audit.Read || e.Person != Doctor.Name || e.Role != Doctor.Role || e.Purpose != consent.Treatment {
				t.Errorf("%s: %d lines more, the newest %+v", target, len(page)-before, e)
			}
		}
	})
}
