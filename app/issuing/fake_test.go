package issuing

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/certificate"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/domain/paper"
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
	certificates  map[certificate.ID]filed[certificate.Certificate]
	numbers       map[paper.Number][16]byte
	allowances    map[string]time.Time
	inboxes       map[identity.ClientID][]notice.Inbox
	places        map[[2]int][16]byte
	statuses      map[[16]byte]int
	said          map[[16]byte]string
	shards        map[int]time.Time
	sequence      uint64
	keySet        []byte
	events        []string
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
		r.said, r.shards, r.events = maps.Clone(r.said), maps.Clone(r.shards), slices.Clone(r.events)
		r.certificates, r.numbers, r.allowances, r.inboxes = maps.Clone(r.certificates), maps.Clone(r.numbers), maps.Clone(r.allowances), maps.Clone(r.inboxes)
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
	switch kind {
	case card.KindReferral:
		return r.referrals[referral.ID(id)].issuer, r.may(p)
	case card.KindCertificate:
		return r.certificates[certificate.ID(id)].issuer, r.may(p)
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

func (r *registry) StatusLists(since time.Time) (lists []int, err error) {
	for list, opened := range r.shards {
		if !opened.Before(since) {
			lists = append(lists, list)
		}
	}
	slices.Sort(lists)
	return lists, nil
}

func (r *registry) NewestShard(first, last int) (newest int, found bool, err error) {
	for list := range r.shards {
		if list >= first && list <= last && (!found || list > newest) {
			newest, found = list, true
		}
	}
	return newest, found, nil
}

func (r *registry) HasShard(list int) (bool, error) {
	_, open := r.shards[list]
	return open, nil
}

func (r *registry) OpenShard(list int, now time.Time) error {
	if _, open := r.shards[list]; !open {
		r.shards[list] = now
	}
	return nil
}

func (r *registry) Filled(list int) (n int, err error) {
	for at := range r.places {
		if at[0] == list {
			n++
		}
	}
	return n, nil
}

func (r *registry) KeepContent(token [16]byte, content []byte) error {
	r.said[token] = string(content)
	return nil
}

func (r *registry) SaysContent(token [16]byte, content []byte) (same, known bool, err error) {
	held, known := r.said[token]
	return held == string(content), known, nil
}

func (r *registry) KeySet() (uint64, []byte, bool, error) {
	return r.sequence, r.keySet, r.keySet != nil, nil
}

func (r *registry) ReplaceKeySet(was, sequence uint64, signed []byte) (bool, error) {
	if was != r.sequence {
		return false, nil
	}
	r.sequence, r.keySet = sequence, signed
	return true, nil
}

func (r *registry) AddKeyEvent(_ uint64, _, usage, what string, _ time.Time) error {
	r.events = append(r.events, usage+" "+what)
	return nil
}

func (r *registry) Publish(p consent.Permit, records []cardsync.Record, _ time.Time) error {
	r.records = append(r.records, records...)
	return r.may(p)
}

func (r *registry) EnqueueNews(p consent.Permit, _ card.Scopes) error {
	r.news++
	return r.may(p)
}

func (r *registry) SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (bool, error) {
	f := r.prescriptions[id]
	if f.paper.Course.Version != read {
		return false, r.may(p)
	}
	f.paper.Course = next
	r.prescriptions[id] = f
	return true, r.may(p)
}

func (r *registry) ReferralByToken(token referral.Token) (card.ID, referral.ID, bool, error) {
	for id, f := range r.referrals {
		if f.paper.Token == token {
			return f.paper.Card, id, true, nil
		}
	}
	return "", "", false, nil
}

func (r *registry) SaveReferral(p consent.Permit, paper referral.Referral) error {
	f := r.referrals[paper.ID]
	f.paper = paper
	r.referrals[paper.ID] = f
	return r.may(p)
}

func (r *registry) Sees(p consent.Permit, _ card.RecordID) (bool, error) {
	return p.Reads(card.ScopeOf(card.KindPrescription, card.General)), nil // nothing is hidden here: app/story shows that
}

func (r *registry) CardOfCertificate(id certificate.ID) (card.ID, bool, error) {
	f, found := r.certificates[id]
	return f.paper.Card, found, nil
}

func (r *registry) AddCertificate(p consent.Permit, c certificate.Certificate, code string, issuer identity.ClientID) (bool, error) {
	_, found := r.certificates[c.ID]
	if !found {
		r.certificates[c.ID] = filed[certificate.Certificate]{c, code, issuer}
	}
	return !found, r.may(p)
}

func (r *registry) Certificate(p consent.Permit, id certificate.ID) (certificate.Certificate, string, bool, error) {
	f := r.certificates[id]
	return f.paper, f.code, f.paper.Card == p.Card() && f.code != "", r.may(p)
}

func (r *registry) SaveCertificate(p consent.Permit, c certificate.Certificate) error {
	f := r.certificates[c.ID]
	f.paper = c
	r.certificates[c.ID] = f
	return r.may(p)
}

func (r *registry) SetStatus(token [16]byte, status int) error {
	r.statuses[token] = status
	return nil
}

func (r *registry) TakeNumber(n paper.Number, token [16]byte) (bool, error) {
	if _, taken := r.numbers[n]; taken {
		return false, nil
	}
	r.numbers[n] = token
	return true, nil
}

func (r *registry) TokenOfNumber(n paper.Number) ([16]byte, bool, error) {
	token, found := r.numbers[n]
	return token, found, nil
}

func (r *registry) Standing(token [16]byte) (paper.Standing, bool, error) {
	for _, f := range r.prescriptions {
		if f.paper.Token == token {
			return paper.Standing{Kind: "prescription", State: string(f.paper.Course.State), ValidUntil: f.paper.ValidUntil}, true, nil
		}
	}
	for _, f := range r.certificates {
		if f.paper.Token == token {
			return paper.Standing{Kind: "certificate", State: string(f.paper.State), ValidUntil: f.paper.ValidUntil}, true, nil
		}
	}
	return paper.Standing{}, false, nil
}

func (r *registry) LockAllowance(key []byte) (time.Time, error) {
	return r.allowances[string(key)], nil
}

func (r *registry) SetAllowance(key []byte, until time.Time) error {
	r.allowances[string(key)] = until
	return nil
}

func (r *registry) ClientByOGRN(ogrn string) (identity.ClientID, bool, error) {
	return "eight", ogrn == "1037739442707", nil
}

func (r *registry) TellClinic(to identity.ClientID, n notice.Inbox) error {
	if !slices.Contains(r.inboxes[to], n) {
		r.inboxes[to] = append(r.inboxes[to], n)
	}
	return nil
}

func (r *registry) Inbox(of identity.ClientID, _ time.Time, _ int) ([]notice.Inbox, error) {
	return r.inboxes[of], nil
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
	ring   Keyring // what is in custody
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
		places: map[[2]int][16]byte{}, statuses: map[[16]byte]int{}, said: map[[16]byte]string{}, shards: map[int]time.Time{},
		certificates: map[certificate.ID]filed[certificate.Certificate]{}, numbers: map[paper.Number][16]byte{}, allowances: map[string]time.Time{},
		inboxes: map[identity.ClientID][]notice.Inbox{},
	}}
	w.ring.Root, w.ring.Successor = w.newKey(qr.KeySet, 1), w.newKey(qr.KeySet, 2).Key
	for _, u := range []qr.Usage{qr.Prescription, qr.Referral, qr.Certificate, qr.StatusList} {
		for n := range 2 {
			from := w.now.AddDate(0, 0, 7*n-8)
			w.ring.Keys = append(w.ring.Keys, Key{SigningKey: w.newKey(u, n), From: from, Until: from.AddDate(0, 0, 90)})
		}
	}
	w.Service = w.instance()
	return w
}

// instance is one more server on the same database, and with the same keys.
func (w *world) instance() *Service {
	return New(Parts{
		Store: w.registry, Clock: func() time.Time { return w.now }, Random: w, Zone: time.UTC, Region: 77,
		Hash: func(kind, value string) []byte { return []byte(kind + value) },
		Keys: func() (Keyring, error) {
			ring := w.ring
			ring.Keys = slices.Clone(ring.Keys)
			return ring, nil
		},
	})
}

func (w *world) newKey(u qr.Usage, n int) qr.SigningKey {
	seed := make([]byte, ed25519.SeedSize)
	copy(seed, fmt.Sprintf("issuing test %s %d", u, n))
	k, err := qr.NewSigningKey("medcard", u, ed25519.NewKeyFromSeed(seed))
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}
