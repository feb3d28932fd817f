package enrolling

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/account"
	"github.com/medcard/medcard/domain/evidence"
	"github.com/medcard/medcard/domain/identity"
)

const annasPolicy identity.Policy = "2341998071655749"

// insurers is what an insurer was asked to send.
type insurers struct {
	texts map[identity.Policy][]string
	down  error
}

func (i *insurers) send(_ context.Context, n identity.Policy, _ account.Account, text string) error {
	i.texts[n] = append(i.texts[n], text)
	return i.down
}

func (i *insurers) code(n identity.Policy) string {
	if len(i.texts[n]) == 0 {
		return "none"
	}
	return regexp.MustCompile(`\d{6}`).FindString(i.texts[n][len(i.texts[n])-1])
}

func insured(t *testing.T, demand evidence.Demand) (*world, *insurers, identity.Actor) {
	t.Helper()
	w := newWorld(t)
	sent := &insurers{texts: map[identity.Policy][]string{}}
	w.insurer, w.demand = sent.send, demand
	return w, sent, person(w.enrol(annasPhone, annasEmail, annasPassword))
}

// A card that was redeemed opens by the insurer's word, where that is demanded.
func TestAPolicyIsLinkedByItsInsurersCode(t *testing.T) {
	w, sent, anna := insured(t, evidence.Demand{Policy: true})
	ctx := context.Background()
	w.desk(annasCode, annasCard)
	for range 2 { // the answer to the first may have been lost
		claimed, err := w.Redeem(ctx, anna, string(annasCode), home)
		w.must(err)
		if claimed.Card != annasCard || len(claimed.Missing) != 1 || claimed.Missing[0].Code != evidence.NoPolicy {
			t.Errorf("redeemed: %+v", claimed)
		}
	}
	me, err := w.Me(ctx, anna)
	w.must(err)
	if me.Recipient || len(me.Cards) > 0 || len(me.Waiting) != 1 || len(me.Missing) != 1 || me.Missing[0].Code != evidence.NoPolicy {
		t.Errorf("before: %+v", me)
	}
	link, err := w.LinkPolicy(ctx, anna, NamedPolicy{Number: "2341 9980 7165 5749"}, home)
	w.must(err)
	if link.State != evidence.Pending || link.Number != annasPolicy {
		t.Errorf("asked: %+v", link)
	}
	if n := len(w.outbox.sms[annasPhone]); n != 1 { // that of the registration
		t.Errorf("%d messages went to the account's own phone", n)
	}
	_, err = w.ConfirmPolicy(ctx, anna, "000000", home)
	if sent.code(annasPolicy) != "000000" {
		w.want("code.wrong", err)
	}
	for range 2 {
		link, err = w.ConfirmPolicy(ctx, anna, sent.code(annasPolicy), home)
		w.must(err)
		if link.State != evidence.Linked || link.Settled.IsZero() {
			t.Errorf("confirmed: %+v", link)
		}
	}
	if me, err = w.Me(ctx, anna); err != nil || !me.Recipient || len(me.Waiting)+len(me.Missing) > 0 {
		t.Errorf("after: %+v, %v", me, err)
	}
	if link, found, err := w.Policy(ctx, anna); err != nil || !found || link.State != evidence.Linked {
		t.Errorf("listed: %+v, %v", link, err)
	}
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: string(annasPolicy)}, home)
	w.want("policy.linked", err)

	// Somebody else who has the code as well does not get the policy.
	eve := person(w.enrol("+79123456780", "eve@example.ru", annasPassword))
	_, err = w.LinkPolicy(ctx, eve, NamedPolicy{Number: string(annasPolicy)}, elsewhere)
	w.must(err)
	link, err = w.ConfirmPolicy(ctx, eve, sent.code(annasPolicy), elsewhere)
	w.want("policy.other_person", err)
	if link.State != evidence.Failed {
		t.Errorf("hers is %+v", link)
	}
	_, err = w.ConfirmPolicy(ctx, eve, sent.code(annasPolicy), elsewhere)
	w.want("policy.not_found", err)
}

func TestBadTurnsOfAPolicy(t *testing.T) {
	w, sent, anna := insured(t, evidence.Demand{})
	ctx := context.Background()
	_, err := w.ConfirmPolicy(ctx, anna, "123456", home)
	w.want("policy.not_found", err)
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: "2341998071655740"}, home)
	w.want("policy.check_digit", err)
	_, err = w.LinkPolicy(ctx, identity.Actor{Kind: identity.Patient, Account: anna.Account}, NamedPolicy{Number: string(annasPolicy)}, home)
	w.want("second_factor.missing", err)
	if len(sent.texts) > 0 {
		t.Fatal("a code was sent for nothing")
	}
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: string(annasPolicy)}, home)
	w.must(err)
	first := sent.code(annasPolicy)
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: string(annasPolicy)}, home)
	w.want("code.too_soon", err)
	w.pass(account.ResendAfter)
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: string(annasPolicy)}, home)
	w.must(err)
	if first != sent.code(annasPolicy) {
		_, err = w.ConfirmPolicy(ctx, anna, first, home)
		w.want("code.wrong", err)
	}
	w.pass(account.CodeLife)
	_, err = w.ConfirmPolicy(ctx, anna, sent.code(annasPolicy), home)
	w.want("code.expired", err)
	_, err = w.LinkPolicy(ctx, anna, NamedPolicy{Number: string(annasPolicy)}, home) // an old code is no dead end
	w.must(err)
	_, err = w.ConfirmPolicy(ctx, anna, sent.code(annasPolicy), home)
	w.must(err)
}

// Guesses at a policy's code are few, however often another one is asked for.
func TestGuessesAtAPolicyAreCounted(t *testing.T) {
	w, sent, eve := insured(t, evidence.Demand{})
	ctx := context.Background()
	guesses := 0
	for range 24 * 4 {
		w.pass(15 * time.Minute)
		if _, err := w.LinkPolicy(ctx, eve, NamedPolicy{Number: string(annasPolicy)}, home); err != nil {
			w.want("throttled", err)
			continue
		}
		wrong := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, sent.code(annasPolicy))
		for {
			guesses++
			if _, err := w.ConfirmPolicy(ctx, eve, wrong, home); err != nil && !strings.HasPrefix(err.Error(), "code.wrong") {
				break
			}
		}
	}
	if guesses > 150 {
		t.Errorf("%d guesses a day", guesses)
	}
}

// Without a way to insurers the code goes to the person's own phone.
func TestWithoutInsurersTheCodeGoesToThePhone(t *testing.T) {
	w := newWorld(t)
	anna := person(w.enrol(annasPhone, annasEmail, annasPassword))
	_, err := w.LinkPolicy(context.Background(), anna, NamedPolicy{Number: string(annasPolicy)}, home)
	w.must(err)
	if sms := w.outbox.sms[annasPhone]; !strings.Contains(sms[len(sms)-1], "Полис") {
		t.Errorf("the last message is %q", sms[len(sms)-1])
	}
}
