package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/signature"
	"github.com/medcard/medcard/sync/replica"
)

// wrappedHouse is a database with one of everything that a wrapping key wraps.
type wrappedHouse struct {
	cards  []card.ID
	person account.Account
	device identity.DeviceID
	proof  signature.Confirmation
	start  account.ChallengeID
}

const housePolicy = identity.Policy("7700000000000006")

func furnish(t *testing.T, db *store.DB) (h wrappedHouse) {
	t.Helper()
	h.person, h.device, h.start = anna(), identity.DeviceID(store.NewID()), account.ChallengeID(store.NewID())
	h.proof = signature.Confirmation{ID: signature.ID(store.NewID()), Account: h.person.ID, Action: "x", At: noon, Proof: signature.Proof{Content: []byte("signed")}}
	for range 5 {
		id := newCard(t, db, "ada")
		onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{aRecord(1, "note.general", 1)}) })
		h.cards = append(h.cards, id)
	}
	update(t, db, func(tx *store.Tx) error {
		_, document := tx.AddDocument(evidence.Document{ID: evidence.DocumentID(store.NewID()), Account: h.person.ID, Slot: evidence.SNILS, Status: evidence.Draft, Number: "112-233-445 95", Changed: noon})
		return errors.Join(document, tx.AddAccount(h.person), tx.AddConfirmation(h.proof),
			tx.AddSession(account.Session{ID: identity.SessionID(store.NewID()), Account: h.person.ID, Device: h.device, Opened: noon, Ends: noon.AddDate(0, 0, 30)}),
			tx.PutContact(notice.Contact{Device: h.device, Account: h.person.ID, Carrier: "fcm", Token: "a token", Seen: noon}),
			tx.PutAuthenticator(account.Authenticator{Account: h.person.ID, Secret: []byte("a secret of 20 bytes"), Started: noon}),
			tx.PutLock(account.Lock{Account: h.person.ID, Reason: account.ForeignAccess, Words: "why", By: "Petrova", Since: noon}),
			tx.PutPolicyLink(evidence.Link{Account: h.person.ID, Challenge: store.NewID(), Number: housePolicy, State: evidence.Pending, Asked: noon}),
			tx.AddRegistration(account.Registration{ID: h.start, Phone: h.person.Phone, Email: h.person.Email, Started: noon, Ends: noon.Add(time.Hour)}))
	})
	return h
}

// inspect reads everything that furnish wrote.
func (h wrappedHouse) inspect(t *testing.T, db *store.DB) {
	t.Helper()
	for _, id := range h.cards {
		onCard(t, db, id, func(l replica.Ledger) error {
			found, err := l.Records([]string{aRecord(1, "", 1).ID})
			if err == nil && len(found) != 1 {
				t.Error("a record is gone")
			}
			return err
		})
	}
	update(t, db, func(tx *store.Tx) error {
		person, _, e1 := tx.Account(h.person.ID)
		start, _, e2 := tx.LockRegistration(h.start)
		contact, _, e3 := tx.Contact(h.device, notice.News, noon)
		secret, _, e4 := tx.Authenticator(h.person.ID)
		locked, _, e5 := tx.LockOf(h.person.ID)
		link, _, e6 := tx.PolicyLink(h.person.ID)
		proof, _, e7 := tx.Confirmation(h.person.ID, h.proof.ID)
		documents, e8 := tx.Documents(h.person.ID)
		if err := errors.Join(e1, e2, e3, e4, e5, e6, e7, e8); err != nil {
			return err
		}
		if !reflect.DeepEqual(person, h.person) || start.Phone != h.person.Phone || contact.Token != "a token" || string(secret.Secret) != "a secret of 20 bytes" ||
			locked.Words != "why" || link.Number != housePolicy || string(proof.Proof.Content) != "signed" || len(documents) != 1 || documents[0].Number != "112-233-445 95" {
			t.Error("something is not what it was")
		}
		return nil
	})
}

// inFolder gives the configuration with the keys of a folder, as a process has them that starts now.
func inFolder(t *testing.T, cfg store.Config, dir string) store.Config {
	t.Helper()
	custody, err := keys.OpenFolder(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys = custody
	return cfg
}

func newWrapping(t *testing.T, cfg store.Config) keys.WrappingKey {
	t.Helper()
	key, err := cfg.Keys.MakeWrapping()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A new wrapping key takes over while a server runs; the work is interrupted and gone on with; then the old key is destroyed, and nothing is
// lost with it.
func TestAWrappingKeyIsReplaced(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, dir := t.Context(), filepath.Join(t.TempDir(), "keys")
		server := OpenStore(t, inFolder(t, cfg, dir))
		h := furnish(t, server)
		cfg = inFolder(t, cfg, dir)
		operator := OpenStore(t, cfg)
		if out, err := operator.Rewrap(ctx, nobodyLooks); err != nil || out.By != 1 || out.Done > 0 {
			t.Errorf("%+v %v", out, err)
		}
		if err := operator.DropWrapping(ctx, 1, noon, nobodyLooks); !errors.Is(err, store.ErrStillNeeded) {
			t.Error("the only key was dropped:", err)
		}
		key := newWrapping(t, cfg)
		if turned, err := operator.UseWrapping(ctx, key, noon); err != nil || !turned {
			t.Fatal(turned, err)
		}
		if turned, err := operator.UseWrapping(ctx, key, noon); err != nil || turned {
			t.Error(turned, err)
		}

		stopped, stop := context.WithCancel(ctx)
		first, err := operator.Rewrap(stopped, func(done, total int) {
			if total != 15 {
				t.Errorf("%d values, want 15", total)
			}
			if done == 3 {
				stop()
			}
		})
		if err == nil || first.Done != 3 {
			t.Errorf("not interrupted: %+v %v", first, err)
		}
		h.inspect(t, server)
		h.cards = append(h.cards, newCard(t, server, "ada"))
		onCard(t, server, h.cards[5], func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{aRecord(1, "note.general", 1)}) })
		if err := operator.DropWrapping(ctx, 1, noon, nobodyLooks); !errors.Is(err, store.ErrStillNeeded) {
			t.Error("a key was dropped that is needed:", err)
		}
		if rest, err := operator.Rewrap(ctx, nobodyLooks); err != nil || rest != (store.Rewrapped{By: 2, Done: 12}) {
			t.Errorf("%+v %v", rest, err)
		}
		if err := operator.DropWrapping(ctx, 2, noon, nobodyLooks); !errors.Is(err, store.ErrStillNeeded) {
			t.Error("the key that wraps was dropped:", err)
		}
		for range 2 {
			if err := operator.DropWrapping(ctx, 1, noon, nobodyLooks); err != nil {
				t.Fatal(err)
			}
		}
		h.inspect(t, OpenStore(t, inFolder(t, cfg, dir))) // which knows no first key
		h.inspect(t, server)
	})
}

// What no key opens is left as it is, told of, and keeps its key from being dropped; it keeps nothing else from being wrapped anew. A newer key that
// takes over in the middle shows.
func TestWhatDoesNotOpenIsNotWrappedAnew(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, db := t.Context(), OpenStore(t, cfg)
		furnish(t, db)
		if _, err := rawDB(t, cfg).ExecContext(ctx, "UPDATE authenticator SET sealed = (SELECT sealed FROM push_contact)"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.UseWrapping(ctx, newWrapping(t, cfg), noon); err != nil {
			t.Fatal(err)
		}
		if out, err := db.Rewrap(ctx, nobodyLooks); err != nil || out != (store.Rewrapped{By: 2, Done: 14, Damaged: 1, Remaining: 1}) {
			t.Errorf("%+v %v", out, err)
		}
		if err := db.DropWrapping(ctx, 1, noon, nobodyLooks); !errors.Is(err, store.ErrStillNeeded) {
			t.Error(err)
		}
		third := newWrapping(t, cfg)
		if _, err := db.Rewrap(ctx, func(int, int) {
			if _, err := db.UseWrapping(ctx, third, noon); err != nil {
				t.Error(err)
			}
		}); !errors.Is(err, store.ErrTurned) {
			t.Errorf("another key took over: %v", err)
		}
	})
}

// A backup from before the change is refused once its key is gone, and leaves nothing behind.
func TestABackupOfADroppedKeyIsRefused(t *testing.T) {
	ctx, cfg := t.Context(), SQLite(t)
	db := OpenStore(t, cfg)
	newCard(t, db, "ada")
	dir := t.TempDir()
	backup := func(name string) {
		t.Helper()
		if _, err := db.Backup(ctx, filepath.Join(dir, name), noon, nobodyLooks); err != nil {
			t.Fatal(err)
		}
	}
	backup("before")
	if _, err := db.UseWrapping(ctx, newWrapping(t, cfg), noon); err != nil {
		t.Fatal(err)
	}
	backup("between")
	if _, err := db.Rewrap(ctx, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	if err := db.DropWrapping(ctx, 1, noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	backup("after")
	for name, want := range map[string]error{"before": store.ErrKeyFolder, "between": store.ErrWrappingKey, "after": nil} {
		there := store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
		if _, err := store.Restore(ctx, there, filepath.Join(dir, name), "", noon, nobodyLooks); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(there.SQLite); (err == nil) != (want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever wraps while the keys change has done so before, and is counted, or waits and wraps with the new one.
func TestNothingIsWrappedWithTheOlderKeyBehindTheChange(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, dir := t.Context(), filepath.Join(t.TempDir(), "keys")
		cfg = inFolder(t, cfg, dir)
		server, operator := OpenStore(t, cfg), OpenStore(t, cfg)
		key, changed := newWrapping(t, cfg), make(chan error, 1)
		var id card.ID
		update(t, server, func(tx *store.Tx) (err error) {
			if id, err = tx.CreateCard(noon); err != nil {
				return err
			}
			go func() {
				_, err := operator.UseWrapping(ctx, key, noon)
				changed <- err
			}()
			select {
			case <-changed:
				t.Error("the keys changed under a transaction that wraps")
			case <-time.After(200 * time.Millisecond):
			}
			return tx.GrantOwner(id, "ada", noon)
		})
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		if out, err := operator.Rewrap(ctx, nobodyLooks); err != nil || out.Done != 1 || out.Remaining != 0 {
			t.Fatalf("%+v %v", out, err)
		}
	})
}

// A server that was not brought the new key refuses to start; one that runs says what it lacks, and goes on once it is there.
func TestAServerWithoutTheNewKeySaysSo(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx, dir, older := t.Context(), filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "keys")
		cfg = inFolder(t, cfg, dir)
		operator := OpenStore(t, cfg)
		id := newCard(t, operator, "ada")
		if err := os.CopyFS(older, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		server := OpenStore(t, inFolder(t, cfg, older)) // has not met the card's key yet
		key := newWrapping(t, cfg)
		if _, err := operator.UseWrapping(ctx, key, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := operator.Rewrap(ctx, nobodyLooks); err != nil {
			t.Fatal(err)
		}
		read := func(tx *store.Tx) error {
			p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
			if err == nil {
				_, err = tx.Ledger(p)
			}
			return err
		}
		if err := server.View(ctx, read); !errors.Is(err, store.ErrKeyMissing) {
			t.Errorf("a server without the key: %v", err)
		}
		if err := server.Update(ctx, func(tx *store.Tx) error { _, err := tx.CreateCard(noon); return err }); !errors.Is(err, store.ErrKeyMissing) {
			t.Errorf("a server without the key makes a card: %v", err)
		}
		late, err := store.Open(ctx, inFolder(t, cfg, older))
		if err != nil {
			t.Fatal(err)
		}
		defer late.Close()
		if _, err := late.Migrate(ctx); !errors.Is(err, store.ErrWrappingKey) || !errors.Is(err, store.ErrKeyFolder) {
			t.Errorf("starts without the key: %v", err)
		}
		other := newWrapping(t, inFolder(t, cfg, older)) // of the same number
		if other.Number != key.Number {
			t.Fatal(other)
		}
		if _, err := late.Migrate(ctx); !errors.Is(err, store.ErrWrappingKey) {
			t.Errorf("starts with another key of the number: %v", err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "wrap-2.key"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(older, "wrap-2.key"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := server.View(ctx, read); err != nil {
			t.Errorf("the key was brought: %v", err)
		}
	})
}
