package story

import (
	"bytes"
	"context"
	"testing"

	"github.com/medcard/medcard/app/config"
	"github.com/medcard/medcard/app/proving/clamd/clamdtest"
	"github.com/medcard/medcard/app/store"
	"github.com/medcard/medcard/app/store/storetest"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
	"github.com/medcard/medcard/sync/wire"
)

// pieces counts the sealed pieces of files that the server keeps.
func (w *World) pieces(ctx context.Context, t *testing.T) (n int) {
	t.Helper()
	db := beside(t, w.cfg.Database(), w.cfg.Postgres)
	defer db.Close()
	ok(t, db.QueryRowContext(ctx, "SELECT count(*) FROM attachment_piece").Scan(&n))
	return n
}

// What a person attaches to a record is looked at as a whole before anybody may read it. What is infected goes, wherever in the file that is; while
// the scanner is away the file waits with all that has arrived, and goes on from there.
func TestAttachedFilesAreScanned(t *testing.T) {
	storetest.EachConfig(t, func(t *testing.T, cfg store.Config) {
		ctx := t.Context()
		scanner := got(clamdtest.Start())(t)
		w := open(t, Options{Dir: t.TempDir(), Postgres: cfg.Postgres, Change: func(c *config.Config) { c.Clamd = scanner.Address }})
		_, anna, id := owner(ctx, t, w, got(w.Clinic(ctx, "Поликлиника № 7"))(t))
		got(anna.Sync(ctx))(t)
		hers := anna.Card(id)
		diagnosis := got(hers.Conditions(phone.Paging{Limit: 1}))(t).Entries[0].ID
		attach := func(content []byte) card.Hash {
			t.Helper()
			a := got(hers.Attach("снимок", "image/jpeg", bytes.NewReader(content)))(t)
			got(hers.Comment(diagnosis, "вот снимок", a))(t)
			return a.Hash
		}
		stands := func(hash card.Hash, state phone.EditState, code string) {
			t.Helper()
			if s := got(hers.FileState(hash))(t); s.Upload != state || s.Code != code {
				t.Errorf("%s %q, want %s %q", s.Upload, s.Code, state, code)
			}
		}
		large := func(seed uint64) []byte { return aFile("\xff\xd8\xff\xe0", 3*wire.AttachmentChunk+77, seed) }

		before := w.pieces(ctx, t) // of what the clinic sent
		clean := attach(large(1))
		if r, err := anna.Sync(ctx); err != nil || r.Uploaded != 1 || scanner.Scanned.Load() != 1 {
			t.Errorf("clean: %+v, %v, %d scans", r, err, scanner.Scanned.Load())
		}
		stands(clean, phone.Accepted, "")

		infected := large(2)
		copy(infected[wire.AttachmentChunk-9:], clamdtest.Virus) // over the border of two pieces
		bad := attach(infected)
		if r, err := anna.Sync(ctx); err != nil || r.Uploaded != 0 || scanner.Scanned.Load() != 2 {
			t.Errorf("infected: %+v, %v, %d scans", r, err, scanner.Scanned.Load())
		}
		stands(bad, phone.Refused, "upload.infected")
		if n := w.pieces(ctx, t) - before; n != 4 {
			t.Errorf("%d pieces are kept, want those of the clean file", n)
		}

		ok(t, scanner.Close())
		late := attach(large(3))
		if r, _ := anna.Sync(ctx); r.Uploaded != 0 {
			t.Errorf("unscanned: %+v", r)
		}
		stands(late, phone.Waiting, "")
		if n := w.pieces(ctx, t) - before; n != 7 {
			t.Errorf("%d pieces are kept, want all but the last", n)
		}
		scanner = got(clamdtest.StartAt(scanner.Address))(t)
		t.Cleanup(func() { _ = scanner.Close() })
		if r, err := anna.Sync(ctx); err != nil || r.Uploaded != 1 || scanner.Scanned.Load() != 1 {
			t.Errorf("later: %+v, %v, %d scans", r, err, scanner.Scanned.Load())
		}
		stands(late, phone.Accepted, "")
	})
}
