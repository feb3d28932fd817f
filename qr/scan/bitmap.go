package scan

import "github.com/makiuchi-d/gozxing"

// bitmap is a picture in black (1) and white (0), a byte a pixel: it is read far more often than it is made.
type bitmap struct {
	w, h int
	px   []byte
	grey plane // what it was made from
}

// split makes a plane black and white; ok is false when there is nothing to split.
func split(p plane, t threshold) (b bitmap, ok bool) {
	if t == fine {
		return splitFinely(p), true
	}
	matrix := binarize(p, t)
	if matrix == nil {
		return b, false
	}
	return newBitmap(matrix, p), true
}

// splitFinely calls black what is darker than its surroundings, by more than grain is.
func splitFinely(p plane) bitmap {
	const radius, grain = 9, 6
	b := bitmap{p.w, p.h, make([]byte, len(p.px)), p}
	for i, mean := range p.blur(radius).px {
		b.px[i] = byte(btoi(int(p.px[i])+grain < int(mean)))
	}
	return b
}

func newBitmap(bits *gozxing.BitMatrix, grey plane) bitmap {
	b := bitmap{w: bits.GetWidth(), h: bits.GetHeight(), grey: grey}
	b.px = make([]byte, b.w*b.h)
	line := gozxing.NewBitArray(b.w)
	for y := range b.h {
		line = bits.GetRow(y, line)
		row := b.row(y)
		for at, word := range line.GetBitArray() {
			for i := 0; word != 0 && at*32+i < b.w; i++ {
				row[at*32+i] = byte(word & 1)
				word >>= 1
			}
		}
	}
	return b
}

func (b bitmap) row(y int) []byte { return b.px[y*b.w : (y+1)*b.w] }

// black is false beyond the border: paper goes on.
func (b bitmap) black(x, y int) bool {
	return x >= 0 && y >= 0 && x < b.w && y < b.h && b.px[y*b.w+x] != 0
}

// at is black for a point between pixels.
func (b bitmap) at(p Point) bool { return p.X >= 0 && p.Y >= 0 && b.black(int(p.X), int(p.Y)) }

// negative exchanges black and white.
func (b bitmap) negative() bitmap {
	out := bitmap{b.w, b.h, make([]byte, len(b.px)), b.grey.negative()}
	for i, v := range b.px {
		out.px[i] = v ^ 1
	}
	return out
}
