package identity

import (
	"crypto/sha256"
	"fmt"
)

// DeviceOf names an installation of an app as a device of the account: a UUID (version 8, RFC 9562) that no other account's device has. What
// an app calls itself is its own choice, so an installation's id alone, which whoever shares a card comes to know, must not lead to what
// belongs to a device: its pushes, its place in a card's clocks, a card that is open on it alone.
func DeviceOf(a AccountID, installation string) DeviceID {
	sum := sha256.Sum256([]byte("medcard device|" + string(a) + "|" + installation))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return DeviceID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
