package auditing

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
)

// Finding is one thing that is wrong with the log.
type Finding struct {
	What   string
	Card   card.ID // "" = the log itself
	Number uint64
	Place  int64 // in the log; -1 = none in particular
}

func (f Finding) String() string {
	text := f.What
	if f.Place >= 0 {
		text = fmt.Sprintf("place %d: %s", f.Place, text)
	}
	if f.Card != "" {
		text += fmt.Sprintf(" (card %s, entry %d)", f.Card, f.Number)
	}
	return text
}

// Report is what a verification of the database found.
type Report struct {
	Checkpoint audit.Checkpoint
	Signed     string
	Entries    int64 // of the log that were read and hashed again
	Waiting    int   // entries that wait for the log
	Older      int   // entries from before the log: nothing is known of them
	Shredded   int   // entries of the log that nobody can read, because their card was destroyed: of those the log says only that they were there
	Cards      int
	Findings   []Finding // none = all is well
	More       int       // findings beyond those
}

// maxFindings is how many findings are kept: somebody who changed a key has changed everything.
const maxFindings = 1000

func (r *Report) find(f Finding) {
	if len(r.Findings) < maxFindings {
		r.Findings = append(r.Findings, f)
	} else {
		r.More++
	}
}

func (r *Report) findInLog(place int64, what string) { r.find(Finding{What: what, Place: place}) }

// pageOfCards is how many cards are looked at in one transaction.
const pageOfCards = 200

// Verify holds the tables against the signed checkpoint, and against one that was kept: it reads every entry again, hashes it, builds the tree
// anew, and looks for gaps in each card's numbers. Meanwhile the server may go on. seen is
// told the hash of each entry of the log, in their order, and how many there are.
func (s *Service) Verify(ctx context.Context, kept audit.Checkpoint, seen func(leaf audit.Hash, total int64)) (r Report, err error) {
	keys, err := s.Keys()
	if err != nil {
		return r, err
	}
	if r.Signed, err = s.Checkpoint(ctx); err != nil {
		return r, err
	}
	if r.Checkpoint, err = keys.open(r.Signed); err != nil {
		r.findInLog(-1, "the checkpoint is not signed by the log's key")
		return r, nil
	}
	if kept.Size > r.Checkpoint.Size {
		r.findInLog(-1, fmt.Sprintf("the log had %d entries when it was verified before, and has %d", kept.Size, r.Checkpoint.Size))
	}
	if err := s.verifyHead(ctx, keys, &r); err != nil {
		return r, err
	}
	if err := s.verifyTree(ctx, &r, kept, seen); err != nil {
		return r, err
	}
	if err := s.verifyWaiting(ctx, &r); err != nil {
		return r, err
	}
	return r, s.verifyCards(ctx, &r)
}

// verifyHead looks at where the log ends, which may be further by now.
func (s *Service) verifyHead(ctx context.Context, keys Keys, r *Report) error {
	return s.Store.View(ctx, func(tx Tx) error {
		size, signed, err := tx.Log()
		if err != nil {
			return err
		}
		if c, err := keys.open(signed); err != nil || c.Size != size {
			r.findInLog(size, "the log ends here, and its checkpoint says otherwise")
		}
		behind, err := tx.LoggedEntries(size, size+1)
		if len(behind) > 0 {
			r.findInLog(size, "there is an entry behind the end of the log")
		}
		return err
	})
}

// verifyTree walks the log from its beginning to the checkpoint.
func (s *Service) verifyTree(ctx context.Context, r *Report, kept audit.Checkpoint, seen func(leaf audit.Hash, total int64)) error {
	grown := &tree{known: map[int64]tlog.Hash{}, nodes: map[int64]audit.Hash{}}
	size := r.Checkpoint.Size
	for from := int64(0); from < size; {
		to := min(from+batch, size)
		if kept.Size > from && kept.Size < to {
			to = kept.Size // to have the root at that size
		}
		var page []audit.Logged
		var nodes map[int64]audit.Hash
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			if page, err = tx.LoggedEntries(from, to); err != nil {
				return err
			}
			nodes, err = tx.LogNodes(tlog.StoredHashIndex(0, from), tlog.StoredHashIndex(0, to))
			return err
		}); err != nil {
			return err
		}
		if place, ok := gapless(page, from, to); !ok {
			r.findInLog(place, "the log has no entry here; what is behind it was not looked at")
			return nil
		}
		for _, l := range page {
			r.Entries++
			r.findEntry(l, l.Place)
			seen(l.Hash, size)
			if err := grown.add(l.Place, tlog.Hash(l.Hash)); err != nil {
				return err
			}
		}
		for place, want := range grown.nodes {
			if nodes[place] != want {
				level, n := tlog.SplitStoredHashIndex(place)
				r.findInLog(n<<level, fmt.Sprintf("the inner hash over the %d entries from here is another", int64(1)<<level))
			}
		}
		if err := grown.forget(to); err != nil {
			return err
		}
		if from = to; from == kept.Size {
			if root, err := tlog.TreeHash(from, grown); err != nil || audit.Hash(root) != kept.Root {
				r.findInLog(-1, fmt.Sprintf("the first %d entries are not those that were verified before", from))
			}
		}
	}
	if root, err := tlog.TreeHash(size, grown); err != nil || audit.Hash(root) != r.Checkpoint.Root {
		r.findInLog(-1, fmt.Sprintf("the tree over the %d entries is not that of the checkpoint", size))
	}
	return nil
}

// gapless tells the first place that is missing in a page.
func gapless(page []audit.Logged, from, to int64) (place int64, ok bool) {
	for i, l := range page {
		if l.Place != from+int64(i) {
			return from + int64(i), false
		}
	}
	return from + int64(len(page)), int64(len(page)) == to-from
}

// findEntry holds an entry against its hash in the log.
func (r *Report) findEntry(l audit.Logged, place int64) {
	if l.State == audit.Shredded {
		r.Shredded++
	}
	if what := l.Damage(); what != "" {
		r.find(Finding{What: what, Card: l.Card, Number: l.Number, Place: place})
	}
}

// verifyWaiting looks at the entries that are not in the log yet. Those of a busy server may be more than fit; they get their turn.
func (s *Service) verifyWaiting(ctx context.Context, r *Report) error {
	return s.Store.View(ctx, func(tx Tx) error {
		page, err := tx.WaitingEntries(10 * batch)
		if err != nil {
			return err
		}
		r.Waiting = len(page)
		for _, l := range page {
			r.findEntry(l, -1)
		}
		return nil
	})
}

// verifyCards looks for gaps in each card's numbers, and for entries that never came into the log.
func (s *Service) verifyCards(ctx context.Context, r *Report) error {
	for after := card.ID(""); ; {
		var page []audit.CardTrail
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			page, err = tx.CardTrails(after, pageOfCards)
			return err
		}); err != nil || len(page) == 0 {
			return err
		}
		for _, c := range page {
			r.Cards++
			if c.Entries != c.Count || c.Highest != c.Count {
				r.find(Finding{What: fmt.Sprintf("the card counted to %d, and has %d entries up to number %d", c.Count, c.Entries, c.Highest), Card: c.Card, Number: c.Count, Place: -1})
			}
			for _, number := range c.Stray {
				r.find(Finding{What: "the entry is not in the log and does not wait for it", Card: c.Card, Number: number, Place: -1})
			}
			if r.Older += int(c.Older); c.First > 0 && c.Last > c.First {
				r.find(Finding{What: "the entry says that it is older than the log, and is not", Card: c.Card, Number: c.Last, Place: -1})
			}
			if c.Shredded && !c.Order {
				r.find(Finding{What: "the card's key is gone, and no entry says that it was destroyed", Card: c.Card, Number: c.Count, Place: -1})
			}
			after = c.Card
		}
	}
}
