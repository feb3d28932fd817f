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
	switch {
	case a.Kind != identity.Auditor || !a.Has(Right):
		return nil, false, ErrNoAuditor
	case in.Purpose != consent.Operations:
		return nil, false, ErrPurpose
	case a.Person.ID == "":
		return nil, false, ErrNobody
	}
	now := s.Clock()
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
		if err := tx.OpenLogCard(now); err != nil {
			return err
		}
		if err := tx.AppendAudit(audit.Entry{
			Card: audit.LogCard, At: now, Actor: a, Action: audit.Review, Purpose: in.Purpose, What: fmt.Sprintf("places %d to %d", in.From, to), Request: in.Request,
		}); err != nil {
			return err
		}
		page, err = tx.LoggedEntries(in.From, to)
		more = to < size
		return err
	})
	return page, more, err
}
