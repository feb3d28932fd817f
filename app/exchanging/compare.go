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
	facts := make([]card.Fact, len(in.bundle.Entries)) // nil where the card has no place for the type
	for i := range facts {
		facts[i] = in.bundle.Fact(i, record)
	}
	labels, err := in.labels(tx, p, facts, record)
	if err != nil {
		return work{}, err
	}
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
		fact := facts[i]
		switch {
		case fact == nil:
			became.State = Kept
		case before.Version == 0:
			became.State = Created
		default:
			became.State = Updated
		}
		if fact != nil {
			w.records = append(w.records, cardsync.FromFact(became.Record, fact, labels[i]))
			w.files = append(w.files, in.bundle.Files(i)...)
		}
		w.entries[i] = became
	}
	return w, nil
}

// labels gives the label of each entry. What belongs to a visit shares in its secrecy: a result that was ordered at a psychiatrist's tells of
// him. And a visit shares in that of the diagnoses that were made at it, as far as they come with it.
func (in intake) labels(tx Tx, p consent.Permit, facts []card.Fact, record func(posting.Key) card.RecordID) ([]string, error) {
	around := map[card.RecordID]string{} // of visits
	var outside []card.RecordID
	for i, fact := range facts {
		if visit := visitOf(fact); visit != "" {
			outside = append(outside, visit)
		}
		if fact != nil && fact.Kind() == card.KindEncounter {
			around[record(in.bundle.Entries[i].Key)] = card.LabelOf(fact, in.bundle.Marks(i))
		}
	}
	stored, err := tx.Labels(p, slices.DeleteFunc(outside, func(id card.RecordID) bool { _, here := around[id]; return here }))
	if err != nil {
		return nil, err
	}
	for id, label := range stored {
		around[id] = label
	}
	for i, fact := range facts {
		if visit := visitOf(fact); visit != "" && fact.Kind() == card.KindCondition {
			around[visit] = card.LabelOf(fact, in.bundle.Marks(i), around[visit])
		}
	}
	labels := make([]string, len(facts))
	for i, fact := range facts {
		switch {
		case fact == nil:
		case fact.Kind() == card.KindEncounter:
			labels[i] = around[record(in.bundle.Entries[i].Key)]
		default:
			labels[i] = card.LabelOf(fact, in.bundle.Marks(i), around[visitOf(fact)])
		}
	}
	return labels, nil
}

func visitOf(fact card.Fact) card.RecordID {
	if fact == nil {
		return ""
	}
	return card.VisitOf(fact)
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
