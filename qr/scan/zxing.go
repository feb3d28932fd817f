package scan

import (
	"errors"
	"fmt"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// This file and zxing_pack.go are the border to gozxing: how it splits grey into black and white, how it guesses
// encodings, and how it decodes the marks of packs. A panic of it ends here. Its finder stays outside: it tries every three eyes it sees and cannot be stopped, so
// that a carpet of finder patterns kept it busy for hours.

// source shows a plane to gozxing.
type source struct {
	gozxing.LuminanceSourceBase
	plane plane
}

var _ gozxing.LuminanceSource = (*source)(nil)

func newSource(p plane) *source {
	return &source{gozxing.LuminanceSourceBase{Width: p.w, Height: p.h}, p}
}

// GetRow implements gozxing.LuminanceSource.
func (s *source) GetRow(y int, row []byte) ([]byte, error) {
	if y < 0 || y >= s.plane.h {
		return nil, errors.New("scan: no such row")
	}
	return append(row[:0], s.plane.row(y)...), nil
}

// GetMatrix implements gozxing.LuminanceSource.
func (s *source) GetMatrix() []byte { return s.plane.px }

// Invert implements gozxing.LuminanceSource.
func (s *source) Invert() gozxing.LuminanceSource { return newSource(s.plane.negative()) }

func (s *source) String() string { return "scan.source" }

// threshold is how grey becomes black and white.
type threshold uint8

const (
	local  threshold = iota // a threshold for each block of pixels: shadows and lamps
	global                  // one for the whole picture: blur and low contrast, where blocks see only noise
	fine                    // one for each pixel: the edge of a lamp's reflection, where a block is half glare
)

// binarize returns nil when the picture has nothing to split (it is all of one grey).
func binarize(p plane, t threshold) *gozxing.BitMatrix {
	split := gozxing.NewHybridBinarizer
	if t == global {
		split = gozxing.NewGlobalHistgramBinarizer
	}
	var bits *gozxing.BitMatrix
	err := guard(func() (err error) {
		bits, err = split(newSource(p)).GetBlackMatrix()
		return err
	})
	if err != nil {
		return nil
	}
	return bits
}

// guessCharset is for bytes of which a code does not say what they are: the library tells UTF-8, Shift JIS and Latin apart.
func guessCharset(raw []byte) (charset encoding.Encoding) {
	err := guard(func() (err error) {
		charset, err = common.StringUtils_guessCharset(raw, nil)
		return err
	})
	if err != nil || charset == nil {
		return charmap.ISO8859_1
	}
	return charset
}

var errPanic = errors.New("scan: panic")

// guard turns a panic into an error: gozxing indexes by what it reads from the picture.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return f()
}
