package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/fhir"
	"github.com/medcard/medcard/domain/audit"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/fault"
)

const (
	ndjson     = "application/x-ndjson"
	exportForm = "medcard audit export 1"
)

// exportLine is one line of an export. Which fields it has, its first one says; app/auditing/doc.go describes them.
type exportLine struct {
	exportBegin
	exportEntry
	exportEnd
}

type exportBegin struct {
	Line       string     `json:"line" enum:"begin,entry,end" doc:"What the line is: the first, an entry, the last"`
	Form       string     `json:"form,omitempty" doc:"begin: medcard audit export 1"`
	From       *int64     `json:"from,omitempty" doc:"begin: place of the first entry"`
	To         *int64     `json:"to,omitempty" doc:"begin: the place behind the last"`
	Since      *time.Time `json:"since,omitempty" doc:"begin: as it was asked for"`
	Until      *time.Time `json:"until,omitempty" doc:"begin: as it was asked for"`
	Edge       [][]byte   `json:"edge,omitempty" doc:"begin: hashes of the whole trees that the log before it consists of, the largest first; base64"`
	Checkpoint string     `json:"checkpoint,omitempty" doc:"begin, end: the signed checkpoint"`
}

type exportEntry struct {
	Place          *int64       `json:"place,omitempty" doc:"entry: its place in the log"`
	Card           string       `json:"card,omitempty" doc:"Nil UUID: a reading of the log itself"`
	Number         uint64       `json:"number,omitempty" doc:"Counts the card's entries without gaps"`
	State          string       `json:"state,omitempty" enum:"changed,missing,shredded" doc:"Absent: the entry is whole. Else it cannot be hashed, and all that there is of it is the hash"`
	Hash           []byte       `json:"hash,omitempty" doc:"With state: as the log has it; base64"`
	At             *time.Time   `json:"at,omitempty"`
	Action         string       `json:"action,omitempty"`
	Purpose        string       `json:"purpose,omitempty"`
	Kind           string       `json:"kind,omitempty" doc:"As what somebody came"`
	Account        string       `json:"account,omitempty"`
	Device         string       `json:"device,omitempty"`
	Client         string       `json:"client,omitempty"`
	Organisation   string       `json:"organisation,omitempty"`
	Person         string       `json:"person,omitempty" doc:"The organisation's id of its employee"`
	Name           string       `json:"name,omitempty"`
	Role           string       `json:"role,omitempty"`
	Scopes         []string     `json:"scopes,omitempty"`
	What           string       `json:"what,omitempty" doc:"Kind of thing, never its content"`
	Request        string       `json:"request,omitempty"`
	Representation string       `json:"representation,omitempty"`
	Salt           []byte       `json:"salt,omitempty" doc:"Stands before the entry's canonical form when it is hashed; base64"`
	Order          *exportOrder `json:"order,omitempty" doc:"Beside the first shredded entry of a card on a page: the proof that somebody destroyed the card"`
}

type exportOrder struct {
	Place int64    `json:"place"`
	Entry []byte   `json:"entry" doc:"The canonical form, base64"`
	Salt  []byte   `json:"salt" doc:"base64"`
	Proof [][]byte `json:"proof" doc:"RFC 6962, section 2.1.1, for the checkpoint of the begin; base64"`
}

type exportEnd struct {
	Proof *[][]byte `json:"proof,omitempty" doc:"end: that the checkpoint's log begins with what stands before this line; RFC 6962, section 2.1.2, base64"`
}

// exportRoute is for auditors: a period of the log, to take away.
func (a *API) exportRoute() {
	a.raw(Route{
		ID: "exportAudit", Method: http.MethodGet, Path: "/v1/audit/export", Tag: "audit", Long: true, Access: auditors,
		Summary: "Take away a period of the log, with the proof that nothing is missing or changed in it",
	}, a.describeExport, a.exportAudit)
}

func (a *API) describeExport(op *huma.Operation) {
	least := 0.0
	place, instant := &huma.Schema{Type: "integer", Minimum: &least}, &huma.Schema{Type: "string", Format: "date-time"}
	op.Parameters = append(op.Parameters,
		&huma.Param{Name: "from", In: "query", Description: "Place of the first entry; absent = 0. To go on after a broken connection: the place behind the last entry that came", Schema: place},
		&huma.Param{Name: "since", In: "query", Description: "Instead of from: the time at which the period begins. Some entries from before come along", Schema: instant},
		&huma.Param{Name: "until", In: "query", Description: "The time at which the period ends; absent = the end of the log. Some entries from behind come along", Schema: instant},
		&huma.Param{Name: purposeHeader, In: "header", Required: true, Description: "Why you read: HL7 v3 PurposeOfUse", Schema: &huma.Schema{Type: "string", Enum: []any{string(consent.Operations)}}})
	op.Responses = map[string]*huma.Response{"200": {
		Description: "One of these a line. What has no end line broke off: ask again from where it did. As application/fhir+ndjson: an AuditEvent (R4) a line, without proofs",
		Content: map[string]*huma.MediaType{
			ndjson: content[exportLine](a, ndjson)[ndjson], fhir.Lines: {Schema: &huma.Schema{Type: "string"}},
		},
	}}
}

var errExportForm = fault.New(fault.Invalid, "audit.format", "The log leaves as application/x-ndjson or as application/fhir+ndjson: ask for one of them in the header Accept.")

func (a *API) exportAudit(c *fiber.Ctx) error {
	in, err := periodOf(c)
	if err != nil {
		return err
	}
	form := c.Accepts(ndjson, fhir.Lines)
	if form == "" {
		return errExportForm
	}
	ctx, cancel := context.WithTimeout(a.streaming, streamDeadline)
	e, err := a.Auditing.Export(ctx, actorFrom(c.UserContext()), in)
	if err != nil {
		cancel()
		return err
	}
	out := &exporting{api: a, ctx: ctx, cancel: cancel, export: e, request: in.Request, fhir: form == fhir.Lines}
	c.Set(fiber.HeaderContentType, form)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	if takesGzip(c) {
		c.Set(fiber.HeaderContentEncoding, "gzip")
		out.zip = gzip.NewWriter(&out.ready)
	}
	out.begin()
	c.Context().SetBodyStream(out, -1)
	return nil
}

// periodOf reads what part of the log is asked for.
func periodOf(c *fiber.Ctx) (in auditing.Period, err error) {
	in.Purpose, in.Request = consent.Purpose(c.Get(purposeHeader)), requestID(c.UserContext())
	if text := c.Query("from"); text != "" {
		if !digits(text) {
			return in, errInvalid.At("query.from", "must be a place in the log, a number from 0")
		}
		in.From = number(text)
	}
	for name, into := range map[string]*time.Time{"since": &in.Since, "until": &in.Until} {
		if text := c.Query(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return in, errInvalid.At("query."+name, "must be a time as RFC 3339 writes it, such as 2026-11-30T00:00:00Z")
			}
		}
	}
	return in, nil
}

// exporting is an export on its way: it makes a page when the one before is sent.
type exporting struct {
	api     *API
	ctx     context.Context //nolint:containedctx // an io.Reader has nowhere else to get it from
	cancel  context.CancelFunc
	export  *auditing.Export
	request string
	fhir    bool
	zip     *gzip.Writer // into ready; nil = plain
	ready   bytes.Buffer // made, and not yet sent
	over    bool
}

// Read gives the next bytes. What fails breaks the connection off, so that nobody takes a part for the whole.
func (x *exporting) Read(p []byte) (n int, err error) {
	defer func() { // the net of observe is not below this function
		if r := recover(); r != nil {
			x.api.log.Error("panic in an export", "request", x.request, "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
			err = errors.New("httpapi: panic in an export")
		}
	}()
	for x.ready.Len() == 0 {
		if x.over {
			return 0, io.EOF
		}
		if err := x.page(); err != nil {
			if x.ctx.Err() == nil {
				x.api.log.Warn("export ended early", "request", x.request, "cause", describe(err))
			}
			return 0, err
		}
	}
	return x.ready.Read(p)
}

// Close ends the work on it.
func (x *exporting) Close() error {
	x.cancel()
	x.export.Close()
	return nil
}

func (x *exporting) page() error {
	page, err := x.export.Next(x.ctx)
	if err != nil {
		return err
	}
	for _, e := range page {
		if x.fhir {
			x.write(fhir.AuditEvent(x.export.Origin, e.Logged))
		} else {
			x.line(exportLine{exportBegin: exportBegin{Line: "entry"}, exportEntry: showExported(e)})
		}
	}
	if len(page) == 0 {
		x.end()
		x.over = true
		if x.zip != nil {
			return x.zip.Close()
		}
	}
	if x.zip != nil {
		return x.zip.Flush()
	}
	return nil
}

func (x *exporting) begin() {
	if x.fhir {
		return
	}
	e := x.export
	line := exportBegin{Line: "begin", Form: exportForm, From: &e.From, To: &e.To, Since: instant(e.Since), Until: instant(e.Until), Edge: showHashes(e.Edge), Checkpoint: e.Checkpoint}
	x.line(exportLine{exportBegin: line})
}

func (x *exporting) end() {
	if x.fhir {
		return
	}
	proof := showHashes(x.export.Proof)
	x.line(exportLine{exportBegin: exportBegin{Line: "end", Checkpoint: x.export.Checkpoint}, exportEnd: exportEnd{Proof: &proof}})
}

func (x *exporting) line(l exportLine) {
	b, err := json.Marshal(l)
	if err != nil {
		panic(err) // plain structs always marshal
	}
	x.write(b)
}

// write puts a line where Read takes it from: memory, which never fails.
func (x *exporting) write(line []byte) {
	var to io.Writer = &x.ready
	if x.zip != nil {
		to = x.zip
	}
	_, _ = to.Write(append(line, '\n'))
}

func instant(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}

// showExported writes an entry with all that its hash is made of; of one that is not whole, nothing that the hash does not bind.
func showExported(l auditing.Exported) exportEntry {
	out := exportEntry{Place: &l.Place, Card: string(l.Card), Number: l.Number, State: stateOf(l.Logged)}
	if l.Order != nil {
		o := l.Order
		out.Order = &exportOrder{Place: o.Place, Entry: o.Canonical(), Salt: o.Salt, Proof: showHashes(o.Proof)}
	}
	if out.State != whole {
		out.Hash = l.Hash[:]
		return out
	}
	e := l.Entry.Entry
	out.State, out.Salt = "", l.Entry.Salt
	out.At, out.Action, out.Purpose, out.What, out.Request, out.Representation = instant(e.At), string(e.Action), string(e.Purpose), e.What, e.Request, string(e.Representation)
	out.Kind, out.Account, out.Device, out.Client, out.Organisation = e.Actor.Kind.String(), string(e.Actor.Account), string(e.Actor.Device), string(e.Actor.Client), e.Actor.Organisation
	out.Person, out.Name, out.Role, out.Scopes = e.Actor.Person.ID, e.Actor.Person.Name, e.Actor.Person.Role, e.Actor.Scopes
	return out
}

// whole is the state of an entry that is as it was hashed.
const whole = "whole"

// stateOf says how an entry stands to its hash in the log.
func stateOf(l audit.Logged) string {
	switch {
	case l.State == audit.Gone:
		return "missing"
	case l.State == audit.Shredded:
		return "shredded"
	case l.Damage() != "":
		return "changed"
	}
	return whole
}
