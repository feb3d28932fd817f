package story

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// A parent's phone holds its own card and a child's. It asks for both with one request, is told in a few bytes that nothing is new, and when
// the child's card has news gets those and no more. When access ends while the phone is calm, the card goes.
func TestAParentsPhoneAsksOnce(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		child, childs, his := owner(ctx, t, w, got(w.Clinic(ctx, "Children's clinic"))(t))
		parent, first, err := w.SignUp(ctx, "+79161234560", "parent@example.org")
		ok(t, err)
		defer first.Close()
		var own card.ID
		ok(t, w.Server.Store.Update(ctx, func(tx *store.Tx) (err error) {
			if own, err = tx.CreateCard(w.Now()); err != nil {
				return err
			}
			return tx.GrantOwner(own, parent.Account, w.Now())
		}))
		got(first.Sync(ctx))(t)
		got(first.Card(own).AddMeasurement(pressure(100)))(t)
		got(first.Sync(ctx))(t)

		line := new(byteMeter)
		h := &Phone{File: filepath.Join(t.TempDir(), "card.db"), Owner: parent}
		h.Client = got(phone.Open(ctx, phone.Config{File: h.File, Key: bytes.Repeat([]byte{9}, 32), BaseURL: w.URL, HTTPClient: &http.Client{Transport: line}, Clock: w.Now}))(t)
		defer h.Close()
		ok(t, h.Enter(ctx))
		got(h.Sync(ctx))(t)
		if r := got(h.Sync(ctx))(t); !r.Unchanged {
			t.Errorf("in step: %+v", r)
		}
		self := somebody("7")
		self.phone, self.password = child.Login, child.Password
		token := str(w.enter(ctx, t, self), "accessToken")
		path := "/v1/cards/" + string(his) + "/grants"
		grant := str(got(w.post(ctx, path, token, body{"account": parent.Account, "scopes": []string{"dx.*", "vitals.*"}, "purpose": "PATRQT", "ends": w.Now().Add(48 * time.Hour).UTC()}))(t), "id")
		if r := got(h.Sync(ctx))(t); !slices.Equal(r.New, []card.ID{his}) || r.Received == 0 {
			t.Errorf("let in: %+v", r)
		}

		line.spend()
		if r := got(h.Sync(ctx))(t); !r.Unchanged {
			t.Errorf("both in step: %+v", r)
		}
		requests, _ := line.spend()
		if requests != 1 {
			t.Errorf("%d requests for no news", requests)
		}
		got(childs.Sync(ctx))(t)
		got(childs.Card(his).AddMeasurement(pressure(111)))(t)
		got(childs.Sync(ctx))(t)
		line.spend()
		if r := got(h.Sync(ctx))(t); r.Unchanged || r.Received != 1 || r.Removed != 0 {
			t.Errorf("one measurement of the child: %+v", r)
		}
		if requests, _ := line.spend(); requests != 1 {
			t.Errorf("%d requests for one measurement", requests)
		}
		if counts := got(h.Card(own).Counts())(t); len(counts) == 0 {
			t.Error("the parent's own card is empty")
		}

		if r := got(h.Sync(ctx))(t); !r.Unchanged {
			t.Errorf("in step again: %+v", r)
		}
		ok(t, w.Call(ctx, token, http.MethodDelete, path+"/"+grant, nil, nil, nil))
		if r := got(h.Sync(ctx))(t); !slices.Equal(r.Gone, []card.ID{his}) {
			t.Errorf("access has ended: %+v", r)
		}
		if r := got(h.Sync(ctx))(t); !r.Unchanged {
			t.Errorf("without the child's card: %+v", r)
		}
	})
}
