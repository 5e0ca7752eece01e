package emulator_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
)

// screen is a terminal.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// A person at a terminal sees each request, without the key and without anything that
// commands the terminal.
func TestALineForEachRequest(t *testing.T) {
	t.Parallel()
	s := start(t, emulator.Options{}, engine.WithPerson(engine.Person{ID: 25554, ClientType: 1, Name: "Ann\x1b[2J"}))
	var out screen
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() { emulator.WriteRequests(ctx, &out, s.Emulator, []string{testKey}) })
	seen := func(text string) {
		t.Helper()
		require.Eventually(t, func() bool { return strings.Contains(out.String(), text) }, waitForLine, waitForLine/1000, "%s in %s", text, &out)
	}
	s.call(t, "POST", "message", "application/json", `{"client_id":25554,"message":"Hello `+testKey+`\u001b]0;x"}`)
	seen(` Ann\x1b[2J: Hello {api_key} ]0;x`)
	s.call(t, "POST", "mesage", "application/json", `{}`)
	seen(`404 POST mesage`)
	seen(`did you mean message?`)
	require.NoError(t, s.Fail(faults.Fault{Status: 503}))
	s.call(t, "GET", "get_variables?client_id=25554", "", "")
	seen(`503 GET  get_variables`)
	seen(`[made to go wrong: status 503]`)
	require.NoError(t, s.Reset())
	s.call(t, "GET", "connected_channels", "", "")
	seen(`200 GET  connected_channels`)
	cancel()
	work.Wait()
	require.Empty(t, testkit.FindKey(out.String()))
	require.NotContains(t, out.String(), "\x1b")
}
