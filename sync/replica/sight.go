package replica

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// Sight is what one device may see of a card, read in the transaction that uses it.
type Sight struct {
	Now Scopes
	// Closed are scopes in which the device may add no record, Fixed those in which it may change none that stands there.
	Closed, Fixed Scopes
	// Changed is the last commit that changed what this device may see; 0 = none ever did.
	Changed uint64
	// Since tells what was visible from a commit on. nil: nothing ever changed. It is asked only when the device's view is
	// another than today's, or an edit meets a hidden record.
	Since func(seq uint64) (Span, error)
}

// Span is what a device could see from a commit to now.
type Span struct {
	At     Scopes // at the commit itself
	Always Scopes // at every commit since: of these the device misses nothing that it was sent
	Ever   Scopes // at any commit since: of these one may say that they are lost
}

// View is a short hash of what is visible: the device gives it back and so tells whether its base was made under it.
func (s Sight) View() string {
	scopes := slices.Sorted(slices.Values(s.Now))
	sum := sha256.Sum256([]byte(strings.Join(scopes, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// Newest is the last commit that the device may know of: one in a scope that it sees, or one that changed what it sees.
func (s Sight) Newest(l Ledger) (uint64, error) {
	newest, err := l.Newest(s.Now)
	return max(newest, s.Changed), err
}

// Tag is the ETag of a card's head, made of Newest: it changes exactly when something visible to the device does.
func (s Sight) Tag(newest uint64, seal Sealer) string { return seal.Seal(newest) + "." + s.View() }
