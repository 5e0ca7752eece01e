package webhook

import (
	"context"
	"errors"
	"fmt"

	"github.com/salebot-go/salebot"
)

// ErrAuthorUnknown says that the history does not tell who wrote a message.
var ErrAuthorUnknown = errors.New("webhook: the history does not tell who wrote the message")

// authorHistoryLimit is the number of messages in which WrittenByOperator looks.
const authorHistoryLimit = 100

// WrittenByOperator reports whether an operator wrote the message, as opposed to a
// program that sent it through the API. The webhook does not tell these two apart; the
// history does. A bot can so fall silent when a person takes over.
//
// It costs one get_history call, for the newest 100 messages of the client, if the Origin
// is OriginOperatorOrAPI. For every other origin it returns false without a call. Ask
// only if it matters, since events of this kind include every message that your own
// program sends. They reach the function with WithOutgoing.
//
// The error is that of the call, or ErrAuthorUnknown if the message is not among the
// newest 100 or the history names neither an employee nor a program. The history may also
// show a message only after a moment: return such an error, and the event is tried again.
func (e *Event) WrittenByOperator(ctx context.Context, history HistoryReader) (bool, error) {
	if e.Origin != OriginOperatorOrAPI {
		return false, nil
	}
	if e.ID == 0 || e.Client.ID == 0 {
		return false, fmt.Errorf("%w: the event has no number or no client", ErrAuthorUnknown)
	}
	items, err := history.GetHistory(ctx, salebot.GetHistoryRequest{ClientID: e.Client.ID, Limit: authorHistoryLimit})
	if err != nil && !errors.Is(err, salebot.ErrTruncated) {
		return false, err
	}
	for _, item := range items {
		if item.ID != e.ID {
			continue
		}
		switch {
		case item.EmployeeID != 0 || item.EmployeeEmail != "":
			return true, nil
		case item.Origin == salebot.HistoryOriginAPI, item.Origin == salebot.HistoryOriginCRM, item.Origin == salebot.HistoryOriginCallback:
			return false, nil
		}
		return false, fmt.Errorf("%w: it names neither an employee nor a program", ErrAuthorUnknown)
	}
	return false, fmt.Errorf("%w: it is not among the newest %d", ErrAuthorUnknown, authorHistoryLimit)
}
