package story

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/incident"
)

// A backup was stolen. Whom it concerns hears of it over push, mail and in the app, once; others do not; and what is owed to the authority is
// counted until it is done.
func TestPeopleAreToldOfAnIncident(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, claim := admitted(ctx, t, clinic)
		anna, hers, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		_, his, err := w.SignUp(ctx, "+79161234568", "boris@example.org")
		ok(t, err)
		for _, p := range []*Phone{hers, his} {
			t.Cleanup(func() { _ = p.Close() })
		}
		got(hers.Claim(ctx, claim))(t)
		ok(t, hers.RegisterPush(ctx, "fcm", "anna-phone", "ru"))
		ok(t, his.RegisterPush(ctx, "fcm", "boris-phone", "ru"))

		alert := got(server.Alert(w.Server.Store, w.cfg, t.Output(), w.Now))(t)
		text := map[account.Language]string{account.Russian: "Украдена резервная копия. Смените пароль.", account.English: "A backup was stolen. Change your password."}
		i := got(alert.Open(ctx, w.Now().Add(-time.Hour), "Сидорова", text))(t)
		late := got(alert.Open(ctx, w.Now().Add(-60*time.Hour), "Сидорова", text))(t)
		none := func(int, int) {}
		cards := []card.ID{card.ID(uuid.NewString()), id}
		for _, want := range []int{1, 0} { // given twice
			if n := got(alert.Concern(ctx, i.ID, cards, none))(t); n != want {
				t.Errorf("%d were told, not %d", n, want)
			}
		}
		w.rings(t, "anna-phone", 1)
		mine := got(hers.Incidents(ctx))(t)
		if len(mine) != 1 || mine[0].ID != i.ID || mine[0].In(account.Russian) != text[account.Russian] || mine[0].In(account.English) != text[account.English] || !mine[0].Read.IsZero() {
			t.Fatalf("she reads %+v", mine)
		}
		if others := got(his.Incidents(ctx))(t); len(others) != 0 {
			t.Errorf("he reads %+v", others)
		}
		refused(t, his.ReadIncident(ctx, i.ID), http.StatusNotFound, "incident.not_found")
		refused(t, hers.ReadIncident(ctx, late.ID), http.StatusNotFound, "incident.not_found")
		ok(t, hers.ReadIncident(ctx, i.ID))
		ok(t, hers.ReadIncident(ctx, i.ID))
		if mine = got(hers.Incidents(ctx))(t); mine[0].Read.IsZero() {
			t.Error("it does not stand as read")
		}

		listed := func(id incident.ID) (found incident.Listed) {
			t.Helper()
			for _, l := range got(alert.List(ctx))(t) {
				if l.ID == id {
					found = l
				}
			}
			return found
		}
		ok(t, until(ctx, func() bool { return listed(i.ID).Mailed == 1 }))
		if l := listed(i.ID); l.Concerned != 1 || l.Read != 1 {
			t.Errorf("it stands as %+v", l)
		}
		if mails := strings.Join(w.codes.All(), "\n"); strings.Count(mails, text[account.Russian]) != 1 || !strings.Contains(mails, anna.Email) {
			t.Errorf("mails: %d of them hold the words", strings.Count(mails, text[account.Russian]))
		}
		ok(t, alert.Send(ctx, i.ID, anna.Account)) // the job once more
		if listed(i.ID).Mailed != 1 || strings.Count(strings.Join(w.codes.All(), "\n"), text[account.Russian]) != 1 {
			t.Error("a mail was sent twice")
		}

		// Everybody, those who know already not twice.
		if n := got(alert.ConcernAll(ctx, i.ID, none))(t); n < 1 || listed(i.ID).Concerned != n+1 {
			t.Errorf("%d more were told, and it stands as %+v", n, listed(i.ID))
		}
		w.rings(t, "boris-phone", 1)
		if others := got(his.Incidents(ctx))(t); len(others) != 1 {
			t.Errorf("he reads %+v", others)
		}

		answer := got(http.Get(w.URL + "/metrics"))(t)
		defer answer.Body.Close()
		if metrics := string(got(io.ReadAll(answer.Body))(t)); !strings.Contains(metrics, "medcard_incident_duties_overdue 1\n") { // the report of the old one
			t.Errorf("%d duties are overdue, and the metrics do not say one", got(alert.Overdue(ctx))(t))
		}
		if late = got(alert.Do(ctx, late.ID, incident.Report, w.Now(), "Сидорова"))(t); !late.Late(incident.Report, w.Now()) || got(alert.Overdue(ctx))(t) != 0 {
			t.Errorf("it stands as %+v", late)
		}
	})
}
