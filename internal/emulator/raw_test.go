package emulator_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

// answer is what a program without an SDK sees.
type answer struct {
	status      int
	contentType string
	body        string
}

// send sends a request as a program without an SDK does. The path begins after
// the key.
func send(tb testing.TB, emulator *double, method, path, contentType, body string) answer {
	tb.Helper()
	return sendWithKey(tb, emulator, emulator.Key(), method, path, contentType, body)
}

func sendWithKey(tb testing.TB, emulator *double, key, method, path, contentType, body string) answer {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), method, engine.BaseURL+"/"+key+"/"+path, strings.NewReader(body))
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

func get(tb testing.TB, emulator *double, path string) answer {
	tb.Helper()
	return send(tb, emulator, http.MethodGet, path, "", "")
}

func post(tb testing.TB, emulator *double, path, body string) answer {
	tb.Helper()
	return send(tb, emulator, http.MethodPost, path, "application/json", body)
}

// withCanary makes the canary key the main one, unless the options name another.
func withCanary(options []engine.Option) []engine.Option {
	return append(slices.Clone(options), engine.WithKeys(engine.Key{Value: testkit.Key, Name: "main"}))
}

// openEmulator returns an emulator for a test that closes it.
func openEmulator(options ...engine.Option) *double {
	emulator, err := engine.Open(withCanary(options)...)
	if err != nil {
		panic(err)
	}
	return &double{emulator}
}

// newEmulator returns an emulator that ends with the test.
func newEmulator(tb testing.TB, options ...engine.Option) *double {
	tb.Helper()
	emulator := openEmulator(options...)
	tb.Cleanup(emulator.Close)
	return emulator
}

func newClient(tb testing.TB, options ...engine.Option) (*salebot.Client, *double) {
	tb.Helper()
	emulator := newEmulator(tb, options...)
	client := emulator.Client(tb)
	return client, emulator
}
