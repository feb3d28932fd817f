package exchanging

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/sync/cardsync"
)

// fakeStore is a store in memory. An Update that fails leaves nothing.
type fakeStore struct {
	state
	taken  int   // how many introductions are still to lose against another one
	broken error // what Publish fails with
}

type state struct {
	cards    map[card.ID]time.Time
	keys     map[string]posting.Match // by number or name
	systems  map[string]bool          // card + register
	postings map[string][]posting.Posting
	records  map[card.RecordID]cardsync.Record
	versions map[card.RecordID]int
	owned    map[card.ID]bool
	claims   map[string]identity.ClaimCode // by card + client
	audit    []audit.Entry
	news     []card.Scopes
	files    map[card.Hash]string
}

func newFake() *fakeStore {
	return &fakeStore{state: state{
		cards: map[card.ID]time.Time{}, keys: map[string]posting.Match{}, systems: map[string]bool{}, postings: map[string][]posting.Posting{},
		records: map[card.RecordID]cardsync.Record{}, versions: map[card.RecordID]int{}, owned: map[card.ID]bool{}, claims: map[string]identity.ClaimCode{}, files: map[card.Hash]string{},
	}}
}

func (s state) clone() state {
	s.cards, s.keys, s.systems, s.records = maps.Clone(s.cards), maps.Clone(s.keys), maps.Clone(s.systems), maps.Clone(s.records)
	s.versions, s.owned, s.claims = maps.Clone(s.versions), maps.Clone(s.owned), maps.Clone(s.claims)
	s.files = maps.Clone(s.files)
	posts := map[string][]posting.Posting{}
	for k, v := range s.postings {
		posts[k] = slices.Clone(v)
	}
	s.postings, s.audit, s.news = posts, slices.Clone(s.audit), slices.Clone(s.news)
	return s
}

func (s *fakeStore) View(_ context.Context, f func(Tx) error) error {
	return f(&fakeTx{fakeStore: s})
}

func (s *fakeStore) Update(_ context.Context, f func(Tx) error) error {
	before := s.state.clone()
	err := f(&fakeTx{fakeStore: s})
	if err != nil {
		s.state = before
	}
	return err
}

type fakeTx struct {
	*fakeStore
	token consent.Token
}

var _ Tx = (*fakeTx)(nil)

func (tx *fakeTx) DecideWrite(a identity.Actor, id card.ID, right string, scopes card.Scopes) (consent.Permit, error) {
	return consent.DecideWrite(a, id, right, scopes, &tx.token)
}

func (tx *fakeTx) must(p consent.Permit) {
	if !p.Of(&tx.token) || !p.Writes("lab.general") {
		panic("no permit of this transaction")
	}
}

func names(who posting.Introduction) (all []string) {
	for _, n := range who.Numbers {
		all = append(all, n.System+"|"+n.Value)
	}
	for _, n := range who.Names {
		all = append(all, string(who.Client)+"|"+n)
	}
	return all
}

func (tx *fakeTx) CardsOfPatient(who posting.Introduction) (found []posting.Match, _ error) {
	for _, n := range names(who) {
		if m, ok := tx.keys[n]; ok {
			found = append(found, m)
		}
	}
	return found, nil
}

func (tx *fakeTx) CreateCard(now time.Time) (card.ID, error) {
	id := card.ID(fmt.Sprintf("card-%d", len(tx.cards)+1))
	tx.cards[id] = now
	return id, nil
}

func (tx *fakeTx) Labels(consent.Permit, []card.RecordID) (map[card.RecordID]string, error) {
	return nil, nil //nolint:nilnil // no record of before: app/story shows the rest
}

func (tx *fakeTx) NoteOpener(p consent.Permit, _ identity.ClientID) error {
	tx.must(p)
	return nil
}

func (tx *fakeTx) LockCard(card.ID) error            { return nil }
func (tx *fakeTx) HasOwner(id card.ID) (bool, error) { return tx.owned[id], nil }
func (tx *fakeTx) AppendAudit(e audit.Entry) error   { tx.audit = append(tx.audit, e); return nil }
func (tx *fakeTx) key(c identity.ClientID, k posting.Key, p consent.Permit) string {
	return fmt.Sprint(p.Card(), c, k)
}

func (tx *fakeTx) Introduce(p consent.Permit, who posting.Introduction) error {
	tx.must(p)
	if tx.taken > 0 {
		tx.taken--
		return posting.ErrTaken
	}
	for _, n := range who.Numbers {
		if _, known := tx.keys[n.System+"|"+n.Value]; !known && tx.systems[string(p.Card())+n.System] {
			return posting.ErrOther
		}
		tx.systems[string(p.Card())+n.System] = true
	}
	for _, n := range names(who) {
		if m, ok := tx.keys[n]; ok && m.Card != p.Card() {
			return posting.ErrTaken
		}
		tx.keys[n] = posting.Match{Card: p.Card(), Born: who.Born}
	}
	return nil
}

func (tx *fakeTx) Known(p consent.Permit, client identity.ClientID, questions []posting.Question) ([]posting.Known, error) {
	tx.must(p)
	answers := make([]posting.Known, len(questions))
	for i, q := range questions {
		if list := tx.postings[tx.key(client, q.Key, p)]; len(list) > 0 {
			last := list[len(list)-1]
			answers[i] = posting.Known{Record: last.Record, Version: last.Version, Same: last.Digest == q.Digest}
		}
	}
	return answers, nil
}

func (tx *fakeTx) Keep(p consent.Permit, client identity.ClientID, postings []posting.Posting) error {
	tx.must(p)
	for _, post := range postings {
		k := tx.key(client, post.Key, p)
		if len(tx.postings[k]) != post.Version-1 {
			panic("a version is missing")
		}
		post.Body = bytes.Clone(post.Body)
		tx.postings[k] = append(tx.postings[k], post)
	}
	return nil
}

func (tx *fakeTx) KeepAttachment(p consent.Permit, hash card.Hash, content []byte) error {
	tx.must(p)
	tx.files[hash] = string(content)
	return nil
}

func (tx *fakeTx) Publish(p consent.Permit, records []cardsync.Record, _ time.Time) error {
	tx.must(p)
	for _, r := range records {
		tx.records[r.ID] = r
		tx.versions[r.ID]++
	}
	return tx.broken
}

func (tx *fakeTx) EnqueueNews(p consent.Permit, scopes card.Scopes) error {
	tx.must(p)
	tx.news = append(tx.news, scopes)
	return nil
}

func (tx *fakeTx) PutClaim(p consent.Permit, client identity.ClientID, code identity.ClaimCode, _ time.Time) error {
	tx.must(p)
	tx.claims[string(p.Card())+string(client)] = code
	return nil
}
