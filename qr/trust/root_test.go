package trust_test

import (
	"errors"
	"testing"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

func holds(c *trust.Cache, number uint32) bool {
	_, held := c.StatusIssued(number)
	return held
}

func TestTheSuccessorTakesOver(t *testing.T) {
	first, second, third := newKey(t, "root", qr.KeySet), newKey(t, "the next root", qr.KeySet), newKey(t, "the root after", qr.KeySet)
	rx := newKey(t, "rx", qr.Prescription)
	both, err := trust.NewCache(first.Key, second.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := both.AcceptKeys(sealed(t, keySet(1, entry(rx)), first)); err != nil {
		t.Fatal(err)
	}
	if err := both.AcceptKeys(sealed(t, keySet(2, entry(rx)), second)); err != nil {
		t.Fatalf("the handover: %v", err)
	}
	if err := both.AcceptKeys(sealed(t, keySet(3, entry(rx)), first)); !errors.Is(err, trust.ErrRoot) {
		t.Errorf("the old root signs on: %v", err)
	}
	if err := both.AcceptKeys(sealed(t, keySet(3, entry(rx)), third)); !errors.Is(err, trust.ErrRoot) {
		t.Errorf("a root that was not pinned: %v", err)
	}
	if got := both.Keys(); got.Sequence != 2 || got.SignedBy != second.ID {
		t.Errorf("%+v", got)
	}
	// What was kept is offered again after a restart: the old root stays out.
	again, err := trust.NewCache(first.Key, second.Key, third.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.AcceptKeys(sealed(t, keySet(2, entry(rx)), second)); err != nil {
		t.Fatal(err)
	}
	if err := again.AcceptKeys(sealed(t, keySet(3, entry(rx)), first)); !errors.Is(err, trust.ErrRoot) {
		t.Errorf("after a restart: %v", err)
	}
	if err := again.AcceptKeys(sealed(t, keySet(3, entry(rx)), third)); err != nil {
		t.Errorf("the next handover: %v", err)
	}
	alone, err := trust.NewCache(first.Key)
	if err != nil {
		t.Fatal(err)
	}
	if err := alone.AcceptKeys(sealed(t, keySet(2, entry(rx)), second)); !errors.Is(err, trust.ErrRoot) {
		t.Errorf("a reader that pinned one root: %v", err)
	}
}

func TestTheRecordDecidesOfACompromisedKey(t *testing.T) {
	text, keys := codeAndKeys(t)
	keys.Keys[0].Standing = trust.Compromised
	for name, c := range map[string]struct {
		recorded func(qr.Verified) bool
		want     string
	}{
		"without a record":    {nil, "CANT_TELL_OFFLINE key_compromised"},
		"it is in the record": {func(d qr.Verified) bool { return len(d.Content()) > 0 }, "OK"},
		"it is not":           {func(qr.Verified) bool { return false }, "CANT_TELL_OFFLINE key_compromised"},
	} {
		v := trust.Judge(text, trust.Knowledge{Keys: keys, Status: known(trust.Valid, 0), Recorded: c.recorded}, now)
		if v.String() != c.want {
			t.Errorf("%s: %v, want %s", name, v, c.want)
		}
	}
}
