package story

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A phone that runs keeps checkpoints of the audit log by itself, once a day, and soon after its person looked who saw a card. A log that does not hold
// is told to the app, and syncing goes on.
func TestAPhoneWitnessesTheLogByItself(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		mine := handset.Card(id)
		log := got(server.Audit(w.Server.Store, got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t), w.cfg.Issuer, w.Now))(t)
		grows := func() {
			t.Helper()
			got(mine.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
			ok(t, log.Sequence(ctx))
		}
		grows()
		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: id}
		defer in.db.Close()

		traffic := func() int64 {
			return handset.Network.Traffic("/v1/audit/checkpoint") + handset.Network.Traffic("/v1/audit/consistency")
		}
		quiet := func(what string) {
			t.Helper()
			before, synced := traffic(), handset.Network.Traffic("/v1/sync")
			handset.Wake()
			happens(t, "the sync", func() bool { return handset.Network.Traffic("/v1/sync") > synced })
			time.Sleep(200 * time.Millisecond)
			if traffic() != before {
				t.Errorf("%s: it asks for the log again", what)
			}
		}
		asks := func(what string) {
			t.Helper()
			before := traffic()
			handset.Wake()
			happens(t, what, func() bool { return traffic() > before })
			time.Sleep(200 * time.Millisecond)
		}
		running, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- handset.Run(running) }()
		defer func() {
			stop()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("the run ended with %v", err)
			}
		}()
		happens(t, "the first time", func() bool { return traffic() > 0 })
		time.Sleep(200 * time.Millisecond)
		quiet("at once")
		w.Skip(23 * time.Hour)
		quiet("within a day")
		w.Skip(2 * time.Hour)
		grows()
		before := traffic()
		asks("the next day")
		t.Logf("a day's witnessing takes %d bytes", traffic()-before)
		if once := traffic() - before; once > 4<<10 {
			t.Errorf("a day's witnessing takes %d bytes", once)
		}
		_, _, err := mine.AccessLog(ctx, 0)
		ok(t, err)
		quiet("right after the last time")
		w.Skip(20 * time.Minute)
		asks("after a look at the access log")
		w.Skip(20 * time.Minute)
		quiet("after that")
		if len(handset.Alarms) > 0 {
			t.Fatalf("a sound log is alarming: %v", <-handset.Alarms)
		}

		in.during(in.shorten, func() {
			w.Skip(25 * time.Hour)
			asks("a day later")
			select {
			case wrong := <-handset.Alarms:
				if !errors.Is(wrong, phone.ErrAuditForked) || wrong.Kept == "" || wrong.Got == "" {
					t.Errorf("it says %v", wrong)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("nobody is told that the log was cut")
			}
			quiet("an alarm of today")
			if _, err := mine.Comment(got(mine.Visits(phone.Paging{Limit: 1}))(t).Entries[0].ID, "still here"); err != nil {
				t.Error(err)
			}
			happens(t, "an edit goes up although the log does not hold", func() bool {
				box, err := mine.Outbox()
				return err == nil && (len(box) == 0 || box[0].State == phone.Accepted)
			})
		})
	})
}

// happens waits for what goes on in the background.
func happens(t *testing.T, what string, done func() bool) {
	t.Helper()
	if err := until(t.Context(), done); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
