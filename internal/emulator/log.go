package emulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/wire"
)

// DefaultMaxLogEntries is how many requests and deliveries are remembered.
const DefaultMaxLogEntries = 1000

const (
	// largestLoggedBody and largestLoggedAnswer bound what is remembered of each,
	// in bytes.
	largestLoggedBody   = 64 << 10
	largestLoggedAnswer = 16 << 10
	// largestLoggedHeader bounds names and values together.
	largestLoggedHeader = 8 << 10
)

// Request is a request that the emulator got.
type Request struct {
	// Number counts the requests from 1.
	Number int64
	// Time is when it came, in the emulator's time.
	Time time.Time
	// Took is how long the caller waits for the answer, the delay of a fault included.
	Took time.Duration
	// ClientID is the client whom it is about, the first one of several; 0 if it is
	// about none, or about one who is not known.
	ClientID salebot.ClientID
	// FirstMessage and LastMessage are the messages that it made at once; 0 if it made
	// none.
	FirstMessage, LastMessage salebot.MessageID
	// Action is the last part of the address; empty if the address is none of
	// the API.
	Action string
	// Method is the HTTP method.
	Method string
	// Key is the name of the API key; of an unknown key it tells only the length.
	Key string
	// Query is the query string as it came.
	Query string
	// Header is what came along, without the keys of the project and that of the address.
	// It is nil if it was too large to be remembered, or the address is none of the API.
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
	// Notes are remarks about what in the request was not understood, is of no
	// effect, or was taken in one of several ways.
	Notes []string

	parameters request.Params
	clipped    bool
}

// Path is the address without its host, with {api_key} in the place of the key.
func (r *Request) Path() string {
	path := apiPath + "{api_key}/" + r.Action
	if r.Query != "" {
		path += "?" + r.Query
	}
	return path
}

// Parameter returns a parameter as text, wherever it was; "" if it was not
// given. The parameters of a large body are not remembered.
func (r *Request) Parameter(name string) string { return r.parameters.Text(name) }

// Parameters returns what was understood, as JSON: an object, or the list of
// load_clients.
func (r *Request) Parameters() json.RawMessage {
	if r.parameters.List != nil {
		return slices.Clone(r.parameters.List)
	}
	var o wire.Object
	for _, m := range r.parameters.Members {
		o.Raw(m.Name, m.Value)
	}
	return o.Bytes()
}

// take remembers what a request brought.
func (r *Request) take(p request.Params, body []byte, query string) {
	r.Query = strings.Clone(query[:min(len(query), largestLoggedBody)])
	r.Body = clip(body, largestLoggedBody)
	r.clipped = len(body) > largestLoggedBody
	if r.clipped {
		r.Notes = append(r.Notes, "the body is too large to be remembered")
	}
	r.understand(p)
}

// takeHeader remembers what came along with a request, whose address has the key.
func (r *Request) takeHeader(header http.Header, keys *keyring, key string) {
	size := 0
	for name, values := range header {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	if size > largestLoggedHeader {
		r.Notes = append(r.Notes, "the header is too large to be remembered")
		return
	}
	r.Header = make(http.Header, len(header))
	for name, values := range header {
		clean := make([]string, len(values))
		for i, value := range values {
			clean[i] = keys.scrub(strings.ReplaceAll(value, key, secret.Redacted))
		}
		r.Header[keys.scrub(name)] = clean
	}
}

// understand remembers the parameters, unless they hold a large body.
func (r *Request) understand(p request.Params) {
	if !r.clipped {
		r.parameters = p.WithoutRemarks()
	}
}

func clip(text []byte, limit int) []byte {
	if len(text) > limit {
		return slices.Clone(text[:limit])
	}
	return text
}

// requestLog remembers the last requests, and the number of all.
type requestLog struct {
	mu    sync.Mutex
	limit int
	ring  ring[Request]
	calls map[string]int
}

func (l *requestLog) add(entry Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Number = l.ring.total + 1
	l.ring.add(entry, l.limit)
	if l.calls == nil {
		l.calls = map[string]int{}
	}
	if entry.Action == "" {
		return
	}
	// Names that a stranger made up must not fill the memory.
	if _, known := routes[entry.Action]; known || l.calls[entry.Action] > 0 || len(l.calls) < 10*len(routes) {
		l.calls[entry.Action]++
	}
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.calls = ring[Request]{}, nil
}

// ring keeps the last elements of a sequence.
type ring[T any] struct {
	kept  []T
	next  int // where the next element goes, once the ring is full
	total int64
}

func (r *ring[T]) add(element T, limit int) *T {
	r.total++
	if len(r.kept) < limit {
		r.kept = append(r.kept, element)
		return &r.kept[len(r.kept)-1]
	}
	if limit == 0 {
		return &element
	}
	place := r.next
	r.kept[place] = element
	r.next = (place + 1) % limit
	return &r.kept[place]
}

// all returns the elements, the oldest first.
func (r *ring[T]) all() []T { return append(slices.Clone(r.kept[r.next:]), r.kept[:r.next]...) }

// Requests returns the requests that came, the oldest first: all of them, or
// those of the actions that are named. Only the last ones are remembered; see
// WithMaxLogEntries.
func (e *Emulator) Requests(actions ...string) []Request {
	e.log.mu.Lock()
	all := e.log.ring.all()
	e.log.mu.Unlock()
	if len(actions) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(r Request) bool { return !slices.Contains(actions, r.Action) })
}

// Calls counts the requests for an action since the start or the last Reset,
// those that failed included. It counts all of them, remembered or not.
func (e *Emulator) Calls(action string) int {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	return e.log.calls[action]
}

// AllCalls returns the counts of all actions.
func (e *Emulator) AllCalls() map[string]int {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	return maps.Clone(e.log.calls)
}
