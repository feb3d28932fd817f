package proving

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Scan looks for malware in a file. infected is what it found, in the scanner's own word, "" = nothing. An error means that nobody looked.
type Scan func(ctx context.Context, content io.Reader) (infected string, err error)

var (
	errInfected = fault.New(fault.Invalid, "file.infected", "The virus scanner found something in this file, and it was not kept. Check your device, and photograph the page anew.")
	errNoScan   = fault.New(fault.Unavailable, "file.not_scanned", "The virus scanner cannot be reached, so no file is taken for now. What was sent before is kept; send this one again later.").After(time.Minute)
)

// scan has a file looked at before anything of it is kept, and counts it before that, since a scan is dear. done is false where nothing scans.
func (s *Service) scan(ctx context.Context, a identity.Actor, content []byte, now time.Time) (done bool, err error) {
	if s.Scan == nil {
		return false, nil
	}
	if err := s.Store.Update(ctx, func(tx Tx) error { return s.spend(tx, files, a.Account, now) }); err != nil {
		return false, err
	}
	switch infected, err := s.Scan(ctx, bytes.NewReader(content)); {
	case err != nil:
		return false, errNoScan.Because(err)
	case infected != "":
		return false, errInfected
	}
	return true, nil
}
