package server

import (
	"time"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

// Audit assembles what keeps the audit log and shows it.
func Audit(db *store.DB, custody *keys.Custody, issuer string, clock func() time.Time) (*auditing.Service, error) {
	key, err := custody.Signer(keys.Audit)
	if err != nil {
		return nil, err
	}
	signer, verifying, err := auditing.NewSigner(issuer, key.Signer)
	if err != nil {
		return nil, err
	}
	return &auditing.Service{
		Store: acting[auditing.Tx]{db, func(tx *store.Tx) auditing.Tx { return tx }}, Clock: clock, Signer: signer, Key: verifying,
	}, nil
}
