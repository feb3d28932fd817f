package scan

import (
	"cmp"
	"slices"
)

// readTrio samples and decodes what lies between three eyes. The distance of the eyes suggests a version, blur and
// perspective make it wrong by a few: the neighbours whose timing lines look best are tried too. With patience all
// neighbours are tried, however they look.
func readTrio(bits bitmap, t trio, patient bool) (content, [4]Point, bool) {
	for _, m := range candidates(bits, t, patient) {
		// Most of what is tried is no code, and sampling all of it is what costs.
		if !m.lay() || m.looks() < glanceEnough {
			continue
		}
		c, ok := m.decode()
		if !ok {
			continue
		}
		corners := m.corners()
		if c.mirrored {
			corners[1], corners[3] = corners[3], corners[1]
		}
		return c, corners, true
	}
	return content{}, [4]Point{}, false
}

// decode takes the modules from the black and white picture, and if that fails from the grey one.
func (m *mesh) decode() (content, bool) {
	f := m.sample()
	if f.timing() >= timingEnough {
		if c, ok := f.read(); ok {
			return c, true
		}
	}
	shades := m.shades()
	promising := m.looks() >= timingEnough
	for _, blur := range [...]float64{0.12, 0, 0.3} {
		f = shades.develop(blur)
		if f.timing() < timingEnough {
			continue
		}
		promising = true
		if c, ok := f.read(); ok {
			return c, true
		}
	}
	if !promising {
		return content{}, false
	}
	return m.glasses().read()
}

const (
	// Shares of the timing lines that must be right; chance gives a half.
	glanceEnough = 0.6
	timingEnough = 0.7
	// fancier is what leaning or bending a net must improve before it is believed: with enough tries noise alternates.
	fancier = 0.15
	// netsTried without patience.
	netsTried = 3
)

// candidates are the nets worth laying, the best looking first.
func candidates(bits bitmap, t trio, patient bool) []*mesh {
	guess, ok := guessVersion(bits, t)
	if !ok {
		return nil
	}
	type candidate struct {
		*mesh
		looks float64
	}
	farther := distances(bits, t)
	var found []candidate
	for version := max(1, guess-3); version <= min(40, guess+3); version++ {
		m, ok := spread(bits, t, farther, version)
		if !ok {
			continue
		}
		plain := m.glance()
		if plain >= glanceEnough || patient {
			found = append(found, candidate{m, plain})
		}
		if plain > 1-fancier || !patient {
			continue
		}
		enough := max(plain, glanceEnough) + fancier
		if better, looks := m.leaned(); looks >= enough {
			found = append(found, candidate{better, looks - fancier})
		}
		if better, looks := m.straightened(); looks >= enough {
			found = append(found, candidate{better, looks - fancier})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.looks, a.looks) })
	if !patient {
		found = found[:min(len(found), netsTried)]
	}
	nets := make([]*mesh, len(found))
	for i, c := range found {
		nets[i] = c.mesh
	}
	return nets
}
