package clienttest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// MemoryCall is a request as a MemoryAPI sees it.
type MemoryCall struct {
	Ctx    context.Context
	Action string
	Query  url.Values
	Body   []byte
}

// MemoryAPI is a transport that answers in memory. An error is a failure of the
// network.
type MemoryAPI func(MemoryCall) (status int, body string, err error)

// RoundTrip asks the function.
func (f MemoryAPI) RoundTrip(request *http.Request) (*http.Response, error) {
	call := MemoryCall{Ctx: request.Context(), Action: path.Base(request.URL.Path), Query: request.URL.Query()}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		call.Body = body
	}
	if err := call.Ctx.Err(); err != nil {
		return nil, err
	}
	status, body, err := f(call)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}, nil
}

// Elapse lets time pass, unless the context ends before.
func Elapse(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrCable is a failure of the network.
var ErrCable = errors.New("the cable was pulled")

// ItemKeys are the clients or persons of a request.
func ItemKeys(call MemoryCall) []string {
	if call.Action == "load_clients" {
		var persons []struct {
			PlatformID string `json:"platform_id"`
		}
		if err := json.Unmarshal(call.Body, &persons); err != nil {
			panic(err)
		}
		keys := make([]string, len(persons))
		for i, person := range persons {
			keys[i] = person.PlatformID
		}
		return keys
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(call.Body, &members); err != nil {
		panic(err)
	}
	for _, name := range []string{"clients", "client_ids", "platform_ids", "client_id"} {
		value, ok := members[name]
		if !ok {
			continue
		}
		var keys []salebot.PlatformID
		if err := json.Unmarshal(value, &keys); err != nil {
			return []string{string(value)}
		}
		texts := make([]string, len(keys))
		for i, key := range keys {
			texts[i] = string(key)
		}
		return texts
	}
	return nil
}

// Numbered are n clients, from 1.
func Numbered(n int) []salebot.ClientID {
	clients := make([]salebot.ClientID, n)
	for i := range clients {
		clients[i] = salebot.ClientID(i + 1)
	}
	return clients
}

// KeysUpTo are the keys of n clients.
func KeysUpTo(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = strconv.Itoa(i + 1)
	}
	return keys
}
