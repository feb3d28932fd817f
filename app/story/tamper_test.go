package story

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/medcard/medcard/mobile-sdk/counter"
	"github.com/medcard/medcard/qr/trust"
)

// A code of which one bit was changed, at every place: of the text that the camera reads, and of the bytes that were signed. The
// counter refuses it without a network, and so does the server.

const base45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// unpack45 and pack45 are RFC 9285, written here once more so that the test does not stand on what it tests.
func unpack45(text string) (b []byte) {
	for ; len(text) >= 2; text = text[min(3, len(text)):] {
		n := strings.IndexByte(base45, text[0]) + 45*strings.IndexByte(base45, text[1])
		if len(text) == 2 {
			return append(b, byte(n))
		}
		n += 45 * 45 * strings.IndexByte(base45, text[2])
		b = append(b, byte(n>>8), byte(n))
	}
	return b
}

func pack45(b []byte) string {
	var text []byte
	for ; len(b) >= 2; b = b[2:] {
		n := int(b[0])<<8 | int(b[1])
		text = append(text, base45[n%45], base45[n/45%45], base45[n/45/45])
	}
	if len(b) == 1 {
		text = append(text, base45[int(b[0])%45], base45[int(b[0])/45])
	}
	return string(text)
}

// tampered gives every text that differs from the code in one bit: first of the text itself, then of what it packs.
func tampered(t *testing.T, code string) (texts []string) {
	t.Helper()
	const prefix = "EMC1:"
	packed := unpack45(strings.TrimPrefix(code, prefix))
	if prefix+pack45(packed) != code || len(packed) < 200 {
		t.Fatal("the code is not packed as this test believes")
	}
	flip := func(b []byte, use func([]byte)) {
		for i := range len(b) * 8 {
			changed := slices.Clone(b)
			changed[i/8] ^= 1 << (i % 8)
			use(changed)
		}
	}
	flip([]byte(code), func(b []byte) { texts = append(texts, string(b)) })
	flip(packed, func(b []byte) { texts = append(texts, prefix+pack45(b)) })
	return texts
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		id, _ := admitted(ctx, t, clinic)
		paper := got(clinic.Prescribe(ctx, id, "tamper-000001"))(t)
		pharmacy := got(w.Pharmacy(ctx, "Аптека № 1"))(t)
		ok(t, pharmacy.Refresh(ctx))
		texts := tampered(t, paper.Code)

		pharmacy.Network.Off(true)
		for n, text := range texts {
			if v := pharmacy.Verify(text, w.Now()); v.Answer != trust.No || v.Document != nil || v.Paper != nil {
				t.Fatalf("offline, bit %d: %v", n, v.Verdict)
			}
		}
		pharmacy.Network.Off(false)

		token := got(pharmacy.Token(ctx))(t)
		ask := func(text string) error {
			return w.Call(ctx, token, http.MethodPost, "/v1/dispensing/accept", nil, map[string]string{"code": text, "idempotencyKey": counter.NewKey()}, nil)
		}
		for n := 0; n < len(texts); n += 7 { // every byte, one bit of it after the other
			if !utf8.ValidString(texts[n]) || strings.ContainsRune(texts[n], 0) {
				continue // JSON cannot carry it, or the door refuses it
			}
			if p := refused(t, ask(texts[n]), http.StatusUnprocessableEntity, "code.not_genuine"); strings.Contains(p.Error(), texts[n]) {
				t.Errorf("the answer repeats the code: %v", p)
			}
			if t.Failed() {
				t.Fatalf("online, bit %d", n)
			}
		}
		ok(t, ask(paper.Code))
	})
}
