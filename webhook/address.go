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
// trusted proxies, or to this process where there are none.
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
