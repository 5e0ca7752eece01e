package exchange

import (
	"io"
	"net/http"
)

// switchboard asks for the transport anew for each request, so that one that
// is exchanged later, by a test for example, is used.
type switchboard struct{ current func() http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s *switchboard) RoundTrip(request *http.Request) (*http.Response, error) {
	transport := s.current()
	p, _ := request.Context().Value(probeKey{}).(*probe)
	if p == nil {
		return transport.RoundTrip(request)
	}
	return roundTripFresh(transport, request)
}

// roundTripFresh sends a request that net/http must not repeat by itself, as it
// does with a GET when a reused connection breaks.
func roundTripFresh(transport http.RoundTripper, request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	// A request with a body that cannot be had again is never repeated; the body
	// is empty and puts nothing on the wire.
	request.Body, request.GetBody, request.ContentLength = emptyBody{}, nil, 0
	standard, ok := transport.(*http.Transport)
	if !ok {
		return transport.RoundTrip(request)
	}
	single := standard.Clone()
	single.DisableKeepAlives = true
	return single.RoundTrip(request)
}

// emptyBody differs from http.NoBody, which net/http takes for no body at all.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }

// CloseIdleConnections is what http.Client looks for.
func (s *switchboard) CloseIdleConnections() {
	if closer, ok := s.current().(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}
