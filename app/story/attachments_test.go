package story

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/wire"
)

// Files: from a clinic's bundle to the phone over a line that breaks, from one phone over the server to another, and never to whom
// they are hidden from.

// aFile makes bytes that look like a file of the type and do not compress.
func aFile(head string, size int, seed uint64) []byte {
	content := make([]byte, size)
	chance := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = chance.Read(content)
	copy(content, head)
	return content
}

func fileHash(content []byte) card.Hash {
	sum := sha256.Sum256(content)
	return card.Hash(hex.EncodeToString(sum[:]))
}

func attached(title, kind string, content []byte) object {
	return object{"title": title, "contentType": kind, "data": base64.StdEncoding.EncodeToString(content)}
}

func reportWith(id string, content []byte) object {
	return object{
		"resourceType": "DiagnosticReport", "id": id, "status": "final", "code": object{"text": "УЗИ"}, "subject": object{"reference": about},
		"effectiveDateTime": "2026-11-22T09:00:00+03:00", "presentedForm": []any{attached(canary, "application/pdf", content)},
	}
}

func letterWith(id string, content []byte) object {
	return object{
		"resourceType": "DocumentReference", "id": id, "status": "current", "type": object{"text": "Выписка"}, "subject": object{"reference": about},
		"date": "2026-11-22T09:00:00+03:00", "content": []any{object{"attachment": attached(canary, "application/pdf", content)}},
	}
}

// wireless is a phone's way to the server. It counts the bytes of files that came down or went up, and breaks where it is told to.
type wireless struct {
	mu       sync.Mutex
	cuts     []int // bytes after which each of the next downloads breaks; negative: the network is gone before that
	refuse   int   // after so many pieces of uploads the network is gone; 0 = never
	flip     bool  // change a byte of what comes
	down, up int
	pieces   int
}

func (l *wireless) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Method == http.MethodPatch {
		if l.pieces++; l.refuse > 0 && l.pieces > l.refuse {
			return nil, ErrNoNetwork
		}
		l.up += int(r.ContentLength)
	}
	if !strings.Contains(r.URL.Path, "/attachments/") {
		return http.DefaultTransport.RoundTrip(r)
	}
	cut := 0
	if len(l.cuts) > 0 {
		cut, l.cuts = l.cuts[0], l.cuts[1:]
	}
	if cut < 0 {
		return nil, ErrNoNetwork
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && response.StatusCode < 300 {
		response.Body = &tapped{ReadCloser: response.Body, line: l, cut: cut}
	}
	return response, err
}

// tapped is the body of an answer with a file in it.
type tapped struct {
	io.ReadCloser
	line *wireless
	cut  int
	came int
}

var errCut = errors.New("the line broke")

func (b *tapped) Read(p []byte) (int, error) {
	if b.cut > 0 {
		if b.came == b.cut {
			return 0, errCut
		}
		p = p[:min(len(p), b.cut-b.came)]
	}
	n, err := b.ReadCloser.Read(p)
	b.line.mu.Lock()
	defer b.line.mu.Unlock()
	if b.line.flip && n > 0 && b.came == 0 {
		p[n/2] ^= 1
	}
	b.came += n
	b.line.down += n
	return n, err
}

// again closes the handset and opens it on another line, as after a restart of the app.
func (h *Phone) again(t *testing.T, w *World, l http.RoundTripper) {
	t.Helper()
	ok(t, h.Close())
	sum := sha256.Sum256([]byte("first phone of " + h.Owner.Email + w.URL))
	h.Client = got(phone.Open(t.Context(), phone.Config{
		File: h.File, Key: sum[:], BaseURL: w.URL, DeviceName: "again", HTTPClient: &http.Client{Transport: l}, Clock: w.Now,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}))(t)
}

func TestAFileComesOverALineThatBreaks(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		clinic := got(w.Clinic(ctx, "Поликлиника № 7"))(t)
		scan, letter := aFile("%PDF-1.7\n", 1_500_000, 1), aFile("%PDF-1.4\n", 70_000, 2)
		posted := got(clinic.Post(ctx, filled(t, numbered(t, 1).patient(), reportWith("r1", scan), letterWith("d1", letter))))(t)
		_, handset, err := w.SignUp(ctx, "+79161234567", "nina@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = handset.Close() })
		got(handset.Claim(ctx, posted.Claim))(t)
		got(handset.Sync(ctx))(t)

		mine := handset.Card(posted.Card)
		reports := got(mine.Reports(phone.Paging{}))(t).Entries
		if len(reports) != 1 || len(reports[0].Fact.Attachments) != 1 {
			t.Fatalf("the phone knows of %+v", reports)
		}
		named := reports[0].Fact.Attachments[0]
		if named.Hash != fileHash(scan) || named.Size != len(scan) || named.Title != canary {
			t.Fatalf("the report names %+v", named)
		}
		documents := got(mine.Documents(phone.Paging{}))(t).Entries
		if len(documents) != 1 || documents[0].Fact.Attachments[0].Hash != fileHash(letter) {
			t.Fatalf("the letter is %+v", documents)
		}
		if _, err := mine.OpenAttachment(named.Hash); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("a file that was not fetched: %v", err)
		}
		if s := got(mine.FileState(named.Hash))(t); s.Size != 0 || s.Whole || s.Upload != "" {
			t.Errorf("and its state: %+v", s)
		}

		// Two breaks at any byte, then the network is gone.
		l := &wireless{cuts: []int{1 + rand.IntN(700_000), 1 + rand.IntN(700_000), -1}}
		cuts := slices.Clone(l.cuts)
		handset.again(t, w, l)
		mine = handset.Card(posted.Card)
		if _, err := mine.Attachment(ctx, named.Hash, nil); !errors.Is(err, phone.ErrOffline) {
			t.Fatalf("without a network: %v", err)
		}
		if s := got(mine.FileState(named.Hash))(t); s.Here != int64(cuts[0]+cuts[1]) || s.Size != int64(len(scan)) || s.Whole {
			t.Errorf("after breaks at %v the phone holds %+v", cuts, s)
		}
		// The app is started anew.
		second := &wireless{}
		handset.again(t, w, second)
		mine = handset.Card(posted.Card)
		var told []int64
		file := got(mine.Attachment(ctx, named.Hash, func(done, total int64) {
			if total != int64(len(scan)) {
				t.Errorf("%d of %d", done, total)
			}
			told = append(told, done)
		}))(t)
		if all := l.down + second.down; all != len(scan) {
			t.Errorf("%d bytes travelled, the file has %d", all, len(scan))
		}
		if !slices.IsSorted(told) || len(told) == 0 || told[len(told)-1] != int64(len(scan)) {
			t.Errorf("progress: %v", told)
		}
		if all := got(io.ReadAll(file))(t); !bytes.Equal(all, scan) || file.ContentType() != "application/pdf" {
			t.Error("the file is another")
		}

		// Offline, and from the middle.
		gone := &wireless{cuts: []int{-1, -1, -1}}
		handset.again(t, w, gone)
		mine = handset.Card(posted.Card)
		file = got(mine.Attachment(ctx, named.Hash, nil))(t)
		some := make([]byte, 100_000)
		if n, err := file.ReadAt(some, 1_000_001); n != len(some) || err != nil || !bytes.Equal(some, scan[1_000_001:1_100_001]) {
			t.Errorf("from the middle: %d, %v", n, err)
		}
		if n, err := file.ReadAt(some, int64(len(scan))-10); n != 10 || !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %d, %v", n, err)
		}

		// A server, or somebody on the way, that gives other bytes.
		handset.again(t, w, &wireless{flip: true})
		mine = handset.Card(posted.Card)
		if _, err := mine.Attachment(ctx, fileHash(letter), nil); !errors.Is(err, phone.ErrDamaged) {
			t.Errorf("other bytes: %v", err)
		}
		if s := got(mine.FileState(fileHash(letter)))(t); s.Here != 0 {
			t.Errorf("of other bytes %d are kept", s.Here)
		}
		handset.again(t, w, &wireless{})
		mine = handset.Card(posted.Card)
		got(mine.Attachment(ctx, fileHash(letter), nil))(t)

		// The clinic replaces the report by one without the file.
		changed := reportWith("r1", scan)
		delete(changed, "presentedForm")
		got(clinic.Post(ctx, filled(t, numbered(t, 1).patient(), changed)))(t)
		file = got(mine.OpenAttachment(named.Hash))(t)
		got(handset.Sync(ctx))(t)
		if _, err := mine.OpenAttachment(named.Hash); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("named no more: %v", err)
		}
		if _, err := file.ReadAt(some, 0); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("opened before: %v", err)
		}
		got(mine.OpenAttachment(fileHash(letter)))(t)
	})
}

func TestAFileGoesWithTheAccess(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		c := casting(ctx, t, w)
		clinic := got(w.Clinic(ctx, "Диагностический центр"))(t)
		boris, handset, err := w.SignUp(ctx, "+79161234560", "boris@example.org")
		ok(t, err)
		t.Cleanup(func() { _ = handset.Close() })
		token, path := c.tokens[identity.Patient], "/v1/cards/"+string(c.card)+"/grants"
		grant := str(got(w.post(ctx, path, token, body{"account": boris.Account, "scopes": []string{"lab.*"}, "purpose": "PATRQT", "ends": w.Now().Add(time.Hour).UTC()}))(t), "id")

		scan, letter := aFile("\xff\xd8\xff\xe0", 300_000, 3), aFile("%PDF-1.4\n", 10_000, 4)
		got(clinic.Post(ctx, filled(t, anna.patient(), reportWith("r1", scan), letterWith("d1", letter))))(t)
		got(handset.Me(ctx))(t)
		got(handset.Sync(ctx))(t)
		his := handset.Card(c.card)
		file := got(his.Attachment(ctx, fileHash(scan), nil))(t)
		if file.ContentType() != "image/jpeg" { // though the report calls it a PDF
			t.Errorf("a picture that is called a PDF is taken for %s", file.ContentType())
		}
		// The letter is in a scope that he does not see; he may know its hash from elsewhere.
		if _, err = his.Attachment(ctx, fileHash(letter), nil); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("a hidden file: %v", err)
		}

		ok(t, w.Call(ctx, token, http.MethodDelete, path+"/"+grant, nil, nil, nil))
		if report := got(handset.Sync(ctx))(t); len(report.Gone) != 1 {
			t.Errorf("after the end of the access: %+v", report)
		}
		if _, err := his.OpenAttachment(fileHash(scan)); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("after the end of the access: %v", err)
		}
		if _, err := file.ReadAt(make([]byte, 10), 0); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("opened before the end of the access: %v", err)
		}
		// Within a download: the first pieces came, then the access ends.
		grant = str(got(w.post(ctx, path, token, body{"account": boris.Account, "scopes": []string{"lab.*"}, "purpose": "PATRQT", "ends": w.Now().Add(time.Hour).UTC()}))(t), "id")
		handset.again(t, w, &wireless{cuts: []int{1000, -1}})
		his = handset.Card(c.card)
		got(handset.Me(ctx))(t)
		got(handset.Sync(ctx))(t)
		if _, err := his.Attachment(ctx, fileHash(scan), nil); !errors.Is(err, phone.ErrOffline) {
			t.Errorf("a line that breaks: %v", err)
		}
		ok(t, w.Call(ctx, token, http.MethodDelete, path+"/"+grant, nil, nil, nil))
		_, err = his.Attachment(ctx, fileHash(scan), nil)
		refused(t, err, http.StatusNotFound, "card.not_found")
	})
}

// give reads a file over bare HTTP.
func (w *World) give(t *testing.T, method, token, target string, headers ...string) reply {
	t.Helper()
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, "Purpose-Of-Use") }) {
		headers = append(headers, "Purpose-Of-Use: PATRQT")
	}
	return w.say(t, turn{name: method, method: method, target: target, token: token, headers: headers})
}

func TestFilesOverHTTP(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		c := casting(ctx, t, w)
		center := got(w.Clinic(ctx, "Диагностический центр"))(t)
		const size = 2*wire.AttachmentChunk + 1000
		scan, letter := aFile("%PDF-1.4\n", size, 5), aFile("<html>"+canary, 5_000, 6)
		got(center.Post(ctx, filled(t, anna.patient(), reportWith("r1", scan), letterWith("d1", letter))))(t)
		address := func(id card.ID, hash card.Hash) string {
			return "/v1/cards/" + string(id) + "/attachments/" + string(hash)
		}
		there := address(c.card, fileHash(scan))
		hers, clinics := c.tokens[identity.Patient], c.tokens[identity.Clinic]
		tag := `"` + string(fileHash(scan)) + `"`
		for _, try := range []struct {
			name     string
			headers  []string
			status   int
			from, to int
		}{
			{"all", nil, 200, 0, size},
			{"the beginning", []string{"Range: bytes=0-9"}, 206, 0, 10},
			{"the rest", []string{"Range: bytes=262143-"}, 206, 262143, size},
			{"over a border", []string{"Range: bytes=262140-262150"}, 206, 262140, 262151},
			{"one byte", []string{"Range: bytes=524287-524287"}, 206, 524287, 524288},
			{"the end", []string{"Range: bytes=-7"}, 206, size - 7, size},
			{"more than there is", []string{"Range: bytes=10-99999999999999999999999"}, 206, 10, size},
			{"more from the end than there is", []string{"Range: bytes=-999999999"}, 206, 0, size},
			{"of this file", []string{"Range: bytes=5-6", "If-Range: " + tag}, 206, 5, 7},
			{"of another file", []string{"Range: bytes=5-6", `If-Range: "x"`}, 200, 0, size},
			{"several", []string{"Range: bytes=0-1,5-6"}, 200, 0, size},
			{"backwards", []string{"Range: bytes=9-5"}, 200, 0, size},
			{"of another unit", []string{"Range: pages=0-1"}, 200, 0, size},
			{"that is none", []string{"Range: bytes=" + canary}, 200, 0, size},
			{"a dash", []string{"Range: bytes=-"}, 200, 0, size},
			{"negative", []string{"Range: bytes=--5"}, 200, 0, size},
		} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				r := w.give(t, method, hers, there, try.headers...)
				want := string(scan[try.from:try.to])
				if method == http.MethodHead {
					want = ""
				}
				if r.status != try.status || r.text != want {
					t.Errorf("%s %s: %d, %d bytes; want %d, %d bytes", method, try.name, r.status, len(r.text), try.status, len(want))
				}
				if r.header.Get("Content-Length") != fmt.Sprint(try.to-try.from) || r.header.Get("ETag") != tag || r.header.Get("Accept-Ranges") != "bytes" ||
					r.header.Get("Content-Type") != "application/octet-stream" || r.header.Get("Content-Disposition") != "attachment" ||
					r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s %s: headers %v", method, try.name, r.header)
				}
				if of := fmt.Sprintf("bytes %d-%d/%d", try.from, try.to-1, size); (r.header.Get("Content-Range") == of) != (try.status == 206) {
					t.Errorf("%s %s: %s", method, try.name, r.header.Get("Content-Range"))
				}
			}
		}
		for _, bad := range []string{fmt.Sprint(size) + "-", "99999999999999999999-", "-0", fmt.Sprint(size+5) + "-" + fmt.Sprint(size+9)} {
			r := w.refuses(t, turn{name: "range " + bad, method: http.MethodGet, target: there, token: hers, headers: []string{"Purpose-Of-Use: PATRQT", "Range: bytes=" + bad}, want: []int{416}, code: "range.not_satisfiable"})
			if r.header.Get("Content-Range") != fmt.Sprintf("bytes */%d", size) {
				t.Errorf("a range beyond the file: %v", r.header)
			}
		}
		// A letter that is a page is still given out as bytes.
		if r := w.give(t, http.MethodGet, hers, address(c.card, fileHash(letter))); r.status != 200 || r.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("a page: %d %v", r.status, r.header)
		}
		// The clinic was given lab.*: the report is there, the letter is like one that does not exist.
		if r := w.give(t, http.MethodGet, clinics, there, "Purpose-Of-Use: TREAT"); r.status != 200 || r.text != string(scan) {
			t.Errorf("the clinic gets %d", r.status)
		}
		hidden := w.give(t, http.MethodGet, clinics, address(c.card, fileHash(letter)), "Purpose-Of-Use: TREAT")
		unknown := w.give(t, http.MethodGet, clinics, address(c.card, fileHash(nil)), "Purpose-Of-Use: TREAT")
		if alike(hidden, string(fileHash(letter))) != alike(unknown, string(fileHash(nil))) || hidden.status != 404 || !strings.Contains(hidden.text, `"attachment.not_found"`) {
			t.Errorf("a hidden file: %s\nan unknown one: %s", hidden.text, unknown.text)
		}
		foreign := w.give(t, http.MethodGet, got(center.Token(ctx))(t), there, "Purpose-Of-Use: TREAT")
		nowhere := uuid.NewString()
		missing := w.give(t, http.MethodGet, got(center.Token(ctx))(t), address(card.ID(nowhere), fileHash(scan)), "Purpose-Of-Use: TREAT")
		if alike(foreign, string(c.card)) != alike(missing, nowhere) || foreign.status != 404 {
			t.Errorf("a foreign card: %s\na missing one: %s", foreign.text, missing.text)
		}
		w.refuses(t, turn{name: "without a purpose", method: http.MethodGet, target: there, token: clinics, want: []int{400}, code: "purpose.missing"})
		for _, hash := range []string{"abc", strings.ToUpper(string(fileHash(scan))), string(fileHash(scan)) + "0", strings.Repeat("z", 64)} {
			w.refuses(t, turn{name: "hash " + hash, method: http.MethodGet, target: address(c.card, card.Hash(hash)), token: hers, headers: []string{"Purpose-Of-Use: PATRQT"}, want: []int{404, 422}})
		}
		// Who looked at it stands in the card's log.
		var log struct {
			Entries []struct{ Action, What, Who string }
		}
		ok(t, w.Call(ctx, hers, http.MethodGet, "/v1/cards/"+string(c.card)+"/access-log", nil, nil, &log))
		seen := map[string]int{}
		for _, e := range log.Entries {
			if e.What == "attachment" {
				seen[e.Who]++
			}
		}
		if seen["clinic"] != 1 || seen["patient"] != 1 {
			t.Errorf("the log has %v", seen)
		}
		// The report is replaced by one without a file.
		bare := reportWith("r1", scan)
		delete(bare, "presentedForm")
		got(center.Post(ctx, filled(t, anna.patient(), bare)))(t)
		w.refuses(t, turn{name: "named no more", method: http.MethodGet, target: there, token: hers, headers: []string{"Purpose-Of-Use: PATRQT"}, want: []int{404}, code: "attachment.not_found"})
	})
}

// sent is the state of the one file that was attached on the phone.
func sent(t *testing.T, k *phone.Card) phone.FileState {
	t.Helper()
	all := got(k.Uploads())(t)
	if len(all) != 1 {
		t.Fatalf("%d files were attached: %+v", len(all), all)
	}
	return all[0]
}

func TestAPatientAttachesAPhoto(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		anna, handset, id := owner(ctx, t, w, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		got(handset.Sync(ctx))(t)
		photo := aFile("\xff\xd8\xff\xe0", 3*wire.AttachmentChunk+77, 7)
		tunnel := &wireless{}
		handset.again(t, w, tunnel)
		mine := handset.Card(id)
		visit := got(mine.Visits(phone.Paging{}))(t).Entries[0].ID

		// What cannot be attached.
		for name, content := range map[string][]byte{"nothing": {}, "too much": make([]byte, wire.MaxAttachment+1)} {
			if _, err := mine.Attach("x", "image/jpeg", bytes.NewReader(content)); !errors.Is(err, phone.ErrFileSize) {
				t.Errorf("%s is attached: %v", name, err)
			}
		}
		stranger := card.Attachment{Title: "x", Size: 1, Hash: fileHash([]byte("x"))}
		if _, err := mine.Comment(visit, "чужое", stranger); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("a file that is not here: %v", err)
		}

		named := got(mine.Attach("Родинка", "image/jpeg", bytes.NewReader(photo)))(t)
		if named.Hash != fileHash(photo) || named.Size != len(photo) {
			t.Fatalf("attached as %+v", named)
		}
		if all := got(mine.Uploads())(t); len(all) != 0 {
			t.Errorf("before it is saved it waits to be sent: %+v", all)
		}
		edit := got(mine.Comment(visit, "Покажу дерматологу", named))(t)
		if s := sent(t, mine); s.Upload != phone.Waiting || !s.Whole || s.Sent != 0 {
			t.Errorf("offline it is %+v", s)
		}
		if file := got(mine.OpenAttachment(named.Hash))(t); !bytes.Equal(got(io.ReadAll(file))(t), photo) {
			t.Error("offline it cannot be read")
		}

		// After one piece the network is gone; the text is through.
		tunnel.refuse = 1
		if _, err := handset.Sync(ctx); !errors.Is(err, phone.ErrOffline) {
			t.Errorf("a network that goes: %v", err)
		}
		if s := sent(t, mine); s.Upload != phone.Waiting || s.Sent != wire.AttachmentChunk {
			t.Errorf("after one piece it is %+v", s)
		}
		second := got(anna.Handset("second phone"))(t)
		t.Cleanup(func() { _ = second.Close() })
		ok(t, second.Enter(ctx))
		got(second.Sync(ctx))(t)
		comments := got(second.Card(id).Comments(visit))(t)
		if len(comments) != 1 || comments[0].Fact.Attachments[0] != named {
			t.Fatalf("the other phone knows %+v", comments)
		}
		_, err := second.Card(id).Attachment(ctx, named.Hash, nil)
		refused(t, err, http.StatusNotFound, "attachment.pending")

		// The app is started anew: what is missing goes, and no more.
		rest := &wireless{}
		handset.again(t, w, rest)
		mine = handset.Card(id)
		if report := got(handset.Sync(ctx))(t); report.Uploaded != 1 {
			t.Errorf("the sync did %+v", report)
		}
		if tunnel.up+rest.up != len(photo) {
			t.Errorf("%d bytes went up, the file has %d", tunnel.up+rest.up, len(photo))
		}
		if s := sent(t, mine); s.Upload != phone.Accepted || s.Sent != int64(len(photo)) {
			t.Errorf("in the end it is %+v", s)
		}
		got(handset.Sync(ctx))(t)
		if rest.up+tunnel.up != len(photo) {
			t.Error("it is sent once more")
		}
		file := got(second.Card(id).Attachment(ctx, named.Hash, nil))(t)
		if !bytes.Equal(got(io.ReadAll(file))(t), photo) {
			t.Error("the other phone gets another file")
		}

		// On the other phone: taken away again, and the bytes go from both.
		editor := got(second.Card(id).Edit(edit.Record))(t)
		comment, _ := editor.Entry().Fact.(card.Comment)
		comment.Attachments = nil
		got(editor.Save(comment))(t)
		got(second.Sync(ctx))(t)
		got(handset.Sync(ctx))(t)
		if c := got(mine.Comments(visit))(t); len(c) != 1 || len(c[0].Fact.Attachments) != 0 || c[0].Fact.Text != "Покажу дерматологу" {
			t.Errorf("the comment is %+v", c)
		}
		if _, err := second.Card(id).OpenAttachment(named.Hash); !errors.Is(err, phone.ErrNoFile) {
			t.Errorf("taken away: %v", err)
		}
	})
}

func TestAPhotoThatWasDeletedBeforeItWasSent(t *testing.T) {
	ctx, w := t.Context(), start(t, "")
	_, handset, id := owner(ctx, t, w, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
	got(handset.Sync(ctx))(t)
	l := &wireless{}
	handset.again(t, w, l)
	mine := handset.Card(id)
	named := got(mine.Attach("Родинка", "image/jpeg", bytes.NewReader(aFile("\xff\xd8\xff\xe0", 1000, 8))))(t)
	edit := got(mine.Comment(got(mine.Visits(phone.Paging{}))(t).Entries[0].ID, "фото", named))(t)
	got(got(mine.Edit(edit.Record))(t).Delete())(t)
	got(handset.Sync(ctx))(t)
	if all := got(mine.Uploads())(t); len(all) != 0 || l.up != 0 {
		t.Errorf("%d bytes went up, and the person is told of %+v", l.up, all)
	}
}

func TestABackupWithoutThePhoto(t *testing.T) {
	// A server that lost the file: its epoch is another, and the phone sends the file once more. Restores are SQLite's.
	ctx, w := t.Context(), start(t, "")
	_, handset, id := owner(ctx, t, w, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
	got(handset.Sync(ctx))(t)
	first := &wireless{}
	handset.again(t, w, first)
	mine := handset.Card(id)
	photo := aFile("\xff\xd8\xff\xe0", 1000, 8)
	named := got(mine.Attach("Родинка", "image/jpeg", bytes.NewReader(photo)))(t)
	got(mine.Comment(got(mine.Visits(phone.Paging{}))(t).Entries[0].ID, "фото", named))(t)
	got(handset.Sync(ctx))(t)
	if first.up != len(photo) {
		t.Fatalf("%d bytes went up", first.up)
	}
	db := beside(t, w.cfg.Database(), "")
	for _, statement := range []string{"DELETE FROM attachment", "DELETE FROM attachment_piece", "DELETE FROM attachment_upload", "UPDATE card SET epoch = '" + uuid.NewString() + "'"} {
		got(db.ExecContext(ctx, statement))(t)
	}
	ok(t, db.Close())
	got(handset.Sync(ctx))(t)
	got(handset.Sync(ctx))(t)
	if first.up != 2*len(photo) {
		t.Errorf("%d bytes went up in all: the file did not come again", first.up)
	}
	if s := sent(t, mine); s.Upload != phone.Accepted {
		t.Errorf("it is %+v", s)
	}
}

// epochOf asks for the epoch of a card.
func (w *World) epochOf(ctx context.Context, t *testing.T, token string, id card.ID) string {
	t.Helper()
	var head struct{ Cards []struct{ Epoch string } }
	ok(t, w.Call(ctx, token, http.MethodGet, "/v1/sync/head?cards="+string(id), nil, nil, &head))
	return head.Cards[0].Epoch
}
