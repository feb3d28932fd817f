package card

// Attachment names a file that belongs to a fact: a scan, a picture, a letter. The record carries the name only. The bytes lie beside
// the records, under their hash, and are fetched when somebody wants to see them.
type Attachment struct {
	Title       string
	ContentType string // as the sender says; nobody has looked whether the bytes are that
	Language    string
	Size        int // bytes
	Created     Date
	Hash        Hash // "" where the source named an address and sent no bytes
}

// Hash is the SHA-256 of a file's bytes, in lower-case hex.
type Hash string

// Plausible reports whether it is written like one.
func (h Hash) Plausible() bool {
	if len(h) != 64 {
		return false
	}
	for _, r := range h {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

// Upload is how far a person's upload of a file got.
type Upload struct {
	Size, Arrived int64 // bytes
	Complete      bool
	Sum           []byte // the hash in the middle of its work
}
