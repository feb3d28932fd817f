package scan

import "github.com/makiuchi-d/gozxing"

// sample reads every module as the majority of five points in it.
func (m *mesh) sample() *gozxing.BitMatrix {
	out, err := gozxing.NewSquareBitMatrix(m.dimension)
	if err != nil { // a version has a size
		panic(err)
	}
	for y := range m.dimension {
		for x := range m.dimension {
			votes := 0
			for _, d := range fivePoints {
				votes += btoi(m.bits.at(m.pixel(float64(x)+0.5+d[0], float64(y)+0.5+d[1])))
			}
			if votes >= 3 {
				out.Set(x, y)
			}
		}
	}
	return out
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
