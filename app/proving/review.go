package proving

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// listed is how many documents the queue shows at once.
const listed = 100

// What a reviewer is refused with.
var (
	errWaits   = fault.New(fault.NotFound, "document.not_waiting", "There is no such document that waits to be checked.")
	errJudged  = fault.New(fault.Conflict, "document.judged", "Somebody gave the verdict on this document already; state tells which.")
	errNoFile  = fault.New(fault.NotFound, "document.no_file", "The document has no file of this number.")
	errVerdict = fault.New(fault.Invalid, "verdict.invalid", "A rejection has a reason of the list: unreadable, incomplete, otherDocument, mismatch, expired, doubtful. An approval has none. Whom an approved document names is said by name and date of birth, or not at all. Words are at most 500 characters.")
)

// Which names a document to a reviewer.
type Which struct {
	Account  identity.AccountID
	Document evidence.DocumentID
	Request  string // id of the HTTP request, for the audit
}

// Verdict is what a reviewer says of a document.
type Verdict struct {
	Approved bool
	Reason   evidence.Reason // of a rejection
	Words    string          // to the person, at most 500 characters; "" = none
	Holder   family.Named    // of an approval: whom the document names; zero = nobody, or he was not compared
}

// Waiting lists the documents that wait to be checked, the one first that waits longest, behind the last one of the page before; the zero
// value begins. Their numbers, and the people that claims name, are left out: a list is no look.
func (s *Service) Waiting(ctx context.Context, by identity.Actor, after evidence.Document) (list []evidence.Document, more bool, err error) {
	if err := by.Reviews(); err != nil {
		return nil, false, err
	}
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.DocumentsToCheck(after, listed+1)
		return err
	})
	if more = len(list) > listed; more {
		list = list[:listed]
	}
	for i := range list {
		list[i].Number = ""
		if c := list[i].Claim; c != nil {
			list[i].Claim = &family.Claim{Basis: c.Basis, Level: c.Level}
		}
	}
	return list, more, err
}

// Look shows a reviewer what a document is to prove, once it is remembered that he looks.
func (s *Service) Look(ctx context.Context, by identity.Actor, w Which) (d evidence.Document, err error) {
	err = s.review(ctx, by, w, func(tx Tx, found evidence.Document, now time.Time) error {
		d = found
		return inspect(tx, d, entry(now, by, w, audit.Inspect, "document "+string(d.Slot)))
	})
	if err != nil {
		return evidence.Document{}, err
	}
	return d, nil
}

// File shows a reviewer one file of a document, once it is remembered that he looks.
func (s *Service) File(ctx context.Context, by identity.Actor, w Which, number int) (f evidence.File, content []byte, err error) {
	err = s.review(ctx, by, w, func(tx Tx, d evidence.Document, now time.Time) error {
		i := slices.IndexFunc(d.Files, func(f evidence.File) bool { return f.Number == number })
		if i < 0 {
			return errNoFile
		}
		if f = d.Files[i]; content == nil { // else the transaction runs again
			content, err = tx.FileContent(d, number)
		}
		return errors.Join(err, inspect(tx, d, entry(now, by, w, audit.Inspect, "document "+string(d.Slot)+", a file")))
	})
	if err != nil {
		return evidence.File{}, nil, err
	}
	return f, content, nil
}

// inspect remembers a look where the person reads it whose document it is, and on the card of a patient for whom it speaks.
func inspect(tx Tx, d evidence.Document, e audit.Entry) error {
	if d.Claim != nil && d.Claim.Card != "" { // before the claimant's own: a verdict takes the locks in this order, too
		on := e
		on.Card = d.Claim.Card
		if err := tx.AppendAudit(on); err != nil {
			return err
		}
	}
	return tx.AuditProof(d.Account, e)
}

// Judge approves or rejects a document, once. An approval that completes what is demanded opens the person's cards in the same
// transaction, that of a claim makes its person the patient's representative, and the person is told in either case.
func (s *Service) Judge(ctx context.Context, by identity.Actor, w Which, v Verdict) (d evidence.Document, err error) {
	v.Words = strings.TrimSpace(v.Words)
	if utf8.RuneCountInString(v.Words) > 500 || !v.Approved && !v.Reason.Known() || v.Approved && v.Reason != "" || v.names() && !(v.Approved && v.holderWhole()) {
		return d, errVerdict
	}
	err = s.review(ctx, by, w, func(tx Tx, found evidence.Document, now time.Time) error {
		d = found
		d.Status, d.Judged, d.Reason, d.Words, d.Reviewer = evidence.Rejected, now, v.Reason, v.Words, strings.TrimSpace(by.Person.Name)
		verdict := "rejected, " + string(v.Reason)
		if v.Approved {
			d.Status, d.Holder, verdict = evidence.Approved, v.Holder, "approved"
		}
		e := entry(now, by, w, audit.Judge, "document "+string(d.Slot)+": "+verdict)
		if d.Claim != nil {
			if err := s.judgeClaim(tx, &d, e); err != nil {
				return err
			}
		}
		if err := tx.SetDocument(d); err != nil {
			return err
		}
		if err := tx.AuditProof(d.Account, e); err != nil {
			return err
		}
		if err := tx.LetIn(d.Account, s.Demand, by, e.Request, now); err != nil {
			return err
		}
		return tx.TellOfVerdict(d.Account)
	})
	return d, err
}

// review finds a document that waits, for a named reviewer whose own affair it is not.
func (s *Service) review(ctx context.Context, by identity.Actor, w Which, work func(Tx, evidence.Document, time.Time) error) error {
	if err := by.ReviewsByName(); err != nil {
		return err
	}
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error {
		d, found, err := tx.LockDocument(w.Account, w.Document)
		switch {
		case err != nil:
			return err
		case found && (d.Status == evidence.Approved || d.Status == evidence.Rejected):
			return errJudged.In(string(d.Status))
		case !found || d.Status != evidence.Checking:
			return errWaits
		}
		names, err := tx.NamesOf(d.Account)
		if err != nil {
			return err
		}
		if d.Claim != nil {
			names = append(names, d.Claim.Agent.Name, d.Claim.Patient.Name)
		}
		if slices.ContainsFunc(names, func(n card.Name) bool { return by.Person.Called(n.Full()) }) {
			return identity.ErrOwnAffair
		}
		return work(tx, d, now)
	})
}

// names reports whether the verdict says anything of whom the document names.
func (v Verdict) names() bool { return v.Holder.Name.Full() != "" || v.Holder.Born != "" }

func (v Verdict) holderWhole() bool {
	_, err := card.ParseDate(string(v.Holder.Born))
	return err == nil && v.Holder.Whole()
}

func entry(now time.Time, by identity.Actor, w Which, act audit.Action, what string) audit.Entry {
	return audit.Entry{At: now, Actor: by, Action: act, Purpose: consent.Operations, What: what, Request: w.Request}
}
