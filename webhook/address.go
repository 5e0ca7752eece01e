package webhook

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// maxProxies bounds the number of trusted proxies.
const maxProxies = 16

// senderAddress is the address from which a request came to the first of so many
// trusted proxies, or to this process if there are none.
func senderAddress(r *http.Request, proxies int) (netip.Addr, bool) {
	if proxies == 0 {
		return parseAddress(r.RemoteAddr)
	}
	hops := 0
	lines := r.Header["X-Forwarded-For"]
	for _, line := range slices.Backward(lines) {
		for rest := line; ; {
			at := strings.LastIndexByte(rest, ',')
			hops++
			if hops == proxies {
				return parseAddress(strings.TrimSpace(rest[at+1:]))
			}
			if at < 0 {
				break
			}
			rest = rest[:at]
		}
	}
	return netip.Addr{}, false
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return plainAddress(withPort.Addr()), true
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return plainAddress(address), err == nil
}

// plainAddress removes what has no counterpart in a list of networks: the zone, and
// the dress of an IPv4 address as IPv6.
func plainAddress(address netip.Addr) netip.Addr { return address.Unmap().WithZone("") }

func allowed(address netip.Addr, networks []netip.Prefix) bool {
	for _, network := range networks {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// WithAllowedAddresses accepts requests that come from these networks only. It does not
// replace a secret: the projects of all of Salebot's customers post from the same
// addresses. The number of trusted proxies counts those between Salebot and this
// handler that add the address of their caller to X-Forwarded-For. With none, the
// address of the connection counts; with n, the n-th from the right of that list. What
// stands further left was written by the sender and proves nothing. If the number is
// above 0, the handler must be reachable only through the proxies, since anyone can write
// that header. Salebot does not publish its addresses, and they may
// change.
func WithAllowedAddresses(trustedProxies int, networks ...netip.Prefix) Option {
	return func(c *config) error {
		if trustedProxies < 0 || trustedProxies > maxProxies {
			return badOption("WithAllowedAddresses", "the number of proxies must be between 0 and %d", maxProxies)
		}
		if len(networks) == 0 {
			return badOption("WithAllowedAddresses", "no network is given, so that nothing would be accepted")
		}
		for _, network := range networks {
			if !network.IsValid() {
				return badOption("WithAllowedAddresses", "a network is not valid")
			}
			if address := network.Addr(); address.Is4In6() && network.Bits() >= 96 {
				network = netip.PrefixFrom(address.Unmap(), network.Bits()-96)
			}
			c.networks = append(c.networks, network.Masked())
		}
		c.proxies = trustedProxies
		return nil
	}
}
