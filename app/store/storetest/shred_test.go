package storetest

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/sync/replica"
)

func destruction(id card.ID) audit.Entry {
	return audit.Entry{Card: id, At: noon, Actor: identity.Actor{Kind: identity.Operator, Person: identity.Person{ID: "Petrova", Name: "Petrova"}},
		Action: audit.Shred, Purpose: consent.Operations, What: "order 7 of 1 December", Request: "shred"}
}

func shred(t *testing.T, db *store.DB, id card.ID) (done bool) {
	t.Helper()
	update(t, db, func(tx *store.Tx) (err error) {
		done, err = tx.Shred(destruction(id))
		return err
	})
	return done
}

var (
	policyHolder = posting.Introduction{Client: "c1", Numbers: []card.Number{{System: card.SystemOMS, Value: "7700000000000006"}}, Born: "1980-03-01"}
	visit        = notice.Reminder{Client: "c1", Key: "key-1", Template: notice.Appointment, Subject: "visit", Starts: noon.Add(48 * time.Hour), At: noon.Add(24 * time.Hour), Created: noon}
)

// fullCard gives a card with something of each kind that a job or a list would come back to.
func fullCard(t *testing.T, db *store.DB) (id card.ID, reminder notice.ID) {
	t.Helper()
	id, reminder = newCard(t, db, "ada"), notice.ID(store.NewID())
	onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{aRecord(1, "note.general", 1)}) })
	update(t, db, func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
		if err != nil {
			return err
		}
		clinic, err := tx.DecideWrite(lab, id, "system/*.c", card.Everything())
		if err != nil {
			return err
		}
		v := visit
		v.ID, v.Card = reminder, id
		return errors.Join(
			tx.AddGrant(p, consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: "boris", Scopes: card.Everything(), Purpose: consent.PatientRequest, Starts: noon, Ends: noon.Add(time.Hour)}),
			tx.AppendAudit(audit.Entry{Card: id, At: noon, Actor: patient("ada"), Action: audit.Sync, Purpose: consent.PatientRequest, Request: "r"}),
			tx.Introduce(clinic, policyHolder), tx.PutClaim(clinic, "c1", "CODE", noon.Add(time.Hour)), tx.AddReminder(clinic, v))
	})
	return id, reminder
}

// onDestroyed is what might be done on a card that was destroyed. All of it is refused.
func onDestroyed(t *testing.T, id card.ID) map[string]func(*store.Tx) error {
	posts := func(then func(*store.Tx, consent.Permit) error) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			p, err := tx.DecideWrite(lab, id, "system/*.c", card.Everything())
			if err != nil {
				return err
			}
			return then(tx, p)
		}
	}
	return map[string]func(*store.Tx) error{
		"the owner": func(tx *store.Tx) error {
			_, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if !consent.Closed(err) {
				t.Error("the owner's phone would keep the card")
			}
			return err
		},
		"a lock": func(tx *store.Tx) error { return tx.LockCard(id) },
		"an entry of the log": func(tx *store.Tx) error {
			return tx.AppendAudit(audit.Entry{Card: id, At: noon, Actor: lab, Action: audit.Read, Purpose: consent.Treatment, Request: "r"})
		},
		"the ends of grants": func(tx *store.Tx) error { return tx.CommitEnds(id, noon.Add(2*time.Hour)) },
		"a new owner":        func(tx *store.Tx) error { return tx.GrantOwner(id, "eve", noon) },
		"a collection":       func(tx *store.Tx) error { _, err := tx.Collect(id, noon); return err },
		"what takes no lock": posts(func(tx *store.Tx, p consent.Permit) error {
			v := visit
			v.ID, v.Card = notice.ID(store.NewID()), id
			return tx.AddReminder(p, v)
		}),
		"a ledger": posts(func(tx *store.Tx, p consent.Permit) error { _, err := tx.Ledger(p); return err }),
	}
}

// A server that knows the card's key, and had it in use a moment before another one destroyed it, does nothing more with it.
func TestAShreddedCardIsReadByNobody(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, here, there := t.Context(), OpenStore(t, cfg), OpenStore(t, cfg)
		other := newCard(t, here, "ada")
		id, reminder := fullCard(t, here)
		servers := map[string]*store.DB{}
		for what := range onDestroyed(t, id) { // each has its own, which learns of it by this and nothing else
			servers[what] = OpenStore(t, cfg)
			onCard(t, servers[what], id, func(l replica.Ledger) error { _, err := l.Lock(); return err })
		}
		if !shred(t, here, id) || shred(t, here, id) {
			t.Error("a card is shredded once")
		}
		for what, do := range onDestroyed(t, id) {
			for _, db := range []*store.DB{servers[what], servers[what], here, there} {
				if err := db.Update(ctx, do); !errors.Is(err, consent.ErrShredded) {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		for _, db := range []*store.DB{here, there, OpenStore(t, cfg)} {
			if err := db.View(ctx, func(tx *store.Tx) error {
				_, err := tx.Decide(patient("boris"), id, consent.PatientRequest, noon)
				return err
			}); !errors.Is(err, consent.ErrNoGrant) {
				t.Errorf("who was let in: %v", err)
			}
			onCard(t, db, other, func(l replica.Ledger) error { _, err := l.Lock(); return err })
		}
		if shred(t, there, id) {
			t.Error("shredded again by another server")
		}

		update(t, there, func(tx *store.Tx) error {
			if _, found, err := tx.Reminder(id, reminder); err != nil || found {
				t.Error("a reminder comes:", found, err)
			}
			mine, e1 := tx.CardsOf("ada", "d1")
			boris, e2 := tx.CardsOf("boris", "d1")
			known, e3 := tx.CardsOfPatient(policyHolder)
			_, claim, e4 := tx.Claim("CODE")
			ends, e5 := tx.CardsWithEnds("", noon.Add(2*time.Hour), 10)
			turns, e6 := tx.CardsToCollect(noon.AddDate(10, 0, 0), card.Turn{}, 10)
			if len(mine) != 1 || mine[0] != other || len(boris)+len(known)+len(ends) > 0 || claim {
				t.Error("something leads to the card:", mine, boris, known, ends, claim)
			}
			for _, turn := range turns {
				if turn.Card == id {
					t.Error("the card waits to be collected")
				}
			}
			return errors.Join(e1, e2, e3, e4, e5, e6)
		})
		var key []byte
		if err := rawDB(t, cfg).QueryRowContext(ctx, "SELECT wrapped_key FROM card WHERE id = '"+string(id)+"'").Scan(&key); err != nil || len(key) > 0 {
			t.Errorf("the key stands there: %x %v", key, err)
		}
	})
}

// Who began before the deed and takes the card's lock after it finds no card; who holds the lock is waited for.
func TestAShreddingAmongWriters(t *testing.T) {
	cfg := Postgres(t) // on SQLite one writes at a time
	db := OpenStore(t, cfg)
	for what, then := range map[string]func(*store.Tx, replica.Ledger, card.ID) error{
		"a lock":            func(tx *store.Tx, _ replica.Ledger, id card.ID) error { return tx.LockCard(id) },
		"a push":            func(_ *store.Tx, l replica.Ledger, _ card.ID) error { _, err := l.Lock(); return err },
		"where it stands":   func(_ *store.Tx, l replica.Ledger, _ card.ID) error { _, err := l.Head(); return err },
		"the ends of grant": func(tx *store.Tx, _ replica.Ledger, id card.ID) error { return tx.CommitEnds(id, noon) },
		"an entry of the log": func(tx *store.Tx, _ replica.Ledger, id card.ID) error {
			return tx.AppendAudit(audit.Entry{Card: id, At: noon, Actor: patient("ada"), Action: audit.Sync, Purpose: consent.PatientRequest, Request: "r"})
		},
	} {
		id := newCard(t, db, "ada")
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err != nil {
				return err
			}
			l, err := tx.Ledger(p)
			if err != nil {
				return err
			}
			shred(t, db, id)
			return then(tx, l, id)
		}); !errors.Is(err, consent.ErrShredded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	second := newCard(t, db, "ada")
	done := make(chan error, 1)
	update(t, db, func(tx *store.Tx) error {
		if err := tx.LockCard(second); err != nil {
			return err
		}
		go func() {
			done <- db.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error { _, err := tx.Shred(destruction(second)); return err })
		}()
		select {
		case err := <-done:
			t.Error("a card was shredded under its lock", err)
		case <-time.After(100 * time.Millisecond):
		}
		return tx.AppendAudit(audit.Entry{Card: second, At: noon, Actor: patient("ada"), Action: audit.Sync, Purpose: consent.PatientRequest, Request: "r"})
	})
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The log keeps who did it and why, under another wrapping key too; that a key is gone without such an entry shows.
func TestAShreddingIsRemembered(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, db := t.Context(), OpenStore(t, cfg)
		id, _ := fullCard(t, db)
		shred(t, db, id)
		if _, err := db.UseWrapping(ctx, newWrapping(t, cfg), noon); err != nil {
			t.Fatal(err)
		}
		if out, err := db.Rewrap(ctx, nobodyLooks); err != nil || out != (store.Rewrapped{By: 2, Done: 1}) { // the entry; the card has no key
			t.Errorf("%+v %v", out, err)
		}
		if err := db.DropWrapping(ctx, 1, noon, nobodyLooks); err != nil {
			t.Fatal(err)
		}
		look := func() (readable, shredded int, trail audit.CardTrail) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				list, err := tx.WaitingEntries(10)
				if err != nil {
					return err
				}
				for _, l := range list {
					switch {
					case l.State == audit.Readable && l.Entry.Hash() == l.Hash:
						readable++
					case l.State == audit.Shredded && l.Entry.Action == audit.Sync && l.Entry.Actor.Account == "ada":
						shredded++
					}
				}
				trails, err := tx.CardTrails("", 10)
				if len(trails) == 1 {
					trail = trails[0]
				}
				return err
			})
			return readable, shredded, trail
		}
		if readable, shredded, trail := look(); readable != 1 || shredded != 1 || !trail.Shredded || !trail.Order || len(trail.Stray) > 0 {
			t.Error(readable, shredded, trail)
		}
		update(t, db, func(tx *store.Tx) error {
			list, err := tx.Shreddings(10)
			if len(list) != 1 || list[0].Card != id || list[0].What != destruction(id).What || list[0].Actor.Person.Name != "Petrova" {
				t.Errorf("%+v", list)
			}
			return err
		})
		if _, err := rawDB(t, cfg).ExecContext(ctx, "UPDATE audit_entry SET action = 'shred' WHERE action = 'sync'"); err != nil {
			t.Fatal(err)
		}
		if _, shredded, _ := look(); shredded != 0 {
			t.Error("an entry that was changed passes for one of a shredded card")
		}
		if _, err := rawDB(t, cfg).ExecContext(ctx, "DELETE FROM shredding"); err != nil {
			t.Fatal(err)
		}
		if readable, _, trail := look(); readable != 0 || trail.Order {
			t.Error("nobody ordered it, and it does not show:", readable, trail)
		}
	})
}

func TestAnEmergencyIsReviewedBeforeItsCardIsShredded(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ctx, id, name := t.Context(), newCard(t, db, "ada"), consent.GrantID(store.NewID())
		update(t, db, func(tx *store.Tx) error {
			p, err := tx.DecideWrite(lab, id, "system/*.c", nil)
			if err != nil {
				return err
			}
			return tx.OpenEmergency(p, consent.Opening{ID: name, Card: id, Client: "c1", Reason: "unconscious", Scopes: card.Everything(), Opened: noon, Ends: noon.Add(time.Hour), Due: noon.Add(24 * time.Hour)})
		})
		if err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Shred(destruction(id)); return err }); !errors.Is(err, store.ErrUnreviewed) {
			t.Fatal(err)
		}
		onCard(t, db, id, func(l replica.Ledger) error { _, err := l.Lock(); return err })
		update(t, db, func(tx *store.Tx) error {
			e, _, err := tx.LockEmergency(id, name)
			if err != nil {
				return err
			}
			e.Verdict, e.Reviewer, e.Finding, e.Reviewed = consent.Justified, "Petrova", "it was one", noon
			return tx.ReviewEmergency(e)
		})
		if !shred(t, db, id) {
			t.Error("not shredded after the review")
		}
		if err := db.View(ctx, func(tx *store.Tx) error { _, err := tx.UnreviewedEmergencies(consent.Opening{}, 10); return err }); err != nil {
			t.Error(err)
		}
	})
}

// A backup from before has the key. The list in the key folder sees to it that it does not come back; what was shredded before the backup is no
// card that begins a new epoch.
func TestAShreddedCardIsNotRestored(t *testing.T) {
	ctx, cfg := t.Context(), SQLite(t)
	db := OpenStore(t, cfg)
	before := newCard(t, db, "ada")
	id, _ := fullCard(t, db)
	other := newCard(t, db, "ada")
	shred(t, db, before)
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := db.Backup(ctx, file, noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	shred(t, db, id)
	for range 2 {
		if err := cfg.Keys.NoteShredded(string(id)); err != nil {
			t.Fatal(err)
		}
	}
	there := store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
	if _, err := store.Restore(ctx, there, file, "", noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	restored := OpenStore(t, there)
	for _, gone := range []card.ID{before, id} {
		if err := restored.Update(ctx, func(tx *store.Tx) error { return tx.LockCard(gone) }); !errors.Is(err, consent.ErrShredded) {
			t.Error("a shredded card came back:", err)
		}
	}
	onCard(t, restored, other, func(l replica.Ledger) error { _, err := l.Lock(); return err })
	update(t, restored, func(tx *store.Tx) error {
		list, err := tx.Shreddings(10)
		if len(list) != 2 {
			t.Errorf("%+v", list)
		}
		return err
	})
	if cards, err := restored.BeginEpoch(ctx, noon, func(int) {}); err != nil || cards != 1 {
		t.Errorf("again: %d %v", cards, err)
	}
}
