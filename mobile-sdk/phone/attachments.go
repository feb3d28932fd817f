package phone

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone/vault"
	"github.com/medcard/medcard/sync/wire"
)

// What files fail with, besides LeaseError and ErrOffline.
var (
	// ErrNoFile says that nothing on this phone names such a file, or that it is not here: Attachment fetches it.
	ErrNoFile = errors.New("phone: the file is not on this phone")
	// ErrDamaged says that what came is not the file that the record names. Nothing of it was kept.
	ErrDamaged = errors.New("phone: what came is not the file that the record names")
	// ErrFileSize says that a file is empty or larger than 32 MiB.
	ErrFileSize = errors.New("phone: a file has 1 byte to 32 MiB")
)

// commitBytes is how much of a file comes into the vault at once: as much as a break of the network without a word may cost.
const commitBytes = 256 << 10

// defaultFileCache is how much room the files of one card take, if nobody said.
const defaultFileCache = 256 << 20

// File is a file of a card, opened to be read. It reads from the encrypted vault, a piece at a time, and asks at each whether it may still
// be read: when access to the records that name it ends, so does the File.
type File struct {
	*io.SectionReader
	card *Card
	hash card.Hash
	kind string
}

// Attachment opens a file that a record names, and fetches it first if it is not on the phone. One that was broken off goes on with the
// byte where it stopped, after a restart of the app, too. progress, which may be nil, is told how many bytes of how many are here.
//
// What comes is held against the hash before it is given out (ErrDamaged). A *problem.Problem with the code attachment.pending
// says that whoever attached the file has not uploaded it yet.
func (k *Card) Attachment(ctx context.Context, hash card.Hash, progress func(done, total int64)) (*File, error) {
	if f, err := k.OpenAttachment(hash); err == nil || !errors.Is(err, ErrNoFile) {
		return f, err
	}
	if err := k.fetching.enter(ctx); err != nil {
		return nil, err
	}
	defer k.fetching.leave()
	d := download{card: k, hash: hash, progress: progress}
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	return k.OpenAttachment(hash)
}

// OpenAttachment opens a file that is on the phone. ErrNoFile, *LeaseError.
func (k *Card) OpenAttachment(hash card.Hash) (*File, error) {
	k.client.time.keep()
	f := &File{card: k, hash: hash}
	var a vault.Attachment
	var head []byte
	err := k.store.Read(func(tx *vault.Tx) (err error) {
		if a, err = k.readable(tx, hash); err != nil {
			return err
		}
		if !a.Whole {
			return ErrNoFile
		}
		head, err = tx.AttachmentBytes(string(hash), 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	f.kind, f.SectionReader = typeOf(head), io.NewSectionReader(f, 0, a.Size)
	now := k.client.time.now()
	return f, k.store.Change(func(tx *vault.Tx) error { return tx.Used(string(hash), now) })
}

// readable gives what is here of a file, if a record that names it may be read.
func (k *Card) readable(tx *vault.Tx, hash card.Hash) (vault.Attachment, error) {
	records, edited, err := tx.NamedBy(string(hash))
	if err != nil {
		return vault.Attachment{}, err
	}
	if !edited {
		meta, err := tx.Meta()
		if err != nil {
			return vault.Attachment{}, err
		}
		open, shown := k.leased(meta), 0
		for _, id := range records {
			row, found, err := tx.Row(id)
			if err != nil {
				return vault.Attachment{}, err
			}
			if found && open.opens(row.Scope) {
				shown++
			}
		}
		if err := open.err(shown); err != nil {
			return vault.Attachment{}, err
		}
		if shown == 0 {
			return vault.Attachment{}, ErrNoFile
		}
	}
	a, _, err := tx.Attachment(string(hash))
	return a, err
}

// ReadAt reads from the middle. ErrNoFile, *LeaseError.
func (f *File) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && err == nil {
		err = f.card.store.Read(func(tx *vault.Tx) error {
			a, err := f.card.readable(tx, f.hash)
			switch {
			case err != nil:
				return err
			case !a.Whole:
				return ErrNoFile
			case at+int64(n) >= a.Size:
				return io.EOF
			}
			part, err := tx.AttachmentBytes(string(f.hash), at+int64(n))
			n += copy(p[n:], part)
			return err
		})
	}
	return n, err
}

// ContentType is what the bytes look like: one of the kinds that an app may show, else application/octet-stream. What the record says is
// the sender's word: a page that calls itself a picture is none.
func (f *File) ContentType() string { return f.kind }

// shown are the kinds of files that ContentType tells apart, by how they begin.
var shown = map[string]bool{"application/pdf": true, "image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true, "image/bmp": true, "text/plain": true}

func typeOf(head []byte) string {
	kind, _, _ := strings.Cut(http.DetectContentType(head), ";")
	if !shown[kind] {
		kind = "application/octet-stream"
	}
	return kind
}

// download fetches one file.
type download struct {
	card     *Card
	hash     card.Hash
	progress func(done, total int64)
	anew     int // how often it had to begin again
}

// run fetches what is missing, in as many tries as it takes; only breaks without a byte in between are counted.
func (d *download) run(ctx context.Context) error {
	pause, failures := firstPause, 0
	for {
		a, err := d.here()
		if err != nil || a.Whole {
			return err // somebody else has fetched it meanwhile
		}
		if a.Size > 0 && a.Have == a.Size {
			return d.check(a)
		}
		moved, err := d.more(ctx, a)
		switch {
		case err == nil:
			continue
		case errors.Is(err, errElse) && d.anew < enough:
			d.anew++
			if err := d.forget(); err != nil {
				return err
			}
			continue
		case errors.Is(err, errElse):
			return ErrAnswer
		case !errors.Is(err, errCut) || ctx.Err() != nil:
			return err
		case moved:
			pause, failures = firstPause, 0
		}
		if failures++; failures == tries {
			return err
		}
		if err := d.card.client.rest(ctx, err, &pause); err != nil {
			return err
		}
	}
}

// errElse says that what comes does not fit to what is here.
var errElse = errors.New("phone: the server speaks of another file")

func (d *download) here() (a vault.Attachment, err error) {
	err = d.card.store.Read(func(tx *vault.Tx) error {
		a, err = d.card.readable(tx, d.hash)
		return err
	})
	return a, err
}

func (d *download) forget() error {
	return d.card.store.Change(func(tx *vault.Tx) error { return tx.DropAttachment(string(d.hash)) })
}

// more asks for what is missing and keeps what comes. moved says that something did.
func (d *download) more(ctx context.Context, a vault.Attachment) (moved bool, err error) {
	ask := call{method: http.MethodGet, path: "/v1/cards/" + string(d.card.id) + "/attachments/" + string(d.hash), header: http.Header{"Purpose-Of-Use": {"PATRQT"}}}
	if a.Have > 0 {
		ask.header.Set("Range", fmt.Sprintf("bytes=%d-", a.Have))
		ask.header.Set("If-Range", `"`+string(d.hash)+`"`)
	}
	res, err := d.card.client.send(ctx, ask)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	from, size, ok := extent(res)
	switch {
	case !ok, size < 1, size > wire.MaxAttachment:
		return false, ErrAnswer
	case from != a.Have, a.Have > 0 && size != a.Size:
		return false, errElse
	}
	return d.keep(ctx, res.Body, from, size)
}

// extent reads from which byte an answer begins, and how large the file is.
func extent(res *http.Response) (from, size int64, ok bool) {
	if res.StatusCode == http.StatusPartialContent {
		var last int64
		n, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &last, &size)
		return from, size, n == 3 && err == nil && from >= 0 && last == size-1
	}
	return 0, res.ContentLength, res.StatusCode == http.StatusOK
}

// keep puts what comes into the vault: all of it, up to the last byte before a break.
func (d *download) keep(ctx context.Context, body io.Reader, have, size int64) (moved bool, err error) {
	buffer := make([]byte, commitBytes)
	for have < size {
		n, broken := io.ReadFull(body, buffer[:min(commitBytes, size-have)])
		if n > 0 {
			now := d.card.client.time.now()
			// Nothing may be kept of what nothing names any more: access may have ended while it came.
			if err := d.card.store.Change(func(tx *vault.Tx) error {
				if _, err := d.card.readable(tx, d.hash); err != nil {
					return err
				}
				return tx.AddDownloaded(string(d.hash), size, buffer[:n], now)
			}); err != nil {
				if errors.Is(err, vault.ErrUnnamed) {
					err = ErrNoFile
				}
				return moved, err
			}
			have, moved = have+int64(n), true
			if d.progress != nil {
				d.progress(have, size)
			}
		}
		if broken != nil {
			if ctx.Err() != nil {
				return moved, ctx.Err()
			}
			return moved, fmt.Errorf("%w: %w", errCut, broken)
		}
	}
	return moved, nil
}

// check holds what came against the hash.
func (d *download) check(a vault.Attachment) error {
	sum := sha256.New()
	for at := int64(0); at < a.Size; {
		if err := d.card.store.Read(func(tx *vault.Tx) error {
			part, err := tx.AttachmentBytes(string(d.hash), at)
			sum.Write(part)
			at += int64(len(part))
			return err
		}); err != nil {
			return err
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != string(d.hash) {
		return errors.Join(ErrDamaged, d.forget())
	}
	limit := d.card.client.fileCache
	return d.card.store.Change(func(tx *vault.Tx) error {
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		return errors.Join(tx.Complete(string(d.hash)), tx.Evict(limit, string(d.hash), meta.Epoch))
	})
}

// FileState is how a file stands on this phone.
type FileState struct {
	Hash  card.Hash
	Size  int64 // bytes; 0 = nothing of it is here, and only its record says how large it is
	Here  int64 // bytes that are on this phone
	Whole bool  // it can be opened without a network

	Upload EditState // of a file that was attached here: waiting, accepted, or refused; "" = it was not
	Sent   int64     // bytes that have arrived at the server
	Code   string    // why it was refused
}

// FileState tells how a file stands. ErrNoFile, *LeaseError.
func (k *Card) FileState(hash card.Hash) (FileState, error) {
	var out FileState
	err := k.store.Read(func(tx *vault.Tx) error {
		a, err := k.readable(tx, hash)
		if err != nil {
			return err
		}
		meta, err := tx.Meta()
		a.Hash, out = string(hash), stateOf(a, meta.Epoch)
		return err
	})
	return out, err
}

// Uploads tells how the files stand that were attached on this phone, oldest first.
func (k *Card) Uploads() (list []FileState, err error) {
	err = k.store.Read(func(tx *vault.Tx) error {
		list = nil
		meta, err := tx.Meta()
		if err != nil {
			return err
		}
		own, err := tx.Own()
		for _, a := range own {
			list = append(list, stateOf(a, meta.Epoch))
		}
		return err
	})
	return list, err
}

func stateOf(a vault.Attachment, epoch string) FileState {
	s := FileState{Hash: card.Hash(a.Hash), Size: a.Size, Here: a.Have, Whole: a.Whole}
	if !a.Own {
		return s
	}
	s.Sent, s.Code, s.Upload = a.Arrived, a.Code, Waiting
	switch {
	case a.Sent == "" || a.Sent != epoch: // a server that was restored is asked again
		s.Code = ""
	case a.Code != "":
		s.Upload = Refused
	default:
		s.Upload, s.Sent = Accepted, a.Size
	}
	return s
}

// heldFor is how long a file that was attached waits to be saved with a record.
const heldFor = 7 * 24 * time.Hour
