package scan

import "math"

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
