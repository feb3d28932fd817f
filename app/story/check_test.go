package story

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// byteMeter counts what goes over the network, both ways.
type byteMeter struct{ bytes, requests atomic.Int64 }

type countedConn struct {
	net.Conn
	meter *byteMeter
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.meter.bytes.Add(int64(n))
	return n, err
}

func (c countedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.meter.bytes.Add(int64(n))
	return n, err
}

func (c *byteMeter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	t := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		return countedConn{conn, c}, err
	}}
	return t.RoundTrip(r)
}

// spend says how much has gone over it since the last time.
func (c *byteMeter) spend() (requests, bytes int64) { return c.requests.Swap(0), c.bytes.Swap(0) }

// damage changes the phone's file behind the app's back, and returns how many records it hit.
func damage(t *testing.T, file string, key []byte, statement string) int64 {
	t.Helper()
	db := got(driver.Open("file:"+file+"?vfs=adiantum&_txlock=immediate", func(c *sqlite3.Conn) error {
		return errors.Join(c.Exec("PRAGMA hexkey='"+hex.EncodeToString(key)+"'"), fts5.Register(c), c.Exec("PRAGMA busy_timeout=5000"))
	}))(t)
	defer db.Close()
	return got(got(db.ExecContext(t.Context(), statement))(t).RowsAffected())(t)
}

func pressure(systolic int) card.Measurement {
	return card.Measurement{Systolic: systolic, Diastolic: 80, Unit: card.MillimetresOfMercury, At: "2026-03-01T08:00:00Z"}
}

// all is what the app shows of a card.
func all(t *testing.T, k *phone.Card) (list []any) {
	t.Helper()
	for _, kind := range []card.Kind{card.KindPatient, card.KindEncounter, card.KindMeasurement} {
		for after := ""; ; {
			page := got(k.Records(kind, phone.Paging{After: after, Limit: 50}))(t)
			for _, e := range page.Entries {
				list = append(list, e)
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return list
}

// A phone's memory goes bad. The card is found damaged and mended, by fetching what is damaged and little else; what the person wrote
// in the meantime stays.
func TestADamagedPhoneMendsItsCard(t *testing.T) {
	const records = 400
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Clinic No. 1"))(t)
		posted := got(clinic.Post(ctx, example.Bundle()))(t)
		anna, first, err := w.SignUp(ctx, "+79161234567", "anna@example.org")
		ok(t, err)
		defer first.Close()
		got(first.Claim(ctx, posted.Claim))(t)
		got(first.Sync(ctx))(t)
		for i := range records {
			got(first.Card(posted.Card).AddMeasurement(pressure(100 + i%80)))(t)
		}
		got(first.Sync(ctx))(t)

		line, key := new(byteMeter), bytes.Repeat([]byte{9}, 32)
		h := &Phone{File: filepath.Join(t.TempDir(), "card.db"), Owner: anna}
		h.Client = got(phone.Open(ctx, phone.Config{File: h.File, Key: key, BaseURL: w.URL, HTTPClient: &http.Client{Transport: line}, Clock: w.Now}))(t)
		defer h.Close()
		ok(t, h.Enter(ctx))
		got(h.Me(ctx))(t)
		line.spend()
		got(h.Sync(ctx))(t)
		_, whole := line.spend()
		mine := h.Card(posted.Card)
		want := all(t, mine)
		if r := got(mine.Check(ctx))(t); r != (phone.CheckReport{}) {
			t.Errorf("a sound card: %+v", r)
		}
		requests, fetched := line.spend()
		t.Logf("the card came in %d bytes; a check of it when sound takes %d in %d requests", whole, fetched, requests)

		hit := damage(t, h.File, key, "UPDATE record SET body = CAST(substr(body, 1, 50) || x'0000' || substr(body, 53) AS BLOB) WHERE rowid % 80 = 0")
		hit += damage(t, h.File, key, "UPDATE record SET body = substr(body, 2) WHERE rowid % 80 = 1")
		lost := damage(t, h.File, key, "DELETE FROM record WHERE rowid % 160 = 2")
		wrote := got(mine.AddMeasurement(pressure(99)))(t)
		line.spend()
		r := got(mine.Check(ctx))(t)
		requests, fetched = line.spend()
		t.Logf("%d records damaged, %d lost: %+v in %d requests and %d bytes", hit, lost, r, requests, fetched)
		if int64(r.Damaged) != hit || int64(r.Repaired) != hit+lost || r.Dropped != 0 {
			t.Errorf("of %d damaged records and %d lost ones: %+v", hit, lost, r)
		}
		if len(got(mine.Outbox())(t)) != 1 {
			t.Error("what waited does not wait any more")
		}
		got(h.Sync(ctx))(t)
		added := got(mine.Record(wrote.Record))(t)
		have := all(t, mine)
		if len(have) != len(want)+1 || added.ID != wrote.Record {
			t.Fatalf("%d records, before the damage %d", len(have), len(want))
		}
		for _, e := range want {
			found := false
			for _, f := range have {
				found = found || reflect.DeepEqual(e, f)
			}
			if !found {
				t.Errorf("not as before the damage: %v", reflect.TypeOf(e))
			}
		}
	})
}
