package auditing

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
)

// watched is how many of the newest entries a look of the server at its own log takes in, and the most that are counted of those that wait.
const (
	watched     = 100
	mostWaiting = 1_000_000
)

// Waiting counts the entries that wait for the log, a million at most, and tells since when the oldest does; zero if none does.
func (s *Service) Waiting(ctx context.Context) (waiting int, since time.Time, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		waiting, since, err = tx.WaitingForLog(mostWaiting)
		return err
	})
	return waiting, since, err
}

// Watch looks at the newest entries of the log: whether they are what was hashed, stand in the tree, and that is the tree of the checkpoint. If not it fails with
// ErrTampered. It is cheap, to be done often; all of the log is looked at by Verify.
func (s *Service) Watch(ctx context.Context) error {
	return s.Store.View(ctx, func(tx Tx) error {
		keys, err := s.Keys()
		if err != nil {
			return err
		}
		size, signed, err := tx.Log()
		if err != nil {
			return err
		}
		tree := treeOf(tx)
		root, err := tlog.TreeHash(size, tree)
		if err != nil {
			return err
		}
		if err := keys.match(signed, size, root); err != nil {
			return err
		}
		from := max(size-watched, 0)
		newest, err := tx.LoggedEntries(from, size)
		if err != nil {
			return err
		}
		if int64(len(newest)) != size-from {
			return ErrTampered
		}
		for i, l := range newest {
			path, err := tlog.ProveRecord(size, l.Place, tree)
			if err != nil {
				return err
			}
			if l.Place != from+int64(i) || !whole(l) || tlog.CheckRecord(path, size, root, l.Place, tlog.Hash(l.Hash)) != nil {
				return ErrTampered
			}
		}
		return nil
	})
}

// whole reports whether an entry is what was hashed, as far as that can be told: of a destroyed card's it cannot.
func whole(l audit.Logged) bool {
	return l.State == audit.Shredded || l.State == audit.Readable && l.Entry.Hash() == l.Hash
}
