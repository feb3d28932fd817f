package prescription

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever happens with and without a network, in whatever order the server learns of it: never more is dispensed than prescribed, and
// no unit that was handed out is lost: it is dispensed or excess.
func TestNothingIsLostOrOverDispensed(t *testing.T) {
	issued := twoItems(t)
	rapid.Check(t, func(t *rapid.T) {
		course, now, handed := issued, written, map[int]int{}
		const secret = "s"
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "hours")) * time.Hour)
			portion := Portion{Item: rapid.IntRange(0, 1).Draw(t, "item"), Quantity: rapid.IntRange(1, 60).Draw(t, "quantity")}
			before := course
			var err error
			switch rapid.SampledFrom([]string{"accept", "complete", "reject", "cancel", "receipt", "defer"}).Draw(t, "what") {
			case "accept":
				course, err = course.Accept(lease(green, secret), now)
			case "complete":
				if course, err = course.Complete(green, secret, []Portion{portion}, now); err == nil {
					handed[portion.Item] += portion.Quantity
				}
			case "reject":
				course, err = course.Reject(green, secret, now)
			case "defer":
				course, err = course.Defer(green, secret, now.Add(100*time.Hour), now)
			case "cancel":
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					course, err = course.Cancel(now)
				}
			case "receipt":
				var excess []Portion
				var concerns []Concern
				course, excess, concerns = course.Record(Receipt{Portions: []Portion{portion}, At: now.Add(-time.Hour)}, now)
				handed[portion.Item] += portion.Quantity
				if (len(excess) > 0) != slices.Contains(concerns, OverDispensed) {
					t.Fatalf("excess %v, concerns %v", excess, concerns)
				}
			}
			if err != nil {
				course = before
				continue
			}
			for i, p := range course.Items {
				if p.Dispensed > p.Prescribed || p.Dispensed+p.Excess != handed[i] || p.Excess > 0 && p.Remaining() > 0 {
					t.Fatalf("item %d: %+v, %d handed out", i, p, handed[i])
				}
			}
			if (course.State == InWork) != (course.Lease != Lease{}) {
				t.Fatalf("%s with lease %+v", course.State, course.Lease)
			}
		}
	})
}

func TestWhereAReceiptLeavesTheCourse(t *testing.T) {
	at := func(hours int) time.Time { return written.Add(time.Duration(hours) * time.Hour) }
	receipt := func(at time.Time, portions ...Portion) Receipt { return Receipt{Portions: portions, At: at} }
	issued := twoItems(t)
	cancelled, err := issued.Cancel(at(1))
	if err != nil {
		t.Fatal(err)
	}
	held, err := issued.Accept(lease(green, "s"), at(1))
	if err != nil {
		t.Fatal(err)
	}
	part, _, _ := issued.Record(receipt(at(1), Portion{1, 30}), at(1))
	everything := []Portion{{0, 60}, {1, 90}}
	for name, c := range map[string]struct {
		course   Course
		receipt  Receipt
		now      time.Time
		state    State
		concerns []Concern
		excess   []Portion
	}{
		"part of it":            {issued, receipt(at(1), Portion{0, 20}), at(2), PartlyDispensed, nil, nil},
		"all of it":             {issued, receipt(at(1), everything...), at(2), Dispensed, nil, nil},
		"cancelled meanwhile":   {cancelled, receipt(at(1), Portion{0, 20}), at(2), Cancelled, []Concern{WasCancelled}, nil},
		"held elsewhere":        {held, receipt(at(1), Portion{0, 20}), at(1), InWork, nil, nil},
		"held, and all is out":  {held, receipt(at(1), everything...), at(1), Dispensed, nil, nil},
		"expired meanwhile":     {issued, receipt(at(1), Portion{0, 20}), at(24 * 400), Expired, nil, nil},
		"before its day":        {part, receipt(at(25), Portion{1, 30}), at(26), PartlyDispensed, []Concern{EarlierThanDue}, nil},
		"more than is left":     {part, receipt(at(25), Portion{1, 90}), at(26), PartlyDispensed, []Concern{OverDispensed}, []Portion{{1, 30}}},
		"one item too much":     {part, receipt(at(25), everything...), at(26), Dispensed, []Concern{OverDispensed}, []Portion{{1, 30}}},
		"after it was all out":  {Course{State: Dispensed, ValidUntil: at(99), Items: []Progress{{Prescribed: 5, Dispensed: 5}}}, receipt(at(1), Portion{0, 5}), at(2), Dispensed, []Concern{OverDispensed}, []Portion{{0, 5}}},
		"cancelled and too far": {Course{State: Cancelled, ValidUntil: at(99), Items: []Progress{{Prescribed: 5, Dispensed: 3}}}, receipt(at(1), Portion{0, 5}), at(2), Dispensed, []Concern{OverDispensed, WasCancelled}, []Portion{{0, 3}}},
	} {
		read := c.course.Version
		next, excess, concerns := c.course.Record(c.receipt, c.now)
		if next.State != c.state || !slices.Equal(concerns, c.concerns) || !slices.Equal(excess, c.excess) {
			t.Errorf("%s: %s %v %v; want %s %v %v", name, next.State, concerns, excess, c.state, c.concerns, c.excess)
		}
		if next.Version <= read || c.course.Version != read {
			t.Errorf("%s: version %d after %d", name, next.Version, read)
		}
		if next.State == InWork && next.Lease != held.Lease {
			t.Errorf("%s: the hold changed", name)
		}
	}
	if !part.Items[1].NextAt.Equal(at(1).AddDate(0, 0, 28)) {
		t.Errorf("next at %s", part.Items[1].NextAt)
	}
}

func TestTheChainOfADevice(t *testing.T) {
	head := Digest{1}
	d := Device{Count: 3, Head: head, Added: written}
	for _, c := range []struct {
		r    Receipt
		want Doubt
	}{
		{Receipt{Number: 4, Previous: head}, ""},
		{Receipt{Number: 4, Previous: Digest{2}}, ForkedChain},
		{Receipt{Number: 3, Previous: head}, ForkedChain},
		{Receipt{Number: 5, Previous: head}, GapInChain},
	} {
		if got := d.Follows(c.r); got != c.want {
			t.Errorf("%d: %q, want %q", c.r.Number, got, c.want)
		}
	}
	forked := d
	forked.Forked = written
	if got := forked.Follows(Receipt{Number: 4, Previous: head}); got != ForkedChain {
		t.Errorf("after a fork: %q", got)
	}
	now := written.Add(50 * time.Hour)
	good := Receipt{At: written.Add(49 * time.Hour), ListedAt: written.Add(time.Hour)}
	retired, stolen := d, d
	retired.Retired, stolen.Stolen = good.At, now
	for _, c := range []struct {
		name   string
		device Device
		change func(*Receipt)
		want   Doubt
	}{
		{"48 hours old lists", d, func(*Receipt) {}, ""},
		{"a second older", d, func(r *Receipt) { r.ListedAt = r.ListedAt.Add(-time.Second) }, StaleLists},
		{"before it was enrolled", d, func(r *Receipt) { r.At = written.Add(-6 * time.Minute); r.ListedAt = r.At }, KeyNotThen},
		{"clocks differ", d, func(r *Receipt) { r.At = now.Add(4 * time.Minute); r.ListedAt = now }, ""},
		{"tomorrow", d, func(r *Receipt) { r.At = now.Add(6 * time.Minute); r.ListedAt = now }, InTheFuture},
		{"when it was retired", retired, func(*Receipt) {}, KeyNotThen},
		{"before it was retired", retired, func(r *Receipt) { r.At = r.At.Add(-time.Second) }, ""},
		{"stolen", stolen, func(*Receipt) {}, KeyStolen},
	} {
		r := good
		c.change(&r)
		if got := c.device.Signs(r, now); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
