package httpapi

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/fault"
)

// oauthError is the body that RFC 6749, section 5.2, gives the errors of a token endpoint.
type oauthError struct {
	Error       string `json:"error" enum:"invalid_request,invalid_client,unsupported_grant_type,invalid_scope"`
	Description string `json:"error_description"`
}

// oauthToken is the body of its success (section 5.1).
type oauthToken struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type" enum:"bearer"`
	ExpiresIn   int    `json:"expires_in" doc:"Seconds"`
	Scope       string `json:"scope"`
}

// oauthFields are the form's; each may come once.
var oauthFields = []string{"grant_type", "client_assertion_type", "client_assertion", "scope", "client_id"}

// oauthRoutes are for organisations' systems. They speak forms and errors of their own (RFC 6749), therefore bare Fiber.
func (a *API) oauthRoutes() {
	a.raw(Route{
		ID: "token", Method: http.MethodPost, Path: oauth.TokenPath, Tag: "systems", MaxBody: 16 << 10, Access: Public(), Lenient: true, // RFC 6749, section 3.2: unrecognized parameters are ignored
		Summary: "Trade a signed assertion for an access token (client credentials, private_key_jwt)",
	}, a.describeToken, a.token)
}

func (a *API) token(c *fiber.Ctx) error {
	media, _, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil || media != fiber.MIMEApplicationForm {
		return writeOAuthError(c, http.StatusBadRequest, "invalid_request", "Post a form: Content-Type: "+fiber.MIMEApplicationForm+".")
	}
	form, err := url.ParseQuery(string(c.Body()))
	if err != nil {
		return writeOAuthError(c, http.StatusBadRequest, "invalid_request", "The form cannot be read.")
	}
	for name, values := range form {
		if len(values) > 1 && slices.Contains(oauthFields, name) {
			return writeOAuthError(c, http.StatusBadRequest, "invalid_request", "A field of the form comes twice.")
		}
	}
	granted, err := a.OAuth.Grant(c.UserContext(), oauth.Request{
		GrantType: form.Get("grant_type"), AssertionType: form.Get("client_assertion_type"), Assertion: form.Get("client_assertion"),
		Scope: form.Get("scope"), ClientID: form.Get("client_id"),
	})
	if err != nil {
		f := fault.From(err)
		switch f.Kind {
		case fault.Malformed, fault.Unauthenticated:
			return writeOAuthError(c, StatusOf(f.Kind), string(f.Code), f.Text)
		}
		return err // our own trouble, not the client's: a problem document as everywhere
	}
	return writeJSON(c, http.StatusOK, oauthToken{
		AccessToken: granted.AccessToken, TokenType: "bearer", ExpiresIn: int(granted.ExpiresIn.Seconds()), Scope: granted.Scope,
	})
}

func writeOAuthError(c *fiber.Ctx, status int, code, text string) error {
	return writeJSON(c, status, oauthError{Error: code, Description: text})
}

func writeJSON(c *fiber.Ctx, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/json")
	return c.Status(status).Send(text)
}

func (a *API) describeToken(op *huma.Operation) {
	field := func(text string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: text} }
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{fiber.MIMEApplicationForm: {Schema: &huma.Schema{
		Type: huma.TypeObject,
		Properties: map[string]*huma.Schema{
			"grant_type":            field("client_credentials"),
			"client_assertion_type": field("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			"client_assertion":      field("A JWT signed by a registered key (ES256, ES384, RS256, RS384, EdDSA): iss and sub the client's id, aud this endpoint, exp within 5 minutes, a fresh jti; optionally actor {sub, name, role, auth_time}, the person who acts and when he last proved who he is"),
			"scope":                 field("Space-separated; absent = all that the client may have"),
		},
		Required: []string{"grant_type", "client_assertion_type", "client_assertion"},
	}}}}
	schemas := a.huma.OpenAPI().Components.Schemas
	answer := func(text string, example any) *huma.Response {
		return &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: huma.SchemaFromType(schemas, reflect.TypeOf(example))}}}
	}
	op.Responses = map[string]*huma.Response{
		"200": answer("The token", oauthToken{}),
		"400": answer("The request is not acceptable", oauthError{}),
		"401": answer("The client did not prove itself", oauthError{}),
	}
}
