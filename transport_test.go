package salebot_test

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// The transport to change is that of a client, and each call gives another one.
func TestNewTransport(t *testing.T) {
	t.Parallel()
	transport := salebot.NewTransport()
	require.Equal(t, salebot.DefaultIdleConnections, transport.MaxIdleConnsPerHost)
	require.Zero(t, transport.MaxIdleConns, "all hosts together have no bound of their own")
	require.Equal(t, salebot.DefaultIdleTimeout, transport.IdleConnTimeout)
	require.NotNil(t, transport.Proxy, "the environment is asked for a proxy")
	require.NotNil(t, transport.DialContext)
	require.True(t, transport.ForceAttemptHTTP2)
	require.NotSame(t, transport, salebot.NewTransport())
	standard := http.DefaultTransport.(*http.Transport)
	require.NotSame(t, standard, transport)
	require.NotEqual(t, salebot.DefaultIdleConnections, standard.MaxIdleConnsPerHost, "the standard transport stays as it is")

	errProxy := errors.New("the proxy is asked")
	transport.Proxy = func(*http.Request) (*url.URL, error) { return nil, errProxy }
	_, err := clienttest.New(t, transport, salebot.WithoutRetries()).GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, errProxy)
	clienttest.RequireHiddenError(t, err)
}
