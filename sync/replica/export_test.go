package replica

// Watched returns the server with a witness of its judgements: what the scalar said of an old value, and what the dots.
func Watched(s Server, watch func(unchanged, shown bool)) Server {
	s.watch = watch
	return s
}
