package enrolling

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// RightInsure is the OAuth scope of insurers that confirm policies.
const RightInsure = "system/Coverage.u"

// InsurerTx is what the questions to insurers need of a transaction.
type InsurerTx interface {
	Insurers() ([]identity.Client, error)
	// LockAsked finds the link about which the insurer is asked by that name, and locks it.
	LockAsked(by identity.ClientID, id string) (l evidence.Link, found bool, err error)
	// Asked lists what waits for the insurer's answer, by Asked and Challenge alone, behind the one that after names; the zero value begins.
	Asked(by identity.ClientID, since time.Time, after evidence.Link, limit int) ([]evidence.Link, error)
	// Unanswered lists accounts about whose policies nobody answered since before the instant.
	Unanswered(before time.Time, limit int) ([]identity.AccountID, error)
}

// Faults of the questions to insurers.
var (
	errWhichInsurer = fault.New(fault.Invalid, "policy.which_insurer", "Several insurers have policies that begin so. Name yours: GET /v1/insurers lists them.").At("body.insurer", "is missing, or none of them")
	errHolder       = fault.New(fault.Invalid, "policy.holder", "Your insurer compares it: type your name and date of birth as they stand on the policy.").At("body.holder", "is missing or incomplete")
	errUnanswered   = fault.New(fault.Conflict, "policy.unanswered", "Your insurer has not answered yet. You are told when it sends the code.")
	errRefusal      = fault.New(fault.Invalid, "policy.refusal", "The reason is notOurs, otherPerson, ended or noPhone.")
)

const (
	insurersCode = 24 * time.Hour // the person may be asleep when the insurer answers
	asksAgain    = time.Hour      // after which a person whom no code reached asks his insurer anew
	questions    = 100            // listed at once
)

// Insurers lists the insurers that are connected, for a person who names his.
func (s *Service) Insurers(ctx context.Context) (list []identity.Client, err error) {
	err = s.store.View(ctx, func(tx Tx) error {
		list, err = tx.Insurers()
		return err
	})
	return list, err
}

// insurerOf finds the insurer whose policies begin as the number does, the longest beginning first. Of several the person names one. Who has
// a number of a connected insurer cannot have the code sent elsewhere.
func insurerOf(tx Tx, n identity.Policy, named identity.ClientID) (c identity.Client, connected bool, err error) {
	all, err := tx.Insurers()
	if err != nil {
		return c, false, err
	}
	longest := 0
	var list []identity.Client
	for _, c := range all {
		fits := 0
		for _, begins := range c.Policies {
			if strings.HasPrefix(string(n), begins) {
				fits = max(fits, len(begins))
			}
		}
		if fits > longest {
			longest, list = fits, nil
		}
		if fits > 0 && fits == longest {
			list = append(list, c)
		}
	}
	if named != "" || len(list) > 1 {
		of := slices.IndexFunc(list, func(c identity.Client) bool { return c.ID == named })
		if of < 0 {
			return c, false, errWhichInsurer
		}
		return list[of], true, nil
	}
	if len(list) == 0 {
		return c, false, nil
	}
	return list[0], true, nil
}

// ask puts a question to the insurer, in place of what was there. What waits for its answer is not asked twice.
func ask(tx Tx, old, next evidence.Link, now time.Time) (evidence.Link, error) {
	next.Holder.Name.Given = slices.Clone(next.Holder.Name.Given)
	if !askable(next.Holder) {
		return old, errHolder
	}
	same := old.State == evidence.Pending && old.Number == next.Number && old.Insurer == next.Insurer && old.Holder.Same(next.Holder)
	switch {
	case same && old.Answered.IsZero() && now.Before(old.Asked.Add(evidence.AnswerTerm)):
		return old, nil
	case same && now.Before(old.Answered.Add(asksAgain)):
		return old, errTooSoon.After(old.Answered.Add(asksAgain).Sub(now))
	}
	return next, tx.PutPolicyLink(next)
}

// askable reports whether a name can be shown to an insurer.
func askable(n family.Named) bool {
	bad := func(s string) bool {
		return strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > 100 || strings.ContainsFunc(s, unicode.IsControl)
	}
	return n.Whole() && !bad(n.Name.Family) && len(n.Name.Given) > 0 && len(n.Name.Given) <= 4 && !slices.ContainsFunc(n.Name.Given, bad)
}

// Asked lists the questions that wait for the insurer, the oldest first, behind the last one of the page before. Whose they are it does not tell.
func (s *Service) Asked(ctx context.Context, a identity.Actor, after evidence.Link) (list []evidence.Link, more bool, err error) {
	since := s.now().Add(-evidence.AnswerTerm)
	err = s.store.View(ctx, func(tx Tx) error {
		list, err = tx.Asked(a.Client, since, after, questions+1)
		return err
	})
	if more = len(list) > questions; more {
		list = list[:questions]
	}
	return list, more, err
}

// LookAtAsked shows the insurer one question: the number of a policy, a name and a date of birth. It is remembered that it looked.
func (s *Service) LookAtAsked(ctx context.Context, a identity.Actor, id string, from Origin) (evidence.Link, error) {
	return s.answer(ctx, a, id, false, func(tx Tx, l *evidence.Link, now time.Time) error {
		return tx.AuditProof(l.Account, answering(a, audit.Inspect, "policy", from, now))
	})
}

// ConfirmAsked takes the insurer's word that the policy is the person's, and gives it the code that it sends to the number it has on file: that
// number is known to nobody here. The person who types the code has that phone. Once more, because the answer or the message was lost, there is
// another code in place of the first, as often as one-time codes may be repeated.
func (s *Service) ConfirmAsked(ctx context.Context, a identity.Actor, id string, from Origin) (code string, ends time.Time, err error) {
	if code, err = s.newCode(); err != nil {
		return "", ends, err
	}
	_, err = s.answer(ctx, a, id, true, func(tx Tx, l *evidence.Link, now time.Time) error {
		first := l.Answered.IsZero()
		if err := s.resendPolicy(tx, *l, code, now); err != nil {
			return err
		}
		kept, _, err := tx.LockCode(account.ChallengeID(l.Challenge), account.ByPhone)
		if err != nil {
			return err
		}
		kept.Ends = now.Add(insurersCode)
		ends, l.Answered = kept.Ends, now
		err = errors.Join(tx.PutCode(kept), tx.PutPolicyLink(*l), tx.AuditProof(l.Account, answering(a, audit.Judge, "policy, confirmed by its insurer", from, now)))
		if err == nil && first {
			err = tx.TellOfVerdict(l.Account)
		}
		return err
	})
	return code, ends, err
}

// RefuseAsked takes the insurer's word that it does not confirm the policy, and why; the person is told.
func (s *Service) RefuseAsked(ctx context.Context, a identity.Actor, id string, why evidence.Refusal, from Origin) error {
	if !why.Given() {
		return errRefusal
	}
	_, err := s.answer(ctx, a, id, false, func(tx Tx, l *evidence.Link, now time.Time) error {
		return fail(tx, l, why, answering(a, audit.Judge, "policy, refused by its insurer: "+string(why), from, now))
	})
	return err
}

// answer finds a question to the insurer that may be answered still.
func (s *Service) answer(ctx context.Context, a identity.Actor, id string, again bool, work func(Tx, *evidence.Link, time.Time) error) (l evidence.Link, err error) {
	now := s.now()
	err = s.store.Update(ctx, func(tx Tx) error {
		var found bool
		if l, found, err = tx.LockAsked(a.Client, id); err != nil {
			return err
		}
		if !found {
			return evidence.ErrNotAsked
		}
		if err := l.Answerable(again, now); err != nil {
			return err
		}
		return work(tx, &l, now)
	})
	if err != nil {
		return evidence.Link{}, err
	}
	return l, nil
}

// fail ends a question without a code, and tells the person.
func fail(tx Tx, l *evidence.Link, why evidence.Refusal, e audit.Entry) error {
	l.State, l.Settled, l.Answered, l.Refusal = evidence.Failed, e.At, e.At, why
	return errors.Join(tx.PutPolicyLink(*l), tx.AuditProof(l.Account, e), tx.TellOfVerdict(l.Account))
}

func answering(a identity.Actor, act audit.Action, what string, from Origin, now time.Time) audit.Entry {
	return audit.Entry{At: now, Actor: a, Action: act, Purpose: consent.Operations, What: what, Request: from.Request}
}

// endUnanswered ends the questions whose term has passed, each in a transaction of its own.
func (s *Service) endUnanswered(ctx context.Context) error {
	now := s.now()
	var list []identity.AccountID
	err := s.store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Unanswered(now.Add(-evidence.AnswerTerm), 1000)
		return err
	})
	for _, of := range list {
		err = errors.Join(err, s.store.Update(ctx, func(tx Tx) error {
			l, found, err := tx.LockPolicyLink(of)
			if err != nil || !found || l.State != evidence.Pending || l.Insurer == "" || !l.Answered.IsZero() || now.Before(l.Asked.Add(evidence.AnswerTerm)) {
				return err
			}
			return fail(tx, &l, evidence.Unanswered, answering(identity.Actor{Kind: identity.System}, audit.Judge, "policy, its insurer did not answer", Origin{Request: "upkeep"}, now))
		}))
	}
	return err
}
