package auditing

import (
	"context"
	"fmt"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// Right is the OAuth scope of those who may read the whole log.
const Right = "system/AuditEvent.rs"

// Why an auditor is refused.
var (
	ErrNoAuditor = fault.New(fault.Denied, "auditor.only", "Only auditors read the log of who did what.")
	ErrPurpose   = fault.New(fault.Malformed, "purpose.not_auditing", "Say why you read the log: send the header Purpose-Of-Use with HOPERAT.")
	ErrNobody    = fault.New(fault.Invalid, "auditor.person", "Say which person reads: the client assertion needs the claim actor.")
)

// Reading is what an auditor asks for.
type Reading struct {
	From    int64 // place in the log
	Purpose consent.Purpose
	Request string
}

// Review gives an auditor a page of the log's entries, in the order of the log: who, as what, what kind of thing, when and why. No entry holds
// what was seen. That he reads is remembered first, as an entry of the log's own, which the next auditor reads.
func (s *Service) Review(ctx context.Context, a identity.Actor, in Reading) (page []audit.Logged, more bool, err error) {
	if err := mayReview(a, in); err != nil {
		return nil, false, err
	}
	err = s.Store.Update(ctx, func(tx Tx) error {
		page, more = nil, false
		size, _, err := tx.Log()
		if err != nil {
			return err
		}
		if in.From < 0 || in.From > size {
			return ErrSizes
		}
		to := min(in.From+PageSize, size)
		if err := s.remember(tx, a, in, fmt.Sprintf("places %d to %d", in.From, to)); err != nil {
			return err
		}
		page, err = tx.LoggedEntries(in.From, to)
		more = to < size
		return err
	})
	return page, more, err
}

func mayReview(a identity.Actor, in Reading) error {
	switch {
	case a.Kind != identity.Auditor || !a.Has(Right):
		return ErrNoAuditor
	case in.Purpose != consent.Operations:
		return ErrPurpose
	case a.Person.ID == "":
		return ErrNobody
	}
	return nil
}

// remember writes down what an auditor reads.
func (s *Service) remember(tx Tx, a identity.Actor, in Reading, what string) error {
	now := s.Clock()
	if err := tx.OpenLogCard(now); err != nil {
		return err
	}
	return tx.AppendAudit(audit.Entry{Card: audit.LogCard, At: now, Actor: a, Action: audit.Review, Purpose: in.Purpose, What: what, Request: in.Request})
}
