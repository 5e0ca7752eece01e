package salebot_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// With middlewares that change nothing, calls give what they give without.
func TestMiddlewaresChangeNothingByThemselves(t *testing.T) {
	t.Parallel()
	for _, row := range action.All() {
		require.NotEmpty(t, clienttest.Scenarios[row.Name], "%s has no scenario in internal/clienttest/scenarios.go", row.Name)
		for _, answer := range []struct {
			status int
			body   string
		}{
			{200, "ok"},
			{200, `{"status":"success","result":[],"client_id":5,"order_id":6,"state_id":7,"items":[]}`},
			{200, `[]`},
			{200, `{"status":"fail"}`},
			{200, clienttest.Page},
			{200, ""},
			{404, "client_not_found"},
			{500, "x"},
			{302, ""},
		} {
			var plain, wrapped salebot.Response
			call := func(raw *salebot.Response, options ...salebot.Option) (any, error) {
				options = append(options, salebot.WithoutRetries())
				return clienttest.Scenarios[row.Name][0].Call(t.Context(), clienttest.New(t, clienttest.Answering(answer.status, answer.body), options...), salebot.WithResponse(raw))
			}
			want, wantErr := call(&plain)
			got, gotErr := call(&wrapped, salebot.WithMiddleware(passing), salebot.WithMiddleware(passing), salebot.WithAttemptMiddleware(passing))
			require.Equal(t, want, got, row.Name)
			require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(gotErr), row.Name)
			require.Equal(t, plain, wrapped)
		}
	}
}

// A middleware around a call sees the request and the answer, once, however many
// attempts it takes; one around an attempt sees each.
func TestMiddlewaresSee(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		var events []string
		seeing := func(name string) salebot.Middleware {
			return func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
				events = append(events, fmt.Sprintf("%s: %s %s client %d attempt %d %v %s", name, r.Action(), r.Class(), r.ClientID(), r.Attempt(), r.Query(), r.Body()))
				response, err := next(ctx, r)
				events = append(events, fmt.Sprintf("%s: %d %s %s %v", name, response.Status, response.Header.Get("X-Server"), response.Body, err != nil))
				return response, err
			}
		}
		peer := &testkit.Peer{Answer: testkit.InTurn(testkit.Respond(503, "busy"), testkit.Respond(200, `{"status":"success"}`, "X-Server: a"), testkit.Respond(200, `{"b":"c"}`))}
		client := clienttest.New(t, peer.Transport(), salebot.WithMiddleware(seeing("outer")), salebot.WithMiddleware(seeing("inner")), salebot.WithAttemptMiddleware(seeing("attempt")))
		_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 7, Variables: map[string]any{"a": 1}})
		require.NoError(t, err)
		const saved = `map[] {"client_id":7,"variables":{"a":1}}`
		require.Equal(t, []string{
			"outer: save_variables idempotent client 7 attempt 0 " + saved,
			"inner: save_variables idempotent client 7 attempt 0 " + saved,
			"attempt: save_variables idempotent client 7 attempt 1 " + saved,
			"attempt: 503  busy false",
			"attempt: save_variables idempotent client 7 attempt 2 " + saved,
			`attempt: 200 a {"status":"success"} false`,
			`inner: 200 a {"status":"success"} false`,
			`outer: 200 a {"status":"success"} false`,
		}, events)
		events = nil
		_, err = client.GetVariables(t.Context(), 7)
		require.NoError(t, err)
		require.Equal(t, "outer: get_variables read client 7 attempt 0 map[client_id:[7]] ", events[0])
	})
}

// A middleware adds headers and parameters; what options refuse, it is refused.
func TestMiddlewaresAdd(t *testing.T) {
	t.Parallel()
	var arrived *http.Request
	transport := clienttest.RoundTripper(func(r *http.Request) (*http.Response, error) { arrived = r; return clienttest.Answer(200, "{}")(r) })
	client := clienttest.New(t, transport, salebot.WithHeader("X-A", "1"),
		salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			require.Equal(t, http.Header{"X-A": {"1"}}, r.Header())
			changed := r.WithHeader("x-b", "2").WithParameter("brand_new", true)
			require.Empty(t, r.Header().Get("X-B"), "the request itself does not change")
			require.Equal(t, "true", changed.Query().Get("brand_new"))
			return next(ctx, changed)
		}),
		salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return next(ctx, r.WithHeader("X-C", fmt.Sprint(r.Attempt())))
		}))
	_, err := client.GetVariables(t.Context(), 7)
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "1"}, []string{arrived.Header.Get("X-A"), arrived.Header.Get("X-B"), arrived.Header.Get("X-C")})
	require.Equal(t, "brand_new=true&client_id=7", arrived.URL.RawQuery)

	for name, c := range map[string]struct {
		change func(*salebot.Request) *salebot.Request
		field  string
	}{
		"idempotency key":       {func(r *salebot.Request) *salebot.Request { return r.WithHeader("Idempotency-Key", "1") }, "Header"},
		"key":                   {func(r *salebot.Request) *salebot.Request { return r.WithHeader("X-A", testkit.Key) }, "Header"},
		"parameter it has":      {func(r *salebot.Request) *salebot.Request { return r.WithParameter("client_id", 8) }, `WithParameter("client_id")`},
		"nil":                   {func(*salebot.Request) *salebot.Request { return nil }, "request"},
		"zero":                  {func(*salebot.Request) *salebot.Request { return &salebot.Request{} }, "request"},
		"wrong, and then right": {func(r *salebot.Request) *salebot.Request { return r.WithHeader("Host", "1").WithParameter("x", 1) }, "Header"},
	} {
		arrived = nil
		client := clienttest.New(t, transport, salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return next(ctx, c.change(r))
		}))
		_, err := client.GetVariables(t.Context(), 7)
		requireField(t, err, c.field)
		clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
		require.Nil(t, arrived, name)

		// An attempt refuses the same, and any parameter.
		client = clienttest.New(t, transport, salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			return next(ctx, c.change(r))
		}))
		_, err = client.GetVariables(t.Context(), 7)
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, name)
		require.Equal(t, 1, clienttest.RequireFailure(t, err, salebot.OutcomeNotSent).Attempts, "it would be refused again")
		require.Nil(t, arrived, name)
	}
	client = clienttest.New(t, transport, salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		return next(ctx, r.WithParameter("brand_new", true))
	}))
	_, err = client.GetVariables(t.Context(), 7)
	require.ErrorContains(t, err, "comes too late")
	require.Nil(t, arrived)
}

func TestMiddlewareOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, option := range []salebot.Option{salebot.WithMiddleware(nil), salebot.WithAttemptMiddleware(nil)} {
		_, err := salebot.New(testkit.Key, option)
		require.ErrorContains(t, err, "the middleware is nil")
	}
	calls := 0
	base := clienttest.New(t, clienttest.Answering(200, "ok"))
	variant, err := base.With(salebot.WithMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
		calls++
		return next(ctx, r)
	}))
	require.NoError(t, err)
	for _, client := range []*salebot.Client{base, variant} {
		_, err := clienttest.OnceCalls[0].Call(t.Context(), client)
		require.NoError(t, err)
	}
	require.Equal(t, 1, calls, "a variant has its own")
}

// The key is taken out of what a middleware around an attempt sees. What the client reads
// stays as it came: the key of an emulator may be part of a name.
func TestMiddlewaresLeaveTheAnswerWhole(t *testing.T) {
	t.Parallel()
	var seen string
	client, err := salebot.New("test", salebot.WithTransport(clienttest.Answering(200, `{"status":"success","latest_client_id":5}`)),
		salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
			response, err := next(ctx, r)
			seen = string(response.Body)
			return response, err
		}))
	require.NoError(t, err)
	id, err := client.GetLatestClientIDByVariable(t.Context(), "city", "Riga")
	require.NoError(t, err)
	require.Equal(t, salebot.ClientID(5), id)
	require.NotContains(t, seen, "test")
}

// A middleware may also change the answer in place, with the key in it or not.
func TestMiddlewaresChangeTheAnswerInPlace(t *testing.T) {
	t.Parallel()
	for _, note := range []string{"", "another-key-1"} {
		client, err := salebot.New("another-key-1", salebot.WithTransport(clienttest.Answering(200, `{"status":"success","latest_client_id":5,"note":"`+note+`"}`)),
			salebot.WithAttemptMiddleware(func(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
				response, err := next(ctx, r)
				copy(response.Body[bytes.IndexByte(response.Body, '5'):], "6")
				return response, err
			}))
		require.NoError(t, err)
		id, err := client.GetLatestClientIDByVariable(t.Context(), "city", "Riga")
		require.NoError(t, err)
		require.Equal(t, salebot.ClientID(6), id, note)
	}
}
