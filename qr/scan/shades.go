package scan

import "github.com/makiuchi-d/gozxing"

// shades are the modules of a code in grey. Where blur reaches over half a module the black and white picture has lost
// what grey still tells: a lone white module between black ones is a little lighter than they are.
type shades struct {
	side  int
	grey  []float64
	sums  []float64 // integral image of grey, for means over squares
	width int       // of a row of sums
}

// shades averages nine points of each module.
func (m *mesh) shades() *shades {
	s := &shades{side: m.dimension, grey: make([]float64, m.dimension*m.dimension)}
	for y := range s.side {
		for x := range s.side {
			sum := 0.0
			for _, v := range nearMiddle {
				for _, u := range nearMiddle {
					sum += m.bits.grey.at(m.pixel(float64(x)+u, float64(y)+v))
				}
			}
			s.grey[y*s.side+x] = sum / 9
		}
	}
	return s
}

var nearMiddle = [3]float64{0.2, 0.5, 0.8}

// develop splits the shades into black and white, after giving back what each module lost to its four neighbours:
// blur is the share that each of them got.
func (s *shades) develop(blur float64) *gozxing.BitMatrix {
	sharp := &shades{side: s.side, grey: make([]float64, len(s.grey))}
	for y := range s.side {
		for x := range s.side {
			around := s.get(x-1, y) + s.get(x+1, y) + s.get(x, y-1) + s.get(x, y+1)
			sharp.grey[y*s.side+x] = (1+4*blur)*s.get(x, y) - blur*around
		}
	}
	sharp.integrate()
	out, err := gozxing.NewSquareBitMatrix(s.side)
	if err != nil { // a version has a size
		panic(err)
	}
	for y := range s.side {
		for x := range s.side {
			if sharp.get(x, y) < sharp.mean(x, y) {
				out.Set(x, y)
			}
		}
	}
	return out
}

// get goes on evenly beyond the border.
func (s *shades) get(x, y int) float64 { return s.grey[clamp(y, s.side)*s.side+clamp(x, s.side)] }

// mean is over the square of 13 modules around one: masks see to it that half of them are black, and a shadow or a
// lamp is larger than that.
func (s *shades) mean(x, y int) float64 {
	const reach = 6
	left, top := max(0, x-reach), max(0, y-reach)
	right, bottom := min(s.side, x+reach+1), min(s.side, y+reach+1)
	sum := s.sums[bottom*s.width+right] - s.sums[top*s.width+right] - s.sums[bottom*s.width+left] + s.sums[top*s.width+left]
	return sum / float64((right-left)*(bottom-top))
}

func (s *shades) integrate() {
	s.width = s.side + 1
	s.sums = make([]float64, s.width*s.width)
	for y := range s.side {
		row := 0.0
		for x := range s.side {
			row += s.grey[y*s.side+x]
			s.sums[(y+1)*s.width+x+1] = s.sums[y*s.width+x+1] + row
		}
	}
}

// at is the brightness between four pixels; beyond the border the border goes on.
func (p plane) at(point Point) float64 {
	x, y := point.X-0.5, point.Y-0.5
	if !(x > 0) || !(y > 0) || x >= float64(p.w-1) || y >= float64(p.h-1) { // also for what is not a number
		return float64(p.px[clamp(int(y), p.h)*p.w+clamp(int(x), p.w)])
	}
	left, top := int(x), int(y)
	u, v := x-float64(left), y-float64(top)
	upper, lower := p.px[top*p.w+left:], p.px[(top+1)*p.w+left:]
	return (float64(upper[0])*(1-u)+float64(upper[1])*u)*(1-v) + (float64(lower[0])*(1-u)+float64(lower[1])*u)*v
}
