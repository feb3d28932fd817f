package scan

import (
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// mesh lays a net over a code: its knots are the middles of the eyes and of all alignment patterns that were found, and
// between four knots the paper counts as evenly bent. A code on a bottle is flat nowhere, and flat enough between any
// two knots.
type mesh struct {
	bits      bitmap
	eyes      trio
	dimension int       // modules a side
	at        []float64 // module coordinates of the net's lines, the same across and down
	knots     [][]knot  // [row][column]
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
	v, err := decoder.Version_GetVersionForNumber(version)
	if err != nil {
		return nil, false
	}
	m := &mesh{bits: bits, eyes: t, dimension: v.GetDimensionForVersion()}
	m.at = linesOf(v.GetAlignmentPatternCenters(), m.dimension)
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

// lay finds the knots.
func (m *mesh) lay() {
	m.tilt()
	m.layKnots()
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
// were off: a bent sheet bends slowly.
func (m *mesh) layKnots() {
	n := len(m.at)
	m.knots = make([][]knot, n)
	for r := range n {
		m.knots[r] = make([]knot, n)
		for c := range n {
			m.knots[r][c] = m.layKnot(r, c)
		}
	}
}

func (m *mesh) layKnot(r, c int) knot {
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
	if m.flat() {
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

// findPattern looks for an alignment pattern (black dot, white ring, black ring) within reach modules around a pixel.
// Several places often match equally well; their middle is the pattern's.
func (m *mesh) findPattern(u, v float64, around Point, reach float64) (Point, bool) {
	// The directions of one module to the right and one down, here.
	here, right, down := m.project(u, v), m.project(u+1, v), m.project(u, v+1)
	ux, uy := right.X-here.X, right.Y-here.Y
	vx, vy := down.X-here.X, down.Y-here.Y
	module := math.Sqrt(math.Abs(ux*vy - uy*vx))
	if module < 1 || math.IsNaN(module) {
		return Point{}, false
	}
	step := max(1/module, 0.2) // in modules: a pixel, or a fifth of a module where they are large
	best, places, sum := 0, 0.0, Point{}
	for dv := -reach; dv <= reach; dv += step {
		for du := -reach; du <= reach; du += step {
			x, y := around.X+du*ux+dv*vx, around.Y+du*uy+dv*vy
			score := m.matchPattern(x, y, ux, uy, vx, vy, best)
			if score < best {
				continue
			}
			if score > best {
				best, places, sum = score, 0, Point{}
			}
			places++
			sum.X += x
			sum.Y += y
		}
	}
	if best < patternEnough {
		return Point{}, false
	}
	return Point{sum.X / places, sum.Y / places}, true
}

// patternEnough of 25 modules must be as they should; chance gives 12.
const patternEnough = 22

// matchPattern counts the modules that are as they should be, and gives up when best cannot be reached any more.
func (m *mesh) matchPattern(x, y, ux, uy, vx, vy float64, best int) int {
	missed, allowed := 0, 25-max(best, patternEnough)
	for _, cell := range patternOrder {
		i, j := float64(cell.i), float64(cell.j)
		if m.bits.at(Point{x + i*ux + j*vx, y + i*uy + j*vy}) != cell.black {
			if missed++; missed > allowed {
				return 0
			}
		}
	}
	return 25 - missed
}

type patternCell struct {
	i, j  int
	black bool
}

// patternOrder begins with the dot and the white ring: most wrong places fail there.
var patternOrder = func() (cells []patternCell) {
	for ring := range 3 {
		for j := -ring; j <= ring; j++ {
			for i := -ring; i <= ring; i++ {
				if max(i, -i, j, -j) == ring {
					cells = append(cells, patternCell{i, j, ring != 1})
				}
			}
		}
	}
	return cells
}()

// sample reads every module as the majority of five points in it.
func (m *mesh) sample() (*gozxing.BitMatrix, bool) {
	out, err := gozxing.NewSquareBitMatrix(m.dimension)
	if err != nil {
		return nil, false
	}
	ok := m.eachModule(func(x, y int, at func(u, v float64) Point) {
		votes := 0
		for _, d := range fivePoints {
			votes += btoi(m.bits.at(at(d[0], d[1])))
		}
		if votes >= 3 {
			out.Set(x, y)
		}
	})
	return out, ok
}

// eachModule visits all modules; at tells the pixel of a place in the module, seen from its middle.
func (m *mesh) eachModule(visit func(x, y int, at func(u, v float64) Point)) bool {
	n := len(m.at)
	for r := range n - 1 {
		for c := range n - 1 {
			patch, ok := m.patch(r, c)
			if !ok {
				return false
			}
			left, right := m.stretch(c)
			top, bottom := m.stretch(r)
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					visit(x, y, func(u, v float64) Point {
						return patch.at(m.bent(float64(x)+0.5+u, float64(y)+0.5+v))
					})
				}
			}
		}
	}
	return true
}

// patch is the perspective between four knots.
func (m *mesh) patch(r, c int) (perspective, bool) {
	var from, to [4]Point
	for i, k := range [4]knot{m.knots[r][c], m.knots[r][c+1], m.knots[r+1][c], m.knots[r+1][c+1]} {
		from[i].X, from[i].Y = m.bent(k.module.X, k.module.Y)
		to[i] = k.pixel
	}
	return through4(from, to)
}

// stretch tells which modules a patch is for: the outermost go on to the code's border.
func (m *mesh) stretch(i int) (from, to int) {
	from, to = int(m.at[i]), int(m.at[i+1])
	if i == 0 {
		from = 0
	}
	if i == len(m.at)-2 {
		to = m.dimension
	}
	return from, to
}

// corners of the code, where its outermost modules end.
func (m *mesh) corners() [4]Point {
	side, last := float64(m.dimension), len(m.at)-2
	at := func(r, c int, u, v float64) Point {
		patch, ok := m.patch(r, c)
		if !ok {
			patch = m.overview
		}
		return patch.at(m.bent(u, v))
	}
	return [4]Point{at(0, 0, 0, 0), at(0, last, side, 0), at(last, last, side, side), at(last, 0, 0, side)}
}

// glance tells how well the two timing lines look before any effort is spent on knots. Of several versions the right
// one stands out.
func (m *mesh) glance() float64 {
	across := m.alternation(func(i float64) Point { return m.project(i, 6.5) })
	down := m.alternation(func(i float64) Point { return m.project(6.5, i) })
	return (across + down) / 2
}

// alternation is the share of a timing line that changes colour from module to module.
func (m *mesh) alternation(at func(float64) Point) float64 {
	good := 0
	for i := 8; i < m.dimension-8; i++ {
		good += btoi(m.bits.at(at(float64(i)+0.5)) == (i%2 == 0))
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

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// timing is the share of modules of the two timing lines that alternate as they should: the cheapest proof that the
// version and the net are right, and what keeps junk from the decoder.
func timing(bits *gozxing.BitMatrix) float64 {
	n := bits.GetWidth()
	good := 0
	for i := 8; i < n-8; i++ {
		black := i%2 == 0
		good += btoi(bits.Get(i, 6) == black) + btoi(bits.Get(6, i) == black)
	}
	return float64(good) / float64(2*(n-16))
}
