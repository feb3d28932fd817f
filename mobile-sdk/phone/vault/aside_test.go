package vault_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// TestAnEditThatCannotBeReadStopsNoOther: it is set aside for the person to see, and those behind it go under a fresh actor.
func TestAnEditThatCannotBeReadStopsNoOther(t *testing.T) {
	if testing.Short() {
		t.Skip("one at a time: nothing for the race detector to see")
	}
	for name, spoil := range map[string]string{
		"no JSON":         "UPDATE edit SET body = x'00ff' WHERE n = ?",
		"another's":       "UPDATE edit SET body = (SELECT body FROM edit WHERE n = 1) WHERE n = ?",
		"nothing":         "UPDATE edit SET body = x'' WHERE n = ?",
		"a byte of it":    "UPDATE edit SET body = CAST(substr(body, 1, 60) || CASE substr(body, 61, 1) WHEN x'00' THEN x'01' ELSE x'00' END || substr(body, 62) AS BLOB) WHERE n = ?",
		"a key of no one": "UPDATE edit SET body = CAST(x'02046e6f6e65' || substr(body, 1, 60) AS BLOB) WHERE n = ?",
	} {
		for _, keys := range []vault.ScopeKeys{nil, newChest()} {
			for state, want := range map[replica.ItemState]struct {
				actor    uint32
				rejected int
			}{replica.Waiting: {0, 1}, replica.Answered: {5, 0}, replica.Settled: {5, 0}, replica.Rejected: {5, 1}} {
				v := openWith(t, filepath.Join(t.TempDir(), "card.db"), keys)
				c := v.Card(cardID)
				update(t, c, func(tx replica.PhoneTx) error {
					return errors.Join(tx.PutRow(row(two, "lab.general", "x")), tx.PutItem(item(5, 1, one, replica.Waiting)), tx.PutItem(item(5, 2, two, state)), tx.PutItem(item(5, 3, one, replica.Waiting)),
						tx.SaveMeta(replica.Meta{Actor: 5, Next: 4, Epoch: "e"}))
				})
				must(t, v.Spoil(spoil, 2))
				phone := replica.NewPhone(cardID, c, func() time.Time { return noon })
				what := fmt.Sprintf("%s, %s, sealed %v", name, state, keys != nil)
				view(t, c, func(tx replica.PhoneTx) {
					items, err := tx.Open()
					if must(t, err); len(items) != 2 {
						t.Errorf("%s: %d edits are open", what, len(items))
					}
				})
				rejected, err := phone.Rejected()
				if must(t, err); len(rejected) != want.rejected {
					t.Fatalf("%s: %d edits were set aside", what, len(rejected))
				}
				if want.rejected > 0 && (rejected[0].Code != replica.CodeUnreadable || rejected[0].Mutation.ID != two || rejected[0].Mutation.Kind != "encounter" || rejected[0].Mutation.N != 2) {
					t.Errorf("%s: set aside is %+v", what, rejected[0])
				}
				meta, err := phone.Meta()
				if must(t, err); meta.Actor != want.actor {
					t.Errorf("%s: the actor is %d", what, meta.Actor)
				}
				if want.actor == 0 {
					must(t, phone.Enrolled(wire.Enrolment{Card: cardID, Actor: 9, Epoch: "e"}))
				}
				x, err := phone.Exchange(10)
				if must(t, err); len(x.Request().Mutations) != 2 || want.actor == 0 && x.Request().Mutations[1].N != 2 {
					t.Errorf("%s: sent would be %+v", what, x.Request().Mutations)
				}
				x.Close()
				for _, i := range rejected {
					must(t, phone.Dismiss(i))
				}
				if again, err := phone.Rejected(); err != nil || len(again) != 0 {
					t.Errorf("%s: dismissed, and still there: %v, %v", what, again, err)
				}
				must(t, v.Close())
			}
		}
	}
}
