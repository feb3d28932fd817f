package scan

// glance tells how well the two timing lines look before any effort is spent on knots. Of several versions the right
// one stands out.
func (m *mesh) glance() float64 {
	across := m.alternation(func(i float64) Point { return m.project(i, 6.5) })
	down := m.alternation(func(i float64) Point { return m.project(6.5, i) })
	return (across + down) / 2
}

// looks is glance of the net that was laid.
func (m *mesh) looks() float64 {
	across := m.alternation(func(i float64) Point { return m.pixel(i, 6.5) })
	down := m.alternation(func(i float64) Point { return m.pixel(6.5, i) })
	return (across + down) / 2
}

// alternation is the share of a timing line that changes colour from module to module. Each module is compared with its two
// neighbours in grey: that shows where blur has left no black and no white, and no shadow matters to it.
func (m *mesh) alternation(at func(float64) Point) float64 {
	good := 0
	before, here := m.bits.grey.at(at(7.5)), m.bits.grey.at(at(8.5))
	for i := 8; i < m.dimension-8; i++ {
		after := m.bits.grey.at(at(float64(i) + 1.5))
		good += btoi(2*here < before+after == (i%2 == 0))
		before, here = here, after
	}
	return float64(good) / float64(m.dimension-16)
}

// leaned is the same net with the distances of its eyes corrected so that the timing lines look best, and how well they
// look then. The sizes of eyes tell distances to a few percent, and a few percent are modules in the middle of a line.
func (m *mesh) leaned() (*mesh, float64) {
	best := *m
	across := best.lean(0, func(n *mesh) float64 { return n.alternation(func(i float64) Point { return n.project(i, 6.5) }) })
	down := best.lean(1, func(n *mesh) float64 { return n.alternation(func(i float64) Point { return n.project(6.5, i) }) })
	return &best, (across + down) / 2
}

// lean corrects one eye's distance and keeps the middle of the best.
func (m *mesh) lean(eye int, looks func(*mesh) float64) float64 {
	const reach, step = 0.16, 0.01
	n := *m
	best, places, sum := 0.0, 0.0, 0.0
	for off := -reach; off <= reach; off += step {
		farther := m.farther
		farther[eye] *= 1 + off
		if !n.see(farther) {
			continue
		}
		l := looks(&n)
		if l > best {
			best, places, sum = l, 0, 0
		}
		if l == best {
			places++
			sum += farther[eye]
		}
	}
	if places > 0 {
		farther := m.farther
		farther[eye] = sum / places
		m.see(farther)
	}
	return best
}

// straightened is the same net with the bulge under which the timing lines look best, and how well they look then.
func (m *mesh) straightened() (*mesh, float64) {
	s := *m
	reach := 1 + float64(m.dimension)/25
	across := straighten(&s.bulge.Y, reach, func() float64 {
		return s.alternation(func(i float64) Point { return s.project(i, 6.5) })
	})
	down := straighten(&s.bulge.X, reach, func() float64 {
		return s.alternation(func(i float64) Point { return s.project(6.5, i) })
	})
	return &s, (across + down) / 2
}

// straighten keeps the middle of the bulges that look best.
func straighten(bulge *float64, reach float64, looks func() float64) float64 {
	const step = 0.25
	best, places, sum := 0.0, 0.0, 0.0
	for *bulge = -reach; *bulge <= reach; *bulge += step {
		l := looks()
		if l > best {
			best, places, sum = l, 0, 0
		}
		if l == best {
			places++
			sum += *bulge
		}
	}
	*bulge = sum / places
	return best
}
