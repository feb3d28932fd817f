package cardsync

import (
	"encoding/json"
	"mime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/sync/wire"
)

// What a person may attach to one record.
const (
	MaxFiles = 10 // of one record
	maxTitle = 200
	maxType  = 100
)

// Files writes a list of attachments down as an atom; none of them is a value too: they were taken away.
func Files(list []card.Attachment) json.RawMessage { return encode(list) }

func withFiles(atoms map[string]json.RawMessage, list []card.Attachment) map[string]json.RawMessage {
	if len(list) > 0 {
		atoms[AtomFiles] = Files(list)
	}
	return atoms
}

func readFiles(atoms map[string]json.RawMessage) (list []card.Attachment, err error) {
	if value, ok := atoms[AtomFiles]; ok {
		err = decode(value, &list, lenient)
	}
	return list, err
}

// plausibleFiles holds what a phone says of its attachments against what the server would ever take. Each has bytes: a person has
// nothing to name an address with.
func plausibleFiles(list []card.Attachment) bool {
	seen := map[card.Hash]bool{}
	for _, a := range list {
		if seen[a.Hash] || !a.Hash.Plausible() || a.Size < 1 || a.Size > wire.MaxAttachment || !plainText(a.Title, maxTitle) || !mediaType(a.ContentType) ||
			a.Language != "" || a.Created != "" && (len(a.Created) > 64 || a.Created.Precision() == card.Unknown) {
			return false
		}
		seen[a.Hash] = true
	}
	return len(list) <= MaxFiles
}

// plainText is one line: a title that turns the direction of writing could make "fdp.exe" of an "exe.pdf".
func plainText(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	})
}

func mediaType(s string) bool {
	if s == "" || len(s) > maxType {
		return s == ""
	}
	kind, parameters, err := mime.ParseMediaType(s)
	return err == nil && kind == s && len(parameters) == 0 && strings.Count(kind, "/") == 1
}
