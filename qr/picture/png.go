package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"io"
	"sync"
)

// The PNG is written by hand: one bit a pixel, and of the rows that a module is high each but the first says that it is like the one
// above. Package image/png looks at every pixel by itself, and its compressor's tables cost more than the code; here they are kept.

// filterUp says that a row holds its difference to the one above; 0 says that it holds itself.
const filterUp = 2

var compressors = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, zlib.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// PNG writes the code with its frame, so many pixels a module.
func (c Code) PNG(w io.Writer, pixels int) error {
	if pixels < 1 || pixels > 64 {
		return ErrScale
	}
	side := (c.Size() + 2*Quiet) * pixels
	data, err := c.rows(pixels, side)
	if err != nil {
		return err
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(side)) // below 2^14
	header = binary.BigEndian.AppendUint32(header, uint32(side))
	header = append(header, 1, 0, 0, 0, 0) // one bit of grey, not interlaced

	out := bytes.NewBuffer(make([]byte, 0, len(data)+64))
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk(out, "IHDR", header)
	chunk(out, "IDAT", data)
	chunk(out, "IEND", nil)
	_, err = w.Write(out.Bytes())
	return err
}

func chunk(out *bytes.Buffer, name string, data []byte) {
	start := out.Len() + 4
	out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data)))) // well below 2^32
	out.WriteString(name)
	out.Write(data)
	out.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(out.Bytes()[start:])))
}

// rows is the compressed picture.
func (c Code) rows(pixels, side int) ([]byte, error) {
	var packed bytes.Buffer
	z := compressors.Get().(*zlib.Writer)
	defer compressors.Put(z)
	z.Reset(&packed)
	row, same := make([]byte, 1+(side+7)/8), make([]byte, 1+(side+7)/8)
	same[0] = filterUp
	for y := -Quiet; y < c.Size()+Quiet; y++ {
		c.row(row[1:], y, pixels)
		if _, err := z.Write(row); err != nil {
			return nil, err
		}
		for range pixels - 1 {
			if _, err := z.Write(same); err != nil {
				return nil, err
			}
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// row draws a row of modules one pixel high: white bits are set.
func (c Code) row(bits []byte, y, pixels int) {
	for i := range bits {
		bits[i] = 0xff
	}
	for x := range c.Size() {
		if !c.Dark(x, y) {
			continue
		}
		for at := (x + Quiet) * pixels; at < (x+Quiet+1)*pixels; at++ {
			bits[at/8] &^= 0x80 >> (at % 8)
		}
	}
}
