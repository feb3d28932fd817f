// Package signature names what an electronic signature stands for here: the challenge that is signed, and the confirmation that is kept.
package signature

import (
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

// ID names a confirmation. It is a UUID in canonical text form.
type ID string

// Purpose is what a signature is for. One that was given for one purpose serves no other.
type Purpose string

// The purposes.
const (
	SignIn  Purpose = "sign-in" // open a session
	Bind    Purpose = "bind"    // let the certificate's owner sign in to the account from now on
	Confirm Purpose = "confirm" // confirm a request
)

// Digest is the SHA-256 of the request that is confirmed.
type Digest [32]byte

// ParseDigest reads 64 hexadecimal digits.
func ParseDigest(s string) (d Digest, ok bool) {
	raw, err := hex.DecodeString(s)
	return d, err == nil && copy(d[:], raw) == len(d) && len(raw) == len(d)
}

// String gives the digits, in lower case.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// action is a word of a program's own: letters, digits, dots and hyphens.
var action = regexp.MustCompile(`^[a-z][a-z0-9.-]{0,63}$`)

// ValidAction reports whether the text may name what is confirmed.
func ValidAction(text string) bool { return action.MatchString(text) }

// ChallengeLife is how long a challenge can be answered: a person finds the token and types a PIN.
const ChallengeLife = 5 * time.Minute

// Challenge is what is to be signed, for one purpose, once.
type Challenge struct {
	Purpose Purpose
	Server  string             // the address of the server: a signature for one serves no other
	Account identity.AccountID // of bind and confirm
	Action  string             // of confirm
	Digest  Digest             // of confirm
	Nonce   string
	Ends    time.Time
}

const headline = "Medcard: electronic signature"

// ErrChallenge means that the text is no challenge.
var ErrChallenge = errors.New("signature: not a challenge")

// Text gives the bytes that are signed. They are lines that a person can read on the screen of the program that signs, and their
// beginning is that of no document, so that no document is signed unawares.
func (c Challenge) Text() []byte {
	lines := []string{headline, "purpose: " + string(c.Purpose), "server: " + c.Server}
	if c.Purpose != SignIn {
		lines = append(lines, "account: "+string(c.Account))
	}
	if c.Purpose == Confirm {
		lines = append(lines, "action: "+c.Action, "sha256: "+c.Digest.String())
	}
	lines = append(lines, "nonce: "+c.Nonce, "ends: "+c.Ends.UTC().Format(time.RFC3339), "")
	return []byte(strings.Join(lines, "\n"))
}

// ReadChallenge undoes Text.
func ReadChallenge(text []byte) (c Challenge, err error) {
	lines := strings.Split(string(text), "\n")
	if lines[0] != headline {
		return c, ErrChallenge
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "purpose":
			c.Purpose = Purpose(value)
		case "server":
			c.Server = value
		case "account":
			c.Account = identity.AccountID(value)
		case "action":
			c.Action = value
		case "sha256":
			c.Digest, _ = ParseDigest(value)
		case "nonce":
			c.Nonce = value
		case "ends":
			c.Ends, _ = time.Parse(time.RFC3339, value)
		}
	}
	if string(c.Text()) != string(text) {
		return Challenge{}, ErrChallenge
	}
	return c, nil
}

// Confirmation is a request that its owner confirmed, with the evidence.
type Confirmation struct {
	ID      ID
	Account identity.AccountID
	Action  string
	Digest  Digest
	At      time.Time
	Proof   Proof
}

// Proof is what anybody needs to check the signature again, and what was found when it came. It names the owner: it is kept sealed.
type Proof struct {
	Content []byte   // what was signed
	Message []byte   // the detached CMS message
	Chain   [][]byte // the certificates, DER, from the owner's to the root: all of them held and none was revoked at the time
	Issuer  string   // who gave the certificate
	Serial  string   // its number there, hexadecimal
	Until   time.Time
}

// ErrTaken means that the owner of the certificate signs in to another account.
var ErrTaken = errors.New("signature: the owner of the certificate signs in to another account")
