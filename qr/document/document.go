package document

import (
	"fmt"
	"time"

	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
)

// What a code may have in bytes, so that it stays at a version that photos of paper can be read from. Photos of the same size on paper
// were read at version 12 in every second case, at version 15 in every tenth.
const (
	maxReferral    = 240 // version 11 at error correction M
	maxCertificate = 276 // version 12
)

var maxPrescription = [prescription.MaxItems + 1]int{1: 276, 2: 348, 3: qr.MaxSealed} // by items: versions 12, 14, 15

// SealPrescription makes the code of a prescription. Controlled forms get ErrTokenOnly: qr.TokenText is their code.
func SealPrescription(p prescription.Prescription, status qr.StatusRef, key qr.SigningKey) (string, error) {
	if rules, known := prescription.RulesOn(p.Sheet.Form, p.IssuedAt); !known || rules.Controlled {
		return "", ErrTokenOnly
	}
	if key.Usage != qr.Prescription {
		return "", qr.ErrUsage
	}
	n := len(p.Sheet.Items)
	if n < 1 || n > prescription.MaxItems {
		return "", ErrTooLong
	}
	claims := qr.Claims{IssuedAt: p.IssuedAt, Expires: p.ValidUntil, Token: qr.TokenID(p.Token), Status: status}
	return seal(claims, key, maxPrescription[n], func(c cuts) (prescriptionBody, error) { return packPrescription(p.Sheet, c) })
}

// SealReferral makes the code of a referral.
func SealReferral(r referral.Referral, status qr.StatusRef, key qr.SigningKey) (string, error) {
	if key.Usage != qr.Referral {
		return "", qr.ErrUsage
	}
	claims := qr.Claims{IssuedAt: r.IssuedAt, Expires: r.ValidUntil, Token: qr.TokenID(r.Token), Status: status}
	return seal(claims, key, maxReferral, func(c cuts) (referralBody, error) { return packReferral(r.Sheet, c) })
}

// SealCertificate makes the code of a certificate. Nothing of it is cut.
func SealCertificate(c certificate.Certificate, status qr.StatusRef, key qr.SigningKey) (string, error) {
	if key.Usage != qr.Certificate {
		return "", qr.ErrUsage
	}
	claims := qr.Claims{IssuedAt: c.IssuedAt, Expires: c.ValidUntil, Token: qr.TokenID(c.Token), Status: status}
	return seal(claims, key, maxCertificate, func(cuts) (certificateBody, error) { return packCertificate(c) })
}

func seal[B any](claims qr.Claims, key qr.SigningKey, limit int, pack func(cuts) (B, error)) (string, error) {
	room, err := qr.Room(claims, key.Issuer, key.Usage, limit)
	if err != nil {
		return "", err
	}
	if claims.Body, err = fit(room, pack); err != nil {
		return "", err
	}
	return qr.Seal(claims, key)
}

// Paper is what a code says, in the domain's words. Exactly one of the sheets is there; its names may be cut short.
type Paper struct {
	Usage        qr.Usage
	Issuer       string
	Token        qr.TokenID
	IssuedAt     time.Time
	ValidUntil   time.Time
	Prescription *prescription.Sheet
	Referral     *referral.Sheet
	Certificate  *Certificate
}

// Read gives the content of a code whose signature holds.
func Read(v qr.Verified) (Paper, error) {
	c := v.Claims()
	paper := Paper{Usage: v.Usage(), Issuer: c.Issuer, Token: c.Token, IssuedAt: c.IssuedAt, ValidUntil: c.Expires}
	switch v.Usage() {
	case qr.Prescription:
		var body prescriptionBody
		if err := unmarshal(c.Body, &body); err != nil {
			return Paper{}, err
		}
		sheet, err := body.unpack()
		if err != nil {
			return Paper{}, err
		}
		paper.Prescription = &sheet
	case qr.Referral:
		var body referralBody
		if err := unmarshal(c.Body, &body); err != nil {
			return Paper{}, err
		}
		sheet := body.unpack()
		sheet.Days = int(c.Expires.Sub(c.IssuedAt) / (24 * time.Hour)) // the last day counts whole, so the rest is below a day
		paper.Referral = &sheet
	case qr.Certificate:
		var body certificateBody
		if err := unmarshal(c.Body, &body); err != nil {
			return Paper{}, err
		}
		stated, err := body.unpack(c.IssuedAt)
		if err != nil {
			return Paper{}, err
		}
		paper.Certificate = &stated
	default:
		return Paper{}, fmt.Errorf("%w: %s", ErrBody, v.Usage())
	}
	return paper, nil
}

// Longest is how long a document of this form may be valid, for trust.Knowledge.
func Longest(v qr.Verified) (time.Duration, error) {
	paper, err := Read(v)
	if err != nil {
		return 0, err
	}
	if paper.Referral != nil {
		return referral.Longest, nil
	}
	if paper.Certificate != nil {
		return certificate.Longest, nil
	}
	rules, known := prescription.RulesOn(paper.Prescription.Form, paper.IssuedAt)
	validity := paper.Prescription.Validity
	if !known || rules.Controlled || !rules.Allows(validity) {
		return 0, ErrBody
	}
	return validity.Longest(), nil
}

// NameFits compares the names with a dictionary that gives the full name of a code, for trust.Knowledge. A code that the dictionary
// does not know fits: a dictionary may be older than the medicine.
func NameFits(dictionary func(code uint32) (name string, known bool)) func(qr.Verified) bool {
	return func(v qr.Verified) bool {
		paper, err := Read(v)
		if err != nil {
			return false
		}
		if paper.Prescription == nil {
			return true
		}
		for _, item := range paper.Prescription.Items {
			if full, known := dictionary(item.Code); known && !prescription.SameName(item.Name, full) {
				return false
			}
		}
		return true
	}
}
