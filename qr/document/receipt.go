package document

import (
	"crypto/sha256"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
)

type receiptBody struct {
	_        struct{} `cbor:",toarray"`
	Number   uint64
	Previous []byte
	Listed   uint64
	Portions []portion
}

type portion struct {
	_        struct{} `cbor:",toarray"`
	Item     uint8
	Quantity uint32
}

// lastNumber and lastSecond bound what a receipt may claim, so that a database can keep it.
const lastNumber, lastSecond = 1 << 40, 1 << 40

// SealReceipt signs that something was handed out of a prescription without a network. The prescription is the verified code that the
// device went by.
func SealReceipt(r prescription.Receipt, of qr.Claims, key qr.SigningKey) (string, error) {
	if key.Usage != qr.Receipt {
		return "", qr.ErrUsage
	}
	body := receiptBody{Number: r.Number, Previous: r.Previous[:], Listed: uint64(max(r.ListedAt.Unix(), 0))}
	for _, p := range r.Portions {
		if p.Item < 0 || p.Item >= prescription.MaxItems || p.Quantity < 1 || p.Quantity > prescription.MaxQuantity {
			return "", ErrBody
		}
		body.Portions = append(body.Portions, portion{Item: uint8(p.Item), Quantity: uint32(p.Quantity)})
	}
	encoded, err := encoding.Marshal(body)
	if err != nil {
		return "", err
	}
	return qr.Seal(qr.Claims{IssuedAt: r.At, Expires: of.Expires, Token: of.Token, Status: of.Status, Body: encoded}, key)
}

// ReadReceipt gives the content of a receipt whose signature holds, and the pharmacy that its key is of.
func ReadReceipt(text string, v qr.Verified) (r prescription.Receipt, by identity.ClientID, err error) {
	c := v.Claims()
	var body receiptBody
	if v.Usage() != qr.Receipt {
		return r, "", qr.ErrUsage
	}
	if err := unmarshal(c.Body, &body); err != nil {
		return r, "", err
	}
	if len(body.Previous) != len(r.Previous) || body.Number < 1 || body.Number > lastNumber || body.Listed > lastSecond ||
		len(body.Portions) < 1 || len(body.Portions) > prescription.MaxItems {
		return r, "", ErrBody
	}
	r = prescription.Receipt{
		Device: prescription.DeviceKey(v.KeyID()), Number: body.Number, Previous: prescription.Digest(body.Previous), Hash: HashReceipt(text),
		Token: prescription.Token(c.Token), At: c.IssuedAt, ListedAt: time.Unix(int64(body.Listed), 0).UTC(),
	}
	for _, p := range body.Portions {
		r.Portions = append(r.Portions, prescription.Portion{Item: int(p.Item), Quantity: int(p.Quantity)})
	}
	return r, identity.ClientID(c.Issuer), nil
}

// HashReceipt is what the next receipt names this one by.
func HashReceipt(text string) prescription.Digest { return sha256.Sum256([]byte(text)) }

// EnrolmentText is what a device signs to show that it has the private half of the key that it enrols. It begins unlike anything that
// is signed in an envelope.
func EnrolmentText(public []byte) []byte {
	return append([]byte("emc-qr/v1/receipt enrolment\n"), public...)
}
