package scan

import "math"

// guessVersion estimates a code's version from the distance of its eyes in modules, measured along the lines between
// them, where turning and perspective cancel out.
func guessVersion(b bitmap, t trio) (int, bool) {
	across, ok1 := b.modulesBetween(t.topLeft.Point, t.topRight.Point)
	down, ok2 := b.modulesBetween(t.topLeft.Point, t.bottomLeft.Point)
	var between float64
	switch {
	case ok1 && ok2:
		between = (across + down) / 2
	case ok1:
		between = across
	case ok2:
		between = down
	default:
		return 0, false
	}
	version := int(math.Round((between + 7 - 17) / 4))
	return max(1, min(40, version)), between > 9 && between < 185
}

// modulesBetween divides the distance by the width of the eyes at both ends, along the same line.
func (b bitmap) modulesBetween(from, to Point) (float64, bool) {
	w1, ok1 := b.eyeWidth(from, to)
	w2, ok2 := b.eyeWidth(to, from)
	if !ok1 || !ok2 {
		return 0, false
	}
	return distance(from, to) / ((w1 + w2) / 14), true
}

// eyeWidth is the width of an eye, seven modules, along the line to another.
func (b bitmap) eyeWidth(at, towards Point) (float64, bool) {
	d := distance(at, towards)
	dx, dy := (towards.X-at.X)/d, (towards.Y-at.Y)/d
	there, ok1 := b.ringEnd(at, dx, dy, d/2)
	back, ok2 := b.ringEnd(at, -dx, -dy, d/2)
	return there + back, ok1 && ok2
}

// ringEnd walks from an eye's middle through black, white and black, and tells how far the last black reached.
func (b bitmap) ringEnd(at Point, dx, dy, limit float64) (float64, bool) {
	const step = 0.25 // pixels
	black, changes := true, 0
	for d := 0.0; d < limit; d += step {
		if b.at(Point{at.X + d*dx, at.Y + d*dy}) == black {
			continue
		}
		if changes++; changes == 3 {
			return d, true
		}
		black = !black
	}
	return 0, false
}

// distances tells by the sizes of the eyes how much farther from the camera the second and the third are than the first.
// Twice as far, an eye is half as wide, and foreshortened besides: its side goes with the distance to the power of 1.5.
func distances(b bitmap, t trio) [2]float64 {
	right := Point{t.topRight.X - t.topLeft.X, t.topRight.Y - t.topLeft.Y}
	down := Point{t.bottomLeft.X - t.topLeft.X, t.bottomLeft.Y - t.topLeft.Y}
	first := b.eyeSide(t.topLeft, right, down)
	var farther [2]float64
	for i, e := range [2]eye{t.topRight, t.bottomLeft} {
		farther[i] = max(0.5, min(2, math.Pow(first/b.eyeSide(e, right, down), 2.0/3)))
	}
	return farther
}

// eyeSide measures an eye along the code's own directions.
func (b bitmap) eyeSide(e eye, right, down Point) float64 {
	w, ok1 := b.eyeWidth(e.Point, Point{e.X + right.X, e.Y + right.Y})
	h, ok2 := b.eyeWidth(e.Point, Point{e.X + down.X, e.Y + down.Y})
	if !ok1 || !ok2 {
		return 7 * e.size
	}
	return math.Sqrt(w * h)
}
