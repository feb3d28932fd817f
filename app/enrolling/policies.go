package enrolling

import (
	"context"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Insurer sends the code for a policy of which no insurer is connected. who is the account that asks for it, text the message, with the code
// in it.
type Insurer func(ctx context.Context, n identity.Policy, who account.Account, text string) error

// Faults of policies.
var (
	errPolicyLinked = fault.New(fault.Conflict, "policy.linked", "Your policy is confirmed already, and its number is the same for life.")
	errPolicyOther  = fault.New(fault.Conflict, "policy.other_person", "This policy belongs to somebody else here. Ask your insurer, or the desk of your clinic.")
	errNoPolicy     = fault.New(fault.NotFound, "policy.not_found", "You have no policy that waits for a code: send its number to POST /v1/me/policies first.")
)

// NamedPolicy is a policy as its person names it.
type NamedPolicy struct {
	Number  string
	Insurer identity.ClientID // which of several; "" = whose policies begin so
	Holder  family.Named      // for an insurer that is connected, which compares it
}

// LinkPolicy checks the number of a policy. A connected insurer is asked to confirm it, and sends a code to the number that it has on file. Where
// none is connected a code goes to the account's own number: the same number again sends another one in place of the first, as often as one-time
// codes may be repeated. Another number begins anew. The answer does not tell whether anybody has the policy.
func (s *Service) LinkPolicy(ctx context.Context, a identity.Actor, p NamedPolicy, from Origin) (evidence.Link, error) {
	if f := missingFactor(a); f != nil {
		return evidence.Link{}, f
	}
	number, err := identity.ParsePolicy(p.Number)
	if err != nil {
		f := fault.From(err)
		return evidence.Link{}, f.At("body.number", f.Text)
	}
	id, err := s.newID()
	if err != nil {
		return evidence.Link{}, err
	}
	code, err := s.newCode()
	if err != nil {
		return evidence.Link{}, err
	}
	now := s.now()
	var link evidence.Link
	var who account.Account
	err = s.store.Update(ctx, func(tx Tx) error {
		if err := s.spend(tx, now, policyByAccount.of(string(a.Account)), policyByAddress.of(from.network())); err != nil {
			return err
		}
		if err := s.spendOn(tx, now, policyByNumber.of(string(number)), string(a.Account)); err != nil {
			return err
		}
		var found bool
		if who, found, err = tx.Account(a.Account); err != nil || !found {
			return ended(err)
		}
		if link, found, err = tx.LockPolicyLink(a.Account); err != nil {
			return err
		}
		insurer, connected, err := insurerOf(tx, number, p.Insurer)
		if err != nil {
			return err
		}
		switch {
		case found && link.State == evidence.Linked:
			return errPolicyLinked
		case connected:
			next := evidence.Link{Account: a.Account, Challenge: id, Number: number, State: evidence.Pending, Asked: now, Question: evidence.Question{Insurer: insurer.ID, Name: insurer.Name, Holder: p.Holder}}
			link, err = ask(tx, link, next, now)
			return err
		case found && link.Insurer == "" && link.State == evidence.Pending && link.Number == number:
			return s.resendPolicy(tx, link, code, now)
		}
		link = evidence.Link{Account: a.Account, Challenge: id, Number: number, State: evidence.Pending, Asked: now}
		if err := tx.PutPolicyLink(link); err != nil {
			return err
		}
		return tx.PutCode(account.NewCode(account.ChallengeID(id), account.ByPhone, s.hashCode(account.ChallengeID(id), account.ByPhone, code), now))
	})
	if err != nil {
		return evidence.Link{}, err
	}
	if link.Insurer != "" {
		return link, nil
	}
	return link, s.hand(ctx, s.insurer(ctx, number, who, s.words.code(who.Language, smsPolicy, code)))
}

func ended(err error) error {
	if err == nil {
		err = errEnded
	}
	return err
}

// resendPolicy replaces the code of a link that waits for one. Of one that had all its codes, or whose code is forgotten, it makes a new
// beginning.
func (s *Service) resendPolicy(tx Tx, link evidence.Link, code string, now time.Time) error {
	id := account.ChallengeID(link.Challenge)
	hash := s.hashCode(id, account.ByPhone, code)
	old, found, err := tx.LockCode(id, account.ByPhone)
	if err != nil {
		return err
	}
	next := account.NewCode(id, account.ByPhone, hash, now)
	if found && now.Before(old.Ends) {
		again, wait, ok := old.Again(hash, now)
		switch {
		case wait > 0:
			return errTooSoon.After(wait)
		case !ok:
			return errNoMoreCodes.After(old.Ends.Sub(now))
		}
		next = again
	}
	return tx.PutCode(next)
}

// ConfirmPolicy takes the code that the insurer sent. The right one links the policy, unless it is somebody else's, and opens the person's
// cards if nothing else is missing.
func (s *Service) ConfirmPolicy(ctx context.Context, a identity.Actor, typed string, from Origin) (link evidence.Link, err error) {
	if f := missingFactor(a); f != nil {
		return link, f
	}
	now := s.now()
	var refused error // a wrong code is counted, so its transaction commits
	err = s.store.Update(ctx, func(tx Tx) error {
		var found bool
		refused = nil
		if link, found, err = tx.LockPolicyLink(a.Account); err != nil {
			return err
		}
		if !found || link.State == evidence.Failed {
			return errNoPolicy
		}
		if link.State == evidence.Linked {
			return nil // an answer may have been lost
		}
		if link.Insurer != "" && link.Answered.IsZero() {
			return errUnanswered
		}
		if refused, err = s.try(tx, account.ChallengeID(link.Challenge), account.ByPhone, typed, now); err != nil || refused != nil {
			return err
		}
		refused, err = s.settlePolicy(tx, a, &link, from.Request, now)
		return err
	})
	if err == nil {
		err = refused
	}
	return link, err
}

func (s *Service) settlePolicy(tx Tx, a identity.Actor, link *evidence.Link, request string, now time.Time) (refused, err error) {
	fits, err := tx.PolicyFits(a.Account, link.Number)
	if err != nil {
		return nil, err
	}
	link.State, link.Settled = evidence.Linked, now
	if !fits {
		link.State = evidence.Failed
		refused = errPolicyOther
	}
	if err := tx.PutPolicyLink(*link); err != nil {
		return nil, err
	}
	if err := tx.AuditProof(a.Account, audit.Entry{At: now, Actor: a, Action: audit.Prove, Purpose: consent.PatientRequest, What: "policy " + string(link.State), Request: request}); err != nil {
		return nil, err
	}
	if err := tx.LetIn(a.Account, s.demand, a, request, now); err != nil {
		return nil, err
	}
	return refused, tx.TellOfVerdict(a.Account)
}

// Policy tells how the actor's policy stands; found is false while none was named.
func (s *Service) Policy(ctx context.Context, a identity.Actor) (link evidence.Link, found bool, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		link, found, err = tx.PolicyLink(a.Account)
		return err
	})
	return link, found, err
}
