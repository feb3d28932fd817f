package scan

import "math"

// perspective maps module coordinates to pixels as a camera does: straight lines stay straight.
type perspective [8]float64

// through4 finds the perspective that takes each of four points to its partner. ok is false when three of them lie on
// one line.
func through4(from, to [4]Point) (perspective, bool) {
	// Eight equations, two a pair: x = (a u + b v + c) / (g u + h v + 1), y likewise with d, e, f.
	var m [8][9]float64
	for i := range from {
		u, v, x, y := from[i].X, from[i].Y, to[i].X, to[i].Y
		m[2*i] = [9]float64{u, v, 1, 0, 0, 0, -u * x, -v * x, x}
		m[2*i+1] = [9]float64{0, 0, 0, u, v, 1, -u * y, -v * y, y}
	}
	for col := range 8 {
		pivot := col
		for row := col + 1; row < 8; row++ {
			if math.Abs(m[row][col]) > math.Abs(m[pivot][col]) {
				pivot = row
			}
		}
		if math.Abs(m[pivot][col]) < 1e-9 {
			return perspective{}, false
		}
		m[col], m[pivot] = m[pivot], m[col]
		for row := range 8 {
			if row == col {
				continue
			}
			factor := m[row][col] / m[col][col]
			for i := col; i < 9; i++ {
				m[row][i] -= factor * m[col][i]
			}
		}
	}
	var p perspective
	for i := range p {
		p[i] = m[i][8] / m[i][i]
	}
	return p, true
}

// at maps one point.
func (p perspective) at(u, v float64) Point {
	w := p[6]*u + p[7]*v + 1
	return Point{(p[0]*u + p[1]*v + p[2]) / w, (p[3]*u + p[4]*v + p[5]) / w}
}
