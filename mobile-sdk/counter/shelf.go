package counter

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/trust"
)

const (
	keysFile    = "keys.cose"
	handledFile = "handled.json"
	floorFile   = "floor.json"
	etagSuffix  = ".etag"
)

func statusFile(list uint32) string { return fmt.Sprintf("status-%d.cose", list) }

// shelf is the folder. It keeps signed bytes as they came, so that opening it again proves them again.
type shelf struct{ dir string }

func openShelf(dir string) (shelf, error) {
	if dir == "" {
		return shelf{}, errors.New("counter: name a folder")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return shelf{}, fmt.Errorf("counter: %w", err)
	}
	return shelf{dir: dir}, nil
}

func (s shelf) read(name string) ([]byte, bool) {
	data, err := os.ReadFile(filepath.Join(s.dir, name))
	return data, err == nil
}

func (s shelf) statusFiles() (names []string) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "status-") && strings.HasSuffix(e.Name(), ".cose") {
			names = append(names, e.Name())
		}
	}
	return names
}

// dropStatusBut removes the status lists that are not wanted any more: their papers are over, or they are of another region.
func (s shelf) dropStatusBut(wanted []uint32, drop func(uint32)) {
	for _, name := range s.statusFiles() {
		var n uint32
		if _, err := fmt.Sscanf(name, "status-%d.cose", &n); err != nil || slices.Contains(wanted, n) {
			continue
		}
		drop(n)
		// What cannot be removed is in nobody's way: it is dropped again at the next refresh.
		_ = os.Remove(filepath.Join(s.dir, name))
		_ = os.Remove(filepath.Join(s.dir, name+etagSuffix))
	}
}

// readFloor reads how new what was held once was. A floor that is damaged is none: what is held says it too.
func (s shelf) readFloor() (f trust.Floor) {
	data, ok := s.read(floorFile)
	if !ok || json.Unmarshal(data, &f) != nil {
		return trust.Floor{}
	}
	return f
}

func (s shelf) writeFloor(f trust.Floor) error {
	data, err := json.Marshal(f)
	if err != nil {
		return err
	}
	return s.put(floorFile, data)
}

// etag is the server's tag of what lies under the name. It is kept with a hash of the content: a file that was damaged or exchanged
// has no tag and is fetched anew.
func (s shelf) etag(name string) string {
	tag, ok := s.read(name + etagSuffix)
	data, ok2 := s.read(name)
	if !ok || !ok2 {
		return ""
	}
	hash, etag, _ := strings.Cut(string(tag), " ")
	if hash != hashOf(data) {
		return ""
	}
	return etag
}

func (s shelf) write(name string, data []byte, etag string) error {
	if err := s.put(name, data); err != nil {
		return err
	}
	return s.put(name+etagSuffix, []byte(hashOf(data)+" "+etag))
}

func hashOf(data []byte) string { h := sha256.Sum256(data); return hex.EncodeToString(h[:]) }

// put replaces a file whole: after a crash there is the old one or the new one.
func (s shelf) put(name string, data []byte) error {
	f, err := os.CreateTemp(s.dir, name+".new-")
	if err != nil {
		return fmt.Errorf("counter: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		return fmt.Errorf("counter: %w", err)
	}
	return nil
}

func (s shelf) readHandled() map[qr.TokenID]time.Time {
	handled := map[qr.TokenID]time.Time{}
	data, ok := s.read(handledFile)
	var stored map[string]time.Time
	if !ok || json.Unmarshal(data, &stored) != nil {
		return handled // it only adds an early warning; the server knows
	}
	for text, until := range stored {
		if id, err := hex.DecodeString(text); err == nil && len(id) == len(qr.TokenID{}) {
			handled[qr.TokenID(id)] = until
		}
	}
	return handled
}

func (s shelf) writeHandled(handled map[qr.TokenID]time.Time) error {
	stored := make(map[string]time.Time, len(handled))
	for id, until := range handled {
		stored[hex.EncodeToString(id[:])] = until
	}
	data, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	return s.put(handledFile, data)
}
