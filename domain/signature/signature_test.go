package signature

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/identity"
)

// What is signed says all that it is for: it reads back as the same challenge, and two that differ have different texts.
func TestTheTextSaysAll(t *testing.T) {
	draw := func(t *rapid.T) Challenge {
		c := Challenge{
			Purpose: rapid.SampledFrom([]Purpose{SignIn, Bind, Confirm}).Draw(t, "purpose"), Server: rapid.SampledFrom([]string{"https://a.example", "https://b.example:8443"}).Draw(t, "server"),
			Nonce: rapid.StringMatching(`[A-Z2-7]{4}`).Draw(t, "nonce"), Ends: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "ends"), 0).UTC(),
		}
		if c.Purpose != SignIn {
			c.Account = identity.AccountID(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "account"))
		}
		if c.Purpose == Confirm {
			c.Action = rapid.StringMatching(`[a-z][a-z.-]{0,5}`).Draw(t, "action")
			c.Digest[0] = rapid.Byte().Draw(t, "digest")
		}
		return c
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		if read, err := ReadChallenge(a.Text()); err != nil || read != a {
			t.Fatalf("%+v, %v", read, err)
		}
		if (a == b) != (string(a.Text()) == string(b.Text())) {
			t.Fatal("two challenges have one text")
		}
	})
}

func TestWhatIsNoChallenge(t *testing.T) {
	c := Challenge{Purpose: SignIn, Server: "https://a", Nonce: "n", Ends: time.Unix(0, 0)}
	for _, text := range []string{"", "\n", "I owe you", string(c.Text()) + "more: 1\n", string(c.Text())[1:], "x" + string(c.Text())} {
		if _, err := ReadChallenge([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	for text, want := range map[string]bool{"grant.give": true, "": false, "9": false, "two words": false, "a\nb": false, "Ä": false} {
		if ValidAction(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	if _, ok := ParseDigest("00"); ok {
		t.Error("a short digest")
	}
}
