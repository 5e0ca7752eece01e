package webhook_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

func TestProtect(t *testing.T) {
	t.Parallel()
	var read error
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, read = webhook.DecodeFlatRequest(r)
		w.WriteHeader(http.StatusAccepted)
	})
	handler, err := webhook.Protect(next, webhook.WithSecretInQuery("key", secret), webhook.WithAllowedAddresses(0, netip.MustParsePrefix("192.0.2.0/24")), webhook.WithMaxBodySize(100))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		method, target, body string
		status               int
		read                 error
	}{
		"right":          {"POST", "/?key=" + secret, `{"a":1}`, 202, nil},
		"another method": {"GET", "/?a=1&key=" + secret, "", 202, nil},
		"wrong secret":   {"POST", "/?key=x", `{"a":1}`, 403, nil},
		"no secret":      {"POST", "/", `{"a":1}`, 403, nil},
		"announced":      {"POST", "/?key=" + secret, strings.Repeat("a", 101), 413, nil},
		"not announced":  {"POST", "/?key=" + secret, "-" + strings.Repeat("a", 101), 202, webhook.ErrBodyTooLarge},
	} {
		read = nil
		body, chunked := strings.CutPrefix(test.body, "-")
		request := httptest.NewRequest(test.method, test.target, strings.NewReader(body))
		if chunked {
			request.ContentLength = -1
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != test.status || !errors.Is(read, test.read) {
			t.Errorf("%s: %d, %v; want %d, %v", name, recorder.Code, read, test.status, test.read)
		}
	}
	stranger := httptest.NewRequest(http.MethodPost, "/?key="+secret, nil)
	stranger.RemoteAddr = "198.51.100.7:1"
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, stranger)
	if recorder.Code != http.StatusForbidden {
		t.Errorf("another address: %d", recorder.Code)
	}
	var problem *salebot.OptionError
	if _, err := webhook.Protect(next); !errors.As(err, &problem) {
		t.Errorf("without a secret: %v", err)
	}
	if _, err := webhook.Protect(nil, webhook.WithoutSecret()); !errors.As(err, &problem) {
		t.Errorf("without a handler: %v", err)
	}
}

// TestProtectBoundsTime checks that a body which never comes ends the reading of it.
func TestProtectBoundsTime(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		handler, err := webhook.Protect(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
			}
		}), webhook.WithoutSecret())
		if err != nil {
			t.Fatal(err)
		}
		connection, err := serve(t, handler).dial()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		start := time.Now()
		if _, err := fmt.Fprint(connection, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); response.StatusCode != http.StatusRequestTimeout || took != webhook.DefaultReadTimeout {
			t.Errorf("%d after %v", response.StatusCode, took)
		}
		_ = response.Body.Close()
		<-time.After(time.Minute)
	})
}
