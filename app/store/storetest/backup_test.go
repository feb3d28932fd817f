package storetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

func nobodyLooks(int, int) {}

// headOf gives where a card stands and the greatest actor that it ever had.
func headOf(t *testing.T, db *store.DB, id card.ID) (head replica.Head, last uint32) {
	t.Helper()
	onCard(t, db, id, func(l replica.Ledger) (err error) {
		if head, err = l.Head(); err != nil {
			return err
		}
		actors, err := l.Actors()
		for _, a := range actors {
			last = max(last, a.Ordinal)
		}
		return err
	})
	return head, last
}

func TestABackupIsRestored(t *testing.T) {
	ctx, cfg := context.Background(), SQLite(t)
	db := OpenStore(t, cfg)
	id := newCard(t, db, "ada")
	onCard(t, db, id, func(l replica.Ledger) error { return l.SaveRecords([]replica.Record{aRecord(1, "note.general", 1)}) })
	before, actor := headOf(t, db, id)

	file := filepath.Join(t.TempDir(), "backup")
	made, err := db.Backup(ctx, file, noon, nobodyLooks)
	if err != nil || made.Cards != 1 {
		t.Fatalf("%+v %v", made, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup may be read by others: %v %v", info.Mode(), err)
	}
	if _, err := db.Backup(ctx, file, noon, nobodyLooks); err == nil {
		t.Error("a backup replaced another one")
	}

	there := store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
	if m, err := store.Restore(ctx, there, file, "", noon, nobodyLooks); err != nil || m != made {
		t.Fatalf("%+v %v, want %+v", m, err, made)
	}
	restored := OpenStore(t, there)
	after, next := headOf(t, restored, id)
	if after.Epoch == before.Epoch || after.Seq != before.Seq {
		t.Errorf("the card stands at %+v, before at %+v", after, before)
	}
	if next <= actor+1 {
		t.Errorf("the next actor would be %d, which may have been given already", next+1)
	}
	onCard(t, restored, id, func(l replica.Ledger) error {
		found, err := l.Records([]string{aRecord(1, "", 1).ID})
		if err == nil && len(found) != 1 {
			t.Error("the record is gone")
		}
		return err
	})
}

func TestWhatIsNotRestored(t *testing.T) {
	ctx, cfg := context.Background(), SQLite(t)
	db := OpenStore(t, cfg)
	newCard(t, db, "ada")
	file := filepath.Join(t.TempDir(), "backup")
	if _, err := db.Backup(ctx, file, noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	written := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := func() store.Config {
		return store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
	}
	foreign := empty()
	foreign.Keys = folder(t, t.TempDir())
	for name, c := range map[string]struct {
		into  store.Config
		from  string
		aside string
		want  error
	}{
		"keys of another installation": {foreign, file, "", store.ErrOtherKeys},
		"a database is there":          {cfg, file, "", store.ErrTargetUsed},
		"a server has it open":         {cfg, file, cfg.SQLite + ".old", store.ErrServing},
		"no database at all":           {empty(), written([]byte("hello")), "", store.ErrNoBackup},
		"cut in the middle":            {empty(), written(content[:len(content)/2]), "", nil},
		"no file":                      {empty(), filepath.Join(t.TempDir(), "none"), "", os.ErrNotExist},
		"a database, but no backup":    {empty(), cfg.SQLite, "", store.ErrNoBackup},
		"PostgreSQL":                   {store.Config{Postgres: "postgres://x", Keys: cfg.Keys}, file, "", store.ErrNotSQLite},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.Restore(ctx, c.into, c.from, c.aside, noon, nobodyLooks)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if c.into.SQLite == "" || c.into.SQLite == cfg.SQLite {
				return
			}
			if left, _ := os.ReadDir(filepath.Dir(c.into.SQLite)); len(left) > 0 {
				t.Errorf("something was left behind: %v", left)
			}
		})
	}
	if err := db.Ready(ctx); err != nil {
		t.Errorf("the database that was there: %v", err)
	}
}

func TestAnEpochBegins(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		ids := []card.ID{newCard(t, db, "ada"), newCard(t, db, "ada")}
		seen := map[string]bool{}
		for range 2 { // again, as after an interruption
			for _, id := range ids {
				head, _ := headOf(t, db, id)
				seen[head.Epoch] = true
			}
			if n, err := db.BeginEpoch(context.Background(), noon, func(int) {}); err != nil || n != len(ids) {
				t.Fatal(n, err)
			}
		}
		if len(seen) != 4 {
			t.Errorf("%d epochs were seen, want 4 different ones", len(seen))
		}
	})
}
