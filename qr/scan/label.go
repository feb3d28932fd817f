package scan

import (
	"cmp"
	"slices"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// label is the format information of a code: how much redundancy it has, and which mask lies over it.
type label struct {
	level    decoder.ErrorCorrectionLevel
	mask     int
	mirrored bool
	score    float64 // of how well the modules say so: 1 is all of them, surely
}

var levels = [4]decoder.ErrorCorrectionLevel{
	decoder.ErrorCorrectionLevel_M, decoder.ErrorCorrectionLevel_L, decoder.ErrorCorrectionLevel_H, decoder.ErrorCorrectionLevel_Q,
}

// labelWords are the 32 words that a format can be.
var labelWords = func() (words [32]int) {
	for i := range words {
		words[i] = checked(i, 0x537, 10) ^ 0x5412
	}
	return words
}()

const (
	// Two words differ in seven of their fifteen bits at least, so three wrong ones leave a score of 0.6; with two copies
	// that damage hit in different places less is enough.
	labelEnough = 0.45
	maxLabels   = 2
)

// labels are the formats that the modules can mean, the likeliest first. Each of the two copies counts alone as well: one
// may lie under a thumb.
func (f faces) labels() (found []label) {
	places := f.layout.labels()
	for i, word := range labelWords {
		for _, mirrored := range [2]bool{false, true} {
			var score [2]float64
			for c, copy := range places {
				agree, all := 0.0, 0.0
				for bit, at := range copy {
					v := f.at(at, mirrored)
					agree += v * float64(2*(word>>bit&1)-1)
					all += max(v, -v)
				}
				score[c] = agree / max(all, 1e-9)
			}
			best := max(score[0], score[1], (score[0]+score[1])/2+0.15)
			if best >= labelEnough {
				found = append(found, label{levels[i>>3], i & 7, mirrored, best})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b label) int { return cmp.Compare(b.score, a.score) })
	return found[:min(len(found), maxLabels)]
}
