package story

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/store/storetest"
)

// What is taken back at one server counts at another on the same database with the next request: none keeps an answer to who may. Readers
// hammer the second server while somebody takes their right at the first; whatever request began after his acknowledgement has to be refused.
func TestARevokeCountsAtTheOtherServer(t *testing.T) {
	ctx, dir, cfg := t.Context(), t.TempDir(), storetest.Postgres(t)
	here := open(t, Options{Dir: dir, Postgres: cfg.Postgres})
	there := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres, Push: here.Push, Change: func(c *config.Config) { c.PublicURL = here.URL }}))(t)
	defer func() { ok(t, there.Stop()) }()

	clinic := got(here.Clinic(ctx, "Поликлиника № 7"))(t)
	posted := got(clinic.Post(ctx, filled(t, anna.patient(), diagnosis("dx-1", secretDiagnosis))))(t)
	her, his := somebody("1"), somebody("2")
	here.enrol(ctx, t, her)
	here.enrol(ctx, t, his)
	hers, boris := str(here.enter(ctx, t, her), "accessToken"), str(here.enter(ctx, t, his), "accessToken")
	got(here.post(ctx, "/v1/cards/claim", hers, body{"code": posted.Claim}))(t)
	path := "/v1/cards/" + string(posted.Card)
	let := func(b body) string {
		b["scopes"], b["ends"] = []string{"dx.*"}, here.Now().Add(time.Hour).UTC()
		return str(got(here.post(ctx, path+"/grants", hers, b))(t), "id")
	}
	take := func(target string) func() error {
		return func() error { return here.Call(ctx, hers, http.MethodDelete, target, nil, nil, nil) }
	}
	read := turn{method: http.MethodGet, target: path + "/records", token: got(clinic.Token(ctx))(t), headers: []string{"Purpose-Of-Use: TREAT"}}

	for range 3 {
		grant := let(body{"client": clinic.ID, "purpose": "TREAT"})
		there.lag(ctx, t, "a clinic's grant", read, secretDiagnosis, take(path+"/grants/"+grant))
		grant = let(body{"account": his.account, "purpose": "PATRQT"})
		there.lag(ctx, t, "a person's grant", turn{method: http.MethodGet, target: "/v1/sync/head?cards=" + string(posted.Card), token: boris}, string(posted.Card), take(path+"/grants/"+grant))

		grant = let(body{"client": clinic.ID, "purpose": "TREAT"})
		ban := ""
		there.lag(ctx, t, "what a restriction keeps", read, secretDiagnosis, func() error {
			made, err := here.post(ctx, path+"/restrictions", hers, body{"client": clinic.ID, "scopes": []string{"dx.*"}})
			ban = str(made, "id")
			return err
		})
		ok(t, take(path+"/restrictions/"+ban)())
		ok(t, take(path+"/grants/"+grant)())
	}
	tablet := *her
	tablet.device = body{"id": uuid.NewString(), "name": "Планшет", "secret": uuid.NewString()}
	entered := here.enter(ctx, t, &tablet)
	lent := str(entered, "accessToken")
	there.lag(ctx, t, "a device", turn{method: http.MethodGet, target: "/v1/me", token: lent}, her.account, take("/v1/me/devices/"+str(entered, "device")))
	there.lag(ctx, t, "a session", turn{method: http.MethodGet, target: "/v1/me", token: boris}, his.account, func() error {
		_, err := here.post(ctx, "/v1/auth/sign-out", boris, nil)
		return err
	})
	let(body{"client": clinic.ID, "purpose": "TREAT"})
	there.lag(ctx, t, "an OAuth client", read, secretDiagnosis, func() error { return here.Server.Clients.RevokeClient(ctx, clinic.ID) })
}

// lag hammers a server with what is answered with the word as long as it is allowed, while revoke takes the right at another one.
func (w *World) lag(ctx context.Context, t *testing.T, what string, u turn, word string, revoke func() error) {
	t.Helper()
	const readers = 4
	var acknowledged, stop atomic.Bool
	var answered, late, refused atomic.Int64
	var last atomic.Int64 // when the last answered request began
	var all sync.WaitGroup
	for range readers {
		all.Go(func() {
			for !stop.Load() {
				after, began := acknowledged.Load(), time.Now()
				r := w.say(t, u)
				switch saw := strings.Contains(r.text, word); {
				case saw && after:
					late.Add(1)
				case saw:
					answered.Add(1)
					last.Store(max(last.Load(), began.UnixNano()))
				case after:
					refused.Add(1)
				}
			}
		})
	}
	wait := func(n *atomic.Int64, least int64) {
		for end := time.Now().Add(20 * time.Second); n.Load() < least && time.Now().Before(end); time.Sleep(time.Millisecond) {
		}
	}
	wait(&answered, 3*readers)
	err := revoke()
	at := time.Now()
	acknowledged.Store(true)
	wait(&refused, 3*readers)
	stop.Store(true)
	all.Wait()
	ok(t, err)
	if answered.Load() < 3*readers || refused.Load() < 3*readers || late.Load() > 0 {
		t.Errorf("%s: %d answered before, %d refused after, %d answered that began after the acknowledgement", what, answered.Load(), refused.Load(), late.Load())
	}
	t.Logf("%s: the last answered request began %v before the acknowledgement", what, at.Sub(time.Unix(0, last.Load())).Round(10*time.Microsecond))
}
