package trust

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"github.com/medcard/medcard/qr"
)

// Standing is what may be thought of a key.
type Standing uint8

// The standings.
const (
	Active      Standing = 1
	Retired     Standing = 2 // signs no more; what it signed stands
	Compromised Standing = 3 // somebody else may have it: nothing it signed can be told from a forgery offline
)

// Key is an entry of a key set.
type Key struct {
	qr.Key
	NotBefore  time.Time // first time of issue
	LastIssue  time.Time // last time of issue
	LastVerify time.Time // until when what it signed may be believed
	Standing   Standing
}

// Terms of keys and key sets.
const (
	KeySetTerm = 7 * 24 * time.Hour // how long a key set may be relied on without a newer one
)

// KeySet is which keys may sign what, and which status lists there are.
type KeySet struct {
	Issuer   string   // filled by SealKeySet from the root
	SignedBy qr.KeyID // filled by OpenKeySet
	Sequence uint64   // grows with every key set
	IssuedAt time.Time
	Expires  time.Time
	Keys     []Key
	Lists    []uint32 // the status lists in use
}

// Find looks a key up.
func (s KeySet) Find(id qr.KeyID) (Key, bool) {
	for _, k := range s.Keys {
		if k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}

type wireKeySet struct {
	Issuer   string    `cbor:"1,keyasint"`
	Expires  uint64    `cbor:"4,keyasint"`
	IssuedAt uint64    `cbor:"6,keyasint"`
	Sequence uint64    `cbor:"-65550,keyasint"`
	Keys     []wireKey `cbor:"-65551,keyasint"`
	Lists    []uint32  `cbor:"-65552,keyasint"`
}

type wireKey struct {
	_          struct{} `cbor:",toarray"`
	ID         []byte
	Issuer     string
	Usage      qr.Usage
	Algorithm  qr.Algorithm
	Public     []byte
	NotBefore  uint64
	LastIssue  uint64
	LastVerify uint64
	Standing   Standing
}

// SealKeySet signs a key set with the root. The same set gives the same bytes, so its hash will do as an ETag.
func SealKeySet(set KeySet, root qr.SigningKey) ([]byte, error) {
	if root.Usage != qr.KeySet {
		return nil, fmt.Errorf("trust: %w", qr.ErrUsage)
	}
	wire := wireKeySet{
		Issuer: root.Issuer, Expires: seconds(set.Expires), IssuedAt: seconds(set.IssuedAt), Sequence: set.Sequence,
		Keys: []wireKey{}, Lists: append([]uint32{}, set.Lists...),
	}
	for _, k := range set.Keys {
		wire.Keys = append(wire.Keys, wireKey{
			ID: k.ID[:], Issuer: k.Issuer, Usage: k.Usage, Algorithm: k.Algorithm, Public: k.Public,
			NotBefore: seconds(k.NotBefore), LastIssue: seconds(k.LastIssue), LastVerify: seconds(k.LastVerify), Standing: k.Standing,
		})
	}
	// What readers would refuse is not published.
	if _, err := wire.read(); err != nil {
		return nil, err
	}
	content, err := encoding.Marshal(wire)
	if err != nil {
		return nil, err
	}
	return qr.Sign(content, root)
}

// OpenKeySet believes a key set that one of the pinned roots signed: the national root, or the successor pinned with it. Whether it
// is older than another is for Cache to say.
func OpenKeySet(data []byte, roots []qr.Key) (KeySet, error) {
	if len(data) > maxKeySet {
		return KeySet{}, fmt.Errorf("%w: a key set larger than %d bytes", ErrFormat, maxKeySet)
	}
	envelope, err := qr.ParseEnvelope(data)
	if err != nil {
		return KeySet{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	at := slices.IndexFunc(roots, func(r qr.Key) bool { return r.ID == envelope.KeyID() && r.Usage == qr.KeySet })
	if at < 0 {
		return KeySet{}, ErrRoot
	}
	content, err := envelope.Payload(roots[at])
	if err != nil {
		return KeySet{}, fmt.Errorf("%w: %w", ErrRoot, err)
	}
	return readKeySet(content, roots[at])
}

// readKeySet reads what the root signed.
func readKeySet(content []byte, root qr.Key) (KeySet, error) {
	var wire wireKeySet
	if err := strict.Unmarshal(content, &wire); err != nil {
		return KeySet{}, fmt.Errorf("%w: no key set", ErrFormat)
	}
	if wire.Issuer != root.Issuer {
		return KeySet{}, fmt.Errorf("%w: the issuer is another", ErrRoot)
	}
	set, err := wire.read()
	set.SignedBy = root.ID
	return set, err
}

func (w wireKeySet) read() (KeySet, error) {
	set := KeySet{Issuer: w.Issuer, Sequence: w.Sequence, IssuedAt: moment(w.IssuedAt), Expires: moment(w.Expires), Lists: w.Lists}
	if !set.Expires.After(set.IssuedAt) {
		return KeySet{}, fmt.Errorf("%w: a key set that ends before it begins", ErrFormat)
	}
	if len(w.Keys) > maxKeys {
		return KeySet{}, fmt.Errorf("%w: more than %d keys", ErrFormat, maxKeys)
	}
	seen := map[qr.KeyID]bool{}
	for _, k := range w.Keys {
		if len(k.ID) != len(qr.KeyID{}) {
			return KeySet{}, fmt.Errorf("%w: a key id has 8 bytes", ErrFormat)
		}
		key := Key{
			Key: qr.Key{
				ID: qr.KeyID(k.ID), Issuer: k.Issuer, Usage: k.Usage, Algorithm: k.Algorithm, Public: ed25519.PublicKey(k.Public),
			},
			NotBefore: moment(k.NotBefore), LastIssue: moment(k.LastIssue), LastVerify: moment(k.LastVerify), Standing: k.Standing,
		}
		switch err := key.Check(); {
		case err != nil:
			return KeySet{}, fmt.Errorf("%w: %w", ErrFormat, err)
		case key.Usage == qr.KeySet:
			return KeySet{}, fmt.Errorf("%w: a root stands in a key set", ErrFormat) // roots are pinned, never delivered
		case seen[key.ID]:
			return KeySet{}, fmt.Errorf("%w: a key stands there twice", ErrFormat) // it would have two usages
		case key.Standing < Active || key.Standing > Compromised:
			return KeySet{}, fmt.Errorf("%w: an unknown standing", ErrFormat)
		case key.LastIssue.Before(key.NotBefore) || key.LastVerify.Before(key.LastIssue):
			return KeySet{}, fmt.Errorf("%w: a key's times are out of order", ErrFormat)
		}
		seen[key.ID] = true
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}
