package replica

import "github.com/medcard/medcard/sync/wire"

// CodeUnreadable is the code of an edit that the phone's file does not hold any more as it was written. It never travels.
const CodeUnreadable = "unreadable"

// LostDamage is the reason for edits that were on a damaged page of the phone's file and could not be read any more.
const LostDamage LossReason = "file_damaged"

// SetAside takes edits out of the way whose text cannot be read any more, so that they stop nobody behind them. All that is known of one is in what
// stands beside the text. Of an edit that the server has not answered, or refused, the person is told: it stays as a refused one, without
// its text, until it is dismissed. What the server took needs no copy here.
//
// An edit that waited leaves a gap in the numbers, and nobody knows whether the server has it: the others go under a fresh actor.
func SetAside(tx PhoneTx, known []Item) error {
	meta, err := tx.Meta()
	if err != nil {
		return err
	}
	for _, item := range known {
		if err := tx.DropItem(item.Actor, item.Mutation.N); err != nil {
			return err
		}
		switch item.State {
		case Answered, Settled:
			continue
		case Waiting:
			meta.Actor = 0
		}
		row, found, err := tx.Row(item.Mutation.ID)
		if err != nil {
			return err
		}
		if found {
			item.Mutation.Kind = row.Kind
		}
		item.State, item.Outcome, item.Code = Rejected, wire.Refused, CodeUnreadable
		if err := tx.PutItem(item); err != nil {
			return err
		}
	}
	return tx.SaveMeta(meta)
}
