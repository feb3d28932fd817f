package dispensing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/sync/cardsync"
)

// drawer is a store in memory: it holds prescriptions, and what became of them.
type drawer struct {
	contents
	reruns int    // how often a transaction is thrown away after its work and run again, as after a serialisation failure
	before func() // runs before a course is written: somebody else's moment
	token  *consent.Token
	Tx     // what the tests here do not reach; the story's tests run it on the real store
}

type contents struct {
	papers    map[prescription.ID]prescription.Prescription
	answers   map[string]prescription.Answer
	statuses  map[[16]byte]int
	uses      map[string]prescription.Digest
	handOuts  []prescription.HandOut
	published []cardsync.Record
	news      int
	audits    []audit.Entry
}

var (
	_ Store = (*drawer)(nil)
	_ Tx    = (*drawer)(nil)
)

var errAgain = errors.New("run again")

func (d *drawer) Update(_ context.Context, f func(Tx) error) error {
	for n := 0; ; n++ {
		before := d.contents
		d.papers, d.answers, d.statuses = maps.Clone(d.papers), maps.Clone(d.answers), maps.Clone(d.statuses)
		d.published, d.audits = slices.Clone(d.published), slices.Clone(d.audits)
		d.uses, d.handOuts = maps.Clone(d.uses), slices.Clone(d.handOuts)
		d.token = new(consent.Token)
		err := f(d)
		if err == nil && n < d.reruns {
			err = errAgain
		}
		if err != nil {
			d.contents = before
		}
		if !errors.Is(err, errAgain) {
			return err
		}
	}
}

func (d *drawer) View(ctx context.Context, f func(Tx) error) error { return d.Update(ctx, f) }

func (d *drawer) Issuer(p consent.Permit, _ card.Kind, _ string) (identity.ClientID, error) {
	return "the clinic", d.may(p)
}

func (d *drawer) KeyUse(client identity.ClientID, key prescription.Digest) (prescription.Digest, bool, error) {
	request, found := d.uses[string(client)+string(key[:])]
	return request, found, nil
}

func (d *drawer) PutKeyUse(client identity.ClientID, key, request prescription.Digest, _ time.Time) error {
	if d.uses == nil {
		d.uses = map[string]prescription.Digest{}
	}
	d.uses[string(client)+string(key[:])] = request
	return nil
}

func (d *drawer) AddHandOut(p consent.Permit, _ prescription.ID, h prescription.HandOut) error {
	d.handOuts = append(d.handOuts, h)
	return d.may(p)
}

func (d *drawer) PrescriptionByToken(token prescription.Token) (card.ID, prescription.ID, bool, error) {
	for id, p := range d.papers {
		if p.Token == token {
			return p.Card, id, true, nil
		}
	}
	return "", "", false, nil
}

func (d *drawer) CardOfPrescription(id prescription.ID) (card.ID, bool, error) {
	p, found := d.papers[id]
	return p.Card, found, nil
}

func (d *drawer) PaperGone(string) (bool, error) { return false, nil }

func (d *drawer) LockCard(card.ID) error { return nil }

func (d *drawer) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, d.token)
}

// may is the store's own check of a permit.
func (d *drawer) may(p consent.Permit) error {
	if !p.Of(d.token) || !p.Writes(card.ScopeOf(card.KindPrescription, card.General)) {
		return errors.New("a foreign permit")
	}
	return nil
}

func (d *drawer) Prescription(p consent.Permit, id prescription.ID) (prescription.Prescription, string, bool, error) {
	paper, found := d.papers[id]
	return paper, "EMC1:CODE", found && paper.Card == p.Card(), d.may(p)
}

func (d *drawer) SetStatus(token [16]byte, status int) error {
	d.statuses[token] = status
	return nil
}

func (d *drawer) SaveCourse(p consent.Permit, id prescription.ID, read int, next prescription.Course) (bool, error) {
	if d.before != nil {
		d.before()
	}
	paper := d.papers[id]
	if paper.Course.Version != read {
		return false, d.may(p)
	}
	paper.Course = next
	d.papers[id] = paper
	return true, d.may(p)
}

func answerKey(id prescription.ID, client identity.ClientID, key prescription.Digest) string {
	return fmt.Sprintf("%s %s %x", id, client, key)
}

func (d *drawer) Answer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest) (prescription.Answer, bool, error) {
	a, found := d.answers[answerKey(id, client, key)]
	return a, found, d.may(p)
}

func (d *drawer) PutAnswer(p consent.Permit, id prescription.ID, client identity.ClientID, key prescription.Digest, a prescription.Answer, _ time.Time) error {
	d.answers[answerKey(id, client, key)] = a
	return d.may(p)
}

func (d *drawer) Publish(p consent.Permit, records []cardsync.Record, _ time.Time) error {
	d.published = append(d.published, records...)
	return d.may(p)
}

func (d *drawer) EnqueueWake(p consent.Permit, _ card.Scopes) error { return d.EnqueueNews(p, nil) }

func (d *drawer) PrescriptionsEnded(before time.Time, _ int) (list []prescription.Whose, _ error) {
	for id, p := range d.papers {
		if ends := p.Course.Ends(); !ends.IsZero() && ends.Before(before) {
			list = append(list, prescription.Whose{Card: p.Card, Prescription: id})
		}
	}
	return list, nil
}

func (d *drawer) DropEnd(prescription.Whose) error { return nil }

func (d *drawer) EnqueueNews(p consent.Permit, _ card.Scopes) error {
	d.news++
	return d.may(p)
}

func (d *drawer) AppendAudit(e audit.Entry) error {
	d.audits = append(d.audits, e)
	return nil
}

// world is a service over a drawer with one prescription: 60 tablets at once, and 90 of a long course, 30 every 28 days.
type world struct {
	*Service
	*drawer
	t     *testing.T
	now   time.Time
	paper prescription.Prescription
}

const theCode = "the code"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	item := prescription.Item{
		Code: 4711, Name: "Метформин", Shape: prescription.Tablet, Strength: []prescription.Strength{{Amount: 500, Unit: prescription.Milligram}},
		Quantity: 60, Regimen: prescription.Regimen{Portion: 100, Times: 2, Days: 30},
	}
	long := item
	long.Quantity, long.Regimen.Every = 90, 28
	var err error
	w.paper, err = prescription.Issue("rx-1", "card-1", prescription.Token{1}, prescription.Sheet{
		Form: prescription.Ordinary, Validity: prescription.Days60, Bearer: identity.NewBearer(1984, "Соколова", "Анна"), Clinic: "1027700132195",
		Prescriber: "Петрова А. С.", Items: []prescription.Item{item, long},
	}, w.now, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	w.drawer = &drawer{contents: contents{
		papers: map[prescription.ID]prescription.Prescription{w.paper.ID: w.paper}, answers: map[string]prescription.Answer{}, statuses: map[[16]byte]int{},
	}}
	secrets := 0
	w.Service = &Service{
		Store: w.drawer, Clock: func() time.Time { return w.now },
		Secret: func() string { secrets++; return fmt.Sprint("secret ", secrets) },
		Token: func(_ context.Context, code string) (prescription.Token, error) {
			switch code {
			case theCode:
				return w.paper.Token, nil
			case "unknown":
				return prescription.Token{9}, nil
			}
			return prescription.Token{}, errForged
		},
	}
	return w
}

var errForged = errors.New("a forged code")
