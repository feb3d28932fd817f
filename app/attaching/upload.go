package attaching

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/wire"
)

// maxOwn is how much people may upload to one card in all. What no record names any more does not count: who took files away has
// room at once. But they are kept for a while, so there is a bound for both together: or one could fill and empty a card all day.
const (
	maxOwn  = 512 << 20
	maxKept = 2 * maxOwn
)

// keepIdle is how long an upload is kept to which nothing comes, or a patient's file that no record names any more.
const keepIdle = 30 * 24 * time.Hour

// What an upload is refused with.
var (
	ErrOffset   = fault.New(fault.Conflict, "upload.offset", "The piece does not join on to what has arrived. Ask how far the upload got and go on there.")
	ErrPiece    = fault.New(fault.Invalid, "upload.piece", "An upload comes in pieces of 262144 bytes, the last one may be shorter; it ends where its length says.")
	ErrLength   = fault.New(fault.TooLarge, "upload.length", "A file has 1 to 33554432 bytes.")
	ErrOther    = fault.New(fault.Conflict, "upload.other_length", "The pieces before were those of a file of another length.")
	ErrMismatch = fault.New(fault.Invalid, "upload.hash_mismatch", "What arrived is not the file of this hash. It was thrown away: start anew.")
	ErrFull     = fault.New(fault.TooLarge, "upload.card_full", "The files that people attached to this card take up all the room that there is for them. Take some away first.")
)

// Piece is one piece of an upload.
type Piece struct {
	Card    card.ID
	Hash    card.Hash
	Length  int64 // of the whole file
	Offset  int64
	Content []byte
	Request string
}

// Progress tells how far one's own upload got. Whether the card has the file from somebody else does not show.
func (s *Service) Progress(ctx context.Context, a identity.Actor, id card.ID, h card.Hash) (out wire.Upload, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		permit, err := s.uploader(tx, a, id, h)
		if err != nil {
			return err
		}
		u, _, err := tx.Upload(permit, h)
		out = wire.Upload{Offset: u.Arrived, Complete: u.Complete}
		return err
	})
	return out, err
}

// uploader is a permit to upload: one's own record has to name the file.
func (s *Service) uploader(tx Tx, a identity.Actor, id card.ID, h card.Hash) (consent.Permit, error) {
	permit, err := tx.Decide(a, id, consent.PatientRequest, s.Clock().UTC())
	if err != nil {
		return permit, err
	}
	named, err := tx.NamesAttachment(permit, h)
	if err == nil && !named {
		err = ErrNotFound
	}
	return permit, err
}

// Take takes in one piece and tells how far the upload is. The last one completes it, if all together are the file of the hash.
func (s *Service) Take(ctx context.Context, a identity.Actor, in Piece) (out wire.Upload, err error) {
	switch end := in.Offset + int64(len(in.Content)); {
	case in.Length < 1 || in.Length > wire.MaxAttachment:
		return out, ErrLength
	case in.Offset < 0 || in.Offset%piece != 0 || end > in.Length, end < in.Length && len(in.Content) != piece, len(in.Content) == 0:
		return out, ErrPiece
	}
	clean, err := s.scan(ctx, a, in)
	if err != nil {
		return out, err
	}
	mismatch := false
	err = s.Store.Update(ctx, func(tx Tx) error {
		mismatch = false
		permit, err := s.uploader(tx, a, in.Card, in.Hash)
		if err != nil {
			return err
		}
		if err := tx.LockCard(in.Card); err != nil { // two phones of one person may upload one file
			return err
		}
		before, found, err := tx.Upload(permit, in.Hash)
		if err != nil {
			return err
		}
		if err := s.joins(tx, permit, in, before, found); err != nil {
			return err
		}
		next, right, err := add(before, in)
		if err != nil {
			return err
		}
		if mismatch = !right; mismatch {
			return tx.DropUpload(permit, in.Hash)
		}
		if next.Complete && !clean {
			return ErrNoScan
		}
		now := s.Clock().UTC()
		if err := tx.AddUpload(permit, in.Hash, next, in.Offset/piece, in.Content, now); err != nil {
			return err
		}
		out = wire.Upload{Offset: next.Arrived, Complete: next.Complete}
		if !next.Complete {
			return nil
		}
		return tx.AppendAudit(audit.Entry{Card: in.Card, At: now, Actor: a, Action: audit.Push, Purpose: consent.PatientRequest, What: "attachment", Request: in.Request})
	})
	if err == nil && mismatch {
		err = ErrMismatch
	}
	return out, err
}

// joins says why a piece cannot be added to what has arrived.
func (s *Service) joins(tx Tx, p consent.Permit, in Piece, before card.Upload, found bool) error {
	switch {
	case found && before.Size != in.Length:
		return ErrOther
	case found && before.Complete, in.Offset != before.Arrived:
		return ErrOffset
	case found:
		return nil
	}
	named, all, err := tx.Uploaded(p)
	if err == nil && (named+in.Length > maxOwn || all+in.Length > maxKept) {
		err = ErrFull
	}
	return err
}

// add carries the hash on over one piece, so that nothing has to be read a second time at the end. right is false if all has arrived
// and it is not the file.
func add(before card.Upload, in Piece) (next card.Upload, right bool, err error) {
	sum := sha256.New()
	if before.Arrived > 0 {
		if err := restore(sum, before.Sum); err != nil {
			return next, false, nil // written by another version of Go: start anew
		}
	}
	sum.Write(in.Content)
	next = card.Upload{Size: in.Length, Arrived: before.Arrived + int64(len(in.Content))}
	if next.Arrived == in.Length {
		next.Complete = true
		return next, hex.EncodeToString(sum.Sum(nil)) == string(in.Hash), nil
	}
	state, ok := sum.(encoding.BinaryMarshaler)
	if !ok {
		return next, false, errState
	}
	next.Sum, err = state.MarshalBinary()
	return next, true, err
}

var errState = errors.New("attaching: the hash cannot be kept in the middle of its work")

func restore(sum hash.Hash, state []byte) error {
	from, ok := sum.(encoding.BinaryUnmarshaler)
	if !ok {
		return errState
	}
	return from.UnmarshalBinary(state)
}

// Sweep deletes uploads, and files of patients, that are idle for too long, on the cards that have such. Each card is a transaction of its
// own, and one card's trouble keeps no other from its turn.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.Clock().UTC()
	before := now.Add(-keepIdle)
	var errs []error
	for behind := (card.Turn{}); ; {
		var turns []card.Turn
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			turns, err = tx.CardsWithIdleUploads(before, behind, 100)
			return err
		}); err != nil || len(turns) == 0 {
			return errors.Join(append(errs, err)...)
		}
		for _, turn := range turns {
			behind = turn
			if err := s.Store.Update(ctx, func(tx Tx) error { return tx.ForgetUploads(turn.Card, before, now) }); err != nil {
				errs = append(errs, err)
			}
		}
		if err := ctx.Err(); err != nil {
			return errors.Join(append(errs, err)...)
		}
	}
}
