package qr

import "fmt"

// base45 of RFC 9285: two bytes become three characters of QR's alphanumeric mode, a last single byte becomes two.

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// digits is the alphabet backwards; -1 = not of it.
var digits = func() (d [256]int8) {
	for i := range d {
		d[i] = -1
	}
	for i := range len(alphabet) {
		d[alphabet[i]] = int8(i)
	}
	return d
}()

func encodeBase45(data []byte) string {
	text := make([]byte, 0, (len(data)+1)/2*3)
	for ; len(data) >= 2; data = data[2:] {
		n := int(data[0])<<8 | int(data[1])
		text = append(text, alphabet[n%45], alphabet[n/45%45], alphabet[n/45/45])
	}
	if len(data) == 1 {
		text = append(text, alphabet[data[0]%45], alphabet[data[0]/45])
	}
	return string(text)
}

// decodeBase45 is strict: lenient decoders read several texts as the same bytes, and a document would have many codes.
func decodeBase45(text string) ([]byte, error) {
	if len(text)%3 == 1 {
		return nil, fmt.Errorf("%w: base45 ends within a group", ErrFormat)
	}
	data := make([]byte, 0, len(text)/3*2+1)
	for i := 0; i < len(text); i += 3 {
		group := text[i:min(i+3, len(text))]
		n, weight := 0, 1
		for j := range len(group) {
			d := digits[group[j]]
			if d < 0 {
				return nil, fmt.Errorf("%w: a character is not of base45", ErrFormat)
			}
			n += int(d) * weight
			weight *= 45
		}
		switch {
		case len(group) == 3 && n <= 0xFFFF:
			data = append(data, byte(n>>8), byte(n))
		case len(group) == 2 && n <= 0xFF:
			data = append(data, byte(n))
		default:
			return nil, fmt.Errorf("%w: a base45 group is out of range", ErrFormat)
		}
	}
	return data, nil
}

// DecodeBase45 reads base45 strictly (RFC 9285). It is for the readers of other formats, too.
func DecodeBase45(text string) ([]byte, error) { return decodeBase45(text) }
