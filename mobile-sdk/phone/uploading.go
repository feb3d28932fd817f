package phone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/mobile-sdk/problem"
	"github.com/medcard/medcard/sync/vclock"
	"github.com/medcard/medcard/sync/wire"
)

// Attach takes a file into the encrypted vault and gives it back as an attachment, to be saved with a comment or a measurement within a
// week: Card.Comment, Card.AddMeasurement, Editor.Save. Needs no network. ErrFileSize.
//
// The next sync sends the record, and then the file: what was written does not wait for a picture. See Card.Uploads.
func (k *Card) Attach(title, contentType string, content io.Reader) (card.Attachment, error) {
	name, err := k.client.newID()
	if err != nil {
		return card.Attachment{}, err
	}
	a := card.Attachment{Title: title, ContentType: contentType, Created: card.DateOf(k.client.time.now())}
	sum := sha256.New()
	buffer := make([]byte, commitBytes)
	for {
		n, err := io.ReadFull(content, buffer)
		if n > 0 {
			sum.Write(buffer[:n])
			a.Size += n
			if a.Size > wire.MaxAttachment {
				return card.Attachment{}, errors.Join(ErrFileSize, k.drop(name))
			}
			now := k.client.time.now()
			if err := k.store.Change(func(tx *vault.Tx) error { return tx.AddOwn(name, buffer[:n], now) }); err != nil {
				return card.Attachment{}, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return card.Attachment{}, errors.Join(err, k.drop(name))
		}
	}
	if a.Size == 0 {
		return card.Attachment{}, ErrFileSize
	}
	a.Hash = card.Hash(hex.EncodeToString(sum.Sum(nil)))
	now := k.client.time.now()
	return a, k.store.Change(func(tx *vault.Tx) error { return tx.NameOwn(name, string(a.Hash), now) })
}

func (k *Card) drop(name string) error {
	return k.store.Change(func(tx *vault.Tx) error { return tx.DropAttachment(name) })
}

// attached checks that each file which a value names anew was attached here: to name one is not to have it.
func (k *Card) attached(atoms values, before []values) error {
	known := map[string]bool{}
	for _, atoms := range before {
		for _, value := range atoms {
			for _, hash := range wire.NamedIn(value) {
				known[hash] = true
			}
		}
	}
	return k.store.Read(func(tx *vault.Tx) error {
		for _, value := range atoms {
			for _, hash := range wire.NamedIn(value) {
				if known[hash] {
					continue
				}
				if a, _, err := tx.Attachment(hash); err != nil || !a.Whole || !a.Own {
					return errors.Join(err, ErrNoFile)
				}
			}
		}
		return nil
	})
}

// upload sends the files of a card that were attached here and that the server does not have.
func (c *Client) upload(ctx context.Context, k *Card, left rest, report *Report) error {
	if left.unsaved {
		old := c.time.now().Add(-heldFor)
		if err := k.store.Change(func(tx *vault.Tx) error { return tx.DropHeld(old) }); err != nil {
			return err
		}
	}
	var errs []error
	for _, a := range left.files {
		u := uploading{client: c, card: k, file: a, epoch: left.meta.Epoch, stamp: left.meta.HLC}
		sent, err := u.run(ctx)
		if sent {
			report.Uploaded++
		}
		if errors.Is(err, errWritten) || errors.Is(err, ErrOffline) || ctx.Err() != nil {
			return err // there is no use in the next one at this time
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// unsent says whether there are files that the server of the epoch lacks.
func (k *Card) unsent(epoch string) (some bool, err error) {
	err = k.store.Read(func(tx *vault.Tx) error {
		files, err := tx.Unsent(epoch)
		some = len(files) > 0
		return err
	})
	return some, err
}

// uploading sends one file.
type uploading struct {
	client *Client
	card   *Card
	file   vault.Attachment
	epoch  string
	stamp  vclock.HLC // of the newest edit when the upload began
	anew   int        // how often the server had other words for how far it got
}

// run asks how far the upload got and goes on there, until the server has it all, or says that it will not take it. That is noted
// with the file, and keeps nothing else from going.
func (u *uploading) run(ctx context.Context) (sent bool, err error) {
	var at wire.Upload
	err = u.client.do(ctx, call{method: http.MethodGet, path: u.path(), into: &at})
	for err == nil && !at.Complete {
		at, err = u.piece(ctx, at.Offset)
		if code := problem.CodeOf(err); (code == "upload.offset" || code == "upload.hash_mismatch") && u.anew < enough {
			u.anew++
			at, err = wire.Upload{}, u.client.do(ctx, call{method: http.MethodGet, path: u.path(), into: &at})
		}
	}
	var refusal *problem.Problem
	if problem.CodeOf(err) == "attachment.not_found" {
		if unwanted, err := u.disown(); unwanted || err != nil {
			return false, err
		}
	}
	switch {
	case err == nil:
		return true, u.note(u.file.Size, u.epoch, "")
	case errors.As(err, &refusal) && final[refusal.Status] && refusal.Code != "card.not_found":
		return false, u.note(at.Offset, u.epoch, refusal.Code)
	}
	return false, err
}

// disown gives a file up that was deleted with its record before the server had it.
func (u *uploading) disown() (unwanted bool, err error) {
	err = u.card.store.Change(func(tx *vault.Tx) error {
		unwanted, err = tx.Disown(u.file.Hash)
		return err
	})
	return unwanted, err
}

// final are the answers after which another try would be in vain. Of what the person may or may not do at this time none is.
var final = map[int]bool{
	http.StatusNotFound: true, http.StatusConflict: true, http.StatusRequestEntityTooLarge: true, http.StatusUnsupportedMediaType: true, http.StatusUnprocessableEntity: true,
}

// errWritten interrupts an upload: something was written since it began.
var errWritten = errors.New("phone: an edit goes before the rest of a file")

func (u *uploading) path() string {
	return "/v1/cards/" + string(u.card.id) + "/uploads/" + u.file.Hash
}

// piece sends the next one.
func (u *uploading) piece(ctx context.Context, offset int64) (at wire.Upload, err error) {
	content := make([]byte, 0, wire.AttachmentChunk)
	if offset < 0 || offset >= u.file.Size {
		return at, ErrAnswer
	}
	want := int(min(wire.AttachmentChunk, u.file.Size-offset))
	for len(content) < want {
		if err := u.card.store.Read(func(tx *vault.Tx) error {
			meta, err := tx.Meta()
			if err == nil && meta.HLC > u.stamp {
				err = errWritten
			}
			if err != nil {
				return err
			}
			part, err := tx.AttachmentBytes(u.file.Hash, offset+int64(len(content)))
			content = append(content, part[:min(len(part), want-len(content))]...)
			return err
		}); err != nil {
			return at, err
		}
	}
	err = u.client.do(ctx, call{
		method: http.MethodPatch, path: u.path(), raw: content, into: &at,
		header: http.Header{
			"Content-Type": {"application/offset+octet-stream"}, "Upload-Offset": {strconv.FormatInt(offset, 10)}, "Upload-Length": {strconv.FormatInt(u.file.Size, 10)},
		},
	})
	if err != nil {
		return at, err
	}
	if at.Offset <= offset {
		return at, ErrAnswer
	}
	return at, u.note(at.Offset, "", "")
}

// note writes down how far it got, and tells who wants to know.
func (u *uploading) note(arrived int64, epoch, code string) error {
	if err := u.card.store.Change(func(tx *vault.Tx) error { return tx.NoteUpload(u.file.Hash, arrived, epoch, code) }); err != nil {
		return err
	}
	if u.client.uploaded != nil {
		u.client.uploaded(UploadProgress{Card: u.card.id, Hash: card.Hash(u.file.Hash), Done: arrived, Total: u.file.Size})
	}
	return nil
}

// RetryUpload has a file sent again that the server refused: there may be room for it now.
func (k *Card) RetryUpload(hash card.Hash) error {
	if err := k.store.Change(func(tx *vault.Tx) error { return tx.NoteUpload(string(hash), 0, "", "") }); err != nil {
		return err
	}
	k.client.Wake()
	return nil
}

// UploadProgress tells how far an upload is.
type UploadProgress struct {
	Card  card.ID
	Hash  card.Hash
	Done  int64 // bytes that have arrived
	Total int64
}
