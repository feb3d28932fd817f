package evidence

import (
	"time"

	"github.com/medcard/medcard/domain/family"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// AnswerTerm is how long an insurer has to answer.
const AnswerTerm = 72 * time.Hour

// Question is what an insurer is asked: is this policy the person's?
type Question struct {
	Insurer  identity.ClientID
	Name     string       // the insurer's, to be shown
	Holder   family.Named // as the person typed it, for the insurer alone
	Answered time.Time    // when the insurer took the code that it sends, or refused; zero = not yet
	Refusal  Refusal      // "" = none
}

// Refusal says why an insurer did not confirm a policy.
type Refusal string

// The refusals.
const (
	NotOurs     Refusal = "notOurs"     // it has no such policy
	OtherPerson Refusal = "otherPerson" // name or date of birth are not those of the policy
	Ended       Refusal = "ended"       // the policy is not valid any more
	NoPhone     Refusal = "noPhone"     // it has no number to send a code to
	Unanswered  Refusal = "unanswered"  // it let the term pass
)

// Given reports whether an insurer may give the refusal.
func (r Refusal) Given() bool {
	return r == NotOurs || r == OtherPerson || r == Ended || r == NoPhone
}

// Why an answer of an insurer is refused.
var (
	ErrNotAsked = fault.New(fault.NotFound, "policy.not_asked", "You were not asked about such a policy, or the question has run out.")
	ErrAnswered = fault.New(fault.Conflict, "policy.answered", "This question was answered; state tells how.")
)

// State is how far the question is, in a word.
func (q Question) state(link LinkState) string {
	switch {
	case link == Linked:
		return string(Linked)
	case q.Refusal != "":
		return "refused"
	case !q.Answered.IsZero():
		return "confirmed"
	}
	return "asked"
}

// Answerable refuses an answer that comes too late, or after another one; again allows for a confirmation that is given once more, because
// its answer or the message was lost.
func (l Link) Answerable(again bool, now time.Time) error {
	switch state := l.state(l.State); {
	case state == "asked" && now.Before(l.Asked.Add(AnswerTerm)), state == "confirmed" && l.State == Pending && again:
		return nil
	case state == "asked":
		return ErrNotAsked
	default:
		return ErrAnswered.In(state)
	}
}
