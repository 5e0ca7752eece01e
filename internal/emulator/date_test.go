package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/testkit"
)

// headerOf makes a request and returns the head of its answer.
func headerOf(t *testing.T, emulator *double, path string) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, engine.BaseURL+path, strings.NewReader(""))
	require.NoError(t, err)
	transport := emulator.Transport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.Header
}

// Who asks the answers for Salebot's time gets the emulator's, also after the
// clock was put forward.
func TestTheDateOfAnAnswerIsTheEmulatorsTime(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := openEmulator(engine.WithProject(engine.Project{ClockOffset: engine.Duration(time.Hour)}))
		defer emulator.Close()
		action := "/" + emulator.Key() + "/connected_channels"
		dateOf := func(path string) time.Time {
			date, err := http.ParseTime(headerOf(t, emulator, path).Get("Date"))
			require.NoError(t, err)
			return date
		}
		require.Equal(t, time.Now().Add(time.Hour).UTC(), dateOf(action))
		emulator.Advance(25 * time.Hour)
		require.Equal(t, time.Now().Add(26*time.Hour).UTC(), dateOf(action))
		require.Equal(t, time.Now().Add(26*time.Hour).UTC(), dateOf("/nothing"), "a wrong address")

		require.NoError(t, emulator.Emulator.Fail(faults.Fault{Status: 503, Delay: time.Minute}))
		require.Equal(t, time.Now().Add(26*time.Hour+time.Minute).UTC(), dateOf(action), "the time after the delay")
	})
}

// Both dates of an answer are by the same clock, so that their difference is the
// wait.
func TestARetryAfterIsByTheEmulatorsClock(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		emulator := openEmulator()
		defer emulator.Close()
		emulator.Advance(24 * time.Hour)
		require.NoError(t, emulator.Emulator.Fail(faults.Fault{RetryAfter: 5 * time.Second, RetryAfterDate: true}))
		header := headerOf(t, emulator, "/"+emulator.Key()+"/connected_channels")
		date, err := http.ParseTime(header.Get("Date"))
		require.NoError(t, err)
		until, err := http.ParseTime(header.Get("Retry-After"))
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, until.Sub(date))
	})
}
