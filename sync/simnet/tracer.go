package simnet

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// tracer hashes all that happens, in order: two plays of one seed must come to the same sum. What nobody reads is not
// formatted.
type tracer struct {
	sum uint64
	log io.Writer
	buf []byte
}

func (t *tracer) say(what ...string) {
	t.buf = t.buf[:0]
	for _, s := range what {
		t.buf = append(append(t.buf, s...), ' ')
	}
	t.sum = mix(t.sum, t.buf)
	if t.log != nil {
		fmt.Fprintln(t.log, strings.TrimSuffix(string(t.buf), " "))
	}
}

// mix continues a hash: eight bytes at a time, with the multiplier of splitmix64. Nobody attacks it.
func mix(sum uint64, b []byte) uint64 {
	const multiplier = 0xbf58476d1ce4e5b9
	sum ^= uint64(len(b))
	for ; len(b) >= 8; b = b[8:] {
		sum = (sum ^ binary.LittleEndian.Uint64(b)) * multiplier
		sum ^= sum >> 29
	}
	for _, c := range b {
		sum = (sum ^ uint64(c)) * multiplier
	}
	return sum ^ sum>>32
}

func (t *tracer) bytes(what string, b []byte) {
	t.say(what)
	t.sum = mix(t.sum, b)
	if t.log != nil {
		fmt.Fprintf(t.log, "%s\n", b)
	}
}
