package story

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// Does the time of an answer tell who has an account? Requests for a login that somebody has and for one that nobody has are timed in
// turn, in an order that is drawn anew for each pair, so that whatever else the machine does hits both alike; then it is asked how surely
// the one can be told from the other by its time.

// sample is what one kind of request took, in seconds.
type sample []float64

func (s sample) median() time.Duration {
	sorted := slices.Sorted(slices.Values(s))
	return time.Duration(sorted[len(sorted)/2] * float64(time.Second)).Round(time.Microsecond)
}

// mannWhitney compares two samples by their ranks, which a single slow answer cannot spoil. z is how many standard errors the one lies
// beside the other; auc, the chance that a request of the one takes longer than one of the other: 0.5 tells nothing, 0 or 1 all.
func mannWhitney(a, b sample) (z, auc float64) {
	u := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				u++
			case x == y:
				u += 0.5
			}
		}
	}
	n, m := float64(len(a)), float64(len(b))
	return (u - n*m/2) / math.Sqrt(n*m*(n+m+1)/12), u / (n * m)
}

// sure is the z beyond which it is no chance: so much comes by chance once in 150,000 runs.
const sure = 4.5

func TestMannWhitneySeesADifference(t *testing.T) {
	draw := rand.New(rand.NewPCG(4711, 0)) // the same each time
	same, shifted := make(sample, 100), make(sample, 100)
	other := make(sample, 100)
	for i := range same {
		same[i], other[i], shifted[i] = draw.NormFloat64(), draw.NormFloat64(), draw.NormFloat64()+1
	}
	if z, auc := mannWhitney(same, other); math.Abs(z) > 3 || auc < 0.35 || auc > 0.65 {
		t.Errorf("alike: z %.1f, auc %.2f", z, auc)
	}
	if z, auc := mannWhitney(shifted, same); z < sure || auc < 0.65 {
		t.Errorf("a standard deviation apart: z %.1f, auc %.2f", z, auc)
	}
	if z, auc := mannWhitney(sample{1, 2}, sample{3, 4}); auc != 0 || math.Abs(z+1.549) > 0.001 {
		t.Errorf("z %.3f, auc %.2f", z, auc)
	}
}

// inTurn times two requests in turn. before is done ahead of each pair.
func inTurn(pairs int, before func(), one, other func()) (a, b sample) {
	draw := rand.New(rand.NewPCG(4711, 1)) // the same each time
	clock := func(into *sample, f func()) {
		started := time.Now()
		f()
		*into = append(*into, time.Since(started).Seconds())
	}
	for i := range pairs + 3 {
		before()
		if draw.IntN(2) == 0 {
			clock(&a, one)
			clock(&b, other)
		} else {
			clock(&b, other)
			clock(&a, one)
		}
		if i == 2 { // the first ones open connections and fill caches
			a, b = nil, nil
		}
	}
	return a, b
}

func TestTheTimeOfAnAnswerDoesNotTellWhoHasAnAccount(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while, and nothing in it is concurrent")
	}
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna := somebody("1")
		w.enrol(ctx, t, anna)
		stranger := body{"id": uuid.NewString(), "name": "x", "secret": uuid.NewString()}
		signIn := func(login string) func() {
			return func() {
				_, err := w.post(ctx, "/v1/auth/sign-in", "", body{"login": login, "password": "not her password", "device": stranger})
				if p, is := err.(*problem.Problem); !is || p.Code != "credentials.wrong" { //nolint:errorlint // the SDK gives it as it is
					t.Errorf("%v", err)
				}
			}
		}
		lost := func(login string) func() {
			return func() { got(w.post(ctx, "/v1/auth/lost-password", "", body{"login": login, "device": stranger}))(t) }
		}
		const nobody = "+79169999999"

		known, unknown := inTurn(80, func() { w.Skip(5 * time.Minute) }, signIn(anna.phone), signIn(nobody))
		z, auc := mannWhitney(known, unknown)
		t.Logf("sign-in: %d pairs, medians %v known, %v unknown, z %.2f, auc %.3f", len(known), known.median(), unknown.median(), z, auc)
		if math.Abs(z) > sure {
			t.Errorf("the time of a sign-in tells who has an account: z %.2f, auc %.3f", z, auc)
		}

		// Had somebody forgotten the hash for nobody, it would be as with this: so the test can fail.
		slow, quick := inTurn(40, func() { w.Skip(20 * time.Minute) }, signIn(anna.phone), lost(nobody))
		if z, _ := mannWhitney(slow, quick); z < sure {
			t.Errorf("a hash is not seen: medians %v, %v, z %.2f", slow.median(), quick.median(), z)
		}

		known, unknown = inTurn(150, func() { w.Skip(20 * time.Minute) }, lost(anna.phone), lost(nobody))
		z, auc = mannWhitney(known, unknown)
		t.Logf("lost password: %d pairs, medians %v known, %v unknown, z %.2f, auc %.3f", len(known), known.median(), unknown.median(), z, auc)
		if math.Abs(z) > sure {
			t.Errorf("the time of a lost password tells who has an account: z %.2f, auc %.3f", z, auc)
		}
	})
}

func TestTheTimeOfAnAnswerDoesNotTellWhoHasACard(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while, and nothing in it is concurrent")
	}
	demanding(t, nil, func(ctx context.Context, t *testing.T, w *World, _ reviewer) {
		born := w.Now().AddDate(-9, 0, 0)
		h := keepHouse(ctx, t, w, born)
		got(h.clinic.Post(ctx, filled(t, numbered(t, 1).patient())))(t)
		got(h.boris.PutDocumentFile(ctx, evidence.BirthCertificate, 1, located(t)))(t)
		claiming := func(change func(*phone.Claimed)) func() {
			c := h.claimed(born)
			change(&c)
			return func() {
				_, err := h.boris.ClaimRepresentation(ctx, c)
				unfit(t, err)
			}
		}
		there := claiming(func(c *phone.Claimed) { c.Patient.Born = "2016-01-01" })
		nowhere := claiming(func(c *phone.Claimed) { c.Patient.SNILS, c.Patient.Policy = "112-233-445 95", "2341998071655749" })
		// So many that a card which is not read shows: with nothing read in its place z was 4 to 5.
		known, unknown := inTurn(600, func() {
			w.Skip(5 * time.Hour)
			got(h.boris.Documents(ctx))(t) // renews the session outside of what is timed
		}, there, nowhere)
		z, auc := mannWhitney(known, unknown)
		t.Logf("claim: %d pairs, medians %v known, %v unknown, z %.2f, auc %.3f", len(known), known.median(), unknown.median(), z, auc)
		if math.Abs(z) > sure {
			t.Errorf("the time of a claim tells who has a card: z %.2f, auc %.3f", z, auc)
		}
	})
}
