package dispensing

import (
	"context"
	"errors"

	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// ended is how many prescriptions one look brings.
const ended = 500

// end writes down of prescriptions whose time is over that it is. Nothing could be handed out of them since; now they leave what is current,
// and with it the phones of whoever sees no more than that. One prescription's trouble keeps no other from its turn.
func (s *Service) end(ctx context.Context) error {
	before := s.Clock()
	var errs []error
	for {
		var due []prescription.Whose
		if err := s.Store.View(ctx, func(tx Tx) (err error) {
			due, err = tx.PrescriptionsEnded(before, ended)
			return err
		}); err != nil || len(due) == 0 {
			return errors.Join(append(errs, err)...)
		}
		failed := 0
		for _, w := range due {
			if err := s.endOne(ctx, w); err != nil {
				errs = append(errs, err)
				failed++
			}
		}
		if err := ctx.Err(); err != nil || failed > 0 { // what failed is due still: the next sweep takes it up
			return errors.Join(append(errs, err)...)
		}
	}
}

func (s *Service) endOne(ctx context.Context, w prescription.Whose) error {
	now := s.Clock()
	return s.Store.Update(ctx, func(tx Tx) error {
		permit, err := open(tx, identity.Actor{Kind: identity.System}, w.Card, "")
		if errors.Is(err, consent.ErrShredded) {
			return tx.DropEnd(w)
		}
		if err != nil {
			return err
		}
		p, code, found, err := tx.Prescription(permit, w.Prescription)
		if err != nil {
			return err
		}
		if !found {
			return tx.DropEnd(w)
		}
		read := p.Course.Version
		p.Course = p.Course.At(now)
		news, err := s.save(tx, permit, p, code, read, now)
		if err != nil {
			return err
		}
		return tx.EnqueueWake(permit, news)
	})
}
