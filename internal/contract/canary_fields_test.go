package contract_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/fixture"
	"github.com/salebot-go/salebot/internal/testkit"
)

// spoiled are the JSON texts that differ from a body in one value, which quotes the
// address of the request.
func spoiled(t *testing.T, body []byte, quote string) [][]byte {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var root any
	if decoder.Decode(&root) != nil {
		return nil
	}
	var variants [][]byte
	var walk func(value any, set func(any))
	walk = func(value any, set func(any)) {
		set(quote)
		text, err := json.Marshal(root)
		require.NoError(t, err)
		variants = append(variants, text)
		set(value)
		switch v := value.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				walk(v[key], func(other any) { v[key] = other })
			}
		case []any:
			for i := range v[:min(len(v), 2)] {
				walk(v[i], func(other any) { v[i] = other })
			}
		}
	}
	walk(root, func(other any) { root = other })
	return variants
}

// A server may quote the address in any field of any answer. No error tells it on.
func TestCanaryInEveryFieldOfAnswers(t *testing.T) {
	t.Parallel()
	for name, list := range clienttest.Scenarios {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answers, err := fixture.Answers(name)
			require.NoError(t, err)
			mock := httpmock.NewMockTransport()
			tried := map[string]bool{}
			for _, known := range answers {
				for _, body := range spoiled(t, known.Body, clienttest.Address(name)) {
					if tried[string(body)] {
						continue
					}
					tried[string(body)] = true
					mock.RegisterNoResponder(clienttest.Answer(known.Status, string(body)))
					// Each is a client of its own: an answer of 429 slows all calls of one down.
					client := clienttest.New(t, mock, salebot.WithoutRetries())
					if _, err := list[0].Call(t.Context(), client); err != nil {
						clienttest.RequireClean(t, known.Name(), told(err))
					}
				}
			}
			require.NotEmpty(t, tried)
		})
	}
}

// told is what an error tells in the common ways.
func told(err error) string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
	slog.New(slog.NewJSONHandler(&out, nil)).Error("x", "error", err)
	if partial, ok := errors.AsType[*salebot.PartialError](err); ok {
		fmt.Fprintf(&out, "%+v", partial.Refused)
	}
	return out.String()
}

// A load of clients of which one was refused, with a word that quotes the address.
func TestCanaryInPartialError(t *testing.T) {
	t.Parallel()
	for _, quote := range []string{clienttest.Address("load_clients"), testkit.Key, "no route for " + clienttest.Address("load_clients")} {
		status, err := json.Marshal(quote)
		require.NoError(t, err)
		client := clienttest.New(t, clienttest.Answering(200, `{"status":"success","items":[{"id":1,"platform_id":"1","status":`+string(status)+`}]}`))
		loaded, err := client.LoadClients(t.Context(), []salebot.ClientToLoad{salebot.TelegramUser("1", "b")})
		var partial *salebot.PartialError
		require.ErrorAs(t, err, &partial)
		clienttest.RequireHiddenError(t, err)
		clienttest.RequireClean(t, "the status", told(err))
		require.NotEmpty(t, partial.Refused[0].Status)
		clienttest.RequireClean(t, "the result", fmt.Sprintf("%+v", loaded))
	}
}
