package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Files lie beside the records that name them, each once a card, in sealed pieces. Whoever reads one must be able to read a record that
// names it, and whoever brought the name into that record must have had the file: a clinic's bundle holds it, a person has uploaded it.
// Otherwise somebody who knows no more of a hidden file than its hash could name it in a comment of his own, and have it.

// attachmentName is what stands for a file in the database.
func (tx *Tx) attachmentName(id card.ID, hash card.Hash) []byte {
	return tx.db.keys.Hash("attachment", string(id)+"|"+string(hash))
}

func piecePlace(name []byte, number int64) string {
	return fmt.Sprintf("attachment_piece|sealed|%x|%d", name, number)
}

func uploadPlace(name []byte, author string) string {
	return fmt.Sprintf("attachment_upload|sealed|%x|%s", name, author)
}

// KeepAttachment keeps a file that came with a clinic's bundle.
func (tx *Tx) KeepAttachment(p consent.Permit, hash card.Hash, content []byte) error {
	if err := tx.mayPost(p); err != nil {
		return err
	}
	name := tx.attachmentName(p.Card(), hash)
	// One that the patient uploaded before is the clinic's from now on.
	n, err := tx.exec("UPDATE attachment SET published = ? WHERE card = ? AND name = ?", true, string(p.Card()), name)
	if err != nil || n > 0 {
		return err
	}
	if _, err := tx.exec("INSERT INTO attachment (card, name, size, published) VALUES (?, ?, ?, ?)", string(p.Card()), name, len(content), true); err != nil {
		return err
	}
	for number := int64(0); len(content) > 0; number++ {
		piece := content[:min(len(content), wire.AttachmentChunk)]
		content = content[len(piece):]
		if err := tx.putPiece(p.Card(), name, "", number, piece); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) putPiece(id card.ID, name []byte, author string, number int64, content []byte) error {
	sealed, err := tx.seal(id, piecePlace(name, number), content)
	if err != nil {
		return err
	}
	_, err = tx.exec("INSERT INTO attachment_piece (card, name, author, number, sealed) VALUES (?, ?, ?, ?, ?)", string(id), name, author, number, sealed)
	return err
}

// Attachment looks for a file under the permit. named says that a record which the permit reads names it; size is 0 while it is not there,
// or nobody who named it has shown that he has it.
func (tx *Tx) Attachment(p consent.Permit, hash card.Hash) (size int64, named bool, err error) {
	if err := tx.may(p); err != nil {
		return 0, false, err
	}
	filter, args := permitFilter(p)
	args = append([]any{string(p.Card()), tx.attachmentName(p.Card(), hash), false}, args...)
	err = tx.each(func(rows *sql.Rows) error {
		var there sql.NullInt64
		err := rows.Scan(&there)
		named, size = true, max(size, there.Int64)
		return err
	}, `SELECT DISTINCT CASE WHEN n.author = '' OR u.complete THEN a.size END
		FROM record_attachment n
			JOIN record r ON r.card = n.card AND r.id = n.record
			LEFT JOIN attachment a ON a.card = n.card AND a.name = n.name
			LEFT JOIN attachment_upload u ON u.card = n.card AND u.name = n.name AND u.author = n.author
		WHERE n.card = ? AND n.name = ? AND r.deleted = ?`+filter, args...)
	return size, named, err
}

// AttachmentPiece reads one piece of a file that Attachment has found for the same permit.
func (tx *Tx) AttachmentPiece(p consent.Permit, hash card.Hash, number int64) (content []byte, err error) {
	if err := tx.may(p); err != nil {
		return nil, err
	}
	name := tx.attachmentName(p.Card(), hash)
	var sealed []byte
	found, err := tx.one([]any{&sealed}, "SELECT sealed FROM attachment_piece WHERE card = ? AND name = ? AND author = '' AND number = ?", string(p.Card()), name, number)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("store: a file lacks its piece %d", number)
	}
	return tx.open(p.Card(), piecePlace(name, number), sealed)
}

// NamesAttachment reports whether a record of the card names the file and the permit's own account brought the name there: then it
// may be uploaded.
func (tx *Tx) NamesAttachment(p consent.Permit, hash card.Hash) (bool, error) {
	if err := tx.may(p); err != nil {
		return false, err
	}
	var n int
	_, err := tx.one([]any{&n}, "SELECT count(*) FROM record_attachment WHERE card = ? AND name = ? AND author = ?",
		string(p.Card()), tx.attachmentName(p.Card(), hash), uploader(p))
	return n > 0 && uploader(p) != "", err
}

// uploader is in whose name a permit uploads: a person's, on whatever phone.
func uploader(p consent.Permit) string {
	if a := p.Actor(); a.Kind == identity.Patient {
		return string(a.Account)
	}
	return ""
}

// Upload reads how far the own upload of the file got. Those of others do not show.
func (tx *Tx) Upload(p consent.Permit, hash card.Hash) (u card.Upload, found bool, err error) {
	if err := tx.may(p); err != nil {
		return u, false, err
	}
	name := tx.attachmentName(p.Card(), hash)
	var sealed []byte
	found, err = tx.one([]any{&u.Size, &u.Arrived, &u.Complete, &sealed}, "SELECT size, arrived, complete, sealed FROM attachment_upload WHERE card = ? AND name = ? AND author = ?",
		string(p.Card()), name, uploader(p))
	if err == nil && found && sealed != nil {
		u.Sum, err = tx.open(p.Card(), uploadPlace(name, uploader(p)), sealed)
	}
	return u, found, err
}

// UploadPiece reads one piece of the permit's own upload while it is not complete; nil where it has none of the number.
func (tx *Tx) UploadPiece(p consent.Permit, hash card.Hash, number int64) ([]byte, error) {
	if err := tx.may(p); err != nil {
		return nil, err
	}
	name, author := tx.attachmentName(p.Card(), hash), uploader(p)
	if author == "" {
		return nil, ErrForeignPermit // those without an author are the card's own
	}
	var sealed []byte
	found, err := tx.one([]any{&sealed}, "SELECT sealed FROM attachment_piece WHERE card = ? AND name = ? AND author = ? AND number = ?", string(p.Card()), name, author, number)
	if err != nil || !found {
		return nil, err
	}
	return tx.open(p.Card(), piecePlace(name, number), sealed)
}

// Uploaded is how many bytes people have uploaded to the card or said they will: of files that a record names in their name, and
// of all, those that wait to be forgotten too.
func (tx *Tx) Uploaded(p consent.Permit) (named, all int64, err error) {
	if err := tx.may(p); err != nil {
		return 0, 0, err
	}
	_, err = tx.one([]any{&named, &all}, "SELECT coalesce(sum(CASE WHEN "+uploadNamed+" THEN size ELSE 0 END), 0), coalesce(sum(size), 0) FROM attachment_upload WHERE card = ?",
		string(p.Card()))
	return named, all, err
}

// uploadNamed is the condition that a record still names an upload's file, in the name of whoever uploaded it.
const uploadNamed = `EXISTS (SELECT 1 FROM record_attachment n WHERE n.card = attachment_upload.card AND n.name = attachment_upload.name AND n.author = attachment_upload.author)`

// AddUpload takes the next piece of an upload, which then stands as u says. A complete one becomes the card's file, and is doubted: its
// name may have gone while the last piece came.
func (tx *Tx) AddUpload(p consent.Permit, hash card.Hash, u card.Upload, number int64, content []byte, now time.Time) error {
	if err := tx.may(p); err != nil {
		return err
	}
	name, author := tx.attachmentName(p.Card(), hash), uploader(p)
	if author == "" {
		return ErrForeignPermit
	}
	if err := tx.putPiece(p.Card(), name, author, number, content); err != nil {
		return err
	}
	var sum []byte
	idle := doubted
	if !u.Complete {
		idle = now
		var err error
		if sum, err = tx.seal(p.Card(), uploadPlace(name, author), u.Sum); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`INSERT INTO attachment_upload (card, name, author, size, arrived, complete, idle, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (card, name, author) DO UPDATE SET size = excluded.size, arrived = excluded.arrived, complete = excluded.complete, idle = excluded.idle, sealed = excluded.sealed`,
		string(p.Card()), name, author, u.Size, u.Arrived, u.Complete, micros(idle), sum); err != nil || !u.Complete {
		return err
	}
	return tx.settleUpload(p.Card(), name, author, u.Size)
}

// settleUpload makes a complete upload the card's file. If the card has the file already the pieces have done their work: they were the
// proof.
func (tx *Tx) settleUpload(id card.ID, name []byte, author string, size int64) error {
	n, err := tx.exec("INSERT INTO attachment (card, name, size, published) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", string(id), name, size, false)
	switch {
	case err != nil:
		return err
	case n == 0:
		_, err = tx.exec("DELETE FROM attachment_piece WHERE card = ? AND name = ? AND author = ?", string(id), name, author)
	default:
		_, err = tx.exec("UPDATE attachment_piece SET author = '' WHERE card = ? AND name = ? AND author = ?", string(id), name, author)
	}
	return err
}

// DropUpload forgets an upload that came to nothing.
func (tx *Tx) DropUpload(p consent.Permit, hash card.Hash) error {
	if err := tx.may(p); err != nil {
		return err
	}
	return tx.dropUpload(p.Card(), tx.attachmentName(p.Card(), hash), uploader(p))
}

func (tx *Tx) dropUpload(id card.ID, name []byte, author string) error {
	if author == "" {
		return nil // its pieces would be the file's
	}
	for _, table := range []string{"attachment_piece", "attachment_upload"} {
		if _, err := tx.exec("DELETE FROM "+table+" WHERE card = ? AND name = ? AND author = ?", string(id), name, author); err != nil {
			return err
		}
	}
	return nil
}

// CardsWithIdleUploads lists cards with uploads that are idle since before the instant, or of which that is to be found out, behind one
// of them, at most limit. A card is listed once for each instant.
func (tx *Tx) CardsWithIdleUploads(before time.Time, behind card.Turn, limit int) (list []card.Turn, err error) {
	if behind.Card == "" {
		behind.Card = noCard
	}
	if behind.At.IsZero() {
		behind.At = dawn
	}
	err = tx.each(func(rows *sql.Rows) error {
		var t card.Turn
		err := rows.Scan(&t.Card, &t.At)
		list = append(list, t)
		return err
	}, "SELECT DISTINCT card, idle FROM attachment_upload WHERE idle < ? AND idle >= ? AND (idle, card) > (?, ?) ORDER BY idle, card LIMIT ?",
		micros(before), micros(behind.At), micros(behind.At), string(behind.Card), limit)
	return list, err
}

// doubted stands for since when an upload is idle whose name went from a record: the next upkeep looks whether another one still names it, and
// if none does, it is idle from then on. A commit leaves that to the upkeep, which a record that names the file anew may forestall.
var doubted = dawn

// ForgetUploads deletes the uploads of a card that are idle since before the instant: unfinished ones, and those that no record names
// any more, with their files unless a clinic has published the same. Of those that are doubted it finds out.
func (tx *Tx) ForgetUploads(id card.ID, before, now time.Time) error {
	if err := tx.LockCard(id); err != nil { // or a piece may come in between, or a record name the file anew
		return err
	}
	if _, err := tx.exec("UPDATE attachment_upload SET idle = NULL WHERE card = ? AND complete = ? AND idle IS NOT NULL AND "+uploadNamed, string(id), true); err != nil {
		return err
	}
	if _, err := tx.exec("UPDATE attachment_upload SET idle = ? WHERE card = ? AND complete = ? AND idle = ?", micros(now), string(id), true, doubted); err != nil {
		return err
	}
	type upload struct {
		name   []byte
		author string
	}
	var idle []upload
	if err := tx.each(func(rows *sql.Rows) error {
		var u upload
		err := rows.Scan(&u.name, &u.author)
		idle = append(idle, u)
		return err
	}, "SELECT name, author FROM attachment_upload WHERE card = ? AND idle < ?", string(id), micros(before)); err != nil {
		return err
	}
	for _, u := range idle {
		if err := tx.dropUpload(id, u.name, u.author); err != nil {
			return err
		}
		n, err := tx.exec(`DELETE FROM attachment WHERE card = ? AND name = ? AND published = ?
			AND NOT EXISTS (SELECT 1 FROM attachment_upload u WHERE u.card = attachment.card AND u.name = attachment.name AND u.complete = ?)`, string(id), u.name, false, true)
		if err != nil {
			return err
		}
		if n > 0 {
			if _, err := tx.exec("DELETE FROM attachment_piece WHERE card = ? AND name = ? AND author = ''", string(id), u.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// nameFiles writes down which files the records name as they now are. A name that was there before stays with whoever brought it: an
// edit of the text beside it proves nothing.
func (l *ledger) nameFiles(records []replica.Record) error {
	for chunk := range chunks(records, 500) {
		if err := l.nameFilesOf(chunk); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) nameFilesOf(records []replica.Record) error {
	var ids []string // of those that can have named some
	wanted := map[string][][]byte{}
	for _, r := range records {
		if l.before[r.ID].exists {
			ids = append(ids, r.ID)
		}
		if names := l.named(r); len(names) > 0 {
			wanted[r.ID] = names
		}
	}
	type naming struct {
		record string
		name   []byte
	}
	var gone []naming
	condition, list := l.tx.among("record", ids)
	if err := l.tx.each(func(rows *sql.Rows) error {
		var n naming
		if err := rows.Scan(&n.record, &n.name); err != nil {
			return err
		}
		if rest, still := without(wanted[n.record], n.name); still {
			wanted[n.record] = rest
		} else {
			gone = append(gone, n)
		}
		return nil
	}, "SELECT record, name FROM record_attachment WHERE card = ? AND "+condition, string(l.card), list); err != nil {
		return err
	}
	for _, n := range gone {
		if _, err := l.tx.exec("DELETE FROM record_attachment WHERE card = ? AND record = ? AND name = ?", string(l.card), n.record, n.name); err != nil {
			return err
		}
		if _, err := l.tx.exec("UPDATE attachment_upload SET idle = ? WHERE card = ? AND name = ? AND complete = ?", doubted, string(l.card), n.name, true); err != nil {
			return err
		}
	}
	if l.permit.Actor().Kind == identity.Nobody {
		return nil // upkeep: it brings no names
	}
	for record, names := range wanted {
		for _, name := range names {
			if _, err := l.tx.exec("INSERT INTO record_attachment (card, record, name, author) VALUES (?, ?, ?, ?)",
				string(l.card), record, name, uploader(l.permit)); err != nil {
				return err
			}
		}
	}
	return nil
}

// named lists the names of the files that the record's values name, open siblings too; none of a deleted one.
func (l *ledger) named(r replica.Record) (names [][]byte) {
	if r.Deleted {
		return nil
	}
	seen := map[string]bool{}
	for _, versions := range r.Atoms {
		for _, v := range versions {
			for _, hash := range wire.NamedIn(v.Value) {
				if !seen[hash] {
					seen[hash] = true
					names = append(names, l.tx.attachmentName(l.card, card.Hash(hash)))
				}
			}
		}
	}
	return names
}

func without(names [][]byte, name []byte) (rest [][]byte, found bool) {
	for i := range names {
		if bytes.Equal(names[i], name) {
			return append(names[:i:i], names[i+1:]...), true
		}
	}
	return names, false
}
