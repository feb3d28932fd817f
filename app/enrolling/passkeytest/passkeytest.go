// Package passkeytest is an authenticator for tests: it makes passkeys and signs challenges as WebAuthn asks for, with keys of its own,
// and can be told to do it wrong.
package passkeytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// Authenticator is a phone or a security key with one passkey.
type Authenticator struct {
	Origin   string // of the page or app in which it is used
	Domain   string // "" = as the options say
	Packed   bool   // it vouches for the new key by that key itself ("packed", self attestation); else not at all
	Unlocked bool   // it saw no finger, face or PIN
	Type     string // of the client data; "" = the right one
	Counter  uint32

	ID     []byte
	key    *ecdsa.PrivateKey
	handle []byte // whose passkey it is
}

// New makes an authenticator in use on a page or in an app.
func New(origin string) (*Authenticator, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 32)
	_, err = rand.Read(id)
	return &Authenticator{Origin: origin, ID: id, key: key}, err
}

var raw = base64.RawURLEncoding

// flags of authenticator data.
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

// Make answers the options of a registration.
func (a *Authenticator) Make(options string) (response string, err error) {
	var o struct {
		Challenge string `json:"challenge"`
		RP        struct {
			ID string `json:"id"`
		} `json:"rp"`
		User struct {
			ID string `json:"id"`
		} `json:"user"`
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return "", err
	}
	if a.handle, err = raw.DecodeString(o.User.ID); err != nil {
		return "", err
	}
	public, err := a.key.PublicKey.Bytes() // 4, X, Y
	if err != nil {
		return "", err
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		return "", err
	}
	data := a.data(o.RP.ID, attested)
	data = append(data, make([]byte, 16)...) // no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.ID)))
	data = append(append(data, a.ID...), cose...)
	client := a.client("webauthn.create", o.Challenge)
	attestation := map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": data}
	if a.Packed {
		signature, err := a.sign(data, client)
		if err != nil {
			return "", err
		}
		attestation["fmt"], attestation["attStmt"] = "packed", map[string]any{"alg": -7, "sig": signature}
	}
	object, err := cbor.Marshal(attestation)
	if err != nil {
		return "", err
	}
	return a.answer(map[string]any{"clientDataJSON": raw.EncodeToString(client), "attestationObject": raw.EncodeToString(object)})
}

// Sign answers the options of a use.
func (a *Authenticator) Sign(options string) (response string, err error) {
	var o struct {
		Challenge string `json:"challenge"`
		Domain    string `json:"rpId"`
	}
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return "", err
	}
	data, client := a.data(o.Domain, 0), a.client("webauthn.get", o.Challenge)
	signature, err := a.sign(data, client)
	if err != nil {
		return "", err
	}
	return a.answer(map[string]any{
		"clientDataJSON": raw.EncodeToString(client), "authenticatorData": raw.EncodeToString(data),
		"signature": raw.EncodeToString(signature), "userHandle": raw.EncodeToString(a.handle),
	})
}

// As gives the authenticator another person's handle: it lies about whose passkey it is.
func (a *Authenticator) As(handle string) { a.handle = []byte(handle) }

func (a *Authenticator) data(domain string, more byte) []byte {
	if a.Domain != "" {
		domain = a.Domain
	}
	hash := sha256.Sum256([]byte(domain))
	flags := more | present
	if !a.Unlocked {
		flags |= verified
	}
	return binary.BigEndian.AppendUint32(append(hash[:], flags), a.Counter)
}

func (a *Authenticator) client(kind, challenge string) []byte {
	if a.Type != "" {
		kind = a.Type
	}
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, a.Origin)
}

func (a *Authenticator) sign(data, client []byte) ([]byte, error) {
	hash := sha256.Sum256(client)
	sum := sha256.Sum256(append(append([]byte(nil), data...), hash[:]...))
	return ecdsa.SignASN1(rand.Reader, a.key, sum[:])
}

func (a *Authenticator) answer(response map[string]any) (string, error) {
	id := raw.EncodeToString(a.ID)
	text, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{}, "response": response,
	})
	return string(text), err
}
