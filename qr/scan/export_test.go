package scan

// Idle tells whether a picture would be taken at once.
func (r *Reader) Idle() bool { return len(r.workers) < cap(r.workers) }
