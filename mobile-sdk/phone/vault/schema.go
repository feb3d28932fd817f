package vault

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations are the steps of the schema, oldest first. A step that was shipped never changes: phones in the field have it.
var migrations = []string{`
	CREATE TABLE setting (
		name  TEXT NOT NULL PRIMARY KEY,
		value BLOB NOT NULL
	) STRICT, WITHOUT ROWID;

	-- A card, and the sync engine's place with it.
	CREATE TABLE place (
		card TEXT NOT NULL PRIMARY KEY,
		meta BLOB NOT NULL
	) STRICT, WITHOUT ROWID;

	-- What the server said. shadow = 1: of the base that is being built beside the one that is read.
	CREATE TABLE record (
		card   TEXT    NOT NULL,
		shadow INTEGER NOT NULL,
		id     TEXT    NOT NULL,
		kind   TEXT    NOT NULL,
		scope  TEXT    NOT NULL,
		date   INTEGER NOT NULL, -- microseconds since 1970; the year 1 where no date is known, so that it sorts last
		open   INTEGER NOT NULL, -- a conflict is open
		body   BLOB    NOT NULL,
		PRIMARY KEY (card, shadow, id)
	) STRICT;
	CREATE INDEX record_by_date ON record (card, shadow, kind, date, id);
	CREATE INDEX record_open ON record (card, shadow, id) WHERE open = 1;

	-- What was edited here.
	CREATE TABLE edit (
		card   TEXT    NOT NULL,
		actor  INTEGER NOT NULL,
		n      INTEGER NOT NULL,
		record TEXT    NOT NULL,
		state  TEXT    NOT NULL,
		hlc    TEXT    NOT NULL, -- sixteen hex digits, which sort as the stamps do
		saved  INTEGER NOT NULL, -- microseconds since 1970
		body   BLOB    NOT NULL,
		PRIMARY KEY (card, actor, n)
	) STRICT;
	CREATE INDEX edit_by_record ON edit (card, record, hlc);
	CREATE INDEX edit_by_state ON edit (card, state, hlc);
`, `
	-- The words under which a record is found, with spaces between. They stand last, behind the body: who reads no words pays
	-- nothing for them.
	ALTER TABLE record ADD COLUMN words TEXT NOT NULL DEFAULT '';

	-- The index over them. It keeps no text of its own, and what leaves it is overwritten at once: without secure-delete a word
	-- stays in the file until the index happens to be merged. detail=none: nobody asks where in a text a word stands.
	-- tokenize: a word is what stands between spaces; the signs are those of codes.
	CREATE VIRTUAL TABLE record_word USING fts5(words, content='record', content_rowid='rowid', detail=none, columnsize=0,
		tokenize="ascii tokenchars '-./,'");
	INSERT INTO record_word (record_word, rank) VALUES ('secure-delete', 1);

	-- What goes leaves the index by itself, whatever statement does it. (What comes or changes is reword's.) The index names rows
	-- by rowid, which a VACUUM would change: nothing here runs one.
	CREATE TRIGGER record_gone AFTER DELETE ON record WHEN old.words <> '' BEGIN
		INSERT INTO record_word (record_word, rowid, words) VALUES ('delete', old.rowid, old.words);
	END;

	-- How far the rows that were there before have been indexed, and by which version of the rules; -1 = all.
	CREATE TABLE indexing (
		version INTEGER NOT NULL,
		upto    INTEGER NOT NULL
	) STRICT;
	INSERT INTO indexing (version, upto) VALUES (0, 0);
`, `
	-- Whether the words of a row are yet to be made. What comes or changes is only marked, and indexed when there is time: a sync does not
	-- wait for it. words holds, stale or not, exactly what the index has of the row, and what goes takes that with it.
	ALTER TABLE record ADD COLUMN stale INTEGER NOT NULL DEFAULT 1;
	CREATE INDEX record_stale ON record (card) WHERE stale = 1 AND shadow = 0;
	ALTER TABLE indexing DROP COLUMN upto;
`, `
	-- Edits that were destroyed with the access to their card: how many, when and why, for the person to be told. It outlives the card.
	CREATE TABLE loss (
		card  TEXT    NOT NULL,
		at    INTEGER NOT NULL, -- microseconds since 1970
		edits INTEGER NOT NULL,
		why   TEXT    NOT NULL
	) STRICT;
`, attachmentSchema, `
	-- When the base showed the edit, for those that are settled: they are kept for some days from then on.
	ALTER TABLE edit RENAME COLUMN saved TO settled;
`, `
	-- What each row was when it was put: its digest, as two's complement; 0 = not known, or not readable any more. And their sum for each
	-- side of a card, kept with every change. Rows from before count with 0: the next sync finds the sum wanting and has them counted.
	ALTER TABLE record ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
	CREATE TABLE tally (
		card   TEXT    NOT NULL,
		shadow INTEGER NOT NULL,
		count  INTEGER NOT NULL,
		sum    INTEGER NOT NULL,
		PRIMARY KEY (card, shadow)
	) STRICT, WITHOUT ROWID;
	INSERT INTO tally (card, shadow, count, sum) SELECT card, shadow, count(*), 0 FROM record GROUP BY card, shadow;
`, `
	-- What became of an edit stands beside it: an answer is written for many at once, and leaves their bodies alone.
	ALTER TABLE edit ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
	ALTER TABLE edit ADD COLUMN code TEXT NOT NULL DEFAULT '';
	UPDATE edit SET outcome = coalesce(json_extract(CAST(body AS TEXT), '$.outcome'), ''), code = coalesce(json_extract(CAST(body AS TEXT), '$.code'), '');
	UPDATE edit SET settled = -62135596800000000 WHERE state <> 'settled'; -- the year 1
	CREATE INDEX edit_settled ON edit (card, settled) WHERE state = 'settled';
`, `
	-- The keys under which bodies of rows are sealed, see seal.go. A number is never given twice: the bodies name it. name: under which the
	-- app's keystore has the key; '' = it stands here. key: one byte 1, and the key if it stands here. rows: how many are sealed under it.
	-- old = 1: on its way out, for a key in the keystore. There are so few of them that they need no index.
	CREATE TABLE seal (
		id    INTEGER PRIMARY KEY AUTOINCREMENT,
		card  TEXT    NOT NULL,
		scope TEXT    NOT NULL,
		key   BLOB    NOT NULL,
		name  TEXT    NOT NULL,
		rows  INTEGER NOT NULL DEFAULT 0,
		old   INTEGER NOT NULL DEFAULT 0
	) STRICT;

	-- The names of those in the keystore once more: on another page, so that a damaged one leaves no key there that nobody knows of.
	CREATE TABLE held (
		name TEXT NOT NULL PRIMARY KEY
	) STRICT, WITHOUT ROWID;

	-- The keys in the keystore under which bodies of edits are sealed.
	CREATE TABLE edit_key (
		card TEXT NOT NULL PRIMARY KEY,
		name TEXT NOT NULL
	) STRICT, WITHOUT ROWID;

	-- Keys that the keystore has yet to destroy.
	CREATE TABLE shred (
		name TEXT NOT NULL PRIMARY KEY
	) STRICT, WITHOUT ROWID;

	-- open = 1: bodies from before there were keys may stand here. prefix: what the names of the next keys begin with.
	CREATE TABLE sealing (
		open   INTEGER NOT NULL,
		prefix TEXT    NOT NULL
	) STRICT;
	INSERT INTO sealing (open, prefix) VALUES (1, '');
`}

// migrate brings the file to the newest schema, each step in a transaction of its own. What a step cannot say in SQL is
// outdate's and reseal's.
func (v *Vault) migrate(ctx context.Context) error {
	for {
		done, err := v.step(ctx)
		if done || err != nil {
			return err
		}
	}
}

func (v *Vault) step(ctx context.Context) (done bool, err error) {
	err = v.begin(v.write, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		switch {
		case version > len(migrations):
			return ErrNewer
		case version == len(migrations):
			done = true
			return nil
		}
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return fmt.Errorf("vault: schema %d: %w", version+1, err)
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version=%d", version+1))
		return err
	})
	return done, err
}
