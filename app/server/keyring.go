package server

import (
	"time"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/qr"
)

// usages are what the keys in custody sign for.
var usages = map[keys.Usage]qr.Usage{
	keys.Prescription: qr.Prescription, keys.Referral: qr.Referral, keys.Certificate: qr.Certificate, keys.Status: qr.StatusList,
}

// Custody opens the keys, with their secret halves where the configuration says that they are.
func Custody(cfg config.Config, clock func() time.Time) (*keys.Custody, error) {
	vault, err := openVault(cfg)
	if err != nil {
		return nil, err
	}
	return keys.OpenVault(cfg.KeyFolder(), clock, vault)
}

// keyring makes the keys that are due and shows all of them to what signs and publishes.
func keyring(custody *keys.Custody, issuer string) (ring issuing.Keyring, err error) {
	for usage, of := range usages {
		signers, err := tended(custody, usage)
		if err != nil {
			return ring, err
		}
		for _, s := range signers {
			key, err := signingKey(s, issuer, of)
			if err != nil {
				return ring, err
			}
			ring.Keys = append(ring.Keys, issuing.Key{SigningKey: key, From: s.From, Until: s.Until(), Compromised: !s.Compromised.IsZero()})
		}
	}
	root, successor, err := custody.Roots()
	if err != nil {
		return ring, err
	}
	if ring.Root, err = signingKey(root, issuer, qr.KeySet); err != nil {
		return ring, err
	}
	if ring.Successor, err = qr.NewKey(issuer, qr.KeySet, successor.Key); err != nil {
		return ring, err
	}
	all, err := custody.Ring(keys.TrustRoot)
	for _, s := range all {
		if s.Retired.IsZero() {
			continue
		}
		former, err := qr.NewKey(issuer, qr.KeySet, s.Key)
		if err != nil {
			return ring, err
		}
		ring.Former = append(ring.Former, former)
	}
	return ring, err
}

// tended makes the keys of a usage that are due. That the next one cannot be made, say because the disk is full or may only be read, is no
// reason to stop while there are two weeks left: the log of the key set shows that none came.
func tended(custody *keys.Custody, usage keys.Usage) (keys.Ring, error) {
	ring, failed := custody.Tend(usage)
	if failed == nil {
		return ring, nil
	}
	ring, err := custody.Ring(usage)
	if _, signs := ring.Signing(custody.Now()); err != nil || !signs {
		return nil, failed
	}
	return ring, nil
}

// signingKey gives a key in custody the form that codes know. Of one whose secret half is gone the public half is left.
func signingKey(s keys.Signer, issuer string, of qr.Usage) (qr.SigningKey, error) {
	if s.Signer != nil {
		return qr.NewSigningKey(issuer, of, s.Signer)
	}
	key, err := qr.NewKey(issuer, of, s.Key)
	return qr.SigningKey{Key: key}, err
}
