package attaching

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/wire"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	LockCard(card.ID) error
	OwnReadSince(card.ID, identity.Actor, consent.Purpose, time.Time) (bool, error)
	AppendAudit(audit.Entry) error

	// Attachment says whether a record that the permit reads names the file, and its size; 0 while it is not there.
	Attachment(p consent.Permit, hash card.Hash) (size int64, named bool, err error)
	AttachmentPiece(p consent.Permit, hash card.Hash, number int64) ([]byte, error)

	// NamesAttachment reports whether the permit's own account named the file.
	NamesAttachment(p consent.Permit, hash card.Hash) (bool, error)
	Upload(p consent.Permit, hash card.Hash) (u card.Upload, found bool, err error)
	Uploaded(consent.Permit) (named, all int64, err error)
	AddUpload(p consent.Permit, hash card.Hash, u card.Upload, number int64, content []byte, now time.Time) error
	// UploadPiece reads one piece of the permit's own upload, nil where it has none of the number.
	UploadPiece(p consent.Permit, hash card.Hash, number int64) ([]byte, error)
	DropUpload(p consent.Permit, hash card.Hash) error

	CardsWithIdleUploads(before time.Time, behind card.Turn, limit int) ([]card.Turn, error)
	ForgetUploads(id card.ID, before, now time.Time) error
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service gives files out and takes them in.
type Service struct {
	Store Store
	Scan  Scan // of every file before anybody may read it; nil = none is scanned
	Clock func() time.Time
}

const (
	readAgain = 15 * time.Minute // how often a person's reads are remembered, per device: as of records
	piece     = wire.AttachmentChunk
)

// What a request is refused with.
var (
	ErrNotFound = fault.New(fault.NotFound, "attachment.not_found", "No record that you may read names such a file.")
	ErrPending  = fault.New(fault.NotFound, "attachment.pending", "The file is named by a record, and has not been uploaded yet. Try again later.")
)

// Asked says which file somebody wants to read, and why.
type Asked struct {
	Card    card.ID
	Hash    card.Hash
	Purpose consent.Purpose
	Request string
}

// Size finds the file and remembers who is about to read it: the owner once per device and quarter of an hour, anybody else each time.
func (s *Service) Size(ctx context.Context, a identity.Actor, in Asked) (size int64, err error) {
	now := s.Clock().UTC()
	noted := false
	look := func(tx Tx) error {
		permit, err := tx.Decide(a, in.Card, in.Purpose, now)
		if err != nil {
			return err
		}
		if size, err = find(tx, permit, in.Hash); err != nil {
			return err
		}
		if noted = false; permit.Owner() {
			noted, err = tx.OwnReadSince(in.Card, a, in.Purpose, now.Add(-readAgain))
		}
		return err
	}
	// Most of an owner's requests have nothing to write: the pieces of one file, the files of one evening.
	if err := s.Store.View(ctx, look); err != nil || noted {
		return size, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		if err := look(tx); err != nil || noted {
			return err
		}
		return tx.AppendAudit(audit.Entry{Card: in.Card, At: now, Actor: a, Action: audit.Read, Purpose: in.Purpose, What: "attachment", Request: in.Request})
	})
	return size, err
}

func find(tx Tx, p consent.Permit, hash card.Hash) (int64, error) {
	size, named, err := tx.Attachment(p, hash)
	switch {
	case err != nil:
		return 0, err
	case !named:
		return 0, ErrNotFound
	case size == 0:
		return 0, ErrPending
	}
	return size, nil
}

// Read gives the bytes from the offset to the end of the piece in which it lies. Access is decided anew: it may have ended since
// the piece before.
func (s *Service) Read(ctx context.Context, a identity.Actor, in Asked, offset int64) (content []byte, err error) {
	now := s.Clock().UTC()
	err = s.Store.View(ctx, func(tx Tx) error {
		permit, err := tx.Decide(a, in.Card, in.Purpose, now)
		if err != nil {
			return err
		}
		size, err := find(tx, permit, in.Hash)
		if err != nil {
			return err
		}
		if offset < 0 || offset >= size {
			return errOutside
		}
		if content, err = tx.AttachmentPiece(permit, in.Hash, offset/piece); err != nil {
			return err
		}
		within := offset % piece
		if within >= int64(len(content)) {
			return errOutside
		}
		content = content[within:]
		return nil
	})
	return content, err
}

var errOutside = fault.New(fault.Invalid, "attachment.outside", "The file has no such bytes.")
