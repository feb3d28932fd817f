package story

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/wire"
)

func TestUploadsOverHTTP(t *testing.T) {
	each(t, func(ctx context.Context, t *testing.T, w *World) {
		c := casting(ctx, t, w)
		hers := c.tokens[identity.Patient]
		content := aFile("\xff\xd8\xff\xe0", 2*wire.AttachmentChunk+5, 9)
		hash, wrong := fileHash(content), fileHash([]byte("another"))
		n := 0
		// comment pushes a comment that names the files.
		push := func(mutation body) {
			t.Helper()
			n++
			epoch := w.epochOf(ctx, t, hers, c.card)
			mutation["n"], mutation["kind"], mutation["at"], mutation["epoch"], mutation["hlc"] = n, "comment", "", epoch, fmt.Sprintf("%016x", n)
			answer := got(w.post(ctx, "/v1/sync/push", hers, body{
				"device": c.known["device"], "card": c.card, "epoch": epoch, "actor": c.known["actor"], "acked": 0, "mutations": []any{mutation},
			}))(t)
			if text := fmt.Sprint(answer); !strings.Contains(text, "accepted") {
				t.Fatalf("the comment: %s", text)
			}
		}
		comment := func(hashes ...card.Hash) (away func()) {
			t.Helper()
			var files []any
			for _, h := range hashes {
				files = append(files, body{"title": "x", "size": 1, "hash": h})
			}
			id := uuid.NewString()
			push(body{"op": "create", "id": id, "ctx": "", "atoms": body{"text": body{"v": "x"}, "files": body{"v": files}}})
			return func() { push(body{"op": "delete", "id": id, "ctx": fmt.Sprint(c.known["actor"], ":1")}) }
		}
		address := func(id card.ID, h card.Hash) string { return "/v1/cards/" + string(id) + "/uploads/" + string(h) }
		piece := func(name string, h card.Hash, offset, length any, part []byte) turn {
			return turn{name: name, method: http.MethodPatch, target: address(c.card, h), token: hers, body: part, headers: []string{
				"Content-Type: application/offset+octet-stream", fmt.Sprint("Upload-Offset: ", offset), fmt.Sprint("Upload-Length: ", length),
			}}
		}
		refuse := func(u turn, status int, code string) {
			t.Helper()
			u.want, u.code = []int{status}, code
			w.refuses(t, u)
		}
		progress := func(h card.Hash, want string) {
			t.Helper()
			if r := w.say(t, turn{name: "progress", method: http.MethodGet, target: address(c.card, h), token: hers}); r.status != 200 || r.text != want {
				t.Errorf("progress: %d %s, want %s", r.status, r.text, want)
			}
		}
		const chunk = wire.AttachmentChunk
		first, middle, last := content[:chunk], content[chunk:2*chunk], content[2*chunk:]
		refuse(piece("before it is named", hash, 0, len(content), first), 404, "attachment.not_found")
		comment(hash, wrong)
		progress(hash, `{"offset":0,"complete":false}`)
		for name, bad := range map[string]turn{
			"a short piece":      piece("a short piece", hash, 0, len(content), first[:100]),
			"an empty one":       piece("an empty one", hash, 0, len(content), []byte{}),
			"within a piece":     piece("within a piece", hash, 7, len(content), first),
			"beyond the end":     piece("beyond the end", hash, 0, 100, first[:101]),
			"a negative offset":  piece("a negative offset", hash, -1, len(content), first),
			"no offset":          piece("no offset", hash, "", len(content), first),
			"an offset of words": piece("words", hash, canary, len(content), first),
		} {
			refuse(bad.but(name, func(*turn) {}), 422, "")
		}
		refuse(piece("too large", hash, 0, wire.MaxAttachment+1, first), 413, "upload.length")
		refuse(piece("of no length", hash, 0, 0, first), 413, "upload.length")
		refuse(piece("far too large", hash, 0, "99999999999999999999", first), 413, "upload.length")
		refuse(piece("a piece that is too large", hash, 0, len(content), content[:chunk+1]), 413, "body.too_large")
		refuse(piece("the second before the first", hash, chunk, len(content), middle), 409, "upload.offset")
		take := func(u turn, want string) {
			t.Helper()
			if r := w.say(t, u); r.status != 200 || r.text != want {
				t.Errorf("%s: %d %s, want %s", u.name, r.status, r.text, want)
			}
		}
		// Eight phones at once: one of them brings the piece.
		statuses := make([]int, 8)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() { statuses[i] = w.say(t, piece("first", hash, 0, len(content), first)).status })
		}
		all.Wait()
		slices.Sort(statuses)
		if !slices.Equal(statuses, []int{200, 409, 409, 409, 409, 409, 409, 409}) {
			t.Errorf("eight at once: %v", statuses)
		}
		refuse(piece("first again", hash, 0, len(content), first), 409, "upload.offset")
		refuse(piece("of another length", hash, chunk, len(content)+1, middle), 409, "upload.other_length")
		take(piece("second", hash, chunk, len(content), middle), `{"offset":524288,"complete":false}`)
		progress(hash, `{"offset":524288,"complete":false}`)
		spoilt := bytes.Clone(last)
		spoilt[0] ^= 1
		refuse(piece("another last one", hash, 2*chunk, len(content), spoilt), 422, "upload.hash_mismatch")
		progress(hash, `{"offset":0,"complete":false}`)
		read := turn{name: "read", method: http.MethodGet, target: "/v1/cards/" + string(c.card) + "/attachments/" + string(hash), token: hers, headers: []string{"Purpose-Of-Use: PATRQT"}}
		refuse(read, 404, "attachment.pending")
		take(piece("first", hash, 0, len(content), first), `{"offset":262144,"complete":false}`)
		take(piece("second", hash, chunk, len(content), middle), `{"offset":524288,"complete":false}`)
		take(piece("last", hash, 2*chunk, len(content), last), `{"offset":524293,"complete":true}`)
		progress(hash, `{"offset":524293,"complete":true}`)
		refuse(piece("once more", hash, 0, len(content), first), 409, "upload.offset")
		if r := w.say(t, read); r.status != 200 || r.text != string(content) {
			t.Errorf("read: %d, %d bytes", r.status, len(r.text))
		}
		refuse(piece("another file", wrong, 0, 5, content[:5]), 422, "upload.hash_mismatch")

		// A card takes 512 MiB of what people attach. Who takes files away has room again, but not over and over.
		var many []card.Hash
		for i := range 48 {
			many = append(many, fileHash([]byte{byte(i)}))
		}
		fill := func(some []card.Hash, most int) (away func()) {
			t.Helper()
			one, other := comment(some[:8]...), comment(some[8:]...)
			for i, h := range some {
				u := piece("much", h, 0, wire.MaxAttachment, first)
				if i < most {
					take(u, `{"offset":262144,"complete":false}`)
				} else {
					refuse(u, 413, "upload.card_full")
				}
			}
			return func() { one(); other() }
		}
		fill(many[:16], 15)()
		fill(many[16:32], 15)()
		fill(many[32:], 1)

		// What stays unfinished is forgotten after a month, what is named stays.
		w.Skip(31 * 24 * time.Hour)
		ok(t, w.Server.API.Attaching.Sweep(ctx))
		self := somebody("7")
		hers = str(w.enter(ctx, t, self), "accessToken")
		progress(many[32], `{"offset":0,"complete":false}`)
		progress(hash, `{"offset":524293,"complete":true}`)
		read.token = hers
		if r := w.say(t, read); r.status != 200 {
			t.Errorf("after a month: %d %s", r.status, r.text)
		}
	})
}
