package foreign

import (
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/medcard/medcard/qr"
)

const (
	hc1Prefix = "HC1:"

	maxText    = 4296     // characters: what the largest QR code holds
	maxContent = 64 << 10 // bytes after decompression; the largest official example has 2 KB
)

// loose reads other people's CBOR: tags and indefinite lengths are theirs to choose, doubled keys are not.
var loose = must(cbor.DecOptions{
	DupMapKey:        cbor.DupMapKeyEnforcedAPF,
	MaxNestedLevels:  16,
	MaxArrayElements: 256,
	MaxMapPairs:      256,
	TimeTag:          cbor.DecTagOptional,
	BignumTag:        cbor.BignumTagForbidden,
}.DecMode())

func must[T any](mode T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}

var errFormat = errors.New("foreign: not well-formed")

// sealedHC1 is a COSE_Sign1 whose signature nobody has checked yet.
type sealedHC1 struct {
	protected, payload, signature []byte
	kid                           []byte
	alg                           int64 // 0 = not said
}

func readHC1(text string, keys Keys, now time.Time) Certificate {
	sealed, err := openHC1(text)
	if err != nil {
		return refuse(EUDCC, BadFormat)
	}
	claims, err := readClaims(sealed.payload)
	if err != nil {
		return refuse(EUDCC, BadFormat)
	}
	id := base64.StdEncoding.EncodeToString(sealed.kid)
	key, answer := sealed.check(keys.find(EUDCC, id, ""))
	if answer == NotGenuine {
		return refuse(EUDCC, BadSignature)
	}
	c := Certificate{Kind: EUDCC, Answer: answer, KeyID: id, Issuer: claims.Issuer, IssuedAt: claims.issued(), Expires: claims.expires()}
	fits := claims.Health.Certificate.describe(&c)
	if !fits {
		c.no(BadContent)
	}
	if answer == Genuine {
		for _, s := range c.Statements {
			if !key.signs(s.What) {
				c.no(WrongUsage)
			}
		}
	}
	c.inTime(now)
	if answer == NotChecked {
		c.Reasons = append(c.Reasons, UnknownKey)
	}
	return c
}

// openHC1 takes a text apart.
func openHC1(text string) (s sealedHC1, err error) {
	if len(text) > maxText {
		return s, errFormat
	}
	packed, err := qr.DecodeBase45(text[len(hc1Prefix):])
	if err != nil {
		return s, errFormat
	}
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return s, errFormat
	}
	data, err := io.ReadAll(io.LimitReader(r, maxContent+1))
	if err != nil || len(data) > maxContent {
		return s, errFormat
	}
	return openSign1(data)
}

// openSign1 takes a COSE_Sign1 apart, with or without its tags (18, and 61 of a CWT around it).
func openSign1(data []byte) (s sealedHC1, err error) {
	for range 3 {
		var tag cbor.RawTag
		if loose.Unmarshal(data, &tag) != nil {
			break
		}
		if tag.Number != 18 && tag.Number != 61 {
			return s, errFormat
		}
		data = tag.Content
	}
	var parts []cbor.RawMessage
	if err := loose.Unmarshal(data, &parts); err != nil || len(parts) != 4 {
		return s, errFormat
	}
	var unprotected map[any]cbor.RawMessage
	err = errors.Join(loose.Unmarshal(parts[0], &s.protected), loose.Unmarshal(parts[1], &unprotected),
		loose.Unmarshal(parts[2], &s.payload), loose.Unmarshal(parts[3], &s.signature))
	if err != nil {
		return s, errFormat
	}
	protected := map[any]cbor.RawMessage{}
	if len(s.protected) > 0 {
		if err := loose.Unmarshal(s.protected, &protected); err != nil {
			return s, errFormat
		}
	}
	if s.protected == nil {
		s.protected = []byte{} // an absent header is signed as an empty string, never as null
	}
	// What is said in both headers is believed of the one that is signed.
	for _, header := range []map[any]cbor.RawMessage{unprotected, protected} {
		if raw, there := header[uint64(4)]; there && loose.Unmarshal(raw, &s.kid) != nil {
			return s, errFormat
		}
		if raw, there := header[uint64(1)]; there && loose.Unmarshal(raw, &s.alg) != nil {
			return s, errFormat
		}
	}
	return s, nil
}

// COSE numbers of the algorithms.
const (
	algES256 = -7
	algPS256 = -37
)

// check looks for a key that signed. Only who has one can say that a signature is wrong.
func (s sealedHC1) check(keys []Key) (Key, Answer) {
	if s.alg != 0 && s.alg != algES256 && s.alg != algPS256 {
		return Key{}, NotGenuine
	}
	message, err := cbor.Marshal([]any{"Signature1", s.protected, []byte{}, s.payload})
	if err != nil {
		return Key{}, NotGenuine
	}
	for _, key := range keys {
		if key.fits(s.alg) && key.holds(message, s.signature) {
			return key, Genuine
		}
	}
	if len(keys) > 0 {
		return Key{}, NotGenuine
	}
	return Key{}, NotChecked
}

// fits reports whether the algorithm that is named is the key's.
func (k Key) fits(alg int64) bool {
	_, curve := k.Public.(*ecdsa.PublicKey)
	return alg == 0 || curve == (alg == algES256)
}

// claims is the CWT.
type claims struct {
	Issuer   string          `cbor:"1,keyasint"`
	Expires  cbor.RawMessage `cbor:"4,keyasint"`
	IssuedAt cbor.RawMessage `cbor:"6,keyasint"`
	Health   struct {
		Certificate dcc `cbor:"1,keyasint"`
	} `cbor:"-260,keyasint"`
}

func readClaims(payload []byte) (c claims, err error) {
	// Some issuers tag the claims themselves.
	var tag cbor.RawTag
	if loose.Unmarshal(payload, &tag) == nil && tag.Number == 61 {
		payload = tag.Content
	}
	if err := loose.Unmarshal(payload, &c); err != nil {
		return c, errFormat
	}
	return c, nil
}

func (c claims) issued() *time.Time  { return numericDate(c.IssuedAt) }
func (c claims) expires() *time.Time { return numericDate(c.Expires) }

// numericDate reads a time as issuers write it: a whole number, one with a fraction, or either of them under tag 1.
func numericDate(raw cbor.RawMessage) *time.Time {
	if len(raw) == 0 {
		return nil
	}
	var value any
	if loose.Unmarshal(raw, &value) != nil {
		return nil
	}
	switch v := value.(type) {
	case uint64:
		return moment(float64(v))
	case int64:
		return moment(float64(v))
	case float64:
		return moment(v)
	case time.Time:
		return moment(float64(v.Unix()))
	}
	return nil
}
