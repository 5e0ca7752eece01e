package emulator_test

import (
	"bufio"
	"context"
	"io"
	"iter"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/testkit"
)

const testKey = testkit.Key

// server is an emulator that listens.
type server struct {
	*engine.Emulator
	address string
}

// start starts a server for a test.
func start(t testing.TB, options emulator.Options, with ...engine.Option) *server {
	t.Helper()
	emulated, err := engine.Open(append([]engine.Option{engine.WithKey(testKey)}, with...)...)
	require.NoError(t, err)
	t.Cleanup(emulated.Close)
	options.Emulator, options.Version, options.Keys = emulated, "0.0.0", []string{testKey}
	ctx, cancel := context.WithCancel(context.Background())
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	stopped := make(chan error, 1)
	handler := emulator.NewHandler(ctx, options)
	go func() { stopped <- emulator.Serve(ctx, listener, handler) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-stopped)
	})
	return &server{Emulator: emulated, address: "http://" + listener.Addr().String()}
}

// eventsOf reads the data of server-sent events.
func eventsOf(stream io.Reader) iter.Seq[string] {
	return func(yield func(string) bool) {
		lines := bufio.NewScanner(stream)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && !yield(data) {
				return
			}
		}
	}
}

// waitForLine bounds what a test waits for a line of a log.
const waitForLine = time.Minute
