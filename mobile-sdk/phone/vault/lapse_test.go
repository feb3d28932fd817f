package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/sync/replica"
)

// TestLapsedIsGone: at the end of a lease nothing of its scope is left in the decrypted file, nor in the journal: no row of either
// base, no word, and of somebody else's card no edit.
func TestLapsedIsGone(t *testing.T) {
	dir := t.TempDir()
	v := seeThrough(t, filepath.Join(dir, "card.db"))
	c := v.Card(cardID)
	const word = "canary-2846"
	update(t, c, func(tx replica.PhoneTx) error {
		waits, settled := item(1, 1, one, replica.Waiting), item(1, 2, one, replica.Settled)
		for _, i := range []*replica.Item{&waits, &settled} {
			i.Mutation.Kind = word
		}
		return errors.Join(tx.PutRow(row(one, "visit.general", strings.Repeat(word, 1000))), tx.PutRow(row(two, "lab.general", "stays")),
			tx.PutShadowRow(row(one, "visit.general", word)), tx.PutItem(waits), tx.PutItem(settled), tx.SaveMeta(replica.Meta{Actor: 1, Next: 3}))
	})
	phone := replica.NewPhone(cardID, c, func() time.Time { return noon })
	lapsed, err := phone.Lapse(func(scope string) bool { return scope == "lab.general" })
	if must(t, err); !lapsed {
		t.Fatal("nothing lapsed")
	}
	if wal, err := os.Stat(filepath.Join(dir, "card.db-wal")); err == nil && wal.Size() > 0 {
		t.Errorf("the journal still has %d bytes", wal.Size())
	}
	if plain := plaintext(t, filepath.Join(dir, "card.db")); bytes.Contains(plain, []byte("canary")) {
		t.Error("the decrypted file holds what lapsed")
	}
	losses, err := v.Losses()
	if must(t, err); len(losses) != 1 || losses[0].Card != cardID || losses[0].Loss != (replica.Loss{At: noon, Edits: 1, Why: replica.LostLease}) {
		t.Errorf("losses: %+v", losses)
	}
	update(t, c, replica.PhoneTx.Wipe)
	if losses, err := v.Losses(); err != nil || len(losses) != 1 {
		t.Errorf("with the card went that the person is to be told: %+v, %v", losses, err)
	}
	must(t, v.ForgetLosses(noon))
	if losses, err := v.Losses(); err != nil || len(losses) != 0 {
		t.Errorf("told, and still there: %+v, %v", losses, err)
	}
}
