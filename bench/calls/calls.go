// Package calls holds one small call, a message to a client, written in several
// ways.
package calls

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/salebot-go/salebot"
)

const (
	// Key is the API key that the calls use.
	Key = "benchmark-key-0123456789"
	// Answer is what the service says to a message.
	Answer = `{"status":"success"}`

	client  = 123456789
	text    = "Your order is on its way and will arrive tomorrow."
	timeout = 30 * time.Second
)

var errRefused = errors.New("refused")

// Call sends one message.
type Call func(ctx context.Context) error

// Variant is one way to write the call.
type Variant struct {
	Name string
	// New returns the call to the service at base. A nil transport means the one
	// that the way brings along by itself.
	New func(base string, transport http.RoundTripper) (Call, error)
}

// Floor is what all others are compared with: net/http and encoding/json by
// hand, with a time limit, on connections that stay open.
var Floor = Variant{Name: "net/http + encoding/json", New: newFloor}

// SDK is the public way.
var SDK = Variant{Name: "salebot", New: func(base string, transport http.RoundTripper) (Call, error) {
	return newSDK(base, transport)
}}

// BareResty is resty as its own documentation shows it.
var BareResty = Variant{Name: "resty, as documented", New: newBareResty}

// LeanResty is the cheapest single request that resty can execute without being
// pooled.
var LeanResty = Variant{Name: "resty, raw body and answer", New: newLeanResty}

// PooledResty is LeanResty with a request of resty's that is used again: what is
// left when everything that protects a call is taken out of the SDK.
var PooledResty = Variant{Name: "resty, raw and pooled", New: newPooledResty}

// LimitedSDK is the SDK with a pace that is never reached.
var LimitedSDK = Variant{Name: "salebot with a limiter", New: func(base string, transport http.RoundTripper) (Call, error) {
	return newSDK(base, transport, salebot.WithRateLimit(1e9, 1e6))
}}

// Variants lists all, the floor first.
func Variants() []Variant {
	return []Variant{Floor, SDK, LimitedSDK, BareResty, LeanResty, PooledResty}
}

// Transport returns an HTTP transport that keeps its connections.
func Transport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: time.Minute}
}

type request struct {
	ClientID int64  `json:"client_id"`
	Message  string `json:"message"`
}

type answer struct {
	Status string `json:"status"`
}

func newFloor(base string, transport http.RoundTripper) (Call, error) {
	if transport == nil {
		transport = Transport()
	}
	httpClient := &http.Client{Transport: transport}
	address := base + "/" + Key + "/message"
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		body, err := json.Marshal(request{ClientID: client, Message: text})
		if err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("User-Agent", "bench")
		response, err := httpClient.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%w: %s", errRefused, response.Status)
		}
		var a answer
		if err := json.Unmarshal(content, &a); err != nil {
			return err
		}
		return check(a)
	}, nil
}

func check(a answer) error {
	if a.Status != "success" {
		return errRefused
	}
	return nil
}

func newSDK(base string, transport http.RoundTripper, options ...salebot.Option) (Call, error) {
	options = append(options, salebot.WithBaseURL(base), salebot.WithTimeout(timeout))
	if transport != nil {
		options = append(options, salebot.WithTransport(transport))
	}
	c, err := salebot.New(Key, options...)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := c.Message(ctx, salebot.MessageRequest{ClientID: client, Message: text})
		return err
	}, nil
}

func newBareResty(base string, transport http.RoundTripper) (Call, error) {
	c := resty.New().SetBaseURL(base + "/" + Key)
	if transport != nil {
		c.SetTransport(transport)
	}
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		var a answer
		response, err := c.R().SetContext(ctx).
			SetBody(request{ClientID: client, Message: text}).
			SetResult(&a).
			Post("/message")
		if err != nil {
			return err
		}
		if response.IsError() {
			return errRefused
		}
		return check(a)
	}, nil
}

func newLeanResty(base string, transport http.RoundTripper) (Call, error) {
	return newRawResty(base, transport, false)
}

func newPooledResty(base string, transport http.RoundTripper) (Call, error) {
	return newRawResty(base, transport, true)
}

func newRawResty(base string, transport http.RoundTripper, pooled bool) (Call, error) {
	if transport == nil {
		transport = Transport()
	}
	c := resty.NewWithClient(&http.Client{Transport: transport})
	address := base + "/" + Key + "/message"
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	header.Set("User-Agent", "bench")
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	requests := sync.Pool{New: func() any { return c.R().SetDoNotParseResponse(true) }}
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		body, err := json.Marshal(request{ClientID: client, Message: text})
		if err != nil {
			return err
		}
		r, _ := requests.Get().(*resty.Request)
		r.SetContext(ctx)
		r.Header = header
		r.Body = bytes.NewReader(body)
		response, err := r.Execute(http.MethodPost, address)
		if err != nil {
			return err
		}
		defer func() { _ = response.RawBody().Close() }()
		if pooled {
			defer requests.Put(r)
		}
		buffer, _ := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buffer)
		buffer.Reset()
		if _, err := buffer.ReadFrom(response.RawBody()); err != nil {
			return err
		}
		if response.IsError() {
			return errRefused
		}
		var a answer
		if err := json.Unmarshal(buffer.Bytes(), &a); err != nil {
			return err
		}
		return check(a)
	}, nil
}
