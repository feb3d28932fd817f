package medcard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/mobile-sdk/phone"
)

// FileProgress is told how a file comes to the phone, on the thread that called Attachment. What it throws is written to the log
// and otherwise does nothing.
type FileProgress interface {
	// OnFile has done of total bytes of the file on the phone.
	OnFile(done, total int64) error
}

// UploadProgress is told how files go to the server. It is called on a thread of the SDK; what it throws is written to the log and
// otherwise does nothing.
type UploadProgress interface {
	// OnUpload has done of total bytes of the file at the server.
	OnUpload(card, hash string, done, total int64) error
}

// uploadsTo hands the SDK's progress to an app.
func uploadsTo(to UploadProgress, log *slog.Logger) func(phone.UploadProgress) {
	if to == nil {
		return nil
	}
	return func(p phone.UploadProgress) {
		if err := safely(func() error { return to.OnUpload(string(p.Card), string(p.Hash), p.Done, p.Total) }); err != nil {
			log.Warn("the upload callback failed")
		}
	}
}

// File is a file of a card, opened to be read. When access to the records that name it ends, reading it fails with sdk.no_file.
type File struct{ inner *phone.File }

// mostAtOnce bounds one Read: the bytes stand in memory twice while they cross the border.
const mostAtOnce = 1 << 20

// Attachment opens a file that a record names by its hash, and fetches it first if it is not on the phone. One that was broken off goes on
// where it stopped. null = nobody watches, nobody will stop it. attachment.pending: whoever attached it has not uploaded it yet;
// sdk.damaged: what came is not the file that the record names.
func (k *Card) Attachment(hash string, watch FileProgress, stop *Cancellation) (file *File, err error) {
	defer guard(&err)
	ctx, end := context.WithCancel(k.client.life)
	defer end()
	if stop != nil {
		defer context.AfterFunc(stop.ctx, end)()
	}
	var tell func(done, total int64)
	if watch != nil {
		tell = func(done, total int64) {
			if err := safely(func() error { return watch.OnFile(done, total) }); err != nil {
				k.client.log.Warn("the file callback failed")
			}
		}
	}
	return fileOf(k.inner.Attachment(ctx, card.Hash(hash), tell))
}

// OpenAttachment opens a file that is on the phone. sdk.no_file: it is not, Attachment fetches it.
func (k *Card) OpenAttachment(hash string) (file *File, err error) {
	defer guard(&err)
	return fileOf(k.inner.OpenAttachment(card.Hash(hash)))
}

func fileOf(f *phone.File, err error) (*File, error) {
	if err != nil {
		return nil, err
	}
	return &File{inner: f}, nil
}

// Size is how many bytes the file has.
func (f *File) Size() (size int64, err error) {
	defer guard(&err)
	return f.inner.Size(), nil
}

// ContentType is what the bytes look like: application/pdf, image/jpeg, image/png, image/gif, image/webp, image/bmp, text/plain, else
// application/octet-stream. What the record says is the sender's word.
func (f *File) ContentType() (kind string, err error) {
	defer guard(&err)
	return f.inner.ContentType(), nil
}

// Read gives so many bytes from the offset, at most a megabyte; fewer at the end, none behind it.
func (f *File) Read(at int64, length int) (content []byte, err error) {
	defer guard(&err)
	if at < 0 || length < 0 {
		return nil, errArgument
	}
	content = make([]byte, min(length, mostAtOnce))
	n, err := f.inner.ReadAt(content, at)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return content[:n], err
}

// Attach takes a file into the encrypted vault and gives it back as an attachment, JSON, which is to be saved with a comment or a
// measurement within a week: CommentWith, Editor.Save. Needs no network. sdk.file_size: a file has 1 byte to 32 MiB.
func (k *Card) Attach(title, contentType string, content []byte) (attachment []byte, err error) {
	defer guard(&err)
	a, err := k.inner.Attach(title, contentType, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return marshal(attachmentShapes([]card.Attachment{a})[0])
}

// CommentWith adds a comment on a record with files: a JSON array of what Attach gave.
func (k *Card) CommentWith(about, text string, attachments []byte) (edit *Edit, err error) {
	defer guard(&err)
	var shapes []attachmentShape
	if err := unmarshal(attachments, &shapes); err != nil {
		return nil, err
	}
	return saved(k.inner.Comment(card.RecordID(about), text, attachmentsOf(shapes)...))
}

// FileState tells how a file stands, JSON: {"hash", "size", "here": bytes on the phone, "whole", "upload", "sent", "code"}. upload is of a
// file that was attached here: waiting, accepted, or refused with its code.
func (k *Card) FileState(hash string) (state []byte, err error) {
	defer guard(&err)
	s, err := k.inner.FileState(card.Hash(hash))
	if err != nil {
		return nil, err
	}
	return marshal(fileStateShape(s))
}

// Uploads tells how the files stand that were attached on this phone, oldest first: a JSON array of what FileState gives.
func (k *Card) Uploads() (list []byte, err error) {
	defer guard(&err)
	states, err := k.inner.Uploads()
	if err != nil {
		return nil, err
	}
	shapes := make([]fileStateShape, len(states))
	for i, s := range states {
		shapes[i] = fileStateShape(s)
	}
	return marshal(shapes)
}

// RetryUpload has a file sent again that the server refused: there may be room for it now.
func (k *Card) RetryUpload(hash string) (err error) {
	defer guard(&err)
	return k.inner.RetryUpload(card.Hash(hash))
}

type fileStateShape struct {
	Hash   card.Hash       `json:"hash"`
	Size   int64           `json:"size"`
	Here   int64           `json:"here"`
	Whole  bool            `json:"whole"`
	Upload phone.EditState `json:"upload,omitempty"`
	Sent   int64           `json:"sent,omitempty"`
	Code   string          `json:"code,omitempty"`
}

type attachmentShape struct {
	Title       string `json:"title,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Size        int    `json:"size,omitempty"`
	Created     string `json:"created,omitempty"`
	Hash        string `json:"hash"`
}

func attachmentShapes(list []card.Attachment) (shapes []attachmentShape) {
	for _, a := range list {
		shapes = append(shapes, attachmentShape{Title: a.Title, ContentType: a.ContentType, Size: a.Size, Created: string(a.Created), Hash: string(a.Hash)})
	}
	return shapes
}

func attachmentsOf(shapes []attachmentShape) (list []card.Attachment) {
	for _, s := range shapes {
		list = append(list, card.Attachment{Title: s.Title, ContentType: s.ContentType, Size: s.Size, Created: card.Date(s.Created), Hash: card.Hash(s.Hash)})
	}
	return list
}
