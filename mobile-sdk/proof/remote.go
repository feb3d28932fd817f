package proof

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/medcard/medcard/domain/audit"
)

// Remote is a server whose log somebody verifies from outside: with its open routes, and nothing else.
type Remote struct {
	URL  string       // of the server, without a slash at the end
	HTTP *http.Client // with a timeout
}

// State is what a verifier keeps between two times. With it the next time begins where this one ended.
type State struct {
	Key        string   `json:"key"`             // of the log, that which signed the checkpoint
	First      string   `json:"first,omitempty"` // the key that was believed at the first time, if that has handed over since
	Checkpoint string   `json:"checkpoint"`      // signed; the last that was verified; "" = none
	Size       int64    `json:"size"`            // of the tree
	Whole      [][]byte `json:"whole"`           // what the tree needs to grow
}

// ErrTree says that the hashes that the server gives out do not make the tree that it signed.
var ErrTree = errors.New("proof: the hashes of the audit log do not make the tree of its checkpoint")

// ErrState says that what was kept is damaged.
var ErrState = errors.New("proof: what was kept of the audit log cannot be read")

// ErrServer says that the server could not be asked.
var ErrServer = errors.New("proof: the server cannot be asked for its audit log")

const (
	hashSize = len(audit.Hash{})
	maxPage  = 4096 * hashSize // of hashes
	maxText  = 64 << 10        // of anything else
	maxKeys  = 1 << 20         // of keys and handovers
)

// Key asks for the key of the log. To believe it is to believe the server this once.
func (r Remote) Key(ctx context.Context) (string, error) {
	text, err := r.get(ctx, "/v1/audit/key", nil, maxText)
	if err != nil {
		return "", err
	}
	var a logKeys
	if json.Unmarshal(text, &a) != nil || a.Key == "" {
		return "", fmt.Errorf("%w: it names no key", ErrServer)
	}
	return a.Key, nil
}

// logKeys is what a server says of the log's keys.
type logKeys struct {
	Key       string   `json:"key"`
	Handovers []string `json:"handovers"`
}

// open reads a checkpoint, believing the key and those to which it handed over, for which the server is asked only if it must be.
func (r Remote) open(ctx context.Context, key string, signed []byte) (c audit.Checkpoint, by string, err error) {
	if c, err = Open(key, signed); !errors.Is(err, ErrSignature) {
		return c, key, err
	}
	text, bad := r.get(ctx, "/v1/audit/key", nil, maxKeys)
	if bad != nil {
		return c, key, bad
	}
	var a logKeys
	if json.Unmarshal(text, &a) != nil {
		return c, key, err
	}
	return OpenFollowing(key, a.Handovers, signed)
}

// Verify reads the hashes that came since the state, recomputes the tree, and holds it against the checkpoint that the server signed. It gives the
// state to keep. ErrSignature, ErrForked, ErrTree, ErrServer.
func (r Remote) Verify(ctx context.Context, s State, step func(done, total int64)) (audit.Checkpoint, State, error) {
	tree, err := s.tree()
	if err != nil {
		return audit.Checkpoint{}, s, err
	}
	signed, err := r.get(ctx, "/v1/audit/checkpoint", nil, maxText)
	if err != nil {
		return audit.Checkpoint{}, s, err
	}
	now, by, err := r.open(ctx, s.Key, signed)
	switch {
	case err != nil:
		return now, s, err
	case now.Size < tree.Size():
		return now, s, fmt.Errorf("%w: it had %d entries and has %d", ErrForked, tree.Size(), now.Size)
	}
	for tree.Size() < now.Size {
		page, err := r.get(ctx, "/v1/audit/leaves", url.Values{"from": {strconv.FormatInt(tree.Size(), 10)}}, maxPage)
		if err != nil {
			return now, s, err
		}
		if len(page) == 0 || len(page)%hashSize != 0 {
			return now, s, ErrTree
		}
		for ; len(page) > 0 && tree.Size() < now.Size; page = page[hashSize:] {
			tree.Add(audit.Hash(page))
		}
		step(tree.Size(), now.Size)
	}
	if tree.Root() != now.Root {
		if s.Size > 0 { // the hashes may make the tree of a log that is no continuation
			return now, s, fmt.Errorf("%w, or not of one that continues what was kept", ErrTree)
		}
		return now, s, ErrTree
	}
	return now, s.Next(by, string(signed), tree), nil
}

// Next is what to keep after the state, of a tree that is the one of the checkpoint which the key signed.
func (s State) Next(key, signed string, tree *Tree) State {
	next := State{Key: key, First: s.First, Checkpoint: signed, Size: tree.Size(), Whole: tree.kept()}
	if next.First == "" && s.Key != key {
		next.First = s.Key
	}
	return next
}

// tree takes up the tree of the state, which must be that of its checkpoint.
func (s State) tree() (*Tree, error) {
	tree := &Tree{size: s.Size}
	if s.Checkpoint == "" && s.Size == 0 {
		return tree, nil
	}
	for _, b := range s.Whole {
		if len(b) != hashSize {
			return nil, ErrState
		}
		tree.whole = append(tree.whole, [hashSize]byte(b))
	}
	then, err := Open(s.Key, []byte(s.Checkpoint))
	if err != nil || then.Size != s.Size || then.Root != tree.Root() {
		return nil, ErrState
	}
	return tree, nil
}

// Kept is the checkpoint of the state; the zero one when there is none.
func (s State) Kept() (audit.Checkpoint, error) {
	if s.Checkpoint == "" {
		return audit.Checkpoint{}, nil
	}
	if _, err := s.tree(); err != nil {
		return audit.Checkpoint{}, err
	}
	return Open(s.Key, []byte(s.Checkpoint))
}

func (t *Tree) kept() [][]byte {
	out := make([][]byte, len(t.whole))
	for i := range t.whole {
		out[i] = t.whole[i][:]
	}
	return out
}

func (r Remote) get(ctx context.Context, path string, query url.Values, most int) ([]byte, error) {
	address := r.URL + path
	if query != nil {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	res, err := r.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	case res.StatusCode == http.StatusGone: // it says itself that hashes are gone
		return nil, ErrTree
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%w: %s %s", ErrServer, path, res.Status)
	case len(body) > most:
		return nil, fmt.Errorf("%w: %s is too long", ErrServer, path)
	}
	return body, nil
}
