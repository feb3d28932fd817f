package scan

import (
	"math"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// mesh lays a net over a code: its knots are the middles of the eyes and of all alignment patterns that were found, and
// between four knots the paper counts as flat. A code on a bent sheet or a bottle is flat nowhere and flat enough
// between any two knots.
type mesh struct {
	bits      bitmap
	dimension int       // modules a side
	at        []float64 // module coordinates of the net's lines, the same across and down
	knots     [][]knot  // [row][column]
	overview  perspective
}

type knot struct {
	module, pixel Point
	found         bool // seen, not only guessed from its neighbours
}

// newMesh lays a net of the given version between three eyes; ok is false when they cannot belong to such a code.
func newMesh(bits bitmap, t trio, version int) (*mesh, bool) {
	v, err := decoder.Version_GetVersionForNumber(version)
	if err != nil {
		return nil, false
	}
	m := &mesh{bits: bits, dimension: v.GetDimensionForVersion()}
	m.at = linesOf(v.GetAlignmentPatternCenters(), m.dimension)
	if !m.see(t) {
		return nil, false
	}
	m.layKnots(t)
	return m, true
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

// see makes the overview: the three eyes and the alignment pattern in the fourth corner, if it shows.
func (m *mesh) see(t trio) bool {
	near, far := 3.5, float64(m.dimension)-3.5
	fourth := Point{t.topRight.X + t.bottomLeft.X - t.topLeft.X, t.topRight.Y + t.bottomLeft.Y - t.topLeft.Y}
	eyes := [4]Point{{near, near}, {far, near}, {near, far}, {far, far}}
	seen := [4]Point{t.topLeft.Point, t.topRight.Point, t.bottomLeft.Point, fourth}
	var ok bool
	if m.overview, ok = through4(eyes, seen); !ok {
		return false
	}
	if len(m.at) == 2 && m.at[1] == far { // version 1
		return true
	}
	last := m.at[len(m.at)-1]
	// Seen from the side the corner lies far from where three eyes put it: the further, the larger the code.
	reach := min(4+float64(m.dimension)/8, 12)
	pixel, found := m.findPattern(last, last, m.overview.at(last, last), reach)
	if !found {
		return true
	}
	eyes[3], seen[3] = Point{last, last}, pixel
	better, ok := through4(eyes, seen)
	if ok {
		m.overview = better
	}
	return true
}

// layKnots walks the net row by row. Each knot is looked for where the overview puts it, moved by what its neighbours
// were off: a bent sheet bends slowly.
func (m *mesh) layKnots(t trio) {
	n := len(m.at)
	m.knots = make([][]knot, n)
	for r := range n {
		m.knots[r] = make([]knot, n)
		for c := range n {
			m.knots[r][c] = m.layKnot(t, r, c)
		}
	}
}

func (m *mesh) layKnot(t trio, r, c int) knot {
	n := len(m.at)
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
	k.pixel = m.overview.at(k.module.X, k.module.Y)
	off := m.drift(r, c)
	k.pixel.X, k.pixel.Y = k.pixel.X+off.X, k.pixel.Y+off.Y
	if n == 2 && m.at[1] == far { // version 1 has no pattern to look for
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
		expected := m.overview.at(k.module.X, k.module.Y)
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
	here, right, down := m.overview.at(u, v), m.overview.at(u+1, v), m.overview.at(u, v+1)
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
	n := len(m.at)
	for r := range n - 1 {
		for c := range n - 1 {
			patch, ok := m.patch(r, c)
			if !ok {
				return nil, false
			}
			left, right := m.stretch(c)
			top, bottom := m.stretch(r)
			for y := top; y < bottom; y++ {
				for x := left; x < right; x++ {
					if m.majority(patch, float64(x)+0.5, float64(y)+0.5) {
						out.Set(x, y)
					}
				}
			}
		}
	}
	return out, true
}

// patch is the perspective between four knots.
func (m *mesh) patch(r, c int) (perspective, bool) {
	a, b, d, e := m.knots[r][c], m.knots[r][c+1], m.knots[r+1][c], m.knots[r+1][c+1]
	return through4([4]Point{a.module, b.module, d.module, e.module}, [4]Point{a.pixel, b.pixel, d.pixel, e.pixel})
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

func (m *mesh) majority(p perspective, u, v float64) bool {
	const aside = 0.2
	votes := 0
	for _, d := range [5][2]float64{{0, 0}, {-aside, -aside}, {aside, -aside}, {-aside, aside}, {aside, aside}} {
		if m.bits.at(p.at(u+d[0], v+d[1])) {
			votes++
		}
	}
	return votes >= 3
}

// corners of the code, where its outermost modules end.
func (m *mesh) corners() [4]Point {
	side, last := float64(m.dimension), len(m.at)-2
	at := func(r, c int, u, v float64) Point {
		patch, ok := m.patch(r, c)
		if !ok {
			patch = m.overview
		}
		return patch.at(u, v)
	}
	return [4]Point{at(0, 0, 0, 0), at(0, last, side, 0), at(last, last, side, side), at(last, 0, 0, side)}
}

// timing is the share of modules of the two timing lines that alternate as they should: the cheapest proof that the
// version and the net are right, and what keeps junk from the decoder.
func timing(bits *gozxing.BitMatrix) float64 {
	n := bits.GetWidth()
	good, all := 0, 0
	for i := 8; i < n-8; i++ {
		for _, black := range [2]bool{bits.Get(i, 6), bits.Get(6, i)} {
			if black == (i%2 == 0) {
				good++
			}
			all++
		}
	}
	return float64(good) / float64(all)
}
