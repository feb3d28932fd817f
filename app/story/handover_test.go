package story

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// signedLog is a world whose audit log is verified from a phone, from outside and from inside.
type signedLog struct {
	*World
	ctx     context.Context
	t       *testing.T
	clinic  *Clinic
	id      card.ID
	handset *Phone
	posted  int
	log     *auditing.Service
	custody *keys.Custody
	remote  proof.Remote
	state   proof.State
}

func openLog(ctx context.Context, t *testing.T, w *World) *signedLog {
	t.Helper()
	s := &signedLog{World: w, ctx: ctx, t: t, clinic: got(w.Clinic(ctx, "Городская больница"))(t), remote: proof.Remote{URL: w.URL, HTTP: http.DefaultClient}}
	_, s.handset, s.id = owner(ctx, t, w, s.clinic)
	s.custody = got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t)
	s.log = got(server.Audit(w.Server.Store, s.custody, w.cfg.Issuer, w.Now))(t)
	ok(t, s.log.Sequence(ctx))
	s.state.Key = got(s.remote.Key(ctx))(t)
	return s
}

// holds lets a line come, and verifies the log from all sides.
func (s *signedLog) holds(when string) {
	s.t.Helper()
	s.reads()
	ok(s.t, s.log.Sequence(s.ctx))
	if err := s.onPhone(); err != nil {
		s.t.Errorf("%s: the phone says %v", when, err)
	}
	_, next, err := s.remote.Verify(s.ctx, s.state, func(int64, int64) {})
	if err != nil {
		s.t.Errorf("%s: from outside: %v", when, err)
	}
	s.state = next
	kept := got(next.Kept())(s.t)
	if found := got(s.log.Verify(s.ctx, kept, func(audit.Hash, int64) {}))(s.t).Findings; len(found) > 0 {
		s.t.Errorf("%s: from inside: %v", when, found)
	}
}

func (s *signedLog) reads() {
	s.t.Helper()
	s.posted++
	got(s.clinic.Post(s.ctx, result(s.t, s.posted)))(s.t)
}

func (s *signedLog) onPhone() error {
	if err := s.handset.WitnessAuditLog(s.ctx); err != nil {
		return err
	}
	_, err := s.handset.Card(s.id).VerifyAccessLog(s.ctx)
	return err
}

// pin starts the app anew, with the key that its maker put in; as another app, if forget.
func (s *signedLog) pin(key string, forget bool) {
	s.t.Helper()
	if forget {
		ok(s.t, s.handset.AcceptAuditLog())
	}
	ok(s.t, s.handset.Close())
	sum := sha256.Sum256([]byte("first phone of " + s.handset.Owner.Email + s.URL))
	s.handset.Client = got(phone.Open(s.ctx, phone.Config{
		File: s.handset.File, Key: sum[:], BaseURL: s.URL, DeviceName: "again", Clock: s.Now, AuditKey: key,
	}))(s.t)
}

func (s *signedLog) handOver() (key string) {
	s.t.Helper()
	return got(server.HandOverAudit(s.ctx, s.log, s.custody, s.cfg.Issuer))(s.t)
}

// stolen is what somebody makes of a key file that he copied in time.
func (s *signedLog) stolen(file string) note.Signer {
	s.t.Helper()
	dir := s.t.TempDir()
	ok(s.t, os.WriteFile(filepath.Join(dir, "audit.pem"), got(os.ReadFile(filepath.Join(s.cfg.KeyFolder(), file)))(s.t), 0o600))
	key := got(got(keys.OpenFolder(dir, s.Now))(s.t).Signer(keys.Audit))(s.t)
	signer, _, err := auditing.NewSigner(s.cfg.Issuer, key.Signer)
	ok(s.t, err)
	return signer
}

// Another key takes over while servers run. Whoever believed the first follows it by the statements, over one and over several; whoever believes the
// last believes no older one any more. The old secret is gone.
func TestTheKeyOfTheAuditLogChanges(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := openLog(ctx, t, w)
		s.holds("before")
		first, early := s.state, s.stolen("audit.pem")
		second := s.handOver()
		if now := got(s.remote.Key(ctx))(t); now != second || second == first.Key {
			t.Errorf("the server names %s, the new key is %s", now, second)
		}
		if before := got(proof.Open(second, []byte(got(s.log.Checkpoint(ctx))(t))))(t); before.Size == 0 {
			t.Error("the new key has not signed what was there")
		}
		s.holds("after one")
		if s.state.Key != second || s.state.First != first.Key {
			t.Errorf("the state keeps %s, and %s as the first", s.state.Key, s.state.First)
		}
		s.pin(second, false)
		s.holds("with an app that is newer than the change")
		third := s.handOver()
		s.pin(third, false)
		s.holds("with an app that is newer than what the phone saw")
		s.pin(first.Key, true)
		s.holds("with an app that knows the first key alone")
		s.state = first
		s.holds("from a state that knows the first key alone")
		if s.state.Key != third || s.state.First != first.Key {
			t.Errorf("the state keeps %s, and %s as the first", s.state.Key, s.state.First)
		}
		for _, name := range []string{"audit.pem", "audit-2.pem"} {
			if text := string(got(os.ReadFile(filepath.Join(w.cfg.KeyFolder(), name)))(t)); !strings.Contains(text, "BEGIN PUBLIC KEY") {
				t.Errorf("%s holds a secret still", name)
			}
		}

		// Somebody kept the first key, and has the database.
		db := beside(t, w.cfg.Database(), w.cfg.Postgres)
		defer db.Close()
		in := insider{t: t, db: db, w: w, card: s.id}
		c := got(proof.Open(third, []byte(got(s.log.Checkpoint(ctx))(t))))(t)
		forged := got(note.Sign(&note.Note{Text: c.Text()}, early))(t)
		in.run("UPDATE audit_head SET signed = $1", string(forged))
		if err := s.onPhone(); !errors.Is(err, phone.ErrAuditSigner) {
			t.Errorf("the phone believes the key before the last: %v", err)
		}
		if _, _, err := s.remote.Verify(ctx, s.state, func(int64, int64) {}); !errors.Is(err, proof.ErrSignature) {
			t.Errorf("from outside: %v", err)
		}
		if err := s.log.Sequence(ctx); !errors.Is(err, auditing.ErrTampered) {
			t.Errorf("the sequencer believes the key before the last: %v", err)
		}
	})
}

// A successor that the old key has not signed for is nobody's, whoever puts it where the server looks.
func TestAForgedSuccessorIsRefused(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := openLog(ctx, t, w)
		s.holds("before")
		dir := t.TempDir()
		other := got(keys.OpenFolder(dir, w.Now))(t)
		foreign, _, err := auditing.NewSigner(w.cfg.Issuer, got(other.Signer(keys.Audit))(t).Signer) // in the old key's place
		ok(t, err)
		next := got(s.custody.Successor(keys.Audit))(t)
		signer, key, err := auditing.NewSigner(w.cfg.Issuer, next.Signer)
		ok(t, err)
		at := got(proof.Open(s.state.Key, []byte(got(s.log.Checkpoint(ctx))(t))))(t)
		text := audit.Handover{Key: key, At: at}.Text()
		statement := got(note.Sign(&note.Note{Text: text}, foreign, signer))(t)
		ok(t, s.custody.Succeed(next, string(statement)))
		s.reads()
		ok(t, s.log.Sequence(ctx))
		if now := got(s.remote.Key(ctx))(t); now != key {
			t.Fatal("the server does not use the forged successor: this test shows nothing")
		}
		if err := s.onPhone(); !errors.Is(err, phone.ErrAuditSigner) {
			t.Errorf("the phone follows: %v", err)
		}
		if _, _, err := s.remote.Verify(ctx, s.state, func(int64, int64) {}); !errors.Is(err, proof.ErrSignature) {
			t.Errorf("from outside: %v", err)
		}
	})
}

// The handover is interrupted when the statement is written and the database knows nothing of it. The servers go on with the new key, and the same
// command ends it without a third.
func TestAHandoverIsInterrupted(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		s := openLog(ctx, t, w)
		s.holds("before")
		next := got(s.custody.Successor(keys.Audit))(t)
		signer, key, err := auditing.NewSigner(w.cfg.Issuer, next.Signer)
		ok(t, err)
		crash := errors.New("the machine stopped")
		if err := s.log.HandOver(ctx, signer, key, func(statement string) error { return errors.Join(s.custody.Succeed(next, statement), crash) }); !errors.Is(err, crash) {
			t.Fatal(err)
		}
		if err := s.onPhone(); err != nil { // the checkpoint is the old key's still
			t.Error(err)
		}
		s.holds("interrupted")
		if s.handOver() != key {
			t.Error("a third key was made")
		}
		s.holds("done")
	})
}
