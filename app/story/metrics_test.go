package story

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/medcard/medcard/app/config"
)

// How much the server did for a request would tell a stranger whether there was something to find. So where strangers come, metrics are on a
// listener of their own or nowhere.
func TestStrangersReadNoMetrics(t *testing.T) {
	free := got((&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"))(t)
	own := free.Addr().String()
	ok(t, free.Close())
	for name, c := range map[string]struct {
		change      func(*config.Config)
		beside, own bool
	}{
		"on this machine alone":        {func(*config.Config) {}, true, false},
		"where strangers come":         {func(c *config.Config) { c.PublicURL = "https://card.example.org" }, false, false},
		"behind a proxy":               {func(c *config.Config) { c.TrustedProxies = []string{"127.0.0.1"} }, false, false},
		"on a listener of their own":   {func(c *config.Config) { c.PublicURL, c.Metrics = "https://card.example.org", own }, false, true},
		"and not beside all else then": {func(c *config.Config) { c.Metrics = own }, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, Options{Dir: t.TempDir(), Change: c.change})
			if read := metrics(t, w.URL); (read != "") != c.beside {
				t.Errorf("beside all else: %q", short(read))
			}
			read := metrics(t, "http://"+own)
			if (read != "") != c.own {
				t.Errorf("on the listener: %q", short(read))
			}
			if c.own && !strings.Contains(read, "medcard_rows_read_total") {
				t.Errorf("there stands %q", short(read))
			}
		})
	}
}

// metrics are what is read at /metrics there; "" = nothing answers, or there is no such thing.
func metrics(t *testing.T, url string) string {
	t.Helper()
	request := got(http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url+"/metrics", nil))(t)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body := got(io.ReadAll(answer.Body))(t)
	if answer.StatusCode == http.StatusNotFound {
		return ""
	}
	return string(body)
}
