package prescription

// Digest is a SHA-256: of an idempotency key, or of a request.
type Digest [32]byte

// Answer is what a pharmacy was told, kept for the case that it never heard it.
type Answer struct {
	Request Digest // of what it asked: another request under the same key is a mistake
	Course  Course // without the hold
}
