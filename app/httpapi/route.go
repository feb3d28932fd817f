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

// Access says who may call a route.
type Access struct {
	kinds  []identity.ActorKind // empty = anybody
	scope  string               // OAuth scope an organisation's token must carry
	factor bool                 // a patient's session must have a second factor
	known  bool                 // anybody may call, but who shows a token is recognised
}

// Kinds lists who may call; empty = anybody.
func (a Access) Kinds() []identity.ActorKind { return slices.Clone(a.kinds) }

// Scope is what an organisation's token must carry; "" = nothing.
func (a Access) Scope() string { return a.scope }

// Public is for anybody, signed in or not.
func Public() Access { return Access{} }

// Anybody is for all, like Public, but a token that comes along is checked and says who asks.
func Anybody() Access { return Access{known: true} }

// Patients is for people signed in with a second factor.
func Patients() Access { return Access{kinds: []identity.ActorKind{identity.Patient}, factor: true} }

// Organisations is for clients of the kinds whose token carries the scope.
func Organisations(scope string, kinds ...identity.ActorKind) Access {
	return Access{kinds: kinds, scope: scope}
}

// Clinics is for clinics whose token carries the scope.
func Clinics(scope string) Access { return Organisations(scope, identity.Clinic) }

// Pharmacies is for pharmacies whose token carries the scope.
func Pharmacies(scope string) Access { return Organisations(scope, identity.Pharmacy) }

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
	if len(r.Access.kinds) > 0 {
		op.Security = []map[string][]string{{"bearer": {}}}
		var who []string
		for _, k := range r.Access.kinds {
			who = append(who, k.String())
		}
		op.Description = "For: " + strings.Join(who, ", ") + "."
		if r.Access.scope != "" {
			op.Description += " Scope: `" + r.Access.scope + "`."
		}
	}
	return op
}

// Routes gives the table, for tests that walk it.
func (a *API) Routes() []Route { return append([]Route(nil), a.routes...) }
