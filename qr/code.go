package qr

import (
	"fmt"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

const (
	prefix      = "EMC1:"
	tokenPrefix = "EMC1T:"

	maxText   = 1200 // characters that are looked at at all
	maxIssuer = 64   // bytes
	latest    = 1 << 40

	// MaxSealed is how many bytes of COSE a code may have: what version 15 holds at error correction M. Larger ones were read from one
	// photo in thirty.
	MaxSealed = 396
)

// TokenID is the 16 random bytes that name a document to the server.
type TokenID [16]byte

// StatusRef says which status list speaks of a document, and at which place.
type StatusRef struct{ List, Index uint32 }

// Claims is what a code says.
type Claims struct {
	Issuer   string // filled by Seal from the key
	IssuedAt time.Time
	Expires  time.Time // the last second
	Token    TokenID
	Status   StatusRef
	Body     []byte // deterministic CBOR; its label follows from the key's usage
}

// payload is the claims as they travel. Of the bodies exactly one is there.
type payload struct {
	Issuer       string          `cbor:"1,keyasint"`
	Expires      uint64          `cbor:"4,keyasint"`
	IssuedAt     uint64          `cbor:"6,keyasint"`
	Token        []byte          `cbor:"7,keyasint"`
	Prescription cbor.RawMessage `cbor:"-65537,keyasint,omitempty"`
	Status       [2]uint32       `cbor:"-65538,keyasint"` // list, index
	Receipt      cbor.RawMessage `cbor:"-65539,keyasint,omitempty"`
	Referral     cbor.RawMessage `cbor:"-65540,keyasint,omitempty"`
	Certificate  cbor.RawMessage `cbor:"-65541,keyasint,omitempty"`
}

// body is where the body of a usage stands, nil for a usage that has no codes.
func (p *payload) body(u Usage) *cbor.RawMessage {
	switch u {
	case Prescription:
		return &p.Prescription
	case Receipt:
		return &p.Receipt
	case Referral:
		return &p.Referral
	case Certificate:
		return &p.Certificate
	}
	return nil
}

func (p *payload) bodies() (n int) {
	for _, b := range []cbor.RawMessage{p.Prescription, p.Receipt, p.Referral, p.Certificate} {
		if len(b) > 0 {
			n++
		}
	}
	return n
}

// Seal signs the claims into the text of a code.
func Seal(claims Claims, key SigningKey) (string, error) {
	content, err := encodeClaims(claims, key.Issuer, key.Usage)
	if err != nil {
		return "", err
	}
	sealed, err := Sign(content, key)
	if err != nil {
		return "", err
	}
	if len(sealed) > MaxSealed {
		return "", ErrTooLong
	}
	return prefix + encodeBase45(sealed), nil
}

func encodeClaims(claims Claims, issuer string, usage Usage) ([]byte, error) {
	p := payload{Issuer: issuer, Token: claims.Token[:], Status: [2]uint32{claims.Status.List, claims.Status.Index}}
	body := p.body(usage)
	if body == nil {
		return nil, fmt.Errorf("%w: keys for %q sign no codes", ErrUsage, usage)
	}
	if len(claims.Body) == 0 || strict.Wellformed(claims.Body) != nil {
		return nil, fmt.Errorf("%w: no body", ErrClaims)
	}
	from, to := claims.IssuedAt.Unix(), claims.Expires.Unix()
	if from < 0 || to < from || to > latest {
		return nil, fmt.Errorf("%w: the times make no sense", ErrClaims)
	}
	*body, p.IssuedAt, p.Expires = claims.Body, uint64(from), uint64(to)
	return encoding.Marshal(p)
}

// Room is how many bytes of body a code with this issuer and these claims may have, so that the code has no more than limit bytes of
// COSE.
func Room(claims Claims, issuer string, usage Usage, limit int) (int, error) {
	claims.Body = []byte{0x80}
	content, err := encodeClaims(claims, issuer, usage)
	if err != nil {
		return 0, err
	}
	// Around the payload stand: the array, the header of 13 bytes with its length, the empty map, the signature with its length.
	const around = 1 + 1 + 13 + 1 + 2 + 64
	room := limit - around - 2 // the payload's length in two bytes
	if room > 255 {
		room = max(255, room-1) // or in three
	}
	return room - (len(content) - len(claims.Body)), nil
}

// Ours reports whether a text claims to be one of this format; other codes are somebody else's and no forgery.
func Ours(text string) bool {
	return strings.HasPrefix(text, prefix) || strings.HasPrefix(text, tokenPrefix)
}

// IsToken reports whether a text claims to be a token code.
func IsToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }

// Unverified is a code that was taken apart and not yet believed. It tells nothing but which key is said to have signed.
type Unverified struct{ envelope Envelope }

// Open takes the text of a code apart.
func Open(text string) (Unverified, error) {
	data, err := unwrap(text, prefix)
	if err != nil {
		return Unverified{}, err
	}
	e, err := ParseEnvelope(data)
	return Unverified{envelope: e}, err
}

func unwrap(text, prefix string) ([]byte, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: longer than %d characters", ErrFormat, maxText)
	}
	for i := range len(text) {
		if digits[text[i]] < 0 {
			return nil, fmt.Errorf("%w: a character is not of base45", ErrFormat)
		}
	}
	encoded, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrFormat, prefix)
	}
	return decodeBase45(encoded)
}

// KeyID names the key that is said to have signed.
func (u Unverified) KeyID() KeyID { return u.envelope.kid }

// Format hides the payload from every verb of package fmt.
func (u Unverified) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "unverified code of key %x", u.envelope.kid[:])
}

// Verified is a code whose signature holds: the key's owner said this, with a key for such documents. Whether it is still good is
// another question.
type Verified struct {
	claims  Claims
	usage   Usage
	kid     KeyID
	content []byte
}

// Verify checks the signature, then that the document is of the key's usage and by the key's owner.
func (u Unverified) Verify(key Key) (Verified, error) {
	content, err := u.envelope.Payload(key)
	if err != nil {
		return Verified{}, err
	}
	return readClaims(content, key)
}

// readClaims reads what the key signed.
func readClaims(content []byte, key Key) (Verified, error) {
	var p payload
	if err := strict.Unmarshal(content, &p); err != nil || !same(content, p) {
		return Verified{}, fmt.Errorf("%w: not the claims of a code", ErrFormat)
	}
	body := p.body(key.Usage)
	switch {
	case body == nil || len(*body) == 0 || p.bodies() != 1:
		return Verified{}, ErrUsage
	case p.Issuer != key.Issuer:
		return Verified{}, ErrIssuer
	case len(p.Token) != len(TokenID{}), p.Expires < p.IssuedAt, p.Expires > latest:
		return Verified{}, fmt.Errorf("%w: a claim is out of range", ErrFormat)
	}
	return Verified{usage: key.Usage, kid: key.ID, content: content, claims: Claims{
		Issuer:   p.Issuer,
		IssuedAt: time.Unix(int64(p.IssuedAt), 0).UTC(),
		Expires:  time.Unix(int64(p.Expires), 0).UTC(),
		Token:    TokenID(p.Token), Body: *body,
		Status: StatusRef{List: p.Status[0], Index: p.Status[1]},
	}}, nil
}

// Claims is what the code says.
func (v Verified) Claims() Claims { return v.claims }

// Content is the payload as it was signed. Two codes with the same content say the same, whatever their signatures look like.
func (v Verified) Content() []byte { return v.content }

// Usage is what kind of document it is.
func (v Verified) Usage() Usage { return v.usage }

// KeyID names the key that signed.
func (v Verified) KeyID() KeyID { return v.kid }

// TokenText writes the small code that carries a token id and nothing else.
func TokenText(id TokenID) string { return tokenPrefix + encodeBase45(id[:]) }

// OpenToken reads the small code.
func OpenToken(text string) (TokenID, error) {
	data, err := unwrap(text, tokenPrefix)
	if err != nil {
		return TokenID{}, err
	}
	if len(data) != len(TokenID{}) {
		return TokenID{}, fmt.Errorf("%w: a token has 16 bytes", ErrFormat)
	}
	return TokenID(data), nil
}
