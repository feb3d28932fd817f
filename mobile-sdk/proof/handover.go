package proof

import (
	"golang.org/x/mod/sumdb/note"

	"github.com/medcard/medcard/domain/audit"
)

// maxHandovers bounds how many statements of a server are looked at: one a year is many.
const maxHandovers = 1000

// Chain gives the keys that may sign a log's checkpoints for who believes the first of them: itself, and those that took over from one another by
// the statements, the oldest first. A statement counts if the last of the keys has signed it, and the one that it names has; all others are passed over.
func Chain(key string, handovers []string) []string {
	chain := []string{key}
	for _, signed := range handovers[:min(len(handovers), maxHandovers)] {
		if next, ok := successor(chain[len(chain)-1], signed); ok {
			chain = append(chain, next)
		}
	}
	return chain
}

// successor gives the key to which a key handed over.
func successor(key, signed string) (next string, ok bool) {
	text, ok := signedBy(key, signed)
	if !ok {
		return "", false
	}
	h, err := audit.ParseHandover(text)
	if err != nil || h.Key == key {
		return "", false
	}
	old, err := note.NewVerifier(key)
	if err != nil || h.At.Origin != old.Name() {
		return "", false
	}
	young, err := note.NewVerifier(h.Key)
	if err != nil || young.Name() != old.Name() {
		return "", false
	}
	_, ok = signedBy(h.Key, signed)
	return h.Key, ok
}

func signedBy(key, signed string) (text string, ok bool) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", false
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return "", false
	}
	return opened.Text, true
}

// OpenFollowing is Open for who believed the key before it may have handed over: it gives the key, of the chain, that signed the checkpoint.
func OpenFollowing(key string, handovers []string, signed []byte) (c audit.Checkpoint, by string, err error) {
	for _, by = range Chain(key, handovers) {
		if c, err = Open(by, signed); err == nil {
			return c, by, nil
		}
	}
	return audit.Checkpoint{}, "", err // of the last
}
