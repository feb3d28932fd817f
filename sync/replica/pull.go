package replica

import (
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
// It fails with ErrActor only.
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
	p := pager{Server: s, in: in, head: head, view: in.Sight.View(), limit: s.pageBytes(), lmid: actor.LMID}
	if in.MaxBytes > 0 {
		p.limit = min(p.limit, in.MaxBytes)
	}
	p.open()
	if p.after > 0 && in.Ask.View != p.view {
		return p.backfill(l)
	}
	return p.forward(l)
}

// pager is one page in the making.
type pager struct {
	Server
	in     Pull
	head   Head
	lmid   uint64
	view   string
	after  uint64 // the device was sent every row that stood up to here
	since  uint64 // the last commit of which the device has everything: rows that moved on may have left older atoms behind
	resync bool
	limit  int
	out    Page
}

// open reads the cursor. One that cannot be continued (another epoch, older than what was collected) starts anew; the
// device keeps its old base readable meanwhile.
func (p *pager) open() {
	ask := p.in.Ask
	p.resync = ask.Epoch != "" && ask.Epoch != p.head.Epoch
	if ask.Cursor != "" && !p.resync {
		at, err := p.in.Seal.Open(ask.Cursor)
		if err != nil || at > p.head.Seq || at != 0 && at < p.head.GC {
			p.resync = true
		} else {
			p.after = at
		}
	}
	if at, err := p.in.Seal.Open(ask.At); err == nil && !p.resync {
		p.since = min(at, p.after)
	}
	p.out.Ask = ask
	if p.resync {
		p.out.Ask.At = ""
	}
	p.out.Ask.Epoch = p.head.Epoch
	p.add(wire.Line{Card: &wire.Card{
		Card: ask.Card, Epoch: p.head.Epoch, View: p.view, Resync: p.resync, Total: p.in.Total, Leases: p.in.Leases,
	}})
	for i := range p.in.Results {
		p.add(wire.Line{Res: &p.in.Results[i]})
	}
}

// forward sends what was committed after the cursor. The cursor goes to the last row that the device was sent, never
// beyond: were it to follow the card's head, it would move when something hidden does.
func (p *pager) forward(l Ledger) (Page, error) {
	records, err := l.Scan(p.in.Sight.Now, p.after, p.pageRows()+1)
	if err != nil {
		return Page{}, err
	}
	last := p.after
	for i, rec := range records {
		if i == p.pageRows() || p.full(i) {
			p.out.More = true
			break
		}
		last = rec.Seq
		if !rec.Deleted {
			p.addRow(rec, p.since)
		} else if p.after > 0 {
			p.add(wire.Line{Del: &wire.Del{ID: rec.ID}})
		}
	}
	if last > p.after || p.resync {
		p.out.Ask.Cursor = p.in.Seal.Seal(last)
	}
	p.out.Ask.Part, p.out.Ask.View = "", p.view
	if !p.out.More {
		p.out.Ask.At = p.out.Ask.Cursor
	}
	return p.end()
}

// backfill is for a device whose view is not today's: it says what remains, then sends what the device could not see all
// the time since its cursor, whole. Only then does the device adopt the view, and the cursor moves on. Should the view
// change again meanwhile, the backfill begins anew: rows that come twice do no harm.
func (p *pager) backfill(l Ledger) (Page, error) {
	var pos uint64
	if token, view, ok := strings.Cut(p.in.Ask.Part, "."); ok && view == p.view {
		if at, err := p.in.Seal.Open(token); err == nil {
			pos = at
		}
	}
	if pos == 0 {
		p.add(wire.Line{Purge: &wire.Purge{Keep: p.in.Sight.Now}})
	}
	always := p.in.Sight.Now
	if p.in.Sight.Since != nil {
		var err error
		if always, _, err = p.in.Sight.Since(p.after); err != nil {
			return Page{}, err
		}
	}
	records, err := l.Scan(p.in.Sight.Now, pos, p.pageRows()+1)
	if err != nil {
		return Page{}, err
	}
	done := true
	for i, rec := range records {
		if i == p.pageRows() || p.full(i) {
			done = false
			break
		}
		pos = rec.Seq
		if !rec.Deleted && !always.Holds(rec.Scope) {
			p.addRow(rec, 0)
		}
	}
	p.out.More = true // the rows after the cursor are still to come
	if done {
		p.out.Ask.Part, p.out.Ask.View = "", p.view
	} else {
		p.out.Ask.Part, p.out.Ask.View = p.in.Seal.Seal(pos)+"."+p.view, ""
	}
	return p.end()
}

// full says whether the page has no room for another row; the first one always fits.
func (p *pager) full(rows int) bool { return rows > 0 && p.out.Bytes >= p.limit }

func (p *pager) end() (Page, error) {
	end := wire.End{Cursor: p.out.Ask.Cursor, LMID: p.lmid, Part: p.out.Ask.Part, More: p.out.More}
	end.View = p.out.Ask.View
	p.add(wire.Line{End: &end})
	return p.out, nil
}

// addRow sends the atoms that changed after the given commit: what an atom holds changes only together with the newest of
// its versions.
func (p *pager) addRow(rec Record, after uint64) {
	row := wire.Row{
		ID: rec.ID, Kind: rec.Kind, Scope: rec.Scope, Date: rec.Date, VV: rec.VV,
		Atoms: make(map[string][]wire.Version, len(rec.Atoms)),
	}
	size := 160 + 12*len(rec.VV)
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
	p.add(wire.Line{Row: &row})
	p.out.Bytes += size
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
	in.Results, in.Leases, in.Total = nil, nil, 0
	return in
}
