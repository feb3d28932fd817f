// Package posting names what an organisation posted about a patient: each resource as it stood, under the key by which the
// organisation itself knows it. A resource that comes again under its key is the same one: equal, or a new version.
package posting

import (
	"time"

	"github.com/medcard/medcard/domain/card"
)

// Key is the organisation's own name of a resource. Type is the resource type, Name a business identifier or the id in the
// organisation's system. It is unique per organisation and card.
type Key struct{ Type, Name string }

// Digest is the SHA-256 of a resource's content in canonical form, without what changes at every export (ids inside the
// bundle, version numbers).
type Digest [32]byte

// Question asks what the card holds under a key, and whether it still is this content.
type Question struct {
	Key    Key
	Digest Digest
}

// Known is the answer. Version 0 means that the key is new to the card.
type Known struct {
	Record  card.RecordID // "" where the type is kept but not mapped to a fact
	Version int
	Same    bool
}

// Posting is one version of a resource to be kept.
type Posting struct {
	Key     Key
	Digest  Digest
	Record  card.RecordID
	Version int
	At      time.Time
	Body    []byte // as posted, byte for byte
}
