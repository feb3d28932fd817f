package scan

import (
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// faces are the modules of a code as the samplers saw them: above 0 is dark, below 0 light, and the further from 0 the surer.
type faces struct {
	*layout
	v []float64
}

// at is a module's face; in a mirrored code columns are rows.
func (f faces) at(module int, mirrored bool) float64 {
	if mirrored {
		module = module%f.side*f.side + module/f.side
	}
	return f.v[module]
}

// timing is the share of modules of the two timing lines that alternate as they should: the cheapest proof that the
// version and the net are right, and what keeps junk from the decoder.
func (f faces) timing() float64 {
	n, good := f.side, 0
	for i := 8; i < n-8; i++ {
		black := i%2 == 0
		good += btoi((f.v[6*n+i] > 0) == black) + btoi((f.v[i*n+6] > 0) == black)
	}
	return float64(good) / float64(2*(n-16))
}

// read corrects the codewords and turns them into text.
func (f faces) read() (content, bool) {
	for _, label := range f.labels() {
		if data, ok := f.data(label); ok {
			if c, ok := parse(data, f.version.GetVersionNumber()); ok {
				c.mirrored = label.mirrored
				return c, true
			}
		}
	}
	return content{}, false
}

// unlikely is the logarithm (base 2) of the chance that a correction is one of noise, from which on it is believed: one in a million where
// nothing was given up as lost, less where it was tried many times. Each block has to stand for itself: that the others are sound says
// nothing of one that was seen badly, and one wrong block is a misread. (Reckoned over all blocks together, one of fifteen hundred sharp
// pictures was misread, when a first, slightly crooked net had hit one block.)
const (
	unlikely       = -19.5
	unlikelyPieced = -26
)

// data takes the codewords, corrects them block by block and puts the data together.
func (f faces) data(l label) ([]byte, bool) {
	words, sure := f.words(l)
	blocks := f.version.GetECBlocksForLevel(l.level)
	check := blocks.GetECCodewordsPerBlock()
	var data []byte
	for _, places := range interleaved(blocks, len(words)) {
		block, doubts := make([]byte, len(places)), make([]doubt, len(places))
		for i, at := range places {
			block[i], doubts[i] = words[at], doubt{i, sure[at]}
		}
		if !mend(block, check, doubts) {
			return nil, false
		}
		data = append(data, block[:len(block)-check]...)
	}
	return data, true
}

// doubt is a codeword's place in its block and how sure its least sure bit is.
type doubt struct {
	place int
	sure  float64
}

// mend corrects a block. Where that fails, more and more of the codewords that were seen worst count as lost.
func mend(block []byte, check int, doubts []doubt) bool {
	if wrong, ok := correct(block, check, nil); ok {
		return chance(len(block), check, 0, wrong) <= unlikely
	}
	slices.SortStableFunc(doubts, func(a, b doubt) int {
		switch {
		case a.sure < b.sure:
			return -1
		case a.sure > b.sure:
			return 1
		}
		return 0
	})
	if doubts[0].sure == doubts[len(doubts)-1].sure {
		return false
	}
	const steps = 12 // tries
	step := max(1, check/steps)
	for lost := step; chance(len(block), check, lost, 0) <= unlikelyPieced; lost += step {
		places := make([]int, lost)
		for i := range places {
			places[i] = doubts[i].place
		}
		before := append([]byte(nil), block...)
		if wrong, ok := correct(block, check, places); ok {
			if chance(len(block), check, lost, wrong) <= unlikelyPieced {
				return true
			}
			copy(block, before)
		}
	}
	return false
}

// words are the codewords in the order in which they stand in the code, and how sure each is.
func (f faces) words(l label) (words []byte, sure []float64) {
	words, sure = make([]byte, len(f.bits)/8), make([]float64, len(f.bits)/8)
	for i := range words {
		least := math.Inf(1)
		for bit := range 8 {
			at := int(f.bits[8*i+bit])
			v := f.at(at, l.mirrored)
			dark := v > 0
			if masked(l.mask, at%f.side, at/f.side) {
				dark = !dark
			}
			words[i] = words[i]<<1 | byte(btoi(dark))
			least = min(least, max(v, -v))
		}
		sure[i] = least
	}
	return words, sure
}

// interleaved tells for each block where its codewords are: the first of all blocks, the second of all, and so on; then
// their check codewords likewise. The later blocks may have one data codeword more.
func interleaved(blocks *decoder.ECBlocks, words int) (places [][]int) {
	var sizes []int
	for _, group := range blocks.GetECBlocks() {
		for range group.GetCount() {
			sizes = append(sizes, group.GetDataCodewords())
		}
	}
	places = make([][]int, len(sizes))
	at := 0
	for i := range slices.Max(sizes) {
		for b, size := range sizes {
			if i < size {
				places[b] = append(places[b], at)
				at++
			}
		}
	}
	for ; at < words; at += len(sizes) {
		for b := range sizes {
			places[b] = append(places[b], at+b)
		}
	}
	return places
}
