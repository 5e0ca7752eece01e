package peer

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// Memory is a transport that answers every request with the same body and
// touches no network: what remains is the cost of the client.
type Memory struct {
	body   []byte
	header http.Header
}

// NewMemory returns the transport that answers with a JSON body.
func NewMemory(body []byte) *Memory {
	return &Memory{body: body, header: http.Header{
		"Content-Type":   {"application/json"},
		"Content-Length": {strconv.Itoa(len(body))},
	}}
}

type memoryBody struct{ bytes.Reader }

func (*memoryBody) Close() error { return nil }

// RoundTrip implements [http.RoundTripper].
func (m *Memory) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Body != nil {
		_, _ = io.Copy(io.Discard, request.Body)
		_ = request.Body.Close()
	}
	body := new(memoryBody)
	body.Reset(m.body)
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: m.header, Body: body, ContentLength: int64(len(m.body)), Request: request,
	}, nil
}
