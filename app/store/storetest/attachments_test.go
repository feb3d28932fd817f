package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/cardsync"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// scan is a file of three pieces, the last one short.
var scan = bytes.Repeat([]byte("0123456789abcdef"), wire.AttachmentChunk*5/2/16)

func hashOf(content []byte) card.Hash {
	sum := sha256.Sum256(content)
	return card.Hash(hex.EncodeToString(sum[:]))
}

// files is a card and those who ask for its files.
type files struct {
	*testing.T
	db *store.DB
	id card.ID
}

// as runs f under the permit of somebody with rights on the card.
func (f files) as(who identity.Actor, purpose consent.Purpose, do func(*store.Tx, consent.Permit) error) {
	f.Helper()
	if err := f.db.Update(context.Background(), func(tx *store.Tx) error {
		p, err := tx.Decide(who, f.id, purpose, noon)
		if err != nil {
			return err
		}
		return do(tx, p)
	}); err != nil {
		f.Fatal(err)
	}
}

// sees checks what Attachment tells the account's phone.
func (f files) sees(when string, who identity.AccountID, hash card.Hash, named bool, size int) {
	f.Helper()
	f.as(patient(who), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
		got, is, err := tx.Attachment(p, hash)
		if is != named || got != int64(size) {
			f.Errorf("%s: %s is told named %v, size %d; want %v, %d", when, who, is, got, named, size)
		}
		return err
	})
}

// report has a clinic publish a record that names the file, in the scope, and, if content is not nil, the file with it.
func (f files) report(record card.RecordID, scope card.Scope, hash card.Hash, content []byte) {
	f.Helper()
	if _, err := posts(f.T, f.db, f.id, func(tx *store.Tx, p consent.Permit) error {
		if content != nil {
			if err := tx.KeepAttachment(p, hash, content); err != nil {
				return err
			}
		}
		r := cardsync.FromFact(record, card.Report{Attachments: []card.Attachment{{Title: "Снимок", Hash: hash}}}, card.General)
		r.Scope = scope
		return tx.Publish(p, []cardsync.Record{r}, noon)
	}); err != nil {
		f.Fatal(err)
	}
}

// comment saves a comment as the account, as sync does. hashes are what it names.
func (f files) comment(who identity.AccountID, n int, seq uint64, deleted bool, hashes ...card.Hash) {
	f.Helper()
	var list []card.Attachment
	for _, h := range hashes {
		list = append(list, card.Attachment{Size: 1, Hash: h})
	}
	dot := vclock.Dot{Actor: 1, N: seq}
	r := aRecord(n, "note.general", seq)
	r.Deleted = deleted
	r.Atoms["files"] = []replica.Version{{Dot: dot, Seq: seq, HLC: 7, Value: cardsync.Files(list)}}
	f.as(patient(who), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
		l, err := tx.Ledger(p)
		if err != nil {
			return err
		}
		return l.SaveRecords([]replica.Record{r})
	})
}

// upload brings a file as the account, in one transaction a piece.
func (f files) upload(who identity.AccountID, content []byte) {
	f.Helper()
	for at := 0; at < len(content); at += wire.AttachmentChunk {
		end := min(at+wire.AttachmentChunk, len(content))
		u := card.Upload{Size: int64(len(content)), Arrived: int64(end), Complete: end == len(content), Sum: []byte("half done")}
		f.as(patient(who), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
			return tx.AddUpload(p, hashOf(content), u, int64(at/wire.AttachmentChunk), content[at:end], noon)
		})
	}
}

func (f files) read(who identity.AccountID, hash card.Hash, size int) (all []byte) {
	f.Helper()
	for n := int64(0); len(all) < size; n++ {
		f.as(patient(who), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
			piece, err := tx.AttachmentPiece(p, hash, n)
			all = append(all, piece...)
			return err
		})
	}
	return all
}

// lets the account see scopes of the card.
func (f files) lets(who identity.AccountID, scopes ...card.Scope) {
	f.Helper()
	f.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
		return tx.AddGrant(p, consent.Grant{
			ID: consent.GrantID(store.NewID()), Card: f.id, Role: consent.Proxy, Account: who, Scopes: scopes,
			Purpose: consent.PatientRequest, Starts: noon, Ends: noon.Add(time.Hour),
		})
	})
}

func TestAFileIsReadThroughARecordThatNamesIt(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		f := files{t, db, newCard(t, db, "ada")}
		other := files{t, db, newCard(t, db, "eve")}
		f.lets("bob", "note.*")
		hash := hashOf(scan)
		record := card.RecordID(store.NewID())
		f.sees("before", "ada", hash, false, 0)
		f.report(record, "lab.general", hash, scan)
		f.sees("published", "ada", hash, true, len(scan))
		f.sees("in a scope that is not his", "bob", hash, false, 0)
		other.sees("on another card", "eve", hash, false, 0)
		if got := f.read("ada", hash, len(scan)); !bytes.Equal(got, scan) {
			t.Error("the file comes back changed")
		}
		f.report(record, "note.general", hash, nil) // re-labelled
		f.sees("moved into his scope", "bob", hash, true, len(scan))
		f.report(record, "lab.general", hash, nil)
		f.sees("moved out of it", "bob", hash, false, 0)

		// A second record with the same bytes: they are kept once.
		f.report(card.RecordID(store.NewID()), "note.general", hash, scan)
		f.sees("named by a second record", "bob", hash, true, len(scan))
		other.report(card.RecordID(store.NewID()), "lab.general", hash, scan)
		other.sees("on another card", "eve", hash, true, len(scan))
		if n := count(t, cfg, "attachment_piece"); n != 6 {
			t.Errorf("two cards have %d pieces, want 3 each", n)
		}
		if n := count(t, cfg, "(SELECT DISTINCT name FROM attachment) AS names"); n != 2 {
			t.Error("one file on two cards has one name: that they share it shows")
		}

		// A version that names it no more.
		if _, err := posts(t, db, f.id, func(tx *store.Tx, p consent.Permit) error {
			r := cardsync.FromFact(record, card.Report{Conclusion: "без файла"}, card.General)
			return tx.Publish(p, []cardsync.Record{r}, noon)
		}); err != nil {
			t.Fatal(err)
		}
		f.sees("while the second record names it", "ada", hash, true, len(scan))
	})
}

// Who writes a hash into a comment has the file only if he has uploaded it himself.
func TestAHashIsNoKey(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		f := files{t, db, newCard(t, db, "ada")}
		f.lets("bob", "note.*")
		hash := hashOf(scan)
		f.report(card.RecordID(store.NewID()), "lab.psychiatric", hash, scan)
		f.comment("bob", 1, 7, false, hash)
		f.sees("he named it", "bob", hash, true, 0)
		f.comment("ada", 1, 8, false, hash) // she corrects his text
		f.sees("she touched his comment", "bob", hash, true, 0)
		f.sees("she reads it elsewhere", "ada", hash, true, len(scan))
		f.upload("bob", scan)
		f.sees("he has it", "bob", hash, true, len(scan))
		if pieces := count(t, cfg, "attachment_piece"); pieces != 3 {
			t.Errorf("%d pieces are kept, want the three of the clinic's file", pieces)
		}
	})
}

func TestAPatientsFile(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		f := files{t, db, newCard(t, db, "ada")}
		hash := hashOf(scan)
		f.comment("ada", 1, 1, false, hash)
		f.sees("named and not there", "ada", hash, true, 0)
		f.upload("ada", scan[:2*wire.AttachmentChunk+10])
		f.sees("another file was uploaded", "ada", hash, true, 0)
		f.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
			if mine, err := tx.NamesAttachment(p, hash); err != nil || !mine {
				t.Errorf("she may not upload what she named: %v", err)
			}
			if _, found, err := tx.Upload(p, hash); err != nil || found {
				t.Errorf("an upload that nobody began: %v", err)
			}
			half := card.Upload{Size: int64(len(scan)), Arrived: wire.AttachmentChunk, Sum: []byte("half done")}
			if err := tx.AddUpload(p, hash, half, 0, scan[:wire.AttachmentChunk], noon); err != nil {
				return err
			}
			if u, found, err := tx.Upload(p, hash); err != nil || !found || fmt.Sprint(u) != fmt.Sprint(half) {
				t.Errorf("the upload is %+v, %v; want %+v", u, err, half)
			}
			if named, all, err := tx.Uploaded(p); err != nil || named != int64(len(scan)) || all != int64(len(scan)+2*wire.AttachmentChunk+10) {
				t.Errorf("%d bytes are named, %d in all, %v", named, all, err)
			}
			return tx.DropUpload(p, hash)
		})
		f.sees("half of it came", "ada", hash, true, 0)
		f.upload("ada", scan)
		f.sees("all of it came", "ada", hash, true, len(scan))
		if got := f.read("ada", hash, len(scan)); !bytes.Equal(got, scan) {
			t.Error("the file comes back changed")
		}
		f.comment("ada", 1, 2, true, hash)
		f.sees("the comment is deleted", "ada", hash, false, 0)
		f.comment("ada", 1, 3, false, hash)
		f.sees("the deletion lost against an edit", "ada", hash, true, len(scan))
	})
}

func TestIdleUploadsAreForgotten(t *testing.T) {
	EachConfig(t, func(t *testing.T, cfg store.Config) {
		db := OpenStore(t, cfg)
		f := files{t, db, newCard(t, db, "ada")}
		kept, published, left := scan[:10], scan[:20], scan[:30]
		f.comment("ada", 1, 1, false, hashOf(kept), hashOf(published), hashOf(left), hashOf(scan))
		f.upload("ada", kept)
		f.upload("ada", published)
		f.upload("ada", left)
		f.report(card.RecordID(store.NewID()), "lab.general", hashOf(published), published)
		f.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
			return tx.AddUpload(p, hashOf(scan), card.Upload{Size: int64(len(scan)), Arrived: wire.AttachmentChunk, Sum: []byte("x")}, 0, scan[:wire.AttachmentChunk], noon)
		})
		sweep := func(at time.Time, due ...card.ID) {
			t.Helper()
			update(t, db, func(tx *store.Tx) error {
				turns, err := tx.CardsWithIdleUploads(at.Add(-time.Hour), card.Turn{}, 10)
				var cards []card.ID
				for _, turn := range turns {
					cards = append(cards, turn.Card)
				}
				if cards = slices.Compact(cards); err != nil || !slices.Equal(cards, due) {
					t.Errorf("%v: cards with idle uploads: %v, %v; want %v", at, turns, err, due)
				}
				for i, turn := range turns {
					if rest, err := tx.CardsWithIdleUploads(at.Add(-time.Hour), turn, 10); err != nil || len(rest) != len(turns)-i-1 {
						t.Errorf("and behind the last: %v, %v", rest, err)
					}
				}
				for _, turn := range turns {
					if err := tx.ForgetUploads(turn.Card, at.Add(-time.Hour), at); err != nil {
						return err
					}
				}
				return nil
			})
		}
		begun := func(when string, want bool) {
			t.Helper()
			f.as(patient("ada"), consent.PatientRequest, func(tx *store.Tx, p consent.Permit) error {
				if _, found, err := tx.Upload(p, hashOf(scan)); err != nil || found != want {
					t.Errorf("%s: the unfinished upload is there: %v, %v", when, found, err)
				}
				return nil
			})
		}
		sweep(noon.Add(time.Minute), f.id) // what is named is not idle
		sweep(noon.Add(time.Minute))       // and nobody looks at it again
		begun("soon", true)
		f.comment("ada", 1, 2, false, hashOf(kept), hashOf(scan)) // she takes two of them away
		sweep(noon.Add(50*time.Minute), f.id)
		begun("after a while", true)
		f.comment("ada", 1, 3, false, hashOf(kept), hashOf(scan), hashOf(left))
		f.sees("she put it back", "ada", hashOf(left), true, len(left))
		sweep(noon.Add(55 * time.Minute)) // which is found out when it would have been idle for long
		f.comment("ada", 1, 4, false, hashOf(kept), hashOf(scan))
		sweep(noon.Add(70*time.Minute), f.id)
		begun("after long", false)
		f.comment("ada", 1, 5, false, hashOf(kept), hashOf(left))
		f.sees("what was taken away for less than long, all in all for longer", "ada", hashOf(left), true, len(left))
		f.comment("ada", 1, 6, false, hashOf(kept))
		sweep(noon.Add(125*time.Minute), f.id)
		sweep(noon.Add(180 * time.Minute))
		sweep(noon.Add(200*time.Minute), f.id)
		sweep(noon.Add(400 * time.Minute))
		f.comment("ada", 1, 7, false, hashOf(kept), hashOf(left))
		f.sees("what is named", "ada", hashOf(kept), true, len(kept))
		f.sees("what a clinic published too", "ada", hashOf(published), true, len(published))
		f.sees("what nobody named for long", "ada", hashOf(left), true, 0)
		if pieces := count(t, cfg, "attachment_piece"); pieces != 2 {
			t.Errorf("%d pieces are left, want those of two files", pieces)
		}
	})
}

func TestFilesAreSealedAndInTheBackup(t *testing.T) {
	ctx, cfg := context.Background(), SQLite(t)
	db := OpenStore(t, cfg)
	f := files{t, db, newCard(t, db, "ada")}
	f.report(card.RecordID(store.NewID()), "lab.general", hashOf(scan), scan)
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := db.Backup(ctx, backup, noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	there := store.Config{SQLite: filepath.Join(t.TempDir(), "medcard.db"), Keys: cfg.Keys}
	if _, err := store.Restore(ctx, there, backup, "", noon, nobodyLooks); err != nil {
		t.Fatal(err)
	}
	restored := files{t, OpenStore(t, there), f.id}
	restored.sees("restored", "ada", hashOf(scan), true, len(scan))
	if got := restored.read("ada", hashOf(scan), len(scan)); !bytes.Equal(got, scan) {
		t.Error("the file comes back changed")
	}
	for _, name := range []string{backup, cfg.SQLite, cfg.SQLite + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(content, scan[:64]) || bytes.Contains(content, []byte(hashOf(scan))) {
			t.Errorf("%s holds the file, or its hash, in the clear", filepath.Base(name))
		}
	}
	// A piece that stands in another one's place does not open.
	raw, _ := bare(t, cfg)
	if _, err := raw.ExecContext(ctx, "UPDATE attachment_piece SET sealed = (SELECT sealed FROM attachment_piece WHERE number = 1) WHERE number = 0"); err != nil {
		t.Fatal(err)
	}
	err := db.View(ctx, func(tx *store.Tx) error {
		p, err := tx.Decide(patient("ada"), f.id, consent.PatientRequest, noon)
		if err != nil {
			return err
		}
		_, err = tx.AttachmentPiece(p, hashOf(scan), 0)
		return err
	})
	if err == nil {
		t.Error("pieces can be exchanged")
	}
}

// count counts the rows of a table.
func count(t *testing.T, cfg store.Config, table string) (n int) {
	t.Helper()
	db, _ := bare(t, cfg)
	if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
