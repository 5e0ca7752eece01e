package main

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

func project(t *testing.T) *salebottest.Emulator {
	t.Helper()
	people := make([]salebottest.Person, everybody)
	for i := range people {
		people[i] = salebottest.Person{ID: salebot.ClientID(i + 1), Variables: map[string]any{"client.bought": "boots"}}
	}
	return salebottest.New(t, salebottest.WithPeople(people...), salebottest.WithAnswers(salebottest.Answers{
		RateLimit: salebottest.Limit{Requests: 50, Per: time.Second},
	}))
}

// dying is the network of a process that is killed after so many requests.
type dying struct {
	inner http.RoundTripper
	left  atomic.Int64
}

func (d *dying) RoundTrip(request *http.Request) (*http.Response, error) {
	if d.left.Add(-1) < 0 {
		return nil, errors.New("the process is dead")
	}
	return d.inner.RoundTrip(request)
}

// Everybody gets both messages once, although Salebot allows 50 requests a second and
// the campaign is killed three times.
func TestCampaign(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		emulator := project(t)
		path := filepath.Join(t.TempDir(), "ledger")
		for _, requests := range []int64{1, everybody * 4 / 5, everybody * 9 / 5, 1 << 40} {
			file, err := ledger.OpenFile(path)
			require.NoError(t, err)
			network := &dying{inner: emulator.Transport()}
			network.left.Store(requests)
			client, err := emulator.Connect(salebot.WithTransport(network), salebot.WithLedger(file, "shop"),
				salebot.WithHistoryDelay(10*time.Second))
			require.NoError(t, err)
			report, err := run(t.Context(), client, io.Discard)
			if requests == 1<<40 {
				require.NoError(t, err, "%+v", report.Problems)
				require.Equal(t, everybody, report.Accepted)
				require.Positive(t, report.PaceWait)
			}
			require.NoError(t, file.Close())
		}
		for id := range salebot.ClientID(everybody) {
			require.Len(t, emulator.History(id+1), 2, "messages of %d", id+1)
		}
	})
}
