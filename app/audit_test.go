package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// served runs a server on the configuration of the environment.
func served(t *testing.T) (url string, db *store.DB) {
	t.Helper()
	cfg, err := config.Load(os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s, err := server.New(ctx, cfg, server.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); s.Store.Ready(ctx) != nil; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not ready")
		}
	}
	return "http://" + l.Addr().String(), s.Store
}

// remember writes entries about a new card.
func remember(t *testing.T, db *store.DB, entries int) {
	t.Helper()
	if err := db.Update(t.Context(), func(tx *store.Tx) error {
		id, err := tx.CreateCard(time.Now())
		for range entries {
			if err == nil {
				err = tx.AppendAudit(audit.Entry{Card: id, At: time.Now(), Actor: identity.Actor{Kind: identity.System}, Action: audit.Read, Purpose: consent.Treatment})
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// until runs the command until it says what is awaited: the sequencer needs a second.
func until(t *testing.T, want string, args ...string) string {
	t.Helper()
	out, err := "", error(nil)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if out, err = medcard(t, args...); err == nil && strings.Contains(out, want) {
			return out
		}
	}
	t.Fatalf("%v: %s, %v", args, out, err)
	return ""
}

func TestAuditVerify(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("MEDCARD_DATA", filepath.Join(dir, "data"))
	if out, err := medcard(t, "audit", "verify"); err == nil || !strings.Contains(err.Error(), "no keys") {
		t.Errorf("without an installation: %s, %v", out, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "keys")); err == nil {
		t.Error("a verification made keys")
	}
	url, db := served(t)
	outside, inside := filepath.Join(dir, "outside.json"), filepath.Join(dir, "inside.json")
	until(t, "OK: 0 entries", "audit", "verify", "--url", url+"/", "--state", outside)
	remember(t, db, 5)
	until(t, "OK: 5 entries", "audit", "verify", "--url", url, "--state", outside)
	until(t, "5 entries in the log, 0 waiting for it, 0 from before it; 1 cards\nOK", "audit", "verify", "--state", inside)
	remember(t, db, 4)
	if out := until(t, "OK: 9 entries", "audit", "verify", "--url", url, "--state", outside); !strings.Contains(out, "continues the 5") {
		t.Error(out)
	}
	until(t, "OK: 9 entries", "audit", "verify", "--url", url, "--state", inside) // either kind goes on from the other's state
	until(t, "9 entries in the log", "audit", "verify", "--state", outside)

	key := strings.TrimSpace(until(t, "medcard/audit+", "audit", "key"))
	until(t, "OK: 9 entries", "audit", "verify", "--url", url, "--key", key)
	other := strings.Replace(key, "medcard/", "someone/", 1)
	if err := os.WriteFile(filepath.Join(dir, "bad.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"an argument":            {"audit", "verify", "x"},
		"no key":                 {"audit", "verify", "--url", url, "--key", "x"},
		"another key":            {"audit", "verify", "--key", other},
		"another than the state": {"audit", "verify", "--key", other, "--state", inside},
		"a state that is none":   {"audit", "verify", "--state", filepath.Join(dir, "bad.json")},
		"nobody there":           {"audit", "verify", "--url", "http://127.0.0.1:1"},
	} {
		if out, err := medcard(t, args...); err == nil || strings.Contains(out, "OK") {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}

	if err := db.Update(t.Context(), func(tx *store.Tx) error { // who has the database may do this
		_, err := tx.TakePending(10)
		if err == nil {
			err = tx.AppendAudit(audit.Entry{Card: anyCard(t, tx), At: time.Now(), Actor: identity.Actor{Kind: identity.System}, Action: audit.Read, Purpose: consent.Treatment})
		}
		if err == nil {
			_, err = tx.TakePending(10)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if out, err := medcard(t, "audit", "verify"); err == nil || !strings.Contains(err.Error(), "NOT whole") || !strings.Contains(out, "does not wait for it") {
		t.Errorf("an entry that was kept from the log: %s, %v", out, err)
	}
}

func anyCard(t *testing.T, tx *store.Tx) card.ID {
	t.Helper()
	list, err := tx.CardTrails("", 1)
	if err != nil || len(list) != 1 {
		t.Fatal(err)
	}
	return list[0].Card
}

// Another key takes over by command, beside a server that runs. Who verified before follows, and the backup from before goes on with the new key.
func TestAuditHandover(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	t.Setenv("MEDCARD_DATA", data)
	url, db := served(t)
	outside, inside := filepath.Join(dir, "outside.json"), filepath.Join(dir, "inside.json")
	remember(t, db, 2)
	until(t, "OK: 2 entries", "audit", "verify", "--url", url, "--state", outside)
	until(t, "2 entries in the log", "audit", "verify", "--state", inside)
	old := strings.TrimSpace(until(t, "medcard/audit+", "audit", "key"))
	backup := filepath.Join(dir, "backup")
	if out, err := medcard(t, "backup", backup); err != nil {
		t.Fatal(out, err)
	}
	for _, wrong := range [][]string{{}, {"--reason", "short", "--as", "Petrova"}, {"--reason", "once in five years", "--as", "Petrova", "audit-2.pem"}} {
		if out, err := medcard(t, append([]string{"audit", "handover"}, wrong...)...); err == nil {
			t.Errorf("%v: %s", wrong, out)
		}
	}
	if key := strings.TrimSpace(until(t, "medcard/audit+", "audit", "key")); key != old {
		t.Fatal("the key changed by mistake")
	}
	out, err := medcard(t, "audit", "handover", "--reason", "once in five years", "--as", "Petrova")
	key := strings.TrimSpace(until(t, "medcard/audit+", "audit", "key"))
	if err != nil || key == old || !strings.Contains(out, key) {
		t.Fatal(out, err)
	}
	remember(t, db, 2)
	until(t, "OK: 5 entries", "audit", "verify", "--url", url, "--state", outside, "--key", old) // one of them says who changed the key
	until(t, "5 entries in the log", "audit", "verify", "--state", inside)
	until(t, "OK: 5 entries", "audit", "verify", "--url", url, "--state", outside, "--key", old)
	until(t, "OK: 5 entries", "audit", "verify", "--url", url, "--key", key)

	second := filepath.Join(dir, "second")
	if err := os.CopyFS(filepath.Join(second, "keys"), os.DirFS(filepath.Join(data, "keys"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MEDCARD_DATA", second)
	if out, err := medcard(t, "restore", backup); err != nil {
		t.Fatal(out, err)
	}
	until(t, "2 entries in the log", "audit", "verify", "--key", old)
	until(t, "2 entries in the log", "audit", "verify", "--key", key)
}
