package enrolling

import (
	"context"
	"strings"

	"github.com/medcard/medcard/app/wording"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// An operator locks an account that broke the rules, or that somebody else uses. Sign-in goes on as ever, because the person has to
// show who he is to be told why, and to appeal; everything else is refused, from the next request on, and pushes cease. What is on a
// phone stays there: a lock may be a mistake, and edits that wait in an outbox are the person's.

// Faults of locks.
var (
	errNotLocked  = fault.New(fault.NotFound, "lock.not_found", "This account is not locked.")
	errLockWords  = fault.New(fault.Invalid, "lock.invalid", "Name a reason (foreignAccess, stolenAccess, falseDocuments, courtDecision), 10 to 1,000 characters to the person, and your name.")
	errAppeal     = fault.New(fault.Invalid, "appeal.invalid", "Say in 10 to 2,000 characters why the lock is wrong.")
	errNoSuchUser = fault.New(fault.NotFound, "account.not_found", "There is no such account here.")
)

const locksListed = 500

// Lock locks an account. Said again it replaces the reason and the words, and an appeal begins anew.
func (s *Service) Lock(ctx context.Context, l account.Lock) error {
	l.Words, l.By, l.Since = strings.TrimSpace(l.Words), strings.TrimSpace(l.By), s.now()
	if !l.Reason.Known() || !wording.Long(l.Words, 10, 1000) || !wording.Long(l.By, 3, 100) {
		return errLockWords
	}
	return s.judged(ctx, l.Account, l.By, audit.Lock, string(l.Reason), emailLocked, func(tx Tx) error {
		if err := tx.DropPush(l.Account, ""); err != nil {
			return err
		}
		return tx.PutLock(l)
	})
}

// Unlock lets an account be used again.
func (s *Service) Unlock(ctx context.Context, of identity.AccountID, by string) error {
	if by = strings.TrimSpace(by); !wording.Long(by, 3, 100) {
		return errLockWords
	}
	return s.judged(ctx, of, by, audit.Unlock, "", emailUnlocked, func(tx Tx) error {
		found, err := tx.DropLock(of)
		if err == nil && !found {
			err = errNotLocked
		}
		return err
	})
}

// judged does what an operator decided on an account, remembers it on his own cards (what others let him see is not the place to
// tell of him), or on the log's where he has none, and tells him.
func (s *Service) judged(ctx context.Context, of identity.AccountID, by string, action audit.Action, what, message string, f func(Tx) error) error {
	now := s.now()
	var who account.Account
	err := s.store.Update(ctx, func(tx Tx) (err error) {
		var found bool
		if who, found, err = tx.Account(of); err != nil {
			return err
		}
		if !found {
			return errNoSuchUser
		}
		if err := f(tx); err != nil {
			return err
		}
		if err := note(tx, of, "", message, now); err != nil {
			return err
		}
		return tx.AuditProof(of, audit.Entry{
			At: now, Actor: identity.AtDesk(by), Action: action,
			Purpose: consent.Operations, What: what, Request: string(action),
		})
	})
	if err == nil {
		s.tell(ctx, who.Email, s.words.say(who.Language, message, nil))
	}
	return err
}

// Locked lists the locked accounts, those that appealed first.
func (s *Service) Locked(ctx context.Context) (list []account.Lock, err error) {
	err = s.store.View(ctx, func(tx Tx) (err error) {
		list, err = tx.Locks(locksListed)
		return err
	})
	return list, err
}

// LockOf tells a person why the account is locked.
func (s *Service) LockOf(ctx context.Context, a identity.Actor) (l account.Lock, err error) {
	if f := missingFactor(a); f != nil {
		return l, f
	}
	err = s.store.View(ctx, func(tx Tx) error {
		var found bool
		if l, found, err = tx.LockOf(a.Account); err == nil && !found {
			err = errNotLocked
		}
		return err
	})
	return l, err
}

// Appeal keeps the person's words for an operator to read, in place of those of before.
func (s *Service) Appeal(ctx context.Context, a identity.Actor, words string) error {
	if f := missingFactor(a); f != nil {
		return f
	}
	if words = strings.TrimSpace(words); !wording.Long(words, 10, 2000) {
		return errAppeal
	}
	return s.store.Update(ctx, func(tx Tx) error {
		l, found, err := tx.LockOf(a.Account)
		if err != nil {
			return err
		}
		if !found {
			return errNotLocked
		}
		if l.Appeal = words; l.Appealed.IsZero() { // who writes again keeps the place in the queue
			l.Appealed = s.now()
		}
		return tx.PutLock(l)
	})
}
