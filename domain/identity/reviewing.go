package identity

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/fault"
)

// RightReview is the OAuth scope of those who look at documents and emergencies.
const RightReview = "system/review.u"

// Why somebody may not review.
var (
	ErrNoReviewer = fault.New(fault.Denied, "reviewer.only", "Only reviewers see what waits for a review.")
	ErrUnnamed    = fault.New(fault.Invalid, "reviewer.unnamed", "Say which person reviews, in 3 to 100 characters: the client assertion needs the claim actor with sub and name.")
	ErrOwnAffair  = fault.New(fault.Denied, "review.own", "Nobody reviews what he sent or did himself. Leave it to another reviewer.")
)

// Reviews refuses whoever is no reviewer.
func (a Actor) Reviews() error {
	if a.Kind == Operator || a.Kind == Reviewer && a.Has(RightReview) {
		return nil
	}
	return ErrNoReviewer
}

// ReviewsByName refuses whoever is no reviewer, or does not say which person he is: whose affair it is reads who saw it.
func (a Actor) ReviewsByName() error {
	if err := a.Reviews(); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(a.Person.Name)); a.Person.ID == "" || n < 3 || n > 100 {
		return ErrUnnamed
	}
	return nil
}

// Called reports whether the person has one of the names: the same words, in whatever order. Organisations number their people each in its own
// way, so a name is what tells that two of them are one person; a namesake is taken for him, and there are other reviewers.
func (p Person) Called(names ...string) bool {
	words := func(name string) []string { return slices.Sorted(slices.Values(strings.Fields(Folded(name)))) }
	own := words(p.Name)
	return len(own) > 0 && slices.ContainsFunc(names, func(name string) bool { return slices.Equal(words(name), own) })
}

// Folded is a name for comparison: case, spaces and the dots of ё make no difference.
func Folded(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.Join(strings.Fields(name), " ")), "ё", "е")
}
