package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A card's data keys stand wrapped in one column, card.wrapped_key. It is one key, and two while the card gets another one (renew.go): the newest
// seals, each opens what it sealed. What a key sealed names it, but for what the first key of a card sealed, which begins with the random bytes of
// its nonce. Names are random numbers, so that a key that comes after a restore is never taken for one that came before it.

// firstKey is the name of the key that a card began with.
const firstKey uint32 = 0

const (
	dataKeySize = 32 // bytes: AES-256
	keyEntry    = 4 + dataKeySize

	// sealedBy begins what any but a card's first key sealed; the key's name follows in four bytes. Random bytes are that once in 2^64 rows.
	sealedBy     = "\xffdatakey"
	sealedBySize = len(sealedBy) + 4
)

// keySet is the data keys of a card, the newest first.
type keySet []dataKey

type dataKey struct {
	name   uint32
	secret []byte
	aead   tink.AEAD
}

// String is the key's name, and nothing of the key.
func (k dataKey) String() string { return fmt.Sprintf("%08x", k.name) }

func makeDataKey(name uint32, secret []byte) (dataKey, error) {
	aead, err := subtle.NewAESGCM(secret)
	return dataKey{name: name, secret: secret, aead: aead}, err
}

// newDataKey makes a key, of which the set has none of the name.
func (s keySet) newDataKey() (dataKey, error) {
	var random [4]byte
	secret := make([]byte, dataKeySize)
	for {
		if _, err := rand.Read(random[:]); err != nil {
			return dataKey{}, err
		}
		name := binary.BigEndian.Uint32(random[:])
		if _, taken := s.named(name); taken || name == firstKey {
			continue
		}
		if _, err := rand.Read(secret); err != nil {
			return dataKey{}, err
		}
		return makeDataKey(name, secret)
	}
}

func (s keySet) named(name uint32) (dataKey, bool) {
	for _, k := range s {
		if k.name == name {
			return k, true
		}
	}
	return dataKey{}, false
}

// bytes is what is wrapped: the key that a card began with alone, or names and keys in turn.
func (s keySet) bytes() []byte {
	if len(s) == 1 && s[0].name == firstKey {
		return s[0].secret
	}
	var b []byte
	for _, k := range s {
		b = append(binary.BigEndian.AppendUint32(b, k.name), k.secret...)
	}
	return b
}

var errKeySet = errors.New("store: the data keys of a card are in no form that this version reads")

func readKeySet(b []byte) (keySet, error) {
	if len(b) == dataKeySize {
		k, err := makeDataKey(firstKey, b)
		return keySet{k}, err
	}
	if len(b) == 0 || len(b)%keyEntry != 0 {
		return nil, errKeySet
	}
	var s keySet
	for ; len(b) > 0; b = b[keyEntry:] {
		k, err := makeDataKey(binary.BigEndian.Uint32(b), b[4:keyEntry:keyEntry])
		if err != nil {
			return nil, err
		}
		s = append(s, k)
	}
	return s, nil
}

// prefix is what everything begins with that the key of the name sealed; nil of the first.
func prefix(name uint32) []byte {
	if name == firstKey {
		return nil
	}
	return binary.BigEndian.AppendUint32([]byte(sealedBy), name)
}

// sealer tells the name of the key that sealed something.
func sealer(sealed []byte) uint32 {
	if len(sealed) < sealedBySize || !bytes.HasPrefix(sealed, []byte(sealedBy)) {
		return firstKey
	}
	return binary.BigEndian.Uint32(sealed[len(sealedBy):])
}

func (k dataKey) seal(plain, label []byte) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain, label)
	if err != nil || k.name == firstKey {
		return sealed, err
	}
	return append(prefix(k.name), sealed...), nil
}

func (k dataKey) open(sealed, label []byte) ([]byte, error) {
	return k.aead.Decrypt(sealed[len(prefix(k.name)):], label)
}
