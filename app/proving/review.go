package proving

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/identity"
)

// listed is how many documents the queue shows at once.
const listed = 500

// Seen is a document as a reviewer sees it.
type Seen struct {
	evidence.Document
	Contents [][]byte // of its files, in their order
}

// Verdict is what a reviewer says of a document.
type Verdict struct {
	Account  identity.AccountID
	Document evidence.DocumentID
	Approved bool
	Reason   evidence.Reason // of a rejection
	Words    string          // to the person, at most 500 characters; "" = none
	Holder   family.Named    // of an approval: whom the document names; zero = nobody, or he was not compared
	Reviewer string          // his name
}

// Waiting lists the documents that wait to be checked, the one first that waits longest. Their numbers,
// and the people that claims name, are left out: a list is no look.
func (s *Service) Waiting(ctx context.Context) (list []evidence.Document, err error) {
	err = s.Store.View(ctx, func(tx Tx) error {
		list, err = tx.DocumentsToCheck(listed)
		return err
	})
	for i := range list {
		list[i].Number = ""
		if c := list[i].Claim; c != nil {
			list[i].Claim = &family.Claim{Basis: c.Basis, Level: c.Level}
		}
	}
	return list, err
}

// Look shows a reviewer a document with its files, once it is remembered that he looks.
func (s *Service) Look(ctx context.Context, of identity.AccountID, id evidence.DocumentID, reviewer string) (seen Seen, err error) {
	if !named(reviewer) {
		return seen, errVerdict
	}
	now := s.now()
	err = s.Store.Update(ctx, func(tx Tx) error {
		d, found, err := tx.LockDocument(of, id)
		if err != nil || !found || d.Status != evidence.Checking {
			return errors.Join(err, waits(found && d.Status == evidence.Checking))
		}
		seen = Seen{Document: d}
		for _, f := range d.Files {
			content, err := tx.FileContent(d, f.Number)
			if err != nil {
				return err
			}
			seen.Contents = append(seen.Contents, content)
		}
		return tx.AuditProof(of, entry(now, reviewer, audit.Inspect, d.Slot, ""))
	})
	if err != nil {
		return Seen{}, err
	}
	return seen, nil
}

// Judge approves or rejects a document, once. An approval that completes what is demanded opens the person's cards in the same
// transaction, that of a claim makes its person the patient's representative, and the person is told in either case.
func (s *Service) Judge(ctx context.Context, v Verdict) error {
	v.Words, v.Reviewer = strings.TrimSpace(v.Words), strings.TrimSpace(v.Reviewer)
	if !named(v.Reviewer) || utf8.RuneCountInString(v.Words) > 500 || !v.Approved && !v.Reason.Known() || v.Approved && v.Reason != "" || v.names() && !(v.Approved && v.Holder.Whole()) {
		return errVerdict
	}
	now := s.now()
	return s.Store.Update(ctx, func(tx Tx) error {
		d, found, err := tx.LockDocument(v.Account, v.Document)
		if err != nil || !found || d.Status != evidence.Checking {
			return errors.Join(err, waits(found && d.Status == evidence.Checking))
		}
		d.Status, d.Judged, d.Reason, d.Words, d.Reviewer = evidence.Rejected, now, v.Reason, v.Words, v.Reviewer
		verdict := "rejected, " + string(v.Reason)
		if v.Approved {
			d.Status, d.Holder, verdict = evidence.Approved, v.Holder, "approved"
		}
		e := entry(now, v.Reviewer, audit.Judge, d.Slot, verdict)
		if d.Claim != nil {
			if err := s.judgeClaim(tx, &d, e); err != nil {
				return err
			}
		}
		if err := tx.SetDocument(d); err != nil {
			return err
		}
		if err := tx.AuditProof(v.Account, e); err != nil {
			return err
		}
		if err := tx.LetIn(v.Account, s.Demand, e.Actor, e.Request, now); err != nil {
			return err
		}
		return tx.TellOfVerdict(v.Account)
	})
}

// names reports whether the verdict says anything of whom the document names.
func (v Verdict) names() bool { return v.Holder.Name.Full() != "" || v.Holder.Born != "" }

func named(reviewer string) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(reviewer))
	return 3 <= n && n <= 100
}

func waits(does bool) error {
	if does {
		return nil
	}
	return errWaits
}

func entry(now time.Time, reviewer string, act audit.Action, slot evidence.Slot, verdict string) audit.Entry {
	what := "document " + string(slot)
	if verdict != "" {
		what += ": " + verdict
	}
	return audit.Entry{
		At: now, Actor: identity.Actor{Kind: identity.Operator, Person: identity.Person{ID: reviewer, Name: reviewer}}, Action: act, Purpose: consent.Operations, What: what, Request: "review",
	}
}
