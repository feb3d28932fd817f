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

// A picture that is all pattern (a carpet, a crowd of codes, an attack) has eyes without end.
const (
	maxEyes = 64   // that are tried
	tooMany = 1024 // at which those are dropped for which least speaks
	kept    = 256  // then
	rowStep = 3    // rows from one that is looked at to the next, at most
)

// findEyes looks through every few rows for the proportion and checks each hit along its column and its row. It stops
// when it is told that the time is up.
func findEyes(b bitmap, stop func() bool) []eye {
	var eyes []eye
	step := max(1, min(rowStep, b.h/200)) // an eye of the smallest readable module, 1.5 pixels, has 4 rows in its middle
	edges := make([]int, 0, b.w)
	for y := step / 2; y < b.h && !stop(); y += step {
		edges = appendEdges(edges[:0], b.row(y))
		for i := 0; i+5 < len(edges); i += 2 { // edges[i] is where a black run begins
			r := runsBetween(edges[i : i+6])
			if !r.likeEye() {
				continue
			}
			if e, ok := b.checkEye(r.middle(edges[i]), float64(y)+0.5, r.total()); ok {
				eyes = addEye(eyes, e)
			}
		}
		if len(eyes) > tooMany {
			eyes = bestEyes(eyes, kept)
		}
	}
	return bestEyes(eyes, maxEyes)
}

// bestEyes keeps those with the most evidence: noise makes eyes too, most of them as small as eyes can be and in a
// single row.
func bestEyes(eyes []eye, n int) []eye {
	slices.SortStableFunc(eyes, func(a, b eye) int { return cmp.Compare(b.evidence(), a.evidence()) })
	return eyes[:min(len(eyes), n)]
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

// checkEye measures along the column, then along the row through the middle that the column gave, then both diagonals.
func (b bitmap) checkEye(x, y, width float64) (eye, bool) {
	limit := int(2*width) + 2
	column := b.runsThrough(int(x), int(y), 0, 1, limit)
	if !column.likeEye() || !alike(column.total(), width) {
		return eye{}, false
	}
	y = math.Floor(y) + column.offset()
	row := b.runsThrough(int(x), int(y), 1, 0, limit)
	if !row.likeEye() || !alike(row.total(), column.total()) {
		return eye{}, false
	}
	x = math.Floor(x) + row.offset()
	// Text and hatching cross rows and columns in the right proportion more often than a diagonal too.
	if !b.runsThrough(int(x), int(y), 1, 1, limit).roughlyLikeEye() && !b.runsThrough(int(x), int(y), 1, -1, limit).roughlyLikeEye() {
		return eye{}, false
	}
	return eye{Point{x, y}, (row.total() + column.total()) / 14, 1}, true
}

// alike: a view from the side makes an eye up to twice as high as it is wide.
func alike(a, b float64) bool { return a < 2*b && b < 2*a }

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
