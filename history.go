package salebot

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/salebot-go/salebot/internal/wire"
)

// HistoryLimit is the largest number of messages that one request for the
// history returns.
const HistoryLimit = 2000

// GetHistoryRequest says which messages of a client to read.
type GetHistoryRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Limit is the number of messages, at most HistoryLimit; zero means
	// HistoryLimit.
	Limit int
	// StartDate and StopDate bound the period, in days of the project's time
	// zone; both or neither. Whether the last day is included is not documented.
	StartDate, StopDate Date
}

func (r *GetHistoryRequest) encode(*settings) (payload, error) {
	if err := requireClient("ClientID", r.ClientID); err != nil {
		return payload{}, err
	}
	query := url.Values{"client_id": {strconv.FormatInt(int64(r.ClientID), 10)}}
	switch {
	case r.Limit < 0 || r.Limit > HistoryLimit:
		return payload{}, invalid("Limit", "must be between 1 and "+strconv.Itoa(HistoryLimit)+", or 0")
	case r.Limit > 0:
		query.Set("limit", strconv.Itoa(r.Limit))
	}
	switch {
	case r.StartDate.IsZero() && r.StopDate.IsZero():
		return payload{query: query}, nil
	case r.StartDate.IsZero():
		return payload{}, invalid("StartDate", "is required with StopDate")
	case r.StopDate.IsZero():
		return payload{}, invalid("StopDate", "is required with StartDate")
	case !r.StartDate.valid():
		return payload{}, invalid("StartDate", "is no day of the calendar")
	case !r.StopDate.valid():
		return payload{}, invalid("StopDate", "is no day of the calendar")
	case r.StopDate.Before(r.StartDate):
		return payload{}, invalid("StopDate", "comes before StartDate")
	}
	query.Set("start_date", r.StartDate.String())
	query.Set("stop_date", r.StopDate.String())
	return payload{query: query}, nil
}

// full says whether so many messages may be only a part of those that were
// asked for.
func (r *GetHistoryRequest) full(messages int) bool {
	if r.Limit != 0 && r.StartDate.IsZero() {
		// The caller asked for the latest few.
		return false
	}
	return messages >= HistoryLimit || r.Limit != 0 && messages >= r.Limit
}

// HistoryItem is one message of a client's history.
type HistoryItem struct {
	// ID is the number of the message.
	ID MessageID
	// Text is the text; for a callback its text.
	Text string
	// Answered says whether the message was answered.
	Answered bool
	// ClientReplica says that the message is from the client; true for callbacks
	// too, see Origin.
	ClientReplica bool
	// Origin says where the message came from; the API calls it
	// message_from_outside.
	Origin HistoryOrigin
	// BlockID is the flow block that sent the message; 0 where none did. The API
	// calls it message_id.
	BlockID BlockID
	// CreatedAt is the time of the message.
	CreatedAt Timestamp
	// Attachments are the files of the message.
	Attachments Attachments
	// Delivered says whether the message reached the messenger; a message without
	// that mark counts as delivered.
	Delivered bool
	// ErrorMessage is the text of a failed delivery. It is kept as it came, and
	// may be "true" or "false" for a delivered message: Delivered decides.
	ErrorMessage string
	// EmployeeID is the employee who wrote the message; 0 where none did. The API
	// calls it manager_id.
	EmployeeID EmployeeID
	// EmployeeEmail is the employee's address. The API calls it manager_email.
	EmployeeEmail string
	// Raw is the message as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// wireHistoryItem is HistoryItem as it travels.
type wireHistoryItem struct {
	ID            MessageID     `json:"id"`
	Text          wire.String   `json:"text"`
	Answered      wire.Boolean  `json:"answered"`
	ClientReplica wire.Boolean  `json:"client_replica"`
	Origin        HistoryOrigin `json:"message_from_outside"`
	BlockID       BlockID       `json:"message_id"`
	CreatedAt     Timestamp     `json:"created_at"`
	Attachments   Attachments   `json:"attachments"`
	Delivered     wire.Boolean  `json:"delivered"`
	ErrorMessage  wire.String   `json:"error_message"`
	EmployeeID    EmployeeID    `json:"manager_id"`
	EmployeeEmail wire.String   `json:"manager_email"`
}

func (w *wireHistoryItem) item(raw json.RawMessage) (HistoryItem, error) {
	if w.ID == 0 {
		return HistoryItem{}, errNoID
	}
	return HistoryItem{
		ID: w.ID, Text: string(w.Text), Answered: w.Answered.True(), ClientReplica: w.ClientReplica.True(),
		Origin: w.Origin, BlockID: w.BlockID, CreatedAt: w.CreatedAt, Attachments: w.Attachments,
		Delivered: !w.Delivered.False(), ErrorMessage: string(w.ErrorMessage),
		EmployeeID: w.EmployeeID, EmployeeEmail: string(w.EmployeeEmail), Raw: raw,
	}, nil
}

// UnmarshalJSON reads a message in any of the forms that Salebot uses.
func (h *HistoryItem) UnmarshalJSON(value []byte) error {
	return unmarshalItem[HistoryItem, wireHistoryItem](h, value)
}

// GetHistory reads the messages of a client, the newest first. Without a limit,
// or within a period, an answer that is as long as it can be may lack messages:
// the error is then ErrTruncated, and what came is returned along with it.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrTruncated and those of every call.
func (c *Client) GetHistory(ctx context.Context, request GetHistoryRequest, options ...CallOption) ([]HistoryItem, error) {
	return call(ctx, c, "get_history", options, request.encode, func(body []byte, s *settings) ([]HistoryItem, error) {
		items, err := decodeItems[HistoryItem, wireHistoryItem](body, s, "result")
		if err == nil && request.full(len(items)) {
			err = &truncatedError{problem: "the history has as many messages as one answer can hold; ask for shorter periods"}
		}
		return items, err
	})
}

// ClearHistory deletes the messages of a client.
//
// Salebot action: clear_history. Class: Once, although a GET. Answer: assumed
// (any acknowledgement, an empty one too). Errors: ErrInvalidRequest,
// ErrClientNotFound and those of every call.
func (c *Client) ClearHistory(ctx context.Context, client ClientID, options ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "clear_history", options, clientQuery(client))
}
