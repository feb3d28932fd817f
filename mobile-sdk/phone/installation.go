package phone

import (
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/mobile-sdk/phone/vault"
)

// installation is how this app on this phone introduces itself: an id, a secret by which the server knows it again when the person
// signs in next, and a key pair. All three are drawn once and stay in the file.
type installation struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Seed   []byte `json:"seed"` // of the Ed25519 key

	name string
}

const settingInstallation = "installation"

func loadInstallation(v *vault.Vault, random io.Reader, name string) (installation, error) {
	var self installation
	found, err := v.Load(settingInstallation, &self)
	if err != nil {
		return self, err
	}
	self.name = name
	if found {
		return self, nil
	}
	drawn := make([]byte, 32+ed25519.SeedSize)
	if _, err := io.ReadFull(random, drawn); err != nil {
		return self, fail("draw a secret", err)
	}
	id, err := uuid.NewV7FromReader(random)
	if err != nil {
		return self, fail("draw an id", err)
	}
	self.ID = id.String()
	self.Secret = base64.RawURLEncoding.EncodeToString(drawn[:32])
	self.Seed = drawn[32:]
	return self, v.Save(settingInstallation, self)
}

// publicKey is the installation's key as it travels.
func (i installation) publicKey() string {
	pair := ed25519.NewKeyFromSeed(i.Seed)
	return base64.RawURLEncoding.EncodeToString(pair[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}

// newID draws an id for a new record. It is in lower case, as ids travel.
func (c *Client) newID() (string, error) {
	id, err := uuid.NewV7FromReader(c.random)
	return strings.ToLower(id.String()), err
}

func bigOf(d time.Duration) *big.Int { return big.NewInt(int64(d)) }
