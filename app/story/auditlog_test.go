package story

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// reads opens the card for a clinic to which its owner gave it.
func (c *Clinic) reads(ctx context.Context, id card.ID) error {
	return c.Call(ctx, http.MethodGet, "/v1/cards/"+string(id)+"/records", map[string]string{"Purpose-Of-Use": "TREAT"}, nil, new(body))
}

// proven waits until the server's log holds all of the card's lines.
func proven(ctx context.Context, t *testing.T, k *phone.Card) phone.AccessProof {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if p := got(k.VerifyAccessLog(ctx))(t); p.Waiting == 0 {
			return p
		}
	}
	t.Fatal("lines of the access log wait for the audit log for twenty seconds")
	return phone.AccessProof{}
}

// An owner's phone proves each line of "who saw my card". What an insider with the database does to them afterwards, and even with the
// server's keys, is noticed: by the phone, by somebody outside who asks the server for its hashes, by an operator who reads the database.
func TestATamperedLogIsFound(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		_, handset, id := owner(ctx, t, w, clinic)
		mine := handset.Card(id)
		got(mine.GiveGrant(ctx, phone.Wish{Client: clinic.ID, Scopes: card.Scopes{"lab.*", "dx.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(time.Hour)}))(t)
		for range 4 {
			ok(t, clinic.reads(ctx, id))
		}
		first := proven(ctx, t, mine)
		page, _, err := mine.AccessLog(ctx, 0)
		ok(t, err)
		if first.Proven != len(page) || first.Older != 0 || first.LogSize < int64(first.Proven) || !first.Newest.Equal(page[0].At) {
			t.Errorf("%+v of %d lines", first, len(page))
		}
		db := beside(t, w.cfg.Database(), w.cfg.Postgres)
		defer db.Close()
		in := insider{t: t, db: db, w: w, card: id}
		in.keep("earlier_")
		ok(t, clinic.reads(ctx, id))
		if more := proven(ctx, t, mine); more.Proven != first.Proven+1 {
			t.Errorf("one line more: %+v", more)
		}
		ok(t, handset.WitnessAuditLog(ctx))
		last := first.Proven + 1

		remote := proof.Remote{URL: w.URL, HTTP: http.DefaultClient}
		quiet := func(int64, int64) {}
		_, state, err := remote.Verify(ctx, proof.State{Key: got(remote.Key(ctx))(t)}, quiet)
		ok(t, err)
		kept := got(state.Kept())(t)
		log := got(server.Audit(w.Server.Store, got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t), w.cfg.Issuer, w.Now))(t)
		found := func() []auditing.Finding {
			return got(log.Verify(ctx, kept, func(audit.Hash, int64) {}))(t).Findings
		}
		if all := found(); len(all) > 0 {
			t.Fatalf("nobody changed anything: %v", all)
		}

		const changed, forked, missing, signer = "changed", "forked", "missing", "signer"
		words := map[string]error{changed: phone.ErrAuditChanged, forked: phone.ErrAuditForked, missing: phone.ErrAuditMissing, signer: phone.ErrAuditSigner}
		entry := func(statement string, args ...any) func() {
			return func() { in.run("UPDATE audit_entry SET "+statement, args...) }
		}
		leaf := func(statement string) func() { return func() { in.run("UPDATE audit_leaf SET " + statement) } }
		some := in.blob()
		for _, c := range []struct {
			name    string
			do      func()
			phone   string // what it says; "" = it is not concerned
			outside error  // what somebody outside says; nil = the hashes are as they were
			inside  string // what the operator reads
		}{
			{"a purpose is changed", entry("purpose = 'ETREAT' WHERE card = $1 AND number = 3", id), changed, nil, "it is not what was hashed"},
			{"a time is changed", entry("at = $1 WHERE card = $2 AND number = 3", in.time(), id), changed, nil, "it is not what was hashed"},
			{"an actor is changed", entry("client = '' WHERE card = $1 AND number = $2", id, last), changed, nil, "it is not what was hashed"},
			{"the sealed part is changed", entry("sealed = $1 WHERE card = $2 AND number = 3", some, id), changed, nil, "its sealed part does not open"},
			{"two sealed parts are swapped", func() {
				in.run("UPDATE audit_entry SET sealed = (SELECT sealed FROM audit_entry AS o WHERE o.card = audit_entry.card AND o.number = 5 - audit_entry.number) WHERE card = $1 AND number IN (2, 3)", id)
			}, changed, nil, "its sealed part does not open"},
			{"two entries are swapped", func() {
				in.run("UPDATE audit_entry SET number = -number WHERE card = $1 AND number IN (2, 3)", id)
				in.run("UPDATE audit_entry SET number = 5 + number WHERE card = $1 AND number < 0", id)
			}, changed, nil, "its sealed part does not open"},
			{"an entry in the middle is deleted", func() { in.run("DELETE FROM audit_entry WHERE card = $1 AND number = 3", id) }, missing, nil, "the entry was deleted"},
			{"the oldest is deleted", func() { in.run("DELETE FROM audit_entry WHERE card = $1 AND number = 1", id) }, missing, nil, "the entry was deleted"},
			{"the newest is deleted", func() { in.run("DELETE FROM audit_entry WHERE card = $1 AND number = $2", id, last) }, missing, nil, "the entry was deleted"},
			{"the newest is deleted and the counter set back", func() {
				in.run("DELETE FROM audit_entry WHERE card = $1 AND number = $2", id, last)
				in.run("UPDATE card SET audit_count = audit_count - 1 WHERE id = $1", id)
			}, missing, nil, "the entry was deleted"},
			{"all are deleted", func() { in.run("DELETE FROM audit_entry WHERE card = $1", id) }, missing, nil, "the entry was deleted"},
			{"an entry is inserted", func() {
				in.run("INSERT INTO audit_entry SELECT card, number + 100, at, action, purpose, actor_kind, account, device, client, request, sealed FROM audit_entry WHERE card = $1 AND number = 3", id)
			}, changed, nil, "is not in the log and does not wait for it"},
			{"the counter runs ahead", func() { in.run("UPDATE card SET audit_count = audit_count + 1 WHERE id = $1", id) }, "", nil, "the card counted to"},
			{"a hash is changed", leaf("hash = (SELECT hash FROM audit_leaf WHERE position = 0) WHERE position = 1"), changed, proof.ErrTree, "it is not what was hashed"},
			{"two hashes are swapped", leaf("hash = (SELECT hash FROM audit_leaf AS o WHERE o.position = 1 - audit_leaf.position) WHERE position < 2"), changed, proof.ErrTree, "is not that of the checkpoint"},
			{"two places are swapped", func() {
				in.run("UPDATE audit_leaf SET number = -number WHERE card = $1 AND number IN (2, 3)", id)
				in.run("UPDATE audit_leaf SET number = 5 + number WHERE card = $1 AND number < 0", id)
			}, changed, nil, "it is not what was hashed"},
			{"a place is deleted", func() { in.run("DELETE FROM audit_leaf WHERE position = 1") }, forked, proof.ErrTree, "the log has no entry here"},
			{"the tail is cut off", func() { in.run("DELETE FROM audit_leaf WHERE position > 1") }, missing, proof.ErrTree, "the log has no entry here"},
			{"an entry is added behind the end", func() {
				in.run("INSERT INTO audit_leaf SELECT max(position) + 1, $1, 1000, $2 FROM audit_leaf", id, some)
			}, "", nil, "behind the end"},
			{"an inner hash is changed", func() { in.run("UPDATE audit_node SET hash = (SELECT hash FROM audit_leaf WHERE position = 0)") }, changed, nil, "the inner hash"},
			{"the inner hashes are deleted", func() { in.run("DELETE FROM audit_node") }, forked, nil, "the inner hash"},
			{"the log's length is changed", func() { in.run("UPDATE audit_head SET size = size - 1") }, missing, proof.ErrTree, "its checkpoint says otherwise"},
			{"the checkpoint is changed", func() { in.run("UPDATE audit_head SET signed = replace(signed, '—', '-')") }, signer, proof.ErrSignature, "not signed by the log's key"},
			{"the log is signed with another key", in.forge, signer, proof.ErrSignature, "not signed by the log's key"},
			{"the log is shortened and signed with the server's key", in.shorten, forked, proof.ErrForked, "when it was verified before"},
			{"the log is rewritten and signed with the server's key", in.rewrite, forked, nil, "are not those that were verified before"},
			{"the whole database is rolled back", func() { in.restore("earlier_") }, forked, proof.ErrForked, "when it was verified before"},
		} {
			t.Run(c.name, func(t *testing.T) {
				in.during(c.do, func() {
					_, err := mine.VerifyAccessLog(ctx)
					var wrong *phone.AuditError
					if c.phone == "" && err != nil || c.phone != "" && (!errors.Is(err, words[c.phone]) || !errors.As(err, &wrong) || wrong.Kept == "") {
						t.Errorf("the phone says %v", err)
					}
					if _, _, err := remote.Verify(ctx, proof.State{Key: state.Key}, quiet); !errors.Is(c.outside, proof.ErrForked) && !errors.Is(err, c.outside) {
						t.Errorf("somebody outside says %v", err)
					}
					if _, _, err := remote.Verify(ctx, state, quiet); errors.Is(c.outside, proof.ErrForked) && !errors.Is(err, c.outside) {
						t.Errorf("somebody outside who was here before says %v", err)
					}
					all := found()
					if !slices.ContainsFunc(all, func(f auditing.Finding) bool { return strings.Contains(f.String(), c.inside) }) {
						t.Errorf("the operator reads %v", all)
					}
				})
			})
		}
		if again := proven(ctx, t, mine); again.Proven != last || len(found()) > 0 {
			t.Errorf("all put back: %+v, %v", again, found())
		}
		in.during(in.shorten, func() {
			if err := handset.WitnessAuditLog(ctx); !errors.Is(err, phone.ErrAuditForked) {
				t.Errorf("a witness of a shorter log says %v", err)
			}
			ok(t, handset.AcceptAuditLog())
			ok(t, handset.WitnessAuditLog(ctx))
		})
	})
}

// insider is somebody with the database and the key folder.
type insider struct {
	t    *testing.T
	db   *sql.DB
	w    *World
	card card.ID
}

func (in insider) run(statement string, args ...any) {
	in.t.Helper()
	for i, a := range args {
		if id, is := a.(card.ID); is {
			args[i] = string(id)
		}
	}
	_, err := in.db.ExecContext(in.t.Context(), statement, args...)
	ok(in.t, err)
}

// time is a time as the database's tables have it.
func (in insider) time() any {
	if in.w.cfg.Postgres != "" {
		return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return "2026-01-01T00:00:00.000000Z"
}

// blob is some bytes that mean nothing.
func (in insider) blob() []byte { return bytes.Repeat([]byte("nonsense"), 4) }

// tables are those that hold what is remembered; the cards because of their counters.
var tables = []string{"audit_entry", "audit_leaf", "audit_node", "audit_head", "audit_pending"}

// keep copies the tables.
func (in insider) keep(prefix string) {
	in.t.Helper()
	for _, table := range tables {
		in.run("CREATE TABLE " + prefix + table + " AS SELECT * FROM " + table)
	}
	in.run("CREATE TABLE " + prefix + "card AS SELECT id, audit_count FROM card")
}

// restore puts the copies into the tables.
func (in insider) restore(prefix string) {
	in.t.Helper()
	for _, table := range tables {
		in.run("DELETE FROM " + table)
		in.run("INSERT INTO " + table + " SELECT * FROM " + prefix + table)
	}
	in.run("UPDATE card SET audit_count = (SELECT audit_count FROM " + prefix + "card AS k WHERE k.id = card.id)")
}

// during does something to the tables, and undoes it after f.
func (in insider) during(do, f func()) {
	in.t.Helper()
	in.keep("kept_")
	do()
	f()
	in.restore("kept_")
	for _, table := range append(slices.Clone(tables), "card") {
		in.run("DROP TABLE kept_" + table)
	}
}

// shorten takes back the log's last line and signs what is left, as who has the server's keys can.
func (in insider) shorten() {
	in.t.Helper()
	in.run("DELETE FROM audit_entry WHERE (card, number) IN (SELECT card, number FROM audit_leaf WHERE position = (SELECT max(position) FROM audit_leaf))")
	in.run("DELETE FROM audit_leaf WHERE position = (SELECT max(position) FROM audit_leaf)")
	in.sign(got(keys.OpenFolder(in.w.cfg.KeyFolder(), in.w.Now))(in.t))
}

// rewrite changes the hash of an entry, builds the tree anew over that and signs it.
func (in insider) rewrite() {
	in.t.Helper()
	in.run("UPDATE audit_leaf SET hash = $1 WHERE position = 1", in.blob())
	in.sign(got(keys.OpenFolder(in.w.cfg.KeyFolder(), in.w.Now))(in.t))
}

// forge signs with a key of his own.
func (in insider) forge() {
	in.t.Helper()
	in.sign(got(keys.OpenFolder(in.t.TempDir(), in.w.Now))(in.t))
}

// sign builds the tree over what stands in the table of leaves, and signs it.
func (in insider) sign(custody *keys.Custody) {
	in.t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(places []int64) (list []tlog.Hash, _ error) {
		for _, place := range places {
			list = append(list, stored[place])
		}
		return list, nil
	})
	size := int64(0)
	rows := got(in.db.QueryContext(in.t.Context(), "SELECT hash FROM audit_leaf ORDER BY position"))(in.t)
	for ; rows.Next(); size++ {
		var hash []byte
		ok(in.t, rows.Scan(&hash))
		stored = append(stored, got(tlog.StoredHashesForRecordHash(size, tlog.Hash(hash), reader))(in.t)...)
	}
	ok(in.t, errors.Join(rows.Err(), rows.Close()))
	in.run("DELETE FROM audit_node")
	for place, hash := range stored {
		if level, _ := tlog.SplitStoredHashIndex(int64(place)); level > 0 {
			in.run("INSERT INTO audit_node (position, hash) VALUES ($1, $2)", place, hash[:])
		}
	}
	root := got(tlog.TreeHash(size, reader))(in.t)
	key := got(custody.Signer(keys.Audit))(in.t)
	signer, _, err := auditing.NewSigner(in.w.cfg.Issuer, key.Signer)
	ok(in.t, err)
	signed := got(note.Sign(&note.Note{Text: audit.Checkpoint{Origin: signer.Name(), Size: size, Root: audit.Hash(root)}.Text()}, signer))(in.t)
	in.run("UPDATE audit_head SET size = $1, signed = $2", size, string(signed))
}
