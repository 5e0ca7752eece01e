package salebot

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/salebot-go/salebot/internal/record"
)

// MaxHistory is the largest number of messages that one request for the
// history returns.
const MaxHistory = 2000

// GetHistoryRequest says which messages of a client to read.
type GetHistoryRequest struct {
	// ClientID is the client; required.
	ClientID ClientID
	// Limit is the number of messages, at most MaxHistory; zero means
	// MaxHistory.
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
	case r.Limit < 0 || r.Limit > MaxHistory:
		return payload{}, invalid("Limit", "must be between 1 and "+strconv.Itoa(MaxHistory)+", or 0")
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
		return payload{}, invalid("StartDate", "is not a day of the calendar")
	case !r.StopDate.valid():
		return payload{}, invalid("StopDate", "is not a day of the calendar")
	case r.StopDate.Before(r.StartDate):
		return payload{}, invalid("StopDate", "comes before StartDate")
	}
	query.Set("start_date", r.StartDate.String())
	query.Set("stop_date", r.StopDate.String())
	return payload{query: query}, nil
}

// full reports whether so many messages may be only a part of those that were
// asked for.
func (r *GetHistoryRequest) full(messages int) bool {
	if r.Limit != 0 && r.StartDate.IsZero() {
		// The caller asked for the latest few.
		return false
	}
	return messages >= MaxHistory || r.Limit != 0 && messages >= r.Limit
}

// HistoryItem is one message of a client's history.
type HistoryItem struct {
	// ID is the number of the message.
	ID MessageID
	// Text is the text; for a callback its text.
	Text string
	// Answered reports whether the message was answered.
	Answered bool
	// ClientReplica says that the message is from the client; true for callbacks
	// too, see Origin.
	ClientReplica bool
	// Origin says where the message came from; the API calls it
	// message_from_outside.
	Origin HistoryOrigin
	// BlockID is the flow block that sent the message; 0 if none did. The API calls it
	// message_id.
	BlockID BlockID
	// CreatedAt is the time of the message.
	CreatedAt Timestamp
	// Attachments are the files of the message.
	Attachments Attachments
	// Delivered reports whether the message reached the messenger; a message without
	// that mark counts as delivered.
	Delivered bool
	// ErrorMessage is the text of a failed delivery. It is kept as it came, and
	// may be "true" or "false" for a delivered message: Delivered decides.
	ErrorMessage string
	// EmployeeID is the employee who wrote the message; 0 if none did. The API calls it
	// manager_id.
	EmployeeID EmployeeID
	// EmployeeEmail is the employee's address. The API calls it manager_email.
	EmployeeEmail string
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are as if they had not come; Raw has them.
	Unread []string
	// Raw is the message as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// historyItem is how a HistoryItem travels.
var historyItem = record.New(
	record.Meta[HistoryItem]{
		Unread: func(h *HistoryItem) *[]string { return &h.Unread },
		Raw:    func(h *HistoryItem) *json.RawMessage { return &h.Raw },
		Start:  func(h *HistoryItem) { h.Delivered = true },
	},
	record.Required(record.OwnID(func(h *HistoryItem) *MessageID { return &h.ID }, "id")),
	record.Loose(func(h *HistoryItem) *string { return &h.Text }, "text"),
	record.Flag(func(h *HistoryItem, flag, _ bool) { h.Answered = flag }, "answered"),
	record.Flag(func(h *HistoryItem, flag, _ bool) { h.ClientReplica = flag }, "client_replica"),
	record.Number(func(h *HistoryItem) *HistoryOrigin { return &h.Origin }, "message_from_outside"),
	record.ID(func(h *HistoryItem) *BlockID { return &h.BlockID }, "message_id"),
	record.Kept(record.Value(func(h *HistoryItem, value []byte) error { return readTimestamp(&h.CreatedAt, value) }, "created_at")),
	record.Value(func(h *HistoryItem, value []byte) error { return h.Attachments.UnmarshalJSON(value) }, "attachments"),
	record.Flag(func(h *HistoryItem, flag, known bool) { h.Delivered = flag || !known }, "delivered"),
	record.Loose(func(h *HistoryItem) *string { return &h.ErrorMessage }, "error_message"),
	record.ID(func(h *HistoryItem) *EmployeeID { return &h.EmployeeID }, "manager_id"),
	record.Text(func(h *HistoryItem) *string { return &h.EmployeeEmail }, "manager_email"),
)

// UnmarshalJSON reads a message in any of the forms that Salebot uses. What is odd in
// it is listed in Unread.
func (h *HistoryItem) UnmarshalJSON(value []byte) error {
	return unmarshalRecord(h, historyItem, value)
}

// GetHistory reads the messages of a client, the newest first: programs in production
// rely on this order, although the reference does not state it. Without a limit, or
// within a period, an answer of the largest possible length may lack messages. The
// error is then ErrTruncated, and what came is returned along with it.
//
// Salebot action: get_history. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound, ErrTruncated and those of every call.
func (c *Client) GetHistory(ctx context.Context, request GetHistoryRequest, opts ...CallOption) ([]HistoryItem, error) {
	return call(ctx, c, "get_history", opts, request.encode, func(body []byte, s *settings) ([]HistoryItem, error) {
		items, err := decodeList(body, s, historyItem, "result")
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
func (c *Client) ClearHistory(ctx context.Context, client ClientID, opts ...CallOption) (*Ack, error) {
	return callAck(ctx, c, "clear_history", opts, clientQuery(client))
}
