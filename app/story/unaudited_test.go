package story

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// unaudited keeps the database from taking any entry of the audit, as a full disk does, until heal.
func (in insider) unaudited() (heal func()) {
	in.t.Helper()
	if in.w.cfg.Postgres == "" {
		in.run("CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END")
		return func() { in.run("DROP TRIGGER full") }
	}
	in.run("CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$")
	in.run("CREATE TRIGGER full_disk BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION full_disk()")
	return func() { in.run("DROP TRIGGER full_disk ON audit_entry") }
}

// Whoever is not the owner is shown nothing of a card while that cannot be remembered. Each of these reads is good once it can.
func TestNoReadWithoutItsEntry(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic, hospital, pharmacy := got(w.Clinic(ctx, "Поликлиника № 7"))(t), got(w.Clinic(ctx, "Городская больница"))(t), got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		scan := aFile("%PDF-1.4\n"+canary, 5_000, 5)
		_, handset, id := owner(ctx, t, w, clinic)
		mine := handset.Card(id)
		got(got(w.Clinic(ctx, "Диагностический центр"))(t).Post(ctx, filled(t, anna.patient(), reportWith("r1", scan))))(t)
		boris, his, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		all := card.Scopes{"lab.*", "dx.*", "rx.*", "doc.*", "vitals.*", "note.*"}
		for _, wish := range []phone.Wish{{Client: clinic.ID, Purpose: consent.Treatment}, {Account: boris.Account}} {
			wish.Scopes, wish.Ends = all, w.Now().Add(time.Hour)
			got(mine.GiveGrant(ctx, wish))(t)
		}
		rx, ref, cert := got(clinic.Prescribe(ctx, id, "unaudited-1"))(t), got(clinic.Refer(ctx, id, "unaudited-2"))(t), got(clinic.Certify(ctx, id, "unaudited-3"))(t)
		held := got(clinic.Prescribe(ctx, id, "unaudited-4"))(t)

		doctors, specialists, pharmacists := got(clinic.Token(ctx))(t), got(hospital.Token(ctx))(t), got(pharmacy.Token(ctx))(t)
		other := somebody("7")
		other.phone, other.password = boris.Login, boris.Password
		proxies := str(w.enter(ctx, t, other), "accessToken")
		purpose := []string{"Purpose-Of-Use: TREAT"}
		path := "/v1/cards/" + string(id)
		file := path + "/attachments/" + string(fileHash(scan))
		post := func(text string) func(*turn) {
			return func(u *turn) {
				u.method, u.body, u.headers = http.MethodPost, []byte(text), append(u.headers, "Content-Type: application/json")
			}
		}
		reads := []struct {
			name   string
			turn   turn
			change func(*turn)
		}{
			{"a clinic reads records", turn{target: path + "/records", token: doctors, headers: purpose}, nil},
			{"a clinic has a form filled in", turn{target: path + "/form", token: doctors, headers: purpose}, nil},
			{"a clinic reads a file", turn{target: file, token: doctors, headers: purpose}, nil},
			{"a person reads a file", turn{target: file, token: proxies, headers: []string{"Purpose-Of-Use: PATRQT"}}, nil},
			{"a prescription's code", turn{target: "/v1/prescriptions/" + rx.ID + "/code.png", token: doctors, headers: purpose}, nil},
			{"a referral's code", turn{target: "/v1/referrals/" + ref.ID + "/code.png", token: doctors, headers: purpose}, nil},
			{"a certificate's code", turn{target: "/v1/certificates/" + cert.ID + "/code.png", token: doctors, headers: purpose}, nil},
			{"a person's look at a prescription's code", turn{target: "/v1/prescriptions/" + held.ID + "/code.png", token: proxies}, nil},
			{"a pharmacy takes a prescription", turn{target: "/v1/dispensing/accept", token: pharmacists}, post(`{"code":"` + rx.Code + `","idempotencyKey":"` + uuid.NewString() + `"}`)},
			{"a clinic takes a referral", turn{target: "/v1/referrals/accept", token: specialists}, post(`{"code":"` + ref.Code + `"}`)},
		}
		try := func(u turn, change func(*turn)) reply {
			u.method = http.MethodGet
			if change != nil {
				change(&u)
			}
			return w.say(t, u)
		}
		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: id}
		defer in.db.Close()
		heal := in.unaudited()
		for _, r := range reads {
			a := try(r.turn, r.change)
			if a.status < 500 || a.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, and nobody remembers: %d %v", r.name, a.status, a.header)
			}
			for _, word := range []string{"Метформин", "Консультация", example.Family, "Годна", canary, "observation", "PNG"} {
				if strings.Contains(a.text, word) {
					t.Errorf("%s, and the answer holds %s", r.name, word)
				}
			}
		}
		if _, err := his.Sync(ctx); err == nil {
			t.Error("a person's phone got a card, and nobody remembers")
		}
		for kind, n := range got(his.Card(id).Counts())(t) {
			t.Errorf("%d of kind %s are on the person's phone", n, kind)
		}
		heal()
		for _, r := range reads {
			if a := try(r.turn, r.change); a.status != http.StatusOK {
				t.Errorf("%s, and all is well: %d %s", r.name, a.status, a.text)
			}
		}
		got(his.Sync(ctx))(t)
		if got(his.Card(id).Counts())(t)[card.KindObservation] == 0 {
			t.Error("a person's phone got nothing when all is well")
		}
	})
}
