package issuing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/domain/referral"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/sync/cardsync"
)

// registry is a store in memory. Its card-1 belongs to Anna and is treated by the clinic "seven"; card-2 has no patient record yet.
type registry struct {
	contents
	reruns int // how often a transaction is thrown away after its work and run again
	token  *consent.Token
}

type contents struct {
	prescriptions map[prescription.ID]filed[prescription.Prescription]
	referrals     map[referral.ID]filed[referral.Referral]
	places        map[[2]int][16]byte
	statuses      map[[16]byte]int
	records       []cardsync.Record
	news          int
	audits        []audit.Entry
}

type filed[T any] struct {
	paper  T
	code   string
	issuer identity.ClientID
}

var (
	_ Store = (*registry)(nil)
	_ Tx    = (*registry)(nil)
)

var errAgain = errors.New("run again")

func (r *registry) View(_ context.Context, f func(Tx) error) error {
	r.token = new(consent.Token)
	return f(r)
}

func (r *registry) Update(_ context.Context, f func(Tx) error) error {
	for n := 0; ; n++ {
		before := r.contents
		r.prescriptions, r.referrals, r.places, r.statuses = maps.Clone(r.prescriptions), maps.Clone(r.referrals), maps.Clone(r.places), maps.Clone(r.statuses)
		r.records, r.audits = slices.Clone(r.records), slices.Clone(r.audits)
		r.token = new(consent.Token)
		err := f(r)
		if err == nil && n < r.reruns {
			err = errAgain
		}
		if err != nil {
			r.contents = before
		}
		if !errors.Is(err, errAgain) {
			return err
		}
	}
}

func (r *registry) Decide(a identity.Actor, id card.ID, p consent.Purpose, now time.Time) (consent.Permit, error) {
	grants := []consent.Grant{{ID: "g", Card: "card-1", Role: consent.Owner, Account: "anna", Scopes: card.Everything(), Purpose: consent.PatientRequest}}
	return consent.Decide(a, id, p, grants, now, r.token)
}

func (r *registry) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, r.token)
}

func (r *registry) may(p consent.Permit) error {
	if !p.Of(r.token) {
		return errors.New("a foreign permit")
	}
	return nil
}

func (r *registry) LockCard(card.ID) error { return nil }

func (r *registry) Treats(p consent.Permit, _ time.Time) (bool, error) {
	return p.Actor().Client == "seven", r.may(p)
}

func (r *registry) Bearer(p consent.Permit) (identity.Bearer, bool, error) {
	return identity.NewBearer(1984, "Соколова", "Анна", "Игоревна"), p.Card() != "card-2", r.may(p)
}

func (r *registry) CardOfPrescription(id prescription.ID) (card.ID, bool, error) {
	f, found := r.prescriptions[id]
	return f.paper.Card, found, nil
}

func (r *registry) PrescriptionByToken(token prescription.Token) (card.ID, prescription.ID, bool, error) {
	for id, f := range r.prescriptions {
		if f.paper.Token == token {
			return f.paper.Card, id, true, nil
		}
	}
	return "", "", false, nil
}

func (r *registry) AddPrescription(p consent.Permit, rx prescription.Prescription, code string, issuer identity.ClientID) (bool, error) {
	_, one := r.prescriptions[rx.ID]
	_, other := r.referrals[referral.ID(rx.ID)]
	if !one && !other {
		r.prescriptions[rx.ID] = filed[prescription.Prescription]{rx, code, issuer}
	}
	return !one && !other, r.may(p)
}

func (r *registry) Prescription(p consent.Permit, id prescription.ID) (prescription.Prescription, string, bool, error) {
	f := r.prescriptions[id]
	return f.paper, f.code, f.paper.Card == p.Card() && f.code != "", r.may(p)
}

func (r *registry) CardOfReferral(id referral.ID) (card.ID, bool, error) {
	f, found := r.referrals[id]
	return f.paper.Card, found, nil
}

func (r *registry) AddReferral(p consent.Permit, paper referral.Referral, code string, issuer identity.ClientID) (bool, error) {
	_, one := r.prescriptions[prescription.ID(paper.ID)]
	_, other := r.referrals[paper.ID]
	if !one && !other {
		r.referrals[paper.ID] = filed[referral.Referral]{paper, code, issuer}
	}
	return !one && !other, r.may(p)
}

func (r *registry) Referral(p consent.Permit, id referral.ID) (referral.Referral, string, bool, error) {
	f := r.referrals[id]
	return f.paper, f.code, f.paper.Card == p.Card() && f.code != "", r.may(p)
}

func (r *registry) Issuer(p consent.Permit, kind card.Kind, id string) (identity.ClientID, error) {
	if kind == card.KindReferral {
		return r.referrals[referral.ID(id)].issuer, r.may(p)
	}
	return r.prescriptions[prescription.ID(id)].issuer, r.may(p)
}

func (r *registry) TakePlace(list, place int, token [16]byte, status int) (bool, error) {
	if _, taken := r.places[[2]int{list, place}]; taken {
		return false, nil
	}
	r.places[[2]int{list, place}], r.statuses[token] = token, status
	return true, nil
}

func (r *registry) StatusOf(token [16]byte) (int, bool, error) {
	status, found := r.statuses[token]
	return status, found, nil
}

func (r *registry) Statuses(list int, visit func(place, status int)) error {
	for at, token := range r.places {
		if at[0] == list {
			visit(at[1], r.statuses[token])
		}
	}
	return nil
}

func (r *registry) StatusLists() (lists []int, err error) {
	for at := range r.places {
		if !slices.Contains(lists, at[0]) {
			lists = append(lists, at[0])
		}
	}
	slices.Sort(lists)
	return lists, nil
}

func (r *registry) Publish(p consent.Permit, records []cardsync.Record, _ time.Time) error {
	r.records = append(r.records, records...)
	return r.may(p)
}

func (r *registry) EnqueueNews(p consent.Permit, _ card.Scopes) error {
	r.news++
	return r.may(p)
}

func (r *registry) OwnReadSince(id card.ID, a identity.Actor, p consent.Purpose, since time.Time) (bool, error) {
	return slices.ContainsFunc(r.audits, func(e audit.Entry) bool {
		return e.Card == id && e.Actor.Account == a.Account && e.Actor.Device == a.Device && e.Purpose == p && e.Action == audit.Read && !e.At.Before(since)
	}), nil
}

func (r *registry) AppendAudit(e audit.Entry) error {
	r.audits = append(r.audits, e)
	return nil
}

// world is a service over a registry, on a clock of its own.
type world struct {
	*Service
	*registry
	t      *testing.T
	now    time.Time
	random func([]byte)
}

func (w *world) Read(b []byte) (int, error) { w.random(b); return len(b), nil }

// counting gives other bytes each time.
func counting() func([]byte) {
	n := byte(0)
	return func(b []byte) {
		n++
		for i := range b {
			b[i] = n
		}
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), random: counting()}
	w.registry = &registry{contents: contents{
		prescriptions: map[prescription.ID]filed[prescription.Prescription]{}, referrals: map[referral.ID]filed[referral.Referral]{},
		places: map[[2]int][16]byte{}, statuses: map[[16]byte]int{},
	}}
	key := func(u qr.Usage) qr.SigningKey {
		seed := make([]byte, ed25519.SeedSize)
		copy(seed, "issuing test "+string(u))
		k, err := qr.NewSigningKey("medcard", u, ed25519.NewKeyFromSeed(seed))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	parts := Parts{Store: w.registry, Clock: func() time.Time { return w.now }, Random: w, Zone: time.UTC, Root: key(qr.KeySet)}
	for _, u := range []qr.Usage{qr.Prescription, qr.Referral, qr.StatusList} {
		parts.Keys = append(parts.Keys, Key{SigningKey: key(u), Created: w.now.AddDate(0, 0, -1)})
	}
	w.Service = New(parts)
	return w
}
