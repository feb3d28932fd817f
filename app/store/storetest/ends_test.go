package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/sync/replica"
)

// However many grants have run out when somebody asks, their ends are one commit, and each person is told once: the work grows with
// their number and not with its square.
func TestEndsAreOneCommit(t *testing.T) {
	Each(t, func(t *testing.T, db *store.DB) {
		var read []int64
		for _, n := range []int{25, 100} {
			id := newCard(t, db, "ada")
			head := func() (head replica.Head) {
				onCard(t, db, id, func(l replica.Ledger) (err error) {
					head, err = l.Head()
					return err
				})
				return head
			}
			update(t, db, func(tx *store.Tx) error {
				p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
				if err != nil {
					return err
				}
				for i := range n + 1 { // one of them goes on
					g := consent.Grant{ID: consent.GrantID(store.NewID()), Card: id, Role: consent.Proxy, Account: identity.AccountID(fmt.Sprint("p", i)),
						Scopes: card.Scopes{"lab.*"}, Purpose: consent.PatientRequest, Starts: noon, Ends: noon.Add(time.Duration(1+i/2) * time.Second)}
					if i == n {
						g.Ends = noon.Add(48 * time.Hour)
					}
					if err := tx.AddGrant(p, g); err != nil {
						return err
					}
				}
				return nil
			})
			told := func(account identity.AccountID) (found bool) {
				update(t, db, func(tx *store.Tx) (err error) {
					_, found, err = tx.TakeNews(id, account, notice.Access)
					return err
				})
				return found
			}
			for i := range n + 1 {
				told(identity.AccountID(fmt.Sprint("p", i)))
			}
			told("ada")
			before, rows := head(), db.RowsRead()
			for range 2 { // and the second time there is nothing to do
				update(t, db, func(tx *store.Tx) error { return tx.CommitEnds(id, noon.Add(time.Hour)) })
			}
			read = append(read, db.RowsRead()-rows)
			if after := head(); after.Seq != before.Seq+1 {
				t.Errorf("%d ends are %d commits", n, after.Seq-before.Seq)
			}
			update(t, db, func(tx *store.Tx) error {
				p, err := tx.Decide(patient("ada"), id, consent.PatientRequest, noon)
				if err != nil {
					return err
				}
				all, err := tx.Grants(p)
				ended := 0
				for _, g := range all {
					if g.Ended == before.Seq+1 {
						ended++
					}
				}
				if ended != n || len(all) != n+2 {
					t.Errorf("%d of %d grants ended with the commit", ended, len(all))
				}
				return err
			})
			for i := range n + 1 {
				who := identity.AccountID(fmt.Sprint("p", i))
				var cards []card.ID
				update(t, db, func(tx *store.Tx) (err error) {
					cards, err = tx.CardsOf(who, "")
					return err
				})
				if told(who) != (i < n) || (len(cards) == 1) == (i < n) && len(read) == 1 {
					t.Errorf("%s: told wrongly, or the card is in the list: %v", who, cards)
				}
			}
			if !told("ada") {
				t.Error("the owner is not told")
			}
		}
		if read[1] > 5*read[0] {
			t.Errorf("four times as many ends read %v rows", read)
		}
	})
}
