package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
	_ "time/tzdata" // the clinic's days count in its own zone, also in a container without zone files

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/scan"
)

// papers puts together what signs, hands out and reads prescriptions and referrals.
func papers(db *store.DB, custody *keys.Custody, cfg config.Config, o Options) (*issuing.Service, *dispensing.Service, *scanning.Service, error) {
	zone, err := time.LoadLocation(cfg.Zone)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("configuration: MEDCARD_ZONE: %w", err)
	}
	parts := issuing.Parts{
		Store: acting[issuing.Tx]{db, func(tx *store.Tx) issuing.Tx { return tx }}, Clock: o.Clock, Random: rand.Reader, Zone: zone,
	}
	root, err := signingKey(custody, cfg.Issuer, keys.TrustRoot, qr.KeySet)
	if err != nil {
		return nil, nil, nil, err
	}
	parts.Root = root.SigningKey
	for _, use := range []struct {
		key keys.Usage
		of  qr.Usage
	}{{keys.Prescription, qr.Prescription}, {keys.Referral, qr.Referral}, {keys.Status, qr.StatusList}} {
		key, err := signingKey(custody, cfg.Issuer, use.key, use.of)
		if err != nil {
			return nil, nil, nil, err
		}
		parts.Keys = append(parts.Keys, key)
	}
	issue := issuing.New(parts)
	dispense := &dispensing.Service{
		Store: acting[dispensing.Tx]{db, func(tx *store.Tx) dispensing.Tx { return tx }}, Clock: o.Clock, Secret: rand.Text,
		Token: func(ctx context.Context, code string) (prescription.Token, error) { return issue.Token(ctx, code) },
	}
	return issue, dispense, &scanning.Service{Photos: scan.NewReader(scan.Options{}).Read, Judge: issue.Judge}, nil
}

func signingKey(custody *keys.Custody, issuer string, usage keys.Usage, of qr.Usage) (issuing.Key, error) {
	signer, err := custody.Signer(usage)
	if err != nil {
		return issuing.Key{}, err
	}
	key, err := qr.NewSigningKey(issuer, of, signer.Signer)
	return issuing.Key{SigningKey: key, Created: signer.Created}, err
}
