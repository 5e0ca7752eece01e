package salebot

import (
	"context"
	"encoding/json"
	"net/http"
)

type rehearsalKey struct{}

// Rehearse returns a context for a rehearsal: with it reads are made as usual, and all
// other calls are encoded, checked and answered by the client itself, with nothing
// sent. So an empty text fails in the rehearsal and not in the run. The answers are
// successes of the right type whose numbers mean nothing: a new order has the number 1.
func Rehearse(ctx context.Context) context.Context {
	return context.WithValue(ctx, rehearsalKey{}, true)
}

func rehearsing(ctx context.Context) bool {
	on, _ := ctx.Value(rehearsalKey{}).(bool)
	return on
}

// rehearsed is the answer to a call that is only rehearsed.
func rehearsed[T any](request *payload) T {
	var result T
	switch target := any(&result).(type) {
	case **Ack:
		*target = &Ack{}
	case **SentCallbacks:
		*target = &SentCallbacks{}
	case **Response:
		*target = &Response{Status: http.StatusOK}
	case *ClientID:
		*target = 1
	case *OrderID:
		*target = 1
	case *StateID:
		*target = 1
	case *[]LoadedClient:
		var elements []json.RawMessage
		if json.Unmarshal(request.body, &elements) == nil {
			for i := range elements {
				*target = append(*target, LoadedClient{ID: ClientID(i + 1)})
			}
		}
	}
	return result
}
