package document

import (
	"crypto/sha256"
	"time"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/identity"
)

// Certificate is what a certificate's code says. The text is not among it: whoever holds the document compares its hash.
type Certificate struct {
	Kind   certificate.Kind
	Number string
	Bearer identity.Bearer
	Clinic string // OGRN
	Hash   [sha256.Size]byte
}

// Matches reports whether the code was made for this document, letter by letter.
func (c Certificate) Matches(of certificate.Certificate) bool { return c.Hash == of.Hash() }

type certificateBody struct {
	_      struct{} `cbor:",toarray"`
	Kind   uint8
	Number string
	Bearer bearer
	Clinic uint64
	Hash   []byte
}

func packCertificate(c certificate.Certificate) (certificateBody, error) {
	row, known := certificate.On(c.Sheet.Kind, c.IssuedAt)
	clinic, err := packOGRN(c.Sheet.Clinic)
	if !known || err != nil {
		return certificateBody{}, ErrBody
	}
	hash := c.Hash()
	return certificateBody{Kind: row.Number, Number: c.Sheet.Number, Bearer: packBearer(c.Sheet.Bearer), Clinic: clinic, Hash: hash[:]}, nil
}

func (b certificateBody) unpack(issued time.Time) (Certificate, error) {
	row, known := certificate.OnNumber(b.Kind, issued)
	if !known || len(b.Hash) != sha256.Size || b.Number == "" || len(b.Number) > certificate.MaxNumber {
		return Certificate{}, ErrBody
	}
	return Certificate{Kind: row.Kind, Number: b.Number, Bearer: b.Bearer.unpack(), Clinic: unpackOGRN(b.Clinic), Hash: [sha256.Size]byte(b.Hash)}, nil
}
