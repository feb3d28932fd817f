package attaching

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/medcard/medcard/domain/card"
)

// The hash is carried on from piece to piece and over restarts, so that nothing is read twice.
func TestTheHashIsCarriedOn(t *testing.T) {
	for _, size := range []int{1, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 77} {
		content := bytes.Repeat([]byte{1, 2, 3, 5, 7, 11, 13}, size/7+1)[:size]
		sum := sha256.Sum256(content)
		in := Piece{Hash: card.Hash(hex.EncodeToString(sum[:])), Length: int64(size)}
		var u card.Upload
		for at := 0; at < size; at += piece {
			in.Offset, in.Content = int64(at), content[at:min(at+piece, size)]
			next, right, err := add(u, in)
			if err != nil || !right || next.Arrived != int64(min(at+piece, size)) || next.Complete != (next.Arrived == int64(size)) {
				t.Fatalf("%d bytes at %d: %+v, %v, %v", size, at, next, right, err)
			}
			u = next
		}
		if !u.Complete {
			t.Errorf("%d bytes are not complete", size)
		}
	}
}

func TestWhatIsNotTheFile(t *testing.T) {
	sum := sha256.Sum256([]byte("the file"))
	in := Piece{Hash: card.Hash(hex.EncodeToString(sum[:])), Length: 8, Content: []byte("the file")}
	if next, right, err := add(card.Upload{}, in); err != nil || !right || !next.Complete {
		t.Fatalf("the file itself: %+v, %v, %v", next, right, err)
	}
	in.Content = []byte("the vile")
	if _, right, err := add(card.Upload{}, in); err != nil || right {
		t.Errorf("another file: %v, %v", right, err)
	}
	// The state of a hash that this version cannot read: the upload starts anew, and does not fail for ever.
	in = Piece{Hash: in.Hash, Length: piece + 1, Offset: piece, Content: []byte("x")}
	for _, state := range [][]byte{nil, []byte("sha\x99"), bytes.Repeat([]byte{0}, 108)} {
		if _, right, err := add(card.Upload{Size: piece + 1, Arrived: piece, Sum: state}, in); err != nil || right {
			t.Errorf("state %x: %v, %v", state, right, err)
		}
	}
}
