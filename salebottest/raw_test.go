package salebottest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
func send(t testing.TB, emulator *salebottest.Emulator, method, path, contentType, body string) answer {
	t.Helper()
	return sendWithKey(t, emulator, emulator.Key(), method, path, contentType, body)
}

func sendWithKey(t testing.TB, emulator *salebottest.Emulator, key, method, path, contentType, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, salebottest.BaseURL+"/"+key+"/"+path, strings.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	transport := emulator.Transport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{status: response.StatusCode, contentType: response.Header.Get("Content-Type"), body: string(text)}
}

func get(t testing.TB, emulator *salebottest.Emulator, path string) answer {
	t.Helper()
	return send(t, emulator, http.MethodGet, path, "", "")
}

func post(t testing.TB, emulator *salebottest.Emulator, path, body string) answer {
	t.Helper()
	return send(t, emulator, http.MethodPost, path, "application/json", body)
}

// newEmulator returns an emulator that ends with the test.
func newEmulator(t testing.TB, options ...salebottest.Option) *salebottest.Emulator {
	t.Helper()
	emulator := salebottest.New(options...)
	t.Cleanup(emulator.Close)
	return emulator
}
