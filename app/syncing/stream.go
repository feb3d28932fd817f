package syncing

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// defaultBytes bounds an answer for which the device named no bound; the rest comes when it asks again.
const defaultBytes = 8 << 20

// Stream answers a sync: for each card first the results of its edits, then what is new, page by page. write sends the lines of one
// page; when it fails the phone is gone and so is the stream. Whatever goes wrong with one card is said in a line of that card and ends
// no other card's part; what was our own mistake is returned at the end as well, for the log. Where no card has news for a phone that is
// calm, write is never called.
func (s *Service) Stream(ctx context.Context, a identity.Actor, in wire.SyncRequest, request string, write func([]wire.Line) error) error {
	if _, err := DeviceOf(a, in.Device); err != nil {
		return err
	}
	budget := in.MaxBytes
	if budget <= 0 || budget > defaultBytes {
		budget = defaultBytes
	}
	out := stream{Service: s, ctx: ctx, actor: a, request: request, budget: budget, write: write, named: func(id string) bool {
		return slices.ContainsFunc(in.Cards, func(c wire.SyncCard) bool { return c.Card == id })
	}}
	for _, c := range in.Cards {
		if err := out.card(c); err != nil {
			return errors.Join(err, out.mistakes)
		}
	}
	if out.spoke && len(out.same) > 0 {
		return errors.Join(out.say(nil), out.mistakes)
	}
	return out.mistakes
}

// stream is one answer in the making.
type stream struct {
	*Service
	ctx      context.Context
	actor    identity.Actor
	request  string
	budget   int // bytes that the answer may still have
	named    func(card string) bool
	told     bool // of cards that the request does not name
	write    func([]wire.Line) error
	spoke    bool        // something was written
	same     []wire.Line // of cards without news: to be said only if others have some
	mistakes error       // ours
	copying  time.Time   // since when a whole copy of the present card is on its way
}

// say writes lines, behind those that were held back.
func (s *stream) say(lines []wire.Line) error {
	lines = append(s.same, lines...)
	s.same, s.spoke = nil, true
	return s.write(lines)
}

// refuse ends a card's part with a line that says why.
func (s *stream) refuse(id string, err error) error {
	if consent.Closed(err) {
		gone, err := s.gone(s.ctx, id, err)
		if err == nil {
			return s.say([]wire.Line{{Gone: &gone}})
		}
		return s.refuse(id, err)
	}
	line, ours := refusal(id, err)
	if ours {
		s.mistakes = errors.Join(s.mistakes, err)
	}
	return s.say([]wire.Line{line})
}

// card answers for one card. It fails only when writing does.
func (s *stream) card(c wire.SyncCard) error {
	defer s.endCopy()
	var results []wire.Result
	if len(c.Mutations) > 0 {
		pushed, err := s.push(s.ctx, s.actor, c.PullCard, c.Mutations, s.request)
		// After a restore of the server the edits wait: the pull tells the phone, which then sends what is still wanted.
		if err != nil && !replica.Behind(err) {
			return s.refuse(c.Card, err)
		}
		results = pushed.Results
	}
	ask := replica.Pull{Device: string(s.actor.Device), Ask: c.PullCard, Results: results}
	for first := true; ; first = false {
		page, err := s.page(ask, first)
		if err != nil {
			return s.refuse(c.Card, err)
		}
		s.told = true
		if page.same() {
			s.same = append(s.same, page.Lines...)
			return nil
		}
		if err := s.say(page.Lines); err != nil {
			return err
		}
		s.budget -= page.Bytes
		if !page.More || s.budget <= 0 {
			return nil
		}
		ask = ask.NextPage(page.Page)
	}
}

// refusal is the line that ends a card's part of the stream, and whether the reason is a mistake of ours.
func refusal(id string, err error) (line wire.Line, ours bool) {
	if code, known := problemCode(err); known {
		return wire.Line{Err: &wire.Problem{Code: code, Card: id}}, false
	}
	f := fault.From(err)
	p := &wire.Problem{Code: string(f.Code), Card: id}
	if f.Kind == fault.Unavailable || f.Kind == fault.Throttled {
		p.Code = wire.ProblemUnavailable
		p.RetryAfter = int(max(f.RetryAfter, time.Second).Seconds())
	}
	return wire.Line{Err: p}, f.Kind == fault.Internal
}
