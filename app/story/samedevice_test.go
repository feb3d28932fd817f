package story

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// What an app calls itself is its own choice. Two people whose apps say the same stay two: neither hears the other's pushes, writes under the
// other's clock or uses up what the other's device may have.
func TestTwoPeopleWithOneDeviceID(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Городская больница"))(t)
		anna, hers, id := owner(ctx, t, w, clinic)
		boris, his, err := w.SignUp(ctx, "+79160000023", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = his.Close() })
		got(hers.Card(id).GiveGrant(ctx, phone.Wish{Account: boris.Account, Scopes: card.Scopes{"lab.*", "note.*"}, Ends: w.Now().Add(time.Hour)}))(t)

		const same = "0191d5a0-0000-7000-8000-0000000000aa"
		enter := func(n string, p *Patient) string {
			self := somebody(n)
			self.phone, self.password, self.device["id"] = p.Login, p.Password, same
			return str(w.enter(ctx, t, self), "accessToken")
		}
		enrol := func(token string, fresh bool) (actor float64, refused bool) {
			made := got(w.post(ctx, "/v1/sync/devices", token, body{"device": same, "cards": []any{body{"card": id, "fresh": fresh}}}))(t)
			cards, _ := made["cards"].([]any)
			if len(cards) == 0 {
				return 0, true
			}
			actor, _ = dig(cards[0], "actor").(float64)
			return actor, false
		}
		ring := func(token, where string) {
			got(w.post(ctx, "/v1/push-tokens", token, body{"carrier": "fcm", "token": where, "language": "ru"}))(t)
		}
		annas := enter("7", anna)
		ring(annas, "annas-second-phone")
		mine, _ := enrol(annas, false)
		borises := enter("8", boris)
		ring(borises, "boris-phone")
		theirs, _ := enrol(borises, false)
		if mine == theirs || mine == 0 || theirs == 0 {
			t.Fatalf("actors %v and %v", mine, theirs)
		}

		before := len(w.Push.To("annas-second-phone"))
		got(clinic.Post(ctx, result(t, 1)))(t)
		ok(t, until(ctx, func() bool { return len(w.Push.To("annas-second-phone")) > before && len(w.Push.To("boris-phone")) > 0 }))

		var head map[string]any
		ok(t, w.Call(ctx, borises, http.MethodGet, "/v1/sync/head?cards="+string(id), nil, nil, &head))
		epoch := dig(head["cards"].([]any)[0], "epoch") //nolint:forcetypeassert // a wrong shape fails the test
		write := func(token string, actor float64, n int, record string) error {
			_, err := w.post(ctx, "/v1/sync/push", token, body{"device": same, "card": id, "actor": actor, "epoch": epoch, "acked": n - 1, "mutations": []any{body{
				"n": n, "op": "create", "id": record, "kind": "comment", "ctx": "", "at": "", "epoch": epoch, "hlc": fmt.Sprintf("%016x", n), "atoms": body{"text": body{"v": "x"}},
			}}})
			return err
		}
		refused(t, write(borises, mine, 1, "0191d5a0-0000-7000-8000-00000000be01"), http.StatusConflict, "actor_unknown")
		ok(t, write(borises, theirs, 1, "0191d5a0-0000-7000-8000-00000000be02"))
		ok(t, write(annas, mine, 1, "0191d5a0-0000-7000-8000-00000000be03"))

		spent := false
		for range 30 {
			if _, spent = enrol(borises, true); spent {
				break
			}
		}
		if _, hit := enrol(annas, true); hit || !spent {
			t.Errorf("he used up his own actors: %t, and hers: %t", spent, hit)
		}

		// What the server calls a device, which others may come to know, is of no more use to them.
		list := got(hers.Devices(ctx))(t)
		for _, d := range list {
			if d.ID == identity.DeviceID(same) || identity.DeviceOf(boris.Account, string(d.ID)) == d.ID {
				t.Errorf("she has the device %s", d.ID)
			}
		}
	})
}
