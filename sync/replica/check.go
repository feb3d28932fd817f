package replica

import (
	"slices"

	"github.com/medcard/medcard/sync/wire"
)

// Check asks where a phone's base differs from what the server would show it.
type Check struct {
	Device string // who is asking, as authenticated
	Ask    wire.CheckRequest
	Sight  Sight
	Seal   Sealer
}

// How ranges are narrowed. With these numbers a card of up to 4,096 records takes two questions to find what differs, and one
// of up to 262,144 three, beside one for each 4,096 that the first had no room for: more at once would save a question and cost bytes, many
// where the damage is scattered.
const (
	listed = 64 // records that are told one by one, at most
	parts  = 64 // ranges that one is cut into, at most
	fewest = 16 // records in one of them, at least
)

// Check answers, reading only. It says nothing of records that the device may not see, and of one of those it says
// nothing else than of one that never was.
//
// What is checked is the state that the phone's cursor stands for. If something visible happened since, the answer is Behind and
// nothing else: were newer rows to come this way, the moves that follow would not be told of them, because by the phone's cursor
// they were never there.
//
// It looks at a bounded number of records, and says where it stopped (Rest). It fails with ErrActor and ErrEpoch.
func (s Server) Check(l Ledger, in Check) (wire.CheckResponse, error) {
	var out wire.CheckResponse
	head, err := l.Head()
	if err != nil {
		return out, err
	}
	if _, err := liveActor(l, in.Ask.Actor, in.Device); err != nil {
		return out, err
	}
	if in.Ask.Epoch != head.Epoch {
		return out, ErrEpoch
	}
	newest, err := in.Sight.Newest(l)
	if err != nil {
		return out, err
	}
	var at uint64 // without a cursor: the card was empty
	if in.Ask.Cursor != "" {
		if at, err = in.Seal.Open(in.Ask.Cursor); err != nil {
			return wire.CheckResponse{Behind: true}, nil
		}
	}
	if at < newest || at > head.Seq || in.Ask.View != in.Sight.View() {
		return wire.CheckResponse{Behind: true}, nil // a pull will say what is to be done about it
	}
	room := s.pageRows()
	if s.Heavy(in.Ask) {
		room = s.checkRows()
	}
	for _, r := range in.Ask.Ranges {
		if room == 0 {
			out.Rest = r.From
			break
		}
		read, err := narrow(l, in.Sight.Now, r, room, &out)
		if err != nil {
			return out, err
		}
		if room -= read; out.Rest != "" {
			break
		}
	}
	return out, s.fetch(l, in, &out)
}

// checkRows is how many records the answer to a heavy question looks at.
func (s Server) checkRows() int {
	if s.CheckRows == 0 {
		return parts * listed
	}
	return s.CheckRows
}

// Heavy says whether the answer to a question takes more work than a page: whether it asks about more records than a page has, as the
// phone itself counts them. To one that asks about more than it says, no more is answered than that.
func (s Server) Heavy(ask wire.CheckRequest) bool {
	records := 0
	for _, r := range ask.Ranges {
		records += min(r.Count, s.pageRows()+1)
	}
	return records > s.pageRows()
}

// narrow compares one range, or as much of it as there is room for, and tells how many records it looked at. Of what it cut off it
// tells the sum, and leaves it to the phone to compare it: the phone's own sum is of the whole.
func narrow(l Ledger, scopes Scopes, asked wire.Range, room int, out *wire.CheckResponse) (read int, err error) {
	entries, err := l.Digests(scopes, asked.From, asked.To, room+1)
	if err != nil {
		return 0, err
	}
	if len(entries) > room {
		out.Rest = entries[room].ID
		out.Ranges = append(out.Ranges, wire.Range{From: asked.From, To: out.Rest, Sum: sumOf(entries[:room])})
		return room, nil
	}
	differ(asked, entries, out)
	return len(entries), nil
}

// differ says what stands in a range, unless it is what the phone has.
func differ(asked wire.Range, entries []wire.Entry, out *wire.CheckResponse) {
	if sumOf(entries) == asked.Sum {
		return
	}
	if len(entries) <= listed {
		out.Lists = append(out.Lists, wire.List{From: asked.From, To: asked.To, Entries: entries})
		return
	}
	size := max((len(entries)+parts-1)/parts, fewest)
	from := asked.From
	for part := range slices.Chunk(entries, size) {
		entries = entries[len(part):]
		to := asked.To
		if len(entries) > 0 {
			to = entries[0].ID // so that together the parts leave nothing out, whatever else the phone has in between
		}
		out.Ranges = append(out.Ranges, wire.Range{From: from, To: to, Sum: sumOf(part)})
		from = to
	}
}

// fetch sends the records that were asked for, as many as fit, and only when all have been sent names those that are not there.
func (s Server) fetch(l Ledger, in Check, out *wire.CheckResponse) error {
	if len(in.Ask.IDs) == 0 {
		return nil
	}
	records, err := l.Records(in.Ask.IDs)
	if err != nil {
		return err
	}
	bytes := 0
	var drop []string
	for _, id := range in.Ask.IDs {
		rec, exists := records[id]
		switch {
		case !exists, rec.Deleted, !in.Sight.Now.Holds(rec.Scope):
			drop = append(drop, id)
			continue
		case bytes >= s.pageBytes():
			return nil
		}
		row, size := rowOf(rec, 0)
		out.Rows = append(out.Rows, row)
		bytes += size
	}
	out.Drop = drop
	return nil
}

func sumOf(entries []wire.Entry) (sum wire.Sum) {
	for _, e := range entries {
		sum.Add(e.Digest)
	}
	return sum
}
