package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
)

// does runs the command as an operator would who types nothing, and gives what it printed.
func does(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return typing(t, "", args...)
}

func typing(t *testing.T, typed string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := command()
	c.Writer, c.Reader = &out, strings.NewReader(typed)
	err := c.Run(t.Context(), append([]string{"medcard"}, args...))
	return out.String(), err
}

// words is a table without its columns.
func words(table string) string { return strings.Join(strings.Fields(table), " ") }

func TestKeysByCommand(t *testing.T) {
	t.Setenv("MEDCARD_DATA", t.TempDir())
	if _, err := does(t, "keys", "rotate"); err != nil {
		t.Fatal(err)
	}
	list, err := does(t, "keys", "list")
	if err != nil {
		t.Fatal(err)
	}
	var stolen string
	for line := range strings.Lines(list) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "rx" && f[2] == "signs" {
			stolen = f[0]
		}
	}
	if stolen == "" || strings.Count(list, " rx ") != 3 || !strings.Contains(list, "successor") {
		t.Fatal(list)
	}
	if out, err := does(t, "keys", "compromise", stolen); err != nil || !strings.Contains(out, "withdrawn") || !strings.Contains(out, "Published") {
		t.Fatal(out, err)
	}
	if list, err = does(t, "keys", "list"); err != nil || !strings.Contains(words(list), stolen+" rx compromised") || strings.Count(words(list), " rx signs") != 1 {
		t.Error(list, err)
	}
	if out, err := does(t, "keys", "handover"); err != nil || !strings.Contains(out, "for readers to pin: medcard=") {
		t.Error(out, err)
	}
	log, err := does(t, "keys", "log")
	for _, want := range []string{stolen + " rx published", stolen + " rx compromised", " keys signs"} {
		if !strings.Contains(words(log), want) {
			t.Errorf("no %q in\n%s%v", want, log, err)
		}
	}
	for _, wrong := range [][]string{{"compromise"}, {"compromise", "00"}, {"rotate", "everything"}, {"rotate", "root"}} {
		if out, err := does(t, append([]string{"keys"}, wrong...)...); err == nil {
			t.Errorf("%v: %s", wrong, out)
		}
	}
}

func TestWrappingKeysByCommand(t *testing.T) {
	data := t.TempDir()
	t.Setenv("MEDCARD_DATA", data)
	if out, err := does(t, "keys", "wrap"); err == nil {
		t.Error("made a key in a folder without keys:", out)
	}
	if _, err := does(t, "keys", "rotate"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ command, want string }{
		{"rewrap", "medcard keys wrap makes one"},
		{"wrap", "wrap-2.key"},
		{"list", "1 wrap older with the folder 2 wrap newest"},
		{"rewrap", "Key 2 wraps from now on. 0 values are wrapped anew with key 2; 0 remain"},
		{"drop 1 --yes", "Key 1 is destroyed"},
		{"rewrap", "0 remain"},
	} {
		if out, err := does(t, append([]string{"keys"}, strings.Fields(step.command)...)...); err != nil || !strings.Contains(words(out), step.want) {
			t.Errorf("%s: %v\n%s", step.command, err, out)
		}
	}
	for _, wrong := range []string{"drop", "drop one --yes", "drop 2 --yes", "drop 1", "wrap x", "rewrap x"} {
		if out, err := does(t, append([]string{"keys"}, strings.Fields(wrong)...)...); err == nil {
			t.Errorf("%s: %s", wrong, out)
		}
	}
}

// A card is destroyed beside a server that runs and knows its key. The restore of a backup from before does not bring it back.
func TestShredByCommand(t *testing.T) {
	data := t.TempDir()
	t.Setenv("MEDCARD_DATA", data)
	t.Setenv("MEDCARD_LISTEN", "127.0.0.1:0")
	_, db := served(t)
	var doomed, other card.ID
	lock := func(db *store.DB, id card.ID) error {
		return db.Update(t.Context(), func(tx *store.Tx) error { return tx.LockCard(id) })
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
		if doomed, err = tx.CreateCard(time.Now()); err != nil {
			return err
		}
		other, err = tx.CreateCard(time.Now())
		return errors.Join(err, tx.GrantOwner(doomed, "ada", time.Now()))
	}); err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if out, err := does(t, "backup", backup); err != nil {
		t.Fatal(out, err)
	}
	id := string(doomed)
	command := []string{"keys", "shred", "--reason", "order 7 of 1 December", "--as", "Petrova", "--ask", "the city office", id}
	for typed, args := range map[string][]string{
		"":                   command,
		string(other) + "\n": command,
		"\n":                 {"keys", "shred", "--reason", "short", "--as", "Petrova", "--ask", "the city office", "--yes", id},
		"x":                  {"keys", "shred", "--reason", "order 7 of 1 December", "--as", "Petrova", "--ask", "the city office", "--yes", "all"},
		"y":                  {"keys", "shred", "--yes", id},
	} {
		if out, err := typing(t, typed, args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	if err := lock(db, doomed); err != nil {
		t.Fatal("destroyed by mistake:", err)
	}
	if out, err := typing(t, id+"\n", command...); err != nil || !strings.Contains(out, "is destroyed") {
		t.Fatal(out, err)
	}
	if err := lock(db, doomed); !errors.Is(err, consent.ErrShredded) {
		t.Error("the server goes on with it:", err)
	}
	if err := lock(db, other); err != nil {
		t.Error(err)
	}
	if out, err := does(t, append(command, "--yes")...); err != nil || !strings.Contains(out, "destroyed before") {
		t.Error(out, err)
	}
	if out, err := does(t, "keys", "shredded"); err != nil || strings.Count(out, id) != 1 || !strings.Contains(out, "Petrova") || !strings.Contains(out, "order 7") {
		t.Error(out, err)
	}
	if out, err := does(t, "audit", "verify"); err != nil {
		t.Error(out, err)
	}

	second := t.TempDir()
	if err := os.CopyFS(filepath.Join(second, "keys"), os.DirFS(filepath.Join(data, "keys"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MEDCARD_DATA", second)
	if out, err := does(t, "restore", backup); err != nil {
		t.Fatal(out, err)
	}
	if out, err := does(t, append(command, "--yes")...); err != nil || !strings.Contains(out, "destroyed before") {
		t.Error("it came back:", out, err)
	}
}

// A card gets another key beside a server that runs and knows the old one; what was interrupted is gone on with, and the restore of a backup from
// before begins it again.
func TestRenewByCommand(t *testing.T) {
	data := t.TempDir()
	t.Setenv("MEDCARD_DATA", data)
	t.Setenv("MEDCARD_LISTEN", "127.0.0.1:0")
	_, db := served(t)
	var id card.ID
	if err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
		if id, err = tx.CreateCard(time.Now()); err != nil {
			return err
		}
		return errors.Join(tx.GrantOwner(id, "ada", time.Now()), tx.AppendAudit(audit.Entry{Card: id, At: time.Now(), Action: audit.Sync, Purpose: consent.PatientRequest, Request: "r"}))
	}); err != nil {
		t.Fatal(err)
	}
	trail := func(db *store.DB) (list []audit.Entry) {
		t.Helper()
		if err := db.View(t.Context(), func(tx *store.Tx) error {
			p, err := tx.Decide(identity.Actor{Kind: identity.Patient, Account: "ada", Device: "d1", SecondFactor: true}, id, consent.PatientRequest, time.Now())
			if err == nil {
				list, err = tx.AuditTrail(p, 0, 10)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
		return list
	}
	backup := filepath.Join(t.TempDir(), "backup")
	if out, err := does(t, "backup", backup); err != nil {
		t.Fatal(out, err)
	}
	if out, err := does(t, "keys", "renew"); err != nil || !strings.Contains(out, "No card") {
		t.Error(out, err)
	}
	order := []string{"keys", "renew", "--reason", "report 7 of 1 December", "--as", "Petrova", string(id)}
	for _, wrong := range [][]string{{"keys", "renew", string(id)}, {"keys", "renew", "all"}, append(order, "more"), append(order[:6:6], store.NewID())} {
		if out, err := does(t, wrong...); err == nil {
			t.Errorf("%v: %s", wrong, out)
		}
	}
	if out, err := does(t, order...); err != nil || !strings.Contains(out, "rows are sealed with another key") {
		t.Fatal(out, err)
	}
	if list := trail(db); len(list) != 2 || list[0].Action != audit.Renew || list[0].Actor.Person.Name != "Petrova" || list[0].What != "report 7 of 1 December" {
		t.Errorf("%+v", list)
	}
	if out, err := does(t, "audit", "verify"); err != nil {
		t.Error(out, err)
	}

	second := t.TempDir()
	if err := os.CopyFS(filepath.Join(second, "keys"), os.DirFS(filepath.Join(data, "keys"))); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MEDCARD_DATA", second)
	if out, err := does(t, "restore", backup); err != nil || !strings.Contains(out, "medcard keys renew") {
		t.Fatal(out, err)
	}
	for _, want := range []string{string(id) + ": 1 rows are sealed", "No card"} {
		if out, err := does(t, "keys", "renew"); err != nil || !strings.Contains(out, want) {
			t.Error(out, err)
		}
	}
}
