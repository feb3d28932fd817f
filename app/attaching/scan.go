package attaching

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Scan looks for malware in a file. infected is what it found, in the scanner's own word, "" = nothing. An error means that nobody looked.
type Scan func(ctx context.Context, content io.Reader) (infected string, err error)

// What the scanner has a file refused with.
var (
	ErrInfected = fault.New(fault.Invalid, "upload.infected", "The virus scanner found something in this file, and nothing of it was kept. Check your device.")
	ErrNoScan   = fault.New(fault.Unavailable, "upload.not_scanned", "The virus scanner cannot be reached, so the file is not whole yet. What has arrived is kept; send the last piece again later.").After(time.Minute)
)

// completes reports whether a piece is the last one of its file.
func (p Piece) completes() bool { return p.Offset+int64(len(p.Content)) == p.Length }

// scan has the file looked at whose last piece comes, before it is anybody's to read. clean is true only of the very file: its bytes are hashed
// again as the scanner reads them, since the pieces before may be replaced in the meantime. What is infected is thrown away.
func (s *Service) scan(ctx context.Context, a identity.Actor, in Piece) (clean bool, err error) {
	if s.Scan == nil || !in.completes() {
		return true, nil
	}
	err = s.Store.View(ctx, func(tx Tx) error { // what cannot be added is not worth a scan
		permit, err := s.uploader(tx, a, in.Card, in.Hash)
		if err != nil {
			return err
		}
		before, found, err := tx.Upload(permit, in.Hash)
		if err != nil {
			return err
		}
		return s.joins(tx, permit, in, before, found)
	})
	if err != nil {
		return false, err
	}
	sum := sha256.New()
	arrived := &arriving{service: s, ctx: ctx, actor: a, in: in}
	infected, err := s.Scan(ctx, io.TeeReader(arrived, sum))
	switch {
	case arrived.failed != nil:
		return false, arrived.failed
	case err != nil:
		return false, ErrNoScan.Because(err)
	case infected == "":
		return hex.EncodeToString(sum.Sum(nil)) == string(in.Hash), nil
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		permit, err := s.uploader(tx, a, in.Card, in.Hash)
		if err != nil {
			return err
		}
		if err := tx.LockCard(in.Card); err != nil {
			return err
		}
		return tx.DropUpload(permit, in.Hash)
	})
	if err != nil {
		return false, err
	}
	return false, ErrInfected
}

// arriving reads an upload piece by piece, each in a transaction of its own, and the last one from the request: no more than one is in memory.
type arriving struct {
	service *Service
	ctx     context.Context //nolint:containedctx // an io.Reader has nowhere else to get it from
	actor   identity.Actor
	in      Piece
	at      int64
	rest    []byte
	failed  error // of the store; else an error is the scanner's
}

// Read gives the next bytes.
func (r *arriving) Read(p []byte) (n int, err error) {
	if len(r.rest) == 0 {
		switch {
		case r.at == r.in.Length:
			return 0, io.EOF
		case r.at == r.in.Offset:
			r.rest = r.in.Content
		default:
			if r.rest, r.failed = r.piece(); r.failed != nil {
				return 0, r.failed
			}
		}
	}
	n = copy(p, r.rest)
	r.rest, r.at = r.rest[n:], r.at+int64(n)
	return n, nil
}

func (r *arriving) piece() (content []byte, err error) {
	err = r.service.Store.View(r.ctx, func(tx Tx) error {
		permit, err := r.service.uploader(tx, r.actor, r.in.Card, r.in.Hash)
		if err != nil {
			return err
		}
		if content, err = tx.UploadPiece(permit, r.in.Hash, r.at/piece); err == nil && len(content) != piece {
			err = ErrOffset // it was thrown away meanwhile
		}
		return err
	})
	return content, err
}
