package story

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/keys"
	"github.com/medcard/medcard/app/server"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/mobile-sdk/proof"
)

// watched is a world with a card, of which a clinic's reads fill the log.
type watched struct {
	*World
	t      *testing.T
	ctx    context.Context //nolint:containedctx // of one test
	clinic *Clinic
	card   card.ID
	mine   *phone.Card
	log    *auditing.Service
	key    string
}

func watch(ctx context.Context, t *testing.T, w *World) watched {
	t.Helper()
	v := watched{World: w, t: t, ctx: ctx, clinic: got(w.Clinic(ctx, "Поликлиника № 7"))(t)}
	_, handset, id := owner(ctx, t, w, v.clinic)
	v.card, v.mine = id, handset.Card(id)
	got(v.mine.GiveGrant(ctx, phone.Wish{Client: v.clinic.ID, Scopes: card.Scopes{"lab.*"}, Purpose: consent.Treatment, Ends: w.Now().Add(24 * time.Hour)}))(t)
	v.log = got(server.Audit(w.Server.Store, got(keys.OpenFolder(w.cfg.KeyFolder(), w.Now))(t), w.cfg.Issuer, w.Now))(t)
	v.key = got(proof.Remote{URL: w.URL, HTTP: http.DefaultClient}.Key(ctx))(t)
	return v
}

// reads lets the clinic look so often, all of which comes into the log.
func (v watched) reads(times int) {
	v.t.Helper()
	for range times {
		ok(v.t, v.clinic.reads(v.ctx, v.card))
	}
	ok(v.t, v.log.Sequence(v.ctx))
}

// export asks for an export with a token of the hour.
func (v watched) export(query url.Values, headers ...string) reply {
	v.t.Helper()
	token := got(v.auditor(v.ctx, v.t)(v.ctx))(v.t)
	return v.say(v.t, turn{method: http.MethodGet, target: "/v1/audit/export?" + query.Encode(), token: token, headers: append(headers, "Purpose-Of-Use: HOPERAT")})
}

func (v watched) lines(query url.Values) string {
	v.t.Helper()
	r := v.export(query)
	if r.status != http.StatusOK {
		v.t.Fatalf("%d %s", r.status, short(r.text))
	}
	return r.text
}

func (v watched) holds(text string, kept audit.Checkpoint) (proof.Exported, error) {
	return proof.ReadExport(strings.NewReader(text), v.key, kept)
}

// An auditor takes a period of the log away, as lines or as AuditEvents; the file proves by itself that it is the period, all of it, and the log's.
func TestAnAuditorTakesThePeriodAway(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		v := watch(ctx, t, w)
		v.reads(30)
		w.Skip(2 * time.Hour)
		since := w.Now()
		v.reads(110) // more than a page
		until := w.Now()
		w.Skip(2 * time.Hour)
		v.reads(15)
		state := got(v.log.Checkpoint(ctx))(t)
		kept := got(proof.Open(v.key, []byte(state)))(t)

		whole := v.lines(nil)
		x, err := v.holds(whole, kept)
		if err != nil || x.From != 0 || x.To < 155 || x.To != x.Checkpoint.Size || !x.Kept || int64(strings.Count(whole, "\n")) != x.To+2 {
			t.Errorf("the whole log: %+v, %v", x, err)
		}
		for _, word := range []string{example.Family, example.SNILS, example.Policy, "Метформин"} {
			if strings.Contains(whole, word) {
				t.Errorf("the export holds %s", word)
			}
		}

		period := url.Values{"since": {since.Format(time.RFC3339Nano)}, "until": {until.Format(time.RFC3339Nano)}}
		text := v.lines(period)
		x, err = v.holds(text, audit.Checkpoint{})
		ok(t, err)
		var times []time.Time
		reads := 0
		for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
			var e struct {
				Line, Action, Card, Name, Organisation, Purpose string
				At                                              time.Time
			}
			ok(t, json.Unmarshal([]byte(line), &e))
			if e.Line != "entry" {
				continue
			}
			times = append(times, e.At)
			if e.Action == "read" && e.Card == string(v.card) && e.Name == Doctor.Name && e.Organisation == v.clinic.Name && e.Purpose == "TREAT" {
				reads++
			}
		}
		if !x.Since.Equal(since) || !x.Until.Equal(until) || x.From == 0 || x.To == x.Checkpoint.Size || reads < 110 || reads > 112 || int64(len(times)) != x.To-x.From {
			t.Errorf("the period: %+v, %d reads in %d lines", x, reads, len(times))
		}
		if first, last := times[0], times[len(times)-1]; !first.Before(since) || !last.After(until) {
			t.Errorf("from %s to %s", first, last)
		}

		zipped := v.export(period, "Accept-Encoding: gzip")
		z := got(gzip.NewReader(strings.NewReader(zipped.text)))(t)
		plain := string(got(io.ReadAll(z))(t))
		if _, err := v.holds(plain, audit.Checkpoint{}); err != nil || zipped.header.Get("Content-Encoding") != "gzip" || 3*len(zipped.text) > len(plain) {
			t.Errorf("zipped: %d of %d bytes, %v", len(zipped.text), len(plain), err)
		}

		events := v.export(period, "Accept: application/fhir+ndjson")
		n := int64(0)
		for line := range strings.Lines(events.text) {
			if err := fhir.Validate([]byte(line)); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			n++
		}
		if n != x.To-x.From || events.header.Get("Content-Type") != "application/fhir+ndjson" || !strings.Contains(events.text, `"urn:medcard:audit-action","code":"read"`) {
			t.Errorf("%d events of %d", n, x.To-x.From)
		}

		ok(t, v.log.Sequence(ctx))
		mine := 0
		for line := range strings.Lines(v.lines(url.Values{"from": {strconv.FormatInt(x.Checkpoint.Size, 10)}})) {
			if strings.Contains(line, `"action":"review"`) && strings.Contains(line, inspector.Name) && strings.Contains(line, `"what":"export of places `) {
				mine++
			}
		}
		if mine < 3 {
			t.Errorf("%d of the exports are remembered", mine)
		}

		for name, c := range map[string]struct {
			query, code string
			status      int
		}{
			"behind the end":       {"from=1000000", "audit.sizes", 422},
			"no place":             {"from=-1", "invalid_input", 422},
			"no time":              {"since=yesterday", "invalid_input", 422},
			"a place and a time":   {"from=1&since=2026-01-01T00:00:00Z", "audit.period", 422},
			"an end before it":     {"since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "audit.period", 422},
			"a filter that is not": {"card=" + string(v.card), "unknown_field", 422},
		} {
			q := got(url.ParseQuery(c.query))(t)
			if r := v.export(q); r.status != c.status || !strings.Contains(r.text, c.code) {
				t.Errorf("%s: %d %s", name, r.status, short(r.text))
			}
		}
		if r := v.export(nil, "Accept: text/html"); r.status != 422 || !strings.Contains(r.text, "audit.format") {
			t.Errorf("as a page: %d %s", r.status, short(r.text))
		}
		for name, token := range map[string]string{"a clinic": got(v.clinic.Token(ctx))(t), "nobody": ""} {
			r := v.say(t, turn{method: http.MethodGet, target: "/v1/audit/export", token: token, headers: []string{"Purpose-Of-Use: HOPERAT"}})
			if r.status != 403 && r.status != 401 {
				t.Errorf("%s: %d", name, r.status)
			}
		}
		bare := got(v.auditor(ctx, t)(ctx))(t)
		if r := v.say(t, turn{method: http.MethodGet, target: "/v1/audit/export", token: bare}); r.status != 400 || !strings.Contains(r.text, "purpose.not_auditing") {
			t.Errorf("for no purpose: %d %s", r.status, short(r.text))
		}

		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: v.card}
		defer in.db.Close()
		heal := in.unaudited()
		if r := v.export(nil); r.status < 500 || strings.Contains(r.text, `"line"`) {
			t.Errorf("an auditor takes the log away, and nobody remembers: %d", r.status)
		}
		heal()
	})
}

// Whatever is done to the file of an export, or was done to the log before it left, its receiver finds out alone.
func TestATamperedExportIsFound(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		v := watch(ctx, t, w)
		v.reads(120)
		from := url.Values{"from": {"5"}}
		text := v.lines(from)
		if _, err := v.holds(text, audit.Checkpoint{}); err != nil {
			t.Fatal(err)
		}
		lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
		lines[len(lines)-1] += "\n"
		last := len(lines) - 1
		v.reads(3)
		other := strings.SplitAfter(v.lines(url.Values{"from": {"6"}}), "\n")
		change := func(f func(l []string) []string) string { return strings.Join(f(slices.Clone(lines)), "") }
		replace := func(i int, was, is string) string {
			return change(func(l []string) []string {
				changed := strings.Replace(l[i], was, is, 1)
				if changed == l[i] {
					t.Fatalf("%q is not in %s", was, l[i])
				}
				l[i] = changed
				return l
			})
		}
		for name, c := range map[string]struct {
			text string
			want error
		}{
			"a purpose is changed":         {replace(40, `"TREAT"`, `"ETREAT"`), proof.ErrExport},
			"a time is changed":            {replace(40, `"at":"20`, `"at":"21`), proof.ErrExport},
			"a field is added":             {replace(40, `{"line":"entry",`, `{"line":"entry","note":"x",`), proof.ErrExport},
			"a field stands there twice":   {replace(40, `"action":`, `"action":"write","action":`), proof.ErrExport},
			"white space":                  {replace(40, `,"card"`, `, "card"`), proof.ErrExport},
			"a line is taken out":          {change(func(l []string) []string { return slices.Delete(l, 40, 41) }), proof.ErrExport},
			"the first entry is taken out": {change(func(l []string) []string { return slices.Delete(l, 1, 2) }), proof.ErrExport},
			"the last entry is taken out":  {change(func(l []string) []string { return slices.Delete(l, last-1, last) }), proof.ErrExport},
			"a line is written twice":      {change(func(l []string) []string { return slices.Insert(l, 40, l[40]) }), proof.ErrExport},
			"two lines are swapped":        {change(func(l []string) []string { l[40], l[41] = l[41], l[40]; return l }), proof.ErrExport},
			"two lines change places": {change(func(l []string) []string {
				l[40], l[41] = strings.Replace(l[41], `"place":45`, `"place":44`, 1), strings.Replace(l[40], `"place":44`, `"place":45`, 1)
				return l
			}), proof.ErrExport},
			"a line is called destroyed": {change(func(l []string) []string {
				l[40] = `{"line":"entry","place":44,"card":"` + string(v.card) + `","number":3,"state":"shredded","hash":"` + strings.Repeat("A", 43) + `="}` + "\n"
				return l
			}), proof.ErrExport},
			"the end is cut off":            {change(func(l []string) []string { return l[:last] }), proof.ErrCut},
			"half of the end is cut off":    {strings.TrimSuffix(text, "}\n"), proof.ErrCut},
			"half of a line is cut off":     {strings.Join(lines[:40], "") + lines[40][:50], proof.ErrCut},
			"half of the lines are cut off": {change(func(l []string) []string { return l[:40] }), proof.ErrCut},
			"lines before the end are cut":  {change(func(l []string) []string { return append(l[:40], l[last]) }), proof.ErrExport},
			"an earlier end": {change(func(l []string) []string {
				l[0] = strings.Replace(l[0], `"to":`+strconv.Itoa(last+4), `"to":`+strconv.Itoa(last+3), 1)
				return slices.Delete(l, last-1, last)
			}), proof.ErrExport},
			"no beginning":            {change(func(l []string) []string { return l[1:] }), proof.ErrExport},
			"another beginning":       {change(func(l []string) []string { l[0] = other[0]; return l }), proof.ErrExport},
			"another end":             {change(func(l []string) []string { l[last] = other[len(other)-2]; return l }), proof.ErrExport},
			"what is behind the end":  {text + lines[40], proof.ErrExport},
			"the log before it":       {replace(0, `"edge":["`, `"edge":["AAAA`), proof.ErrExport},
			"a checkpoint of ours":    {replace(0, `"checkpoint":"m`, `"checkpoint":"n`), proof.ErrSignature},
			"a period that it is not": {replace(0, `"edge"`, `"since":"2020-01-01T00:00:00Z","edge"`), proof.ErrExport},
			"nothing":                 {"", proof.ErrCut},
			"the same once more":      {text + text, proof.ErrExport},
			"a page":                  {"<html>\n", proof.ErrExport},
		} {
			if x, err := v.holds(c.text, audit.Checkpoint{}); !errors.Is(err, c.want) {
				t.Errorf("%s: %+v, %v", name, x, err)
			}
		}
		for i := 0; i < len(lines[40])-1; i++ { // each byte of an entry
			b := []byte(lines[40])
			b[i] ^= 1
			if _, err := v.holds(change(func(l []string) []string { l[40] = string(b); return l }), audit.Checkpoint{}); err == nil {
				t.Fatalf("the byte %d of a line can be changed: %s", i, b)
			}
		}
		for cut := range lines { // wherever the connection breaks
			x := new(proof.Progress)
			for _, l := range lines[:cut] {
				ok(t, x.Take([]byte(strings.TrimSuffix(l, "\n"))))
			}
			if cut == 0 || cut%17 != 0 && cut != last && cut != last+1 {
				continue
			}
			rest := v.lines(url.Values{"from": {strconv.FormatInt(x.Next, 10)}})
			if e, err := v.holds(strings.Join(lines[:cut], "")+rest, audit.Checkpoint{}); err != nil || e.From != 5 || e.To <= int64(last) {
				t.Errorf("cut at line %d and continued: %+v, %v", cut, e, err)
			}
		}
		rest := v.lines(url.Values{"from": {"60"}})
		if _, err := v.holds(strings.Join(lines[:40], "")+rest, audit.Checkpoint{}); !errors.Is(err, proof.ErrExport) {
			t.Errorf("a gap between two parts: %v", err)
		}
		forked := audit.Checkpoint{Origin: got(v.log.Keys())(t).Signer.Name(), Size: 50, Root: audit.Hash{1}}
		if _, err := v.holds(text, forked); !errors.Is(err, proof.ErrForked) {
			t.Errorf("another log than the one before: %v", err)
		}

		in := insider{t: t, db: beside(t, w.cfg.Database(), w.cfg.Postgres), w: w, card: v.card}
		defer in.db.Close()
		for name, c := range map[string]struct {
			do   func()
			want error
			says string
		}{
			"an entry is changed": {func() { in.run("UPDATE audit_entry SET purpose = 'ETREAT' WHERE card = $1 AND number = 60", v.card) }, proof.ErrEntries, "changed"},
			"a sealed part is changed": {func() {
				in.run("UPDATE audit_entry SET sealed = $1 WHERE card = $2 AND number = 60", in.blob(), v.card)
			}, proof.ErrEntries, "changed"},
			"an entry is deleted": {func() { in.run("DELETE FROM audit_entry WHERE card = $1 AND number = 60", v.card) }, proof.ErrEntries, "missing"},
			"a hash is changed": {func() {
				in.run("UPDATE audit_leaf SET hash = (SELECT hash FROM audit_leaf WHERE position = 50) WHERE position = 60")
			}, proof.ErrExport, ""},
		} {
			in.during(c.do, func() {
				x, err := v.holds(v.lines(from), audit.Checkpoint{})
				if !errors.Is(err, c.want) || c.says != "" && (len(x.Bad) != 1 || !strings.Contains(x.Bad[0], c.says)) {
					t.Errorf("in the database, %s: %+v, %v", name, x, err)
				}
			})
		}
		in.during(func() { in.run("DELETE FROM audit_leaf WHERE position = 60") }, func() {
			token := got(v.auditor(ctx, t)(ctx))(t)
			r := got(http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/v1/audit/export", http.NoBody))(t)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Purpose-Of-Use", "HOPERAT")
			response := got(http.DefaultClient.Do(r))(t)
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if _, bad := v.holds(string(text), audit.Checkpoint{}); bad == nil || err == nil && response.StatusCode == http.StatusOK && bytes.Contains(text, []byte(`"end"`)) {
				t.Errorf("a place is deleted: %d, %v, %v", response.StatusCode, err, bad)
			}
		})
	})
}

// The entries of a card that was destroyed leave as hashes, with the proof that somebody destroyed it; nothing else passes for that.
func TestAnExportOfADestroyedCard(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		v := watch(ctx, t, w)
		v.reads(130)
		got(server.Grant(w.Server.Store, w.Now).Shred(ctx, granting.Shredding{Card: v.card, Reason: "Басманный районный суд, 2-115/2026", By: "Сидорова", Ask: "Горздрав, +7 495 000-00-00"}))(t)
		ok(t, v.log.Sequence(ctx))
		text := v.lines(nil)
		x, err := v.holds(text, audit.Checkpoint{})
		if err != nil || x.Shredded < 130 {
			t.Fatalf("%+v, %v", x, err)
		}
		if !strings.Contains(text, `"what":"Басманный районный суд, 2-115/2026"`) || strings.Contains(text, Doctor.Name) {
			t.Error("the order is not told, or who read is")
		}
		lines := strings.SplitAfter(text, "\n")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, `"order":`) })
		if at < 0 || strings.Contains(lines[at+1], `"order":`) {
			t.Fatal("the order does not stand beside the first entry alone")
		}
		bare := slices.Clone(lines)
		bare[at] = bare[at][:strings.Index(bare[at], `,"order":`)] + "}\n"
		bound := slices.Clone(lines)
		bound[at+1] = strings.Replace(bound[at+1], `"number":`, `"number":10`, 1)
		twice := slices.Clone(lines)
		twice[at+1] = strings.Replace(twice[at+1], numberOf(t, lines[at+1]), numberOf(t, lines[at]), 1)
		for name, changed := range map[string][]string{"without the order": bare, "a number behind the order": bound, "a number twice": twice} {
			if _, err := v.holds(strings.Join(changed, ""), audit.Checkpoint{}); !errors.Is(err, proof.ErrExport) {
				t.Errorf("%s: %v", name, err)
			}
		}
		events := v.export(nil, "Accept: application/fhir+ndjson")
		for line := range strings.Lines(events.text) {
			if err := fhir.Validate([]byte(line)); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
		}
	})
}

func numberOf(t *testing.T, line string) string {
	t.Helper()
	_, rest, found := strings.Cut(line, `"number":`)
	number, _, _ := strings.Cut(rest, ",")
	if !found {
		t.Fatal(line)
	}
	return `"number":` + number + ","
}

// However long the period is, the server holds a page of it.
func TestAnExportOfALongLogNeedsNoMoreMemory(t *testing.T) {
	const entries, most = 6_000, 16 << 10 // KiB: SQLite keeps 8 MiB of pages for each connection
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		v := watch(ctx, t, w)
		for range entries / 1000 {
			ok(t, w.Server.Store.Update(ctx, func(tx *store.Tx) error {
				for range 1000 {
					if err := tx.AppendAudit(audit.Entry{Card: v.card, At: w.Now(), Actor: identity.Actor{Kind: identity.System}, Action: audit.Notify, Purpose: consent.Operations, What: strings.Repeat("x", 6200)}); err != nil {
						return err
					}
				}
				return nil
			}))
		}
		ok(t, v.log.Sequence(ctx))
		live := func() uint64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		r := got(http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/v1/audit/export", http.NoBody))(t)
		r.Header.Set("Authorization", "Bearer "+got(v.auditor(ctx, t)(ctx))(t))
		r.Header.Set("Purpose-Of-Use", "HOPERAT")
		before := uint64(0)
		for _, warm := range []bool{false, true} { // the first time fills the caches of the database
			peak, read, began := uint64(0), int64(0), time.Now()
			response := got((&http.Client{Transport: &http.Transport{DisableCompression: true}}).Do(r))(t)
			defer response.Body.Close()
			for {
				n, err := io.CopyN(io.Discard, response.Body, 1<<20)
				read, peak = read+n, max(peak, live())
				if errors.Is(err, io.EOF) {
					break
				}
				ok(t, err)
			}
			grown := (int64(peak) - int64(before)) >> 10
			t.Logf("%d entries, %d KiB in %s; the heap grew by %d KiB", entries, read>>10, time.Since(began).Round(time.Millisecond), grown)
			if warm && (read < 2*most<<10 || grown > most) {
				t.Errorf("%d KiB were sent, and the heap grew by %d KiB", read>>10, grown)
			}
			before = live()
		}
	})
}
