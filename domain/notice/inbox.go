package notice

import "time"

// Inbox is a notice to a clinic, which fetches it. It names a paper and neither patient nor content.
type Inbox struct {
	ID    ID
	At    time.Time
	Kind  string // "referral.transferred": handed on by this clinic or from it; "referral.incoming": to it
	Paper string // id of the paper
}

// The kinds.
const (
	ReferralTransferred = "referral.transferred"
	ReferralIncoming    = "referral.incoming"
)
