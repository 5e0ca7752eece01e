package otelsalebot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/webhook"
)

// Names of attributes that OpenTelemetry has no name for.
const (
	keyAction       = attribute.Key("salebot.action")
	keyClass        = attribute.Key("salebot.class")
	keyOutcome      = attribute.Key("salebot.outcome")
	keyAttempts     = attribute.Key("salebot.attempts")
	keyRecorded     = attribute.Key("salebot.recorded")
	keyUnreadFields = attribute.Key("salebot.unread_fields")
	keyClientID     = attribute.Key("salebot.client.id")
	keyWaitReason   = attribute.Key("salebot.wait.reason")
	keyResult       = attribute.Key("salebot.result")
	keyEventAttempt = attribute.Key("salebot.event.attempt")
	keyEventAge     = attribute.Key("salebot.event.age")
	keyEventState   = attribute.Key("salebot.event.state")
	keySequence     = attribute.Key("salebot.event.sequence")

	waitKeyPrefix = "salebot.wait."
)

// messagingSystem is what the conventions for messaging call a broker.
var messagingSystem = semconv.MessagingSystemKey.String("salebot")

// other stands for what would make labels unbounded.
const other = "_OTHER"

// seconds are the bounds of histograms of waits and whole calls.
var seconds = metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)

// requestSeconds are those that the conventions give for one HTTP request.
var requestSeconds = metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10)

// maxDescription bounds the errors in spans, in characters.
const maxDescription = 1000

// fail marks a span as failed by an error.
func fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, fmt.Sprintf("%.*s", maxDescription, fmt.Sprint(err)))
	}
}

// errorTypes are the words for failures, the more special ones first.
var errorTypes = []struct {
	err  error
	name string
}{
	{salebot.ErrNotInitialized, "not_initialized"},
	{salebot.ErrInvalidRequest, "invalid_request"},
	{salebot.ErrInProgress, "in_progress"},
	{salebot.ErrKeyReused, "key_reused"},
	{salebot.ErrWorkChanged, "work_changed"},
	{salebot.ErrWorkEnded, "work_ended"},
	{salebot.ErrWorkTooOld, "work_too_old"},
	{salebot.ErrClientNotFound, "client_not_found"},
	{salebot.ErrOrderNotFound, "order_not_found"},
	{salebot.ErrNotFound, "not_found"},
	{salebot.ErrUnauthorized, "unauthorized"},
	{salebot.ErrForbidden, "forbidden"},
	{salebot.ErrRateLimited, "rate_limited"},
	{salebot.ErrRejected, "rejected"},
	{salebot.ErrServer, "server"},
	{salebot.ErrTruncated, "truncated"},
	{salebot.ErrUnexpectedResponse, "unexpected_response"},
	{webhook.ErrNotUnderstood, "not_understood"},
	{webhook.ErrTooOld, "too_old"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
}

// errorType is a word for a failure, out of a bounded number of words.
func errorType(err error) string {
	if panicked := (*webhook.PanicError)(nil); errors.As(err, &panicked) {
		return "panic"
	}
	for _, t := range errorTypes {
		if errors.Is(err, t.err) {
			return t.name
		}
	}
	if transport := (*salebot.TransportError)(nil); errors.As(err, &transport) {
		if transport.Timeout {
			return "timeout"
		}
		return "transport"
	}
	return other
}

// httpErrorType is the error.type of an HTTP request: its status, if that is one of a
// failure.
func httpErrorType(status int, err error) string {
	if status >= http.StatusBadRequest {
		return strconv.Itoa(status)
	}
	return errorType(err)
}

// maxCached bounds how many values a cache keeps, and how many names a label has.
const maxCached = 100

// cache keeps what is made of a key, for a bounded number of keys. The zero value is not
// ready.
type cache[K comparable, V any] struct {
	make func(K) V

	mu   sync.RWMutex
	made map[K]V
}

func newCache[K comparable, V any](build func(K) V) *cache[K, V] {
	return &cache[K, V]{make: build, made: map[K]V{}}
}

// get returns the value of a key, and whether the cache keeps it.
func (c *cache[K, V]) get(key K) (value V, kept bool) {
	c.mu.RLock()
	value, kept = c.made[key]
	c.mu.RUnlock()
	if kept {
		return value, true
	}
	value = c.make(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if kept = len(c.made) < maxCached; kept {
		c.made[key] = value
	}
	return value, kept
}

// labels are attributes for a measurement.
func labels(attributes ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attributes...))
}
