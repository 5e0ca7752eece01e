package exchange

import "net/http"

// switchboard asks for the transport for each request, so that one that is
// exchanged later, by a test for example, is used.
type switchboard struct{ current func() http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s *switchboard) RoundTrip(request *http.Request) (*http.Response, error) {
	transport := s.current()
	p, _ := request.Context().Value(probeKey{}).(*probe)
	// The request was made for this attempt, by this package.
	p.prepare(request, transport)
	if standard, ok := transport.(*http.Transport); ok && p.fresh {
		transport = unused(standard)
	}
	return transport.RoundTrip(request)
}

// unused is a transport like another, with HTTP/1 connections that serve one
// request each: net/http does not repeat anything on those.
func unused(transport *http.Transport) *http.Transport {
	single := transport.Clone()
	single.DisableKeepAlives = true
	if single.DialTLSContext != nil || single.DialTLS != nil { //nolint:staticcheck // users may still set it
		// The protocol is theirs to negotiate.
		return single
	}
	single.Protocols = new(http.Protocols)
	single.Protocols.SetHTTP1(true)
	if single.TLSClientConfig != nil {
		single.TLSClientConfig.NextProtos = nil
	}
	return single
}

// CloseIdleConnections is what http.Client looks for.
func (s *switchboard) CloseIdleConnections() {
	if closer, ok := s.current().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
