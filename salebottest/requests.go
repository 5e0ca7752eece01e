package salebottest

import (
	"encoding/json"
	"net/http"
	"time"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Request is a request that the emulator got.
type Request struct {
	// Number counts the requests from 1.
	Number int64
	// Time is when it came, in the emulator's time.
	Time time.Time
	// Action is the last part of the address; empty if the address is not one of
	// the API.
	Action string
	// Method is the HTTP method.
	Method string
	// Key is the name of the API key; of an unknown key it tells only the length.
	Key string
	// Query is the query string as it came.
	Query string
	// Header is what came along, such as what salebot.WithHeader sends, without API keys.
	// It is nil if it was longer than 8 KiB, or Action is empty.
	Header http.Header
	// ContentType is the declared type of the body, whatever the body was.
	ContentType string
	// Body is the body as it came; of a large one the beginning.
	Body []byte
	// Status is the HTTP status of the answer; 0 if the connection was cut.
	Status int
	// Answer is the body of the answer; of a large one the beginning.
	Answer []byte
	// Fault says what was made to go wrong; empty if nothing was.
	Fault string
	// Notes are remarks about what in the request was not understood, has no
	// effect, or can be read in several ways.
	Notes []string

	of engine.Request
}

// Parameter returns a parameter as text, wherever it was; "" if it was not given.
// The parameters of a large body are not kept.
func (r *Request) Parameter(name string) string { return r.of.Parameter(name) }

// Parameters returns what was understood, as JSON: an object, or the list of
// load_clients.
func (r *Request) Parameters() json.RawMessage { return r.of.Parameters() }

// Path is the address without its host, with {api_key} in the place of the key.
func (r *Request) Path() string { return r.of.Path() }

func requestOf(r engine.Request) Request {
	return Request{
		Number: r.Number, Time: r.Time, Action: r.Action, Method: r.Method, Key: r.Key, Query: r.Query,
		Header: r.Header, ContentType: r.ContentType, Body: r.Body, Status: r.Status, Answer: r.Answer, Fault: r.Fault, Notes: r.Notes, of: r,
	}
}

// Requests returns the requests that came, the oldest first: all of them, or
// those of the actions that are named. Only the last ones are kept; see
// WithMaxLogEntries.
func (e *Emulator) Requests(actions ...string) []Request {
	return each(e.engine.Requests(actions...), requestOf)
}

// Calls counts the requests for an action since the start or the last Reset,
// those that failed included. It counts all of them, kept or not.
func (e *Emulator) Calls(action string) int { return e.engine.Calls(action) }
