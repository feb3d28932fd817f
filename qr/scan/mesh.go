package scan

// mesh lays a net over a code: its knots are the middles of the eyes and of all alignment patterns that were found, and
// between four knots the paper counts as evenly bent. A code on a bottle is flat nowhere, and flat enough between any
// two knots.
type mesh struct {
	*layout
	bits      bitmap
	eyes      trio
	dimension int             // modules a side
	at        []float64       // module coordinates of the net's lines, the same across and down
	knots     [][]knot        // [row][column]
	patches   [][]perspective // [row][column]: between four knots
	overview  perspective
	farther   [2]float64 // how far the second and third eye are from the camera, compared with the first
	bulge     Point      // modules by which the middles of a column (X) and of a row (Y) are pushed aside
}

type knot struct {
	module, pixel Point
	found         bool // seen, not only guessed from its neighbours
}

// spread makes the net of a version between three eyes, with the overview only; ok is false when they lie on one line.
func spread(bits bitmap, t trio, farther [2]float64, version int) (*mesh, bool) {
	l := layouts[version]()
	m := &mesh{layout: l, bits: bits, eyes: t, dimension: l.side}
	m.at = linesOf(l.version.GetAlignmentPatternCenters(), m.dimension)
	return m, m.see(farther)
}

// linesOf: the first line of alignment patterns runs through the timing pattern at 6. A version 1 code has none: its
// net is spanned by the eyes and the corner that they imply.
func linesOf(centres []int, dimension int) []float64 {
	if len(centres) == 0 {
		return []float64{3.5, float64(dimension) - 3.5}
	}
	lines := make([]float64, len(centres))
	for i, c := range centres {
		lines[i] = float64(c) + 0.5
	}
	return lines
}

// bent moves a point of the flat code to where it lies when the sheet is bent like a gutter, one way or the other.
// The eyes stay where they are.
func (m *mesh) bent(u, v float64) (float64, float64) {
	return u + m.bulge.X*m.bow(v), v + m.bulge.Y*m.bow(u)
}

// bow is 0 at the eyes and 1 halfway between them.
func (m *mesh) bow(u float64) float64 {
	half := float64(m.dimension)/2 - 3.5
	x := (u - float64(m.dimension)/2) / half
	return 1 - x*x
}

// project tells in which pixel a point of the code should be.
func (m *mesh) project(u, v float64) Point { return m.overview.at(m.bent(u, v)) }

// see makes the overview from the three eyes alone, and from how much farther than the first one the second and the
// third are from the camera.
func (m *mesh) see(farther [2]float64) bool {
	p0, p1, p2 := m.eyes.topLeft, m.eyes.topRight, m.eyes.bottomLeft
	w1, w2 := farther[0], farther[1]
	side := float64(m.dimension) - 7
	// Times its distance, a pixel moves evenly with the module: that is what a camera does.
	ux, uy, uw := (p1.X*w1-p0.X)/side, (p1.Y*w1-p0.Y)/side, (w1-1)/side
	vx, vy, vw := (p2.X*w2-p0.X)/side, (p2.Y*w2-p0.Y)/side, (w2-1)/side
	const first = 3.5 // where the first eye stands
	w := 1 - first*(uw+vw)
	if w <= 0 || cross(p0.Point, p1.Point, p2.Point) == 0 {
		return false
	}
	m.farther = farther
	m.overview = perspective{
		ux / w, vx / w, (p0.X - first*(ux+vx)) / w,
		uy / w, vy / w, (p0.Y - first*(uy+vy)) / w,
		uw / w, vw / w,
	}
	return true
}

// lay finds the knots and fits the patches between them; ok is false when a patch has no shape. Where knots were found
// that make the timing lines look worse they were none.
func (m *mesh) lay() (ok bool) {
	const worse = 0.08
	before, overview := m.glance(), m.overview
	m.tilt()
	m.layKnots(true)
	if ok = m.layPatches(); ok && m.looks() >= before-worse {
		return true
	}
	m.overview = overview
	m.layKnots(false)
	return m.layPatches()
}

// flat: version 1 has no alignment pattern, its net ends in the corner that the eyes imply.
func (m *mesh) flat() bool { return len(m.at) == 2 && m.at[1] == float64(m.dimension)-3.5 }

// tilt improves the overview by the alignment pattern in the fourth corner, if it shows. Seen from the side that corner
// lies far from where three eyes put it: the further, the larger the code.
func (m *mesh) tilt() {
	t := m.eyes
	if m.flat() {
		return
	}
	near, far, last := 3.5, float64(m.dimension)-3.5, m.at[len(m.at)-1]
	reach := min(4+float64(m.dimension)/8, 12)
	corner, found := m.findPattern(last, last, m.project(last, last), reach)
	if !found {
		return
	}
	u, v := m.bent(last, last)
	better, ok := through4(
		[4]Point{{near, near}, {far, near}, {near, far}, {u, v}},
		[4]Point{t.topLeft.Point, t.topRight.Point, t.bottomLeft.Point, corner})
	if ok {
		m.overview = better
	}
}

// layKnots walks the net row by row. Each knot is looked for where the overview puts it, moved by what its neighbours
// were off: a bent sheet bends slowly. Without seeking all but the eyes stay where the overview puts them.
func (m *mesh) layKnots(seek bool) {
	n := len(m.at)
	m.knots = make([][]knot, n)
	for r := range n {
		m.knots[r] = make([]knot, n)
		for c := range n {
			m.knots[r][c] = m.layKnot(r, c, seek)
		}
	}
}

func (m *mesh) layKnot(r, c int, seek bool) knot {
	t, n := m.eyes, len(m.at)
	near, far := 3.5, float64(m.dimension)-3.5
	switch {
	case r == 0 && c == 0:
		return knot{Point{near, near}, t.topLeft.Point, true}
	case r == 0 && c == n-1:
		return knot{Point{far, near}, t.topRight.Point, true}
	case r == n-1 && c == 0:
		return knot{Point{near, far}, t.bottomLeft.Point, true}
	}
	k := knot{module: Point{m.at[c], m.at[r]}}
	k.pixel = m.project(k.module.X, k.module.Y)
	off := m.drift(r, c)
	k.pixel.X, k.pixel.Y = k.pixel.X+off.X, k.pixel.Y+off.Y
	if m.flat() || !seek {
		return k
	}
	if pixel, found := m.findPattern(k.module.X, k.module.Y, k.pixel, 2.5); found {
		k.pixel, k.found = pixel, true
	}
	return k
}

// drift is the mean distance between overview and truth at the neighbours that are laid already.
func (m *mesh) drift(r, c int) (off Point) {
	n := 0.0
	for _, d := range [][2]int{{-1, -1}, {-1, 0}, {-1, 1}, {0, -1}} {
		i, j := r+d[0], c+d[1]
		if i < 0 || j < 0 || j >= len(m.at) || !m.knots[i][j].found {
			continue
		}
		k := m.knots[i][j]
		expected := m.project(k.module.X, k.module.Y)
		off.X += k.pixel.X - expected.X
		off.Y += k.pixel.Y - expected.Y
		n++
	}
	if n > 0 {
		off.X, off.Y = off.X/n, off.Y/n
	}
	return off
}

// layPatches fits a perspective between each four knots.
func (m *mesh) layPatches() bool {
	m.patches = make([][]perspective, len(m.at)-1)
	for r := range m.patches {
		m.patches[r] = make([]perspective, len(m.at)-1)
		for c := range m.patches[r] {
			var from, to [4]Point
			for i, k := range [4]knot{m.knots[r][c], m.knots[r][c+1], m.knots[r+1][c], m.knots[r+1][c+1]} {
				from[i].X, from[i].Y = m.bent(k.module.X, k.module.Y)
				to[i] = k.pixel
			}
			var ok bool
			if m.patches[r][c], ok = through4(from, to); !ok {
				return false
			}
		}
	}
	return true
}

// pixel tells where a point of the code lies, once the net is laid.
func (m *mesh) pixel(u, v float64) Point {
	return m.patches[m.line(v)][m.line(u)].at(m.bent(u, v))
}

// line is the last of the net's lines before a coordinate; the outermost patches go on to the code's border.
func (m *mesh) line(u float64) int {
	i := 0
	for i < len(m.at)-2 && u >= m.at[i+1]-0.5 {
		i++
	}
	return i
}
