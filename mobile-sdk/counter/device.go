package counter

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// ErrNotEnrolled is what hands nothing out: the server does not know this device yet.
var ErrNotEnrolled = errors.New("counter: the device is not enrolled; do that once while there is a network")

const (
	seedFile   = "device.seed"
	deviceFile = "device.json"
)

// Device is this device's entry at the server.
type Device struct {
	Key       string     `json:"key"`    // key id, hexadecimal
	Issuer    string     `json:"issuer"` // the pharmacy
	Name      string     `json:"name"`
	State     string     `json:"state"` // active, retired, stolen, forked
	AddedAt   time.Time  `json:"addedAt"`
	RetiredAt *time.Time `json:"retiredAt"`
	Receipts  uint64     `json:"receipts"`
}

// Enrol makes this device known to the server under the pharmacy, so that it may hand out without a network. The first call makes its
// key. Done again it changes nothing.
func (c *Counter) Enrol(ctx context.Context, name string) (Device, error) {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	signer, err := c.signer()
	if err != nil {
		return Device{}, err
	}
	public, ok := signer.Public().(ed25519.PublicKey)
	if !ok {
		return Device{}, errors.New("counter: the device's key is not Ed25519")
	}
	proof, err := signer.Sign(rand.Reader, document.EnrolmentText(public), crypto.Hash(0))
	if err != nil {
		return Device{}, fmt.Errorf("counter: %w", err)
	}
	var device Device
	if err := c.post(ctx, "/v1/dispensing/devices", map[string]any{"name": name, "key": []byte(public), "proof": proof}, &device); err != nil {
		return Device{}, err
	}
	if device.Key != qr.KeyIDOf(public).String() {
		return Device{}, errors.New("counter: the server enrolled another key")
	}
	data, err := json.Marshal(device)
	if err != nil {
		return Device{}, err
	}
	if err := c.shelf.put(deviceFile, data); err != nil {
		return Device{}, err
	}
	return device, c.book.open(signer, device.Issuer)
}

// Replace makes a new key where the old one has ended: retired, lost its trust, or cloned. Receipts under the old one must be with the
// server first. The new key has to be enrolled.
func (c *Counter) Replace() error {
	c.book.mu.Lock()
	defer c.book.mu.Unlock()
	if c.config.DeviceKey != nil {
		return errors.New("counter: the device's key is not this package's to replace")
	}
	if len(c.book.pending) > 0 {
		return errors.New("counter: upload the receipts under the old key first")
	}
	for _, name := range []string{deviceFile, chainFile, seedFile} { // the seed last: without its entry it is a key that nobody knows
		if err := os.Remove(filepath.Join(c.shelf.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("counter: %w", err)
		}
	}
	c.book.close()
	return nil
}

// Devices lists the pharmacy's devices.
func (c *Counter) Devices(ctx context.Context) ([]Device, error) {
	var answer struct {
		Devices []Device `json:"devices"`
	}
	err := c.get(ctx, "/v1/dispensing/devices", &answer)
	return answer.Devices, err
}

// EndDevice takes one of the pharmacy's devices out of use. Of a stolen one nothing is believed any more.
func (c *Counter) EndDevice(ctx context.Context, key string, stolen bool) (Device, error) {
	var device Device
	if id, err := hex.DecodeString(key); err != nil || len(id) != len(qr.KeyID{}) {
		return device, errors.New("counter: a device's key id is 16 hexadecimal digits")
	}
	err := c.post(ctx, "/v1/dispensing/devices/"+key+"/end", map[string]any{"stolen": stolen}, &device)
	return device, err
}

// signer is the device's key: the app's own, or one in the folder.
func (c *Counter) signer() (crypto.Signer, error) {
	if c.config.DeviceKey != nil {
		return c.config.DeviceKey, nil
	}
	seed, found := c.shelf.read(seedFile)
	if !found {
		seed = make([]byte, ed25519.SeedSize)
		if _, err := rand.Read(seed); err != nil {
			return nil, fmt.Errorf("counter: %w", err)
		}
		if err := c.shelf.put(seedFile, seed); err != nil {
			return nil, err
		}
	}
	if len(seed) != ed25519.SeedSize {
		return nil, errors.New("counter: the file of the device's key is damaged")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// openBook goes on with the receipts of a device that was enrolled before.
func (c *Counter) openBook() error {
	data, found := c.shelf.read(deviceFile)
	if !found {
		return nil
	}
	var device Device
	if json.Unmarshal(data, &device) != nil || device.Issuer == "" {
		return errors.New("counter: the file of the device's enrolment is damaged")
	}
	signer, err := c.signer()
	if err != nil {
		return err
	}
	return c.book.open(signer, device.Issuer)
}

func (c *Counter) get(ctx context.Context, path string, answer any) error {
	data, _, err := c.fetch(ctx, path, "", true)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, answer) != nil {
		return errors.New("counter: the server's answer cannot be read")
	}
	return nil
}
