package scan

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// content is what a code says.
type content struct {
	text     string
	mirrored bool
	part     Part
}

// segments reads the data of a code: pieces in different modes, one after the other.
type segments struct {
	bits    bitReader
	version int
	text    []byte
	part    Part
	raw     []byte            // bytes whose encoding is not settled yet: a letter may stand in two segments
	charset encoding.Encoding // that the code names for its bytes; nil = it names none
	gs1     bool              // % stands for a separator
}

var errContent = errors.New("scan: this is not how a code's data goes")

// The modes, by their four bits.
const (
	modeEnd          = 0
	modeNumeric      = 1
	modeAlphanumeric = 2
	modePart         = 3
	modeByte         = 4
	modeGS1          = 5
	modeECI          = 7
	modeKanji        = 8
	modeIndustry     = 9
	modeHanzi        = 13
)

// lengthBits of the count of characters, for versions to 9, to 26 and to 40.
var lengthBits = map[int][3]int{
	modeNumeric: {10, 12, 14}, modeAlphanumeric: {9, 11, 13}, modeByte: {8, 16, 16}, modeKanji: {8, 10, 12}, modeHanzi: {8, 10, 12},
}

// parse turns corrected data into text.
func parse(data []byte, version int) (content, bool) {
	s := segments{bits: bitReader{data: data}, version: version}
	for s.bits.left() >= 4 {
		mode := s.bits.take(4)
		if mode == modeEnd {
			break
		}
		if mode != modeByte {
			s.settle()
		}
		if s.segment(mode) != nil || s.bits.short {
			return content{}, false
		}
	}
	s.settle()
	return content{text: string(s.text), part: s.part}, len(s.text) > 0
}

func (s *segments) segment(mode int) error {
	switch mode {
	case modePart:
		place := s.bits.take(8)
		s.part = Part{Number: place>>4 + 1, Of: place&15 + 1, Parity: byte(s.bits.take(8))}
		return nil
	case modeGS1:
		s.gs1 = true
		return nil
	case modeIndustry:
		return s.industry(s.bits.take(8))
	case modeECI:
		return s.assign()
	case modeHanzi:
		if s.bits.take(4) != 1 { // the one set of characters that is defined
			return errContent
		}
	}
	class := 0
	if s.version > 9 {
		class++
	}
	if s.version > 26 {
		class++
	}
	lengths, known := lengthBits[mode]
	if !known {
		return errContent
	}
	n := s.bits.take(lengths[class])
	switch mode {
	case modeNumeric:
		return s.numeric(n)
	case modeAlphanumeric:
		return s.alphanumeric(n)
	case modeByte:
		return s.bytes(n)
	case modeKanji:
		return s.pairs(n, 0xc0, [2]int{0x8140, 0xc140}, 0x1f00, japanese.ShiftJIS)
	default:
		return s.pairs(n, 0x60, [2]int{0xa1a1, 0xa6a1}, 0x0a00, simplifiedchinese.GB18030)
	}
}

func (s *segments) numeric(n int) error {
	for n > 0 {
		digits := min(n, 3)
		v := s.bits.take([4]int{0, 4, 7, 10}[digits])
		if v >= [4]int{0, 10, 100, 1000}[digits] || s.bits.short {
			return errContent
		}
		for unit := [4]int{0, 1, 10, 100}[digits]; unit > 0; unit /= 10 {
			s.text = append(s.text, byte('0'+v/unit%10))
		}
		n -= digits
	}
	return nil
}

func (s *segments) alphanumeric(n int) error {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	begin := len(s.text)
	for ; n > 1; n -= 2 {
		v := s.bits.take(11)
		if v >= 45*45 || s.bits.short {
			return errContent
		}
		s.text = append(s.text, letters[v/45], letters[v%45])
	}
	if n == 1 {
		v := s.bits.take(6)
		if v >= 45 {
			return errContent
		}
		s.text = append(s.text, letters[v])
	}
	if s.gs1 {
		s.text = append(s.text[:begin], separated(s.text[begin:])...)
	}
	return nil
}

// separated: in GS1's codes a percent sign is a separator, and two of them are one percent sign.
func separated(text []byte) (out []byte) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] != '%':
			out = append(out, text[i])
		case i+1 < len(text) && text[i+1] == '%':
			out = append(out, '%')
			i++
		default:
			out = append(out, 0x1d)
		}
	}
	return out
}

func (s *segments) bytes(n int) error {
	if 8*n > s.bits.left() {
		return errContent
	}
	for range n {
		s.raw = append(s.raw, byte(s.bits.take(8)))
	}
	return nil
}

// pairs are two-byte characters in 13 bits each: row and cell of a table of which the unused part is left out.
func (s *segments) pairs(n, cells int, from [2]int, second int, charset encoding.Encoding) error {
	if 13*n > s.bits.left() {
		return errContent
	}
	var raw []byte
	for range n {
		v := s.bits.take(13)
		c := v/cells<<8 | v%cells
		if c < second {
			c += from[0]
		} else {
			c += from[1]
		}
		raw = append(raw, byte(c>>8), byte(c))
	}
	text, err := charset.NewDecoder().Bytes(raw)
	s.text = append(s.text, text...)
	return err
}

// industry is a mark of an industry's own convention: two digits or a letter that come before the text.
func (s *segments) industry(mark int) error {
	s.gs1 = true
	if mark >= 100 {
		s.text = append(s.text, byte(mark-100))
		return nil
	}
	s.text = append(s.text, byte('0'+mark/10), byte('0'+mark%10))
	return nil
}

// assign reads which encoding the bytes from here on have. One that nobody here knows is guessed as if none were named.
func (s *segments) assign() error {
	v := s.bits.take(8)
	switch {
	case v&0x80 == 0:
	case v&0xc0 == 0x80:
		v = v&0x3f<<8 | s.bits.take(8)
	case v&0xe0 == 0xc0:
		v = v&0x1f<<16 | s.bits.take(16)
	default:
		return errContent
	}
	s.charset = charsets[v]
	return nil
}

// settle turns the bytes that were collected into text.
func (s *segments) settle() {
	if len(s.raw) == 0 {
		return
	}
	charset := s.charset
	if charset == nil {
		charset = guessCharset(s.raw)
	}
	text, err := charset.NewDecoder().Bytes(s.raw)
	if err != nil || s.charset == nil && !utf8.Valid(s.raw) && containsReplacement(text) {
		// Whatever it is, every byte of it comes through.
		text, _ = charmap.ISO8859_1.NewDecoder().Bytes(s.raw)
	}
	s.text = append(s.text, text...)
	s.raw = s.raw[:0]
}

func containsReplacement(text []byte) bool {
	for _, r := range string(text) {
		if r == utf8.RuneError {
			return true
		}
	}
	return false
}

// bitReader takes bits from the left. Beyond the end it gives zeroes and remembers that it was short.
type bitReader struct {
	data  []byte
	at    int
	short bool
}

func (b *bitReader) left() int { return 8*len(b.data) - b.at }

func (b *bitReader) take(n int) (v int) {
	for range n {
		v <<= 1
		if b.at >= 8*len(b.data) {
			b.short = true
			continue
		}
		v |= int(b.data[b.at/8]>>(7-b.at%8)) & 1
		b.at++
	}
	return v
}
