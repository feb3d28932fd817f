package scan

// sample reads every module as the majority of five points in it.
func (m *mesh) sample() faces {
	f := faces{m.layout, make([]float64, m.dimension*m.dimension)}
	for i := range f.v {
		x, y, votes := float64(i%m.dimension), float64(i/m.dimension), 0
		for _, d := range fivePoints {
			votes += btoi(m.bits.at(m.pixel(x+0.5+d[0], y+0.5+d[1])))
		}
		f.v[i] = float64(sign(votes >= 3))
	}
	return f
}

// fivePoints of a module, seen from its middle.
var fivePoints = [5][2]float64{{0, 0}, {-aside, -aside}, {aside, -aside}, {-aside, aside}, {aside, aside}}

const aside = 0.2

// corners of the code, where its outermost modules end.
func (m *mesh) corners() [4]Point {
	side := float64(m.dimension)
	return [4]Point{m.pixel(0, 0), m.pixel(side, 0), m.pixel(side, side), m.pixel(0, side)}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
