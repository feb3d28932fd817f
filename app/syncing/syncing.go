package syncing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Tx is what this act needs of a transaction.
type Tx interface {
	Decide(identity.Actor, card.ID, consent.Purpose, time.Time) (consent.Permit, error)
	Ledger(consent.Permit) (replica.Ledger, error)
	OwnGrants(consent.Permit) ([]consent.Grant, error)
	Sections(consent.Permit) ([]card.Section, error)
	CommitEnds(card.ID, time.Time) error
	CountRecords(consent.Permit) (int, error)
	OwnReadSince(card.ID, identity.Actor, consent.Purpose, time.Time) (bool, error)
	AppendAudit(audit.Entry) error
	EnqueueNews(consent.Permit, card.Scopes) error
	// NoteAuthor keeps who wrote records in the patient's name.
	NoteAuthor(p consent.Permit, written []replica.Record, now time.Time) error
	CardsToCollect(now time.Time, behind card.Turn, limit int) ([]card.Turn, error)
	Collect(card.ID, time.Time) (replica.Collected, error)
	// CardsOf lists the cards that the account may see on the device.
	CardsOf(identity.AccountID, identity.DeviceID) ([]card.ID, error)
	// RestoredAt is when the server was restored from a backup last; zero = never.
	RestoredAt() (time.Time, error)
}

// Store runs transactions.
type Store interface {
	View(context.Context, func(Tx) error) error
	Update(context.Context, func(Tx) error) error
}

// Service syncs.
type Service struct {
	Store  Store
	Clock  func() time.Time
	Engine replica.Server
	Secret []byte // cursors are derived from it, 32 bytes
	// Collected hears what a collection of a card did; nil: nobody counts.
	Collected func(replica.Collected)

	MaxCopies    int // how many whole cards go out at a time; 0 = 64
	MaxOwnCopies int // how many of them to one account; 0 = 4
	copies       copies
	checks       copies // those that read much
}

// readAgain is how often a person's reads are remembered, per device.
const readAgain = 15 * time.Minute

// Faults of this act.
var (
	ErrDevice = fault.New(fault.Denied, "device.mismatch", "The session belongs to another device than the request names.")
)

// problems gives the wire's code for what the engine refuses a whole request with.
var problems = map[error]string{
	replica.ErrForked: wire.ProblemActorForked,
	replica.ErrActor:  wire.ProblemActorUnknown,
	replica.ErrHole:   wire.ProblemHole,
	replica.ErrEpoch:  wire.ProblemEpoch,
}

func problemCode(err error) (string, bool) {
	for sentinel, code := range problems {
		if errors.Is(err, sentinel) {
			return code, true
		}
	}
	return "", false
}

// DeviceOf tells the device of the session; the request may name it, by the app's word for itself or by the server's, but not another.
func DeviceOf(a identity.Actor, named string) (string, error) {
	if a.Device == "" || named != "" && named != string(a.Device) && identity.DeviceOf(a.Account, named) != a.Device {
		return "", ErrDevice
	}
	return string(a.Device), nil
}

// Devices gives the session's device its actor on each card. A card that the person may not see is
// listed as gone, and one on which the device has had too many of late as to be asked for later.
func (s *Service) Devices(ctx context.Context, a identity.Actor, in wire.DevicesRequest) (wire.DevicesResponse, error) {
	now := s.Clock().UTC()
	out := wire.DevicesResponse{ServerTime: now, Cards: []wire.Enrolment{}, Limits: wire.CurrentLimits()}
	var err error
	if out.Device, err = DeviceOf(a, in.Device); err != nil {
		return out, err
	}
	for _, ask := range in.Cards {
		var e wire.Enrolment
		err := s.Store.Update(ctx, func(tx Tx) error {
			permit, err := tx.Decide(a, card.ID(ask.Card), consent.PatientRequest, now)
			if err != nil {
				return err
			}
			l, err := tx.Ledger(permit)
			if err != nil {
				return err
			}
			actor, err := s.Engine.Enrol(l, out.Device, in.Key, ask.Fresh, now)
			if err != nil {
				return err
			}
			head, err := l.Head()
			if err != nil {
				return err
			}
			e = wire.Enrolment{Card: ask.Card, Epoch: head.Epoch, Actor: actor.Ordinal, LMID: actor.LMID, Own: permit.Owner()}
			e.Leases, err = leases(tx, permit, now)
			return err
		})
		if consent.Closed(err) {
			gone, err := s.gone(ctx, ask.Card, err)
			if err != nil {
				return out, err
			}
			out.Gone = append(out.Gone, gone)
			continue
		}
		if spent := (*replica.SpentError)(nil); errors.As(err, &spent) { // the other cards are not to wait for this one
			out.Later = append(out.Later, wire.Problem{Code: wire.ProblemActorsSpent, Card: ask.Card, RetryAfter: 1 + int(spent.Until.Sub(now).Seconds())})
			continue
		}
		if err != nil {
			return out, err
		}
		out.Cards = append(out.Cards, e)
	}
	return out, nil
}

// others lists the cards that the person may see and the request does not name.
func others(tx Tx, a identity.Actor, named func(id string) bool) (list []string, err error) {
	all, err := tx.CardsOf(a.Account, a.Device)
	for _, id := range all {
		if !named(string(id)) {
			list = append(list, string(id))
		}
	}
	return list, err
}

// gone is what a phone is told of a card that it may not have, or not now.
func (s *Service) gone(ctx context.Context, id string, why error) (gone wire.Gone, err error) {
	gone = wire.Gone{Card: id, Held: errors.Is(why, consent.ErrHeld)}
	if errors.Is(why, consent.ErrShredded) {
		return gone, nil // no restore has anything to do with it: the phone keeps nothing
	}
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		gone.Restored, err = tx.RestoredAt()
		return err
	})
	return gone, err
}

// Head tells where the cards stand, each in a transaction of its own. The tag covers all of them, for the ETag.
func (s *Service) Head(ctx context.Context, a identity.Actor, cards []card.ID) (out wire.HeadResponse, tag string, err error) {
	if _, err := DeviceOf(a, ""); err != nil {
		return out, "", err
	}
	out.Cards = []wire.Head{}
	sum := sha256.New()
	for _, id := range cards {
		h, other, err := s.head(ctx, a, id, cards)
		if consent.Closed(err) {
			continue
		}
		if err != nil {
			return out, "", err
		}
		out.Cards, out.Other = append(out.Cards, h), other
		sum.Write([]byte(h.Card + "|" + h.Epoch + "|" + h.Tag + "\n"))
	}
	for _, id := range out.Other {
		sum.Write([]byte(id + "\n"))
	}
	return out, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]), nil
}

// head tells where one card stands, and of cards beside those that were asked for.
func (s *Service) head(ctx context.Context, a identity.Actor, id card.ID, asked []card.ID) (out wire.Head, other []string, err error) {
	now := s.Clock().UTC()
	err = s.view(ctx, func(tx Tx) error {
		permit, err := tx.Decide(a, id, consent.PatientRequest, now)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(permit)
		if err != nil {
			return err
		}
		head, err := l.Head()
		if err != nil {
			return err
		}
		sight, err := sightOf(tx, permit, now)
		if err != nil {
			return err
		}
		newest, err := sight.Newest(l)
		if err != nil {
			return err
		}
		lent, err := leases(tx, permit, now)
		if err != nil {
			return err
		}
		out = wire.Head{
			Card: string(id), Epoch: head.Epoch, View: sight.View(), Tag: sight.Tag(newest, s.sealer(id, string(a.Device), head.Epoch)), Leases: lent,
		}
		other, err = others(tx, a, func(id string) bool { return slices.Contains(asked, card.ID(id)) })
		return err
	})
	return out, other, err
}

func (s *Service) sealer(id card.ID, device, epoch string) replica.Sealer {
	return replica.NewBlockSealer(s.Secret, string(id), device, epoch)
}
