package replica

import (
	"math"
	"slices"
	"strings"

	"github.com/medcard/medcard/sync/wire"
)

// Pull asks for one page of what is new on a card.
type Pull struct {
	Device   string // who is asking, as authenticated
	Ask      wire.PullCard
	Sight    Sight
	Seal     Sealer
	Leases   []wire.Lease  // to tell in the page's head
	Own      bool          // the card is the asker's own; told with the leases
	Total    int           // rows that a first sync will bring, if known
	Results  []wire.Result // of the push that came with the pull: told in the first page
	MaxBytes int           // of this page; 0 = as the server likes
}

// Page is one page of the answer, complete with card and end lines.
type Page struct {
	Lines []wire.Line
	Bytes int           // about; the driver sums them up against what the device asked for
	Ask   wire.PullCard // what the device asks with once it has applied the page
	More  bool
}

// Pull makes a page, reading only, all of it in the Ledger's one transaction. A driver that streams opens a new
// transaction (and reads the Sight anew) for each page.
//
// It fails with ErrActor and ErrForked only.
func (s Server) Pull(l Ledger, in Pull) (Page, error) {
	head, err := l.Head()
	if err != nil {
		return Page{}, err
	}
	// The actor before the rows: whatever it says is processed, the rows read after it do show.
	actor, err := liveActor(l, in.Ask.Actor, in.Device)
	if err != nil {
		return Page{}, err
	}
	if in.Ask.Epoch != "" && in.Ask.Epoch != head.Epoch && actor.stale(nil) != nil {
		return Page{}, ErrForked
	}
	newest, err := in.Sight.Newest(l)
	if err != nil {
		return Page{}, err
	}
	p := pager{Server: s, in: in, head: head, newest: newest, view: in.Sight.View(), limit: s.pageBytes(), lmid: actor.LMID}
	if in.MaxBytes > 0 {
		p.limit = min(p.limit, in.MaxBytes)
	}
	if err := p.open(l); err != nil {
		return Page{}, err
	}
	if err := p.purge(); err != nil {
		return Page{}, err
	}
	all, err := p.reds(l)
	if err != nil {
		return Page{}, err
	}
	if all {
		if all, err = p.rows(l); err != nil {
			return Page{}, err
		}
	}
	if all {
		if err := p.sum(l); err != nil {
			return Page{}, err
		}
	}
	return p.end(!all), nil
}

// pager is one page in the making.
type pager struct {
	Server
	in     Pull
	head   Head
	newest uint64 // the last commit that this device may know of
	lmid   uint64
	view   string
	after  uint64 // the device was sent every row that stood up to here
	since  uint64 // the last commit of which the device has everything: rows that moved on may have left older atoms behind
	start  uint64 // in a pass that began with nothing: the commit at its beginning; what was gone by then it never meets
	told   uint64 // what had moved out of sight by then, the device does not hold: the last page was made here
	resync bool
	limit  int
	total  *wire.Sum // of what the device sees
	out    Page

	// For a device whose view is not today's:
	turned bool
	base   uint64 // its base was made whole under the view of this commit
	pos    uint64 // the rows up to here were looked at
	span   Span   // since base
	first  bool   // nothing of today's view was sent yet
	before Scopes // what it could see when the last page was made
}

// place is where an answer of several pages stands after one of them; the fields are those of pager.
type place struct {
	told, base, pos, start uint64
	view                   string
}

// seal makes the token. Like all of them it is always of one length.
func (p place) seal(s Sealer) string {
	return s.Seal(p.told) + "." + s.Seal(p.base) + "." + s.Seal(p.pos) + "." + s.Seal(p.start) + "." + p.view
}

func openPlace(s Sealer, part string) (p place, ok bool) {
	fields := strings.Split(part, ".")
	if len(fields) != 5 {
		return p, false
	}
	for i, to := range []*uint64{&p.told, &p.base, &p.pos, &p.start} {
		var err error
		if *to, err = s.Open(fields[i]); err != nil {
			return place{}, false
		}
	}
	p.view = fields[4]
	return p, true
}

// open reads the cursor. One that cannot be continued starts anew, and the device keeps its old base readable meanwhile: one of
// another epoch, and one from before something was forgotten that this device would have to be told. What it sees decides, not
// the card: the cursor of one who sees a quiet scope only stands still, however much of other scopes was collected. And a pass
// that began with nothing misses nothing that was forgotten by then, wherever among the rows it is.
func (p *pager) open(l Ledger) error {
	ask := p.in.Ask
	p.resync = ask.Epoch != "" && ask.Epoch != p.head.Epoch
	if ask.Cursor != "" && !p.resync {
		at, err := p.in.Seal.Open(ask.Cursor)
		p.resync = err != nil || at > p.head.Seq
		if !p.resync {
			p.after = at
		}
	}
	part, going := openPlace(p.in.Seal, ask.Part)
	going = going && p.after > 0 && part.told >= p.after && part.told <= p.head.Seq
	if going {
		p.start = part.start
	}
	if p.after > 0 && max(p.after, p.start) < p.head.GC {
		forgotten, err := l.Forgotten(p.in.Sight.Now)
		if err != nil {
			return err
		}
		if max(p.after, p.start) < forgotten {
			p.resync, going, p.after = true, false, 0
		}
	}
	if going && part.view != p.view {
		if lost, err := p.lost(part.told); err != nil {
			return err
		} else if lost {
			p.resync, going, p.after, p.start = true, false, 0, 0
		}
	}
	if at, err := p.in.Seal.Open(ask.At); err == nil && !p.resync {
		p.since = min(at, p.after)
	}
	p.told, p.base = p.after, p.after
	if p.after == 0 { // it holds nothing yet
		p.told, p.start = p.newest, p.newest
	} else if going {
		p.told, p.base = part.told, part.base
		if part.view == p.view {
			p.pos = part.pos
		}
	}
	p.turned = p.after > 0 && ask.View != p.view
	p.out.Ask = ask
	if p.resync {
		p.out.Ask.At = ""
	}
	p.out.Ask.Epoch = p.head.Epoch
	p.add(wire.Line{Card: &wire.Card{
		Card: ask.Card, Epoch: p.head.Epoch, View: p.view, Resync: p.resync, Total: p.in.Total, Leases: p.in.Leases, Own: p.in.Own,
	}})
	for i := range p.in.Results {
		p.add(wire.Line{Res: &p.in.Results[i]})
	}
	return nil
}

// lost says whether the device could see something at a commit, when the last page was made, that it cannot see now. A record may have
// gone there by then and still wait among the rows to come: the device holds it under its old scope, where no purge finds it and
// of where no red line would be told.
func (p *pager) lost(at uint64) (bool, error) {
	if p.in.Sight.Since == nil {
		return false, nil
	}
	span, err := p.in.Sight.Since(at)
	return slices.ContainsFunc(span.At, func(scope string) bool { return !p.in.Sight.Now.Holds(scope) }), err
}

// purge says what remains, to a device whose view is not today's and to one that starts anew beside an old base: what was
// lost must go at once, not when the new base is whole.
func (p *pager) purge() error {
	if !p.turned {
		if p.resync && !slices.Contains(p.in.Sight.Now, "*") {
			p.add(wire.Line{Purge: &wire.Purge{Keep: p.in.Sight.Now}})
		}
		return nil
	}
	p.first, p.before = p.pos == 0, p.in.Sight.Now
	p.span = Span{At: p.before, Always: p.before}
	if p.in.Sight.Since != nil {
		var err error
		if p.span, err = p.in.Sight.Since(p.base); err != nil {
			return err
		}
		if p.first {
			last, err := p.in.Sight.Since(p.told)
			if err != nil {
				return err
			}
			p.before = last.At
		}
	}
	if p.first {
		p.add(wire.Line{Purge: &wire.Purge{Keep: p.in.Sight.Now}})
	}
	return nil
}

// reds tells which records moved out of sight since the last page was made, and of those only that were in sight then: of
// any other the device must not even learn that it is there. all is false if there are more moves than a page takes.
//
// What was in sight then may still wait behind the cursor. That does no harm; to keep what moved away would.
func (p *pager) reds(l Ledger) (all bool, err error) {
	if p.told >= p.newest {
		return true, nil // moves out of a visible scope count as its news
	}
	limit := 4 * p.pageRows()
	if p.turned {
		limit = math.MaxInt // in one page: the next one would not know what was in sight before this one
	}
	moves, err := l.Moves(p.told, limit)
	if err != nil {
		return false, err
	}
	var order []string
	now := map[string]string{}
	for _, m := range moves {
		if _, again := now[m.ID]; !again && p.in.Sight.Now.Holds(m.From) && (!p.turned || p.before.Holds(m.From)) {
			order = append(order, m.ID)
		}
		now[m.ID] = m.To
	}
	for _, id := range order {
		// What went into a scope that is only now gained comes again from there, whole, if it still lives.
		if to := now[id]; !p.in.Sight.Now.Holds(to) || p.turned && !p.span.Always.Holds(to) {
			p.add(wire.Line{Red: &wire.Red{ID: id}})
		}
	}
	if len(moves) == limit {
		p.told = moves[limit-1].Seq
		return false, nil
	}
	p.told = p.newest
	return true, nil
}

// rows sends what was committed after the cursor. To a device whose view changed it sends, in the same pass over all that
// is visible, also what that device could not see all the time since its cursor, whole. Should the view change again
// meanwhile, the pass begins anew: rows that come twice do no harm.
func (p *pager) rows(l Ledger) (all bool, err error) {
	if !p.turned {
		p.pos = p.after
	}
	records, err := l.Scan(p.in.Sight.Now, p.pos, p.pageRows()+1)
	if err != nil {
		return false, err
	}
	for i, rec := range records {
		if i == p.pageRows() || p.full(i) {
			return false, nil
		}
		p.pos = rec.Seq
		gained := p.turned && !p.span.Always.Holds(rec.Scope)
		switch {
		case rec.Deleted && (rec.Seq <= p.after || p.after == 0):
		case rec.Deleted:
			tell := !gained
			if gained {
				if tell, err = p.had(rec); err != nil {
					return false, err
				}
			}
			if tell {
				p.add(wire.Line{Del: &wire.Del{ID: rec.ID}})
			}
		case gained:
			p.addRow(rec, 0)
		case rec.Seq > p.after:
			p.addRow(rec, p.since)
		}
	}
	return true, nil
}

// had says whether the device may hold a deleted record of a scope that it did not see all the time: because it could see the
// scope when its base was made, when the last page was made, or when the record was deleted. Of any other it hears nothing.
func (p *pager) had(rec Record) (bool, error) {
	if p.span.At.Holds(rec.Scope) || p.before.Holds(rec.Scope) && p.first {
		return true, nil
	}
	if p.in.Sight.Since == nil {
		return true, nil
	}
	span, err := p.in.Sight.Since(rec.Seq - 1)
	return span.At.Holds(rec.Scope), err
}

// full says whether the page has no room for another row; the first one always fits.
func (p *pager) full(rows int) bool { return rows > 0 && p.out.Bytes >= p.limit }

// end closes the page. The cursor of a whole answer goes to the last commit that the device may know of, never beyond: were
// it to follow the card's head, it would move when something hidden does. Between pages it goes to the last row sent,
// and stays where it is while a change of view is made good.
func (p *pager) end(more bool) Page {
	ask := &p.out.Ask
	p.out.More = more
	last := max(p.after, p.newest, p.pos)
	switch {
	case !more:
		if last > p.after || p.resync {
			ask.Cursor = p.in.Seal.Seal(last)
		}
		ask.Part, ask.View, ask.At = "", p.view, ask.Cursor
	case p.turned:
		ask.Part, ask.View = place{told: p.told, base: p.base, pos: p.pos, start: p.start, view: p.view}.seal(p.in.Seal), ""
	default:
		if p.pos > p.after {
			ask.Cursor = p.in.Seal.Seal(p.pos)
		}
		ask.Part, ask.View = place{told: p.told, base: p.told, start: p.start, view: p.view}.seal(p.in.Seal), p.view
	}
	p.add(wire.Line{End: &wire.End{Cursor: ask.Cursor, LMID: p.lmid, Part: ask.Part, More: more, View: ask.View, Sum: p.total}})
	return p.out
}

// sum tells with the last page what the device's base must come to. It is one sum over all that the device sees, not one
// for each scope: where the two differ a check finds out by ids, and a number of its own for each scope would only cost bytes.
func (p *pager) sum(l Ledger) error {
	sum, known, err := l.Sum(p.in.Sight.Now)
	if known {
		p.total = &sum
	}
	return err
}

func (p *pager) addRow(rec Record, after uint64) {
	row, size := rowOf(rec, after)
	p.add(wire.Line{Row: &row})
	p.out.Bytes += size
}

// rowOf is a record as it travels, with the atoms that changed after the given commit: what an atom holds changes only together
// with the newest of its versions.
func rowOf(rec Record, after uint64) (row wire.Row, size int) {
	row = wire.Row{
		ID: rec.ID, Kind: rec.Kind, Scope: rec.Scope, Date: rec.Date, VV: rec.VV,
		Atoms: make(map[string][]wire.Version, len(rec.Atoms)),
	}
	size = 160 + 12*len(rec.VV)
	for name, versions := range rec.Atoms {
		if !newer(versions, after) {
			continue
		}
		out := make([]wire.Version, len(versions))
		for i, v := range versions {
			out[i] = wire.Version{Dot: v.Dot, HLC: v.HLC, Value: v.Value}
			size += 64 + len(name) + len(v.Value)
		}
		row.Atoms[name] = out
	}
	return row, size
}

func newer(versions []Version, after uint64) bool {
	for _, v := range versions {
		if v.Seq > after {
			return true
		}
	}
	return false
}

func (p *pager) add(line wire.Line) {
	p.out.Lines = append(p.out.Lines, line)
	p.out.Bytes += 48
}

// NextPage is the question after a page was applied: the same, from where the page ended, without the push's results.
func (in Pull) NextPage(page Page) Pull {
	in.Ask = page.Ask
	in.Results, in.Leases, in.Own, in.Total = nil, nil, false, 0
	return in
}
