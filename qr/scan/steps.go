package scan

import "strings"

// step is one light in which the picture is looked at.
type step struct {
	size     size
	sharpen  int // percent of an unsharp mask; 0 = none
	split    threshold
	negative bool // look for white on black
	tiles    int  // cut into tiles x tiles parts that overlap by half
	packs    bool // look for marks of medicine packs, not for QR codes
	// further: worth its time for a code that is left over when others were read already.
	further bool
}

// size is the longer side to which a picture is scaled. Of two sizes that come to the same one is skipped.
type size uint8

const (
	large  size = iota // 2,000 pixels: enough for a dense code that fills a third of the picture
	medium             // 1,000: noise and blur are averaged away
	small              // 500
	full               // as it came
	double             // twice as large: small pictures with modules of two pixels
)

// steps in the order of what they read for their time, as measured on zxing's black-box sets and on synthetic photos
// of our own codes. No step turns the picture: eyes are found at any angle.
var steps = []step{
	{size: large, split: local, further: true},
	{size: large, split: global, further: true},
	{size: medium, split: local, further: true},
	{size: large, split: local, negative: true, further: true},
	{size: large, sharpen: 150, split: local, further: true},
	{size: large, split: fine, further: true},
	{size: medium, split: fine, further: true},
	{size: medium, split: global},
	{size: large, split: global, negative: true},
	{packs: true}, // before the steps that only help bad photos: it is the whole answer to the wrong thing photographed
	{size: full, split: local, further: true},
	{size: large, sharpen: 150, split: global},
	{size: medium, sharpen: 150, split: local},
	{size: double, split: local},
	{size: double, sharpen: 200, split: local},
	{size: small, split: local},
	{size: small, split: fine},
	{size: small, sharpen: 150, split: global},
	{size: large, split: global, tiles: 2},
	{size: full, sharpen: 150, split: local},
	{size: full, split: global, tiles: 3},
}

var sizeNames = map[size]string{large: "large", medium: "medium", small: "small", full: "full", double: "double"}

// String names the step in results and in measurements: "large local", "full global tiles".
func (s step) String() string {
	if s.packs {
		return "packs"
	}
	words := []string{sizeNames[s.size], "local"}
	switch s.split {
	case local:
	case global:
		words[1] = "global"
	case fine:
		words[1] = "fine"
	}
	if s.sharpen > 0 {
		words = append(words, "sharp")
	}
	if s.negative {
		words = append(words, "negative")
	}
	if s.tiles > 0 {
		words = append(words, "tiles")
	}
	return strings.Join(words, " ")
}

// side is the longer side in pixels at which the step looks at a picture whose longer side is given; 0 when another
// step sees the same.
func (s step) side(longer int) int {
	const mostLarge, mostMedium, mostSmall = 2000, 1000, 500
	switch {
	case s.packs:
		return min(longer, mostMedium)
	case s.size == large && longer%2 == 0 && longer/2 >= mostLarge && longer/2 <= mostLarge*11/10:
		return longer / 2 // halving is cheap, and shares its pixels out evenly
	case s.size == large:
		return min(longer, mostLarge)
	case s.size == medium && longer > mostMedium:
		return mostMedium
	case s.size == small && longer > mostSmall:
		return mostSmall
	case s.size == full && longer > mostLarge:
		return longer
	case s.size == double && longer <= mostMedium:
		return 2 * longer
	}
	return 0
}
