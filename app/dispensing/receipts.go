package dispensing

import (
	"context"
	"errors"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
)

// maxQuarantined is how many receipts of one pharmacy may wait for an operator: more look like an attack on the operator.
const maxQuarantined = 1000

// Why receipts are not taken. The device keeps them and comes again.
var (
	ErrReceipts = fault.New(fault.Invalid, "receipts.count", "Send 1 to 32 receipts, in the order of their numbers.")
	ErrDoubtful = fault.New(fault.Throttled, "receipts.quarantine_full", "Too many receipts of this pharmacy wait for an operator. Keep the receipts and call support.").After(time.Hour)
)

// Receive takes receipts of what was handed out without a network, in order. Each is judged by itself: a good one is a fact and is
// applied, any other waits in quarantine with its reason and changes nothing. One that came before gets the outcome that it got.
func (s *Service) Receive(ctx context.Context, a identity.Actor, texts []string, request string) ([]prescription.Filed, error) {
	if len(texts) < 1 || len(texts) > prescription.MaxReceipts {
		return nil, ErrReceipts
	}
	if err := s.Store.View(ctx, func(tx Tx) error {
		n, err := tx.CountReceipts(a.Client, prescription.Quarantined)
		if err == nil && n >= maxQuarantined {
			err = ErrDoubtful
		}
		return err
	}); err != nil {
		return nil, err
	}
	list := make([]prescription.Filed, len(texts))
	for i, text := range texts {
		filed, err := s.receive(ctx, a, text, request, false)
		if err != nil {
			return nil, err // those before are filed; sent again they get the same outcome
		}
		list[i] = filed
		if err := s.fill(ctx, a, filed, request); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fill looks again at the receipts that waited for this one.
func (s *Service) fill(ctx context.Context, a identity.Actor, after prescription.Filed, request string) error {
	for after.Chained {
		var waiting prescription.Filed
		var found bool
		err := s.Store.View(ctx, func(tx Tx) (err error) {
			waiting, found, err = tx.ReceiptInGap(after.Device, after.Number+1)
			return err
		})
		if err != nil || !found {
			return err
		}
		a.Client = waiting.By
		if after, err = s.receive(ctx, a, waiting.Text, request, true); err != nil {
			return err
		}
	}
	return nil
}

// receive judges one receipt in one transaction. again is for one that waited in a gap.
func (s *Service) receive(ctx context.Context, a identity.Actor, text, request string, again bool) (filed prescription.Filed, err error) {
	now, news := s.Clock(), false
	err = s.Store.Update(ctx, func(tx Tx) error {
		hash := document.HashReceipt(text)
		before, found, err := tx.Receipt(hash)
		if err != nil {
			return err
		}
		if found && (!again || before.Doubt != prescription.GapInChain || before.Outcome != prescription.Quarantined) {
			filed, news = before, false
			if before.By != a.Client { // what became of another pharmacy's receipt is not told
				filed = prescription.Filed{Hash: hash, By: a.Client, Outcome: prescription.Quarantined, Doubt: prescription.NotItsKey}
			}
			return nil
		}
		news = true
		filed = prescription.Filed{Hash: hash, By: a.Client, Came: now, Outcome: prescription.Quarantined, Text: text}
		if found {
			filed.Came = before.Came
		}
		if err := s.judge(tx, a, &filed, request, now); err != nil {
			return err
		}
		return tx.FileReceipt(filed)
	})
	if err == nil && news && s.Filed != nil {
		s.Filed(filed)
	}
	return filed, err
}

// judge finds the doubt in a receipt, or applies it.
func (s *Service) judge(tx Tx, a identity.Actor, filed *prescription.Filed, request string, now time.Time) error {
	r, device, doubt, err := s.read(tx, filed.Text, a.Client)
	filed.Device, filed.Number, filed.Doubt = r.Device, r.Number, doubt
	if err != nil || doubt != "" {
		return err
	}
	if filed.Doubt = device.Follows(r); filed.Doubt != "" {
		if filed.Doubt == prescription.ForkedChain && device.Forked.IsZero() {
			device.Forked = now
			return tx.SetCounterDevice(device)
		}
		return nil
	}
	// From here on it is a link of the chain, whatever else is wrong: those after it are not to suffer for it.
	filed.Chained = true
	if err := tx.SetCounterDevice(device.Next(r)); err != nil {
		return err
	}
	if filed.Doubt = device.Signs(r, now); filed.Doubt != "" {
		return nil
	}
	return s.apply(tx, a, filed, r, device.Holder, request, now, prescription.Receipt.Fits)
}

// read opens a receipt with its device's key.
func (s *Service) read(tx Tx, text string, by identity.ClientID) (r prescription.Receipt, d prescription.Device, doubt prescription.Doubt, err error) {
	code, err := qr.Open(text)
	if err != nil {
		return r, d, prescription.BadFormat, nil
	}
	r.Device = prescription.DeviceKey(code.KeyID())
	d, found, err := tx.LockCounterDevice(r.Device)
	switch {
	case err != nil:
		return r, d, "", err
	case !found:
		return r, d, prescription.UnknownKey, nil
	case d.Holder != by:
		return r, d, prescription.NotItsKey, nil
	}
	key := qr.Key{ID: qr.KeyID(d.Key), Issuer: string(d.Holder), Usage: qr.Receipt, Algorithm: qr.EdDSA, Public: d.Public}
	verified, err := code.Verify(key)
	if errors.Is(err, qr.ErrIssuer) {
		return r, d, prescription.NotItsKey, nil
	}
	if err != nil {
		return r, d, prescription.BadSignature, nil
	}
	read, _, err := document.ReadReceipt(text, verified)
	if err != nil {
		return r, d, prescription.BadFormat, nil
	}
	return read, d, "", nil
}

// apply takes a receipt into the course of its prescription, unless it does not fit it.
func (s *Service) apply(tx Tx, a identity.Actor, filed *prescription.Filed, r prescription.Receipt, by identity.ClientID, request string, now time.Time,
	fits func(prescription.Receipt, prescription.Prescription) prescription.Doubt,
) error {
	of, id, found, err := tx.PrescriptionByToken(r.Token)
	if err != nil {
		return err
	}
	if !found {
		filed.Doubt = prescription.ForeignToken
		return nil
	}
	permit, err := open(tx, a, of, Right)
	if err != nil {
		return err
	}
	p, code, found, err := tx.Prescription(permit, id)
	if err != nil {
		return err
	}
	if !found {
		filed.Doubt = prescription.ForeignToken
		return nil
	}
	if doubt := fits(r, p); doubt != "" {
		filed.Doubt = doubt
		return nil
	}
	read := p.Course.Version
	course, excess, concerns := p.Course.Record(r, now)
	p.Course = course
	if err := tx.AddHandOut(permit, id, prescription.HandOut{By: by, At: r.At, Portions: r.Portions, Receipt: r.Hash}); err != nil {
		return err
	}
	filed.Outcome = prescription.Applied
	if len(concerns) > 0 {
		filed.Outcome = prescription.CaseOpened
		issuer, err := tx.Issuer(permit, card.KindPrescription, string(id))
		if err != nil {
			return err
		}
		if err := tx.AddCase(permit, prescription.Case{Prescription: id, Receipt: r.Hash, At: now, Concerns: concerns, Excess: excess}, issuer); err != nil {
			return err
		}
	}
	news, err := s.save(tx, permit, p, code, read, now)
	if err != nil {
		return err
	}
	if err := tx.EnqueueNews(permit, news); err != nil {
		return err
	}
	act := audit.Dispense
	if a.Kind == identity.Operator {
		act = audit.Release
	}
	return tx.AppendAudit(audit.Entry{Card: of, At: now, Actor: a, Action: act, Purpose: consent.Treatment, What: string(card.KindPrescription), Request: request})
}

// Doubtful lists the pharmacy's receipts that wait for an operator, the newest first.
func (s *Service) Doubtful(ctx context.Context, a identity.Actor) (list []prescription.Filed, err error) {
	err = s.Store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.ReceiptsOf(a.Client, prescription.Quarantined, listed)
		return err
	})
	return list, err
}

// Cases tells a clinic of hand-outs of what it prescribed that should not have been, the newest first. They are of patients, so it says who asks
// and why, and each card of which it is shown something remembers that first.
func (s *Service) Cases(ctx context.Context, a identity.Actor, why consent.Purpose, request string) ([]prescription.Case, error) {
	switch {
	case !a.Person.Named():
		return nil, consent.ErrPerson
	case why != consent.Treatment && why != consent.Emergency:
		return nil, consent.ErrPurpose
	}
	remember := func(tx Tx, of card.ID) error {
		return tx.AppendAudit(audit.Entry{Card: of, At: s.Clock(), Actor: a, Action: audit.Read, Purpose: why, What: string(card.KindPrescription), Request: request})
	}
	return s.cases(ctx, a, func(tx Tx) ([]prescription.Concerned, error) { return tx.CasesOf(a.Client, listed) }, remember)
}

// cases reads those that are found, each card in a transaction of its own, which begins with what is to be remembered of the look; nil = nothing.
func (s *Service) cases(ctx context.Context, a identity.Actor, find func(Tx) ([]prescription.Concerned, error), remember func(Tx, card.ID) error) (list []prescription.Case, err error) {
	var concerned []prescription.Concerned
	if err := s.Store.View(ctx, func(tx Tx) (err error) {
		concerned, err = find(tx)
		return err
	}); err != nil {
		return nil, err
	}
	places := map[card.ID][]int{} // in the list, by card
	for i, c := range concerned {
		places[c.Card] = append(places[c.Card], i)
	}
	found := make([]prescription.Case, len(concerned))
	known := make([]bool, len(concerned))
	for of, theirs := range places {
		if err := s.Store.Update(ctx, func(tx Tx) error {
			permit, err := tx.DecideWrite(a, of, CancelRight, scopes)
			if err == nil && remember != nil {
				err = remember(tx, of)
			}
			for _, i := range theirs {
				if err == nil {
					found[i], known[i], err = tx.Case(permit, concerned[i].Prescription, concerned[i].Receipt)
				}
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	for i := range found {
		if known[i] {
			list = append(list, found[i])
		}
	}
	return list, nil
}
