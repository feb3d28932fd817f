package scan

import (
	"sync"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
)

// layout says what stands where in the codes of one version.
type layout struct {
	version *decoder.Version
	side    int
	known   []int8  // by module: 1 is always dark, -1 always light, 0 is for the code to say
	bits    []int32 // the modules of the codewords' bits, in order
}

var layouts [41]func() *layout

func init() {
	for number := 1; number <= 40; number++ {
		layouts[number] = sync.OnceValue(func() *layout { return newLayout(number) })
	}
}

func newLayout(number int) *layout {
	version, err := decoder.Version_GetVersionForNumber(number)
	if err != nil { // 1 to 40 exist
		panic(err)
	}
	l := &layout{version: version, side: version.GetDimensionForVersion()}
	n := l.side
	l.known = make([]int8, n*n)
	taken := make([]bool, n*n) // also by what is not known: format
	set := func(x, y int, dark bool) {
		if x >= 0 && y >= 0 && x < n && y < n {
			taken[y*n+x] = true
			l.known[y*n+x] = sign(dark)
		}
	}
	for i := range n {
		set(i, 6, i%2 == 0)
		set(6, i, i%2 == 0)
	}
	centres := version.GetAlignmentPatternCenters()
	for i, y := range centres {
		for j, x := range centres {
			last := len(centres) - 1
			if i == 0 && j == 0 || i == 0 && j == last || i == last && j == 0 {
				continue // an eye is there
			}
			for d := range 25 {
				dx, dy := d%5-2, d/5-2
				set(x+dx, y+dy, max(dx, -dx, dy, -dy) != 1)
			}
		}
	}
	for _, eye := range [3][2]int{{3, 3}, {n - 4, 3}, {3, n - 4}} {
		for d := range 81 { // with the white line around it
			dx, dy := d%9-4, d/9-4
			ring := max(dx, -dx, dy, -dy)
			set(eye[0]+dx, eye[1]+dy, ring != 2 && ring != 4)
		}
	}
	if number >= 7 {
		word := checked(number, 0x1f25, 12)
		for i := range 18 {
			a, b := n-11+i%3, i/3
			set(a, b, word>>i&1 == 1)
			set(b, a, word>>i&1 == 1)
		}
	}
	for _, places := range l.labels() {
		for _, at := range places {
			taken[at] = true
		}
	}
	taken[(n-8)*n+8] = true // always dark, but not in a mirrored code
	for right := n - 1; right > 0; right -= 2 {
		if right == 6 { // the column of the timing line
			right--
		}
		for i := range n {
			y := i
			if (right+1)&2 == 0 {
				y = n - 1 - i
			}
			for _, x := range [2]int{right, right - 1} {
				if !taken[y*n+x] {
					l.bits = append(l.bits, int32(y*n+x))
				}
			}
		}
	}
	l.bits = l.bits[:8*version.GetTotalCodewords()]
	return l
}

func sign(dark bool) int8 {
	if dark {
		return 1
	}
	return -1
}

// checked appends the redundancy by which a version or a format is recognised.
func checked(value, generator, bits int) int {
	rest := value
	for range bits {
		rest <<= 1
		if rest>>bits&1 == 1 {
			rest ^= generator
		}
	}
	return value<<bits | rest
}

// labels are the modules of the two copies of the format, the lowest bit first.
func (l *layout) labels() (copies [2][15]int) {
	n := l.side
	for i := range 15 {
		var x, y int
		switch {
		case i < 6:
			x, y = 8, i
		case i < 8:
			x, y = 8, i+1
		case i == 8:
			x, y = 7, 8
		default:
			x, y = 14-i, 8
		}
		copies[0][i] = y*n + x
		if i < 8 {
			x, y = n-1-i, 8
		} else {
			x, y = 8, n-15+i
		}
		copies[1][i] = y*n + x
	}
	return copies
}

// masked tells whether a mask turns a module around.
func masked(mask, x, y int) bool {
	switch mask {
	case 0:
		return (x+y)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (x+y)%3 == 0
	case 4:
		return (x/3+y/2)%2 == 0
	case 5:
		return x*y%2+x*y%3 == 0
	case 6:
		return (x*y%2+x*y%3)%2 == 0
	}
	return ((x+y)%2+x*y%3)%2 == 0
}
