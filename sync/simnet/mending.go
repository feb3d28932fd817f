package simnet

import (
	"errors"
	"slices"

	"github.com/medcard/medcard/sync/replica"
	"github.com/medcard/medcard/sync/wire"
)

// checkSome lets some phone's check go on by one question; one begins where there is doubt, and now and then without.
func (w *World) checkSome() {
	s := pick(w.rand, w.seats)
	if s.device.offline || s.await != 0 || s.exchange != nil || !w.sums() {
		return
	}
	if s.checkup == nil {
		if st := &s.shelf.state; !st.meta.Doubt && !st.damaged && w.rand.IntN(4) > 0 {
			return
		}
		if err := w.startCheck(s); w.crashed(s, err) {
			return
		}
	}
	w.checkRound(s)
}

// sums says whether bases are damaged and checked in this world: where another mistake is at work, a check would mend what comes of it.
func (w *World) sums() bool {
	switch w.Broken {
	case Sound, BlindSums, FlatSums, DeleteFirst:
		return true
	}
	return false
}

func (w *World) startCheck(s *seat) (err error) {
	s.checkup, err = s.phone.Checkup()
	w.count("check begun")
	return err
}

// checkRound asks once and sees that a sound record is never taken away on the way (14). behind says that the phone must sync first.
func (w *World) checkRound(s *seat) (behind bool) {
	r, err := s.checkup.Round()
	if errors.Is(err, replica.ErrBehind) || errors.Is(err, replica.ErrNotEnrolled) {
		return true
	}
	w.must(err)
	defer r.Close()
	answer, err := w.serveCheck(s, r.Request(s.device.id))
	if err != nil || w.chance(8) { // the question or the answer is lost, or the server is not where the phone thinks
		w.count("check cut")
		return true
	}
	sound := w.sound(s)
	err = r.Answer(answer)
	if errors.Is(err, replica.ErrBehind) {
		w.count("check behind")
		return true
	}
	if w.crashed(s, err) {
		return true
	}
	w.must(err)
	w.count("check answered")
	w.hasty(s, answer)
	for _, id := range sound {
		if _, ok := s.shelf.state.base[id]; !ok {
			w.fail(14, "a check took %s from %s, which was as it should be", id, s.name)
		}
	}
	if s.checkup.Done() {
		w.checked(s)
	}
	return false
}

// checked sees that a check which ends has mended the base, when nothing happened since its last answer.
func (w *World) checked(s *seat) {
	w.count("check done")
	s.shelf.state.damaged, s.checkup = false, nil
	if w.sumOf(s) != w.due(s) {
		w.fail(14, "%s is not mended by a check that is done", s.name)
	}
}

// sound lists the records of a base that are as the server has them.
func (w *World) sound(s *seat) (ids []string) {
	for id, row := range s.shelf.state.base {
		if rec, ok := s.card.book.pages.records[id]; ok && !rec.Deleted && s.sight().Now.Holds(rec.Scope) && rowHash(project(rec)) == rowHash(row) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *World) serveCheck(s *seat, ask wire.CheckRequest) (out wire.CheckResponse, err error) {
	raw, err := wire.Marshal(ask)
	w.must(err)
	if ask, err = wire.Decode[wire.CheckRequest](raw); err != nil {
		w.must(err)
	}
	if w.expire(s.card); w.shut(s.place) {
		return out, errors.New("simnet: no access")
	}
	err = s.card.book.View(func(l replica.Ledger) error {
		out, err = w.Engine.Check(w.spoilt(l), replica.Check{Device: s.device.id, Ask: ask, Sight: w.sight(s.place), Seal: w.sealer(s)})
		return err
	})
	w.trace("check", s.name, encode(ask), encode(out))
	for _, row := range out.Rows {
		if !s.sight().Now.Holds(row.Scope) {
			w.fail(4, "%s is sent a row of %s by a check", s.name, row.Scope)
		}
	}
	for _, list := range out.Lists {
		for _, e := range list.Entries {
			if !s.place.could[e.ID] {
				w.fail(4, "%s is told of %s by a check", s.name, e.ID)
			}
		}
	}
	return out, err
}

// due is the sum that the server has for a seat, sumOf the one that its phone has, both through the stores of this world.
func (w *World) due(s *seat) (sum wire.Sum) {
	w.must(s.card.book.View(func(l replica.Ledger) (err error) {
		sum, _, err = w.spoilt(l).Sum(s.sight().Now)
		return err
	}))
	return sum
}

func (w *World) sumOf(s *seat) (sum wire.Sum) {
	w.must(w.spoiltStore(s.shelf).View(func(tx replica.PhoneTx) (err error) {
		sum, err = tx.Sum()
		return err
	}))
	return sum
}

// mend is for a world at rest: sums are equal where bases are and nowhere else (14), and a check moves no more than what differs.
func (w *World) mend() {
	for _, s := range w.seats {
		if !s.shelf.state.damaged {
			w.hold(converged(s.card, s)) // by syncs alone: a check must not hide what they do wrong
		}
	}
	if !w.sums() {
		return
	}
	for _, s := range w.seats {
		if s.place.lost() || s.shelf.state.meta.Synced.IsZero() {
			continue
		}
		different := w.differ(s)
		if equal := w.sumOf(s) == w.due(s); equal != (different == 0) {
			w.fail(14, "%d rows of %s differ, and its sum is equal: %v", different, s.name, equal)
		}
		if s.shelf.state.damaged = false; different == 0 {
			continue
		}
		w.must(w.startCheck(s))
		for range 50 {
			if s.checkup == nil || w.checkRound(s) {
				break
			}
			if s.checkup != nil {
				if did := s.checkup.Report; did.Repaired+did.Dropped > different {
					w.fail(14, "%d rows of %s differed, and %+v", different, s.name, did)
				}
			}
		}
		if left := w.differ(s); left > 0 {
			w.fail(14, "a check leaves %d of %d rows of %s different", left, different, s.name)
		}
	}
}

// differ counts the rows in which a base is another than it should be.
func (w *World) differ(s *seat) int {
	sound, due := len(w.sound(s)), 0
	for _, rec := range s.card.book.pages.records {
		if !rec.Deleted && s.sight().Now.Holds(rec.Scope) {
			due++
		}
	}
	strays := 0
	for id := range s.shelf.state.base {
		if rec, ok := s.card.book.pages.records[id]; !ok || rec.Deleted || !s.sight().Now.Holds(rec.Scope) {
			strays++
		}
	}
	return due - sound + strays
}

// unhurt sees that in a world without mistakes nobody doubts a base that nobody damaged (14).
func (w *World) unhurt(s *seat, end wire.End) {
	if w.Broken == Sound && !end.More && s.shelf.state.meta.Doubt && !s.shelf.state.damaged {
		w.fail(14, "%s doubts a base that nobody damaged", s.name)
	}
}
