package store

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// Documents by which people prove who they are. Each has a key of its own, wrapped as those of cards are: to delete its row is to make its
// files unreadable.

// documentDetail is the sealed part of a document.
type documentDetail struct {
	Number   string        `json:"number,omitempty"`
	Words    string        `json:"words,omitempty"`
	Reviewer string        `json:"reviewer,omitempty"`
	Holder   family.Named  `json:"holder,omitzero"`
	Claim    *family.Claim `json:"claim,omitempty"`
}

var errSealedDocument = errors.New("store: a sealed document does not open: it was changed or moved, or this is another key folder")

func documentPlace(of identity.AccountID, id evidence.DocumentID, what string) []byte {
	return []byte("document|" + what + "|" + string(of) + "|" + string(id))
}

func filePlace(number int) string { return fmt.Sprintf("file %d", number) }

// documentKey unwraps a document's key, or makes one where wrapped is nil.
func (tx *Tx) documentKey(of identity.AccountID, id evidence.DocumentID, wrapped []byte) (key tink.AEAD, kept []byte, err error) {
	place := documentPlace(of, id, "key")
	plain := make([]byte, 32)
	if wrapped == nil {
		if _, err := rand.Read(plain); err != nil {
			return nil, nil, err
		}
		if wrapped, err = tx.wrap(plain, place); err != nil {
			return nil, nil, err
		}
	} else if plain, err = tx.unwrap(wrapped, place, errSealedDocument); err != nil {
		return nil, nil, err
	}
	key, err = subtle.NewAESGCM(plain)
	return key, wrapped, err
}

const documentColumns = "account, id, slot, status, changed_at, sent_at, judged_at, reason, key, sealed"

// Documents lists those of an account: of each slot the approved one, and the one that is to become it; and those of claims.
func (tx *Tx) Documents(of identity.AccountID) ([]evidence.Document, error) {
	return tx.documents("account = ? ORDER BY slot, settled, claim", uuidOrNil(string(of)))
}

// LockOpenDocument finds the document of the slot that is not approved, and locks it. Those of claims are not meant.
func (tx *Tx) LockOpenDocument(of identity.AccountID, slot evidence.Slot) (d evidence.Document, found bool, err error) {
	return tx.lockDocument("account = ? AND slot = ? AND claim = '' AND settled = ?", string(of), string(slot), false)
}

// LockDocument finds a document by its name, and locks it.
func (tx *Tx) LockDocument(of identity.AccountID, id evidence.DocumentID) (d evidence.Document, found bool, err error) {
	return tx.lockDocument("account = ? AND id = ?", string(of), string(id))
}

func (tx *Tx) lockDocument(which string, args ...any) (d evidence.Document, found bool, err error) {
	if n, err := tx.exec("UPDATE document SET settled = settled WHERE "+which, args...); err != nil || n == 0 {
		return d, false, err
	}
	list, err := tx.documents(which, args...)
	if err != nil || len(list) == 0 {
		return d, false, err
	}
	return list[0], true, nil
}

// DocumentsToCheck lists those that wait for a reviewer, of everybody, the one first that waits longest, behind the one that after names.
func (tx *Tx) DocumentsToCheck(after evidence.Document, limit int) ([]evidence.Document, error) {
	const order = " ORDER BY sent_at, account, id LIMIT ?"
	if after.Sent.IsZero() {
		return tx.documents("status = 'checking'"+order, limit)
	}
	return tx.documents("status = 'checking' AND (sent_at, account, id) > (?, ?, ?)"+order, micros(after.Sent), string(after.Account), string(after.ID), limit)
}

func (tx *Tx) documents(which string, args ...any) (list []evidence.Document, err error) {
	var keys, sealed [][]byte
	if err := tx.each(func(rows *sql.Rows) error {
		var d evidence.Document
		var key, body []byte
		var sent, judged sql.NullTime
		if err := rows.Scan(&d.Account, &d.ID, &d.Slot, &d.Status, &d.Changed, &sent, &judged, &d.Reason, &key, &body); err != nil {
			return err
		}
		d.Changed, d.Sent, d.Judged = d.Changed.UTC(), fromNull(sent), fromNull(judged)
		list, keys, sealed = append(list, d), append(keys, key), append(sealed, body)
		return nil
	}, "SELECT "+documentColumns+" FROM document WHERE "+which, args...); err != nil {
		return nil, err
	}
	for i := range list {
		d := &list[i]
		key, _, err := tx.documentKey(d.Account, d.ID, keys[i])
		if err != nil {
			return nil, err
		}
		text, err := key.Decrypt(sealed[i], documentPlace(d.Account, d.ID, "sealed"))
		if err != nil {
			return nil, errSealedDocument
		}
		var detail documentDetail
		if err := json.Unmarshal(text, &detail); err != nil {
			return nil, err
		}
		d.Number, d.Words, d.Reviewer, d.Holder, d.Claim = detail.Number, detail.Words, detail.Reviewer, detail.Holder, detail.Claim
		if d.Files, err = tx.files(d.Account, d.ID); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (tx *Tx) files(of identity.AccountID, id evidence.DocumentID) (list []evidence.File, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var f evidence.File
		err := rows.Scan(&f.Number, &f.Format, &f.Size, &f.Pages)
		list = append(list, f)
		return err
	}, "SELECT number, format, size, pages FROM document_file WHERE account = ? AND document = ? ORDER BY number", string(of), string(id))
	return list, err
}

// AddDocument keeps a new document without files; false when another one is open in its slot.
func (tx *Tx) AddDocument(d evidence.Document) (bool, error) {
	key, wrapped, err := tx.documentKey(d.Account, d.ID, nil)
	if err != nil {
		return false, err
	}
	sealed, err := sealDocument(key, d)
	if err != nil {
		return false, err
	}
	n, err := tx.exec("INSERT INTO document ("+documentColumns+", claim, settled) VALUES (?, ?, ?, ?, ?, NULL, NULL, '', ?, ?, '', ?) ON CONFLICT DO NOTHING",
		string(d.Account), string(d.ID), string(d.Slot), string(d.Status), micros(d.Changed), wrapped, sealed, false)
	return n > 0, err
}

func sealDocument(key tink.AEAD, d evidence.Document) ([]byte, error) {
	text, err := json.Marshal(documentDetail{Number: d.Number, Words: d.Words, Reviewer: d.Reviewer, Holder: d.Holder, Claim: d.Claim})
	if err != nil {
		return nil, err
	}
	return key.Encrypt(text, documentPlace(d.Account, d.ID, "sealed"))
}

// SetDocument keeps how a document is now; its slot and its files do not change by it. One that is approved takes the place of the
// approved one of its slot, but for those of claims: they take nobody's place, and leave theirs in the slot.
func (tx *Tx) SetDocument(d evidence.Document) error {
	key, err := tx.keyOfDocument(d.Account, d.ID)
	if err != nil {
		return err
	}
	sealed, err := sealDocument(key, d)
	if err != nil {
		return err
	}
	settled, claim := d.Status == evidence.Approved, ""
	if d.Claim != nil {
		claim = string(d.ID)
	}
	if settled && claim == "" {
		if err := tx.dropDocuments("account = ? AND slot = ? AND claim = '' AND settled = ? AND id <> ?", string(d.Account), string(d.Slot), true, string(d.ID)); err != nil {
			return err
		}
	}
	_, err = tx.exec("UPDATE document SET settled = ?, claim = ?, status = ?, changed_at = ?, sent_at = ?, judged_at = ?, reason = ?, sealed = ? WHERE account = ? AND id = ?",
		settled, claim, string(d.Status), micros(d.Changed), nullTime(d.Sent), nullTime(d.Judged), string(d.Reason), sealed, string(d.Account), string(d.ID))
	return err
}

func (tx *Tx) keyOfDocument(of identity.AccountID, id evidence.DocumentID) (tink.AEAD, error) {
	var wrapped []byte
	found, err := tx.one([]any{&wrapped}, "SELECT key FROM document WHERE account = ? AND id = ?", string(of), string(id))
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errors.New("store: there is no such document")
	}
	key, _, err := tx.documentKey(of, id, wrapped)
	return key, err
}

// PutFile keeps a file of a document in place of the one that had its number.
func (tx *Tx) PutFile(d evidence.Document, f evidence.File, content []byte) error {
	key, err := tx.keyOfDocument(d.Account, d.ID)
	if err != nil {
		return err
	}
	sealed, err := key.Encrypt(content, documentPlace(d.Account, d.ID, filePlace(f.Number)))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO document_file (account, document, number, format, size, pages, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, document, number) DO UPDATE SET format = excluded.format, size = excluded.size, pages = excluded.pages, sealed = excluded.sealed`,
		string(d.Account), string(d.ID), f.Number, string(f.Format), f.Size, f.Pages, sealed)
	return err
}

// FileContent reads the bytes of a document's file.
func (tx *Tx) FileContent(d evidence.Document, number int) ([]byte, error) {
	key, err := tx.keyOfDocument(d.Account, d.ID)
	if err != nil {
		return nil, err
	}
	var sealed []byte
	found, err := tx.one([]any{&sealed}, "SELECT sealed FROM document_file WHERE account = ? AND document = ? AND number = ?", string(d.Account), string(d.ID), number)
	if err != nil {
		return nil, err
	}
	content, bad := key.Decrypt(sealed, documentPlace(d.Account, d.ID, filePlace(number)))
	if !found || bad != nil {
		return nil, errSealedDocument
	}
	return content, nil
}

// DropDocument deletes a document with its files.
func (tx *Tx) DropDocument(d evidence.Document) error {
	return tx.dropDocuments("account = ? AND id = ?", string(d.Account), string(d.ID))
}

// ForgetDocuments deletes drafts and rejected documents that their people left alone since before the instant.
func (tx *Tx) ForgetDocuments(before time.Time) error {
	return tx.dropDocuments("status IN ('draft', 'rejected') AND changed_at < ?", micros(before))
}

func (tx *Tx) dropDocuments(which string, args ...any) error {
	if _, err := tx.exec("DELETE FROM document_file WHERE (account, document) IN (SELECT account, id FROM document WHERE "+which+")", args...); err != nil {
		return err
	}
	_, err := tx.exec("DELETE FROM document WHERE "+which, args...)
	return err
}
