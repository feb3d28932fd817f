package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // the clinic's days count in its own zone, also in a container without zone files

	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr/foreign"
	"github.com/medcard/medcard/qr/scan"
)

// Publisher assembles what signs papers and publishes keys, for commands that work on the keys.
func Publisher(db *store.DB, custody *keys.Custody, cfg config.Config, clock func() time.Time) (*issuing.Service, error) {
	zone, err := zoneOf(cfg)
	if err != nil {
		return nil, err
	}
	parts := issuing.Parts{
		Store: acting[issuing.Tx]{db, func(tx *store.Tx) issuing.Tx { return tx }}, Clock: clock, Random: rand.Reader, Zone: zone, Hash: custody.Hash,
		Region: cfg.Region, Keys: func() (issuing.Keyring, error) { return keyring(custody, cfg.Issuer) },
	}
	if _, err := parts.Keys(); err != nil { // a first start makes them
		return nil, err
	}
	return issuing.New(parts), nil
}

// papers puts together what signs, hands out and reads prescriptions and referrals.
func papers(db *store.DB, custody *keys.Custody, cfg config.Config, o Options, metrics prometheus.Registerer) (*issuing.Service, *dispensing.Service, *scanning.Service, error) {
	issue, err := Publisher(db, custody, cfg, o.Clock)
	if err != nil {
		return nil, nil, nil, err
	}
	dispense := Dispense(db, o.Clock, issue.Zone)
	dispense.Token = func(ctx context.Context, code string) (prescription.Token, error) { return issue.Token(ctx, code) }
	dispense.Typed = func(ctx context.Context, a identity.Actor, number string, birthYear int) (prescription.Token, error) {
		return issue.PrescriptionByNumber(ctx, a, dispensing.Right, number, birthYear)
	}
	late := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "medcard_supplies_overdue_total", Help: "Deferred prescriptions whose medicine had not come by the end of the term.",
	})
	filed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "medcard_receipts_total", Help: "Receipts of hand-outs without a network, by what became of them and the doubt of those in quarantine.",
	}, []string{"outcome", "doubt"})
	metrics.MustRegister(late, filed)
	dispense.Filed = func(f prescription.Filed) { filed.WithLabelValues(string(f.Outcome), string(f.Doubt)).Inc() }
	dispense.Overdue = func(d prescription.Deferred) {
		late.Inc()
		o.Log.Warn("a pharmacy is late with a medicine that it ordered", "prescription", string(d.Prescription), "pharmacy", string(d.Supply.Holder))
	}
	others, err := believed(cfg.ForeignKeys)
	if err != nil {
		return nil, nil, nil, err
	}
	return issue, dispense, &scanning.Service{
		Photos: scan.NewReader(scan.Options{}).Read, Judge: issue.Judge, Clock: o.Clock, Others: others, Standing: issue.Standing,
	}, nil
}

// Dispense assembles handing out alone, without what reads codes: for an operator's commands.
func Dispense(db *store.DB, clock func() time.Time, zone *time.Location) *dispensing.Service {
	return &dispensing.Service{
		Store: acting[dispensing.Tx]{db, func(tx *store.Tx) dispensing.Tx { return tx }}, Clock: clock, Secret: rand.Text, Zone: zone,
	}
}

// believed reads the keys of issuers of foreign certificates: every file of a folder.
func believed(folder string) (all foreign.Keys, err error) {
	if folder == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("configuration: MEDCARD_FOREIGN_KEYS: %w", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("configuration: MEDCARD_FOREIGN_KEYS: %w", err)
		}
		keys, err := foreign.ParseKeys(data)
		if err != nil {
			return nil, fmt.Errorf("configuration: MEDCARD_FOREIGN_KEYS: %s: %w", e.Name(), err)
		}
		all = append(all, keys...)
	}
	return all, nil
}
