package scanning

import (
	"errors"
	"time"

	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/qr/scan"
)

// What can be wrong with a picture. That it holds no readable code is an answer and not a fault.
var (
	ErrFormat   = fault.New(fault.Unsupported, "scan.format", "Send the photo as JPEG, PNG or WebP.")
	ErrTooLarge = fault.New(fault.TooLarge, "scan.too_large", "The photo is over the limit of bytes or pixels: send a smaller one.")
	ErrDamaged  = fault.New(fault.Malformed, "scan.damaged", "The photo is damaged or was cut off: send it again.")
	ErrBusy     = fault.New(fault.Unavailable, "scan.busy", "Too many photos are being read at the moment: send it again in a few seconds.")
)

func translate(err error) error {
	var unsupported *scan.UnsupportedError
	switch {
	case errors.As(err, &unsupported):
		f := ErrFormat.Because(err)
		if unsupported.Format != "" { // known: the hint helps more than the rule
			f.Text = "This is " + formatNames[unsupported.Format] + "; " + unsupported.Hint + "."
		}
		return f
	case errors.Is(err, scan.ErrTooLarge):
		return ErrTooLarge.Because(err)
	case errors.Is(err, scan.ErrDamaged):
		return ErrDamaged.Because(err)
	case errors.Is(err, scan.ErrBusy):
		return ErrBusy.Because(err).After(3 * time.Second)
	}
	return err
}

var formatNames = map[string]string{
	"heic":  "a HEIC photo",
	"avif":  "an AVIF picture",
	"video": "a video",
	"pdf":   "a PDF document",
	"gif":   "a GIF picture",
	"bmp":   "a BMP picture",
	"tiff":  "a TIFF picture",
	"svg":   "an SVG drawing",
}
