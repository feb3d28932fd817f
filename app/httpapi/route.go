package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/domain/identity"
)

// Access says who may call a route, and what of others the call touches. The zero value lets nobody in: a route says so if it is for anybody.
type Access struct {
	open   bool                 // anybody may call
	kinds  []identity.ActorKind // who may, where not anybody
	scope  string               // OAuth scope an organisation's token must carry
	factor bool                 // a patient's session must have a second factor
	known  bool                 // anybody may call, but who shows a token is recognised
	locked bool                 // a person whose account is locked may call as well
	opens  Opens
}

// Opens says what a route's request opens, and so by what right it is decided behind the door. The act decides; this is what it says in the
// OpenAPI document (x-access) of its decision, and what the access matrix of the tests holds it to.
type Opens string

// What requests open.
const (
	Nothing     Opens = ""       // nothing but what is the caller's own, or everybody's
	OwnersCard  Opens = "owner"  // a card, for its owner alone
	Watched     Opens = "log"    // who opened a card, for its owner; where it has none, for who represents the patient wholly
	ReadersCard Opens = "card"   // a card, for whoever may read it, and of it no more than he may
	Copy        Opens = "copy"   // the state of a phone's copy of a card, for whoever may read the card; nothing of what is in it
	Edits       Opens = "edits"  // what a phone changed: the owner's is taken, of whoever else may read the card each edit is refused
	Entry       Opens = "entry"  // one entry of a card, for whoever may read its section
	Paper       Opens = "paper"  // a paper, for whoever may read its section and for the organisation that filed it
	AnyCard     Opens = "adding" // a card that an organisation adds to: it reads nothing
	Filed       Opens = "filed"  // a paper, for the organisation that filed it
	Held        Opens = "held"   // a paper, for the organisation that holds it
	Shown       Opens = "shown"  // what the code tells that the caller was shown
	Own         Opens = "own"    // one thing of the caller's account or organisation
	Queue       Opens = "queue"  // one thing that waits for a reviewer, whosever it is
	Mine        Opens = "mine"   // a place in the caller's own account or organisation, such as everybody has
)

// For is the same access to a route that opens something.
func (a Access) For(what Opens) Access {
	a.opens = what
	return a
}

// Stated reports whether somebody said who may call.
func (a Access) Stated() bool { return a.open || len(a.kinds) > 0 }

// Kinds lists who may call; empty = anybody.
func (a Access) Kinds() []identity.ActorKind { return slices.Clone(a.kinds) }

// Scope is what an organisation's token must carry; "" = nothing.
func (a Access) Scope() string { return a.scope }

// Opens is what a request opens.
func (a Access) Opens() Opens { return a.opens }

// Public is for anybody, signed in or not.
func Public() Access { return Access{open: true} }

// Anybody is for all, like Public, but a token that comes along is checked and says who asks.
func Anybody() Access { return Access{open: true, known: true} }

// Patients is for people signed in with a second factor.
func Patients() Access { return Access{kinds: []identity.ActorKind{identity.Patient}, factor: true} }

// EvenLocked is for people signed in with a second factor, also to an account that is locked.
func EvenLocked() Access {
	access := Patients()
	access.locked = true
	return access
}

// Owners is for a card's owner alone.
func Owners() Access { return Patients().For(OwnersCard) }

// Speakers is for who speaks for a card's patient: the owner; where it has none, who represents the patient wholly.
func Speakers() Access { return Patients().For(Watched) }

// Organisations is for clients of the kinds whose token carries the scope.
func Organisations(scope string, kinds ...identity.ActorKind) Access {
	return Access{kinds: kinds, scope: scope}
}

// Clinics is for clinics whose token carries the scope.
func Clinics(scope string) Access { return Organisations(scope, identity.Clinic) }

// Pharmacies is for pharmacies whose token carries the scope.
func Pharmacies(scope string) Access { return Organisations(scope, identity.Pharmacy) }

// Insurers is for insurers whose token carries the scope.
func Insurers(scope string) Access { return Organisations(scope, identity.Insurer) }

// Route is one line of the route table.
type Route struct {
	ID       string // operation id, camelCase
	Method   string
	Path     string // with {parameters}
	Summary  string
	Tag      string
	Access   Access
	Status   int           // of success; 0 = 200
	MaxBody  int64         // bytes after unpacking; 0 = defaultBody
	Deadline time.Duration // 0 = defaultDeadline
	FHIR     bool          // errors leave as OperationOutcome
	Lenient  bool          // unknown query parameters are ignored, as a standard asks
	Long     bool          // the answer is streamed after the handler: the deadline is the writer's own
}

const (
	defaultBody     = 64 << 10
	defaultDeadline = 10 * time.Second
	largestBody     = 16 << 20 // what the server reads at all
)

func (r Route) maxBody() int64 {
	if r.MaxBody == 0 {
		return defaultBody
	}
	return r.MaxBody
}

func (r Route) fiberPath() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(r.Path)
}

// operate adds a huma operation to the table.
func operate[I, O any](a *API, r Route, handler func(context.Context, *I) (*O, error)) {
	a.mount(r)
	huma.Register(a.huma, r.operation(), func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, r, err)
		}
		return out, nil
	})
}

// raw adds a bare Fiber handler to the table; op describes it in the OpenAPI document beyond what the route says.
func (a *API) raw(r Route, describe func(*huma.Operation), handler fiber.Handler) {
	op := r.operation()
	if describe != nil {
		describe(&op)
	}
	a.mount(r)
	a.app.Add(r.Method, r.fiberPath(), onlyKnown(r, op.Parameters), handler)
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK)}}
	}
	if op.Responses["default"] == nil {
		op.Responses["default"] = &huma.Response{Description: "Error", Content: map[string]*huma.MediaType{"application/problem+json": {}}}
	}
	for segment := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			op.Parameters = append(op.Parameters, &huma.Param{Name: strings.TrimSuffix(name, "}"), In: "path", Required: true, Schema: &huma.Schema{Type: "string"}})
		}
	}
	a.huma.OpenAPI().AddOperation(&op)
}

func (a *API) mount(r Route) {
	a.routes = append(a.routes, r)
	a.app.Add(r.Method, r.fiberPath(), a.gate(r))
}

func (r Route) operation() huma.Operation {
	op := huma.Operation{
		OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary, Tags: []string{r.Tag},
		DefaultStatus: r.Status, MaxBodyBytes: r.maxBody(), BodyReadTimeout: -1,
	}
	op.Extensions = map[string]any{"x-access": r.Access.words()}
	if len(r.Access.kinds) > 0 {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Description = "For: " + strings.Join(r.Access.who(), ", ") + "."
		if r.Access.scope != "" {
			op.Description += " Scope: `" + r.Access.scope + "`."
		}
	}
	return op
}

// words is the statement as it stands in the document.
func (a Access) words() map[string]any {
	words := map[string]any{"opens": string(a.opens)}
	if len(a.kinds) > 0 {
		words["who"] = a.who()
	}
	if a.scope != "" {
		words["scope"] = a.scope
	}
	return words
}

func (a Access) who() (words []string) {
	for _, k := range a.kinds {
		words = append(words, k.String())
	}
	return words
}

// Routes gives the table, for tests that walk it.
func (a *API) Routes() []Route { return append([]Route(nil), a.routes...) }
