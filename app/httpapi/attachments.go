package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/attaching"
	"github.com/medcard/medcard/domain/card"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/sync/wire"
)

// offsetStream is the media type of a piece of an upload, as the tus protocol calls it.
const offsetStream = "application/offset+octet-stream"

// attachmentRoutes give out the files that records name, by Range, and take in those that patients attach, piece by piece.
func (a *API) attachmentRoutes() {
	const tag = "attachments"
	read := Route{
		ID: "readAttachment", Method: http.MethodGet, Path: "/v1/cards/{card}/attachments/{hash}", Tag: tag, Long: true,
		Summary: "The bytes of a file that a record names; Range resumes, HEAD tells the size",
		Access:  Access{kinds: []identity.ActorKind{identity.Patient, identity.Clinic, identity.Pharmacy}, scope: "system/*.rs", factor: true, opens: Entry},
	}
	a.raw(read, describeAttachment, a.readAttachment)
	// A HEAD is the GET without the bytes, so it is no line of the table.
	a.app.Add(http.MethodHead, read.fiberPath(), a.gate(read), onlyKnown(read, nil), a.readAttachment)

	const uploads = "/v1/cards/{card}/uploads/{hash}"
	a.raw(Route{ID: "uploadProgress", Method: http.MethodGet, Path: uploads, Tag: tag, Summary: "How far one's own upload of a file got", Access: Patients().For(Own)},
		func(op *huma.Operation) {
			op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: content[wire.Upload](a, "application/json")}}
		}, a.uploadProgress)
	a.raw(Route{
		ID: "uploadPiece", Method: http.MethodPatch, Path: uploads, Tag: tag, Access: Patients().For(Own), MaxBody: wire.AttachmentChunk, Deadline: scanDeadline,
		Summary: "Send the next 256 KiB of a file that one's own record names; the last piece may be shorter",
	}, a.describePiece, a.uploadPiece)
}

// purposes are those for which a card is opened, as the header names them.
const purposeHeader = "Purpose-Of-Use"

func describeAttachment(op *huma.Operation) {
	least := 0.0
	op.Parameters = append(op.Parameters,
		&huma.Param{
			Name: purposeHeader, In: "header", Required: true, Description: "Why you read: HL7 v3 PurposeOfUse; PATRQT for a person",
			Schema: &huma.Schema{Type: "string", Enum: []any{string(consent.Treatment), string(consent.Emergency), string(consent.PatientRequest)}},
		},
		&huma.Param{Name: "Range", In: "header", Description: "One range of bytes; several are answered with all of the file", Schema: &huma.Schema{Type: "string"}},
		&huma.Param{Name: "If-Range", In: "header", Description: "The ETag: the hash in quotes", Schema: &huma.Schema{Type: "string"}})
	file := map[string]*huma.MediaType{fiber.MIMEOctetStream: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
	number := &huma.Schema{Type: "integer", Minimum: &least}
	headers := map[string]*huma.Param{"ETag": {Schema: &huma.Schema{Type: "string"}}, "Accept-Ranges": {Schema: &huma.Schema{Type: "string"}}, "Content-Length": {Schema: number}}
	op.Responses = map[string]*huma.Response{
		"200": {Description: "All of the file", Content: file, Headers: headers},
		"206": {Description: "The range", Content: file, Headers: headers},
		"416": {Description: "The file has no such bytes; Content-Range tells its size"},
	}
}

func (a *API) describePiece(op *huma.Operation) {
	least, one := 0.0, 1.0
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: "Upload-Offset", In: "header", Required: true, Description: "Where the piece begins: as many bytes as have arrived", Schema: &huma.Schema{Type: "integer", Minimum: &least}},
		&huma.Param{Name: "Upload-Length", In: "header", Required: true, Description: "Bytes of the whole file, at most 32 MiB", Schema: &huma.Schema{Type: "integer", Minimum: &one}})
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{offsetStream: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	op.Responses = map[string]*huma.Response{"200": {Description: "It has arrived", Content: content[wire.Upload](a, "application/json")}}
}

// fileOf reads the address of a file.
func fileOf(c *fiber.Ctx) (card.ID, card.Hash, error) {
	id, hash := c.Params("card"), card.Hash(c.Params("hash"))
	if !isUUID.MatchString(id) {
		return "", "", errInvalid.At("path.card", "must be a UUID in lower case")
	}
	if !hash.Plausible() {
		return "", "", errInvalid.At("path.hash", "must be a SHA-256 in lower-case hex")
	}
	return card.ID(id), hash, nil
}

var errRange = fault.New(fault.Invalid, "range.not_satisfiable", "The file has no such bytes; Content-Range tells its size.")

func (a *API) readAttachment(c *fiber.Ctx) error {
	id, hash, err := fileOf(c)
	if err != nil {
		return err
	}
	f := file{
		api: a, actor: actorFrom(c.UserContext()),
		asked: attaching.Asked{Card: id, Hash: hash, Purpose: consent.Purpose(c.Get(purposeHeader)), Request: requestID(c.UserContext())},
	}
	size, err := a.Attaching.Size(c.UserContext(), f.actor, f.asked)
	if err != nil {
		return err
	}
	tag := `"` + string(hash) + `"`
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderAcceptRanges, "bytes")
	f.end = size
	// A range of another content is none; the content under a hash is always the same, but the phone may have taken the tag elsewhere.
	if condition := c.Get(fiber.HeaderIfRange); condition == "" || condition == tag {
		from, to, partial, err := readRange(c.Get(fiber.HeaderRange), size)
		if err != nil {
			c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes */%d", size))
			return under(http.StatusRequestedRangeNotSatisfiable, errRange)
		}
		if partial {
			f.at, f.end = from, to
			c.Set(fiber.HeaderContentRange, fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
			c.Status(http.StatusPartialContent)
		}
	}
	// What kind of file it is the sender says, and nobody has looked: no browser shall believe it.
	c.Set(fiber.HeaderContentType, fiber.MIMEOctetStream)
	c.Set(fiber.HeaderContentDisposition, "attachment")
	f.ctx, f.cancel = context.WithTimeout(a.streaming, streamDeadline)
	c.Context().SetBodyStream(&f, int(f.end-f.at))
	return nil
}

// readRange reads a Range header (RFC 9110, section 14): from is the first byte, to the one behind the last. What is no range of bytes,
// or more than one, counts as none; one outside of the file is an error.
func readRange(header string, size int64) (from, to int64, partial bool, err error) {
	unit, spec, _ := strings.Cut(header, "=")
	first, last, dashed := strings.Cut(strings.TrimSpace(spec), "-")
	if !strings.EqualFold(strings.TrimSpace(unit), "bytes") || !dashed || !digits(first) || !digits(last) || first+last == "" {
		return 0, size, false, nil
	}
	if first == "" { // the last so many
		n := number(last)
		if n == 0 {
			return 0, 0, false, errRange
		}
		return max(0, size-n), size, true, nil
	}
	from, to = number(first), size
	if last != "" {
		end := number(last)
		if end < from {
			return 0, size, false, nil
		}
		to = min(size, end+1)
	}
	if from >= size {
		return 0, 0, false, errRange
	}
	return from, to, true, nil
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// number reads digits; what is beyond any file is as good as the largest number there is.
func number(s string) int64 {
	const beyond = 1 << 62
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > beyond {
		return beyond
	}
	return n
}

// file hands out the bytes of an attachment while they are sent, after the handler has returned: a piece at a time, each with access decided
// anew. The answer's length was promised; if access ends in the middle it breaks off, which no client takes for the whole.
type file struct {
	api     *API
	ctx     context.Context //nolint:containedctx // an io.Reader has nowhere else to get it from
	cancel  context.CancelFunc
	actor   identity.Actor
	asked   attaching.Asked
	at, end int64
	rest    []byte // read, and not yet sent
}

// Read gives the next bytes.
func (f *file) Read(p []byte) (n int, err error) {
	defer func() { // the net of observe is not below this function
		if r := recover(); r != nil {
			f.api.log.Error("panic in a file", "request", f.asked.Request, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = errors.New("httpapi: panic in a file")
		}
	}()
	if f.at >= f.end {
		return 0, io.EOF
	}
	if len(f.rest) == 0 {
		f.rest, err = f.api.Attaching.Read(f.ctx, f.actor, f.asked, f.at)
		if err != nil {
			if f.ctx.Err() == nil {
				f.api.log.Warn("file ended early", "request", f.asked.Request, "cause", describe(err))
			}
			return 0, err
		}
	}
	n = copy(p[:min(int64(len(p)), f.end-f.at)], f.rest)
	f.rest, f.at = f.rest[n:], f.at+int64(n)
	return n, nil
}

// Close ends the work on it.
func (f *file) Close() error {
	f.cancel()
	return nil
}

func (a *API) uploadProgress(c *fiber.Ctx) error {
	id, hash, err := fileOf(c)
	if err != nil {
		return err
	}
	out, err := a.Attaching.Progress(c.UserContext(), actorFrom(c.UserContext()), id, hash)
	if err != nil {
		return err
	}
	return sendJSON(c, out)
}

func (a *API) uploadPiece(c *fiber.Ctx) error {
	id, hash, err := fileOf(c)
	if err != nil {
		return err
	}
	if c.Get(fiber.HeaderContentType) != offsetStream {
		return errMediaType
	}
	in := attaching.Piece{Card: id, Hash: hash, Content: c.Body(), Request: requestID(c.UserContext())}
	for name, into := range map[string]*int64{"Upload-Offset": &in.Offset, "Upload-Length": &in.Length} {
		text := c.Get(name)
		if text == "" || !digits(text) {
			return errInvalid.At("header."+name, "must be a number of bytes")
		}
		*into = number(text)
	}
	out, err := a.Attaching.Take(c.UserContext(), actorFrom(c.UserContext()), in)
	if err != nil {
		return err
	}
	return sendJSON(c, out)
}
