package storetest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/sync/replica"
)

func renewal(id card.ID) audit.Entry {
	return audit.Entry{Card: id, At: noon, Actor: identity.Actor{Kind: identity.Operator, Person: identity.Person{ID: "Petrova", Name: "Petrova"}},
		Action: audit.Renew, Purpose: consent.Operations, What: "report 7 of 1 December", Request: "renew"}
}

func beginRenewal(t *testing.T, db *store.DB, id card.ID) (begun bool) {
	t.Helper()
	update(t, db, func(tx *store.Tx) (err error) {
		begun, err = tx.BeginRenewal(renewal(id))
		return err
	})
	return begun
}

func reseal(t *testing.T, db *store.DB, id card.ID) store.Resealed {
	t.Helper()
	out, err := db.Reseal(t.Context(), id, false, nobodyLooks)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// longCard is a card with more of everything than one step of a renewal takes.
type longCard struct {
	files
	records  int
	reminder func(*store.Tx) error
}

// started is a file of which two pieces of three have come.
var started = bytes.Repeat([]byte("fedcba9876543210"), len(scan)/16)

func newLongCard(t *testing.T, db *store.DB) longCard {
	t.Helper()
	id, reminder := fullCard(t, db)
	c := longCard{files: files{t, db, id}, records: 450}
	var list []replica.Record
	for n := 2; n <= c.records; n++ {
		list = append(list, aRecord(n, "note.general", uint64(n)))
	}
	onCard(t, db, id, func(l replica.Ledger) error { return errors.Join(l.Advance(500), l.SaveRecords(list)) })
	again := aRecord(2, "note.general", 500)
	onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{again}) })
	c.report("0191d5a0-0000-7000-8000-00000000f11e", "lab.general", hashOf(scan), scan)
	c.comment("ada", 3, 501, false, hashOf(started))
	c.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
		u := card.Upload{Size: int64(len(started)), Arrived: 16, Sum: []byte("half done")}
		return tx.AddUpload(p, hashOf(started), u, 0, started[:16], noon)
	})
	letter := family.Proven{Card: id, Agent: "bob", Device: "phone", Level: family.Full, Basis: family.PowerOfAttorney, Powers: family.Powers{View: true}, Until: noon.Add(100 * time.Hour)}
	update(t, db, func(tx *store.Tx) error { _, err := tx.Represent(letter, time.UTC, noon); return err })
	c.reminder = func(tx *store.Tx) error {
		r, _, err := tx.Reminder(id, reminder)
		if err == nil && r.Subject != visit.Subject {
			t.Error("a reminder is not what it was")
		}
		return err
	}
	return c
}

// inspect reads all of it on some server.
func (c longCard) inspect(when string, db *store.DB) {
	c.Helper()
	c.db = db
	if got := c.read("ada", hashOf(scan), len(scan)); !bytes.Equal(got, scan) {
		c.Errorf("%s: a file is not what it was", when)
	}
	c.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		all, e1 := l.Scan(replica.Scopes{"*"}, 0, 1<<30)
		former, e2 := l.(interface {
			Former(string, int) ([]map[string][]replica.Version, error)
		}).Former(aRecord(2, "", 1).ID, 10)
		_, known, e3 := l.Sum(replica.Scopes{"*"})
		trail, e4 := tx.AuditTrail(p, 0, 100)
		u, found, e5 := tx.Upload(p, hashOf(started))
		if err := errors.Join(e1, e2, e3, e4, e5); err != nil {
			return err
		}
		if len(all) != c.records+1 || len(former) == 0 || !known || len(trail) == 0 || !found || string(u.Sum) != "half done" {
			c.Errorf("%s: %d records, %d former states, sum known: %v, %d entries of the log, %q", when, len(all), len(former), known, len(trail), u.Sum)
		}
		represented, err := tx.Representations(c.id)
		if err == nil && (len(represented) != 1 || represented[0].Powers != (family.Powers{View: true})) {
			c.Errorf("%s: who may act for her: %+v", when, represented)
		}
		return errors.Join(err, c.reminder(tx))
	})
	update(c.T, db, func(tx *store.Tx) error {
		found, err := tx.CardsOfPatient(policyHolder)
		if err == nil && (len(found) != 1 || found[0].Born != policyHolder.Born) {
			c.Errorf("%s: the patient is not found: %v", when, found)
		}
		return err
	})
}

// secret is a data key of a card, as somebody has it who saw a server's memory.
type secret struct {
	key  []byte
	long int // of what stands before the nonce
}

// secrets gives the card's keys, the newest first.
func secrets(t *testing.T, cfg store.Config, id card.ID) (list []secret) {
	t.Helper()
	var wrapped []byte
	if err := rawDB(t, cfg).QueryRowContext(t.Context(), "SELECT wrapped_key FROM card WHERE id = $1", string(id)).Scan(&wrapped); err != nil {
		t.Fatal(err)
	}
	plain, err := cfg.Keys.Unwrap(wrapped, []byte(string(id)+"|card.wrapped_key"))
	if err != nil {
		t.Fatal(err)
	}
	if len(plain) == 32 {
		return []secret{{key: plain}}
	}
	for entry := range slices.Chunk(plain, 36) {
		long := 12
		if binaryZero(entry[:4]) {
			long = 0
		}
		list = append(list, secret{entry[4:], long})
	}
	return list
}

func binaryZero(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }

// decrypt is what the key makes of the bytes, whatever they are bound to: AES-GCM without the look at its tag.
func (s secret) decrypt(sealed []byte) []byte {
	const nonce, tag = 12, 16
	if len(sealed) < s.long+nonce+tag {
		return nil
	}
	sealed = sealed[s.long:]
	block, err := aes.NewCipher(s.key)
	if err != nil {
		panic(err) // only for keys of another length
	}
	plain := make([]byte, len(sealed)-nonce-tag)
	cipher.NewCTR(block, append(slices.Clone(sealed[:nonce]), 0, 0, 0, 2)).XORKeyStream(plain, sealed[nonce:len(sealed)-tag])
	return plain
}

// sealedOf gives what stands in the columns of a card's rows that hold bytes, by table, column and row.
func sealedOf(t *testing.T, cfg store.Config, id card.ID) map[string][]byte {
	t.Helper()
	db := rawDB(t, cfg)
	query := `SELECT c.table_name, c.column_name FROM information_schema.columns AS c WHERE c.table_schema = current_schema() AND c.data_type = 'bytea'
		AND EXISTS (SELECT 1 FROM information_schema.columns AS k WHERE k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = 'card')`
	if cfg.Postgres == "" {
		query = `SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table' AND lower(c.type) = 'blob'
			AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) AS k WHERE k.name = 'card')`
	}
	columns := [][2]string{}
	collect := func(query string, visit func(scan func(...any) error) error, args ...any) {
		rows, err := db.QueryContext(t.Context(), query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			if err := visit(rows.Scan); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	collect(query, func(scan func(...any) error) error {
		var c [2]string
		err := scan(&c[0], &c[1])
		columns = append(columns, c)
		return err
	})
	if len(columns) < 20 {
		t.Fatalf("only %d columns were found", len(columns))
	}
	found := map[string][]byte{}
	for _, c := range columns {
		n := 0
		collect("SELECT "+c[1]+" FROM "+c[0]+" WHERE card = $1 AND "+c[1]+" IS NOT NULL", func(scan func(...any) error) error {
			var b []byte
			err := scan(&b)
			found[fmt.Sprintf("%s.%s %d", c[0], c[1], n)] = b
			n++
			return err
		}, string(id))
	}
	return found
}

// A card gets another key beside a server that knows the old one and goes on. Whatever the work is interrupted behind, everything opens on every
// server, and in the end the old key opens nothing that is in the database.
func TestACardGetsAnotherKey(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		server, operator := OpenStore(t, cfg), OpenStore(t, cfg)
		c := newLongCard(t, server)
		other := newCard(t, server, "boris")
		c.inspect("before", server)
		old, before := secrets(t, cfg, c.id)[0], sealedOf(t, cfg, c.id)
		told := map[string]bool{}
		for where, sealed := range before {
			if plain := old.decrypt(sealed); len(plain) > 0 {
				told[string(plain)] = true
			}
			if strings.HasPrefix(where, "attachment_piece.sealed") && len(sealed) > 1000 && !bytes.Contains(scan, old.decrypt(sealed)[:100]) {
				t.Fatal("this test's key opens nothing before either")
			}
		}

		if !beginRenewal(t, operator, c.id) {
			t.Fatal("the renewal did not begin")
		}
		c.inspect("begun", server)
		if beginRenewal(t, operator, c.id) {
			t.Error("a card that is being renewed gets a third key")
		}
		steps := 0
		for ended := false; !ended; steps++ {
			stopped, stop := context.WithCancel(ctx)
			_, err := operator.Reseal(stopped, c.id, false, func(int, int) { stop() })
			if ended = err == nil; steps > 50 {
				t.Fatal("it never ends:", err)
			}
			c.inspect(fmt.Sprint("after step ", steps), server)
			stop()
		}
		if steps < 8 {
			t.Errorf("only %d steps", steps)
		}
		if out := reseal(t, operator, c.id); out.Done != 0 || out.Damaged != 0 || len(out.Key) != 8 {
			t.Errorf("after the end: %+v", out)
		}
		c.inspect("after", server)
		c.inspect("after", OpenStore(t, cfg))

		now := secrets(t, cfg, c.id)
		if len(now) != 1 || now[0].long == 0 || bytes.Equal(now[0].key, old.key) {
			t.Fatalf("%d keys", len(now))
		}
		changed := 0
		for where, sealed := range sealedOf(t, cfg, c.id) {
			column := strings.Fields(where)[0]
			if !strings.HasSuffix(column, ".sealed") && column != "card_scope.sum" && column != "patient_key.born" {
				continue // names, tokens and hashes
			}
			changed++
			for _, long := range []int{0, 12} {
				if plain := (secret{old.key, long}).decrypt(sealed); len(plain) >= 8 && told[string(plain)] {
					t.Errorf("the old key opens %s", where)
				}
			}
			if plain := now[0].decrypt(sealed); !told[string(plain)] && !strings.HasPrefix(where, "audit_entry") {
				t.Errorf("%s is not what it was", where)
			}
		}
		if changed < 460 {
			t.Errorf("only %d values were looked at", changed)
		}
		c.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
			trail, err := tx.AuditTrail(p, 0, 100)
			if n := slices.IndexFunc(trail, func(e audit.Entry) bool { return e.Action == audit.Renew && e.What == renewal("").What }); n < 0 {
				t.Error("the owner is not told of it")
			}
			return err
		})
		if s := secrets(t, cfg, other); len(s) != 1 || s[0].long != 0 {
			t.Error("another card got a key")
		}
		update(t, operator, func(tx *store.Tx) error {
			list, err := tx.Renewing(10)
			if len(list) > 0 {
				t.Errorf("still being renewed: %v", list)
			}
			return err
		})
		if !beginRenewal(t, operator, c.id) || reseal(t, operator, c.id).Done < 460 {
			t.Error("a card is not renewed a second time")
		}
		c.inspect("after the second", server)
	})
}

// Whoever seals while the key changes has done so before, and is sealed anew, or waits and seals with the new one: also if he has not locked the card.
func TestNothingIsSealedWithTheOlderKeyBehindTheChange(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		server, operator := OpenStore(t, cfg), OpenStore(t, cfg)
		id, changed := newCard(t, server, "ada"), make(chan error, 1)
		if _, err := posts(t, server, id, func(tx *store.Tx, p consent.Permit) error {
			if err := tx.Introduce(p, policyHolder); err != nil { // seals, and locks no card
				return err
			}
			go func() {
				changed <- operator.Update(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
					_, err := tx.BeginRenewal(renewal(id))
					return err
				})
			}()
			select {
			case <-changed:
				t.Error("the key changed under a transaction that seals")
			case <-time.After(200 * time.Millisecond):
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := <-changed; err != nil {
			t.Fatal(err)
		}
		reseal(t, operator, id)
		v := visit
		v.ID, v.Card = notice.ID(store.NewID()), id
		update(t, server, func(tx *store.Tx) error { // the server has met the old key alone
			p, err := tx.DecideWrite(lab, id, "system/*.c", card.Everything())
			if err != nil {
				return err
			}
			return tx.AddReminder(p, v)
		})
		update(t, OpenStore(t, cfg), func(tx *store.Tx) error {
			found, e1 := tx.CardsOfPatient(policyHolder)
			if e1 == nil && (len(found) != 1 || found[0].Born != policyHolder.Born) {
				t.Errorf("what was sealed meanwhile: %+v", found)
			}
			_, _, e2 := tx.Reminder(id, v.ID)
			return errors.Join(e1, e2)
		})
	})
}

// A row in the old key's seal may come to where the work was already, as an upload does that becomes a file. It is found before the old key is deleted.
func TestARowThatComesBehindIsSealedAnew(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db, behind := OpenStore(t, cfg), rawDB(t, cfg)
		c := newLongCard(t, db)
		row := []any{string(c.id), aRecord(5, "", 1).ID}
		var sealed []byte
		if err := behind.QueryRowContext(t.Context(), "SELECT sealed FROM record WHERE card = $1 AND id = $2", row...).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		beginRenewal(t, db, c.id)
		steps := 0
		if _, err := db.Reseal(t.Context(), c.id, false, func(int, int) {
			if steps++; steps != 2 {
				return
			}
			if _, err := behind.ExecContext(t.Context(), "UPDATE record SET sealed = $1 WHERE card = $2 AND id = $3", sealed, row[0], row[1]); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		c.inspect("after", OpenStore(t, cfg)) // which has no old key in its memory
	})
}

// Many write and read a card from two servers while it gets one key after the other. No edit is lost, none is torn.
func TestACardGetsAnotherKeyInAStorm(t *testing.T) {
	swift(t)
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		s, operator := newStorm(t, OpenStore(t, cfg), 1), OpenStore(t, cfg)
		id := s.cards[0]
		needed := []string{"published", "edited", "looks", "pages", "taken back", "lost against another", "renewed", "renewed again", "renewed once more"}
		var phones []*stormPhone
		var writers []func(func() bool)
		for i := range 3 {
			p := s.phone(i, id, replica.Scopes{"*"})
			phones = append(phones, p)
			writers = append(writers, p.write, func(over func() bool) { s.publish(i, id, true, over) })
		}
		whole := s.phone(100, id, replica.Scopes{"*"})
		phones = append(phones, whole)
		renew := func(done *atomic.Bool) {
			for n := 0; !done.Load(); n++ {
				err := operator.Update(context.Background(), func(tx *store.Tx) error {
					_, err := tx.BeginRenewal(renewal(id))
					return err
				})
				if err == nil {
					_, err = operator.Reseal(context.Background(), id, false, nobodyLooks)
				}
				if s.weathered(err) {
					s.count([]string{"renewed", "renewed again", "renewed once more"}[min(n, 2)])
				}
			}
		}
		s.blow(500*time.Millisecond, func() bool { return s.seen(needed...) }, writers,
			[]func(*atomic.Bool){whole.read, renew, func(done *atomic.Bool) { s.follow(id, done) }})
		for _, p := range phones {
			p.settle()
		}
		for _, wrong := range slices.Concat(s.gaps, s.torn) {
			t.Error(wrong)
		}
		t.Logf("%v", s.what)
		if !s.seen(needed...) {
			t.Errorf("this was no storm: not all happened of %q", needed)
		}
	})
}

// A row that does not open keeps the old key from being deleted, and nothing else from being sealed anew, until it is given up.
func TestWhatDoesNotOpenKeepsTheOldKey(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		c := newLongCard(t, db)
		if _, err := rawDB(t, cfg).ExecContext(t.Context(), "UPDATE reminder SET sealed = (SELECT sealed FROM record WHERE card = $1 AND id = $2) WHERE card = $1",
			string(c.id), aRecord(7, "", 1).ID); err != nil {
			t.Fatal(err)
		}
		beginRenewal(t, db, c.id)
		for range 2 {
			if out, err := db.Reseal(t.Context(), c.id, false, nobodyLooks); !errors.Is(err, store.ErrDamagedRows) || out.Damaged != 1 || out.Where != "reminder" {
				t.Errorf("%+v %v", out, err)
			}
			if len(secrets(t, cfg, c.id)) != 2 {
				t.Fatal("the old key is gone")
			}
		}
		if out, err := db.Reseal(t.Context(), c.id, true, nobodyLooks); err != nil || out.Damaged != 1 {
			t.Errorf("%+v %v", out, err)
		}
		if len(secrets(t, cfg, c.id)) != 1 {
			t.Error("the old key is still there")
		}
		c.reminder = func(*store.Tx) error { return nil }
		c.inspect("after", db)
	})
}

// A backup from before the change is whole, with the old key. The key folder remembers that it was replaced: the card is renewed again.
func TestABackupOfAnOlderKeyIsRenewedAgain(t *testing.T) {
	ctx, cfg := t.Context(), SQLite(t)
	db, dir := OpenStore(t, cfg), t.TempDir()
	c := newLongCard(t, db)
	backups := []string{filepath.Join(dir, "before"), filepath.Join(dir, "between"), filepath.Join(dir, "after")}
	backup := func(name string) {
		t.Helper()
		if _, err := db.Backup(ctx, name, noon, nobodyLooks); err != nil {
			t.Fatal(err)
		}
	}
	backup(backups[0])
	old := secrets(t, cfg, c.id)[0]
	beginRenewal(t, db, c.id)
	stopped, stop := context.WithCancel(ctx)
	_, _ = db.Reseal(stopped, c.id, false, func(int, int) { stop() })
	backup(backups[1])
	key := reseal(t, db, c.id).Key
	if err := cfg.Keys.NoteRenewed(string(c.id), key); err != nil {
		t.Fatal(err)
	}
	backup(backups[2])
	for i, name := range backups {
		there := store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
		if _, err := store.Restore(ctx, there, name, "", noon, nobodyLooks); err != nil {
			t.Fatal(name, err)
		}
		restored := OpenStore(t, there)
		c.inspect(name, restored)
		var waits []card.ID
		update(t, restored, func(tx *store.Tx) (err error) {
			waits, err = tx.Renewing(10)
			return err
		})
		if again := len(waits) == 1; again != (i < 2) {
			t.Errorf("%s: still to be renewed: %v", name, waits)
		}
		if out := reseal(t, restored, c.id); (out.Key == key) != (i > 0) {
			t.Errorf("%s: the key is %s, it was %s", name, out.Key, key)
		}
		c.inspect(name, restored)
		if now := secrets(t, there, c.id); len(now) != 1 || bytes.Equal(now[0].key, old.key) {
			t.Errorf("%s: the old key is in use: %s", name, hex.EncodeToString(now[0].key[:2]))
		}
	}
}

// Where the audit log is parted from the app's role, that role changes no entry, so it renews no card: the tables' owner does.
func TestACardIsRenewedByTheTablesOwner(t *testing.T) {
	cfg, _ := Parted(t)
	app := OpenStore(t, cfg)
	id, _ := fullCard(t, app)
	if err := app.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.BeginRenewal(renewal(id)); return err }); !errors.Is(err, store.ErrNotOwner) {
		t.Error(err)
	}
	if _, err := app.Reseal(t.Context(), id, false, nobodyLooks); !errors.Is(err, store.ErrNotOwner) {
		t.Error(err)
	}
	cfg.Postgres = as(cfg.Postgres, ownerRole)
	owner := OpenStore(t, cfg)
	if !beginRenewal(t, owner, id) || reseal(t, owner, id).Done == 0 {
		t.Error("its owner does not renew it either")
	}
	onCard(t, app, id, func(l replica.Ledger) error { _, err := l.Scan(replica.Scopes{"*"}, 0, 10); return err })
}
