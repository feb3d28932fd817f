package httpapi

import (
	"bytes"
	"net/netip"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/medcard/medcard/domain/fault"
)

// proxies are those whose X-Forwarded-For is believed.
type proxies []netip.Prefix

// readProxies takes addresses and networks ("10.0.0.0/8"). What is neither is left out, as Fiber does: it trusts nobody.
func readProxies(list []string) (trusted proxies) {
	for _, text := range list {
		if network, err := netip.ParsePrefix(text); err == nil {
			trusted = append(trusted, network.Masked())
		} else if address, err := netip.ParseAddr(text); err == nil {
			trusted = append(trusted, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return trusted
}

func (p proxies) trust(address netip.Addr) bool {
	for _, network := range p {
		if network.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// client finds who is behind the proxies: the last address of X-Forwarded-For that none of them has. Each proxy appends whom
// it heard from, so what stands further left is the client's own invention; Fiber's c.IP() takes the leftmost, and whoever
// sends the header himself would choose the address that limits are counted for.
func (p proxies) client(remote netip.Addr, forwarded string) netip.Addr {
	remote = remote.Unmap()
	hops := strings.Split(forwarded, ",")
	for i := len(hops) - 1; i >= 0 && p.trust(remote); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break // the proxy that wrote this is all that is sure
		}
		remote = hop.Unmap()
	}
	return remote
}

// address is the network address of the client.
func (a *API) address(c *fiber.Ctx) string {
	remote, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return ""
	}
	lines := c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) // a proxy may add a line instead of a word
	return a.proxies.client(remote, string(bytes.Join(lines, []byte(",")))).String()
}

var errDirect = fault.New(fault.Denied, "https.required", "Plain HTTP is spoken here to the proxy that ends TLS, and to nobody else: come by the https address.")

// throughProxy turns away who did not come through a proxy that ends TLS, or from this machine: what he sends and is sent stands in the clear. How
// the server is, its people may ask directly.
func (a *API) throughProxy(c *fiber.Ctx) error {
	remote, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if ok && (a.proxies.trust(remote) || remote.Unmap().IsLoopback()) || c.Path() == "/livez" || c.Path() == "/readyz" {
		return c.Next()
	}
	return errDirect
}
