package phone_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/wire"
)

// family is a phone with the cards of a parent and two children.
func family(t *testing.T) (*world, *handset, []card.ID) {
	w := newWorld(t)
	codes := []string{claimCode, "K7QM-2F9D-X4TC", "K7QM-2F9D-X4TD"}
	var ids []card.ID
	for _, code := range codes {
		id := w.newCard(code)
		w.publish(id, visit("first", 1))
		ids = append(ids, id)
	}
	h := w.handset("one")
	for _, code := range codes {
		h.enter(code)
	}
	return w, h, ids
}

// asked notes what the phone asks at /v1/sync, without taking the requests over.
func asked(w *world) *[]wire.SyncRequest {
	var list []wire.SyncRequest
	w.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/sync" {
			raw, err := readBody(r)
			must(w.t, err)
			var in wire.SyncRequest
			must(w.t, json.Unmarshal(raw, &in))
			list = append(list, in)
			r.Body, r.Header = io.NopCloser(strings.NewReader(string(raw))), r.Header.Clone()
			r.Header.Del("Content-Encoding")
		}
		return false
	})
	return &list
}

func TestAFamilyNeedsOneRequest(t *testing.T) {
	w, h, ids := family(t)
	list := asked(w)
	if r := h.sync(); !r.Unchanged || len(*list) != 1 || len((*list)[0].Cards) != 3 || w.status("/v1/sync") != http.StatusNoContent {
		t.Fatalf("no news: %+v in %d requests", r, len(*list))
	}
	*list = nil
	w.publish(ids[1], visit("second", 2), visit("third", 3))
	if r := h.sync(); r.Unchanged || r.Received != 2 || len(*list) != 1 {
		t.Fatalf("news of one: %+v in %d requests", r, len(*list))
	}
	if r := h.sync(); !r.Unchanged {
		t.Fatalf("after it: %+v", r)
	}
	*list = nil
	for _, id := range ids {
		w.publish(id, visit("fourth", 4))
	}
	if r := h.sync(); r.Received != 3 || len(*list) != 1 {
		t.Fatalf("news of all: %+v in %d requests", r, len(*list))
	}
}

func TestEditsOfAllCardsGoInOneSync(t *testing.T) {
	w, h, ids := family(t)
	for _, id := range ids {
		if _, err := h.Card(id).AddMeasurement(card.Measurement{Systolic: 120, Diastolic: 80}); err != nil {
			t.Fatal(err)
		}
	}
	list := asked(w)
	if r := h.sync(); r.Sent != 3 {
		t.Fatalf("%+v in %d requests", r, len(*list))
	}
	for _, in := range *list {
		with := slices.DeleteFunc(slices.Clone(in.Cards), func(c wire.SyncCard) bool { return len(c.Mutations) == 0 })
		if len(with) > 1 {
			t.Errorf("the edits of %d cards in one request: they may be more than one holds", len(with))
		}
	}
	if r := h.sync(); r.Sent != 0 {
		t.Errorf("again: %+v", r)
	}
}

// One card's trouble keeps no other from its news, though all were asked for in one request.
func TestTroubleOfOneCardIsNotTheOthers(t *testing.T) {
	w, h, ids := family(t)
	for _, id := range ids {
		w.publish(id, visit("second", 2))
	}
	w.owned = []card.ID{ids[0], ids[2]} // access to the second has ended
	r, err := h.Sync(t.Context())
	if err != nil || r.Received != 2 || !slices.Equal(r.Gone, []card.ID{ids[1]}) {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, id := range w.owned {
		if page, err := h.Card(id).Visits(phone.Paging{}); err != nil || len(page.Entries) != 2 {
			t.Errorf("%+v, %v", page, err)
		}
	}
}

// A request that the server does not take costs nobody his news: each card is asked for by itself then.
func TestARefusedRequestIsTakenApart(t *testing.T) {
	w, h, ids := family(t)
	for _, id := range ids {
		w.publish(id, visit("second", 2))
	}
	refused := 0
	w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1/sync" || refused > 0 {
			return false
		}
		refused++
		refuse(rw, http.StatusUnprocessableEntity, "invalid_input")
		return true
	})
	if r, err := h.Sync(t.Context()); err != nil || r.Received != 3 || refused != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
}

// Whoever answers 204 to a phone that asked for news, and is no server of ours, does it no harm.
func TestNoNewsIsNoAnswerToEdits(t *testing.T) {
	w := newWorld(t)
	w.newCard(claimCode)
	h := w.handset("one")
	mine := h.enter(claimCode)
	if _, err := mine.AddMeasurement(card.Measurement{Systolic: 120, Diastolic: 80}); err != nil {
		t.Fatal(err)
	}
	w.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/v1/sync" {
			rw.WriteHeader(http.StatusNoContent)
		}
		return r.URL.Path == "/v1/sync"
	})
	if r, err := h.Sync(t.Context()); err == nil {
		t.Errorf("taken: %+v", r)
	}
	if box, err := mine.Outbox(); err != nil || len(box) != 1 || box[0].State != phone.Waiting {
		t.Errorf("outbox: %+v, %v", box, err)
	}
	w.intercept(nil)
	if r := h.sync(); r.Sent != 1 {
		t.Errorf("%+v", r)
	}
}
