// Package otelsalebot tells OpenTelemetry about the calls of a salebot.Client and the
// events of a webhook.Handler. It needs only the API of OpenTelemetry: the SDK and the
// exporters are the program's choice.
//
//	hook, err := otelsalebot.NewClientHook()
//	client, err := salebot.New(key, salebot.WithHook(hook))
//
//	receiving, err := otelsalebot.NewHandlerHook()
//	handler, err := webhook.New(answer, webhook.WithSecretInPath(secret), webhook.WithHook(receiving))
//	_, err = otelsalebot.ObserveInbox(handler.Inbox(), handler.Endpoint())
//
// Without options the global providers of OpenTelemetry are used. As long as the program
// has set none, nothing is recorded.
//
// # Spans
//
//   - "salebot callback" (client): a call, from its check to its result, with all
//     attempts and waits. Its name ends with the action.
//   - "POST /api/{api_key}/callback" (client): an attempt, which is one HTTP request, as
//     a child of its call.
//   - "receive default" (server): a request to the receiver. Its name ends with the
//     endpoint of the handler. Requests that ask for the health have no span.
//   - "process default" (consumer): an attempt to handle an event. It begins a trace of
//     its own, with a link to the span in which this process received the event. The
//     calls of the handler's function are its children.
//
// Attributes follow the conventions of OpenTelemetry for HTTP and messaging. Those that
// it has no name for begin with "salebot.": action, class, outcome, attempts, recorded
// and unread_fields of a call, the seconds in wait.retry, wait.pace and wait.limiter, and
// result, event.attempt, event.sequence and event.age of an event.
//
// # Metrics
//
//   - salebot.client.call.duration, by action, class, outcome and error.type
//   - salebot.client.wait.duration, the time that calls waited, by action and
//     salebot.wait.reason: "pace" (Salebot asked for it), "limiter" or "retry"
//   - http.client.request.duration, of attempts, by action, method, server, status and
//     error.type
//   - salebot.webhook.request.duration, by endpoint, result and status
//   - messaging.process.duration, of attempts to handle an event, by endpoint, result
//     and error.type
//   - salebot.webhook.event.age, since when an event waited as an attempt began, by endpoint
//   - salebot.inbox.events, by endpoint and salebot.event.state: "waiting", "delayed",
//     "leased", "dead" or "damaged"
//   - salebot.inbox.oldest.age, of the oldest event that is still to be handled, by endpoint
//
// All times are in seconds. The labels are bounded: beyond a hundred names of actions,
// which only Client.Do can reach, the others are "_OTHER". No label tells of a person.
//
// # What stays out
//
// No span and no metric has the key, an address with it, a body, a secret of the
// receiver or a header. The error of a call or of an event is the description of its
// span, shortened. The texts of Salebot's errors hold no key; what the errors of your
// own functions hold is up to you. The client's number is recorded only with
// [WithClientID].
//
// Do not wrap the transport of a client, or a receiver with a secret in its path, into
// the HTTP instrumentation of another package: it would record their addresses.
package otelsalebot
