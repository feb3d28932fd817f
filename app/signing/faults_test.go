package signing

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/problem"
)

// Every way in which a signature can fail has a code of its own, and the phone has words for it in both languages.
func TestEveryFaultHasAHintOnThePhone(t *testing.T) {
	source, err := os.ReadFile("faults.go")
	if err != nil {
		t.Fatal(err)
	}
	codes := regexp.MustCompile(`"(signature\.[a-z_]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(codes) < 15 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	var seen []string
	for _, c := range codes {
		if slices.Contains(seen, c[1]) {
			t.Errorf("%s stands for two faults", c[1])
		}
		seen = append(seen, c[1])
		refusal := &problem.Problem{Code: c[1]}
		ru, known := phone.HintFor(refusal, "ru")
		en, _ := phone.HintFor(refusal, "en")
		if !known || ru.Remedy == "" || !strings.ContainsFunc(ru.Text, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) ||
			en.Text == "" || strings.ContainsFunc(en.Text, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) }) {
			t.Errorf("%s: %+v, %+v", c[1], ru, en)
		}
	}
	if _, ok := phone.HintFor(&problem.Problem{Code: "card.not_found"}, "ru"); ok {
		t.Error("a hint for something else")
	}
}
