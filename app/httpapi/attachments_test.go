package httpapi

import (
	"testing"
)

// Whatever stands in a Range header, what is sent lies within the file, or the answer is 416.
func FuzzReadRange(f *testing.F) {
	for _, seed := range []string{"", "bytes=0-9", "bytes=5-", "bytes=-7", "bytes=9-5", "bytes=-0", "bytes= 1-2", "BYTES=1-2", "bytes=1-2,3-4", "pages=1-2", "bytes=99999999999999999999-", "bytes=--1"} {
		f.Add(seed, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		if size < 1 {
			return
		}
		from, to, partial, err := readRange(header, size)
		switch {
		case err != nil:
			if partial {
				t.Errorf("%q of %d: a part, and an error", header, size)
			}
		case from < 0 || to > size || from >= to:
			t.Errorf("%q of %d: %d to %d", header, size, from, to)
		case !partial && (from != 0 || to != size):
			t.Errorf("%q of %d: all of it is %d to %d", header, size, from, to)
		}
	})
}

func TestAddressesOfRoutes(t *testing.T) {
	r := Route{Path: "/v1/cards/{card}/uploads/{hash}"}
	for path, leads := range map[string]bool{
		"/v1/cards/a/uploads/b": true, "/v1/cards//uploads/": true, "/v1/cards/a/uploads": false, "/v1/cards/a/uploads/b/c": false, "/v1/cards/a/downloads/b": false, "": false, "/": false,
	} {
		if r.leads(path) != leads {
			t.Errorf("%q leads there: %v", path, !leads)
		}
	}
}
