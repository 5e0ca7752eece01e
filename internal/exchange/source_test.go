package exchange_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/exchange"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/testkit"
)

func sourceOf(client *http.Client) *exchange.Source {
	return exchange.NewSource(secret.Hide(client), secret.Hide[http.RoundTripper](nil), 7, time.Minute)
}

// The user's client brings its transport and its limit; without a transport it uses what
// net/http uses for it.
func TestSourceOfAClient(t *testing.T) {
	t.Parallel()
	own := new(http.Transport)
	require.Same(t, own, sourceOf(&http.Client{Transport: own}).Current())
	require.Same(t, http.DefaultTransport, sourceOf(new(http.Client)).Current())
	require.Equal(t, 3*time.Second, sourceOf(&http.Client{Timeout: 3 * time.Second}).Timeout())
	require.Zero(t, sourceOf(&http.Client{Timeout: -1}).Timeout())
	require.Zero(t, sourceOf(nil).Timeout())
}

// The transport of a client that is given none is its own, and so are its connections.
func TestSourceOfNothing(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		s := sourceOf(nil)
		own, ok := s.Current().(*http.Transport)
		require.True(t, ok)
		require.NotSame(t, http.DefaultTransport, own)
		require.Same(t, own, s.Current())
		require.Equal(t, 7, own.MaxIdleConnsPerHost)
		require.Equal(t, time.Minute, own.IdleConnTimeout)
		peer := &testkit.Peer{}
		own.DialTLSContext = peer.Transport().DialTLSContext
		e := exchange.New(s.Current, s.Jar())
		for range 3 {
			_, _, err := do(t, e, request(http.MethodPost, "{}", false))
			require.NoError(t, err)
			synctest.Wait()
			s.CloseIdle()
		}
		require.Equal(t, 3, peer.Dials())
	})
}
