package httpapi

import (
	"context"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/medcard/medcard/app/alerting"
	"github.com/medcard/medcard/app/attaching"
	"github.com/medcard/medcard/app/auditing"
	"github.com/medcard/medcard/app/charting"
	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/app/enrolling"
	"github.com/medcard/medcard/app/exchanging"
	"github.com/medcard/medcard/app/granting"
	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/app/notifying"
	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/app/proving"
	"github.com/medcard/medcard/app/scanning"
	"github.com/medcard/medcard/app/signing"
	"github.com/medcard/medcard/app/syncing"
	"github.com/medcard/medcard/domain/identity"
)

// Services are the acts behind the routes. A nil service leaves its routes out.
type Services struct {
	Granting   *granting.Service
	Auditing   *auditing.Service
	Charting   *charting.Service
	Enrolling  *enrolling.Service
	OAuth      *oauth.Service
	Syncing    *syncing.Service
	Attaching  *attaching.Service
	Notifying  *notifying.Service
	Scanning   *scanning.Service
	Issuing    *issuing.Service
	Dispensing *dispensing.Service
	Exchanging *exchanging.Service
	Signing    *signing.Service
	Proving    *proving.Service
	Alerting   *alerting.Service
}

// Config is what the door needs from its house.
type Config struct {
	Services
	Version        string
	Clock          func() time.Time
	Log            *slog.Logger
	Metrics        *prometheus.Registry
	Ready          func(context.Context) error                                // is the database there?
	Verify         func(context.Context, oauth.Shown) (identity.Actor, error) // who shows an access token?
	ShowMetrics    bool                                                       // beside all else: nobody but the server's own machine reaches it
	Plain          bool                                                       // TLS ends at one of TrustedProxies, and whoever comes from elsewhere is turned away
	TrustedProxies []string                                                   // addresses whose X-Forwarded-For is believed
	Secure         bool                                                       // clients come over TLS, whoever ends it: browsers are told never to come without
}

// API is the assembled door.
type API struct {
	Services
	app         *fiber.App
	huma        huma.API
	routes      []Route
	clock       func() time.Time
	log         *slog.Logger
	metrics     metrics
	registry    *prometheus.Registry
	ready       func(context.Context) error
	verify      func(context.Context, oauth.Shown) (identity.Actor, error)
	version     string
	secure      bool
	shown       bool // metrics beside all else
	behind      bool // plain HTTP behind proxies that end TLS
	proxies     proxies
	silent      *silent
	streaming   context.Context // ends at the stop, and streams with it
	endStreams  context.CancelFunc
	fhirProblem func(*fiber.Ctx, *Problem, error) error
}

// New lays the route table.
func New(cfg Config) *API {
	// Variables of huma's: every API of the process sets the same.
	huma.NewError, huma.NewErrorWithContext = humaProblem, humaProblemIn
	huma.ValidateStrictCasing = true // else "CODE" passes for "code" and is read nowhere
	a := &API{
		Services: cfg.Services, clock: cfg.Clock, log: cfg.Log, registry: cfg.Metrics, metrics: newMetrics(cfg.Metrics),
		ready: cfg.Ready, verify: cfg.Verify, version: cfg.Version, secure: cfg.Secure, shown: cfg.ShowMetrics, behind: cfg.Plain, proxies: readProxies(cfg.TrustedProxies), silent: new(silent),
	}
	a.streaming, a.endStreams = context.WithCancel(context.Background())
	a.app = fiber.New(fiber.Config{
		AppName:               "Medcard",
		Immutable:             true, // strings of a request outlive its handler here
		DisableStartupMessage: true,
		BodyLimit:             largestBody,
		ReadTimeout:           60 * time.Second, // also how long a keep-alive connection may idle unless IdleTimeout is set
		IdleTimeout:           75 * time.Second,
		WriteTimeout:          5 * time.Minute,
		ReadBufferSize:        16 << 10,
		ErrorHandler:          a.fail,

		DisablePreParseMultipartForm: true, // nothing here reads forms of several parts; read in advance, they would be in memory twice
		EnableTrustedProxyCheck:      true,
		TrustedProxies:               cfg.TrustedProxies,
		ProxyHeader:                  fiber.HeaderXForwardedFor,
		EnableIPValidation:           true,
	})
	a.app.Server().ConnState = a.silent.watch
	a.app.Server().Handler = a.knownMethods(a.app.Server().Handler)
	a.app.Use(a.observe)
	if a.behind {
		a.app.Use(a.throughProxy)
	}
	a.huma = humafiber.NewV2(a.app, humaConfig(cfg.Version))
	a.statusRoutes()
	a.pageRoutes()
	a.cardRoutes()
	a.restrictionRoutes()
	a.emergencyRoutes()
	a.reviewRoutes()
	a.proposalRoutes()
	a.lockRoutes()
	a.incidentRoutes()
	a.familyRoutes()
	a.auditRoutes()
	a.recordRoutes()
	a.syncRoutes()
	a.attachmentRoutes()
	a.peopleRoutes()
	a.factorRoutes()
	a.eventRoutes()
	a.deviceRoutes()
	a.passwordRoutes()
	a.contactRoutes()
	a.passkeyRoutes()
	a.externalRoutes()
	a.signatureRoutes()
	a.documentRoutes()
	a.familyClaimRoutes()
	a.policyRoutes()
	a.insurerRoutes()
	a.oauthRoutes()
	a.noticeRoutes()
	a.photoRoutes()
	a.paperRoutes()
	a.dispensingRoutes()
	a.trustRoutes()
	a.fhirRoutes()
	tighten(a.huma.OpenAPI())
	a.app.Server().HeaderReceived = limitBodies(a.routes)
	return a
}

// humaConfig leaves out what huma adds of its own accord: the docs page that loads scripts from elsewhere, $schema fields and
// Link headers.
func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Medcard", version)
	c.DocsPath, c.SchemasPath, c.CreateHooks, c.Transformers = "", "", nil, nil
	c.RejectUnknownQueryParameters = true
	c.Formats = map[string]huma.Format{"application/json": careful, "json": careful}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Info.Description = "The electronic medical card: delta sync for phones, signed codes for pharmacies, FHIR R4 for clinics."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A patient's session (POST /v1/auth/second-factor) or an organisation's token (POST /oauth/token). A session that was opened with a proof in the header DPoP (RFC 9449, ES256) is bound to its key: then the scheme is DPoP, and each request has a proof."},
	}
	return c
}

// schemaName keeps the sync protocol's types apart from ours: both have a Problem.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if strings.HasSuffix(t.PkgPath(), "/sync/wire") {
		return "Sync" + name
	}
	return name
}

// Serve answers on the listener until Shutdown.
func (a *API) Serve(l net.Listener) error { return a.app.Listener(l) }

// Shutdown stops taking connections and waits for the requests in work, until ctx ends. Streams end with the page that they are at:
// they could take minutes, and a phone goes on from any page.
func (a *API) Shutdown(ctx context.Context) error {
	a.silent.stop()
	a.endStreams()
	return a.app.ShutdownWithContext(ctx)
}

// OpenAPI gives the document as JSON.
func (a *API) OpenAPI() ([]byte, error) { return a.huma.OpenAPI().MarshalJSON() }
