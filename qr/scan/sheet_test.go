package scan_test

import "math"

// sheet is a printed code and how it lies before the camera. Lengths are in sides of the code.
type sheet struct {
	text     string
	modules  symbol
	middle   [2]float64 // of the code, as a share of the photo's width and height
	pixels   float64    // of the code's side, seen from straight above
	roll     float64    // radians, around the line of sight
	yaw      float64    // away from it, to the side
	pitch    float64    // and up
	distance float64    // of the camera: the nearer, the stronger the perspective
	radius   float64    // of the roll on which the sheet lies; 0 = flat, below 0 = the inside of a roll
	axis     float64    // direction of that roll, radians
	ink      float64    // reflectance of the dark modules; 0 means good black
	quiet    float64    // white frame in modules; 0 means four
	margin   float64    // of the sheet around the code, printed with other things; 0 means 0.8
	negative bool       // printed white on black
	mirrored bool       // seen from behind
	scars    []scar
	spread   float64 // by how much of a module ink runs (above 0) or is missing (below 0) at each edge
	dots     bool    // modules are drawn as dots, as designers like them
	logo     float64 // width of a picture in the middle
	grid     float64 // pixels of the photo from one dot of a screen to the next; 0 = paper
}

// scar is a line over the code: a scratch (light), a pen (dark), a stamp.
type scar struct {
	from, to     [2]float64 // in sides of the code, from its middle
	width, shade float64
}

// ray is the way from the camera through a pixel to a sheet.
type ray struct {
	sheet
	origin   [3]float64
	turn     [3][3]float64 // from the camera's directions to the sheet's
	sin, cos float64       // of the roll's axis
	focus    float64
}

func newRay(s sheet) ray {
	s.distance = otherwise(s.distance, 3)
	s.quiet = otherwise(s.quiet, 4)
	s.ink = otherwise(s.ink, black)
	s.margin = otherwise(s.margin, 0.8)
	v := ray{sheet: s, focus: s.pixels * s.distance}
	sr, cr := math.Sincos(s.roll)
	sy, cy := math.Sincos(s.yaw)
	sp, cp := math.Sincos(s.pitch)
	v.sin, v.cos = math.Sincos(s.axis)
	// sheet = roll * yaw * pitch * camera
	yaw := [3][3]float64{{cy, 0, sy}, {0, 1, 0}, {-sy, 0, cy}}
	pitch := [3][3]float64{{1, 0, 0}, {0, cp, -sp}, {0, sp, cp}}
	roll := [3][3]float64{{cr, sr, 0}, {-sr, cr, 0}, {0, 0, 1}}
	v.turn = times(roll, times(yaw, pitch))
	for i := range 3 {
		v.origin[i] = -s.distance * v.turn[i][2]
	}
	return v
}

func otherwise(value, fallback float64) float64 {
	if value == 0 {
		return fallback
	}
	return value
}

func times(a, b [3][3]float64) (c [3][3]float64) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				c[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return c
}

// onSheet tells where a pixel, seen from the middle of the code, meets the sheet.
func (v *ray) onSheet(px, py float64) (x, y float64, ok bool) {
	var d [3]float64
	for i := range 3 {
		d[i] = v.turn[i][0]*px/v.focus + v.turn[i][1]*py/v.focus + v.turn[i][2]
	}
	o := v.origin
	if v.radius == 0 {
		if d[2] < 1e-6 {
			return 0, 0, false
		}
		t := -o[2] / d[2]
		return o[0] + t*d[0], o[1] + t*d[1], true
	}
	// Across the roll (a) and along it (b).
	oa, ob := v.cos*o[0]+v.sin*o[1], -v.sin*o[0]+v.cos*o[1]
	da, db := v.cos*d[0]+v.sin*d[1], -v.sin*d[0]+v.cos*d[1]
	r := v.radius
	qa, qb, qc := da*da+d[2]*d[2], oa*da+(o[2]-r)*d[2], oa*oa+o[2]*o[2]-2*r*o[2]
	root := qb*qb - qa*qc
	if root < 0 {
		return 0, 0, false
	}
	t := (-qb - math.Sqrt(root)) / qa
	if r < 0 { // the inside of a roll is its far wall
		t = (-qb + math.Sqrt(root)) / qa
	}
	a, b, z := oa+t*da, ob+t*db, o[2]+t*d[2]
	s := r * math.Atan2(a/r, (r-z)/r)
	return v.cos*s - v.sin*b, v.sin*s + v.cos*b, true
}

const (
	paper = 0.82
	black = 0.045
	table = 0.35
)

// reflect is how much light the sheet gives back at a place; ok is false beside it.
func (v *ray) reflect(x, y float64) (light float64, ok bool) {
	n := float64(v.modules.size)
	col, row := (x+0.5)*n, (y+0.5)*n
	if v.mirrored {
		col = n - col
	}
	outside := max(-col, -row, col-n, row-n)
	if outside > max(v.margin*n, v.quiet) {
		return 0, false
	}
	for _, s := range v.scars {
		if offLine(x, y, s) < s.width/2 {
			return s.shade, true
		}
	}
	if d := math.Hypot(x, y); d < v.logo/2 {
		if d < v.logo/3 {
			return 0.2, true
		}
		return paper, true
	}
	dark := false
	switch {
	case outside < v.spread:
		dark = v.inked(col, row)
	case outside > v.quiet:
		dark = printed(col/n, row/n)
	}
	if dark != v.negative {
		return v.ink, true
	}
	return paper, true
}

// inked tells whether there is ink at a place of the code.
func (v *ray) inked(col, row float64) bool {
	n := float64(v.modules.size)
	dark := func(col, row float64) bool {
		return col >= 0 && row >= 0 && col < n && row < n && v.modules.dark(int(col), int(row))
	}
	if v.dots && (min(col, n-1-col) > 7 || min(row, n-1-row) > 7) {
		du, dv := col-math.Floor(col)-0.5, row-math.Floor(row)-0.5
		return dark(col, row) && math.Hypot(du, dv) < 0.45
	}
	if v.spread == 0 {
		return dark(col, row)
	}
	s := math.Abs(v.spread)
	for _, d := range [4][2]float64{{-s, -s}, {s, -s}, {-s, s}, {s, s}} {
		if dark(col+d[0], row+d[1]) == (v.spread > 0) {
			return v.spread > 0
		}
	}
	return v.spread < 0
}

// printed is the rest of the sheet: lines of something like words.
func printed(x, y float64) bool {
	const line, letter = 0.06, 0.022
	row, inRow := math.Floor(y/line), y/line-math.Floor(y/line)
	if inRow < 0.3 || inRow > 0.75 {
		return false
	}
	col, inCol := math.Floor(x/letter), x/letter-math.Floor(x/letter)
	h := uint32(int32(row)*73856093) ^ uint32(int32(col)*19349663)
	h ^= h >> 13
	h *= 0x5bd1e995
	return h%7 != 0 && (inCol < 0.3 || h>>8%3 == 0 && inRow > 0.6 || h>>12%2 == 0 && inRow < 0.42)
}

func offLine(x, y float64, s scar) float64 {
	dx, dy := s.to[0]-s.from[0], s.to[1]-s.from[1]
	t := ((x-s.from[0])*dx + (y-s.from[1])*dy) / (dx*dx + dy*dy)
	t = max(0, min(1, t))
	return math.Hypot(x-s.from[0]-t*dx, y-s.from[1]-t*dy)
}
