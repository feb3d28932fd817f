package words

import (
	"strings"
	"sync"
)

// memo remembers the forms of words: a card says the same few hundred again and again, and a stemmer is most of what indexing costs.
type memo struct {
	mu    sync.Mutex
	known map[string][]string
}

// capacity bounds the memory. A full memo starts anew, which is as good as any order of leaving.
const capacity = 2000

var remembered = memo{known: map[string][]string{}}

// forms are the token's; the caller does not change them.
func (m *memo) forms(t token) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	forms, ok := m.known[t.text]
	if !ok {
		forms = t.forms()
		if len(m.known) >= capacity {
			clear(m.known)
		}
		if len(t.text) <= 4*maxWord { // else a text without spaces would be kept whole
			m.known[strings.Clone(t.text)] = forms
		}
	}
	return forms
}
