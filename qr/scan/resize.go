package scan

// fit returns the plane scaled so that its longer side has the given length, and by how much one pixel grew.
func (p plane) fit(side int) (plane, float64) {
	longer := max(p.w, p.h)
	factor := float64(longer) / float64(side)
	w, h := max(1, int(float64(p.w)/factor+0.5)), max(1, int(float64(p.h)/factor+0.5))
	switch {
	case side == longer:
		return p, 1
	case 2*w == p.w && 2*h == p.h:
		return p.halve(), 2
	case side < longer:
		return p.shrink(w, h), factor
	default:
		return p.enlarge(w, h), factor
	}
}

// halve is what shrink does to the pictures of most phones, in a fifth of the time.
func (p plane) halve() plane {
	out := newPlane(p.w/2, p.h/2)
	for y := range out.h {
		upper, lower, row := p.row(2*y), p.row(2*y+1), out.row(y)
		for x := range row {
			row[x] = byte((int(upper[2*x]) + int(upper[2*x+1]) + int(lower[2*x]) + int(lower[2*x+1]) + 2) / 4)
		}
	}
	return out
}

// shrink averages over areas, with fractions at their borders: a module that is 2.4 pixels wide stays 2.4 times as
// wide as its pixels, and sensor noise is averaged away.
func (p plane) shrink(w, h int) plane {
	const one = 256 // fixed point
	out := newPlane(w, h)
	spans := makeSpans(p.w, w, one)
	down := makeSpans(p.h, h, one)
	line := make([]uint32, w) // one source row, already narrow
	sums := make([]uint64, w) // of the rows that make one row of the result
	narrow := func(y int) {
		row := p.row(y)
		for x, s := range spans {
			sum := uint32(row[s.from]) * s.first
			for _, v := range row[s.from+1 : s.to] {
				sum += uint32(v) * one
			}
			if s.last > 0 {
				sum += uint32(row[s.to]) * s.last
			}
			line[x] = sum
		}
	}
	area := float64(p.w) / float64(w) * float64(p.h) / float64(h) * one * one
	inverse := uint64((1 << 40) / area)
	narrowed := -1
	add := func(y int, weight uint32) {
		if weight == 0 {
			return
		}
		if y != narrowed { // a row at a border belongs to two sums
			narrow(y)
			narrowed = y
		}
		for x, v := range line {
			sums[x] += uint64(v) * uint64(weight)
		}
	}
	for y, s := range down {
		clear(sums)
		add(s.from, s.first)
		for i := s.from + 1; i < s.to; i++ {
			add(i, one)
		}
		add(s.to, s.last)
		row := out.row(y)
		for x, sum := range sums {
			row[x] = byte(min(255, (sum*inverse+1<<39)>>40))
		}
	}
	return out
}

// span is the stretch of source pixels that make one pixel of the result: from counts with weight first, to with
// weight last (0: not at all), all between fully.
type span struct {
	from, to    int
	first, last uint32
}

func makeSpans(source, result, one int) []span {
	spans := make([]span, result)
	for i := range spans {
		begin, end := i*source*one/result, (i+1)*source*one/result
		s := span{from: begin / one, to: end / one}
		s.first = uint32(min(end, (s.from+1)*one) - begin)
		if s.to > s.from {
			s.last = uint32(end - s.to*one)
		}
		if s.to >= source || s.to == s.from {
			s.last = 0
			s.to = max(s.from+1, min(s.to, source))
		}
		spans[i] = s
	}
	return spans
}

// enlarge interpolates between four neighbours: finer pixels for the samplers where a module has only two or three.
func (p plane) enlarge(w, h int) plane {
	const one = 256
	out := newPlane(w, h)
	across := makeMix(p.w, w, one)
	for y, v := range makeMix(p.h, h, one) {
		upper, lower, row := p.row(v.a), p.row(v.b), out.row(y)
		for x, m := range across {
			top := int(upper[m.a])*(one-m.share) + int(upper[m.b])*m.share
			bottom := int(lower[m.a])*(one-m.share) + int(lower[m.b])*m.share
			row[x] = byte((top*(one-v.share) + bottom*v.share) / (one * one))
		}
	}
	return out
}

// mix says which two source pixels make one of the result, and the second one's share.
type mix struct{ a, b, share int }

func makeMix(source, result, one int) []mix {
	mixes := make([]mix, result)
	for i := range mixes {
		at := ((2*i+1)*source*one/result - one) / 2 // the middle of pixel i, seen from the source
		at = max(0, min(at, (source-1)*one))
		mixes[i] = mix{a: at / one, b: min(at/one+1, source-1), share: at % one}
	}
	return mixes
}

// sharpen subtracts a blurred copy (unsharp mask): what a shaking hand smeared over two or three pixels comes apart.
func (p plane) sharpen(radius, percent int) plane {
	blurred := p.blur(radius)
	out := newPlane(p.w, p.h)
	for i, v := range p.px {
		sharp := int(v) + (int(v)-int(blurred.px[i]))*percent/100
		out.px[i] = byte(max(0, min(255, sharp)))
	}
	return out
}

// blur is the mean over a square of 2*radius+1 pixels; beyond the border the border goes on.
func (p plane) blur(radius int) plane {
	out := newPlane(p.w, p.h)
	size := 2*radius + 1
	columns := make([]int, p.w) // sums over the rows around y
	for y := -radius; y <= radius; y++ {
		addRow(columns, p.row(clamp(y, p.h)), 1)
	}
	for y := range p.h {
		sum := 0
		for x := -radius; x <= radius; x++ {
			sum += columns[clamp(x, p.w)]
		}
		row := out.row(y)
		for x := range row {
			row[x] = byte(sum / (size * size))
			sum += columns[clamp(x+radius+1, p.w)] - columns[clamp(x-radius, p.w)]
		}
		addRow(columns, p.row(clamp(y+radius+1, p.h)), 1)
		addRow(columns, p.row(clamp(y-radius, p.h)), -1)
	}
	return out
}

func addRow(sums []int, row []byte, sign int) {
	for x, v := range row {
		sums[x] += sign * int(v)
	}
}

func clamp(i, n int) int { return max(0, min(i, n-1)) }
