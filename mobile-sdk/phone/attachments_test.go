package phone_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/wire"
)

// desk gives out and takes in files, as the server does but for what a test changes.
type desk struct {
	mu      sync.Mutex
	files   map[card.Hash][]byte
	uploads map[card.Hash][]byte
	log     []string                                              // what came, in order
	give    func(http.ResponseWriter, *http.Request, []byte)      // in place of the honest answer
	take    func(rw http.ResponseWriter, offset int64) (did bool) // before a piece is taken
}

func hashOf(content []byte) card.Hash {
	sum := sha256.Sum256(content)
	return card.Hash(hex.EncodeToString(sum[:]))
}

func newDesk(w *world, files ...[]byte) *desk {
	d := &desk{files: map[card.Hash][]byte{}, uploads: map[card.Hash][]byte{}}
	for _, f := range files {
		d.files[hashOf(f)] = f
	}
	w.intercept(d.answer)
	return d
}

func (d *desk) answer(rw http.ResponseWriter, r *http.Request) bool {
	parts := strings.Split(r.URL.Path, "/")
	hash := card.Hash(parts[len(parts)-1])
	d.mu.Lock()
	d.log = append(d.log, r.Method+" "+parts[len(parts)-2])
	d.mu.Unlock()
	switch {
	case strings.Contains(r.URL.Path, "/attachments/"):
		content, ok := d.files[hash]
		switch {
		case !ok:
			refuse(rw, http.StatusNotFound, "attachment.not_found")
		case d.give != nil:
			d.give(rw, r, content)
		default:
			rw.Header().Set("ETag", `"`+string(hash)+`"`)
			http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(content))
		}
		return true
	case !strings.Contains(r.URL.Path, "/uploads/"):
		return false
	}
	if r.Method == http.MethodGet {
		reply(rw, d.progress(hash))
		return true
	}
	offset, _ := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if d.take != nil && d.take(rw, offset) {
		return true
	}
	content, err := io.ReadAll(r.Body)
	if err != nil || offset != int64(len(d.uploads[hash])) {
		refuse(rw, http.StatusConflict, "upload.offset")
		return true
	}
	d.uploads[hash] = append(d.uploads[hash], content...)
	reply(rw, d.progress(hash))
	return true
}

func (d *desk) progress(hash card.Hash) wire.Upload {
	have := d.uploads[hash]
	return wire.Upload{Offset: int64(len(have)), Complete: hashOf(have) == hash}
}

func reportWith(content []byte) card.Report {
	return card.Report{Attachments: []card.Attachment{{Title: "x", Size: len(content), Hash: hashOf(content)}}}
}

func scan(n byte, size int) []byte { return bytes.Repeat([]byte{n, 1, 2, 3, 4, 5, 6}, size/7) }

func TestAFileIsNotOpenedAfterTheLease(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	content := scan(1, 70_000)
	w.publish(id, reportWith(content))
	newDesk(w, content)
	h := w.handset("one")
	mine := h.enter(claimCode)
	file, err := mine.Attachment(t.Context(), hashOf(content), nil)
	must(t, err)
	w.pass(91 * 24 * time.Hour)
	if _, err := mine.OpenAttachment(hashOf(content)); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("after the lease: %v", err)
	}
	if _, err := mine.FileState(hashOf(content)); !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("its state: %v", err)
	}
	if n, err := file.ReadAt(make([]byte, 10), 0); n != 0 || !errors.Is(err, phone.ErrLeaseEnded) {
		t.Errorf("opened before: %d bytes, %v", n, err)
	}
}

func TestTheFilesOfACardTakeSoMuchRoom(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	files := [][]byte{scan(1, 300_000), scan(2, 300_000), scan(3, 300_000)}
	w.publish(id, reportWith(files[0]), reportWith(files[1]), reportWith(files[2]))
	newDesk(w, files...)
	h := w.handset("one")
	h.cfg.FileCache = 700_000
	h.restart()
	mine := h.enter(claimCode)
	fetch := func(i int) {
		t.Helper()
		file, err := mine.Attachment(t.Context(), hashOf(files[i]), nil)
		must(t, err)
		if all, err := io.ReadAll(file); err != nil || !bytes.Equal(all, files[i]) {
			t.Errorf("file %d: %d bytes, %v", i, len(all), err)
		}
		w.pass(time.Second)
	}
	here := func(want ...bool) {
		t.Helper()
		for i, there := range want {
			s, err := mine.FileState(hashOf(files[i]))
			must(t, err)
			if s.Whole != there || (s.Here > 0) != there {
				t.Errorf("file %d: %+v, want it here: %v", i, s, there)
			}
		}
	}
	fetch(0)
	fetch(1)
	here(true, true, false)
	fetch(0) // it was used last
	fetch(2)
	here(true, false, true)
	fetch(1)
	here(false, true, true)
	own, err := mine.Attach("x", "image/jpeg", bytes.NewReader(scan(9, 900_000)))
	must(t, err)
	reports, err := mine.Reports(phone.Paging{})
	must(t, err)
	_, err = mine.Comment(reports.Entries[0].ID, "x", own)
	must(t, err)
	fetch(0)
	here(true, false, false)
	if s, err := mine.FileState(own.Hash); err != nil || !s.Whole {
		t.Errorf("what only this phone has: %+v, %v", s, err)
	}
}

func TestWhatIsWrittenGoesBeforeTheRestOfAFile(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	ids := w.publish(id, card.Visit{Status: "finished"})
	h := w.handset("one")
	mine := h.enter(claimCode)
	d := newDesk(w)
	content := scan(1, 3*wire.AttachmentChunk)
	own, err := mine.Attach("x", "image/jpeg", bytes.NewReader(content))
	must(t, err)
	_, err = mine.Comment(ids[0], "with a photo", own)
	must(t, err)
	d.take = func(_ http.ResponseWriter, offset int64) bool {
		if offset == 0 {
			_, err := mine.Comment(ids[0], "and this is urgent")
			must(t, err)
		}
		return false
	}
	h.sync()
	order := strings.Join(d.log, ", ")
	if want := "PATCH uploads, POST v1, GET uploads, PATCH uploads, PATCH uploads"; !strings.HasSuffix(order, want) {
		t.Errorf("requests: %s; want them to end with %s", order, want)
	}
	if !bytes.Equal(d.uploads[own.Hash], content) {
		t.Error("another file arrived")
	}
}

func TestARefusedUploadIsShown(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	ids := w.publish(id, card.Visit{Status: "finished"})
	h := w.handset("one")
	mine := h.enter(claimCode)
	d := newDesk(w)
	var told []phone.UploadProgress
	h.cfg.Uploaded = func(p phone.UploadProgress) { told = append(told, p) }
	h.restart()
	mine = h.Card(mine.ID())
	content := scan(1, 100_000)
	own, err := mine.Attach("x", "image/jpeg", bytes.NewReader(content))
	must(t, err)
	_, err = mine.Comment(ids[0], "with a photo", own)
	must(t, err)
	d.take = func(rw http.ResponseWriter, _ int64) bool {
		refuse(rw, http.StatusRequestEntityTooLarge, "upload.card_full")
		return true
	}
	if report := h.sync(); report.Uploaded != 0 {
		t.Errorf("refused, and %d files are up", report.Uploaded)
	}
	state := func() phone.FileState {
		t.Helper()
		all, err := mine.Uploads()
		must(t, err)
		if len(all) != 1 {
			t.Fatalf("%+v", all)
		}
		return all[0]
	}
	if s := state(); s.Upload != phone.Refused || s.Code != "upload.card_full" || !s.Whole {
		t.Errorf("refused, and it is %+v", s)
	}
	before := len(d.log)
	h.sync()
	for _, what := range d.log[before:] {
		if strings.Contains(what, "uploads") {
			t.Error("it is tried again by itself")
		}
	}
	d.take = nil
	must(t, mine.RetryUpload(own.Hash))
	h.sync()
	if s := state(); s.Upload != phone.Accepted || s.Sent != int64(len(content)) {
		t.Errorf("there is room now, and it is %+v", s)
	}
	if n := len(told); n == 0 || told[n-1] != (phone.UploadProgress{Card: id, Hash: own.Hash, Done: int64(len(content)), Total: int64(len(content))}) {
		t.Errorf("progress: %+v", told)
	}
}

// A server, or somebody on the way, that answers what nobody asked.
func TestStrangeFileServers(t *testing.T) {
	content := scan(1, 600_000)
	part := func(from int, header string, body []byte) func(http.ResponseWriter) {
		return func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Range", header)
			rw.WriteHeader(http.StatusPartialContent)
			_, _ = rw.Write(body[from:])
		}
	}
	for name, c := range map[string]struct {
		second func(http.ResponseWriter) // its answer, once some bytes are here
		ends   bool                      // in the end the file is here
	}{
		"all of it again": {func(rw http.ResponseWriter) {
			rw.Header().Set("Content-Length", strconv.Itoa(len(content)))
			_, _ = rw.Write(content)
		}, true},
		"from another place":      {part(5, fmt.Sprintf("bytes 5-%d/%d", len(content)-1, len(content)), content), true},
		"another file's rest":     {part(0, fmt.Sprintf("bytes 100000-%d/%d", len(content), len(content)+1), content[100_000:]), true},
		"no place":                {part(0, "", content), false},
		"a part of the rest":      {part(0, fmt.Sprintf("bytes 100000-100009/%d", len(content)), content[100_000:]), false},
		"more than a file may be": {part(0, "bytes 100000-99999999999/100000000000", content), false},
		"nothing":                 {func(rw http.ResponseWriter) { rw.WriteHeader(http.StatusNoContent) }, false},
	} {
		w := newWorld(t)
		id := w.newCard(claimCode)
		w.publish(id, reportWith(content))
		d := newDesk(w, content)
		asked := 0
		d.give = func(rw http.ResponseWriter, r *http.Request, content []byte) {
			switch asked++; {
			case asked == 1: // breaks off
				rw.Header().Set("Content-Length", strconv.Itoa(len(content)))
				_, _ = rw.Write(content[:100_000])
			case asked == 2 || !c.ends:
				c.second(rw)
			default:
				http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(content))
			}
		}
		h := w.handset("one")
		mine := h.enter(claimCode)
		file, err := mine.Attachment(t.Context(), hashOf(content), nil)
		if c.ends != (err == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			if all, err := io.ReadAll(file); err != nil || !bytes.Equal(all, content) {
				t.Errorf("%s: %d bytes, %v", name, len(all), err)
			}
		}
	}
}

func TestADownloadThatIsGivenUp(t *testing.T) {
	w := newWorld(t)
	id := w.newCard(claimCode)
	content := scan(1, 900_000)
	w.publish(id, reportWith(content))
	newDesk(w, content)
	mine := w.handset("one").enter(claimCode)
	ctx, end := context.WithCancel(t.Context())
	_, err := mine.Attachment(ctx, hashOf(content), func(int64, int64) { end() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	s, err := mine.FileState(hashOf(content))
	if err != nil || s.Here == 0 || s.Whole {
		t.Errorf("it is %+v, %v", s, err)
	}
	if _, err := mine.Attachment(t.Context(), hashOf(nil), nil); !errors.Is(err, phone.ErrNoFile) {
		t.Errorf("a file that nothing names: %v", err)
	}
}

// A photo is attached without a network: it is in the encrypted file, and goes with the next sync.
func ExampleCard_Attach() {
	ctx := context.Background()
	dir := tempDir()
	defer os.RemoveAll(dir)
	client, err := phone.Open(ctx, exampleConfig(dir, canned{}))
	check(err)
	defer client.Close()

	mine := client.Card(exampleCard)
	photo, err := mine.Attach("Тонометр", "image/jpeg", strings.NewReader("\xff\xd8\xff\xe0 and so on"))
	check(err)
	_, err = mine.AddMeasurement(card.Measurement{Systolic: 132, Diastolic: 84, Attachments: []card.Attachment{photo}})
	check(err)

	list, err := mine.Measurements(phone.Paging{})
	check(err)
	for _, a := range list.Entries[0].Fact.Attachments {
		file, err := mine.OpenAttachment(a.Hash)
		check(err)
		state, err := mine.FileState(a.Hash)
		check(err)
		fmt.Println(a.Title, file.ContentType(), file.Size(), "bytes", state.Upload)
	}
	// Output:
	// Тонометр image/jpeg 14 bytes waiting
}
