package emulator_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/check"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// double is an engine with what a test wants of it: a client and assertions.
type double struct{ *engine.Emulator }

// Connect returns a client over connections in memory.
func (d *double) Connect(opts ...salebot.Option) (*salebot.Client, error) {
	own := []salebot.Option{salebot.WithBaseURL(engine.BaseURL), salebot.WithTransport(d.Transport())}
	return salebot.New(d.Key(), append(own, opts...)...)
}

// Client returns a client that ends with the test.
func (d *double) Client(tb testing.TB, opts ...salebot.Option) *salebot.Client {
	tb.Helper()
	client, err := d.Connect(opts...)
	require.NoError(tb, err)
	tb.Cleanup(d.Close)
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

// Fail plans faults that are sound.
func (d *double) Fail(planned ...faults.Fault) {
	if err := d.Emulator.Fail(planned...); err != nil {
		panic(err)
	}
}

// server is a double that listens on loopback.
type server struct {
	*double
	URL string
}

func newServer(tb testing.TB, options ...engine.Option) *server {
	tb.Helper()
	d := newEmulator(tb, options...)
	listening := httptest.NewServer(d)
	tb.Cleanup(listening.Close)
	return &server{d, listening.URL + "/api"}
}

// Client returns a client that ends with the test.
func (s *server) Client(tb testing.TB, opts ...salebot.Option) *salebot.Client {
	tb.Helper()
	client, err := salebot.New(s.Key(), append([]salebot.Option{salebot.WithBaseURL(s.URL)}, opts...)...)
	require.NoError(tb, err)
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

func holds(tb testing.TB, failure string) bool {
	tb.Helper()
	if failure != "" {
		tb.Errorf("%s", failure)
	}
	return failure == ""
}

func (d *double) AssertMessage(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Message(d.Emulator, client, text))
}

func (d *double) AssertNoMessages(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	return holds(tb, check.NoMessages(d.Emulator, client))
}

func (d *double) AssertButton(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Button(d.Emulator, client, text))
}

func (d *double) AssertCallback(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Callback(d.Emulator, client, text))
}

func (d *double) AssertNoCallbacks(tb testing.TB, client salebot.ClientID) bool {
	tb.Helper()
	return holds(tb, check.NoCallbacks(d.Emulator, client))
}

func (d *double) AssertVariable(tb testing.TB, client salebot.ClientID, name, value string) bool {
	tb.Helper()
	return holds(tb, check.Variable(d.Emulator, client, name, value))
}

func (d *double) AssertCalls(tb testing.TB, action string, times int) bool {
	tb.Helper()
	return holds(tb, check.Calls(d.Emulator, action, times))
}

func (d *double) AssertScheduled(tb testing.TB, client salebot.ClientID, text string) bool {
	tb.Helper()
	return holds(tb, check.Scheduled(d.Emulator, client, text))
}
