package salebot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// A read that brought nothing has failed, in hooks, logs, JSON and errors alike; of a
// write the same answer leaves the outcome unknown.
func TestOutcomeOfFailedReads(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]salebot.Outcome{
		"get_variables":  salebot.OutcomeFailed,
		"get_history":    salebot.OutcomeFailed,
		"save_variables": salebot.OutcomeUnknown,
		"message":        salebot.OutcomeUnknown,
	} {
		for name, answer := range map[string]struct {
			status int
			body   string
		}{"a failing server": {502, clienttest.Page}, "a page": {200, clienttest.Page}, "a timeout of the server": {408, ""}} {
			var observed []salebot.Attempt
			var log bytes.Buffer
			client := clienttest.New(t, clienttest.Answering(answer.status, answer.body), salebot.WithoutRetries(),
				salebot.WithHook(salebot.Hook{After: func(_ context.Context, a salebot.Attempt) { observed = append(observed, a) }}),
				salebot.WithLogger(slog.New(slog.NewJSONHandler(&log, nil))))
			_, err := clienttest.Scenarios[action][0].Call(t.Context(), client)

			var failure *salebot.OpError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, want, failure.Outcome, "%s: %s", action, name)
			require.Equal(t, want == salebot.OutcomeUnknown, clienttest.IsUnknown(err), "%s: %s", action, name)
			require.Len(t, observed, 1)
			require.Equal(t, want, observed[0].Outcome, "%s: %s", action, name)
			var record struct{ Outcome string }
			require.NoError(t, json.Unmarshal(log.Bytes(), &record))
			require.Equal(t, want.String(), record.Outcome, "%s: %s", action, name)
			encoded, err := json.Marshal(failure.Outcome)
			require.NoError(t, err)
			require.JSONEq(t, `"`+want.String()+`"`, string(encoded))
		}
	}
}
