package revocation

import (
	"context"
	"crypto/x509"
	"time"
)

// said is what a source told.
type said struct {
	from, until time.Time // thisUpdate, nextUpdate
	owner       string    // whose list it is, as it says itself
	proven      bool      // its signature was checked; of a list of another authority it is not, until that one's certificates are looked up
	// of is what it says of one certificate, with its signature checked: good also where a list does not name it.
	of func(ctx context.Context, c *Checker, one, issuer *x509.Certificate) standing
}

// follows reports whether it may take the place of the last one: it is no older, and whoever can put something else behind the
// address does not make us forget who was revoked.
func (s said) follows(last *said) bool {
	return last == nil || !s.from.Before(last.from) && (s.owner == last.owner && (s.proven || !last.proven) || !last.proven)
}

// question is how a source is asked.
type question interface {
	ask(ctx context.Context, c *Checker) (said, error)
	age() time.Duration // after which it is asked anew
}

// source is one list, or one answer about one certificate, and when it was fetched. Whoever asks it holds its turn, so that a
// thousand people who sign in at once fetch a list once.
type source struct {
	turn  chan struct{}
	last  *said
	came  time.Time // when last was fetched
	tried time.Time
}

// ask gives what the source says of the certificate at this moment.
func (s *source) ask(ctx context.Context, c *Checker, q question, one, issuer *x509.Certificate) standing {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return silent
	}
	defer func() { <-s.turn }()
	now := c.Clock()
	if s.due(now, q.age()) {
		s.tried = now
		if next, err := q.ask(ctx, c); err == nil && !next.from.After(now.Add(skew)) && next.follows(s.last) {
			s.last, s.came = &next, now
		}
	}
	if s.last == nil {
		return silent
	}
	of := s.last.of(ctx, c, one, issuer)
	if of == good && !now.Before(s.last.until) {
		return silent
	}
	return of
}

// due reports whether the source is to be asked again. A clock that was set back asks, too.
func (s *source) due(now time.Time, age time.Duration) bool {
	if wait := now.Sub(s.tried); wait >= 0 && wait < pause && !s.tried.Equal(s.came) {
		return false
	}
	have := s.last != nil && now.Before(s.last.until) && !now.Before(s.came) && now.Before(s.came.Add(age))
	return !have
}
