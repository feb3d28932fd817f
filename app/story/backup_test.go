package story

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/push/pushtest"
)

// A backup is made while phones push; the server works on, is lost, and is restored from it. What phones wrote meanwhile comes back
// from them, once; conflicts stay open; nobody's phone rings a second time.
func TestRestoredFromABackup(t *testing.T) {
	binary := build(t)
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		p := launch(t, binary, cfg.Postgres)
		save, restore := p.tools(t, cfg.Postgres)
		clinic := p.clinic(t, "Clinic No. 1")
		posted := got(clinic.Post(ctx, example.Bundle()))(t)
		anna, first, err := p.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		got(first.Claim(ctx, posted.Claim))(t)
		second := got(anna.Handset("tablet"))(t)
		ok(t, second.Enter(ctx))
		got(second.Me(ctx))(t)
		both := []*Phone{first, second}
		for _, h := range both {
			defer h.Close()
			got(h.Sync(ctx))(t)
		}
		ok(t, first.RegisterPush(ctx, "fcm", "annas-phone", "ru"))
		visit := got(first.Card(posted.Card).Visits(phone.Paging{}))(t).Entries[0].ID
		comment := got(first.Card(posted.Card).Comment(visit, "Спросить про дозу"))(t).Record
		for _, h := range both {
			got(h.Sync(ctx))(t)
		}
		c := gather(ctx, t, p.World, clinic, 1, "", func() http.RoundTripper { return new(http.Transport) })

		// A push that waits at the moment of the backup, and is delivered after it.
		p.Push.Fail("annas-phone", pushtest.Unavailable())
		result := got(LabResult(1, "2026-03-02T09:30:00+03:00"))(t)
		got(clinic.Post(ctx, result))(t)
		for p.Push.Tried("annas-phone") == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		c.during(ctx, t, func() {
			time.Sleep(200 * time.Millisecond)
			ok(t, save())
			time.Sleep(500 * time.Millisecond) // and they write on, all of which the backup does not know
		})
		got(p.Push.Wait(ctx, "annas-phone"))(t)

		// A conflict that only the phones know.
		for i, text := range []string{"Спросить про дозу метформина", "Спросить про дозу вечером"} {
			editor := got(both[i].Card(posted.Card).Edit(comment))(t)
			got(editor.SaveText(text))(t)
		}
		for _, h := range []*Phone{first, second, first} {
			got(h.Sync(ctx))(t)
		}
		got(clinic.Post(ctx, got(LabResult(2, "2026-03-03T09:30:00+03:00"))(t)))(t)
		got(first.Sync(ctx))(t)

		p.stop(t)
		rang := len(p.Push.To("annas-phone"))
		ok(t, restore())
		p.start(t)
		time.Sleep(1500 * time.Millisecond) // the queue looks each second
		if again := p.Push.To("annas-phone")[rang:]; len(again) > 0 {
			t.Errorf("the phone rang %d times for what it heard of before the server was restored", len(again))
		}

		everybody := slices.Clone(both)
		for _, w := range c.writers {
			everybody = append(everybody, w.Phone)
		}
		for _, h := range c.readers {
			everybody = append(everybody, h)
		}
		for _, h := range everybody {
			if _, err := h.Sync(ctx); !errors.Is(err, phone.ErrSignedOut) {
				t.Errorf("a session of before the restore is still good: %v", err)
			}
			ok(t, h.Enter(ctx))
		}
		for _, w := range c.writers {
			ok(t, c.push(ctx, w))
		}
		for range 2 { // the first tells what the server has, the second what it has not
			for _, h := range []*Phone{first, second, first} {
				got(h.Sync(ctx))(t)
			}
		}
		c.older = true
		t.Log(c.compare(ctx, t))
		var shown []string
		for _, h := range both {
			shown = append(shown, said(got(h.Card(posted.Card).Record(comment))(t)))
		}
		if shown[0] != shown[1] || !strings.Contains(shown[0], "вечером") || !strings.Contains(shown[0], "метформина") {
			t.Errorf("the phones say %q: the conflict is not kept", shown)
		}

		// What the clinic posted after the backup is gone until it posts it again; what it posted before is there.
		before := got(first.Card(posted.Card).Counts())(t)[card.KindObservation]
		got(clinic.Post(ctx, result))(t)
		got(clinic.Post(ctx, got(LabResult(2, "2026-03-03T09:30:00+03:00"))(t)))(t)
		got(first.Sync(ctx))(t)
		if after := got(first.Card(posted.Card).Counts())(t)[card.KindObservation]; after != before+1 {
			t.Errorf("%d observations after the clinic posted again, %d before; want one more", after, before)
		}
		if _, err := p.Push.Wait(ctx, "annas-phone"); err != nil {
			t.Errorf("no later news rings: %v", err)
		}
	})
}

// said gives all values of a comment, in order.
func said(entry phone.Entry[card.Fact]) string {
	var texts []string
	for _, f := range append(slices.Clone(entry.Siblings), entry.Fact) {
		if c, isComment := f.(card.Comment); isComment {
			texts = append(texts, c.Text)
		}
	}
	slices.Sort(texts)
	return strings.Join(texts, " | ")
}

// tools gives what saves the database while the server runs and what brings it back when it does not: the program's own
// commands, or PostgreSQL's and `medcard epoch bump`.
func (p *process) tools(t *testing.T, postgres string) (save, restore func() error) {
	t.Helper()
	file := filepath.Join(p.dir, "backup")
	if postgres == "" {
		save = func() error { _, err := p.run("backup", file); return err }
		restore = func() error { _, err := p.run("restore", "--force", file); return err }
		return save, restore
	}
	for _, tool := range []string{"pg_dump", "pg_restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s, which is not here", tool)
		}
	}
	outside := os.Getenv(storetest.PostgresVariable)
	inside, err := url.Parse(postgres)
	schema := inside.Query().Get("search_path")
	if err != nil || schema == "" {
		t.Skip("the DSN is no URL, so the test cannot tell what to dump")
	}
	tool := func(name string, args ...string) error {
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		if err != nil {
			return errors.New(name + ": " + string(out))
		}
		return nil
	}
	save = func() error { return tool("pg_dump", "--format=custom", "--schema="+schema, "--file="+file, outside) }
	restore = func() error {
		conn, err := pgx.Connect(t.Context(), outside)
		if err != nil {
			return err
		}
		_, err = conn.Exec(t.Context(), "DROP SCHEMA "+schema+" CASCADE")
		if err := errors.Join(err, conn.Close(context.WithoutCancel(t.Context()))); err != nil {
			return err
		}
		if err := tool("pg_restore", "--dbname="+outside, file); err != nil {
			return err
		}
		_, err = p.run("epoch", "bump")
		return err
	}
	return save, restore
}
