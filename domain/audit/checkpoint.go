package audit

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Checkpoint says what the whole log is at one time: how many entries it holds, and the hash of the tree over them.
type Checkpoint struct {
	Origin string // whose log
	Size   int64  // entries
	Root   Hash
}

// Text is what is signed: three lines, as the C2SP specification tlog-checkpoint has them.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// ErrCheckpoint says that a text is no checkpoint.
var ErrCheckpoint = errors.New("audit: not a checkpoint")

// ParseCheckpoint undoes Text. Whether the text was signed is for the caller to know.
func ParseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) != 4 {
		return c, ErrCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	root, bad := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || bad != nil || size < 0 || len(root) != len(c.Root) {
		return c, ErrCheckpoint
	}
	c = Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if c.Text() != text {
		return Checkpoint{}, ErrCheckpoint
	}
	return c, nil
}
