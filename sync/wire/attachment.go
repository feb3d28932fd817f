package wire

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Files travel apart from records. A record names a file by the hash of its content, the SHA-256 in lower-case hex: in whatever
// atom, the member "hash" of an object. The engine knows no more of files than that, and moves none.
const (
	MaxAttachment   = 32 << 20  // bytes of one file
	AttachmentChunk = 256 << 10 // bytes of one piece of an upload; the last one may be shorter
)

// Upload is how far an upload got. The phone goes on at Offset.
type Upload struct {
	Offset   int64 `json:"offset"`
	Complete bool  `json:"complete"`
}

// NamedIn lists the hashes that a value names, each once. The value is compact JSON, as all values are that were read here: then no
// text inside of it can look like the member, because a quote in a text is escaped.
func NamedIn(value json.RawMessage) (hashes []string) {
	for rest := []byte(value); ; {
		at := bytes.Index(rest, hashMember)
		if at < 0 {
			return hashes
		}
		rest = rest[at+len(hashMember):]
		if len(rest) <= hashLength || rest[hashLength] != '"' || !isHash(rest[:hashLength]) {
			continue
		}
		if hash := string(rest[:hashLength]); !slices.Contains(hashes, hash) {
			hashes = append(hashes, hash)
		}
	}
}

var hashMember = []byte(`"hash":"`)

const hashLength = 64

func isHash(text []byte) bool {
	for _, b := range text {
		if (b < '0' || b > '9') && (b < 'a' || b > 'f') {
			return false
		}
	}
	return true
}
