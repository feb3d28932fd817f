package server

import (
	"context"
	"sync"
	"time"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/store"
)

// Audit assembles what keeps the audit log and shows it.
func Audit(db *store.DB, custody *keys.Custody, issuer string, clock func() time.Time) (*auditing.Service, error) {
	log := &auditKeys{custody: custody, issuer: issuer}
	if _, err := log.now(); err != nil {
		return nil, err
	}
	return &auditing.Service{Store: acting[auditing.Tx]{db, func(tx *store.Tx) auditing.Tx { return tx }}, Clock: clock, Keys: log.now}, nil
}

// auditKeys are the keys of the log. They are read from the folder once, and again when another has taken over.
type auditKeys struct {
	custody *keys.Custody
	issuer  string

	mu   sync.Mutex
	read auditing.Keys
}

func (k *auditKeys) now() (auditing.Keys, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.read.Signer != nil && !k.custody.Succeeded(keys.Audit, len(k.read.Former)+1) {
		return k.read, nil
	}
	ring, handovers, err := k.custody.Succession(keys.Audit)
	if err != nil {
		return k.read, err
	}
	out := auditing.Keys{Handovers: handovers}
	for _, s := range ring[:len(ring)-1] {
		former, err := auditing.VerifyingKey(k.issuer, s.Key)
		if err != nil {
			return k.read, err
		}
		out.Former = append(out.Former, former)
	}
	if out.Signer, out.Key, err = auditing.NewSigner(k.issuer, ring[len(ring)-1].Signer); err == nil {
		k.read = out
	}
	return k.read, err
}

// HandOverAudit makes another key for the audit log, lets it take over, and destroys the secret half of the one before. The log is that of a database
// role that may extend it. Interrupted, the same again goes on, and makes no further key.
func HandOverAudit(ctx context.Context, log *auditing.Service, custody *keys.Custody, issuer string) (key string, err error) {
	if unfinished, err := custody.RetireFormer(keys.Audit); err != nil {
		return "", err
	} else if unfinished { // the key took over
		now, err := log.Keys()
		if err != nil {
			return "", err
		}
		return now.Key, log.Sequence(ctx)
	}
	next, err := custody.Successor(keys.Audit)
	if err != nil {
		return "", err
	}
	signer, key, err := auditing.NewSigner(issuer, next.Signer)
	if err != nil {
		return "", err
	}
	if err := log.HandOver(ctx, signer, key, func(statement string) error { return custody.Succeed(next, statement) }); err != nil {
		return "", err
	}
	_, err = custody.RetireFormer(keys.Audit)
	return key, err
}
