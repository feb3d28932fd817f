// Package wording puts what is written to people into their language, and measures what they write. The words stand in files of JSON, one for each language, beside the
// act that writes them; a word that one of them lacks is our mistake, which a test of that act finds.
package wording

import (
	"encoding/json"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"github.com/medcard/medcard/domain/account"
)

// Fallback is for who named no language.
const Fallback = account.Russian

// Words holds messages in each language.
type Words struct {
	by map[account.Language]*i18n.Localizer
}

// Load reads messages/ru.json and messages/en.json, which are embedded: what loads once loads always.
func Load(files fs.FS) *Words {
	bundle := i18n.NewBundle(language.Russian)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	w := &Words{by: map[account.Language]*i18n.Localizer{}}
	for _, l := range []account.Language{account.Russian, account.English} {
		if _, err := bundle.LoadMessageFileFS(files, "messages/"+string(l)+".json"); err != nil {
			panic(err)
		}
		w.by[l] = i18n.NewLocalizer(bundle, string(l))
	}
	return w
}

// Say words a message. values fill its blanks.
func (w *Words) Say(in account.Language, message string, values map[string]any) string {
	localizer, ok := w.by[in]
	if !ok {
		localizer = w.by[Fallback]
	}
	return localizer.MustLocalize(&i18n.LocalizeConfig{MessageID: message, TemplateData: values})
}

// Long reports whether a text that somebody wrote has so many characters, spaces around it aside.
func Long(text string, least, most int) bool {
	n := utf8.RuneCountInString(strings.TrimSpace(text))
	return utf8.ValidString(text) && least <= n && n <= most
}
