package replica_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/medcard/medcard/sync/replica"
)

// Phones at work side by side, each with a person and a sync of its own: all end with the same, and every word is there.
func TestPhonesSideBySide(t *testing.T) {
	d := newDesk(t)
	const phones, edits = 4, 15
	first := d.phone("p0")
	first.create(rec(1), "start")
	first.mustSync()
	all := []*handset{first}
	for n := 1; n < phones; n++ {
		all = append(all, d.phone(fmt.Sprint("p", n)))
	}
	var work sync.WaitGroup
	for n, h := range all {
		work.Go(func() { // the person
			for i := range edits {
				if err := write(h, rec(100*(n+1)+i), fmt.Sprint("own ", i)); err != nil {
					t.Error(err)
				}
				if draft, _, err := h.Open(rec(1)); err == nil {
					_, err = h.Save(draft, map[string]json.RawMessage{"text": quote(fmt.Sprint(n, " ", i))})
					if err != nil && !errors.Is(err, replica.ErrOutdated) {
						t.Error(err)
					}
				}
			}
		})
		work.Go(func() { // the background sync
			for range edits {
				if err := h.sync(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	work.Wait()
	for range 2 {
		for _, h := range all {
			h.mustSync()
		}
	}
	for n := range all {
		for i := range edits {
			for _, h := range all {
				if got := h.sees(rec(100*(n+1) + i)); got != fmt.Sprint("own ", i) {
					t.Fatalf("%s sees %q", h.device, got)
				}
			}
		}
	}
	for _, h := range all[1:] {
		if a, b := all[0].sees(rec(1)), h.sees(rec(1)); a != b {
			t.Errorf("%q and %q", a, b)
		}
	}
}

func write(h *handset, id, value string) error {
	draft, err := h.New(id, "comment")
	if err != nil {
		return err
	}
	_, err = h.Save(draft, map[string]json.RawMessage{"text": quote(value)})
	return err
}
