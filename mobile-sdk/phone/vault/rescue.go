package vault

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/medcard/medcard/sync/replica"
)

// A file with a damaged page is given up: what can be read of it and cannot be fetched again goes into a new one, and the cards come anew from
// the server. The damaged file stays beside it only if it holds edits that could not be read, until the person was told.

// ErrDamagedFile says that a page of the file is damaged. The next Open rescues what can be read.
var ErrDamagedFile = errors.New("vault: the file is damaged")

// What stands beside a file at times, by what is added to its name.
const (
	freshFile   = "-new"     // the one that is to take its place, while it is being written
	damagedFile = "-damaged" // the one that was given up
	tornMark    = "-torn"    // empty: somebody met a damaged page
)

// settingAside holds the names of the keys of edits in the file that was given up.
const settingAside = "vault:aside"

// broken says whether SQLite met something that it did not write.
func broken(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB)
}

// torn notes for the next opening that a page is damaged.
func (v *Vault) torn(err error) error {
	if !broken(err) {
		return err
	}
	if f, err := os.OpenFile(v.file+tornMark, os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		_ = f.Close()
	}
	return fmt.Errorf("%w: %w", ErrDamagedFile, err)
}

// check looks at what is small, and what everything else hangs on: a page in which no row of a card stands. Rows are looked at as they are read.
func (v *Vault) check(ctx context.Context) error {
	if _, err := os.Stat(v.file + tornMark); err == nil {
		return ErrDamagedFile
	}
	return v.view(func(tx *sql.Tx) error {
		for _, table := range []string{"edit", "place", "setting", "seal", "held", "edit_key", "shred", "sealing", "loss", "indexing", "tally"} {
			var said string
			if err := tx.QueryRowContext(ctx, "PRAGMA integrity_check("+table+")").Scan(&said); err != nil {
				return err
			}
			if said != "ok" {
				return ErrDamagedFile
			}
		}
		var one int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sealing, indexing").Scan(&one); err != nil {
			return err
		}
		if one != 1 {
			return ErrDamagedFile
		}
		for query, into := range map[string]func() any{"SELECT value FROM setting": func() any { return new(any) }, "SELECT meta FROM place": func() any { return new(metaShape) }} {
			if err := legible(ctx, tx, query, into); err != nil {
				return err
			}
		}
		return nil
	})
}

// legible says whether each value of the query is what it should be.
func legible(ctx context.Context, tx *sql.Tx, query string, into func() any) error {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var value []byte
		if err := rows.Scan(&value); err != nil {
			return err
		}
		if json.Unmarshal(value, into()) != nil {
			return ErrDamagedFile
		}
	}
	return rows.Err()
}

// rescue puts a new file in the place of a damaged one. If this is not a file of the key's, nothing is changed.
func rescue(file string, key []byte, words Words, r *ring) error {
	w, sound, err := openWreck(file, key)
	if err != nil {
		return fmt.Errorf("vault: rescue: %w", err)
	}
	defer w.Close()
	if !sound {
		return ErrKey
	}
	s, err := w.salvage(r.another())
	if err != nil {
		return err
	}
	at := time.Time{}
	if info, err := os.Stat(file); err == nil {
		at = info.ModTime()
	}
	v, err := openSound(file+freshFile, key, words, r.another())
	if err != nil {
		return err
	}
	if err := errors.Join(s.fill(v, at), v.Close()); err != nil {
		return err
	}
	return swap(file)
}

// another is a ring of the same keystore that holds no key yet.
func (r *ring) another() *ring {
	n := newRing(Custody{Keys: r.store, Random: r.random})
	n.make = r.make
	return n
}

// fill writes what was salvaged into a new vault.
func (s *salvage) fill(v *Vault, at time.Time) error {
	unread := s.unread()
	for _, card := range slices.Sorted(maps.Keys(unread)) {
		s.losses = append(s.losses, Loss{Card: card, Loss: replica.Loss{At: at, Edits: unread[card], Why: replica.LostDamage}})
	}
	if len(unread) > 0 {
		names, err := json.Marshal(slices.Sorted(maps.Keys(s.editKeys)))
		if err != nil {
			return err
		}
		s.settings[settingAside] = names
	} else {
		maps.Copy(s.keys, s.editKeys)
		delete(s.settings, settingAside)
	}
	cards := map[string]bool{}
	for card := range s.places {
		cards[card] = true
	}
	for card := range s.edits {
		cards[card] = true
	}
	for _, card := range slices.Sorted(maps.Keys(cards)) {
		if err := v.Card(card).Change(func(t *Tx) error { return s.fillCard(t, at) }); err != nil {
			return err
		}
	}
	// Last, and not through update: the old keys are destroyed when the new file has taken the place of the old.
	return v.begin(v.write, func(tx *sql.Tx) error {
		ctx := context.Background()
		for name, value := range s.settings {
			if _, err := tx.ExecContext(ctx, "INSERT INTO setting (name, value) VALUES (?, ?)", name, value); err != nil {
				return err
			}
		}
		for _, l := range s.losses {
			if _, err := tx.ExecContext(ctx, "INSERT INTO loss (card, at, edits, why) VALUES (?, ?, ?, ?)", l.Card, l.At.UnixMicro(), l.Edits, string(l.Why)); err != nil {
				return err
			}
		}
		for name := range s.keys {
			if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO shred (name) VALUES (?)", name); err != nil {
				return err
			}
		}
		return nil
	})
}

// fillCard writes the place with a card, its edits and files. The base is to be built anew, and since nobody knows of which numbers the edits are
// lost, those that wait go under a fresh actor.
func (s *salvage) fillCard(t *Tx, at time.Time) error {
	for id, a := range s.files {
		content := s.content(id)
		if s.owners[id] != t.card || content == nil {
			continue
		}
		if err := errors.Join(t.AddOwn("rescued", content, at), t.NameOwn("rescued", a.Hash, at)); err != nil {
			return err
		}
	}
	items := slices.SortedFunc(maps.Values(s.edits[t.card]), func(a, b replica.Item) int { return cmp.Compare(a.Mutation.HLC, b.Mutation.HLC) })
	meta, known := s.places[t.card]
	for i, item := range items {
		if !known { // as if the phone had never been enrolled: the numbers are given anew then
			item.Actor, item.Mutation.N = 0, uint64(i+1) // a count
			meta.Next = item.Mutation.N + 1
		}
		meta.HLC = max(meta.HLC, item.Mutation.HLC)
		if err := t.PutItem(item); err != nil {
			return err
		}
	}
	meta.Actor = 0
	meta.Shadowing, meta.ShadowCursor, meta.ShadowPart, meta.ShadowView = known, "", "", ""
	return t.SaveMeta(meta)
}

// swap puts the new file in the damaged one's place. It goes on where it was stopped: once the damaged one has left its name, the new one is whole.
func swap(file string) error {
	if err := os.Rename(file, file+damagedFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Before the new file has the name: the old journal must never be taken for its own.
	if err := os.Rename(file+"-wal", file+damagedFile+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := errors.Join(remove(file+"-shm"), remove(file+tornMark)); err != nil {
		return err
	}
	if err := os.Rename(file+freshFile, file); err != nil {
		return err
	}
	return errors.Join(remove(file+freshFile+"-wal"), remove(file+freshFile+"-shm"), keepFolder(file))
}

// keepFolder makes renamings durable where the system knows how.
func keepFolder(file string) error {
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	_ = folder.Sync() // not everywhere can a folder be synced
	return folder.Close()
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// resume goes on with a rescue that was stopped.
func resume(file string, key []byte, words Words, r *ring) error {
	if _, err := os.Stat(file + freshFile); err != nil {
		return nil //nolint:nilerr // there was none
	}
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		return swap(file)
	}
	// It was not whole yet. Its keys go with it.
	if v, err := openSound(file+freshFile, key, words, r.another()); err == nil {
		return v.Wipe()
	}
	return errors.Join(remove(file+freshFile), remove(file+freshFile+"-wal"), remove(file+freshFile+"-shm"))
}

// tidy removes the file that was given up, unless the person has yet to be told of edits in it.
func (v *Vault) tidy() error {
	if _, err := os.Stat(v.file + damagedFile); err != nil {
		return nil //nolint:nilerr // there is none
	}
	losses, err := v.Losses()
	if err != nil || slices.ContainsFunc(losses, func(l Loss) bool { return l.Why == replica.LostDamage }) {
		return err
	}
	var names []string
	if _, err := v.Load(settingAside, &names); err != nil {
		return err
	}
	err = v.update(func(tx *sql.Tx) error {
		for _, name := range names {
			if _, err := tx.ExecContext(context.Background(), "INSERT OR IGNORE INTO shred (name) VALUES (?)", name); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(context.Background(), "DELETE FROM setting WHERE name = ?", settingAside)
		return err
	})
	if err == nil && len(names) > 0 && v.ring.store != nil {
		v.shred()
	}
	return errors.Join(err, remove(v.file+damagedFile), remove(v.file+damagedFile+"-wal"))
}
