package notifying

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/notice"
	"github.com/medcard/medcard/push"
)

// Parts are what a Service is made of.
type Parts struct {
	Store  Store
	Sender push.Sender
	Clock  func() time.Time
	Quiet  notice.Quiet                   // the zero value = notice.Night
	Count  func(notice.Kind, push.Result) // sees every answer of the carrier; nil = nobody does
	NewID  func() string                  // a random UUID; nil = uuid.NewString
	Log    *slog.Logger                   // nil = silence
}

// Service does the work of this package. It is safe for concurrent use.
type Service struct {
	store  Store
	sender push.Sender
	clock  func() time.Time
	quiet  notice.Quiet
	count  func(notice.Kind, push.Result)
	newID  func() string
	log    *slog.Logger
}

// New makes a Service.
func New(p Parts) *Service {
	s := &Service{store: p.Store, sender: p.Sender, clock: p.Clock, quiet: p.Quiet, count: p.Count, newID: p.NewID, log: p.Log}
	if s.quiet == (notice.Quiet{}) {
		s.quiet = notice.Night
	}
	if s.count == nil {
		s.count = func(notice.Kind, push.Result) {}
	}
	if s.newID == nil {
		s.newID = uuid.NewString
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Sweep forgets contacts that were not renewed for so long that their carrier has forgotten them too.
func (s *Service) Sweep(ctx context.Context) error {
	before := s.clock().Add(-notice.StaleAfter)
	return s.store.Update(ctx, func(tx Tx) error { return tx.ForgetContacts(before) })
}
