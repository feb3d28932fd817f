package httpapi

import (
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/app/web"
)

// pageRoutes serve the pages of package web. They are no part of the OpenAPI document.
func (a *API) pageRoutes() {
	serve := func(c *fiber.Ctx, name string) error {
		content, mediaType, err := web.Asset(name)
		if err != nil {
			return errNoRoute
		}
		c.Set(fiber.HeaderContentType, mediaType)
		c.Set(fiber.HeaderContentSecurityPolicy, web.Policy)
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Status(http.StatusOK).Send(content)
	}
	for address, name := range web.Pages {
		a.app.Get(address, func(c *fiber.Ctx) error { return serve(c, name) })
	}
	a.app.Get("/assets/:name", func(c *fiber.Ctx) error { return serve(c, c.Params("name")) })
}
