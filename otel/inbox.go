package otelsalebot

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/salebot-go/salebot/webhook"
)

// ObserveInbox reports how many events an inbox has for an endpoint, by their state, and
// the age of the oldest one that is still to be handled; the package documentation lists
// the metrics. The inbox is asked each time that metrics are collected, until it is closed
// or Unregister is called.
//
//	_, err := otelsalebot.ObserveInbox(handler.Inbox(), handler.Endpoint())
//
// It fails with a salebot.OptionError if an option is not valid or the inbox is nil, or
// with the error of the meter provider.
func ObserveInbox(inbox webhook.Inbox, endpoint string, opts ...Option) (metric.Registration, error) {
	if inbox == nil {
		return nil, badOption("ObserveInbox", "the inbox is nil")
	}
	c, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	meter := c.meter()
	events, err := meter.Int64ObservableGauge("salebot.inbox.events", metric.WithUnit("{event}"),
		metric.WithDescription("Number of events in the inbox by their state."))
	if err != nil {
		return nil, err
	}
	oldest, err := meter.Float64ObservableGauge("salebot.inbox.oldest.age", metric.WithUnit("s"),
		metric.WithDescription("Age of the oldest event that is still to be handled."))
	if err != nil {
		return nil, err
	}
	destination := semconv.MessagingDestinationName(endpoint)
	var states [5]metric.MeasurementOption
	for i, state := range [...]string{"waiting", "delayed", "leased", "dead", "damaged"} {
		states[i] = labels(destination, keyEventState.String(state))
	}
	age := labels(destination)
	return meter.RegisterCallback(func(ctx context.Context, observer metric.Observer) error {
		counts, err := inbox.Counts(ctx, endpoint)
		if errors.Is(err, webhook.ErrClosed) {
			// There is nothing left to tell.
			return nil
		}
		if err != nil {
			return err
		}
		for i, count := range [...]int{counts.Waiting, counts.Delayed, counts.Leased, counts.Dead, counts.Damaged} {
			observer.ObserveInt64(events, int64(count), states[i])
		}
		switch {
		case !counts.Oldest.IsZero():
			observer.ObserveFloat64(oldest, max(time.Since(counts.Oldest).Seconds(), 0), age)
		case counts.Pending() == 0:
			observer.ObserveFloat64(oldest, 0, age)
		}
		return nil
	}, events, oldest)
}
