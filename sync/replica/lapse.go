package replica

import (
	"slices"
	"time"

	"github.com/medcard/medcard/sync/wire"
)

// What a phone destroys because it may not keep it: what access was lost to, and what has not been confirmed for too long. The
// base can be sent again. An edit cannot, so of those that went the person is told.

// Loss is what the person is told of edits that were destroyed: how many and when, and nothing of what they said.
type Loss struct {
	At    time.Time
	Edits int
	Why   LossReason
}

// LossReason says why edits were destroyed.
type LossReason string

// The reasons. The names are stored: they never change.
const (
	LostAccess LossReason = "access_ended" // the card is not open to this person any more
	LostLease  LossReason = "lease_ended"  // the phone was not in step with the server for too long
)

// Lapse destroys what stands in scopes that may not be opened any more because no lease of them runs. The next sync brings
// back what may still be seen.
//
// On one's own card the edits stay, those that wait and those that were answered: to whom else should they be shown. On somebody
// else's they go with the scope, all but new records that the server has never seen. It does nothing while an exchange is open:
// that renews the leases.
func (p *Phone) Lapse(opens func(scope string) bool) (lapsed bool, err error) {
	if !p.busy.CompareAndSwap(false, true) {
		return false, nil
	}
	defer p.busy.Store(false)
	err = p.store.Update(func(tx PhoneTx) error {
		lapsed = false
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		all, err := tx.Scopes()
		if err != nil {
			return err
		}
		var keep, lost Scopes
		for _, scope := range all {
			if opens(scope) {
				keep = append(keep, scope)
			} else {
				lost = append(lost, scope)
			}
		}
		if lapsed = len(lost) > 0; !lapsed {
			return nil
		}
		if !meta.Own {
			waited, err := dropEdits(tx, &meta, lost.Holds, true)
			if err != nil {
				return err
			}
			if waited > 0 {
				meta.Actor = 0 // numbers without a gap need a fresh actor
				if err := tx.Lose(Loss{At: p.clock(), Edits: waited, Why: LostLease}); err != nil {
					return err
				}
			}
		}
		for _, scope := range lost {
			if !slices.Contains(meta.Lapsed, scope) {
				meta.Lapsed = append(meta.Lapsed, scope)
			}
		}
		return anew(tx, meta, keep)
	})
	return lapsed, err
}

// Leave is for a card that the server does not show this person any more. As a rule everything of it goes: ErrGone.
//
// After a restore of the server two things are not what they look like. Somebody else's card may be held until its owner confirms the
// access: nothing of the card stays, but what this person wrote does, which the server may have lost: ErrHeld. And one's own card, on a
// phone that was in step with the server only before it was restored, was most likely claimed after the backup, which then does not
// know of it. This phone alone still has what was acknowledged, so it stays until the person claims it again: ErrForgotten.
func (p *Phone) Leave(gone wire.Gone) error {
	left := ErrGone
	err := p.store.Update(func(tx PhoneTx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		switch {
		case meta.Own && meta.Synced.Before(gone.Restored):
			left = ErrForgotten
			return nil
		case gone.Held:
			left = ErrHeld
			return anew(tx, meta, nil)
		}
		left = ErrGone
		edits := 0
		for _, state := range []ItemState{Waiting, Rejected} {
			items, err := tx.Items(state)
			if err != nil {
				return err
			}
			edits += len(items)
		}
		if err := tx.Wipe(); err != nil || edits == 0 {
			return err
		}
		return tx.Lose(Loss{At: p.clock(), Edits: edits, Why: LostAccess})
	})
	if err != nil {
		return err
	}
	return left
}

// anew drops what stands in other scopes than these, and has the next pulls build a new base beside the rest, from the beginning: the
// server believes that this phone has what it was sent.
func anew(tx PhoneTx, meta Meta, keep Scopes) error {
	if err := tx.DropRowsOutside(keep); err != nil {
		return err
	}
	if err := tx.ClearShadow(); err != nil {
		return err
	}
	meta.Shadowing, meta.ShadowCursor, meta.ShadowPart, meta.ShadowView = true, "", "", ""
	return tx.SaveMeta(meta)
}

// dropStrays destroys the edits of records that a new base does not hold. Whatever of them the server had lost waits again by now.
func dropStrays(tx PhoneTx, meta *Meta) error {
	items, err := tx.Items(Settled)
	if err != nil {
		return err
	}
	for _, item := range items {
		_, found, err := tx.Row(item.Mutation.ID)
		if err == nil && !found {
			err = dropEdit(tx, meta, item, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dropEdits destroys the edits of records that stand in lost scopes: see dropEdit. It goes before the rows, which say in what scope
// a record stands. waited counts the edits that will never be sent.
func dropEdits(tx PhoneTx, meta *Meta, lost func(scope string) bool, waiting bool) (waited int, err error) {
	for _, state := range []ItemState{Waiting, Answered, Settled, Rejected} {
		items, err := tx.Items(state)
		if err != nil {
			return 0, err
		}
		for _, item := range items {
			row, found, err := tx.Row(item.Mutation.ID)
			if err == nil && !found {
				row, found, err = tx.ShadowRow(item.Mutation.ID)
			}
			if err == nil && found && lost(row.Scope) {
				err = dropEdit(tx, meta, item, waiting)
				if state == Waiting && waiting {
					waited++
				}
			}
			if err != nil {
				return 0, err
			}
		}
	}
	return waited, nil
}

// dropEditsOf is dropEdits for one record.
func dropEditsOf(tx PhoneTx, meta *Meta, id string) error {
	items, err := tx.ItemsOf(id)
	for _, item := range items {
		if err == nil {
			err = dropEdit(tx, meta, item, false)
		}
	}
	return err
}

// dropEdit destroys an edit of a record that goes out of sight. That one was refused stays known, without its text. One that waits is
// the server's to refuse, and loses its text then, unless waiting says that it goes as well: a number without its edit would be a hole.
func dropEdit(tx PhoneTx, meta *Meta, item Item, waiting bool) error {
	switch {
	case item.State == Waiting && !waiting:
		item.Code = wire.CodeAccessEnded
		return tx.PutItem(item)
	case item.State == Rejected:
		return withdraw(tx, item)
	}
	meta.Dropped = max(meta.Dropped, item.Mutation.HLC)
	return tx.DropItem(item.Actor, item.Mutation.N)
}

// withdraw keeps of a refused edit that there was one. It is dropped first, not only overwritten, so that it leaves the journal too.
func withdraw(tx PhoneTx, item Item) error {
	if err := tx.DropItem(item.Actor, item.Mutation.N); err != nil {
		return err
	}
	m := item.Mutation
	item.Mutation = wire.Mutation{N: m.N, Op: m.Op, ID: m.ID, Kind: m.Kind, HLC: m.HLC}
	item.State, item.Outcome, item.Code = Rejected, wire.Refused, wire.CodeAccessEnded
	return tx.PutItem(item)
}
