// Package web holds the pages that people look at, with all that they load: no page of ours fetches anything from elsewhere.
package web

import (
	"embed"
	"fmt"
	"mime"
	"path"
)

//go:embed assets
var assets embed.FS

// Policy is the Content-Security-Policy of every page: scripts and styles from ourselves alone, none inline.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Pages are the addresses of whole pages and the assets behind them.
var Pages = map[string]string{"/": "home.html", "/docs": "docs.html", "/status": "status.html"}

// Asset gives a file and its media type.
func Asset(name string) (content []byte, mediaType string, err error) {
	content, err = assets.ReadFile("assets/" + path.Clean("/" + name)[1:])
	if err != nil {
		return nil, "", fmt.Errorf("web: no such asset: %w", err)
	}
	return content, mime.TypeByExtension(path.Ext(name)), nil
}
