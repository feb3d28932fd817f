package syncing

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
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
	CardScopes(consent.Permit) ([]card.Scope, error)
	CommitEnds(card.ID, time.Time) error
	CountRecords(consent.Permit) (int, error)
	OwnReadSince(card.ID, identity.Actor, consent.Purpose, time.Time) (bool, error)
	AppendAudit(audit.Entry) error
	EnqueueNews(consent.Permit, card.Scopes) error
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
}

const (
	ownLease   = 90 * 24 * time.Hour // how long a phone may show the owner's card without having spoken to the server
	proxyLease = 14 * 24 * time.Hour // and how long somebody else's
	readAgain  = 15 * time.Minute    // how often a person's reads are remembered, per device
)

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

// DeviceOf tells the device of the session; the request may name it, but not another.
func DeviceOf(a identity.Actor, named string) (string, error) {
	if a.Device == "" || (named != "" && named != string(a.Device)) {
		return "", ErrDevice
	}
	return string(a.Device), nil
}

// Devices gives the session's device its actor on each card. A card that the person may not see is left out.
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
			e = wire.Enrolment{Card: ask.Card, Epoch: head.Epoch, Actor: actor.Ordinal, LMID: actor.LMID, Leases: leases(permit, now)}
			return err
		})
		if consent.Closed(err) {
			continue
		}
		if err != nil {
			return out, err
		}
		out.Cards = append(out.Cards, e)
	}
	return out, nil
}

func leases(p consent.Permit, now time.Time) []wire.Lease {
	var list []wire.Lease
	lease := proxyLease
	if p.Owner() {
		lease = ownLease
	}
	for _, scope := range p.Scopes() {
		list = append(list, wire.Lease{Scope: string(scope), Until: now.Add(lease).Truncate(time.Second)})
	}
	return list
}

// Head tells where the cards stand, each in a transaction of its own. The tag covers all of them, for the ETag.
func (s *Service) Head(ctx context.Context, a identity.Actor, cards []card.ID) (out wire.HeadResponse, tag string, err error) {
	if _, err := DeviceOf(a, ""); err != nil {
		return out, "", err
	}
	out.Cards = []wire.Head{}
	sum := sha256.New()
	for _, id := range cards {
		h, err := s.head(ctx, a, id)
		if consent.Closed(err) {
			continue
		}
		if err != nil {
			return out, "", err
		}
		out.Cards = append(out.Cards, h)
		sum.Write([]byte(h.Card + "|" + h.Epoch + "|" + h.Tag + "\n"))
	}
	return out, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:12]), nil
}

func (s *Service) head(ctx context.Context, a identity.Actor, id card.ID) (out wire.Head, err error) {
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
		out = wire.Head{
			Card: string(id), Epoch: head.Epoch, View: sight.View(), Tag: sight.Tag(newest, s.sealer(id, string(a.Device), head.Epoch)), Leases: leases(permit, now),
		}
		return err
	})
	return out, err
}

func (s *Service) sealer(id card.ID, device, epoch string) replica.Sealer {
	return replica.NewBlockSealer(s.Secret, string(id), device, epoch)
}
