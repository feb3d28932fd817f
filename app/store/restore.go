package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/medcard/medcard/app/jobs"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/replica"
)

// Restore puts the backup in a file into the place of cfg.SQLite. Everything is done to a copy beside it, so that the place holds
// what it held before or the whole restored database, and the backup stays as it is. A database that is there already is
// refused with ErrTargetUsed, or moved aside if aside is not "". step is told cards.
func Restore(ctx context.Context, cfg Config, backup, aside string, now time.Time, step func(done, total int)) (m Manifest, err error) {
	if cfg.Postgres != "" {
		return m, ErrNotSQLite
	}
	if err := vacate(ctx, cfg.SQLite, aside == ""); err != nil {
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(cfg.SQLite), 0o700); err != nil {
		return m, fmt.Errorf("make the data folder: %w", err)
	}
	draft, err := draftOf(cfg.SQLite)
	if err != nil {
		return m, err
	}
	defer removeDatabase(draft)
	if err := copyFile(backup, draft); err != nil {
		return m, fmt.Errorf("copy the backup: %w", err)
	}
	if m, err = examine(ctx, draft, cfg.Keys.Fingerprint()); err != nil {
		return m, err
	}
	if err := revive(ctx, cfg, draft, now, func(done int) { step(done, m.Cards) }); err != nil {
		return m, err
	}
	if err := moveAside(cfg.SQLite, aside); err != nil {
		return m, err
	}
	return m, publishFile(draft, cfg.SQLite)
}

// examine checks a copy of the backup before anything is done with it, and takes the manifest out.
func examine(ctx context.Context, path, fingerprint string) (m Manifest, err error) {
	db, err := openFile(path)
	if err != nil {
		return m, ErrNoBackup
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if m, err = readManifest(ctx, db); err != nil {
		return m, err
	}
	if m.Keys != fingerprint {
		return m, ErrOtherKeys
	}
	if err := intact(ctx, db); err != nil {
		return m, err
	}
	_, err = db.ExecContext(ctx, "DROP TABLE "+manifestTable)
	return m, err
}

// revive makes a copy of a backup a database that may serve.
func revive(ctx context.Context, cfg Config, path string, now time.Time, step func(done int)) error {
	cfg.SQLite = path
	db, err := Open(ctx, cfg)
	if err != nil {
		return err
	}
	if current, newest, err := db.Versions(ctx); err != nil || current > newest {
		if err == nil {
			err = ErrNewer
		}
		return errors.Join(err, db.Close())
	}
	if _, err := db.Migrate(ctx); err != nil {
		return errors.Join(fmt.Errorf("bring the schema to this version: %w", err), db.Close())
	}
	_, err = db.BeginEpoch(ctx, now, step)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if _, err := os.Stat(path + "-wal"); err == nil { // the last connection that closes takes it in; without it the rename would lose it
		return errors.New("the restored database still has a journal beside it")
	}
	return nil
}

// BeginEpoch is for a database that was restored, before anybody serves from it. What was committed after the backup is not
// known here any more, and came from phones and organisations that still remember it. So that no harm comes of that:
//
//   - every card gets a new epoch: phones send again what this database does not have, and take nothing that they hold for
//     proven (sync/replica says what else the engine wants);
//   - what waited to be pushed was pushed since, so it waits no more; reminders that are due were sent;
//   - no certificate opens an account any more until its owner binds it again: he may have ended that after the backup;
//   - every session ends: one that was ended after the backup, because a phone was stolen, would be good again;
//   - every grant but the owner's is held, for it may have been revoked: see holdGrants;
//   - what the key folder lists as shredded since is shredded again;
//   - a card that it lists as renewed since gets a new data key again, which Reseal still has to seal it with.
//
// Every card's key is unwrapped on the way. It may be run again after it was interrupted.
func (db *DB) BeginEpoch(ctx context.Context, now time.Time, step func(done int)) (cards int, err error) {
	if err := db.Update(ctx, func(tx *Tx) error {
		if _, err := tx.exec("DELETE FROM river_job WHERE kind = ?", jobs.Push{}.Kind()); err != nil {
			return err
		}
		if _, err := tx.exec("INSERT INTO restoration (at) VALUES (?) ON CONFLICT DO NOTHING", micros(now)); err != nil {
			return err
		}
		if _, err := tx.exec("DELETE FROM signer"); err != nil {
			return err
		}
		_, err := tx.exec("UPDATE session SET revoked_at = ?, restored = ? WHERE revoked_at IS NULL", micros(now), true)
		return err
	}); err != nil {
		return 0, err
	}
	shredded, err := db.keys.Shredded()
	if err != nil {
		return 0, err
	}
	renewed, err := db.keys.Renewed()
	if err != nil {
		return 0, err
	}
	for after := ""; ; {
		var ids []string
		if err := db.View(ctx, func(tx *Tx) (err error) {
			ids, err = tx.cardsAfter(after, 500, " AND shredded_at IS NULL")
			return err
		}); err != nil || len(ids) == 0 {
			return cards, err
		}
		for _, id := range ids {
			if err := db.Update(ctx, func(tx *Tx) error {
				if shredded[id] {
					return tx.shredAgain(card.ID(id), now)
				}
				if err := tx.beginEpoch(card.ID(id), now); err != nil {
					return err
				}
				return tx.renewOlder(card.ID(id), renewed[id], now)
			}); err != nil {
				return cards, err
			}
			cards, after = cards+1, id
			step(cards)
		}
	}
}

// RestoredAt tells when the database was restored last; zero = never.
func (tx *Tx) RestoredAt() (time.Time, error) {
	var at sql.NullTime
	_, err := tx.one([]any{&at}, "SELECT at FROM restoration ORDER BY at DESC LIMIT 1")
	return fromNull(at), err
}

// cardsAfter lists cards behind one, or from the first; and is one more condition, or none.
func (tx *Tx) cardsAfter(after string, limit int, and string) (ids []string, err error) {
	if after == "" {
		return ids, tx.g.Raw("SELECT id FROM card WHERE 1 = 1"+and+" ORDER BY id LIMIT ?", limit).Scan(&ids).Error
	}
	return ids, tx.g.Raw("SELECT id FROM card WHERE id > ?"+and+" ORDER BY id LIMIT ?", after, limit).Scan(&ids).Error
}

func (tx *Tx) beginEpoch(id card.ID, now time.Time) error {
	if err := tx.enter(id); err != nil {
		return err
	}
	if _, err := tx.dataKeys(id); err != nil {
		return err
	}
	if err := (replica.Server{}).Restored(&ledger{tx: tx, card: id}, now); err != nil {
		return err
	}
	for _, change := range []struct {
		statement string
		args      []any
	}{
		{"UPDATE card SET epoch = ? WHERE id = ?", []any{NewID(), string(id)}},
		{"UPDATE push_news SET waiting = ? WHERE card = ?", []any{false, string(id)}}, // else no later news would ever ring
		{"UPDATE reminder SET sent_at = ? WHERE card = ? AND sent_at IS NULL AND send_at <= ?", []any{micros(now), string(id), micros(now)}},
	} {
		if _, err := tx.exec(change.statement, change.args...); err != nil {
			return err
		}
	}
	return tx.holdGrants(id, now)
}

// vacate makes sure that no server has the database open, and that there is none if there must be none.
func vacate(ctx context.Context, path string, mustBeFree bool) error {
	there := slices.ContainsFunc(databaseFiles, func(suffix string) bool { // a journal without its database would be taken for ours
		_, err := os.Stat(path + suffix)
		return err == nil
	})
	switch {
	case !there:
		return nil
	case mustBeFree:
		return ErrTargetUsed
	}
	db, err := openFile(path)
	if err != nil {
		return nil // damaged: perhaps the reason why a backup is restored
	}
	defer db.Close()
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); errors.Is(err, sqlite3.BUSY) || err == nil && mode != "delete" {
		return ErrServing
	}
	return nil
}

// moveAside renames a database and what lies beside it.
func moveAside(path, aside string) error {
	if aside == "" {
		return nil
	}
	for _, suffix := range databaseFiles {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("move the old database aside: %w", err)
		}
	}
	return nil
}

var databaseFiles = []string{"", "-wal", "-shm", "-journal"}

func removeDatabase(path string) {
	for _, suffix := range databaseFiles {
		os.Remove(path + suffix)
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(filepath.Clean(from))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Clean(to), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
