package sheet

import (
	"bytes"
	"encoding/binary"
	"image/jpeg"
)

// The markers of a JPEG (ITU-T T.81, table B.1) that are named here.
const (
	startOfImage = 0xd8
	endOfImage   = 0xd9
	startOfScan  = 0xda
	appJFIF      = 0xe0
	appEXIF      = 0xe1
	appAdobe     = 0xee
)

// bareJPEG writes a JPEG anew from the segments that make the picture. What stands behind its end is left out.
func bareJPEG(file []byte) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(file)))
	out.Write([]byte{0xff, startOfImage})
	var head, body bytes.Buffer // the orientation's block has to come before the rest, and is known only behind it
	orientation := uint16(1)
	scanned := false
	for rest := file[2:]; ; {
		marker, segment, after, ok := nextSegment(rest)
		if !ok {
			return nil, ErrBroken
		}
		rest = after
		switch {
		case marker == endOfImage:
			if !scanned {
				return nil, ErrBroken
			}
			out.Write(head.Bytes())
			out.Write(orientationBlock(orientation))
			out.Write(body.Bytes())
			out.Write([]byte{0xff, endOfImage})
			return out.Bytes(), measured(jpeg.DecodeConfig(bytes.NewReader(out.Bytes())))
		case marker == appJFIF && bytes.HasPrefix(segment, []byte("JFIF\x00")) && len(segment) >= 14:
			if head.Len() == 0 {
				writeSegment(&head, marker, append(bytes.Clone(segment[:12]), 0, 0)) // without its small copy of the picture
			}
		case marker == appAdobe && bytes.HasPrefix(segment, []byte("Adobe")) && len(segment) >= 12:
			writeSegment(&body, marker, segment[:12]) // how its colours are meant
		case marker == appEXIF && bytes.HasPrefix(segment, []byte("Exif\x00\x00")):
			orientation = orientationOf(segment[6:])
		case makesPicture(marker):
			writeSegment(&body, marker, segment)
		}
		if marker == startOfScan {
			scanned = true
			n := scanLength(rest)
			body.Write(rest[:n])
			rest = rest[n:]
		}
	}
}

// makesPicture reports whether the segment is one of frames, tables, restarts and scans.
func makesPicture(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc8 || marker >= startOfScan && marker <= 0xdf
}

// nextSegment reads a marker and what belongs to it.
func nextSegment(b []byte) (marker byte, segment, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != 0xff {
		return 0, nil, nil, false
	}
	for len(b) > 0 && b[0] == 0xff { // any number of them may fill
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, nil, nil, false
	}
	marker, b = b[0], b[1:]
	switch {
	case marker == endOfImage:
		return marker, nil, b, true
	case marker <= 1 || marker >= 0xd0 && marker <= startOfImage: // none that may stand here
		return 0, nil, nil, false
	case len(b) < 2:
		return 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < 2 || n > len(b) {
		return 0, nil, nil, false
	}
	return marker, b[2:n], b[n:], true
}

func writeSegment(to *bytes.Buffer, marker byte, segment []byte) {
	to.Write([]byte{0xff, marker})
	to.Write(binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2)))
	to.Write(segment)
}

// scanLength is how many bytes of compressed picture follow a scan's header: up to the next marker that is no restart.
func scanLength(b []byte) int {
	for i := 0; i+1 < len(b); i++ {
		if b[i] == 0xff && b[i+1] != 0 && b[i+1] != 0xff && (b[i+1] < 0xd0 || b[i+1] > 0xd7) {
			return i
		}
	}
	return len(b)
}

const orientationTag = 0x0112

// orientationOf reads which side is up from a TIFF header; 1, as it lies, where it does not say.
func orientationOf(tiff []byte) uint16 {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == orientationTag {
			if v := order.Uint16(entries[8:]); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// orientationBlock is an EXIF segment that says which side is up and nothing else; none where the picture is upright.
func orientationBlock(orientation uint16) []byte {
	if orientation == 1 {
		return nil
	}
	tiff := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01")
	tiff = binary.BigEndian.AppendUint16(tiff, orientationTag)
	tiff = append(tiff, 0, 3, 0, 0, 0, 1) // one SHORT
	tiff = binary.BigEndian.AppendUint16(tiff, orientation)
	tiff = append(tiff, 0, 0, 0, 0, 0, 0) // the rest of the value's place, and no other directory
	var out bytes.Buffer
	writeSegment(&out, appEXIF, tiff)
	return out.Bytes()
}
