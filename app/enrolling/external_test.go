package enrolling

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

// registry is a Provider that vouches for who stands under a code, if the secrets are those of the page that it was asked for.
type registry struct {
	people map[string]account.External
	asked  secrets
	away   bool
}

var _ Provider = (*registry)(nil)

func (r *registry) Name() string { return "esia" }

func (r *registry) URL(_ context.Context, state, nonce, verifier string) (string, error) {
	if r.away {
		return "", errGateway
	}
	r.asked = secrets{state, nonce, verifier}
	return "https://provider.example/page?state=" + state, nil
}

func (r *registry) Person(_ context.Context, code, nonce, verifier string) (account.External, error) {
	who, ok := r.people[code]
	if !ok || nonce != r.asked.Nonce || verifier != r.asked.Verifier {
		return account.External{}, errors.New("no such code")
	}
	return who, nil
}

const (
	annasSNILS  = "15073184647"
	borisSNILS  = "11223344595"
	borisPhone  = "+79120000000"
	codeOfAnna  = "anna"
	typedByHand = "typed by hand"
)

func newRegistry(w *world) *registry {
	r := &registry{people: map[string]account.External{
		codeOfAnna:  {Provider: "esia", Subject: "1000001", SNILS: annasSNILS},
		"boris":     {Provider: "esia", Subject: "1000002", SNILS: borisSNILS},
		typedByHand: {Provider: "esia", Subject: "1000003"}, // claims to be Anna, and nobody saw a paper
		"nobody":    {Provider: "esia"},
	}}
	w.provider = r
	return r
}

// arriveWith signs in through the provider with a code.
func (w *world) arriveWith(code string) (Challenge, error) {
	w.t.Helper()
	d, err := w.BeginExternal(context.Background(), newDevice(), home)
	w.must(err)
	return w.ExternalSignIn(context.Background(), d.ID, d.State, code, home)
}

func TestAVerifiedNumberFindsTheOwner(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	newRegistry(w)
	anna := w.enrol(annasPhone, annasEmail, annasPassword)
	_, err := w.arriveWith(codeOfAnna)
	w.want("external.unknown", err) // an account, and no card that says whose it is
	w.memory.numbers[annasSNILS] = anna
	c, err := w.arriveWith(codeOfAnna)
	w.must(err)
	_, err = w.SecondFactor(ctx, c.ID, other(w.smsCode(annasPhone)))
	w.want("code.wrong", err)
	tokens, err := w.SecondFactor(ctx, c.ID, w.smsCode(annasPhone))
	w.must(err)
	s := w.memory.sessions[tokens.Session]
	if s.Account != anna || s.Methods[0] != account.Federated || !s.SecondFactor() {
		t.Errorf("%+v", s)
	}
	for code, want := range map[string]fault.Code{typedByHand: "external.unknown", "boris": "external.unknown", "nobody": "external.refused", "": "external.refused", "made up": "external.refused"} {
		_, err := w.arriveWith(code)
		w.want(want, err)
	}
}

// comeIn makes an account and signs in to it.
func (w *world) comeIn(number identity.Phone, email string) Tokens {
	w.t.Helper()
	w.enrol(string(number), email, annasPassword)
	c, err := w.SignIn(context.Background(), Credentials{Login: string(number), Password: annasPassword, Device: newDevice()}, home)
	w.must(err)
	tokens, err := w.SecondFactor(context.Background(), c.ID, w.smsCode(number))
	w.must(err)
	return tokens
}

func TestTheWayToAProviderIsGoodOnceAndForOneApp(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	r := newRegistry(w)
	w.memory.numbers[annasSNILS] = w.enrol(annasPhone, annasEmail, annasPassword)
	d, err := w.BeginExternal(ctx, newDevice(), home)
	w.must(err)
	if !strings.Contains(d.URL, d.State) || strings.Contains(d.URL, r.asked.Verifier) || d.State == r.asked.Nonce {
		t.Errorf("%+v", d)
	}
	_, err = w.ExternalSignIn(ctx, d.ID, d.State+"x", codeOfAnna, home)
	w.want("external.refused", err) // somebody slipped an answer in
	_, err = w.ExternalSignIn(ctx, d.ID, d.State, codeOfAnna, home)
	w.want("code.expired", err)
	first, err := w.BeginExternal(ctx, newDevice(), home)
	w.must(err)
	_, err = w.BeginExternal(ctx, newDevice(), home)
	w.must(err)
	_, err = w.ExternalSignIn(ctx, first.ID, first.State, codeOfAnna, home)
	w.want("external.refused", err) // the code was given to the second one
	late, err := w.BeginExternal(ctx, newDevice(), home)
	w.must(err)
	w.pass(account.CeremonyLife)
	_, err = w.ExternalSignIn(ctx, late.ID, late.State, codeOfAnna, home)
	w.want("code.expired", err)
	r.away = true
	_, err = w.BeginExternal(ctx, newDevice(), home)
	w.want("external.unavailable", err)
}

func TestALinkIsOfOnePersonAndOneAccount(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	newRegistry(w)
	anna := w.actor(w.comeIn(annasPhone, annasEmail))
	boris := w.actor(w.comeIn(borisPhone, "boris@example.ru"))
	anna.Proved = w.now // he took an hour to register
	w.memory.numbers[annasSNILS] = anna.Account
	link := func(a identity.Actor, code string) error {
		d, err := w.BeginLink(ctx, a)
		w.must(err)
		return w.Link(ctx, a, d.ID, d.State, code)
	}
	w.want("external.other_person", link(boris, codeOfAnna)) // whose number leads to Anna's card
	w.must(link(boris, typedByHand))
	w.want("external.linked", link(anna, typedByHand)) // he has it
	w.want("external.linked", link(boris, "boris"))    // and no second one
	w.must(link(anna, codeOfAnna))
	if f, err := w.Factors(ctx, anna); err != nil || len(f.Links) != 1 || f.Links[0].Provider != "esia" || !strings.Contains(w.lastLetter(), "привязан внешний вход") {
		t.Errorf("%+v, %v", f.Links, err)
	}
	delete(w.memory.numbers, annasSNILS)
	_, err := w.arriveWith(codeOfAnna)
	w.must(err)
	c, err := w.arriveWith(typedByHand)
	w.must(err)
	if got := w.memory.signIns[c.ID].Account; got != boris.Account {
		t.Errorf("his link leads to %s", got)
	}
	w.must(w.Unlink(ctx, anna))
	w.want("external.not_linked", w.Unlink(ctx, anna))
	_, err = w.arriveWith(codeOfAnna)
	w.want("external.unknown", err)

	d, err := w.BeginLink(ctx, anna)
	w.must(err)
	w.want("code.expired", w.Link(ctx, boris, d.ID, d.State, "boris"))
	_, err = w.ExternalSignIn(ctx, d.ID, d.State, "boris", home)
	w.want("code.expired", err)
	w.pass(identity.FactorFresh)
	w.want("step_up.required", w.Link(ctx, anna, d.ID, d.State, codeOfAnna))
	_, err = w.BeginLink(ctx, anna)
	w.want("step_up.required", err)
	w.want("step_up.required", w.Unlink(ctx, anna))
}

func TestWithoutAProvider(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	_, err := w.BeginExternal(ctx, newDevice(), home)
	w.want("external.not_set_up", err)
	_, err = w.ExternalSignIn(ctx, "", "", "", home)
	w.want("external.not_set_up", err)
	_, err = w.BeginLink(ctx, identity.Actor{})
	w.want("external.not_set_up", err)
	w.want("external.not_set_up", w.Link(ctx, identity.Actor{}, "", "", ""))
	w.want("external.not_set_up", w.Unlink(ctx, identity.Actor{}))
}
