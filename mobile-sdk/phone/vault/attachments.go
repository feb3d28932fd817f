package vault

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Files lie in the vault as long as something names them: a record of either base, or an edit. Who names what is written down with
// each row and each edit and goes with it, whatever statement takes it away; at the end of every transaction in which something
// went, the files that nothing names go too. So a purge needs to know of no files, and a record that moves from the shadow into the base,
// or an edit that gets another number, loses none.
const attachmentSchema = `
	-- A file, whole or as far as it has come. own = 1: it was attached on this phone. held: since when it waits to be named, 0 = it does not.
	-- sent: the epoch of the server that has it, arrived: how much of it has got there, code: why the server does not take it.
	CREATE TABLE attachment (
		id      INTEGER PRIMARY KEY,
		card    TEXT    NOT NULL,
		hash    TEXT    NOT NULL,
		size    INTEGER NOT NULL,
		have    INTEGER NOT NULL,
		whole   INTEGER NOT NULL DEFAULT 0,
		own     INTEGER NOT NULL DEFAULT 0,
		held    INTEGER NOT NULL DEFAULT 0, -- microseconds since 1970, as used
		used    INTEGER NOT NULL,
		sent    TEXT    NOT NULL DEFAULT '',
		arrived INTEGER NOT NULL DEFAULT 0,
		code    TEXT    NOT NULL DEFAULT '',
		UNIQUE (card, hash)
	) STRICT;

	-- Its bytes, each piece by where it begins. Not by the hash, which comes last of all: to write it into each piece would be to write the
	-- file a second time.
	CREATE TABLE attachment_piece (
		file  INTEGER NOT NULL REFERENCES attachment (id) ON DELETE CASCADE,
		at    INTEGER NOT NULL,
		bytes BLOB    NOT NULL,
		PRIMARY KEY (file, at)
	) STRICT;

	-- Who names it.
	CREATE TABLE attachment_record (
		card   TEXT    NOT NULL,
		hash   TEXT    NOT NULL,
		shadow INTEGER NOT NULL,
		record TEXT    NOT NULL,
		PRIMARY KEY (card, hash, shadow, record),
		FOREIGN KEY (card, shadow, record) REFERENCES record (card, shadow, id) ON DELETE CASCADE ON UPDATE CASCADE
	) STRICT, WITHOUT ROWID;
	CREATE INDEX attachment_record_by_record ON attachment_record (card, shadow, record);
	CREATE TABLE attachment_edit (
		card  TEXT    NOT NULL,
		hash  TEXT    NOT NULL,
		actor INTEGER NOT NULL,
		n     INTEGER NOT NULL,
		PRIMARY KEY (card, hash, actor, n),
		FOREIGN KEY (card, actor, n) REFERENCES edit (card, actor, n) ON DELETE CASCADE ON UPDATE CASCADE
	) STRICT, WITHOUT ROWID;
	CREATE INDEX attachment_edit_by_edit ON attachment_edit (card, actor, n);
`

// Attachment is what the vault holds of a file.
type Attachment struct {
	Hash       string
	Size, Have int64 // bytes: of the file, and from its beginning on this phone
	Whole      bool  // all of it is here, and is what the hash says
	Own        bool  // attached on this phone
	Sent       string
	Arrived    int64
	Code       string
}

// ErrUnnamed says that nothing on this phone names the file any more, so that nothing of it may be kept.
var ErrUnnamed = errors.New("vault: nothing names the file")

// piece is how many bytes lie in one row: what a small read from the middle of a file costs.
const piece = 64 << 10

// unnamed is the condition that nothing names a file.
const unnamed = `NOT EXISTS (SELECT 1 FROM attachment_record r WHERE r.card = attachment.card AND r.hash = attachment.hash)
	AND NOT EXISTS (SELECT 1 FROM attachment_edit e WHERE e.card = attachment.card AND e.hash = attachment.hash)`

// sweep deletes the files that nothing names, if this transaction took something away.
func (t *Tx) sweep() error {
	if !t.freed {
		return nil
	}
	return t.delete("DELETE FROM attachment WHERE card = ? AND held = 0 AND "+unnamed, t.card)
}

// nameFiles writes down which files a row names. Most name none, and then nothing is asked of the database, unless the card has files.
func (t *Tx) nameFiles(side int, row wire.Row) error {
	var hashes []string
	for _, versions := range row.Atoms {
		for _, v := range versions {
			hashes = append(hashes, wire.NamedIn(v.Value)...)
		}
	}
	slices.Sort(hashes)
	hashes = slices.Compact(hashes)
	if len(hashes) == 0 {
		if named, err := t.names(); err != nil || !named {
			return err
		}
	}
	for _, hash := range hashes {
		if err := t.exec("INSERT OR IGNORE INTO attachment_record (card, hash, shadow, record) VALUES (?, ?, ?, ?)", t.card, hash, side, row.ID); err != nil {
			return err
		}
		t.naming = yes
	}
	before, err := list(t, asText, "SELECT hash FROM attachment_record WHERE card = ? AND shadow = ? AND record = ?", t.card, side, row.ID)
	if err != nil || len(before) == len(hashes) {
		return err
	}
	for _, hash := range before {
		if !slices.Contains(hashes, hash) {
			if err := t.delete("DELETE FROM attachment_record WHERE card = ? AND hash = ? AND shadow = ? AND record = ?", t.card, hash, side, row.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer is that of a question which a transaction asks once.
type answer int

const (
	unasked answer = iota
	no
	yes
)

// names says whether any record of the card names a file.
func (t *Tx) names() (bool, error) {
	if t.naming == unasked {
		_, found, err := t.body("SELECT hash FROM attachment_record WHERE card = ? LIMIT 1", t.card)
		if err != nil {
			return false, err
		}
		if t.naming = no; found {
			t.naming = yes
		}
	}
	return t.naming == yes, nil
}

// nameEditedFiles does the same for an edit, which never changes what it names. What it names waits to be named no more.
func (t *Tx) nameEditedFiles(item replica.Item) error {
	for _, change := range item.Mutation.Atoms {
		for _, hash := range wire.NamedIn(change.V) {
			if err := t.exec("INSERT OR IGNORE INTO attachment_edit (card, hash, actor, n) VALUES (?, ?, ?, ?)", t.card, hash, item.Actor, item.Mutation.N); err != nil {
				return err
			}
			if err := t.exec("UPDATE attachment SET held = 0 WHERE card = ? AND hash = ?", t.card, hash); err != nil {
				return err
			}
		}
	}
	return nil
}

// NamedBy says which records of the base name the file, and whether an edit does.
func (t *Tx) NamedBy(hash string) (records []string, edited bool, err error) {
	if records, err = list(t, asText, "SELECT record FROM attachment_record WHERE card = ? AND hash = ? AND shadow = 0 ORDER BY record", t.card, hash); err != nil {
		return nil, false, err
	}
	_, edited, err = t.body("SELECT hash FROM attachment_edit WHERE card = ? AND hash = ? LIMIT 1", t.card, hash)
	return records, edited, err
}

const attachmentColumns = "hash, size, have, whole, own, sent, arrived, code"

func (t *Tx) attachments(query string, args ...any) (found []Attachment, err error) {
	err = t.prepared("SELECT "+attachmentColumns+" FROM attachment WHERE "+query, func(s *sql.Stmt) error {
		rows, err := s.QueryContext(context.Background(), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Attachment
			if err := rows.Scan(&a.Hash, &a.Size, &a.Have, &a.Whole, &a.Own, &a.Sent, &a.Arrived, &a.Code); err != nil {
				return err
			}
			found = append(found, a)
		}
		return rows.Err()
	})
	return found, err
}

// Attachment gives what is here of the file.
func (t *Tx) Attachment(hash string) (a Attachment, found bool, err error) {
	all, err := t.attachments("card = ? AND hash = ?", t.card, hash)
	if err != nil || len(all) == 0 {
		return Attachment{}, false, err
	}
	return all[0], true, nil
}

// AttachmentBytes gives bytes from the offset to the end of the piece in which it lies.
func (t *Tx) AttachmentBytes(hash string, offset int64) ([]byte, error) {
	var at int64
	var content []byte
	err := t.prepared(`SELECT at, bytes FROM attachment_piece WHERE file = (SELECT id FROM attachment WHERE card = ? AND hash = ?) AND at <= ?
		ORDER BY at DESC LIMIT 1`, func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card, hash, offset).Scan(&at, &content)
	})
	if errors.Is(err, sql.ErrNoRows) || err == nil && offset-at >= int64(len(content)) {
		return nil, ErrUnnamed
	}
	if err != nil {
		return nil, err
	}
	return content[offset-at:], nil
}

// AddDownloaded puts what has come of a file behind what is here of it. It must be named, still.
func (t *Tx) AddDownloaded(hash string, size int64, content []byte, now time.Time) error {
	records, edited, err := t.NamedBy(hash)
	if err != nil {
		return err
	}
	if len(records) == 0 && !edited {
		return ErrUnnamed
	}
	if err := t.exec("INSERT INTO attachment (card, hash, size, have, used) VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING", t.card, hash, size, now.UnixMicro()); err != nil {
		return err
	}
	return t.appendBytes(hash, content)
}

func (t *Tx) appendBytes(hash string, content []byte) error {
	a, found, err := t.Attachment(hash)
	if err != nil || !found {
		return err
	}
	if a.Whole || a.Have+int64(len(content)) > a.Size {
		return errDamaged
	}
	for at := a.Have; len(content) > 0; {
		part := content[:min(len(content), piece)]
		content = content[len(part):]
		if err := t.exec("INSERT INTO attachment_piece (file, at, bytes) SELECT id, ?, ? FROM attachment WHERE card = ? AND hash = ?", at, part, t.card, hash); err != nil {
			return err
		}
		at += int64(len(part))
		if err := t.exec("UPDATE attachment SET have = ? WHERE card = ? AND hash = ?", at, t.card, hash); err != nil {
			return err
		}
	}
	return nil
}

// Complete notes that all of the file is here, and has been held against its hash.
func (t *Tx) Complete(hash string) error {
	return t.exec("UPDATE attachment SET whole = 1 WHERE card = ? AND hash = ? AND have = size", t.card, hash)
}

// DropAttachment deletes what is here of the file. What names it goes on naming it.
func (t *Tx) DropAttachment(hash string) error {
	return t.delete("DELETE FROM attachment WHERE card = ? AND hash = ?", t.card, hash)
}

// AddOwn puts the next bytes of a file that is attached here, under a name for the time until its hash is known.
func (t *Tx) AddOwn(name string, content []byte, now time.Time) error {
	if err := t.exec("INSERT INTO attachment (card, hash, size, have, own, held, used) VALUES (?, ?, 0, 0, 1, ?, ?) ON CONFLICT DO NOTHING",
		t.card, name, now.UnixMicro(), now.UnixMicro()); err != nil {
		return err
	}
	if err := t.exec("UPDATE attachment SET size = size + ? WHERE card = ? AND hash = ?", len(content), t.card, name); err != nil {
		return err
	}
	return t.appendBytes(name, content)
}

// NameOwn gives such a file its hash. It waits to be named by an edit. One that is here already, or has begun to come, is the same from
// now on.
func (t *Tx) NameOwn(name, hash string, now time.Time) error {
	before, found, err := t.Attachment(hash)
	if err != nil {
		return err
	}
	switch {
	case found && before.Whole:
		if err := t.DropAttachment(name); err != nil {
			return err
		}
	default:
		if err := t.DropAttachment(hash); err != nil {
			return err
		}
		if err := t.exec("UPDATE attachment SET hash = ?, whole = 1 WHERE card = ? AND hash = ?", hash, t.card, name); err != nil {
			return err
		}
	}
	// It must be shown anew that this person has it: whose it was before, nobody knows here.
	return t.exec("UPDATE attachment SET own = 1, held = ?, code = '' WHERE card = ? AND hash = ?", now.UnixMicro(), t.card, hash)
}

// HeldBefore says whether DropHeld would find anything.
func (t *Tx) HeldBefore(before time.Time) (bool, error) {
	_, found, err := t.body("SELECT hash FROM attachment WHERE card = ? AND held > 0 AND held < ? LIMIT 1", t.card, before.UnixMicro())
	return found, err
}

// DropHeld deletes files that wait to be named since before the instant.
func (t *Tx) DropHeld(before time.Time) error {
	if err := t.delete("DELETE FROM attachment WHERE card = ? AND held > 0 AND held < ? AND "+unnamed, t.card, before.UnixMicro()); err != nil {
		return err
	}
	return t.exec("UPDATE attachment SET held = 0 WHERE card = ? AND held > 0 AND held < ?", t.card, before.UnixMicro())
}

// Unsent gives the own files that the server of the epoch neither has nor refused, as far as their record has been answered: before that the server
// would not know what they are for.
func (t *Tx) Unsent(epoch string) ([]Attachment, error) {
	return t.attachments(`card = ? AND own = 1 AND whole = 1 AND held = 0 AND sent <> ?
		AND NOT EXISTS (SELECT 1 FROM attachment_edit x JOIN edit e ON e.card = x.card AND e.actor = x.actor AND e.n = x.n
			WHERE x.card = attachment.card AND x.hash = attachment.hash AND e.state IN (?, ?)
			AND NOT EXISTS (SELECT 1 FROM attachment_record r WHERE r.card = attachment.card AND r.hash = attachment.hash AND r.shadow = 0))
		ORDER BY used, hash`, t.card, epoch, string(replica.Waiting), string(replica.Rejected))
}

// Own gives the files that were attached here and that something names, newest last.
func (t *Tx) Own() ([]Attachment, error) {
	return t.attachments("card = ? AND own = 1 AND whole = 1 AND held = 0 ORDER BY used, hash", t.card)
}

// NoteUpload writes down how far an upload got, and of which epoch the server is that has it all or, with a code, refused it. One that
// was restored is asked again.
func (t *Tx) NoteUpload(hash string, arrived int64, epoch, code string) error {
	return t.exec("UPDATE attachment SET arrived = ?, sent = ?, code = ? WHERE card = ? AND hash = ?", arrived, epoch, code, t.card, hash)
}

// Disown takes a file for one that came from the server, if no record of the base names it: the person deleted what it was attached to
// before it was sent. It goes with the edit. disowned is false if a record does.
func (t *Tx) Disown(hash string) (disowned bool, err error) {
	records, _, err := t.NamedBy(hash)
	if err != nil || len(records) > 0 {
		return false, err
	}
	return true, t.exec("UPDATE attachment SET own = 0 WHERE card = ? AND hash = ?", t.card, hash)
}

// Evict deletes whole files that were used longest ago until those of the card take no more than the limit: only what can be fetched
// again from the server of the epoch, and not the one that is named.
func (t *Tx) Evict(limit int64, but, epoch string) error {
	var total int64
	if err := t.prepared("SELECT coalesce(sum(have), 0) FROM attachment WHERE card = ?", func(s *sql.Stmt) error {
		return s.QueryRowContext(context.Background(), t.card).Scan(&total)
	}); err != nil || total <= limit {
		return err
	}
	idle, err := t.attachments(`card = ? AND hash <> ? AND held = 0 AND (own = 0 OR sent = ? AND code = '')
		AND NOT EXISTS (SELECT 1 FROM attachment_edit e WHERE e.card = attachment.card AND e.hash = attachment.hash) ORDER BY used, hash`, t.card, but, epoch)
	if err != nil {
		return err
	}
	for _, a := range idle {
		if total <= limit {
			break
		}
		if err := t.DropAttachment(a.Hash); err != nil {
			return err
		}
		total -= a.Have
	}
	return nil
}

// Used notes that somebody looked at the file.
func (t *Tx) Used(hash string, now time.Time) error {
	return t.exec("UPDATE attachment SET used = ? WHERE card = ? AND hash = ?", now.UnixMicro(), t.card, hash)
}

func asText(b []byte) (string, error) { return string(b), nil }
