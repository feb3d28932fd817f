package replica

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// BlockSealer seals a number in one AES block: eight bytes of number, eight of zeros that must be there again after
// opening. One block under a key of its own is a random permutation, so equal numbers give equal tokens (editors compare
// them), different ones tell nothing, and a forged one passes once in 2^64 tries.
type BlockSealer struct{ block cipher.Block }

var _ Sealer = BlockSealer{}

// NewBlockSealer derives a Sealer for one card, device and epoch from a secret of the server, 32 bytes or more.
func NewBlockSealer(secret []byte, card, device, epoch string) BlockSealer {
	mac := hmac.New(sha256.New, secret)
	for _, part := range []string{"medcard sync cursor v1", card, device, epoch} {
		var size [4]byte
		binary.BigEndian.PutUint32(size[:], uint32(len(part)))
		mac.Write(size[:])
		mac.Write([]byte(part))
	}
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic(err) // 32 bytes are a key of AES-256
	}
	return BlockSealer{block: block}
}

// Seal makes a token of 22 characters.
func (s BlockSealer) Seal(seq uint64) string {
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:8], seq)
	s.block.Encrypt(b[:], b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Open takes a token apart.
func (s BlockSealer) Open(token string) (uint64, error) {
	var b [aes.BlockSize]byte
	if len(token) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return 0, ErrToken
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(token)); err != nil {
		return 0, ErrToken
	}
	s.block.Decrypt(b[:], b[:])
	if binary.BigEndian.Uint64(b[8:]) != 0 {
		return 0, ErrToken
	}
	return binary.BigEndian.Uint64(b[:8]), nil
}
