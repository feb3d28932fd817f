package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/identity"
)

func TestAuthenticatorIsSealed(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		a := account.Authenticator{Account: identity.AccountID(store.NewID()), Secret: []byte("a secret of 20 bytes"), Started: noon}
		other := account.Authenticator{Account: identity.AccountID(store.NewID()), Secret: []byte("another one, as long"), Started: noon}
		update(t, db, func(tx *store.Tx) error { return errors.Join(tx.PutAuthenticator(a), tx.PutAuthenticator(other)) })
		a.Confirmed, a.Step = noon.Add(time.Minute), 59_000_000
		update(t, db, func(tx *store.Tx) error { return tx.PutAuthenticator(a) })
		update(t, db, func(tx *store.Tx) error {
			for _, want := range []account.Authenticator{a, other} {
				if got, found, err := tx.LockAuthenticator(want.Account); err != nil || !found || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			return tx.DropAuthenticator(other.Account)
		})
		update(t, db, func(tx *store.Tx) error {
			for _, nobody := range []identity.AccountID{other.Account, ""} {
				if _, found, err := tx.LockAuthenticator(nobody); err != nil || found {
					t.Errorf("%q: %v, %v", nobody, found, err)
				}
			}
			return nil
		})
		var sealed []byte
		raw := rawDB(t, cfg)
		if err := raw.QueryRowContext(t.Context(), "SELECT sealed FROM authenticator").Scan(&sealed); err != nil || bytes.Contains(sealed, a.Secret) {
			t.Errorf("it lies open: %q, %v", sealed, err)
		}
		// A row that was moved to another account does not open there.
		if _, err := raw.ExecContext(t.Context(), "UPDATE authenticator SET account = '"+string(other.Account)+"'"); err != nil {
			t.Fatal(err)
		}
		if err := db.View(t.Context(), func(tx *store.Tx) error { _, _, err := tx.Authenticator(other.Account); return err }); err == nil {
			t.Error("a moved secret opens")
		}
	})
}

// rawDB opens the database beside the store, bound by no row security.
func rawDB(t *testing.T, cfg store.Config) *sql.DB {
	t.Helper()
	driver, name := "sqlite3", "file:"+cfg.SQLite+"?_pragma=busy_timeout(10000)"
	if cfg.Postgres != "" {
		driver, name = "pgx", Mighty(cfg.Postgres)
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestRecoveryCodeIsUsedOnce(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		who, other := identity.AccountID(store.NewID()), identity.AccountID(store.NewID())
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.ReplaceRecoveryCodes(who, [][]byte{[]byte("old")}), tx.ReplaceRecoveryCodes(other, [][]byte{[]byte("1")}))
		})
		update(t, db, func(tx *store.Tx) error {
			return tx.ReplaceRecoveryCodes(who, [][]byte{[]byte("1"), []byte("2"), []byte("3")})
		})
		var won atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				var used bool
				if err := db.Update(context.Background(), func(tx *store.Tx) (err error) {
					used, err = tx.UseRecoveryCode(who, []byte("1"), noon)
					return err
				}); err != nil {
					t.Error(err)
				}
				if used {
					won.Add(1)
				}
			})
		}
		all.Wait()
		update(t, db, func(tx *store.Tx) error {
			if used, err := tx.UseRecoveryCode(who, []byte("old"), noon); used || err != nil {
				t.Errorf("a replaced code: %v, %v", used, err)
			}
			left, err := tx.RecoveryCodes(who)
			others, err2 := tx.RecoveryCodes(other)
			if won.Load() != 1 || left != 2 || others != 1 {
				t.Errorf("%d used it, %d are left, %d of another", won.Load(), left, others)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestStepUpIsKeptWithItsSession(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		s := account.Session{ID: identity.SessionID(store.NewID()), Account: identity.AccountID(store.NewID()), Device: identity.DeviceID(store.NewID()),
			Methods: []account.Method{account.Password}, Opened: noon, Proved: noon, Ends: noon.Add(time.Hour)}
		older := s // as one that was open before there were step-ups
		older.ID, older.Proved = identity.SessionID(store.NewID()), time.Time{}
		pending := account.SignIn{ID: account.ChallengeID(store.NewID()), Account: s.Account, Session: s.ID, First: account.Password, Method: account.TOTP,
			Device: account.Device{ID: s.Device, Secret: []byte("hash")}, Started: noon, Ends: noon.Add(time.Minute)}
		first := pending
		first.ID, first.Session, first.First, first.Method = account.ChallengeID(store.NewID()), "", account.Federated, account.SMS
		update(t, db, func(tx *store.Tx) error {
			return errors.Join(tx.AddSession(s), tx.AddSession(older), tx.AddSignIn(pending), tx.AddSignIn(first), tx.ProveSession(s.ID, noon.Add(time.Minute)))
		})
		s.Proved, older.Proved = noon.Add(time.Minute), noon
		update(t, db, func(tx *store.Tx) error {
			for _, want := range []account.Session{s, older} {
				if got, found, err := tx.Session(want.ID); err != nil || !found || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			for _, want := range []account.SignIn{pending, first} {
				if got, found, err := tx.SignIn(want.ID); err != nil || !found || !reflect.DeepEqual(got, want) {
					t.Errorf("%+v, %v, %v", got, found, err)
				}
			}
			return nil
		})
	})
}
