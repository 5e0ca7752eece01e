package probe

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
)

// exchange is one request and what came.
type exchange struct {
	action string
	status int
	header http.Header
	body   []byte
	took   time.Duration
}

// recorder stands around the attempts of the clients and keeps what came, until the next
// step.
type recorder struct {
	now func() time.Time

	mu        sync.Mutex
	exchanges []exchange
	requests  int
}

// middleware is for salebot.WithAttemptMiddleware.
func (r *recorder) middleware(ctx context.Context, request *salebot.Request, next salebot.Next) (*salebot.Response, error) {
	begin := r.now()
	response, err := next(ctx, request)
	one := exchange{action: request.Action(), took: r.now().Sub(begin)}
	if response != nil {
		one.status, one.header, one.body = response.Status, response.Header, response.Body
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, one)
	r.requests++
	return response, err
}

// take returns what came since it was called last.
func (r *recorder) take() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.exchanges
	r.exchanges = nil
	return taken
}

// last returns the latest exchange; the zero value if there is none.
func (r *recorder) last() exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exchanges) == 0 {
		return exchange{}
	}
	return r.exchanges[len(r.exchanges)-1]
}

// keep makes an exchange the latest one.
func (r *recorder) keep(one exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, one)
}

// waitOf is how long an answer asks to wait; a second if it does not say. Unlike the
// client it reads a date against the own clock, not against the answer's Date, which is
// in whole seconds: a window is measured with it.
func waitOf(e exchange, now time.Time) time.Duration {
	value := e.header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return time.Second
}

// limitText is a limit as the emulator takes it.
func limitText(requests int, per time.Duration) string {
	return fmt.Sprintf("%d/%s", requests, per)
}

// headerNames are the names of headers, without their values.
func headerNames(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// contentTypeOf is the type of the content, if it is a usual one.
func contentTypeOf(header http.Header) string {
	declared := header.Get("Content-Type")
	if declared == "" {
		return ""
	}
	kind, parameters, err := mime.ParseMediaType(declared)
	switch {
	case err != nil || !shownTypes[kind]:
		return "other"
	case strings.EqualFold(parameters["charset"], "utf-8"):
		return kind + "; charset=utf-8"
	}
	return kind
}

// The forms of a Retry-After.
const (
	retryAfterSeconds = "seconds"
	retryAfterDate    = "date"
	retryAfterNone    = "none"
)

// retryAfterOf says in which form an answer has a Retry-After.
func retryAfterOf(header http.Header) string {
	value := header.Get("Retry-After")
	switch {
	case value == "":
		return retryAfterNone
	case digitsOnly.MatchString(value):
		return retryAfterSeconds
	}
	return retryAfterDate
}
