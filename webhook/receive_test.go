package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/webhook"
)

// endless is a body without end. It counts what is read of it.
type endless struct {
	of   byte
	read int
}

func (e *endless) Read(buffer []byte) (int, error) {
	for i := range buffer {
		buffer[i] = e.of
	}
	e.read += len(buffer)
	return len(buffer), nil
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	right := "/hook/" + secret
	for name, test := range map[string]struct {
		method, target, body string
		status               int
		text                 string
		err                  error
	}{
		"right":                  {"POST", right, message(1, 1, "hi"), 200, "{\"ok\":true}\n", nil},
		"not wanted":             {"POST", right, `{"is_input":0,"message_id":7}`, 200, "{\"ok\":true}\n", nil},
		"slash at the end":       {"POST", right + "/", message(1, 1, "hi"), 200, "{\"ok\":true}\n", nil},
		"wrong secret":           {"POST", "/hook/correct-horse-batterx", message(1, 1, "hi"), 403, "forbidden\n", webhook.ErrSecret},
		"missing secret":         {"POST", "/", message(1, 1, "hi"), 403, "forbidden\n", webhook.ErrSecret},
		"secret too early":       {"POST", "/" + secret + "/hook", message(1, 1, "hi"), 403, "forbidden\n", webhook.ErrSecret},
		"secret in the query":    {"POST", "/?secret=" + secret, message(1, 1, "hi"), 403, "forbidden\n", webhook.ErrSecret},
		"wrong method":           {"PUT", right, message(1, 1, "hi"), 405, "method not allowed\n", webhook.ErrMethod},
		"delete":                 {"DELETE", right, "", 405, "method not allowed\n", webhook.ErrMethod},
		"over the cap":           {"POST", right, strings.Repeat(" ", webhook.DefaultMaxBodySize+1), 413, "body too large\n", webhook.ErrBodyTooLarge},
		"at the cap":             {"POST", right, message(1, 1, "hi") + strings.Repeat(" ", webhook.DefaultMaxBodySize-len(message(1, 1, "hi"))), 200, "{\"ok\":true}\n", nil},
		"a megabyte of spaces":   {"POST", right, strings.Repeat(" ", 1_000_000), 400, "empty body\n", webhook.ErrEmptyBody},
		"empty":                  {"POST", right, "", 400, "empty body\n", webhook.ErrEmptyBody},
		"10 000 nested brackets": {"POST", right, `{"is_input":` + strings.Repeat("[", 10_000), 400, "body nested too deeply\n", webhook.ErrTooDeep},
		"nested and closed":      {"POST", right, `{"is_input":1,"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, 400, "body nested too deeply\n", webhook.ErrTooDeep},
		"nested objects":         {"POST", right, strings.Repeat(`{"data":`, 10_000), 400, "body nested too deeply\n", webhook.ErrTooDeep},
		"malformed":              {"POST", right, `{"is_input":1`, 400, "malformed body\n", webhook.ErrMalformed},
		"flat":                   {"POST", right, `{"client_id":1}`, 422, "not a body of the project webhook\n", webhook.ErrNotProjectWebhook},
		"get":                    {"GET", "/", "", 200, "{\"ok\":true}\n", nil},
		"head":                   {"HEAD", "/", "", 200, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log logger
			var attempt webhook.Step
			handler := newHandler(t, ignore, webhook.WithSecretInPath(secret), webhook.WithLogger(log.slog()), webhook.WithHook(webhook.Hook{
				After: func(_ context.Context, a webhook.Step) {
					if a.Kind != webhook.StepHandle {
						attempt = a
					}
				},
			}))
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(test.method, test.target, strings.NewReader(test.body)))
			if recorder.Code != test.status || recorder.Body.String() != test.text {
				t.Errorf("%d %q, want %d %q", recorder.Code, recorder.Body, test.status, test.text)
			}
			if attempt.Status != test.status || !errors.Is(attempt.Err, test.err) {
				t.Errorf("the hook saw %d, %v; want %d, %v", attempt.Status, attempt.Err, test.status, test.err)
			}
			if refused := attempt.Result == webhook.ResultRefused; refused != (test.status != 200) {
				t.Errorf("the hook saw the result %v", attempt.Result)
			}
			if strings.Contains(log.String(), secret[:12]) || strings.Contains(log.String(), "is_input") {
				t.Errorf("the log holds a secret or a body: %s", log.String())
			}
			if refused := strings.Contains(log.String(), "refused"); refused != (test.status != 200) {
				t.Errorf("log: %s", log.String())
			}
			if allow := recorder.Header().Get("Allow"); (allow != "") != (test.status == 405) {
				t.Errorf("Allow: %q", allow)
			}
		})
	}
}

// TestNothingIsReadForStrangers checks that refusals cost nothing, and that a body
// without end is left where the cap is.
func TestNothingIsReadForStrangers(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, ignore, webhook.WithSecretInPath(secret))
	for target, most := range map[string]int{"/wrong": 0, "/" + secret: webhook.DefaultMaxBodySize + 1<<19} {
		body := &endless{of: ' '}
		request := httptest.NewRequest(http.MethodPost, target, body)
		request.ContentLength = -1
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if body.read > most {
			t.Errorf("%s: %d bytes were read, want at most %d", target, body.read, most)
		}
		if recorder.Code == http.StatusOK {
			t.Errorf("%s: accepted", target)
		}
		announced := httptest.NewRequest(http.MethodPost, "/"+secret, body)
		announced.ContentLength = webhook.DefaultMaxBodySize + 1
		body.read = 0
		recorder = httptest.NewRecorder()
		handler.ServeHTTP(recorder, announced)
		if body.read != 0 || recorder.Code != http.StatusRequestEntityTooLarge {
			t.Errorf("an announced size: status %d after %d bytes", recorder.Code, body.read)
		}
	}
}

func TestSlowSender(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		handler := newHandler(t, ignore, webhook.WithSecretInPath(secret))
		network := serve(t, handler)
		connection, err := network.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = connection.Close() }()
		start := time.Now()
		body := message(1, 1, "hi")
		if _, err := fmt.Fprintf(connection, "POST /%s HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", secret, len(body), body[:10]); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusRequestTimeout || !response.Close {
			t.Errorf("status %d, close %v; want 408 and close", response.StatusCode, response.Close)
		}
		if waited := time.Since(start); waited != webhook.DefaultReadTimeout {
			t.Errorf("answered after %v, want %v", waited, webhook.DefaultReadTimeout)
		}
		// The server lets the answer arrive before it closes the connection.
		<-time.After(time.Minute)
	})
}

// TestSlowInbox checks that the deadline for the body is not one for the answer, and
// that an inbox which does not answer is not waited for without end.
func TestSlowInbox(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		inbox := &stubInbox{put: func(ctx context.Context, _ webhook.Entry) error {
			select {
			case <-time.After(20 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}}
		for timeout, want := range map[time.Duration]int{time.Minute: http.StatusOK, 5 * time.Second: http.StatusServiceUnavailable} {
			handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithPutTimeout(timeout))
			network := serve(t, handler)
			connection, err := network.dial()
			if err != nil {
				t.Fatal(err)
			}
			reader := bufio.NewReader(connection)
			for range 2 {
				body := message(1, 1, "hi")
				if _, err := fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
					t.Fatal(err)
				}
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("put timeout %v: status %d, want %d", timeout, response.StatusCode, want)
				}
			}
			_ = connection.Close()
		}
	})
}

// TestSenderHangsUp checks that an event is kept whose sender does not wait for the
// answer: it may never be sent again.
func TestSenderHangsUp(t *testing.T) {
	t.Parallel()
	var kept error
	inbox := &stubInbox{put: func(ctx context.Context, _ webhook.Entry) error {
		kept = ctx.Err()
		return kept
	}}
	handler := newHandler(t, ignore, webhook.WithoutSecret(), webhook.WithInbox(inbox))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(message(1, 1, "hi"))).WithContext(ctx))
	if kept != nil || recorder.Code != http.StatusOK {
		t.Errorf("the inbox was told %v; status %d", kept, recorder.Code)
	}
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, ignore, webhook.WithoutSecret())
	body := io.MultiReader(strings.NewReader(`{"is_input":1`), failingReader{})
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", body))
	if recorder.Code != http.StatusBadRequest || recorder.Body.String() != "body not received\n" {
		t.Errorf("%d %q", recorder.Code, recorder.Body)
	}
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestSecrets(t *testing.T) {
	t.Parallel()
	request := func(target string, header http.Header) *http.Request {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(message(1, 1, "hi")))
		if header != nil {
			r.Header = header
		}
		return r
	}
	handler := newHandler(t, ignore,
		webhook.WithSecretInPath("path-secret-1", "path-secret-2"), webhook.WithSecretInQuery("Key", "query-secret"), webhook.WithSecretInHeader("x-hook-secret", "header-secret"))
	for name, test := range map[string]struct {
		request *http.Request
		right   bool
	}{
		"path, the old one":     {request("/a/path-secret-1", nil), true},
		"path, the new one":     {request("/path-secret-2?x=1", nil), true},
		"path, escaped":         {request("/path%2Dsecret-2", nil), true},
		"query":                 {request("/?a=1&Key=query-secret", nil), true},
		"header":                {request("/", http.Header{"X-Hook-Secret": {"header-secret"}}), true},
		"header in lower case":  {request("/", http.Header{"x-hook-secret": {"header-secret"}}), false},
		"query, another name":   {request("/?key=query-secret", nil), false},
		"query, second value":   {request("/?Key=x&Key=query-secret", nil), false},
		"in the wrong place":    {request("/query-secret?Key=path-secret-1", http.Header{"X-Hook-Secret": {"path-secret-1"}}), false},
		"beginning of a secret": {request("/path-secret-", nil), false},
		"more than a secret":    {request("/path-secret-11", nil), false},
		"another case":          {request("/PATH-SECRET-1", nil), false},
		"nothing":               {request("/?Key=", http.Header{"X-Hook-Secret": {""}}), false},
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, test.request)
		if right := recorder.Code == http.StatusOK; right != test.right {
			t.Errorf("%s: status %d", name, recorder.Code)
		}
	}
	// Nothing works any more on what is printed.
	shutdown(t, handler)
	if printed := fmt.Sprintf("%v %+v %#v", handler, handler, handler); strings.Contains(printed, "path-secret") {
		t.Error("the printed handler holds a secret")
	}
}

func lastSegment(path string) string {
	segments := strings.Split(strings.TrimSuffix(strings.TrimRight("/"+path, " "), "/"), "/")
	return segments[len(segments)-1]
}

// FuzzSecret checks that a request is accepted where and only where what was sent is
// the secret, perhaps with space around it.
func FuzzSecret(f *testing.F) {
	for _, sent := range []string{"", secret, secret + "x", secret[1:], "%2e%2e", "a/b", "é", "\x00", secret + "/", "?" + secret, secret + " ", " " + secret + "\t", secret + " /"} {
		f.Add(sent)
	}
	handler := newHandler(f, ignore, webhook.WithSecretInPath(secret), webhook.WithSecretInQuery("key", secret), webhook.WithSecretInHeader("X-Key", secret))
	f.Fuzz(func(t *testing.T, sent string) {
		status := func(change func(*http.Request)) int {
			request := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(`{"is_input":0}`))
			change(request)
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			return recorder.Code
		}
		for place, test := range map[string]struct {
			change func(*http.Request)
			right  bool
		}{
			"query":  {func(r *http.Request) { r.URL.RawQuery = "key=" + queryEscape(sent) }, strings.TrimSpace(sent) == secret},
			"header": {func(r *http.Request) { r.Header["X-Key"] = []string{sent} }, strings.TrimSpace(sent) == secret},
			"path":   {func(r *http.Request) { r.URL.Path = "/" + sent }, strings.TrimSpace(lastSegment(sent)) == secret},
		} {
			want := http.StatusForbidden
			if test.right {
				want = http.StatusOK
			}
			if got := status(test.change); got != want {
				t.Fatalf("%q in the %s: status %d, want %d", sent, place, got, want)
			}
		}
	})
}

func queryEscape(text string) string {
	var escaped strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&escaped, "%%%02X", text[i])
	}
	return escaped.String()
}

func TestAllowedAddresses(t *testing.T) {
	t.Parallel()
	networks := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("::ffff:198.51.100.0/120")}
	for name, test := range map[string]struct {
		proxies   int
		remote    string
		forwarded []string
		allowed   bool
	}{
		"direct":                          {0, "192.0.2.7:1234", nil, true},
		"direct IPv6":                     {0, "[2001:db8::1]:1234", nil, true},
		"direct, IPv4 as IPv6":            {0, "[::ffff:192.0.2.7]:1234", nil, true},
		"network given as IPv6":           {0, "198.51.100.9:1", nil, true},
		"direct stranger":                 {0, "203.0.113.1:1234", nil, false},
		"direct, header is of no account": {0, "203.0.113.1:1234", []string{"192.0.2.7"}, false},
		"one proxy":                       {1, "10.0.0.1:1", []string{"192.0.2.7"}, true},
		"one proxy, written by sender":    {1, "10.0.0.1:1", []string{"192.0.2.7, 203.0.113.1"}, false},
		"one proxy, longer list":          {1, "10.0.0.1:1", []string{"203.0.113.1, 192.0.2.7"}, true},
		"two proxies":                     {2, "10.0.0.1:1", []string{"192.0.2.7, 10.0.0.2"}, true},
		"two proxies in two lines":        {2, "10.0.0.1:1", []string{"192.0.2.7", "10.0.0.2"}, true},
		"two proxies, one hop only":       {2, "10.0.0.1:1", []string{"192.0.2.7"}, false},
		"with port":                       {1, "10.0.0.1:1", []string{"192.0.2.7:5555"}, true},
		"IPv6 in brackets":                {1, "10.0.0.1:1", []string{"[2001:db8::2]:80"}, true},
		"no header":                       {1, "192.0.2.7:1", nil, false},
		"rubbish":                         {1, "192.0.2.7:1", []string{"unknown"}, false},
		"nothing":                         {0, "", nil, false},
	} {
		handler := newHandler(t, ignore, webhook.WithSecretInPath(secret), webhook.WithAllowedAddresses(test.proxies, networks...))
		request := httptest.NewRequest(http.MethodPost, "/"+secret, strings.NewReader(message(1, 1, "hi")))
		request.RemoteAddr = test.remote
		if test.forwarded != nil {
			request.Header["X-Forwarded-For"] = test.forwarded
		}
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if allowed := recorder.Code == http.StatusOK; allowed != test.allowed {
			t.Errorf("%s: status %d", name, recorder.Code)
		}
		if !test.allowed && recorder.Body.String() != "forbidden\n" {
			t.Errorf("%s: %q", name, recorder.Body)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	anyone := webhook.WithoutSecret()
	// What is wrong is told even if there is a secret besides.
	another := webhook.WithSecretInHeader("X-Secret", secret)
	for name, options := range map[string][]webhook.Option{
		"nothing keeps strangers out":       nil,
		"a network is not a secret":         {webhook.WithAllowedAddresses(0, netip.MustParsePrefix("192.0.2.0/24"))},
		"secret and none":                   {anyone, webhook.WithSecretInPath(secret)},
		"short secret":                      {another, webhook.WithSecretInPath("short")},
		"empty secret":                      {webhook.WithSecretInPath(secret, "")},
		"secret with space":                 {webhook.WithSecretInQuery("key", secret+"\n")},
		"secret with slash":                 {another, webhook.WithSecretInPath("with/slash/in/it")},
		"no secret given":                   {another, webhook.WithSecretInPath()},
		"no name":                           {webhook.WithSecretInHeader("", secret)},
		"no networks":                       {anyone, webhook.WithAllowedAddresses(0)},
		"bad network":                       {anyone, webhook.WithAllowedAddresses(0, netip.Prefix{})},
		"bad proxies":                       {anyone, webhook.WithAllowedAddresses(-1, netip.MustParsePrefix("192.0.2.0/24"))},
		"bad body limit":                    {anyone, webhook.WithMaxBodySize(0)},
		"body limit beyond an int32":        {anyone, webhook.WithMaxBodySize(math.MaxInt32 + 1)},
		"a depth for nothing":               {anyone, webhook.WithMaxDepth(1)},
		"long endpoint":                     {anyone, webhook.WithEndpoint(strings.Repeat("e", 201))},
		"too many workers":                  {anyone, webhook.WithWorkers(10_001)},
		"bad depth":                         {anyone, webhook.WithMaxDepth(100_000)},
		"bad timeout":                       {anyone, webhook.WithReadTimeout(0)},
		"nil inbox":                         {anyone, webhook.WithInbox(nil)},
		"no endpoint":                       {anyone, webhook.WithEndpoint("")},
		"no workers":                        {anyone, webhook.WithWorkers(0)},
		"bad policy":                        {anyone, webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: -1})},
		"policy with base over the maximum": {anyone, webhook.WithRetryPolicy(webhook.RetryPolicy{BaseDelay: time.Hour, MaxDelay: time.Minute})},
		"nil filter":                        {anyone, webhook.WithFilter(nil)},
		"nobody to tell":                    {anyone, webhook.WithDeadLetterFunc(nil)},
		"empty hook":                        {anyone, webhook.WithHook(webhook.Hook{})},
		"nil logger":                        {anyone, webhook.WithLogger(nil)},
	} {
		_, err := webhook.New(ignore, options...)
		var problem *salebot.OptionError
		if !errors.As(err, &problem) || problem.Option == "" || problem.Problem == "" {
			t.Errorf("%s: %v, want an OptionError", name, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error holds the secret", name)
		}
	}
	if _, err := webhook.New(nil, anyone); err == nil {
		t.Error("a nil function was accepted")
	}
	newHandler(t, ignore, anyone, nil)
	doNothing := func(context.Context, webhook.Step) {}
	for _, option := range []webhook.Option{
		webhook.WithMaxBodySize(1), webhook.WithMaxBodySize(math.MaxInt32), webhook.WithMaxDepth(2), webhook.WithEndpoint(strings.Repeat("e", 200)), webhook.WithWorkers(1), webhook.WithWorkers(10_000),
		webhook.WithHook(webhook.Hook{After: doNothing}), webhook.WithHook(webhook.Hook{Keeping: doNothing}),
		webhook.WithHook(webhook.Hook{Before: func(ctx context.Context, _ webhook.Step) context.Context { return ctx }}),
	} {
		newHandler(t, ignore, anyone, option)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	got := map[string]string{}
	for i := range uint8(11) {
		number := strconv.Itoa(int(i))
		got["result"+number], got["step"+number], got["kind"+number] = webhook.Result(i).String(), webhook.StepKind(i).String(), webhook.Kind(i).String()
	}
	for key, want := range map[string]string{
		"result0": "unknown", "result1": "kept", "result8": "dead letter", "result9": "result 9", "result10": "result 10",
		"step0": "receive", "step1": "health", "step2": "handle", "step3": "step 3",
		"kind0": "unknown", "kind1": "text", "kind2": "contact", "kind3": "file", "kind4": "callback", "kind5": "service", "kind6": "outgoing", "kind7": "kind 7",
	} {
		if got[key] != want {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
}

// stubInbox is an inbox for tests that keeps nothing; a failing Put is that of a
// failing store.
type stubInbox struct {
	webhook.MemoryInbox
	put func(context.Context, webhook.Entry) error
}

func (s *stubInbox) Put(ctx context.Context, entry webhook.Entry) (webhook.Receipt, error) {
	if err := s.put(ctx, entry); err != nil {
		return webhook.Receipt{}, err
	}
	return webhook.Receipt{Sequence: 1}, nil
}

func (s *stubInbox) Lease(ctx context.Context, _ webhook.LeaseRequest) ([]webhook.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
