package scan

import "math"

// glasses undo what lens and hand did to a code. Much of a code is known before it is read (eyes, timing lines, alignment
// patterns, version): so the weights by which the light around a module tells its colour can be fitted to these modules, and
// then be used for all others. Whatever smeared the code, in whichever direction, smeared the known ones alike.
type glasses struct {
	*layout
	light []float64 // on a grid of half modules, evened out
	width int       // of a row of light
}

const (
	aperture = 4 // half modules to each side of a module's middle that are looked at
	window   = 2*aperture + 1
	inputs   = window*window + 1 // and one that is always 1
	stiff    = 0.02              // against weights that fit the noise, as a share of the inputs' mean square
	surely   = 0.35              // how sure a module must be to serve as one that is known
)

// glasses takes the light on the finer grid.
func (m *mesh) glasses() *glasses {
	g := &glasses{layout: m.layout, width: 2*m.dimension + 2*aperture + 1}
	g.light = make([]float64, g.width*g.width)
	const aside = 0.125
	for j := range g.width {
		for i := range g.width {
			u, v := float64(i-aperture)/2, float64(j-aperture)/2
			sum := 0.0
			for _, d := range [4][2]float64{{-aside, -aside}, {aside, -aside}, {-aside, aside}, {aside, aside}} {
				sum += m.bits.grey.at(m.pixel(u+d[0], v+d[1]))
			}
			g.light[j*g.width+i] = sum / 4
		}
	}
	g.even()
	return g
}

// even takes shadows and lamps out: what counts is how a place differs from its surroundings, as a share of how much things
// differ there.
func (g *glasses) even() {
	const around = 13 // half modules
	mean := boxes(g.light, g.width, around)
	squares := make([]float64, len(g.light))
	for i, v := range g.light {
		squares[i] = (v - mean[i]) * (v - mean[i])
	}
	overall := 0.0
	for _, s := range squares {
		overall += s / float64(len(squares))
	}
	spread := boxes(squares, g.width, around)
	for i, v := range g.light {
		g.light[i] = (v - mean[i]) / (math.Sqrt(spread[i]) + 0.3*math.Sqrt(overall) + 1e-6)
	}
}

// boxes are the means over squares around each place of a square grid.
func boxes(v []float64, side, around int) []float64 {
	sums := make([]float64, (side+1)*(side+1))
	for y := range side {
		row := 0.0
		for x := range side {
			row += v[y*side+x]
			sums[(y+1)*(side+1)+x+1] = sums[y*(side+1)+x+1] + row
		}
	}
	out := make([]float64, len(v))
	for y := range side {
		top, bottom := max(0, y-around), min(side, y+around+1)
		for x := range side {
			left, right := max(0, x-around), min(side, x+around+1)
			sum := sums[bottom*(side+1)+right] - sums[top*(side+1)+right] - sums[bottom*(side+1)+left] + sums[top*(side+1)+left]
			out[y*side+x] = sum / float64((right-left)*(bottom-top))
		}
	}
	return out
}

// around are the inputs for one module.
func (g *glasses) around(module int, in *[inputs]float64) {
	corner := 2*(module/g.side)*g.width + 2*(module%g.side) + g.width + 1
	for j := range window {
		copy(in[j*window:(j+1)*window], g.light[corner+j*g.width:])
	}
	in[inputs-1] = 1
}

// fit finds the weights that tell the known modules best; known gives 1 for dark, -1 for light, 0 for one that is not known.
func (g *glasses) fit(known func(module int) float64) (weights [inputs]float64, ok bool) {
	var square [inputs][inputs + 1]float64
	var in [inputs]float64
	n := 0
	for module := range g.known {
		want := known(module)
		if want == 0 {
			continue
		}
		n++
		g.around(module, &in)
		for i, a := range in {
			row := &square[i]
			for j := i; j < inputs; j++ {
				row[j] += a * in[j]
			}
			row[inputs] += a * want
		}
	}
	if n == 0 {
		return weights, false
	}
	trace := 0.0
	for i := range inputs {
		trace += square[i][i] / inputs
	}
	for i := range inputs {
		square[i][i] += stiff * trace
	}
	return solve(&square)
}

// solve takes the upper half of a symmetric system and its right side (Cholesky).
func solve(m *[inputs][inputs + 1]float64) (x [inputs]float64, ok bool) {
	for i := range inputs {
		pivot := m[i][i]
		if !(pivot > 1e-12) {
			return x, false
		}
		for j := i + 1; j < inputs; j++ {
			factor := m[i][j] / pivot
			if factor == 0 {
				continue
			}
			for k := j; k <= inputs; k++ {
				m[j][k] -= factor * m[i][k]
			}
		}
	}
	for i := inputs - 1; i >= 0; i-- {
		sum := m[i][inputs]
		for j := i + 1; j < inputs; j++ {
			sum -= m[i][j] * x[j]
		}
		x[i] = sum / m[i][i]
	}
	return x, true
}

// look tells the faces of all modules.
func (g *glasses) look(weights *[inputs]float64) faces {
	f := faces{g.layout, make([]float64, g.side*g.side)}
	var in [inputs]float64
	for module := range f.v {
		g.around(module, &in)
		sum := 0.0
		for i, v := range in {
			sum += v * weights[i]
		}
		f.v[module] = sum
	}
	return f
}

// read fits to what every code of the version has, then, with what that made sure, once more to the whole code.
func (g *glasses) read() (content, bool) {
	weights, ok := g.fit(func(module int) float64 { return float64(g.known[module]) })
	for range 3 {
		if !ok {
			break
		}
		seen := g.look(&weights)
		if c, ok := seen.read(); ok {
			return c, true
		}
		weights, ok = g.fit(func(module int) float64 {
			switch v := seen.v[module]; {
			case g.known[module] != 0:
				return float64(g.known[module])
			case v > surely:
				return 1
			case v < -surely:
				return -1
			}
			return 0
		})
	}
	return content{}, false
}
