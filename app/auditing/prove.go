package auditing

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// What an outsider may ask wrongly.
var (
	ErrNoCheckpoint = fault.New(fault.Unavailable, "audit.no_checkpoint", "The audit log has no checkpoint yet. Try again in a moment.").After(time.Second)
	ErrSizes        = fault.New(fault.Invalid, "audit.sizes", "Sizes of the audit log are at least 1, and not more than its checkpoint says; the older one is not the larger.")
)

// Checkpoint gives the newest signed checkpoint, a note.
func (s *Service) Checkpoint(ctx context.Context) (signed string, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		if _, signed, err = tx.Log(); err == nil && signed == "" {
			err = ErrNoCheckpoint
		}
		return err
	})
	return signed, err
}

// Consistency proves that the log of the larger size begins with that of the smaller (RFC 6962, section 2.1.2).
func (s *Service) Consistency(ctx context.Context, older, newer int64) (proof []audit.Hash, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		size, _, err := tx.Log()
		if err != nil {
			return err
		}
		if older < 1 || older > newer || newer > size {
			return ErrSizes
		}
		hashes, err := tlog.ProveTree(newer, older, treeOf(tx))
		proof = asHashes(hashes)
		return err
	})
	return proof, err
}

// LeafPage is how many hashes of entries a page holds at most.
const LeafPage = 4096

// Leaves gives a page of the hashes of entries from a place on; an empty one at the end of the log.
func (s *Service) Leaves(ctx context.Context, from int64) (page []audit.Hash, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		size, _, err := tx.Log()
		if err != nil {
			return err
		}
		if from < 0 || from > size {
			return ErrSizes
		}
		page, err = tx.LeafHashes(from, int(min(LeafPage, size-from)))
		return err
	})
	return page, err
}

// Proven is an entry of a card with the proof that it stands in the log.
type Proven struct {
	audit.Salted
	Logged bool // false: it waits for its turn, or is older than the log
	Place  int64
	Proof  []audit.Hash // RFC 6962, section 2.1.1
}

// Evidence gives who speaks for the patient a page of entries as Trail does, with the proofs that they stand in the log of the checkpoint.
func (s *Service) Evidence(ctx context.Context, a identity.Actor, id card.ID, below uint64) (signed string, page []Proven, err error) {
	err = s.watch(ctx, a, id, func(tx Tx, permit consent.Permit) (err error) {
		var size int64
		if size, signed, err = tx.Log(); err == nil && signed == "" {
			err = ErrNoCheckpoint
		}
		if err != nil {
			return err
		}
		entries, err := tx.SaltedTrail(permit, below, PageSize)
		if err != nil {
			return err
		}
		page, err = prove(tx, id, size, entries)
		return err
	})
	return signed, page, err
}

func prove(tx Tx, id card.ID, size int64, entries []audit.Salted) ([]Proven, error) {
	numbers := make([]uint64, len(entries))
	for i, e := range entries {
		numbers[i] = e.Number
	}
	places, err := tx.PlacesInLog(id, numbers)
	if err != nil {
		return nil, err
	}
	tree := treeOf(tx) // neighbours share most of their proofs
	page := make([]Proven, len(entries))
	for i, e := range entries {
		page[i] = Proven{Salted: e}
		place, logged := places[e.Number]
		if !logged || place >= size {
			continue
		}
		hashes, err := tlog.ProveRecord(size, place, tree)
		if err != nil {
			return nil, err
		}
		page[i].Logged, page[i].Place, page[i].Proof = true, place, asHashes(hashes)
	}
	return page, nil
}

func asHashes(list []tlog.Hash) []audit.Hash {
	hashes := make([]audit.Hash, len(list))
	for i, h := range list {
		hashes[i] = audit.Hash(h)
	}
	return hashes
}
