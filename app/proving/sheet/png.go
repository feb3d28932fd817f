package sheet

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/png"
)

// shown are the chunks of a PNG without which it cannot be shown, or not in its colours.
var shown = map[string]bool{"IHDR": true, "PLTE": true, "tRNS": true, "IDAT": true, "IEND": true, "gAMA": true, "cHRM": true, "sRGB": true}

// barePNG writes a PNG anew from the chunks that make the picture. What stands behind its end is left out.
func barePNG(file []byte) ([]byte, error) {
	out := make([]byte, 0, len(file))
	out = append(out, pngStart...)
	filled := false
	for rest := file[len(pngStart):]; len(rest) >= 12; {
		n := int64(binary.BigEndian.Uint32(rest))
		if n > int64(len(rest)-12) {
			return nil, ErrBroken
		}
		chunk, sum := rest[4:8+n], binary.BigEndian.Uint32(rest[8+n:])
		name := string(chunk[:4])
		switch {
		case shown[name]:
			if crc32.ChecksumIEEE(chunk) != sum {
				return nil, ErrBroken
			}
			out = append(out, rest[:12+n]...)
		case name[0] >= 'A' && name[0] <= 'Z': // it says of itself that it cannot be left out
			return nil, ErrBroken
		}
		filled = filled || name == "IDAT"
		if name == "IEND" {
			if !filled {
				return nil, ErrBroken
			}
			return out, measured(png.DecodeConfig(bytes.NewReader(out)))
		}
		rest = rest[12+n:]
	}
	return nil, ErrBroken
}

// measured judges a picture by what its head says.
func measured(c image.Config, err error) error {
	switch {
	case err != nil || c.Width < 1 || c.Height < 1:
		return ErrBroken
	case int64(c.Width)*int64(c.Height) > maxPixels:
		return ErrSize
	}
	return nil
}
