package emulator

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps other sites away from the page and the control API. The API itself
// needs no guard: whoever calls it has to know the key.
type guard struct {
	// names are the host names that may stand in the address, in lower case, and
	// secure those of them that a proxy with TLS stands in front of.
	names, secure map[string]bool
}

const overTLS = "https://"

// newGuard allows localhost and further names. A name with https:// before it is
// that of a proxy with TLS.
func newGuard(further []string) guard {
	g := guard{names: map[string]bool{"localhost": true}, secure: map[string]bool{}}
	for _, given := range further {
		name, secure := strings.CutPrefix(strings.ToLower(given), overTLS)
		name = strings.TrimSuffix(name, ".")
		g.names[name] = true
		g.secure[name] = secure
	}
	return g
}

// protect refuses what comes from another site, and marks answers so that a
// browser does not let another site use them.
func (g guard) protect(next http.Handler) http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' http: https:; "+
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		switch {
		case !g.allowsHost(r.Host):
			// A name that someone else can point at this address makes the page of
			// another site look like this one.
			refuse(w, http.StatusMisdirectedRequest, "the host of the address is not allowed; see allowed_hosts in the configuration")
		case !g.allowsOrigin(r), crossOrigin.Check(r) != nil:
			refuse(w, http.StatusForbidden, "pages of other sites may not use the emulator")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// allowsHost takes localhost, addresses in digits and the names of the
// configuration.
func (g guard) allowsHost(hostPort string) bool {
	host := hostName(hostPort)
	if g.names[host] || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// hostName is a host without its port, in lower case.
func hostName(hostPort string) string {
	host := hostPort
	if name, _, err := net.SplitHostPort(hostPort); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
}

// allowsOrigin lets in programs that are no browser, the page itself, and a
// person who follows a link to the page.
func (g guard) allowsOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		scheme := "http"
		if r.TLS != nil || g.secure[hostName(r.Host)] {
			scheme = "https"
		}
		return strings.EqualFold(origin, scheme+"://"+r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	}
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && !strings.HasPrefix(r.URL.Path, controlPath)
}
