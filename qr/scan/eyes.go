package scan

import (
	"cmp"
	"math"
	"slices"
)

// eye is a finder pattern, the square in three corners of a QR code: any line through its middle crosses black, white,
// black, white, black in the proportion 1:1:3:1:1, however the code is turned.
type eye struct {
	Point
	size float64 // of a module, as far as rows and columns tell: too large by up to 1.4 in a code that is turned
	seen int     // by how many rows
}

// evidence is how much paper speaks for an eye.
func (e eye) evidence() float64 { return float64(e.seen) * e.size }

// maxEyes bounds the work on a picture that is all pattern (a carpet, a crowd of codes).
const maxEyes = 64

// findEyes looks through every few rows for the proportion and checks each hit along its column and its row.
func findEyes(b bitmap) []eye {
	var eyes []eye
	step := max(1, min(3, b.h/200)) // an eye of the smallest readable module, 1.5 pixels, has 4 rows in its middle
	edges := make([]int, 0, b.w)
	for y := step / 2; y < b.h; y += step {
		edges = appendEdges(edges[:0], b.row(y))
		for i := 0; i+5 < len(edges); i += 2 { // edges[i] is where a black run begins
			runs := runsBetween(edges[i : i+6])
			if !runs.likeEye() {
				continue
			}
			if e, ok := b.checkEye(runs.middle(edges[i]), float64(y)+0.5, runs.total()); ok {
				eyes = addEye(eyes, e)
			}
		}
	}
	// Noise makes eyes too, most of them as small as eyes can be and in a single row.
	slices.SortStableFunc(eyes, func(a, b eye) int { return cmp.Compare(b.evidence(), a.evidence()) })
	return eyes[:min(len(eyes), maxEyes)]
}

// appendEdges lists where the row changes colour, beginning with the first change to black; a black run at the end
// closes at the border.
func appendEdges(edges []int, row []byte) []int {
	last := byte(0)
	for x, v := range row {
		if v != last {
			edges = append(edges, x)
			last = v
		}
	}
	if last != 0 {
		edges = append(edges, len(row))
	}
	return edges
}

// runs are the lengths of five runs in a line: black, white, black, white, black.
type runs [5]float64

func runsBetween(edges []int) (r runs) {
	for i := range r {
		r[i] = float64(edges[i+1] - edges[i])
	}
	return r
}

func (r runs) total() float64 { return r[0] + r[1] + r[2] + r[3] + r[4] }

// middle of the third run, seen from where the first begins.
func (r runs) middle(begin int) float64 { return float64(begin) + r[0] + r[1] + r[2]/2 }

// likeEye allows each run half a module more or less (the middle one one and a half): blur and ink move edges.
func (r runs) likeEye() bool {
	module := r.total() / 7
	if module < 1 {
		return false
	}
	slack := max(module/2, 0.75)
	return math.Abs(r[0]-module) < slack && math.Abs(r[1]-module) < slack &&
		math.Abs(r[2]-3*module) < 3*slack &&
		math.Abs(r[3]-module) < slack && math.Abs(r[4]-module) < slack
}

// checkEye measures along the column, then along the row through the middle that the column gave, then both diagonals.
func (b bitmap) checkEye(x, y, width float64) (eye, bool) {
	vertical, y, ok := b.through(x, y, 0, 1, width)
	if !ok || !vertical.likeEye() || !alike(vertical.total(), width) {
		return eye{}, false
	}
	horizontal, x, ok := b.through(y, x, 1, 0, width)
	if !ok || !horizontal.likeEye() || !alike(horizontal.total(), vertical.total()) {
		return eye{}, false
	}
	if !b.diagonal(x, y, 1) && !b.diagonal(x, y, -1) {
		return eye{}, false
	}
	return eye{Point{x, y}, (horizontal.total() + vertical.total()) / 14, 1}, true
}

// alike: a view from the side makes an eye up to twice as high as it is wide.
func alike(a, b float64) bool { return a < 2*b && b < 2*a }

// through counts the five runs along a row or a column, from the middle outwards. fixed is the coordinate that stays,
// start the one that moves; the second result is the middle of the black square along the line.
func (b bitmap) through(fixed, start float64, dx, dy int, width float64) (runs, float64, bool) {
	var r runs
	f, s := int(fixed), int(start)
	limit := int(2*width) + 2
	get := func(i int) bool {
		if dx != 0 {
			return b.black(i, f)
		}
		return b.black(f, i)
	}
	inside := b.w
	if dy != 0 {
		inside = b.h
	}
	walk := func(i, step int, black bool) (int, int) {
		n := 0
		for i >= 0 && i < inside && n <= limit && get(i) == black {
			i, n = i+step, n+1
		}
		return i, n
	}
	back, n := walk(s, -1, true)
	ahead, m := walk(s+1, 1, true)
	r[2] = float64(n + m)
	middle := float64(back+1+ahead) / 2
	back, n = walk(back, -1, false)
	r[1] = float64(n)
	ahead, m = walk(ahead, 1, false)
	r[3] = float64(m)
	_, n = walk(back, -1, true)
	r[0] = float64(n)
	_, m = walk(ahead, 1, true)
	r[4] = float64(m)
	return r, middle, r[0] > 0 && r[1] > 0 && r[2] > 0 && r[3] > 0 && r[4] > 0
}

// diagonal is a rough check: text and hatching cross rows and columns in the right proportion more often than both.
func (b bitmap) diagonal(x, y float64, dir int) bool {
	var r runs
	cx, cy := int(x), int(y)
	count := func(sign int, slots [3]int) bool {
		i, black := 0, true
		if sign < 0 {
			i = 1
		}
		for _, slot := range slots {
			for n := 0; ; n++ {
				px, py := cx+sign*i*dir, cy+sign*i
				if px < 0 || py < 0 || px >= b.w || py >= b.h || b.black(px, py) != black {
					break
				}
				r[slot]++
				i++
			}
			black = !black
		}
		return true
	}
	count(1, [3]int{2, 3, 4})
	count(-1, [3]int{2, 1, 0})
	if slices.Min(r[:]) == 0 {
		return false
	}
	module := r.total() / 7
	slack := module * 0.8
	return math.Abs(r[1]-module) < slack && math.Abs(r[3]-module) < slack && math.Abs(r[2]-3*module) < 3*slack
}

// addEye merges what several rows saw of the same eye.
func addEye(eyes []eye, e eye) []eye {
	for i := range eyes {
		known := &eyes[i]
		if math.Abs(known.X-e.X) > 1.5*known.size || math.Abs(known.Y-e.Y) > 1.5*known.size || !alike(known.size, e.size) {
			continue
		}
		n := float64(known.seen)
		known.X = (known.X*n + e.X) / (n + 1)
		known.Y = (known.Y*n + e.Y) / (n + 1)
		known.size = (known.size*n + e.size) / (n + 1)
		known.seen++
		return eyes
	}
	return append(eyes, e)
}
