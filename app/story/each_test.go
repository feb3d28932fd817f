package story

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// each runs a test in a fresh world on every database that is at hand.
func each(t *testing.T, test func(context.Context, *testing.T, *World)) {
	t.Helper()
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		test(t.Context(), t, start(t, cfg.Postgres))
	})
}

// start opens a world for one test and looks, when the test is over, whether any log line holds what must not be there.
func start(t testing.TB, postgres string) *World {
	t.Helper()
	return open(t, Options{Dir: t.TempDir(), Postgres: postgres})
}

func open(t testing.TB, o Options) *World {
	t.Helper()
	w, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Errorf("close the world: %v", err)
		}
		for _, line := range w.Log.All() {
			for _, canary := range []string{example.SNILS, example.Policy, example.Family, "Метформин", "Соколова", "medcard-canary"} {
				if strings.Contains(line, canary) {
					t.Errorf("a log line holds patient data (%s): %s", canary, line)
				}
			}
		}
	})
	return w
}

// ok stops the test at an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got stops the test at an error and passes the value on.
func got[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		ok(t, err)
		return value
	}
}

// refused checks that an error is a problem document with the status and code.
func refused(t testing.TB, err error, status int, code string) *problem.Problem {
	t.Helper()
	var p *problem.Problem
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a problem %d %s", err, status, code)
	}
	if p.Status != status || p.Code != code {
		t.Errorf("got %d %s (%s), want %d %s", p.Status, p.Code, p.Detail, status, code)
	}
	return p
}

// admitted posts our own patient's bundle and gives her card.
func admitted(ctx context.Context, t *testing.T, c *Clinic) (card.ID, string) {
	t.Helper()
	posted := got(c.Post(ctx, example.Bundle()))(t)
	if posted.Claim == "" {
		t.Fatal("posting a new card gave no claim code")
	}
	return posted.Card, posted.Claim
}
