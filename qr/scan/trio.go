package scan

import (
	"cmp"
	"math"
	"slices"
)

// trio is three eyes that may belong to one code, named by their corners. Seen from topLeft, topRight comes before
// bottomLeft clockwise; a mirrored code is told by the decoder.
type trio struct {
	topLeft, topRight, bottomLeft eye
	oddity                        float64 // how far from what a flat view from above gives; the best is 0
}

const (
	maxTrios     = 40  // tried a picture and light: beyond it the eyes are noise
	certain      = 2   // rows that must have seen an eye before it counts as one that is left over
	strangest    = 1.6 // oddity up to which a trio is tried,
	few          = 3   // unless there are so few
	unmistakable = 0.5 // oddity up to which it is surely a code, even if it could not be read
)

// findTrios lists the trios worth trying, the most regular first.
func findTrios(eyes []eye) []trio {
	var trios []trio
	for i := range eyes {
		for j := range i {
			for k := range j {
				if t, ok := makeTrio(eyes[i], eyes[j], eyes[k]); ok {
					trios = append(trios, t)
				}
			}
		}
	}
	slices.SortStableFunc(trios, func(a, b trio) int { return cmp.Compare(a.oddity, b.oddity) })
	for i := len(trios) - 1; i >= few && trios[i].oddity > strangest; i-- {
		trios = trios[:i]
	}
	return trios[:min(len(trios), maxTrios)]
}

// makeTrio puts three eyes in their places: the corner is the one across the longest side.
func makeTrio(a, b, c eye) (trio, bool) {
	ab, bc, ca := distance(a.Point, b.Point), distance(b.Point, c.Point), distance(c.Point, a.Point)
	switch max(ab, bc, ca) {
	case ab:
		a, c = c, a
	case ca:
		a, b = b, a
	}
	// Now a is the corner.
	if cross(a.Point, b.Point, c.Point) < 0 {
		b, c = c, b
	}
	t := trio{topLeft: a, topRight: b, bottomLeft: c}

	sizes := ratio(max(a.size, b.size, c.size), min(a.size, b.size, c.size))
	across, down := distance(a.Point, b.Point), distance(a.Point, c.Point)
	legs := ratio(across, down)
	if legs < 1 {
		legs = 1 / legs
	}
	cosine := math.Abs((b.X-a.X)*(c.X-a.X)+(b.Y-a.Y)*(c.Y-a.Y)) / (across * down)
	modules := (across + down) / 2 / ((a.size + b.size + c.size) / 3)
	// 14 modules lie between the eyes of the smallest code and 170 of the largest; a turned eye counts 0.7.
	if modules < 8 || modules > 190 || sizes > 3 || legs > 3 || cosine > 0.7 || math.IsNaN(cosine) {
		return trio{}, false
	}
	t.oddity = (sizes - 1) + (legs - 1) + cosine
	if min(a.seen, b.seen, c.seen) < certain { // as noise is seen: once
		t.oddity += 0.5
	}
	if min(a.size, b.size, c.size) < 2 { // a module of two pixels is the least that a camera resolves
		t.oddity += 0.5
	}
	return t, true
}

// leftOver tells whether eyes that nobody read surely belong to a code: three that fit together, or two that many rows saw,
// of which the third may show in another light.
func leftOver(eyes []eye) bool {
	sure := slices.DeleteFunc(slices.Clone(eyes), func(e eye) bool { return e.seen < certain })
	trios := findTrios(sure)
	if len(trios) > 0 && trios[0].oddity <= unmistakable {
		return true
	}
	plain := slices.DeleteFunc(sure, func(e eye) bool { return e.seen < 2*certain })
	return len(plain) >= 2
}

func distance(a, b Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }

// cross is positive when the turn from b to c around a is clockwise on the screen.
func cross(a, b, c Point) float64 { return (b.X-a.X)*(c.Y-a.Y) - (b.Y-a.Y)*(c.X-a.X) }

func ratio(a, b float64) float64 {
	if b == 0 {
		return math.Inf(1)
	}
	return a / b
}
