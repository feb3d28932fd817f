package scan

import (
	"math"

	"github.com/makiuchi-d/gozxing"
)

// This file reads the mark on medicine packs, a Data Matrix: two solid borders that meet in a corner, and two
// that alternate. Data runs between them up to the edge, so the mark is found as a blob with four corners.

// lookForPacks tries every blob that could be a mark. Small gaps are closed first; how large "small" is depends on the
// size of the modules, which nobody knows yet.
func (s *search) lookForPacks(step step, v view) {
	for _, threshold := range [...]threshold{local, global} {
		bits, ok := split(v.plane, threshold)
		if !ok {
			continue
		}
		for _, gap := range [...]int{3, 6, 12} {
			for _, outline := range findBlobs(bits, gap) {
				if s.timeUp() || len(s.codes) >= s.maxCodes {
					return
				}
				text, corners, ok := readPack(bits, outline)
				if !ok {
					continue
				}
				for i, c := range corners {
					corners[i] = v.original(c)
				}
				s.keep(step.String(), Code{Text: text, Kind: DataMatrix, Corners: corners})
			}
		}
		if len(s.codes) > 0 {
			return
		}
	}
}

// readPack tries the four ways in which the solid corner can lie, and all sizes.
func readPack(bits bitmap, quad [4]Point) (string, [4]Point, bool) {
	for turn := range 4 {
		corners := [4]Point{quad[turn], quad[(turn+1)%4], quad[(turn+2)%4], quad[(turn+3)%4]}
		if flat, size, ok := bestPackSize(bits, corners); ok {
			if text, ok := samplePack(bits, flat, size); ok {
				return text, corners, true
			}
		}
	}
	return "", [4]Point{}, false
}

type packSize struct{ columns, rows int }

// packSizes are those of ECC 200 up to what fits on a pack.
var packSizes = []packSize{
	{10, 10}, {12, 12}, {14, 14}, {16, 16}, {18, 18}, {20, 20}, {22, 22}, {24, 24}, {26, 26}, {32, 32}, {36, 36}, {40, 40}, {44, 44}, {48, 48}, {52, 52},
	{18, 8}, {32, 8}, {26, 12}, {36, 12}, {36, 16}, {48, 16},
}

// bestPackSize finds the size under which left and lower border are solid while upper and right border alternate.
func bestPackSize(bits bitmap, corners [4]Point) (flat perspective, size packSize, ok bool) {
	best := 0.9 // share of the border's modules that must be right
	for _, s := range packSizes {
		w, h := float64(s.columns), float64(s.rows)
		p, ok := through4([4]Point{{0, 0}, {w, 0}, {w, h}, {0, h}}, corners)
		if !ok {
			continue
		}
		good := 0
		for i := range s.columns {
			x := float64(i) + 0.5
			good += btoi(bits.at(p.at(x, h-0.5)))             // below
			good += btoi(bits.at(p.at(x, 0.5)) == (i%2 == 0)) // above: begins black at the solid side
		}
		for i := range s.rows {
			y := float64(i) + 0.5
			good += btoi(bits.at(p.at(0.5, y)))                 // left
			good += btoi(bits.at(p.at(w-0.5, y)) == (i%2 == 1)) // right: ends black
		}
		if share := float64(good) / float64(2*(s.columns+s.rows)); share > best {
			best, flat, size = share, p, s
		}
	}
	return flat, size, size.rows > 0
}

func samplePack(bits bitmap, flat perspective, size packSize) (string, bool) {
	modules, err := gozxing.NewBitMatrix(size.columns, size.rows)
	if err != nil {
		return "", false
	}
	for y := range size.rows {
		for x := range size.columns {
			votes := 0
			for _, d := range fivePoints {
				votes += btoi(bits.at(flat.at(float64(x)+0.5+d[0], float64(y)+0.5+d[1])))
			}
			if votes >= 3 {
				modules.Set(x, y)
			}
		}
	}
	return decodePack(modules)
}

// findBlobs closes gaps and returns the outlines, with four corners each, of what then hangs together.
func findBlobs(bits bitmap, gap int) (outlines [][4]Point) {
	const least, most = 24, 0.8 // pixels a side; share of the picture
	labels, count := bits.closed(gap).components()
	shapes := make([]shape, count)
	for y := range bits.h {
		for x, v := range bits.row(y) {
			if v != 0 {
				shapes[labels[y*bits.w+x]-1].add(x, y)
			}
		}
	}
	for _, s := range shapes {
		if s.w() < least || s.h() < least || float64(s.w()) > most*float64(bits.w) || float64(s.h()) > most*float64(bits.h) {
			continue
		}
		if s.w() > 5*s.h() || s.h() > 5*s.w() {
			continue
		}
		if quad, ok := fourCorners(s.hull()); ok {
			outlines = append(outlines, quad)
		}
		if len(outlines) == maxBlobs {
			break
		}
	}
	return outlines
}

// maxBlobs bounds the work on a printed page, where every word is a blob.
const maxBlobs = 200

// closed is the bitmap with everything black that has black within gap pixels.
func (b bitmap) closed(gap int) bitmap {
	wide, out := bitmap{w: b.w, h: b.h, px: make([]byte, len(b.px))}, bitmap{w: b.w, h: b.h, px: make([]byte, len(b.px))}
	for y := range b.h {
		reach := -1
		row, to := b.row(y), wide.row(y)
		for x := range b.w + gap {
			if x < b.w && row[x] != 0 {
				reach = x + gap
			}
			if at := x - gap; at >= 0 && at <= reach && reach >= 0 {
				to[at] = 1
			}
		}
	}
	for x := range b.w {
		reach := -1
		for y := range b.h + gap {
			if y < b.h && wide.px[y*b.w+x] != 0 {
				reach = y + gap
			}
			if at := y - gap; at >= 0 && at <= reach && reach >= 0 {
				out.px[at*b.w+x] = 1
			}
		}
	}
	return out
}

// components numbers what hangs together, from 1; white is 0.
func (b bitmap) components() (labels []int32, count int) {
	labels = make([]int32, len(b.px))
	var queue []int
	for start, v := range b.px {
		if v == 0 || labels[start] != 0 {
			continue
		}
		count++
		labels[start] = int32(count)
		queue = append(queue[:0], start)
		for len(queue) > 0 {
			at := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			x, y := at%b.w, at/b.w
			for _, d := range [4][2]int{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
				if b.black(x+d[0], y+d[1]) {
					if next := (y+d[1])*b.w + x + d[0]; labels[next] == 0 {
						labels[next] = int32(count)
						queue = append(queue, next)
					}
				}
			}
		}
	}
	return labels, count
}

// fourCorners takes edges away from a convex outline, letting their neighbours grow until they meet, always the edge that
// adds the least area, until four are left. A mark's missing corner (its last module is white) comes back this way.
func fourCorners(hull []Point) (quad [4]Point, ok bool) {
	for len(hull) > 4 {
		n, least, at, corner := len(hull), math.Inf(1), -1, Point{}
		for i := range hull {
			b, c := hull[i], hull[(i+1)%n]
			p, meet := meeting(hull[(i+n-1)%n], b, hull[(i+2)%n], c)
			if area := math.Abs(cross(p, b, c)); meet && area < least {
				least, at, corner = area, i, p
			}
		}
		if at < 0 {
			return quad, false
		}
		hull[at] = corner
		next := (at + 1) % n
		hull = append(hull[:next], hull[next+1:]...)
	}
	if len(hull) < 4 {
		return quad, false
	}
	copy(quad[:], hull)
	return quad, true
}

// meeting is where the line from a through b meets the line from d through c.
func meeting(a, b, d, c Point) (Point, bool) {
	r, s := Point{b.X - a.X, b.Y - a.Y}, Point{c.X - d.X, c.Y - d.Y}
	denominator := r.X*s.Y - r.Y*s.X
	if math.Abs(denominator) < 1e-9 {
		return Point{}, false
	}
	t := ((d.X-a.X)*s.Y - (d.Y-a.Y)*s.X) / denominator
	return Point{a.X + t*r.X, a.Y + t*r.Y}, t >= 1
}
