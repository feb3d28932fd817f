package story

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/push/pushtest"
)

// What was begun when the server stops or is killed: requests in work finish, pushes that were still to go out go out afterwards.

// hold keeps the database from being written until release is called.
func (w *World) hold(ctx context.Context, t *testing.T) (release func()) {
	t.Helper()
	db := beside(t, w.cfg.Database(), w.cfg.Postgres)
	conn := got(db.Conn(ctx))(t)
	statements := []string{"BEGIN IMMEDIATE"}
	if w.cfg.Postgres != "" {
		statements = []string{"BEGIN", "LOCK TABLE card IN EXCLUSIVE MODE"}
	}
	for _, s := range statements {
		_, err := conn.ExecContext(ctx, s)
		ok(t, err)
	}
	return func() {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		ok(t, err)
		ok(t, conn.Close())
		ok(t, db.Close())
	}
}

func TestAStopLetsRequestsFinish(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, dir := t.Context(), t.TempDir()
		w := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres}))(t)
		t.Cleanup(func() { ok(t, w.Push.Close()) })
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		admitted(ctx, t, clinic)
		got(clinic.Token(ctx))(t)

		release := w.hold(ctx, t)
		const many = 5
		answers := make(chan Posted, many)
		for n := range many {
			go func() {
				posted, err := clinic.Post(ctx, result(t, n+1))
				if err != nil {
					t.Errorf("a request that was in work: %v", err)
				}
				answers <- posted
			}()
		}
		time.Sleep(300 * time.Millisecond) // all wait for the database now
		stopped := make(chan error, 1)
		go func() { stopped <- w.Stop() }()
		ok(t, until(ctx, func() bool { // nobody new comes in
			response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get(w.URL + "/livez")
			if err == nil {
				_ = response.Body.Close()
			}
			return err != nil
		}))
		select {
		case err := <-stopped:
			t.Fatalf("stopped before the requests in work were done: %v", err)
		case <-time.After(100 * time.Millisecond):
		}
		release()
		for range many {
			if posted := <-answers; posted.Statuses["201 Created"] != 1 {
				t.Errorf("posted %v", posted.Statuses)
			}
		}
		if err := <-stopped; err != nil {
			t.Errorf("the stop: %v", err)
		}
		w2 := got(Start(ctx, Options{Dir: dir, Postgres: cfg.Postgres, Push: w.Push}))(t)
		defer func() { ok(t, w2.Stop()) }()
		if have := w2.imprint(ctx, t)["posting"]; !strings.HasPrefix(have, "25 rows") { // 20 of the first bundle, and the results
			t.Errorf("after the restart the table of postings has %s", have)
		}
	})
}

// TestAPushOutlivesItsServer kills the server between the commit and the push: before the carrier is asked, and while it thinks.
func TestAPushOutlivesItsServer(t *testing.T) {
	binary := build(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		p := launch(t, binary, cfg.Postgres)
		clinic := p.clinic(t, "Clinic No. 1")
		_, handset, _ := owner(ctx, t, p.World, clinic)
		token := got(clinic.Token(ctx))(t)
		clinic.Token = func(context.Context) (string, error) { return token, nil } // without a process each time

		ok(t, handset.RegisterPush(ctx, "fcm", "phone-a", "ru"))
		p.Push.Fail("phone-a", pushtest.Hang())
		got(clinic.Post(ctx, result(t, 1)))(t)
		ok(t, until(ctx, func() bool { return p.Push.Tried("phone-a") == 1 }))
		p.kill() // the job says in its table that it runs, and nobody runs it
		db := beside(t, filepath.Join(p.data(), "medcard.db"), cfg.Postgres)
		defer db.Close()
		ago := "strftime('%Y-%m-%d %H:%M:%f', attempted_at, '-3 minutes')"
		if cfg.Postgres != "" {
			ago = "attempted_at - interval '3 minutes'"
		}
		// A start is three minutes later: what was begun was begun long ago, and the dead server does not lead the others any more.
		later := func() {
			t.Helper()
			for _, s := range []string{"UPDATE river_job SET attempted_at = " + ago + " WHERE state = 'running'", "DELETE FROM river_leader"} {
				_, err := db.ExecContext(ctx, s)
				ok(t, err)
			}
		}
		later()
		p.start(t)
		arrived(t, p.World, "phone-a", 1)

		p.Push.Forget()
		got(clinic.Post(ctx, result(t, 2)))(t)
		p.kill() // at once: most often nothing has been begun
		later()
		p.start(t)
		if n := len(p.Push.To("phone-a")); n == 0 {
			arrived(t, p.World, "phone-a", 1)
		}
	})
}
