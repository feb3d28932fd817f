package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/oauth"
	"github.com/medcard/medcard/domain/fault"
	"github.com/medcard/medcard/domain/identity"
)

type contextKey int

const (
	requestKey contextKey = iota
	actorKey
	addressKey
	proofKey
)

func requestID(ctx context.Context) string { id, _ := ctx.Value(requestKey).(string); return id }

// actorFrom gives who makes the request; Nobody where the route is public.
func actorFrom(ctx context.Context) identity.Actor {
	actor, _ := ctx.Value(actorKey).(identity.Actor)
	return actor
}

// addressFrom gives the network address from which the request came.
func addressFrom(ctx context.Context) string {
	address, _ := ctx.Value(addressKey).(string)
	return address
}

// keyFrom gives the thumbprint of the key that the request proved to hold, "" where it proved none.
func keyFrom(ctx context.Context) string { key, _ := ctx.Value(proofKey).(string); return key }

// gate runs before the handler of the route: it unpacks the body within the route's limit, finds out who asks, refuses
// whom the route is not for, and sets the deadline.
func (a *API) gate(r Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		if !r.Long {
			deadline := r.Deadline
			if deadline == 0 {
				deadline = defaultDeadline
			}
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, deadline)
			defer cancel()
		}
		ctx = context.WithValue(ctx, addressKey, a.address(c))
		actor, key, err := a.admit(ctx, r.Access, c)
		if err == nil {
			err = readable(c)
		}
		if err == nil {
			err = unpack(c, r.maxBody())
		}
		if err != nil {
			return a.refuse(c, r, err)
		}
		c.SetUserContext(context.WithValue(context.WithValue(ctx, proofKey, key), actorKey, actor))
		if err := c.Next(); err != nil {
			return a.refuse(c, r, err)
		}
		return nil
	}
}

func (a *API) refuse(c *fiber.Ctx, r Route, err error) error {
	if fault.CodeOf(err) == oauth.CodeNonce {
		c.Set(headerNonce, a.OAuth.Nonce())
	}
	if r.FHIR && a.fhirProblem != nil {
		return a.fhirProblem(c, ProblemOf(err), err)
	}
	return a.fail(c, err)
}

// The headers of RFC 9449.
const (
	headerProof = "DPoP"
	headerNonce = "DPoP-Nonce"
)

// shownBy reads what a request shows to be let in. ok is false where it is no token; two proofs are none (RFC 9449, section 4.3).
func shownBy(c *fiber.Ctx) (s oauth.Shown, ok bool) {
	s = oauth.Shown{Method: c.Method(), Path: string(c.Request().URI().PathOriginal())}
	if proofs := c.Request().Header.PeekAll(headerProof); len(proofs) > 1 {
		s.Proof = "two"
	} else {
		s.Proof = c.Get(headerProof)
	}
	s.Scheme, s.Token, ok = strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	return s, ok && s.Token != "" && (s.Scheme == oauth.Bearer || s.Scheme == oauth.DPoP)
}

// admit finds out who asks, and refuses whom the route is not for. key is that which an open route's request proved to hold: a session that
// it opens is bound to it.
func (a *API) admit(ctx context.Context, access Access, c *fiber.Ctx) (actor identity.Actor, key string, err error) {
	if !access.Stated() {
		return identity.Actor{}, "", errNotForYou // somebody forgot to say who may
	}
	shown, ok := shownBy(c)
	if access.open && (!access.known || c.Get(fiber.HeaderAuthorization) == "") {
		if shown.Proof == "" || a.OAuth == nil {
			return identity.Actor{}, "", nil
		}
		if key, err = a.OAuth.Proven(shown); err != nil {
			if f := *fault.From(err); f.Kind == fault.Unauthenticated { // nothing is shown that could be refused so
				f.Kind = fault.Malformed
				err = &f
			}
		}
		return identity.Actor{}, key, err
	}
	if !ok {
		return identity.Actor{}, "", errNoToken
	}
	actor, err = a.known(ctx, access, shown)
	return actor, "", err
}

// known is who shows a token, if the route is for him.
func (a *API) known(ctx context.Context, access Access, shown oauth.Shown) (identity.Actor, error) {
	actor, err := a.verify(ctx, shown)
	if err != nil {
		return identity.Actor{}, err
	}
	if actor.Locked && !access.locked {
		return identity.Actor{}, identity.ErrLocked
	}
	if access.known {
		return actor, nil
	}
	if !slices.Contains(access.kinds, actor.Kind) {
		return identity.Actor{}, errNotForYou
	}
	if access.factor && actor.Kind == identity.Patient && !actor.SecondFactor {
		return identity.Actor{}, errSecondFactor
	}
	if access.scope != "" && actor.Kind != identity.Patient && !actor.Has(access.scope) {
		return identity.Actor{}, fault.New(fault.Denied, "scope.missing", "The access token lacks the scope "+access.scope+".")
	}
	return actor, nil
}

// unpack replaces a gzip body by its content, reading no more than limit bytes of it: a bomb ends as 413 before it is big.
func unpack(c *fiber.Ctx, limit int64) error {
	raw := c.Request().Body()
	switch encoding := strings.ToLower(strings.TrimSpace(c.Get(fiber.HeaderContentEncoding))); encoding {
	case "", "identity":
	case "gzip":
		reader, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return errBadEncoding
		}
		plain, err := io.ReadAll(io.LimitReader(reader, limit+1))
		if err != nil {
			return errBadEncoding
		}
		c.Request().SetBody(plain)
		raw = plain
	default:
		return errEncoding
	}
	c.Request().Header.Del(fiber.HeaderContentEncoding) // else Fiber would unpack without a limit
	if int64(len(raw)) > limit {
		return errTooLarge
	}
	return nil
}

// problem is what a huma handler returns for an error: its public face, after the log has it.
func (a *API) problem(ctx context.Context, r Route, err error) error {
	p := *ProblemOf(err)
	p.RequestID = requestID(ctx)
	if p.Status == http.StatusInternalServerError {
		a.log.Error("request failed", "request", p.RequestID, "route", r.Path, "cause", describe(err))
	}
	return &p
}
