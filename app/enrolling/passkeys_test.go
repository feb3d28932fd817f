package enrolling

import (
	"context"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/enrolling/passkeytest"
	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// passkey makes a passkey of the actor's.
func (w *world) passkey(a identity.Actor, origin string, packed bool) *passkeytest.Authenticator {
	w.t.Helper()
	key, err := passkeytest.New(origin)
	w.must(err)
	key.Packed = packed
	c, err := w.BeginPasskey(context.Background(), a)
	w.must(err)
	response, err := key.Make(c.Options)
	w.must(err)
	w.must(w.AddPasskey(context.Background(), a, c.ID, "Мой телефон", response))
	return key
}

// enter signs in with a passkey, as it is at that moment.
func (w *world) enter(key *passkeytest.Authenticator, d Device) (Tokens, error) {
	w.t.Helper()
	c, err := w.BeginPasskeySignIn(context.Background(), d, home)
	w.must(err)
	response, err := key.Sign(c.Options)
	w.must(err)
	return w.PasskeySignIn(context.Background(), c.ID, response)
}

func TestAPasskeyOpensASessionAlone(t *testing.T) {
	for name, c := range map[string]struct {
		origin string
		packed bool
	}{"a page": {annasPage, false}, "an app, self attested": {annasAppOrigin, true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.enrol(annasPhone, annasEmail, annasPassword)
			hers := newDevice()
			anna := w.actor(w.signIn(hers))
			key := w.passkey(anna, c.origin, c.packed)
			if !strings.Contains(w.lastLetter(), "Новый ключ доступа") {
				t.Error("she was not told of the passkey")
			}
			letters := len(w.outbox.mail[annasEmail])
			key.Counter++
			tokens, err := w.enter(key, hers)
			w.must(err)
			if a := w.actor(tokens); a.Account != anna.Account || !a.SecondFactor || a.Fresh(w.now) != nil || a.Device != identity.DeviceOf(anna.Account, hers.ID) {
				t.Errorf("%+v", a)
			}
			if len(w.outbox.mail[annasEmail]) != letters {
				t.Error("a letter about a known device")
			}
			key.Counter++
			_, err = w.enter(key, newDevice())
			w.must(err)
			if !strings.Contains(w.lastLetter(), "с нового устройства") {
				t.Error("no letter about a new device")
			}
			f, err := w.Factors(context.Background(), anna)
			if err != nil || len(f.Passkeys) != 1 || f.Passkeys[0].Name != "Мой телефон" || !f.Passkeys[0].Used.Equal(w.now) {
				t.Errorf("%+v, %v", f.Passkeys, err)
			}
			w.must(w.RemovePasskey(context.Background(), anna, key.ID))
			w.want("passkey.not_found", w.RemovePasskey(context.Background(), anna, key.ID))
			_, err = w.enter(key, hers)
			w.want("passkey.refused", err)
		})
	}
}

// What an authenticator, a page or somebody in between does wrong opens nothing.
func TestBadTurnsOfAPasskey(t *testing.T) {
	ctx := context.Background()
	for name, turn := range map[string]func(w *world, key *passkeytest.Authenticator) error{
		"of another page":          func(_ *world, k *passkeytest.Authenticator) error { k.Origin = "https://card-example.ru"; return nil },
		"of another app":           func(_ *world, k *passkeytest.Authenticator) error { k.Origin = annasAppOrigin + "x"; return nil },
		"for another domain":       func(_ *world, k *passkeytest.Authenticator) error { k.Domain = "example.ru"; return nil },
		"without finger or face":   func(_ *world, k *passkeytest.Authenticator) error { k.Unlocked = true; return nil },
		"as if it were being made": func(_ *world, k *passkeytest.Authenticator) error { k.Type = "webauthn.create"; return nil },
		"with a counter behind":    func(_ *world, k *passkeytest.Authenticator) error { k.Counter = 4; return nil },
		"of nobody":                func(_ *world, k *passkeytest.Authenticator) error { k.As("nobody"); return nil },
		"of an id of nobody": func(_ *world, k *passkeytest.Authenticator) error {
			k.As("01a229ed-b967-7e83-aa5f-d18c7d613b31")
			return nil
		},
		"of another person": func(w *world, k *passkeytest.Authenticator) error {
			k.As(string(w.enrol("+79120000000", "boris@example.ru", annasPassword)))
			return nil
		},
		"with another key": func(_ *world, k *passkeytest.Authenticator) error {
			other, err := passkeytest.New(k.Origin)
			if err == nil {
				other.ID, other.Counter, *k = k.ID, 7, *other
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			anna := w.enrol(annasPhone, annasEmail, annasPassword)
			key := w.passkey(w.actor(w.signIn(newDevice())), annasPage, false)
			key.Counter = 5
			_, err := w.enter(key, newDevice())
			w.must(err)
			key.Counter++
			w.must(turn(w, key))
			if name == "with another key" {
				key.As(string(anna))
			}
			before := len(w.memory.sessions)
			_, err = w.enter(key, newDevice())
			w.want("passkey.refused", err)
			if len(w.memory.sessions) != before {
				t.Error("a session was opened")
			}
		})
	}
	t.Run("nonsense", func(t *testing.T) {
		w := newWorld(t)
		for _, text := range []string{"", "null", "{}", "[]", strings.Repeat("[", 10_000), `{"id":"AA","rawId":"AA","type":"public-key","response":{}}`} {
			c, err := w.BeginPasskeySignIn(ctx, newDevice(), home)
			w.must(err)
			_, err = w.PasskeySignIn(ctx, c.ID, text)
			w.want("passkey.refused", err)
		}
	})
}

func TestACeremonyIsGoodOnce(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	tokens := w.signIn(newDevice())
	anna, other := w.actor(tokens), w.actor(w.signIn(newDevice()))
	key := w.passkey(anna, annasPage, false)

	c, err := w.BeginPasskeySignIn(ctx, newDevice(), home)
	w.must(err)
	signed, err := key.Sign(c.Options)
	w.must(err)
	_, err = w.ProvePasskey(ctx, anna, c.ID, signed)
	w.want("code.expired", err) // it is no step-up
	_, err = w.PasskeySignIn(ctx, c.ID, signed)
	w.must(err)
	_, err = w.PasskeySignIn(ctx, c.ID, signed)
	w.want("code.expired", err) // replayed
	second, err := w.BeginPasskeySignIn(ctx, newDevice(), home)
	w.must(err)
	_, err = w.PasskeySignIn(ctx, second.ID, signed)
	w.want("passkey.refused", err) // it answers another challenge
	third, err := w.BeginPasskeySignIn(ctx, newDevice(), home)
	w.must(err)
	late, err := key.Sign(third.Options)
	w.must(err)
	w.pass(account.CeremonyLife)
	_, err = w.PasskeySignIn(ctx, third.ID, late)
	w.want("code.expired", err)

	// A step-up is of its session.
	w.pass(identity.FactorFresh)
	proof, err := w.BeginPasskeyProof(ctx, anna)
	w.must(err)
	signed, err = key.Sign(proof.Options)
	w.must(err)
	_, err = w.ProvePasskey(ctx, other, proof.ID, signed)
	w.want("code.expired", err)
	_, err = w.PasskeySignIn(ctx, proof.ID, signed)
	w.want("code.expired", err)
	w.want(identity.ErrStepUp.Code, w.dangerous(w.actor(tokens)))
	until, err := w.ProvePasskey(ctx, anna, proof.ID, signed)
	w.must(err)
	if w.dangerous(w.actor(tokens)) != nil || until.Sub(w.now) != identity.FactorFresh {
		t.Error("the session is not fresh")
	}
	w.want(identity.ErrStepUp.Code, w.dangerous(other))
}

func TestBadTurnsOfANewPasskey(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.enrol(annasPhone, annasEmail, annasPassword)
	anna := w.actor(w.signIn(newDevice()))
	make := func(change func(*passkeytest.Authenticator)) (account.ChallengeID, string) {
		key, err := passkeytest.New(annasPage)
		w.must(err)
		change(key)
		c, err := w.BeginPasskey(ctx, anna)
		w.must(err)
		response, err := key.Make(c.Options)
		w.must(err)
		return c.ID, response
	}
	for name, change := range map[string]func(*passkeytest.Authenticator){
		"of another page":        func(k *passkeytest.Authenticator) { k.Origin = "https://evil.example" },
		"for another domain":     func(k *passkeytest.Authenticator) { k.Domain = "evil.example" },
		"without finger or face": func(k *passkeytest.Authenticator) { k.Unlocked = true },
		"as if it were used":     func(k *passkeytest.Authenticator) { k.Type = "webauthn.get" },
	} {
		id, response := make(change)
		if err := w.AddPasskey(ctx, anna, id, "", response); fault.CodeOf(err) != "passkey.invalid" {
			t.Errorf("%s: %v", name, err)
		}
	}
	id, response := make(func(*passkeytest.Authenticator) {})
	w.want("passkey.name", w.AddPasskey(ctx, anna, id, strings.Repeat("x", 101), response))
	w.must(w.AddPasskey(ctx, anna, id, "", response))
	w.want("code.expired", w.AddPasskey(ctx, anna, id, "", response))
	if len(w.memory.passkeys) != 1 {
		t.Errorf("%d passkeys", len(w.memory.passkeys))
	}
	for range account.MostPasskeys - 1 {
		w.passkey(anna, annasPage, false)
	}
	_, err := w.BeginPasskey(ctx, anna)
	w.want("passkey.too_many", err)

	// Another person cannot register hers: who has a passkey is whoever registered it first.
	stolen := w.passkeyOf(anna)
	w.enrol("+79120000000", "boris@example.ru", annasPassword)
	boris := anna
	for id := range w.memory.accounts {
		if id != anna.Account {
			boris.Account = id
		}
	}
	boris.Session = "01a229ed-b967-7e83-aa5f-d18c7d613b31"
	boris.Proved = w.now
	c, err := w.BeginPasskey(ctx, boris)
	w.must(err)
	key, err := passkeytest.New(annasPage)
	w.must(err)
	key.ID = stolen
	response, err = key.Make(c.Options)
	w.must(err)
	w.want("passkey.exists", w.AddPasskey(ctx, boris, c.ID, "", response))
	w.want("passkey.not_found", w.RemovePasskey(ctx, boris, stolen))
}

// passkeyOf gives the id of some passkey of the actor's.
func (w *world) passkeyOf(a identity.Actor) []byte {
	for _, p := range w.memory.passkeys {
		if p.Account == a.Account {
			return p.ID
		}
	}
	w.t.Fatal("no passkey")
	return nil
}

func TestWithoutPasskeys(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	w.passkeys = nil
	_, err := w.BeginPasskey(ctx, identity.Actor{})
	w.want("passkey.not_set_up", err)
	w.want("passkey.not_set_up", w.AddPasskey(ctx, identity.Actor{}, "", "", ""))
	_, err = w.BeginPasskeySignIn(ctx, Device{}, home)
	w.want("passkey.not_set_up", err)
	_, err = w.PasskeySignIn(ctx, "", "")
	w.want("passkey.not_set_up", err)
	_, err = w.BeginPasskeyProof(ctx, identity.Actor{})
	w.want("passkey.not_set_up", err)
	_, err = w.ProvePasskey(ctx, identity.Actor{}, "", "")
	w.want("passkey.not_set_up", err)
	for _, bad := range []RelyingParty{{}, {Domain: "127.0.0.1", Origins: []string{"http://127.0.0.1"}}} {
		if _, err := NewPasskeys(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// Whatever comes as an authenticator's answer is refused in words of ours, and never opens anything.
func FuzzAuthenticatorAnswers(f *testing.F) {
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA","authenticatorData":"","signature":"AA","userHandle":"AA"}}`)
	key, err := passkeytest.New(annasPage)
	if err != nil {
		f.Fatal(err)
	}
	for _, answer := range []func(string) (string, error){key.Make, key.Sign} {
		text, err := answer(`{"challenge":"AAAAAAAAAAAAAAAAAAAAAA","rpId":"card.example.ru","rp":{"id":"card.example.ru"},"user":{"id":"AAAA"}}`)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	p, err := NewPasskeys(RelyingParty{Domain: "card.example.ru", Origins: []string{annasPage}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := holder{who: account.Account{ID: "01a229ed-b967-7e83-aa5f-d18c7d613b31", Email: annasEmail}}
		_, data, err := p.register(h, []byte("a challenge that nobody answered"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.registered(h, data, text); fault.CodeOf(err) != "passkey.invalid" {
			t.Errorf("a registration: %v", err)
		}
		_, data, err = p.challenge(nil, []byte("a challenge that nobody answered"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.used(nil, func(string) (holder, error) { return h, nil }, data, text); fault.CodeOf(err) != "passkey.refused" {
			t.Errorf("a use: %v", err)
		}
	})
}
