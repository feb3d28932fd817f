package scan

import (
	"math"
	"slices"
)

// runs are the lengths of five runs in a line: black, white, black, white, black. The third is counted in two parts:
// back from the pixel where counting began, and on from it.
type runs struct {
	length [5]float64
	on     float64 // of the third run: pixels from the first on, that one included
}

func runsBetween(edges []int) (r runs) {
	for i := range r.length {
		r.length[i] = float64(edges[i+1] - edges[i])
	}
	return r
}

// runsThrough counts from a pixel outwards both ways along (dx, dy). A run that reaches the border or the limit makes
// the outer ones 0.
func (b bitmap) runsThrough(x, y, dx, dy, limit int) (r runs) {
	px, py := x, y
	r.on, px, py = b.runFrom(px, py, dx, dy, true, limit)
	r.length[3], px, py = b.runFrom(px, py, dx, dy, false, limit)
	r.length[4], _, _ = b.runFrom(px, py, dx, dy, true, limit)
	r.length[2], px, py = b.runFrom(x-dx, y-dy, -dx, -dy, true, limit)
	r.length[2] += r.on
	r.length[1], px, py = b.runFrom(px, py, -dx, -dy, false, limit)
	r.length[0], _, _ = b.runFrom(px, py, -dx, -dy, true, limit)
	return r
}

// runFrom counts pixels of one colour and tells where they end.
func (b bitmap) runFrom(x, y, dx, dy int, black bool, limit int) (n float64, _, _ int) {
	for i := 0; i <= limit && x >= 0 && y >= 0 && x < b.w && y < b.h && (b.px[y*b.w+x] != 0) == black; i++ {
		x, y, n = x+dx, y+dy, n+1
	}
	return n, x, y
}

func (r runs) total() float64 {
	return r.length[0] + r.length[1] + r.length[2] + r.length[3] + r.length[4]
}

// middle of the third run, seen from where the first begins.
func (r runs) middle(begin int) float64 {
	return float64(begin) + r.length[0] + r.length[1] + r.length[2]/2
}

// offset of the third run's middle from the left (upper) edge of the pixel where counting began.
func (r runs) offset() float64 { return r.on - r.length[2]/2 }

// likeEye allows each run half a module more or less (the middle one one and a half): blur and ink move edges.
func (r runs) likeEye() bool {
	module := r.total() / 7
	return module >= 1 && r.within(max(module/2, 0.75))
}

// roughlyLikeEye is for diagonals, where a pixel is longer than it counts.
func (r runs) roughlyLikeEye() bool { return r.within(r.total() / 7 * 0.8) }

func (r runs) within(slack float64) bool {
	module := r.total() / 7
	if slices.Min(r.length[:]) == 0 {
		return false
	}
	for i, share := range [5]float64{1, 1, 3, 1, 1} {
		if math.Abs(r.length[i]-share*module) >= share*slack {
			return false
		}
	}
	return true
}
