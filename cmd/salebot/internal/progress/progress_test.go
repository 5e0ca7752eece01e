package progress_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/cmd/salebot/internal/progress"
	"github.com/salebot-go/salebot/internal/testkit"
)

func pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// In a log there is a line now and then.
func TestPlainLines(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		m := progress.New(&out, "clients", 1000, progress.Options{})
		for range 25 {
			pass(time.Second)
			m.Add(10)
		}
		m.Close()
		require.Equal(t, "100 of 1000 clients, 10/s, 1m30s left\n200 of 1000 clients, 10/s, 1m20s left\n", out.String())
	})
}

func TestUnknownTotal(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		m := progress.New(&out, "clients", -1, progress.Options{})
		pass(20 * time.Second)
		m.Add(500)
		m.Close()
		require.Equal(t, "500 clients, 25/s\n", out.String())
	})
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	m := progress.New(&out, "clients", 10, progress.Options{Terminal: true})
	for range 10 {
		m.Add(1)
	}
	m.Close()
	require.Contains(t, out.String(), "clients")
	require.NotContains(t, out.String(), "\n", "it stays in its line")
	require.NotContains(t, out.String(), "\x1b[3", "without colors")
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var out bytes.Buffer
		m := progress.New(&out, "clients", 10, progress.Options{Terminal: true, Quiet: true})
		pass(time.Minute)
		m.Add(10)
		m.Close()
		require.Empty(t, out.String())
	})
}
