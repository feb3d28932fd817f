package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/issuing"
	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/qr"
)

// trustRoutes publish by what anybody can check our codes without asking us again.
func (a *API) trustRoutes() {
	const tag = "trust"
	a.raw(Route{ID: "keySet", Method: http.MethodGet, Path: "/v1/trust/keys", Tag: tag, Summary: "The signed key set (COSE)", Access: Public()}, cose,
		func(c *fiber.Ctx) error {
			signed, err := a.Issuing.KeySet(c.UserContext())
			return sendSigned(c, "application/cose", signed, err)
		})
	a.raw(Route{ID: "jwks", Method: http.MethodGet, Path: "/v1/trust/jwks", Tag: tag, Summary: "The same keys as JWKS", Access: Public()}, nil,
		func(c *fiber.Ctx) error {
			signed, err := a.Issuing.JWKS(c.UserContext())
			return sendSigned(c, "application/jwk-set+json", signed, err)
		})
	a.raw(Route{ID: "statusList", Method: http.MethodGet, Path: "/v1/trust/status/{list}", Tag: tag,
		Summary: "A signed status list (COSE); what was handed out is told to pharmacies only", Access: Anybody()}, cose,
		func(c *fiber.Ctx) error {
			number, err := strconv.ParseUint(c.Params("list"), 10, 32)
			if err != nil {
				return issuing.ErrNoList
			}
			pharmacy := actorFrom(c.UserContext()).Kind == identity.Pharmacy
			signed, err := a.Issuing.Status(c.UserContext(), uint32(number), pharmacy)
			c.Set(fiber.HeaderVary, fiber.HeaderAuthorization)
			if err = sendSigned(c, "application/cose", signed, err); err == nil && pharmacy {
				c.Set(fiber.HeaderCacheControl, "private, no-cache") // no cache in between keeps what was handed out
			}
			return err
		})
	operate(a, Route{ID: "trustRoot", Method: http.MethodGet, Path: "/v1/trust/root", Tag: tag,
		Summary: "The root key that signs the key set and its successor, both to be pinned by readers", Access: Public()},
		func(context.Context, *struct{}) (*rootReply, error) {
			root, successor, err := a.Issuing.Roots()
			if err != nil {
				return nil, err
			}
			out := new(rootReply)
			current := rootKeyOf(root)
			out.Body.ID, out.Body.Issuer, out.Body.Algorithm, out.Body.Key = current.ID, current.Issuer, current.Algorithm, current.Key
			out.Body.Successor = rootKeyOf(successor)
			return out, nil
		})
}

type rootReply struct {
	Body struct {
		ID        string  `json:"id" doc:"Key id, hexadecimal"`
		Issuer    string  `json:"issuer"`
		Algorithm string  `json:"algorithm"`
		Key       []byte  `json:"key" doc:"The 32 bytes of the public key, base64"`
		Successor rootKey `json:"successor" doc:"Signs when the root is lost or handed over; whoever has pinned both goes on"`
	}
}

type rootKey struct {
	ID        string `json:"id" doc:"Key id, hexadecimal"`
	Issuer    string `json:"issuer"`
	Algorithm string `json:"algorithm"`
	Key       []byte `json:"key" doc:"The 32 bytes of the public key, base64"`
}

func rootKeyOf(k qr.Key) rootKey {
	return rootKey{ID: k.ID.String(), Issuer: k.Issuer, Algorithm: "Ed25519", Key: k.Public}
}

func cose(op *huma.Operation) {
	op.Responses = map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/cose": {}}}, "304": {Description: "Unchanged (ETag)"},
	}
}

func sendSigned(c *fiber.Ctx, mediaType string, signed issuing.Signed, err error) error {
	if err != nil {
		return err
	}
	tag := `"` + signed.Tag + `"`
	c.Set(fiber.HeaderETag, tag)
	c.Set(fiber.HeaderCacheControl, "no-cache") // may be kept, must be asked for
	if c.Get(fiber.HeaderIfNoneMatch) == tag {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, mediaType)
	return c.Send(signed.Bytes)
}
