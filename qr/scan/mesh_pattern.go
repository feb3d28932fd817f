package scan

import "math"

// findPattern looks for an alignment pattern (black dot, white ring, black ring) within reach modules around a pixel. It
// compares in grey, first at every half module, then finely around the best: blur makes a pattern faint, but leaves it its
// shape and its middle.
func (m *mesh) findPattern(u, v float64, around Point, reach float64) (Point, bool) {
	// The directions of one module to the right and one down, here.
	here, right, down := m.project(u, v), m.project(u+1, v), m.project(u, v+1)
	a := axes{right.X - here.X, right.Y - here.Y, down.X - here.X, down.Y - here.Y}
	module := math.Sqrt(math.Abs(a.ux*a.vy - a.uy*a.vx))
	if module < 1 || math.IsNaN(module) {
		return Point{}, false
	}
	enough := likeEnough
	if reach > 3 {
		enough = likeFromAfar
	}
	at, like := m.bestMatch(around, a, reach, 0.5)
	if like < enough-0.15 {
		return Point{}, false
	}
	at, _ = m.bestMatch(at, a, 0.4, 0.2)
	at, like = m.bestMatch(at, a, 0.1, 0.1)
	return at, like >= enough
}

// How much like a pattern a place must be: 1 is exactly, and of the places around any module the best comes to 0.5 by
// chance, of the many more at a distance to 0.7.
const (
	likeEnough   = 0.68
	likeFromAfar = 0.78
)

// axes are the directions of one module to the right and one down, in pixels.
type axes struct{ ux, uy, vx, vy float64 }

// bestMatch tries a grid of places, step modules apart.
func (m *mesh) bestMatch(around Point, a axes, reach, step float64) (at Point, like float64) {
	at, like = around, -1
	n := int(reach/step + 0.5)
	for j := -n; j <= n; j++ {
		for i := -n; i <= n; i++ {
			du, dv := float64(i)*step, float64(j)*step
			p := Point{around.X + du*a.ux + dv*a.vx, around.Y + du*a.uy + dv*a.vy}
			if l := m.likePattern(p, a); l > like {
				at, like = p, l
			}
		}
	}
	return at, like
}

// likePattern is the correlation of what is around a pixel with an alignment pattern.
func (m *mesh) likePattern(at Point, a axes) float64 {
	const dark, all = 17, 25
	sum, squares, inked := 0.0, 0.0, 0.0
	for i, black := range pattern {
		du, dv := float64(i%5-2), float64(i/5-2)
		g := m.bits.grey.at(Point{at.X + du*a.ux + dv*a.vx, at.Y + du*a.uy + dv*a.vy})
		sum += g
		squares += g * g
		if black {
			inked += g
		}
	}
	variance := squares - sum*sum/all
	if variance < all*flat*flat {
		return 0
	}
	const ofPattern = dark * (all - dark) / float64(all)
	return (sum*dark/all - inked) / math.Sqrt(variance*ofPattern)
}

// flat is the contrast (standard deviation, of 255) below which there is nothing to compare.
const flat = 1.5

var pattern = func() (black [25]bool) {
	for i := range black {
		x, y := i%5-2, i/5-2
		black[i] = max(x, -x, y, -y) != 1
	}
	return black
}()
