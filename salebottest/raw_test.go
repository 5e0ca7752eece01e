package salebottest_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

// answer is what a program without an SDK sees.
type answer struct {
	status      int
	contentType string
	body        string
}

// send sends a request as a program without an SDK does. The path begins after
// the key.
func send(tb testing.TB, emulator *salebottest.Emulator, method, path, contentType, body string) answer {
	tb.Helper()
	return sendWithKey(tb, emulator, emulator.Key(), method, path, contentType, body)
}

func sendWithKey(tb testing.TB, emulator *salebottest.Emulator, key, method, path, contentType, body string) answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, salebottest.BaseURL+"/"+key+"/"+path, strings.NewReader(body))
	require.NoError(tb, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	transport := emulator.Transport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(tb, err)
	defer func() { require.NoError(tb, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(tb, err)
	return answer{status: response.StatusCode, contentType: response.Header.Get("Content-Type"), body: string(text)}
}

func get(tb testing.TB, emulator *salebottest.Emulator, path string) answer {
	tb.Helper()
	return send(tb, emulator, http.MethodGet, path, "", "")
}

func post(tb testing.TB, emulator *salebottest.Emulator, path, body string) answer {
	tb.Helper()
	return send(tb, emulator, http.MethodPost, path, "application/json", body)
}

// withCanary makes the canary key the main one, unless the options name another.
func withCanary(options []salebottest.Option) []salebottest.Option {
	return append(slices.Clone(options), salebottest.WithKeys(salebottest.Key{Value: testkit.Key, Name: "main"}))
}

// openEmulator returns an emulator for a test that closes it.
func openEmulator(options ...salebottest.Option) *salebottest.Emulator {
	emulator, err := salebottest.Open(withCanary(options)...)
	if err != nil {
		panic(err)
	}
	return emulator
}

// newEmulator returns an emulator that ends with the test.
func newEmulator(tb testing.TB, options ...salebottest.Option) *salebottest.Emulator {
	tb.Helper()
	emulator := openEmulator(options...)
	tb.Cleanup(emulator.Close)
	return emulator
}

func newClient(tb testing.TB, options ...salebottest.Option) (*salebot.Client, *salebottest.Emulator) {
	tb.Helper()
	emulator := newEmulator(tb, options...)
	return emulator.Client(tb), emulator
}

func newServer(tb testing.TB, options ...salebottest.Option) *salebottest.Server {
	tb.Helper()
	return salebottest.NewServer(tb, withCanary(options)...)
}
