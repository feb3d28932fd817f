package keys

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A wrapping key encrypts other keys, and the few values that are of no card. There may be several: a new one is made (MakeWrapping), the
// database says from when on it wraps, all older ones still unwrap, and one that nothing needs any more is destroyed (DropWrapping).
//
// The first one is derived from master.key. Those after it stand in files of their own, wrap-2.key and so on; a number is never used again.

// ErrNoWrappingKey means that the folder does not hold the key with which something was wrapped.
var ErrNoWrappingKey = errors.New("keys: the folder lacks a wrapping key that is in use")

// WrappingKey tells of a wrapping key, and nothing of its secret.
type WrappingKey struct {
	Number      int
	Made        time.Time // zero: with the folder
	Fingerprint string    // tells it from other keys of its number
}

// wrappingRing holds the wrapping keys that were read so far, by number.
type wrappingRing struct {
	mu   sync.RWMutex
	read map[int]wrapping
}

type wrapping struct {
	WrappingKey
	aead tink.AEAD
}

// Whatever a key after the first wrapped begins with this, and its number in four bytes. What the first one wrapped begins with random bytes.
const wrappedBy = "\xffwrapkey"

const wrappedBySize = len(wrappedBy) + 4

const (
	wrappingBlock = "MEDCARD WRAPPING KEY"
	firstWrapping = 1
)

// WrappedBy is what everything begins with that the key of the number wrapped. For the first key it is nil: what that one wrapped
// begins with nothing that could be told, but never with WrappedByLater.
func WrappedBy(number int) []byte {
	if number == firstWrapping {
		return nil
	}
	return binary.BigEndian.AppendUint32([]byte(wrappedBy), uint32(number)) // #nosec G115 -- numbers count from 1
}

// WrappedByLater is what everything begins with that any key but the first wrapped.
func WrappedByLater() []byte { return []byte(wrappedBy) }

// Wrapper tells the number of the key that wrapped something.
func Wrapper(wrapped []byte) int {
	if len(wrapped) < wrappedBySize || !bytes.HasPrefix(wrapped, []byte(wrappedBy)) {
		return firstWrapping
	}
	return int(binary.BigEndian.Uint32(wrapped[len(wrappedBy):]))
}

// Wrap encrypts a card's data key with the wrapping key of the number; Unwrap undoes it. The label binds the result to its place. It fails with
// ErrNoWrappingKey.
func (c *Custody) Wrap(number int, key, label []byte) ([]byte, error) {
	by, err := c.wrapping(number)
	if err != nil {
		return nil, err
	}
	sealed, err := by.aead.Encrypt(key, label)
	return append(WrappedBy(number), sealed...), err
}

// Unwrap decrypts what Wrap made with the same label, whichever key it was. It fails with ErrNoWrappingKey where that key is not there.
func (c *Custody) Unwrap(wrapped, label []byte) ([]byte, error) {
	number := Wrapper(wrapped)
	by, err := c.wrapping(number)
	if err != nil {
		return nil, err
	}
	return by.aead.Decrypt(wrapped[len(WrappedBy(number)):], label)
}

// Wrapping tells of the key with the number. It fails with ErrNoWrappingKey.
func (c *Custody) Wrapping(number int) (WrappingKey, error) {
	w, err := c.wrapping(number)
	return w.WrappingKey, err
}

// Wrappings lists the keys in the folder, the oldest first.
func (c *Custody) Wrappings() (list []WrappingKey, err error) {
	if first, err := c.Wrapping(firstWrapping); err == nil {
		list = append(list, first)
	}
	names, err := filepath.Glob(filepath.Join(c.dir, "wrap-*.key"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(name), "wrap-%d.key", &n); err != nil || name != c.wrappingPath(n) {
			return nil, fmt.Errorf("keys: %s is no name of a wrapping key", filepath.Base(name))
		}
		w, err := c.wrapping(n)
		if err != nil {
			return nil, err
		}
		list = append(list, w.WrappingKey)
	}
	slices.SortFunc(list, func(a, b WrappingKey) int { return a.Number - b.Number })
	return list, nil
}

// MakeWrapping makes the next wrapping key. Nothing uses it before the database says so.
func (c *Custody) MakeWrapping() (WrappingKey, error) {
	list, err := c.Wrappings()
	if err != nil {
		return WrappingKey{}, err
	}
	next := firstWrapping + 1 // the newest is never dropped, so no number comes twice
	if len(list) > 0 {
		next = list[len(list)-1].Number + 1
	}
	if _, err := readOrMake(c.wrappingPath(next), func() ([]byte, error) {
		secret := make([]byte, masterSize)
		_, err := rand.Read(secret)
		made := map[string]string{createdHeader: c.now().Format(time.RFC3339)}
		return pem.EncodeToMemory(&pem.Block{Type: wrappingBlock, Headers: made, Bytes: secret}), err
	}); err != nil {
		return WrappingKey{}, err
	}
	return c.Wrapping(next)
}

// DropWrapping destroys a wrapping key for good; one that is gone already stays gone. Whoever calls it has made sure that nothing needs it.
// Of master.key, from which the first one is derived, what else is derived from it remains.
func (c *Custody) DropWrapping(number int) error {
	var err error
	if number == firstWrapping {
		err = replace(filepath.Join(c.dir, masterFile), slices.Concat(c.cursors, c.lookup))
	} else if err = os.Remove(c.wrappingPath(number)); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	c.ring.mu.Lock()
	delete(c.ring.read, number)
	c.ring.mu.Unlock()
	return settle(c.dir)
}

func (c *Custody) wrappingPath(number int) string {
	return filepath.Join(c.dir, fmt.Sprintf("wrap-%d.key", number))
}

// wrapping gives the key with the number. One that this process has not met yet is looked for in the folder: an operator may just have made it.
func (c *Custody) wrapping(number int) (wrapping, error) {
	c.ring.mu.RLock()
	w, ok := c.ring.read[number]
	c.ring.mu.RUnlock()
	if ok {
		return w, nil
	}
	if number <= firstWrapping {
		return wrapping{}, ErrNoWrappingKey
	}
	text, err := os.ReadFile(c.wrappingPath(number))
	if errors.Is(err, fs.ErrNotExist) {
		return wrapping{}, ErrNoWrappingKey
	}
	if err != nil {
		return wrapping{}, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != wrappingBlock || len(block.Bytes) != masterSize {
		return wrapping{}, fmt.Errorf("keys: %s holds no wrapping key", filepath.Base(c.wrappingPath(number)))
	}
	made, err := time.Parse(time.RFC3339, block.Headers[createdHeader])
	if err != nil {
		return wrapping{}, fmt.Errorf("keys: %s does not say when it was made", filepath.Base(c.wrappingPath(number)))
	}
	return c.ring.add(number, made, block.Bytes)
}

func (r *wrappingRing) add(number int, made time.Time, secret []byte) (wrapping, error) {
	aead, err := subtle.NewAESGCM(secret)
	if err != nil {
		return wrapping{}, err
	}
	sum := sha256.Sum256(slices.Concat([]byte("medcard/v1/wrapping fingerprint"), secret))
	w := wrapping{WrappingKey{Number: number, Made: made, Fingerprint: hex.EncodeToString(sum[:8])}, aead}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.read == nil {
		r.read = map[int]wrapping{}
	}
	r.read[number] = w
	return w, nil
}
