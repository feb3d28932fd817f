package exchanging

import (
	"slices"
	"strings"

	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/posting"
	"github.com/medcard/medcard/sync/cardsync"
)

// work is what a bundle changes in a card.
type work struct {
	entries  []Became
	postings []posting.Posting
	records  []cardsync.Record
	files    []fhir.File
}

// compare sets the bundle against what the card holds of the same sender.
func (in intake) compare(tx Tx, p consent.Permit) (work, error) {
	outside := in.bundle.Outside()
	questions := make([]posting.Question, 0, len(in.bundle.Entries)+len(outside))
	for _, e := range in.bundle.Entries {
		questions = append(questions, posting.Question{Key: e.Key, Digest: e.Digest})
	}
	for _, key := range outside {
		questions = append(questions, posting.Question{Key: key})
	}
	known, err := tx.Known(p, in.who.Client, questions)
	if err != nil {
		return work{}, err
	}
	ids := make(map[posting.Key]card.RecordID, len(questions))
	for i, q := range questions {
		ids[q.Key] = known[i].Record
		if i < len(in.bundle.Entries) && known[i].Record == "" && in.bundle.Entries[i].Kind != "" {
			ids[q.Key] = in.fresh[i]
		}
	}
	record := func(key posting.Key) card.RecordID { return ids[key] }
	w := work{entries: make([]Became, len(in.bundle.Entries))}
	for i, e := range in.bundle.Entries {
		before := known[i]
		became := Became{Type: e.Type, Record: ids[e.Key], Version: before.Version}
		if e.IfMatch != 0 && e.IfMatch != before.Version {
			return work{}, ErrStale.At(e.Place()+".request.ifMatch", "the newest version is another")
		}
		if before.Same || e.IfNone && before.Version > 0 {
			became.State = Unchanged
			w.entries[i] = became
			continue
		}
		became.Version++
		w.postings = append(w.postings, posting.Posting{
			Key: e.Key, Digest: e.Digest, Record: became.Record, Version: became.Version, At: in.now, Body: e.Body,
		})
		fact := in.bundle.Fact(i, record)
		switch {
		case fact == nil:
			became.State = Kept
		case before.Version == 0:
			became.State = Created
		default:
			became.State = Updated
		}
		if fact != nil {
			w.records = append(w.records, cardsync.FromFact(became.Record, fact))
			w.files = append(w.files, in.bundle.Files(i)...)
		}
		w.entries[i] = became
	}
	return w, nil
}

// scopes lists the scopes of what changes, each once.
func (w work) scopes() card.Scopes {
	var all card.Scopes
	for _, r := range w.records {
		if !slices.Contains(all, r.Scope) {
			all = append(all, r.Scope)
		}
	}
	slices.Sort(all)
	return all
}

// what is the audit's word for it: kinds of things, never content.
func (w work) what() string {
	var words []string
	for _, s := range w.scopes() {
		words = append(words, string(s))
	}
	return strings.Join(words, " ")
}
