package contract_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// The errors of transports that were not written with a key in the URL in mind.
type (
	addressError struct{ Address string }
	hiddenError  struct{ address string }
	wrappedError struct {
		text  string
		inner error
	}
	pointerError struct{ Info *struct{ Address string } }
	requestError struct{ request *http.Request }
	bytesError   struct{ dump []byte }
	verboseError struct{ address string }
	loggedError  struct{ address string }
	emptyWrapper struct{ address string }
	severalError struct{ inner []error }
)

func (e addressError) Error() string  { return "cannot reach " + e.Address }
func (e *hiddenError) Error() string  { return "cannot reach it" }
func (e *wrappedError) Error() string { return e.text }
func (e *wrappedError) Unwrap() error { return e.inner }
func (e *pointerError) Error() string { return "cannot reach it" }
func (e *requestError) Error() string { return "cannot send it" }
func (e *bytesError) Error() string   { return "bad dump" }
func (e *verboseError) Error() string { return "cannot reach it" }
func (e *verboseError) Format(f fmt.State, verb rune) {
	_, _ = io.WriteString(f, "cannot reach it")
	if f.Flag('+') || verb == 'q' {
		_, _ = io.WriteString(f, ": "+e.address)
	}
}
func (e *loggedError) Error() string                { return "cannot reach it" }
func (e *loggedError) LogValue() slog.Value         { return slog.StringValue(e.address) }
func (e *loggedError) MarshalJSON() ([]byte, error) { return json.Marshal(e.address) }
func (e *severalError) Error() string               { return "several" }
func (e *severalError) Unwrap() []error             { return e.inner }
func (e emptyWrapper) Error() string                { return e.address }
func (e emptyWrapper) Unwrap() error                { return nil }

// leakyErrors are what such transports return for a request.
var leakyErrors = map[string]func(*http.Request) error{
	"text":          func(r *http.Request) error { return errors.New("dial " + r.URL.String()) },
	"escaped":       func(r *http.Request) error { return errors.New(url.QueryEscape(r.URL.String())) },
	"lower escapes": func(r *http.Request) error { return errors.New(strings.ToLower(url.QueryEscape(r.URL.String()))) },
	"quoted":        func(r *http.Request) error { return fmt.Errorf("dial %q", r.URL.String()) },
	"base64": func(r *http.Request) error {
		return errors.New(base64.StdEncoding.EncodeToString([]byte(r.URL.String())))
	},
	"base64 shifted": func(r *http.Request) error {
		return errors.New(base64.URLEncoding.EncodeToString([]byte("x" + r.URL.Path)))
	},
	"exported field": func(r *http.Request) error { return addressError{r.URL.String()} },
	"hidden field":   func(r *http.Request) error { return &hiddenError{r.URL.String()} },
	"pointer": func(r *http.Request) error {
		return &pointerError{&struct{ Address string }{r.URL.String()}}
	},
	"request":      func(r *http.Request) error { return &requestError{r} },
	"bytes":        func(r *http.Request) error { return &bytesError{[]byte(r.URL.String())} },
	"own format":   func(r *http.Request) error { return &verboseError{r.URL.String()} },
	"own encoding": func(r *http.Request) error { return &loggedError{r.URL.String()} },
	"url.Error": func(r *http.Request) error {
		return &url.Error{Op: "Post", URL: r.URL.String(), Err: io.ErrClosedPipe}
	},
	"url.Errors": func(r *http.Request) error {
		return &url.Error{Op: "Post", URL: r.URL.String(), Err: &url.Error{Op: "Get", URL: r.URL.String(), Err: io.ErrClosedPipe}}
	},
	"url.Error with nothing in it": func(r *http.Request) error { return &url.Error{Op: "Post", URL: r.URL.String()} },
	"deep url.Error": func(r *http.Request) error {
		return fmt.Errorf("proxy: %w", &wrappedError{"tunnel", &url.Error{Op: "Post", URL: r.URL.String(), Err: io.ErrClosedPipe}})
	},
	"hidden below": func(r *http.Request) error { return &wrappedError{"tunnel", &hiddenError{r.URL.String()}} },
	"joined": func(r *http.Request) error {
		return errors.Join(io.ErrClosedPipe, errors.New(r.URL.String()), fmt.Errorf("%w and %w", addressError{r.URL.Path}, io.EOF))
	},
	"joined, one hidden": func(r *http.Request) error {
		return errors.Join(io.ErrClosedPipe, io.ErrNoProgress, &hiddenError{r.URL.String()})
	},
	"several, of which one": func(r *http.Request) error {
		return &severalError{[]error{io.ErrClosedPipe, &wrappedError{"tunnel", errors.New(r.URL.String())}}}
	},
	"wrapper of nothing": func(r *http.Request) error { return emptyWrapper{r.URL.String()} },
	"parse error":        func(r *http.Request) error { _, err := url.Parse(r.URL.String() + "%zz"); return err },
}

func TestCanaryInErrorsOfTransports(t *testing.T) {
	t.Parallel()
	for name, failure := range leakyErrors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range []clienttest.Scenario{clienttest.OnceCalls[0], clienttest.OnceCalls[1], clienttest.RepeatableCalls[0], clienttest.RepeatableCalls[1]} {
				mock := httpmock.NewMockTransport()
				var sent error
				mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
					sent = failure(r)
					require.NotEmpty(t, testkit.FindKey(fmt.Sprintf("%#v %+q", sent, sent))+name, "the error holds the key")
					return nil, sent
				})
				observed := &observer{}
				client := clienttest.New(t, mock, observed.options(salebot.WithoutRetries())...)
				_, err := s.Call(t.Context(), client)
				clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
				clienttest.RequireHiddenError(t, err)
				observed.requireHidden(t)
				var transport *salebot.TransportError
				require.ErrorAs(t, err, &transport)
				if errors.Is(sent, io.ErrClosedPipe) {
					require.ErrorIs(t, err, io.ErrClosedPipe, "what is clean is still found")
				}
			}
		})
	}
}

// observer gathers what hooks and logs get to see.
type observer struct {
	mu       sync.Mutex
	attempts []salebot.Attempt
	calls    []salebot.Call
	// passed is what middlewares were given, with the errors of next.
	passed []any
	failed []error
	dumped bytes.Buffer
	logged bytes.Buffer
}

func (o *observer) options(more ...salebot.Option) []salebot.Option {
	return append([]salebot.Option{
		salebot.WithHook(salebot.Hook{
			Before:     func(ctx context.Context, a salebot.Attempt) context.Context { o.note(a); return ctx },
			After:      func(_ context.Context, a salebot.Attempt) { o.note(a) },
			BeforeCall: func(ctx context.Context, c salebot.Call) context.Context { o.noteCall(c); return ctx },
			AfterCall:  func(_ context.Context, c salebot.Call) { o.noteCall(c) },
		}),
		salebot.WithMiddleware(o.pass),
		salebot.WithAttemptMiddleware(o.pass),
		salebot.WithDump(&o.dumped),
		salebot.WithLogger(slog.New(slog.NewJSONHandler(o, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))),
	}, more...)
}

func (o *observer) note(a salebot.Attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts = append(o.attempts, a)
}

// pass is a middleware that notes all that it is given.
func (o *observer) pass(ctx context.Context, r *salebot.Request, next salebot.Next) (*salebot.Response, error) {
	response, err := next(ctx, r)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.passed = append(o.passed, *r, r.Query(), r.Header(), string(r.Body()))
	if response != nil {
		o.passed = append(o.passed, *response, string(response.Body))
	}
	if err != nil {
		o.failed = append(o.failed, err)
	}
	return response, err
}

func (o *observer) noteCall(c salebot.Call) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls = append(o.calls, c)
}

func (o *observer) Write(line []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.logged.Write(line)
}

func (o *observer) requireHidden(t *testing.T) {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	require.NotEmpty(t, o.attempts)
	require.NotZero(t, o.logged.Len())
	for _, a := range o.attempts {
		clienttest.RequireHidden(t, a)
		if a.Err != nil {
			clienttest.RequireHiddenError(t, a.Err)
		}
	}
	require.NotEmpty(t, o.passed)
	require.NotZero(t, o.dumped.Len())
	for _, value := range o.passed {
		clienttest.RequireHidden(t, value)
	}
	for _, err := range o.failed {
		clienttest.RequireHiddenError(t, err)
	}
	clienttest.RequireClean(t, "dump", o.dumped.String())
	require.NotEmpty(t, o.calls)
	for _, c := range o.calls {
		clienttest.RequireHidden(t, c)
		if c.Err != nil {
			clienttest.RequireHiddenError(t, c.Err)
		}
	}
	clienttest.RequireClean(t, "log", o.logged.String())
}

// Servers and gateways quote the address in what they answer.
func TestCanaryInAnswers(t *testing.T) {
	t.Parallel()
	message := clienttest.Address("message")
	pad := func(n int, text string) string { return strings.Repeat("x", n) + text }
	for name, body := range map[string]string{
		"text":         "no route for " + message,
		"code":         testkit.Key,
		"page":         "<html><a href='" + message + "'>again</a></html>",
		"escaped page": "<html><a href='/login?next=" + url.QueryEscape(message) + "'>again</a></html>",
		"HTML":         "<html>" + strings.ReplaceAll(message, "+", "&#43;") + "</html>",
		"status":       `{"status":"` + testkit.Key + `"}`,
		"message":      `{"status":"error","message":"` + message + `"}`,
		"JSON escapes": `{"status":"error","message":"` + strings.ReplaceAll(message, "+", `\u002b`) + `"}`,
		"error":        `{"error":"` + message + `"}`,
		"error object": `{"error":{"code":"` + message + `","message":"` + message + `"}}`,
		"truncated":    `{"status":"success","path":"` + message,
		"cut message":  `{"status":"error","message":"` + pad(285, message) + `"}`,
		"cut code":     `{"status":"` + pad(285, testkit.Key) + `"}`,
		"cut text":     pad(285, " "+message),
		"cut snapshot": `{"x":"` + pad(4<<10-15, testkit.Key),
		"base64":       `{"status":"error","trace":"` + base64.StdEncoding.EncodeToString([]byte(message)) + `"}`,
		"value":        `{"status":"success","result":[{"id":"` + testkit.Key + `"}]}`,
		"flag":         `{"status":"success","result":[{"id":1,"delivered":"/api/` + testkit.Key + `"}]}`,
		"list":         `["` + testkit.Key + `"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{200, 302, 404, 500} {
				for _, s := range []clienttest.Scenario{clienttest.OnceCalls[0], clienttest.Scenarios["get_history"][0], clienttest.Scenarios["connected_channels"][0]} {
					mock := clienttest.Answering(status, body, "Location: "+message, "Content-Type: text/html; path="+testkit.Key, "Retry-After: "+testkit.Key, "X-Path: "+message)
					observed := &observer{}
					var raw salebot.Response
					client := clienttest.New(t, mock, observed.options(salebot.WithoutRetries())...)
					_, err := s.Call(t.Context(), client, salebot.WithResponse(&raw))
					observed.requireHidden(t)
					clienttest.RequireClean(t, "headers", fmt.Sprint(raw.Header))
					if err != nil {
						clienttest.RequireHiddenError(t, err)
					}
				}
			}
		})
	}
}

// What is cut is cut behind the key or before it, not within.
func TestCanaryInLargeAnswers(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"at the cut":       `{"status":"error","x":"` + strings.Repeat("x", 64<<10-35) + testkit.Key + `"}`,
		"at twice the cut": strings.Repeat("x", 128<<10-12) + testkit.Key,
		"many keys":        `{"status":"error","x":"` + strings.Repeat(testkit.Key, 8000) + `"}`,
		"in base64":        base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", 48<<10-12) + testkit.Key)),
	} {
		err := clienttest.Fail(t, 400, body)
		var refusal *salebot.APIError
		require.ErrorAs(t, err, &refusal)
		clienttest.RequireClean(t, name, string(refusal.Body)+"\n"+err.Error())
		var unreadable *salebot.DecodeError
		require.ErrorAs(t, clienttest.Fail(t, 200, "{"+body), &unreadable)
		clienttest.RequireClean(t, name, string(unreadable.Snapshot))
	}
}

// Every error of the matrix of faults, with the calls' own hooks and logs.
func TestCanaryInFaults(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range []clienttest.Scenario{clienttest.OnceCalls[1], clienttest.RepeatableCalls[1]} {
				testkit.Bubble(t, func(t *testing.T) {
					observed := &observer{}
					client := clienttest.New(t, f.peer().Transport(), observed.options(f.options...)...)
					ctx, cancel := context.WithTimeout(t.Context(), max(f.limit, dialTimeout))
					defer cancel()
					_, err := s.Call(ctx, client)
					require.Error(t, err)
					clienttest.RequireHiddenError(t, err)
					observed.requireHidden(t)
					clienttest.RequireHidden(t, client)
					time.Sleep(2 * dialTimeout)
				})
			}
		})
	}
}

// httpmock helps with suggestions when nothing fits, and quotes the address.
func TestCanaryInSuggestionsOfHTTPMock(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(*httpmock.MockTransport){
		"nothing": func(*httpmock.MockTransport) {},
		"other method": func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodGet, clienttest.Address("message"), clienttest.Answer(200, "ok"))
		},
		"trailing slash": func(m *httpmock.MockTransport) {
			m.RegisterResponder(http.MethodPost, clienttest.Address("message")+"/", clienttest.Answer(200, "ok"))
		},
		"refusal":   func(m *httpmock.MockTransport) { m.RegisterNoResponder(httpmock.ConnectionFailure) },
		"not found": func(m *httpmock.MockTransport) { m.RegisterNoResponder(httpmock.NewNotFoundResponder(nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mock := httpmock.NewMockTransport()
			register(mock)
			_, err := clienttest.OnceCalls[0].Call(t.Context(), clienttest.New(t, mock))
			clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
			clienttest.RequireHiddenError(t, err)
			require.Equal(t, name != "not found", errors.Is(err, httpmock.NoResponderFound), "it is still recognized")
		})
	}
}

// No redirect is followed, so that no other host gets the key, not even as the
// Referer, and no POST becomes a GET.
func TestCanaryInRedirects(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s arrived at another host, referred to as %q", r.Method, strings.ReplaceAll(r.Referer(), testkit.Key, "KEY"))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		arrived := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived++
			if r.Referer() != "" {
				t.Error("a Referer")
			}
			w.Header().Set("Location", other.URL+r.URL.Path)
			w.WriteHeader(status)
		}))
		user := server.Client()
		user.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		for name, option := range map[string]salebot.Option{
			"own": salebot.WithoutRetries(), "client": salebot.WithHTTPClient(user), "transport": salebot.WithTransport(server.Client().Transport),
		} {
			arrived = 0
			client, err := salebot.New(testkit.Key, salebot.WithBaseURL(server.URL), option)
			require.NoError(t, err)
			for _, s := range []clienttest.Scenario{clienttest.OnceCalls[0], clienttest.OnceCalls[1], clienttest.RepeatableCalls[1]} {
				_, err := s.Call(t.Context(), client)
				clienttest.RequireOutcome(t, err, salebot.OutcomeUnknown)
				require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, name)
				require.ErrorContains(t, err, "redirect")
				clienttest.RequireHiddenError(t, err)
			}
			require.Equal(t, 3, arrived)
			client.CloseIdleConnections()
		}
		server.Close()
	}
}

// A client is opaque, before a call, after one, and while its connections are
// open: what they have sent is still in their buffers.
func TestCanaryInClient(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	mock := httpmock.NewMockTransport()
	mock.RegisterResponder(http.MethodPost, server.URL+"/api/"+testkit.EscapedKey+"/message", clienttest.Answer(200, "ok"))
	for name, option := range map[string]salebot.Option{
		"own transport": salebot.WithoutRetries(),
		"transport":     salebot.WithTransport(&http.Transport{}),
		"http.Client":   salebot.WithHTTPClient(&http.Client{Transport: &http.Transport{}, Jar: jar}),
		"mock":          salebot.WithTransport(mock),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := salebot.New(testkit.Key, salebot.WithBaseURL(server.URL), option)
			require.NoError(t, err)
			defer client.CloseIdleConnections()
			requireHiddenClient(t, client)
			_, err = clienttest.OnceCalls[0].Call(t.Context(), client)
			require.NoError(t, err)
			requireHiddenClient(t, client)
			variant, err := client.With(salebot.WithBaseURL(salebot.InternationalBaseURL), salebot.WithTimeout(time.Minute))
			require.NoError(t, err)
			requireHiddenClient(t, variant)
		})
	}
}

func requireHiddenClient(t *testing.T, client *salebot.Client) {
	t.Helper()
	clienttest.RequireHidden(t, client)
	clienttest.RequireHidden(t, *client)
	clienttest.RequireHidden(t, struct{ C *salebot.Client }{client})
	clienttest.RequireHidden(t, struct{ c salebot.Client }{*client})
	clienttest.RequireHidden(t, map[string]any{"client": client})
	everything := cmp.Exporter(func(reflect.Type) bool { return true })
	clienttest.RequireClean(t, "cmp", cmp.Diff(client, &salebot.Client{}, everything))
	requireUnreachable(t, client)
	require.Contains(t, fmt.Sprint(client), "{api_key}")
}

// requireUnreachable walks through everything that reflection can reach.
func requireUnreachable(t *testing.T, value any) {
	t.Helper()
	type place struct {
		pointer uintptr
		kind    reflect.Type
	}
	seen := map[place]bool{}
	nodes := 0
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		nodes++
		switch v.Kind() {
		case reflect.String:
			clienttest.RequireClean(t, path, v.String())
		case reflect.Interface:
			walk(path, v.Elem())
		case reflect.Pointer:
			if here := (place{v.Pointer(), v.Type()}); !v.IsNil() && !seen[here] {
				seen[here] = true
				walk(path, v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
				clienttest.RequireClean(t, path, string(v.Slice(0, v.Cap()).Bytes()))
				return
			}
			for i := range v.Len() {
				walk(path+"[]", v.Index(i))
			}
		case reflect.Map:
			for entries := v.MapRange(); entries.Next(); {
				walk(path+"[key]", entries.Key())
				walk(path+"[]", entries.Value())
			}
		}
	}
	walk("", reflect.ValueOf(value))
	require.Greater(t, nodes, 10, "something was walked through")
}

// The universal webhook's address is the key's only way out, when it is asked.
func TestCanaryInWebhookURL(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, httpmock.NewMockTransport())
	address, err := client.UniversalWebhookURL(salebot.UniversalWebhook{Action: "callback", PhoneKey: "phone"})
	require.NoError(t, err)
	require.NotEmpty(t, testkit.FindKey(address.Reveal()))
	for _, value := range []any{
		address, &address,
		[]salebot.WebhookURL{address},
		struct{ U salebot.WebhookURL }{address},
		struct{ u salebot.WebhookURL }{address},
		map[string]salebot.WebhookURL{"u": address},
	} {
		clienttest.RequireHidden(t, value)
		requireUnreachable(t, []any{value, "", "", "", "", "", "", "", ""})
	}
	require.Equal(t, "REDACTED", address.String())
	require.Equal(t, "REDACTED", fmt.Sprintf("%d", address))
	text, err := json.Marshal(address)
	require.NoError(t, err)
	require.Equal(t, `"REDACTED"`, string(text))
	require.Empty(t, salebot.WebhookURL{}.Reveal())
}

// What New and With complain about holds the key as well.
func TestCanaryInOptions(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		testkit.Key + " ", testkit.Key + "/", "{" + testkit.Key + "}", "#{" + testkit.Key + "}", testkit.Key + "\n", testkit.Key + "?x",
		"https://chatter.salebot.pro/api/" + testkit.Key, testkit.Key + "ключ", testkit.Key + "%zz",
	} {
		_, err := salebot.New(key)
		require.Error(t, err)
		clienttest.RequireHiddenError(t, err)
	}
	for _, base := range []string{
		salebot.DefaultBaseURL + "/" + testkit.Key + "/", "https://h.example/" + testkit.EscapedKey, "https://h.example/%zz" + testkit.Key, "ftp://h.example/" + testkit.Key,
		"https://" + testkit.Key + "@h.example/", "https://h.example/?key=" + testkit.Key, "https://h.example/#" + testkit.Key, "http://h.example/" + testkit.Key,
		"https://h.example/" + testkit.Key + "/{x}", "https://h.example/ " + testkit.Key, "://" + testkit.Key,
	} {
		_, err := salebot.New(testkit.Key, salebot.WithBaseURL(base))
		require.Error(t, err, "the base URL must not hold the key")
		clienttest.RequireHiddenError(t, err)
		client := clienttest.New(t, httpmock.NewMockTransport())
		_, err = client.With(salebot.WithBaseURL(base))
		require.Error(t, err, "the base URL must not hold the key")
		clienttest.RequireHiddenError(t, err)
	}
	for _, option := range []salebot.Option{
		salebot.WithBaseURL(clienttest.Address("message")), salebot.WithUserAgent(testkit.Key), salebot.WithTransport(http.DefaultTransport),
	} {
		clienttest.RequireClean(t, "an option", fmt.Sprintf("%v %+v %#v", option, option, option))
	}
}

// A panic in what the user brought along passes through unchanged.
func TestCanaryInPanics(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport http.RoundTripper
		options   []salebot.Option
	}{
		"transport": {panicking("boom"), nil},
		"before":    {clienttest.Answering(200, "ok"), []salebot.Option{salebot.WithHook(salebot.Hook{Before: func(context.Context, salebot.Attempt) context.Context { panic("boom") }})}},
		"after":     {clienttest.Answering(200, "ok"), []salebot.Option{salebot.WithHook(salebot.Hook{After: func(context.Context, salebot.Attempt) { panic("boom") }})}},
		"limiter":   {clienttest.Answering(200, "ok"), []salebot.Option{salebot.WithLimiter(clienttest.LimiterFunc(func(context.Context) error { panic("boom") }))}},
	} {
		client := clienttest.New(t, c.transport, c.options...)
		for range 2 {
			require.PanicsWithValue(t, "boom", func() { _, _ = clienttest.OnceCalls[0].Call(t.Context(), client) }, name)
		}
		requireHiddenClient(t, client)
	}
}

type panicking string

func (p panicking) RoundTrip(*http.Request) (*http.Response, error) { panic(string(p)) }

// crash is the environment variable that makes the test binary crash in a call.
const crash = "SALEBOT_TEST_CRASH"

// The trace of a program that crashes during a call does not show the key.
func TestCanaryInCrashes(t *testing.T) {
	t.Parallel()
	if os.Getenv(crash) != "" {
		client := clienttest.New(t, panicking("boom"))
		_, _ = clienttest.OnceCalls[0].Call(t.Context(), client)
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCanaryInCrashes$")
	command.Env = append(os.Environ(), crash+"=1", "GOTRACEBACK=all")
	out, err := command.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "panic: boom")
	clienttest.RequireClean(t, "crash", string(out))
}

// What a caller wrote into a request is hidden from middlewares and dumps too, if it has
// the key in it; so are loggers that dump.
func TestCanaryInRequests(t *testing.T) {
	t.Parallel()
	address := clienttest.Address("message")
	for name, s := range map[string]clienttest.Scenario{
		"text":      clienttest.Taking("", salebot.MessageRequest{ClientID: 1, Message: "call " + address}, (*salebot.Client).Message),
		"variable":  clienttest.Taking("", salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{testkit.Key: address}}, (*salebot.Client).SaveVariables),
		"parameter": clienttest.Taking("", testkit.Key, (*salebot.Client).GetClientIDByEmail),
		"name":      clienttest.Taking("", salebot.DoRequest{Action: "new", Method: http.MethodGet, Query: url.Values{testkit.Key: {address}}}, (*salebot.Client).Do),
	} {
		observed := &observer{}
		client := clienttest.New(t, clienttest.Answering(200, address), observed.options(salebot.WithoutRetries())...)
		_, _ = s.Call(t.Context(), client, salebot.WithParameter("added", address))
		observed.requireHidden(t)
		var out bytes.Buffer
		client, err := client.With(salebot.WithDumpLogger(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		require.NoError(t, err)
		_, _ = s.Call(t.Context(), client)
		require.NotZero(t, out.Len())
		clienttest.RequireClean(t, name, out.String())
	}
}
