package syncing

import (
	"context"
	"errors"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// Check tells a device where its copy of a card differs from what it may see, and what it should hold instead. It is remembered
// as the read that it is. What one answer looks at is bounded, and those that look at much have so many places.
func (s *Service) Check(ctx context.Context, a identity.Actor, in wire.CheckRequest, request string) (wire.CheckResponse, error) {
	dev, err := DeviceOf(a, in.Device)
	if err != nil {
		return wire.CheckResponse{}, err
	}
	if s.Engine.Heavy(in) {
		end, err := s.startCheck(a.Account)
		if err != nil {
			return wire.CheckResponse{}, err
		}
		defer end()
	}
	c := checking{stream: stream{Service: s, ctx: ctx, actor: a, request: request}, device: dev, ask: in}
	out, err := c.read(true)
	var due unwritten
	if errors.As(err, &due) {
		if err = c.remember(c.place(), due); err == nil {
			out, err = c.read(false)
		}
	}
	if code, known := problemCode(err); known {
		err = fault.New(fault.Conflict, fault.Code(code), "The question is not about what this server has; the code says how to go on.").Because(err)
	}
	return out, err
}

// checking is one question. Like a stream it reads a card for a device, and remembers it alike.
type checking struct {
	stream
	device string
	ask    wire.CheckRequest
}

func (c *checking) place() wire.PullCard {
	return wire.PullCard{Card: c.ask.Card, Actor: c.ask.Actor, Epoch: c.ask.Epoch}
}

// read answers in one transaction. With a look at what is to be remembered it may fail with unwritten: then nothing was read yet.
func (c *checking) read(look bool) (out wire.CheckResponse, err error) {
	now := c.Clock().UTC()
	id := card.ID(c.ask.Card)
	err = c.view(c.ctx, func(tx Tx) error {
		permit, err := tx.Decide(c.actor, id, consent.PatientRequest, now)
		if err != nil {
			return err
		}
		l, err := tx.Ledger(permit)
		if err != nil {
			return err
		}
		if look {
			if err := c.remembered(tx, l, permit, c.place()); err != nil {
				return err
			}
		}
		head, err := l.Head()
		if err != nil {
			return err
		}
		sight, err := sightOf(tx, permit, now)
		if err != nil {
			return err
		}
		out, err = c.Engine.Check(l, replica.Check{Device: c.device, Ask: c.ask, Sight: sight, Seal: c.sealer(id, c.device, head.Epoch)})
		return err
	})
	return out, err
}
