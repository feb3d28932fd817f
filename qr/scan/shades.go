package scan

import "math"

// shades are the modules of a code in grey. Where blur reaches over half a module the black and white picture has lost
// what grey still tells: a lone white module between black ones is a little lighter than they are.
type shades struct {
	*layout
	grey []float64
}

// shades averages nine points of each module.
func (m *mesh) shades() *shades {
	s := &shades{m.layout, make([]float64, m.dimension*m.dimension)}
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
// blur is the share that each of them got. What is near to the middle between both is doubtful.
func (s *shades) develop(blur float64) faces {
	sharp := make([]float64, len(s.grey))
	for y := range s.side {
		for x := range s.side {
			around := s.get(x-1, y) + s.get(x+1, y) + s.get(x, y-1) + s.get(x, y+1)
			sharp[y*s.side+x] = (1+4*blur)*s.get(x, y) - blur*around
		}
	}
	// The mean is over the square of 13 modules around one: masks see to it that half of them are black, and a shadow or a
	// lamp is larger than that.
	const around = 6
	mean := boxes(sharp, s.side, around)
	squares := make([]float64, len(sharp))
	for i, v := range sharp {
		squares[i] = (v - mean[i]) * (v - mean[i])
	}
	overall := 0.0
	for _, q := range squares {
		overall += q / float64(len(squares))
	}
	spread := boxes(squares, s.side, around)
	f := faces{s.layout, sharp}
	for i, v := range sharp {
		f.v[i] = (mean[i] - v) / (math.Sqrt(spread[i]) + 0.3*math.Sqrt(overall) + 1e-6)
	}
	return f
}

// get goes on evenly beyond the border.
func (s *shades) get(x, y int) float64 { return s.grey[clamp(y, s.side)*s.side+clamp(x, s.side)] }

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
