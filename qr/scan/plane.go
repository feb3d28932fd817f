package scan

import (
	"image"
	"image/color"
)

// plane is a picture's brightness: 0 is black, 255 white, rows of exactly w bytes.
type plane struct {
	w, h int
	px   []byte
}

func newPlane(w, h int) plane { return plane{w, h, make([]byte, w*h)} }

func (p plane) row(y int) []byte { return p.px[y*p.w : (y+1)*p.w : (y+1)*p.w] }

// greyOf takes the brightness out of a decoded picture. What is transparent counts as white paper.
func greyOf(img image.Image) plane {
	bounds := img.Bounds()
	out := newPlane(bounds.Dx(), bounds.Dy())
	switch img := img.(type) {
	case *image.YCbCr: // nearly every photo: the brightness is there already
		copyRows(out, img.Y, img.YStride)
	case *image.Gray: // decoders pad its rows, so it is not one run of bytes
		copyRows(out, img.Pix, img.Stride)
	case *image.Gray16:
		out.fill(func(x, y int) byte { return img.Pix[y*img.Stride+2*x] })
	case *image.Paletted:
		greyOfPalette(out, img)
	case *image.RGBA: // premultiplied: what is missing to full opacity is white
		out.fill(func(x, y int) byte {
			p := img.Pix[y*img.Stride+4*x:]
			return byte(luma(p[0], p[1], p[2]) + 255 - int(p[3]))
		})
	case *image.NRGBA:
		out.fill(func(x, y int) byte {
			p := img.Pix[y*img.Stride+4*x:]
			return onWhite(luma(p[0], p[1], p[2]), p[3])
		})
	case *image.NYCbCrA:
		out.fill(func(x, y int) byte {
			return onWhite(int(img.Y[y*img.YStride+x]), img.A[y*img.AStride+x])
		})
	case *image.NRGBA64: // big endian: every second byte is the high one
		out.fill(func(x, y int) byte {
			p := img.Pix[y*img.Stride+8*x:]
			return onWhite(luma(p[0], p[2], p[4]), p[6])
		})
	case *image.CMYK:
		out.fill(func(x, y int) byte {
			p := img.Pix[y*img.Stride+4*x:]
			r, g, b := color.CMYKToRGB(p[0], p[1], p[2], p[3])
			return byte(luma(r, g, b))
		})
	default:
		out.fill(func(x, y int) byte { return greyOfColor(img.At(bounds.Min.X+x, bounds.Min.Y+y)) })
	}
	return out
}

func (p plane) fill(at func(x, y int) byte) {
	for y := range p.h {
		row := p.row(y)
		for x := range row {
			row[x] = at(x, y)
		}
	}
}

func copyRows(out plane, px []byte, stride int) {
	for y := range out.h {
		copy(out.row(y), px[y*stride:])
	}
}

// greyOfPalette looks each colour up once. An index beyond the palette is white: a damaged picture is not a crash.
func greyOfPalette(out plane, img *image.Paletted) {
	var table [256]byte
	for i := range table {
		table[i] = 255
		if i < len(img.Palette) {
			table[i] = greyOfColor(img.Palette[i])
		}
	}
	out.fill(func(x, y int) byte { return table[img.Pix[y*img.Stride+x]] })
}

func greyOfColor(c color.Color) byte {
	r, g, b, a := c.RGBA()
	return byte(luma(byte(r>>8), byte(g>>8), byte(b>>8)) + 255 - int(a>>8))
}

// luma is BT.601 in sixteenths of a thousandth, the weights JPEG itself uses.
func luma(r, g, b byte) int {
	return (19595*int(r) + 38470*int(g) + 7471*int(b)) >> 16
}

func onWhite(grey int, alpha byte) byte {
	return byte((grey*int(alpha) + 255*(255-int(alpha))) / 255)
}

// crop copies a part out.
func (p plane) crop(left, top, w, h int) plane {
	out := newPlane(w, h)
	for y := range h {
		copy(out.row(y), p.row(top + y)[left:left+w])
	}
	return out
}

// negative turns black into white.
func (p plane) negative() plane {
	out := newPlane(p.w, p.h)
	for i, v := range p.px {
		out.px[i] = 255 - v
	}
	return out
}
