package main

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// The trace goes from the shop's request to the callback, with the attempt that failed.
func TestTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		require.NoError(t, run(t.Context(), &out))
		require.Equal(t, `POST /paid
  salebot save_variables  salebot.outcome=accepted  salebot.attempts=2
    POST /api/{api_key}/save_variables  http.response.status_code=502  salebot.outcome=unknown
    POST /api/{api_key}/save_variables  http.response.status_code=200  salebot.outcome=accepted  http.request.resend_count=1
  salebot callback  salebot.outcome=accepted  salebot.attempts=1
    POST /api/{api_key}/callback  http.response.status_code=200  salebot.outcome=accepted
`, out.String())
	})
}
