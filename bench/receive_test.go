package bench

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot/bench/receive"
	"github.com/salebot-go/salebot/webhook"
)

const webhookSecret = "a-secret-of-the-benchmark"

// BenchmarkHandler is a request to the receiver without a server around it.
func BenchmarkHandler(b *testing.B) {
	for name, handler := range map[string]http.Handler{"by hand": receive.ByHand(), "webhook.Handler": decodingHandler(b)} {
		b.Run(name, func(b *testing.B) {
			post, err := receive.Post(b.Context(), handler, "/"+webhookSecret)
			if err != nil {
				b.Fatal(err)
			}
			run(b, post)
		})
	}
}

// decodingHandler keeps nothing of what it decodes.
func decodingHandler(tb testing.TB) *webhook.Handler {
	tb.Helper()
	handler, err := receive.Variant{}.Handler(receive.Nothing(), webhook.WithSecretInPath(webhookSecret))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = handler.Stop(tb.Context()) })
	return handler
}

func TestReceiversAcceptAndRefuse(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.Handler{"by hand": receive.ByHand(), "webhook.Handler": decodingHandler(t)} {
		post, err := receive.Post(t.Context(), handler, "/"+webhookSecret)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := post(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/"+webhookSecret, strings.NewReader(`{"id":`)))
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s answered %d to half an event", name, w.Code)
		}
	}
}

// TestLoadIsKept checks that each variant of an inbox has what the senders say was
// acknowledged, and that the senders notice where nothing is.
func TestLoadIsKept(t *testing.T) {
	t.Parallel()
	for _, variant := range receive.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			t.Parallel()
			inbox, err := variant.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			handler, err := variant.Handler(inbox, webhook.WithoutSecret())
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(handler)
			rate, err := receive.Load(t.Context(), server.Listener.Addr().String(), 4, 50*time.Millisecond, 0)
			if err != nil || rate <= 0 {
				t.Errorf("%v events a second, %v", rate, err)
			}
			server.Close()
			if variant.Silent {
				counts, err := inbox.Counts(t.Context(), handler.Endpoint())
				if err != nil || counts.Pending() == 0 {
					t.Errorf("kept: %+v, %v", counts, err)
				}
				if err := receive.Empty(t.Context(), inbox, handler.Endpoint()); err != nil {
					t.Error(err)
				}
				if counts, err = inbox.Counts(t.Context(), handler.Endpoint()); err != nil || counts.Pending() != 0 {
					t.Errorf("left: %+v, %v", counts, err)
				}
			}
			if err := handler.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if err := inbox.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(refusing.Close)
	if rate, err := receive.Load(t.Context(), refusing.Listener.Addr().String(), 1, 50*time.Millisecond, 0); err == nil {
		t.Errorf("%v events a second were acknowledged by a server that refuses all", rate)
	}
}
