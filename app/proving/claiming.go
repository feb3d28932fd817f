package proving

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// ClaimTx is what claiming needs of a transaction.
type ClaimTx interface {
	// CardOfNamed finds the card of a person; by the time it takes nobody learns whether there is one.
	CardOfNamed(who family.Named) (id card.ID, is bool, err error)
	OwnCardIs(of identity.AccountID, who family.Named) (family.Finding, error)
	OwnersOf(id card.ID, now time.Time) ([]identity.AccountID, error)
	Practises(of identity.AccountID, now time.Time) (bool, error)
	Represent(p family.Proven, zone *time.Location, now time.Time) (family.Representation, error)
	TellOfAttempt(id card.ID, now time.Time) error
	AppendAudit(e audit.Entry) error
}

// Typed is a person as somebody typed him from a document.
type Typed struct {
	Family string
	Given  []string
	Born   string // 2006-01-02
	SNILS  string // "" = the document does not tell it
	Policy string // the same
}

// Wish is a claim as it is filed.
type Wish struct {
	Basis   family.Basis
	Number  string // of the document
	Level   family.Level
	Powers  family.Powers
	Until   time.Time
	Patient Typed
	Agent   Typed
	Request string
}

// named reads what was typed; where is its place in the input.
func (t Typed) named(where string) (n family.Named, err error) {
	n.Name = card.Name{Family: t.Family, Given: t.Given}
	if n.Born, err = card.ParseDate(t.Born); err != nil || n.Born.Precision() != card.Day {
		return n, family.ErrClaim.At(where+".born", "a date such as 2006-01-02")
	}
	at := func(field string, err error) error {
		f := fault.From(err)
		return f.At(where+"."+field, f.Text)
	}
	if t.SNILS != "" {
		if n.SNILS, err = identity.ParseSNILS(t.SNILS); err != nil {
			return n, at("snils", err)
		}
	}
	if t.Policy != "" {
		if n.Policy, err = identity.ParsePolicy(t.Policy); err != nil {
			return n, at("policy", err)
		}
	}
	return n, nil
}

// claim reads a wish that an account's installation sent.
func (w Wish) claim(a identity.Actor) (c family.Claim, number string, err error) {
	slot := evidence.Slot(w.Basis)
	if slot.Code() == 0 {
		return c, "", family.ErrKind
	}
	if number, err = slot.Number(w.Number); err != nil {
		f := fault.From(err)
		return c, "", f.At("body.number", f.Text)
	}
	c = family.Claim{Device: a.Device, Basis: w.Basis, Level: w.Level, Powers: w.Powers, Until: w.Until.Truncate(time.Microsecond)}
	if c.Patient, err = w.Patient.named("body.patient"); err != nil {
		return c, "", err
	}
	c.Agent, err = w.Agent.named("body.agent")
	return c, number, err
}

// Claim files a claim with the open document of its slot, whose pages were sent before. What does not fit is refused at once, in words that
// are the same whether the patient has no card here or one that says otherwise; a try counts either way. What fits waits for a reviewer.
// Who has no document is blocked, and told so, as are those who speak for the patient.
func (s *Service) Claim(ctx context.Context, a identity.Actor, w Wish) (d evidence.Document, err error) {
	c, number, err := w.claim(a)
	if err != nil {
		return d, err
	}
	now := s.now()
	var refusal error // that is remembered, so the transaction goes through
	err = s.Store.Update(ctx, func(tx Tx) error {
		refusal = nil
		var repeated bool
		if d, repeated, err = s.mayClaim(tx, a, c, number, now); err != nil || repeated {
			return err
		}
		agent, err := tx.OwnCardIs(a.Account, c.Agent)
		if err != nil {
			return err
		}
		id, is, err := tx.CardOfNamed(c.Patient)
		if err != nil {
			return err
		}
		var unfit error
		if c.Checks, unfit = c.Examine(agent, is, s.Zone, now); len(c.Checks) == 0 {
			return unfit
		}
		if is {
			owners, err := tx.OwnersOf(id, now)
			if err != nil || slices.Contains(owners, a.Account) {
				return errors.Join(err, orNothing(slices.Contains(owners, a.Account), family.ErrSelf))
			}
		}
		var found bool
		if d, found, err = tx.LockOpenDocument(a.Account, evidence.Slot(c.Basis)); err != nil {
			return err
		}
		switch {
		case !found || len(d.Files) == 0:
			refusal = family.ErrNoDocument
			return s.block(tx, a, c, id, "no document", w.Request, now)
		case d.Complete() != nil:
			return d.Complete()
		case unfit != nil:
			refusal = unfit
			return s.remember(tx, a, c, "", audit.Refuse, "mismatch", w.Request, now)
		}
		c.Card = id
		d.Status, d.Number, d.Changed, d.Sent, d.Judged, d.Reason, d.Words, d.Reviewer, d.Claim = evidence.Checking, number, now, now, time.Time{}, "", "", "", &c
		if err := tx.SetDocument(d); err != nil {
			return err
		}
		return s.remember(tx, a, c, id, audit.Prove, "", w.Request, now)
	})
	return d, errors.Join(err, refusal)
}

func orNothing(is bool, what error) error {
	if is {
		return what
	}
	return nil
}

// mayClaim counts the try, and refuses who has too many or asks for what is not for him, whoever the patient is. A claim that is waiting
// already was sent again: its answer was lost.
func (s *Service) mayClaim(tx Tx, a identity.Actor, c family.Claim, number string, now time.Time) (same evidence.Document, repeated bool, err error) {
	list, err := tx.Documents(a.Account)
	if err != nil {
		return same, false, err
	}
	list = slices.DeleteFunc(list, func(d evidence.Document) bool { return d.Claim == nil || d.Status != evidence.Checking })
	if i := slices.IndexFunc(list, func(d evidence.Document) bool { return d.Number == number && d.Claim.Repeats(c) }); i >= 0 {
		return list[i], true, nil
	}
	if err := s.spend(tx, claims, a.Account, now); err != nil {
		return same, false, err
	}
	if len(list) >= family.MaxClaims {
		return same, false, family.ErrClaims
	}
	if c.Level == family.Manage {
		if practises, err := tx.Practises(a.Account, now); err != nil || !practises {
			return same, false, errors.Join(err, orNothing(err == nil, family.ErrStaff))
		}
	}
	return same, false, nil
}

// block remembers access that was asked for and not given, and tells who asked and, of a card that is there, those who speak for its patient.
func (s *Service) block(tx Tx, a identity.Actor, c family.Claim, id card.ID, why, request string, now time.Time) error {
	if err := s.remember(tx, a, c, id, audit.Refuse, why, request, now); err != nil {
		return err
	}
	if id != "" {
		if err := tx.TellOfAttempt(id, now); err != nil {
			return err
		}
	}
	return tx.TellOfVerdict(a.Account)
}

// remember writes what became of a claim where the claimant reads it, and, where the claim leads to a card, on that.
func (s *Service) remember(tx Tx, a identity.Actor, c family.Claim, id card.ID, act audit.Action, why, request string, now time.Time) error {
	e := audit.Entry{At: now, Actor: a, Action: act, Purpose: consent.PatientRequest, What: "claim, " + string(c.Basis), Request: request}
	if why != "" {
		e.What += ": " + why
	}
	if id != "" { // before the claimant's own: a verdict takes the locks in this order, too
		e.Card = id
		if err := tx.AppendAudit(e); err != nil {
			return err
		}
	}
	return tx.AuditProof(a.Account, e)
}

// Claims lists the actor's own with what was said of them, the newest first.
func (s *Service) Claims(ctx context.Context, a identity.Actor) ([]evidence.Document, error) {
	list, err := s.list(ctx, a, func(d evidence.Document) bool { return d.Claim != nil })
	slices.SortStableFunc(list, func(a, b evidence.Document) int { return b.Sent.Compare(a.Sent) })
	return list, err
}

// WithdrawClaim deletes a claim that is being checked, or was rejected, with its pages.
func (s *Service) WithdrawClaim(ctx context.Context, a identity.Actor, id evidence.DocumentID) error {
	return s.Store.Update(ctx, func(tx Tx) error {
		d, found, err := tx.LockDocument(a.Account, id)
		if err != nil || !found || d.Claim == nil || d.Status == evidence.Approved {
			return errors.Join(err, orNothing(err == nil, family.ErrNoClaim))
		}
		return tx.DropDocument(d)
	})
}

// judgeClaim gives the claimant the right that an approved document proves, in the transaction of the verdict, and remembers either verdict
// on the patient's card.
func (s *Service) judgeClaim(tx Tx, d *evidence.Document, e audit.Entry) error {
	c := *d.Claim
	e.Card, e.Action, e.What = c.Card, audit.Refuse, "claim, "+string(c.Basis)+": "+string(d.Reason)
	if d.Status == evidence.Approved {
		r, err := tx.Represent(c.Proven(d.Account), s.Zone, e.At)
		if err != nil {
			return err
		}
		c.Opened = r.ID
		e.Action, e.What = audit.Grant, "representation, "+string(c.Basis)
	}
	d.Claim = &c
	return tx.AppendAudit(e)
}
