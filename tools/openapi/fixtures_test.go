package openapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/fixture"
)

// malformed says whether the point of a fixture is to break the description.
func malformed(f fixture.Answer) bool {
	switch f.Case {
	case "html-200", "truncated", "no-data":
		return true
	case "empty-200":
		return f.Outcome == fixture.Unknown
	}
	return false
}

func answers(t *testing.T, action string) []fixture.Answer {
	t.Helper()
	list, err := fixture.Answers(action)
	require.NoError(t, err)
	return list
}

func TestEveryActionHasFixtures(t *testing.T) {
	t.Parallel()
	everywhere := []string{
		"success", "nulls", "unknown-fields", "bad-request", "unauthorized", "wrong-action", "not-found-html",
		"rate-limited", "server-error", "bad-gateway-html", "html-200", "empty-200", "truncated",
	}
	failures := []string{"fail-status", "error-status", "success-false", "error-key"}
	for _, action := range actionNames() {
		var cases []string
		for _, f := range answers(t, action) {
			cases = append(cases, f.Case)
		}
		require.Subset(t, cases, everywhere, action)
		if action == "get_variables" {
			for _, name := range failures {
				require.NotContains(t, cases, name, "every key of get_variables is data")
			}
			require.Contains(t, cases, "status-variable")
		} else {
			require.Subset(t, cases, failures, action)
		}
		// Actions that look a client up declare it, and show it in all forms.
		lookUp := mainOperation(t, document(t), action).Responses.Value("404").Ref == "#/components/responses/ClientNotFound"
		for _, name := range []string{"client-not-found-200", "client-not-found-404-json", "client-not-found-404-text"} {
			require.Equal(t, lookUp, slices.Contains(cases, name), "%s: that api/openapi.yaml has the answer ClientNotFound (expected) "+
				"differs from whether there is the fixture %s (actual); Subject of its row brings the fixture", action, name)
		}
	}
}

func TestFixturesFitTheDescription(t *testing.T) {
	t.Parallel()
	for _, action := range actionNames() {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			for _, f := range answers(t, action) {
				for _, o := range document(t).Of(action) {
					err := o.CheckResponse(t.Context(), f.Response(nil))
					if malformed(f) {
						require.Error(t, err, "%s %s", o.Method, f.Name())
					} else {
						require.NoError(t, err, "%s %s", o.Method, f.Name())
					}
				}
			}
		})
	}
}

func TestFixturesAreConsistent(t *testing.T) {
	t.Parallel()
	sentinels := []string{
		"ErrClientNotFound", "ErrOrderNotFound", "ErrUnauthorized", "ErrForbidden", "ErrRateLimited", "ErrServer",
		"ErrRejected", "ErrUnexpectedResponse",
	}
	for _, action := range actionNames() {
		for _, f := range answers(t, action) {
			name := f.Name()
			require.Contains(t, []string{fixture.Documented, fixture.Observed, fixture.Assumed}, f.Evidence, name)
			require.Subset(t, sentinels, f.Errors, name)
			require.NotContains(t, f.Header, "Content-Length", name)
			switch f.Outcome {
			case fixture.Success:
				require.Empty(t, f.Errors, name)
				require.Equal(t, http.StatusOK, f.Status, name)
				require.False(t, malformed(f), name)
			case fixture.Rejected:
				require.NotEmpty(t, f.Errors, name)
				require.Less(t, f.Status, 500, name)
			case fixture.Unknown:
				require.NotEmpty(t, f.Errors, name)
				require.True(t, f.Status >= 500 || malformed(f), name)
			default:
				require.Fail(t, "unknown outcome "+f.Outcome, name)
			}
		}
	}
}

// The description and the fixtures say the same about what a failure is.
func TestFailuresInsideA200(t *testing.T) {
	t.Parallel()
	failure := document(t).Schema("Failure")
	require.NotNil(t, failure)
	for _, action := range actionNames() {
		if action == "get_variables" || action == "check_insta_subscription" {
			continue // The one has data under these keys, the other a numeric status.
		}
		for _, f := range answers(t, action) {
			if f.Status != http.StatusOK || malformed(f) || !json.Valid(f.Body) {
				continue
			}
			err := CheckValue(failure, decode(t, f.Body))
			if f.Outcome == fixture.Success {
				require.Error(t, err, f.Name())
			} else {
				require.NoError(t, err, f.Name())
			}
		}
	}
}

// An operation's grade is the best grade among its successes.
func TestGradesAreBackedByFixtures(t *testing.T) {
	t.Parallel()
	for _, action := range actionNames() {
		best := fixture.Assumed
		for _, f := range answers(t, action) {
			if f.Outcome == fixture.Success && (f.Evidence == fixture.Observed || best == fixture.Assumed) {
				best = f.Evidence
			}
		}
		require.Equal(t, best, mainOperation(t, document(t), action).Evidence(), action)
	}
}

func TestWebhookFixturesFitTheDescription(t *testing.T) {
	t.Parallel()
	event := document(t).Webhook("projectMessage")
	require.NotNil(t, event)
	deliveries, err := fixture.Webhook()
	require.NoError(t, err)
	require.NotEmpty(t, deliveries)
	for _, delivery := range deliveries {
		if path.Ext(delivery.File) == ".form" || bytes.HasPrefix(delivery.Body, []byte("--")) {
			continue // forms of both types
		}
		value := decode(t, delivery.Body)
		switch name := delivery.Name; name {
		case "under-data":
			require.Error(t, CheckValue(event, value), name)
			value = value.(map[string]any)["data"]
		case "double-encoded":
			require.Error(t, CheckValue(event, value), name)
			value = decode(t, []byte(value.(string)))
		}
		require.NoError(t, CheckValue(event, value), delivery.File)
	}
}

// What has to be refused is refused; otherwise the tests above prove nothing.
func TestWrongAnswersAreRefused(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\nContent-Type: application/json\nFixture-Evidence: assumed\nFixture-Outcome: success\n\n"
	for name, c := range map[string]struct{ action, text string }{
		"a wrong type":                {"get_clients", head + `{"status":"success","clients":[{"id":{}}]}`},
		"a wrong type of a flag":      {"get_history", head + `{"status":"success","result":[{"id":1,"delivered":"maybe"}]}`},
		"an id that is a fraction":    {"create_order", head + `{"status":"success","order_id":1.5}`},
		"a missing item member":       {"get_clients", head + `{"status":"success","clients":[{"name":"Ann"}]}`},
		"a list where one id is due":  {"get_current_order_id", head + `{"status":"success","order_id":[1]}`},
		"an object where a list is":   {"find_client_id_by_platform_id", head + `{"clients":[{"id":1}]}`},
		"a nested variable":           {"get_variables", head + `{"a":{"b":1}}`},
		"a list of variables":         {"get_variables", head + `[]`},
		"a word that nobody knows":    {"message", strings.Replace(head, "application/json", "text/plain", 1) + "queued"},
		"a page":                      {"message", strings.Replace(head, "application/json", "text/html", 1) + "<html></html>"},
		"an unknown media type":       {"message", strings.Replace(head, "application/json", "application/xml", 1) + "ok"},
		"an undeclared status":        {"message", strings.Replace(head, "200 OK", "302 Found", 1) + "ok"},
		"text in front of the JSON":   {"get_clients", head + `ok {"status":"success","clients":[]}`},
		"an empty confirmation":       {"message", head},
		"a page as client_not_found":  {"message", strings.Replace(head, "200 OK", "404 Not Found", 1) + `{"status":"success"}`},
		"an id inside a found object": {"find_client_id_by_phone", head + `{"client":{"id":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := fixture.Parse([]byte(c.text))
			require.NoError(t, err)
			for _, o := range document(t).Of(c.action) {
				require.Error(t, o.CheckResponse(t.Context(), f.Response(nil)))
			}
		})
	}
}

func TestStricterDescriptionsRefuseFixtures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ action, answer, passage, replacement string }{
		"a surplus required field": {
			"get_clients", "observed",
			"    Client:\n      type: object\n      required: [id]\n",
			"    Client:\n      type: object\n      required: [id, birthday]\n",
		},
		"a narrower type": {
			"get_history", "ids-as-text",
			"    NullableID:\n      description: An id that may be missing.\n      type: [string, integer, \"null\"]\n",
			"    NullableID:\n      type: [integer, \"null\"]\n",
		},
		"a missing null": {
			"get_history", "nulls",
			"        text:\n          type: [string, \"null\"]\n",
			"        text:\n          type: string\n",
		},
		"a missing word": {
			"broadcast", "ok-text",
			"      enum: [ok, \"true\", success]\n",
			"      enum: [\"true\", success]\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := fixture.Lookup(c.action, c.answer)
			require.NoError(t, err)
			require.NoError(t, mainOperation(t, document(t), c.action).CheckResponse(t.Context(), f.Response(nil)))
			stricter, err := Load(edited(t, c.passage, c.replacement))
			require.NoError(t, err)
			require.Error(t, mainOperation(t, stricter, c.action).CheckResponse(t.Context(), f.Response(nil)))
		})
	}
}

func TestBrokenFixturesAreRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":       "",
		"no status":   "Content-Type: text/plain\n\nok",
		"no evidence": "HTTP/1.1 200 OK\nFixture-Outcome: success\n\nok",
		"no outcome":  "HTTP/1.1 200 OK\nFixture-Evidence: assumed\n\nok",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fixture.Parse([]byte(text))
			require.Error(t, err)
		})
	}
}
