package scan

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// codec is how one format is measured and unpacked. The decoders are named here and not found through image.Decode:
// its registry is global, and any package that is linked in could add a format to it.
type codec struct {
	measure func(io.Reader) (image.Config, error)
	decode  func(io.Reader) (image.Image, error)
}

var codecs = map[string]codec{
	"jpeg": {jpeg.DecodeConfig, jpeg.Decode},
	"png":  {png.DecodeConfig, png.Decode},
	"webp": {webp.DecodeConfig, webp.Decode},
}

// unpack measures a picture before it spends memory on it: 300 kB of PNG can claim to be 250 MB of pixels.
func unpack(ctx context.Context, format string, data []byte, maxPixels int) (_ plane, err error) {
	defer func() {
		if r := recover(); r != nil { // the decoders are good, and met every day by pictures made to break them
			err = fmt.Errorf("%w: decoder panicked", ErrDamaged)
		}
	}()
	codec := codecs[format]
	config, err := codec.measure(bytes.NewReader(data))
	if err != nil {
		return plane{}, damaged(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return plane{}, fmt.Errorf("%w: no pixels", ErrDamaged)
	}
	// Compared by division: the product of two hostile sizes may not fit.
	if config.Width > maxPixels/config.Height {
		return plane{}, fmt.Errorf("%w: %d x %d pixels, at most %d in all", ErrTooLarge, config.Width, config.Height, maxPixels)
	}
	// What takes several times the memory while it is unpacked may have half as many.
	if why := heavy(format, data, config.ColorModel); why != "" && config.Width > maxPixels/2/config.Height {
		return plane{}, fmt.Errorf("%w: %d x %d pixels, %s, at most %d in all", ErrTooLarge, config.Width, config.Height, why, maxPixels/2)
	}
	img, err := codec.decode(&interruptible{ctx: ctx, data: data})
	if err != nil {
		return plane{}, damaged(err)
	}
	return greyOf(img), nil
}

// heavy names what makes a picture costly: channels of 16 bit, or a progressive JPEG, of which all coefficients are kept
// until its last scan.
func heavy(format string, data []byte, model color.Model) string {
	switch {
	case model == color.RGBA64Model, model == color.NRGBA64Model, model == color.Gray16Model:
		return "16 bit"
	case format == "jpeg" && progressive(data):
		return "progressive"
	}
	return ""
}

// progressive walks a JPEG's segments up to its frame header.
func progressive(data []byte) bool {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		switch marker := data[at+1]; {
		case marker == 0xff: // padding
			at++
			continue
		case marker == 0xc2:
			return true
		case marker == 0xc0, marker == 0xc1, marker == 0xda:
			return false
		}
		at += 2 + int(data[at+2])<<8 + int(data[at+3])
	}
	return false
}

// damaged keeps the two reasons apart why a decoder stopped: the bytes, or our patience.
func damaged(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: not unpacked in the time allowed", ErrTooLarge)
	}
	if errors.Is(err, context.Canceled) {
		return err
	}
	// The decoders' texts describe the file's structure, never its content.
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// interruptible is the only way to stop a decoder of the standard library: it fails the next read when the time is up.
// It hands out little at a time, because a few bytes can stand for a lot of work (a JPEG of thousands of empty scans).
type interruptible struct {
	ctx  context.Context
	data []byte
}

const mouthful = 256

func (r *interruptible) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data[:min(len(r.data), mouthful)])
	r.data = r.data[n:]
	return n, nil
}
