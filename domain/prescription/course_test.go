package prescription

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

const (
	green identity.ClientID = "green pharmacy"
	blue  identity.ClientID = "blue pharmacy"
)

func lease(holder identity.ClientID, secret string) Lease {
	return Lease{ID: "lease of " + string(holder), Holder: holder, Secret: HashSecret(secret)}
}

// twoItems is a course of 60 tablets at once and of 90 tablets, 30 a month.
func twoItems(t testing.TB) Course {
	t.Helper()
	s := goodSheet()
	long := goodItem()
	long.Quantity, long.Regimen.Every = 90, 28
	s.Items = append(s.Items, long)
	p, err := Issue("id", "card", Token{1}, s, written, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return p.Course
}

// step is one thing that happens; at is minutes after the issue.
type step struct {
	what     string
	at       int
	do       func(Course, time.Time) (Course, error)
	want     State
	fault    *fault.Fault
	conflict State // named by the fault
}

func accept(by identity.ClientID, secret string) func(Course, time.Time) (Course, error) {
	return func(c Course, now time.Time) (Course, error) { return c.Accept(lease(by, secret), now) }
}

func recovers(by identity.ClientID, secret string) func(Course, time.Time) (Course, error) {
	return func(c Course, now time.Time) (Course, error) { return c.Recover(lease(by, secret), now) }
}

func complete(by identity.ClientID, secret string, portions ...Portion) func(Course, time.Time) (Course, error) {
	return func(c Course, now time.Time) (Course, error) { return c.Complete(by, secret, portions, now) }
}

func reject(by identity.ClientID, secret string) func(Course, time.Time) (Course, error) {
	return func(c Course, now time.Time) (Course, error) { return c.Reject(by, secret, now) }
}

func cancel(c Course, now time.Time) (Course, error) { return c.Cancel(now) }

func TestCourses(t *testing.T) {
	const month = 28 * 24 * 60
	for name, steps := range map[string][]step{
		"handed out in parts": {
			{"accepted", 0, accept(green, "s"), InWork, nil, ""},
			{"nobody else gets it", 1, accept(blue, "b"), "", ErrInWork, InWork},
			{"nor the same pharmacy", 1, accept(green, "s"), "", ErrInWork, InWork},
			{"the clinic has to wait", 1, cancel, "", ErrInWork, InWork},
			{"the first part", 5, complete(green, "s", Portion{0, 20}, Portion{1, 30}), PartlyDispensed, nil, ""},
			{"the secret is used up", 6, complete(green, "s", Portion{0, 1}), "", ErrNoLease, PartlyDispensed},
			{"elsewhere", 7, accept(blue, "b"), InWork, nil, ""},
			{"the long course may not go on yet", 8, complete(blue, "b", Portion{1, 30}), "", ErrTooEarly, InWork},
			{"the rest of the other", 8, complete(blue, "b", Portion{0, 40}), PartlyDispensed, nil, ""},
			{"now nothing is due", 9, accept(green, "s"), "", ErrTooEarly, PartlyDispensed},
			{"a month later", 5 + month, accept(green, "s2"), InWork, nil, ""},
			{"more than remains", 5 + month, complete(green, "s2", Portion{1, 61}), "", ErrPortion, ""},
			{"all that remains", 6 + month, complete(green, "s2", Portion{1, 60}), Dispensed, nil, ""},
			{"never again", 7 + month, accept(blue, "b"), "", ErrDispensed, Dispensed},
			{"nor cancelled", 7 + month, cancel, "", ErrDispensed, Dispensed},
		},
		"given back": {
			{"nothing to complete", 0, complete(green, "s", Portion{0, 1}), "", ErrNoLease, Issued},
			{"nothing to reject", 0, reject(green, "s"), "", ErrNoLease, Issued},
			{"nothing to recover", 0, recovers(green, "s"), "", ErrNoLease, Issued},
			{"accepted", 0, accept(green, "s"), InWork, nil, ""},
			{"a wrong secret", 1, reject(green, "x"), "", ErrWrongSecret, ""},
			{"no secret", 1, complete(green, "", Portion{0, 1}), "", ErrWrongSecret, ""},
			{"a stolen secret", 1, complete(blue, "s", Portion{0, 1}), "", ErrWrongSecret, ""},
			{"rejected", 2, reject(green, "s"), Issued, nil, ""},
			{"accepted elsewhere", 2, accept(blue, "b"), InWork, nil, ""},
			{"some", 3, complete(blue, "b", Portion{0, 1}), PartlyDispensed, nil, ""},
			{"accepted", 4, accept(green, "s"), InWork, nil, ""},
			{"rejected: what was handed out stays so", 5, reject(green, "s"), PartlyDispensed, nil, ""},
			{"cancelled", 6, cancel, Cancelled, nil, ""},
			{"refused", 7, accept(green, "s"), "", ErrCancelled, Cancelled},
			{"cancelled twice", 7, cancel, "", ErrCancelled, Cancelled},
		},
		"the answer was lost": {
			{"accepted", 0, accept(green, "s"), InWork, nil, ""},
			{"asked again", 4, recovers(green, "s2"), InWork, nil, ""},
			{"not by another", 4, recovers(blue, "b"), "", ErrInWork, InWork},
			{"the old secret is dead", 5, complete(green, "s", Portion{0, 1}), "", ErrWrongSecret, ""},
			{"the hold did not get longer", 10, complete(green, "s2", Portion{0, 1}), "", ErrNoLease, Issued},
			{"accepted by another", 10, accept(blue, "b"), InWork, nil, ""},
		},
		"portions that make no sense": {
			{"accepted", 0, accept(green, "s"), InWork, nil, ""},
			{"none", 1, complete(green, "s"), "", ErrPortion, ""},
			{"of nothing", 1, complete(green, "s", Portion{0, 0}), "", ErrPortion, ""},
			{"taken back", 1, complete(green, "s", Portion{0, -5}), "", ErrPortion, ""},
			{"of what is not there", 1, complete(green, "s", Portion{2, 1}), "", ErrPortion, ""},
			{"before the first", 1, complete(green, "s", Portion{-1, 1}), "", ErrPortion, ""},
			{"twice the same", 1, complete(green, "s", Portion{0, 30}, Portion{0, 30}), "", ErrPortion, ""},
			{"one good, one not", 1, complete(green, "s", Portion{0, 30}, Portion{1, 91}), "", ErrPortion, ""},
			{"nothing of it counted", 1, complete(green, "s", Portion{0, 60}, Portion{1, 90}), Dispensed, nil, ""},
		},
		"too late": {
			{"in the last minute", 60*24*60 + 16*60 - 1, accept(green, "s"), InWork, nil, ""},
			{"who was accepted in time may finish", 60*24*60 + 16*60 + 5, complete(green, "s", Portion{0, 60}), PartlyDispensed, nil, ""},
			{"the rest has expired", 60*24*60 + 16*60 + 6, accept(blue, "b"), "", ErrExpired, Expired},
			{"and cannot be cancelled", 60*24*60 + 16*60 + 6, cancel, "", ErrExpired, Expired},
		},
	} {
		t.Run(name, func(t *testing.T) {
			course := twoItems(t)
			for _, s := range steps {
				before := fmt.Sprintf("%+v", course)
				next, err := s.do(course, written.Add(time.Duration(s.at)*time.Minute))
				if fmt.Sprintf("%+v", course) != before {
					t.Fatalf("%s: changed the course it was given", s.what)
				}
				if s.fault != nil {
					if !errors.Is(err, s.fault) || fault.From(err).State != string(s.conflict) {
						t.Fatalf("%s: %v (%s), want %v (%s)", s.what, err, fault.From(err).State, s.fault.Code, s.conflict)
					}
					continue
				}
				if err != nil || next.State != s.want || next.Version <= course.Version {
					t.Fatalf("%s: %s version %d, %v", s.what, next.State, next.Version, err)
				}
				course = next
			}
		})
	}
}

// Whatever pharmacies and the clinic do in whatever order, no more is handed out than was prescribed, and each transition has a
// version of its own.
func TestNeverMoreThanPrescribed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		course := Course{State: Issued, ValidUntil: written.Add(90 * 24 * time.Hour), Items: []Progress{{Prescribed: 30}, {Prescribed: 10, Every: 3}}}
		now := written
		handed := make([]int, len(course.Items))
		pharmacy := rapid.SampledFrom([]identity.ClientID{green, blue})
		secret := rapid.SampledFrom([]string{"a", "b"})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 9, 11, 60 * 24 * 2}).Draw(t, "minutes")) * time.Minute)
			who, what := pharmacy.Draw(t, "who"), secret.Draw(t, "secret")
			var next Course
			var err error
			var portions []Portion
			switch rapid.IntRange(0, 5).Draw(t, "act") {
			case 0, 1:
				next, err = course.Accept(lease(who, what), now)
			case 2, 3:
				portions = []Portion{{rapid.IntRange(-1, 2).Draw(t, "item"), rapid.IntRange(-1, 31).Draw(t, "quantity")}}
				next, err = course.Complete(who, what, portions, now)
			case 4:
				next, err = course.Reject(who, what, now)
			case 5:
				next, err = course.Recover(lease(who, what), now)
			}
			if err != nil {
				continue
			}
			if next.Version <= course.Version {
				t.Fatal("a transition without a new version")
			}
			for _, p := range portions {
				handed[p.Item] += p.Quantity
			}
			course = next
			for i, p := range course.Items {
				if p.Dispensed != handed[i] || p.Remaining() < 0 {
					t.Fatalf("item %d: handed out %d, the course says %+v", i, handed[i], p)
				}
			}
			if (course.State == InWork) == (course.Lease == Lease{}) {
				t.Fatalf("a hold without a state, or a state without a hold: %+v", course)
			}
		}
	})
}
