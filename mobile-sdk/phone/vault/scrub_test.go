package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/medcard/medcard/sync/replica"
)

// TestNothingIsLeftWhereRowsWereMoved: rows that grow make SQLite move others to new pages. What those leave behind is not there any
// more either once they are deleted.
func TestNothingIsLeftWhereRowsWereMoved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "card.db")
	v := seeThrough(t, file)
	c := v.Card(cardID)
	const n = 1100
	update(t, c, func(tx replica.PhoneTx) error {
		for i := range n {
			if err := errors.Join(tx.PutRow(row(fmt.Sprintf("secret-%d", i), "visit.general", fmt.Sprintf("canary%04d of many", i*7919%n))),
				tx.PutRow(row(fmt.Sprintf("other-%d", i), "lab.general", fmt.Sprintf("others and number%d", i)))); err != nil {
				return err
			}
		}
		return nil
	})
	if left, err := c.Index(); err != nil || left == 0 { // the words make the first rows longer
		t.Fatal(left, err)
	}
	update(t, c, func(tx replica.PhoneTx) error { return tx.DropRowsOutside(replica.Scopes{"lab.*"}) })
	plain := plaintext(t, file)
	if times := bytes.Count(plain, []byte("canary")); times > 0 {
		t.Errorf("the decrypted file holds it %d times", times)
	}
	if !bytes.Contains(plain, []byte("others")) {
		t.Error("the test does not see into the file")
	}
	must(t, v.Close())
	if got := found(t, seeThrough(t, file).Card(cardID), word("others")); len(got) != 1000 {
		t.Errorf("%d of the others are found", len(got))
	}
}
