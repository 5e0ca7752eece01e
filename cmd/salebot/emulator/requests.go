package emulator

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/text"
	"github.com/salebot-go/salebot/internal/wire"
)

// requestShape is a request in a list.
type requestShape struct {
	Number int64     `json:"number"`
	Time   time.Time `json:"time"`
	Action string    `json:"action"`
	Method string    `json:"method"`
	// Path has a placeholder where the key was.
	Path string `json:"path"`
	// Key is the name of the key.
	Key    string `json:"key"`
	Status int    `json:"status"`
	// Refused says that the answer is a failure, as far as it can be told.
	Refused bool     `json:"refused"`
	Fault   string   `json:"fault"`
	Notes   []string `json:"notes"`
	// Took is how many milliseconds the caller waits for the answer.
	Took float64 `json:"took_ms"`
	// ClientID and Client are whom it is about; "0" and empty for nobody.
	ClientID salebot.ClientID `json:"client_id,string"`
	Client   string           `json:"client"`
	// About is the text of a message, or the parameters that matter.
	About string `json:"about"`
	// FirstMessage and LastMessage are the messages that it made; "0" for none.
	FirstMessage salebot.MessageID `json:"first_message_id,string"`
	LastMessage  salebot.MessageID `json:"last_message_id,string"`
}

// requestDetails is a request with all that is known of it.
type requestDetails struct {
	requestShape
	ContentType string    `json:"content_type"`
	Body        bodyShape `json:"body"`
	// Parameters are what was understood.
	Parameters json.RawMessage `json:"parameters"`
	// ParametersText is the same as text, for JavaScript, which rounds large
	// numbers.
	ParametersText string `json:"parameters_text"`
	// ActionKnown says that the API has the action.
	ActionKnown bool      `json:"action_known"`
	Answer      bodyShape `json:"answer"`
	// Curl repeats the request.
	Curl string `json:"curl"`
}

// bodyShape is a body: as text where it is one, or else in base64.
type bodyShape struct {
	Text   string `json:"text"`
	Base64 string `json:"base64,omitempty"`
	Bytes  int    `json:"bytes"`
}

func (c *control) body(body []byte) bodyShape {
	shape := bodyShape{Bytes: len(body)}
	if masked := c.mask.text(string(body)); utf8.ValidString(masked) {
		shape.Text = masked
	} else {
		shape.Base64 = base64.StdEncoding.EncodeToString([]byte(masked))
	}
	return shape
}

func (c *control) shapeOfRequest(r engine.Request) requestShape {
	shape := requestShape{
		Number: r.Number, Time: r.Time.UTC(), Action: c.mask.text(r.Action), Method: r.Method, Path: c.mask.text(r.Path()), Key: r.Key,
		Status: r.Status, Refused: refused(&r), Fault: r.Fault, Notes: slices.Clone(r.Notes),
		Took: milliseconds(r.Took), ClientID: r.ClientID, Client: c.nameOf(r.ClientID), About: c.about(&r),
		FirstMessage: r.FirstMessage, LastMessage: r.LastMessage,
	}
	if shape.Notes == nil {
		shape.Notes = []string{}
	}
	return shape
}

// milliseconds is a time as the page shows it.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// nameOf is what a person is called, "" for nobody.
func (c *control) nameOf(id salebot.ClientID) string {
	person, _ := c.LookupPerson(id)
	return c.mask.text(cmp.Or(person.Name, string(person.PlatformID)))
}

const (
	// longestAbout bounds what a row of a log says of a request, in characters, and
	// mostAbout is how many parameters it names.
	longestAbout = 120
	mostAbout    = 4
)

// about is what a request is about at a glance: its text, or what else it names.
func (c *control) about(r *engine.Request) string {
	// What is cut off could be half of a key.
	short := func(said string) string { return text.Shorten(c.mask.text(said), longestAbout) }
	for _, name := range []string{"message", "callback_text"} {
		if said := r.Parameter(name); said != "" {
			return short(said)
		}
	}
	parameters := r.Parameters()
	if len(parameters) > 0 && parameters[0] == '[' {
		return short(string(parameters))
	}
	var named []string
	_ = wire.Members(parameters, func(name string, value []byte) error {
		if name == "client_id" || len(named) == mostAbout {
			return nil
		}
		said, err := wire.Text(value)
		if err != nil {
			said = string(value)
		}
		named = append(named, name+"="+said)
		return nil
	})
	return short(strings.Join(named, ", "))
}

// refusals counts the requests that were refused, as far as it can be told.
type refusals struct {
	mu sync.Mutex
	// seen is the number of the latest request that was looked at.
	seen, count int64
}

func (c *control) countRefusals(total int64) int64 {
	c.refusals.mu.Lock()
	defer c.refusals.mu.Unlock()
	if total < c.refusals.seen {
		c.refusals.seen, c.refusals.count = 0, 0
	}
	for _, r := range c.RequestsBefore(0, int(min(total-c.refusals.seen, engine.DefaultMaxLogEntries))) {
		if r.Number > c.refusals.seen && r.Number <= total && refused(&r) {
			c.refusals.count++
		}
	}
	c.refusals.seen = total
	return c.refusals.count
}

// refused reports whether an answer is a failure: an HTTP status that is no success,
// no answer at all, or a JSON status that is not success. The variables of
// get_variables may have the name status, so that one cannot be told.
func refused(r *engine.Request) bool {
	if r.Status < 200 || r.Status > 299 {
		return true
	}
	row := action.Lookup(r.Action)
	if row == nil || row.Answer == action.Flat || len(r.Answer) == 0 || r.Answer[0] != '{' {
		return false
	}
	var answer struct {
		Status any `json:"status"`
	}
	if json.Unmarshal(r.Answer, &answer) != nil {
		return false // a large answer is remembered only in part
	}
	word, isText := answer.Status.(string)
	return isText && word != "success" && word != "ok"
}

func (c *control) listRequests(r *call) (any, error) {
	part, err := r.part()
	if err != nil {
		return nil, err
	}
	wanted, err := r.action()
	if err != nil {
		return nil, err
	}
	var found []engine.Request
	c.waitForEntries(r, part, func() bool {
		found = entries(part, c.RequestsBefore, func(request engine.Request) (int64, bool) {
			return request.Number, wanted == "" || request.Action == wanted
		})
		return len(found) > 0
	})
	shape := struct {
		Requests []requestShape `json:"requests"`
		Total    int64          `json:"total"`
	}{Requests: []requestShape{}, Total: c.Progress().Requests}
	for _, request := range found {
		shape.Requests = append(shape.Requests, c.shapeOfRequest(request))
	}
	return shape, nil
}

// logPart is a part of a log: the newest entries between two numbers.
type logPart struct {
	before, after, wait int64
	limit               int
}

// part reads which part of a log is wanted.
func (c *call) part() (part logPart, err error) {
	if part.before, err = c.number("before", 0, 0, anyNumber); err != nil {
		return part, err
	}
	if part.after, err = c.number("after", 0, 0, anyNumber); err != nil {
		return part, err
	}
	limit, err := c.number("limit", usualPage, 0, largestPage)
	if err != nil {
		return part, err
	}
	part.limit = int(limit)
	part.wait, err = c.seconds()
	return part, err
}

// waitForEntries looks for entries of a log, for as long as the caller wants to
// wait. Nothing new appears before another entry.
func (c *control) waitForEntries(r *call, part logPart, look func() bool) {
	if part.wait > 0 && part.before == 0 && part.limit > 0 {
		c.wait(r, part.wait, look)
	} else {
		look()
	}
}

// entries collects a part of a log, the newest one first, of those that are
// wanted.
func entries[T any](part logPart, read func(before int64, limit int) []T, wanted func(T) (number int64, ok bool)) []T {
	var found []T
	before := part.before
	for len(found) < part.limit {
		some := read(before, max(part.limit, usualPage))
		for _, entry := range some {
			number, ok := wanted(entry)
			if number <= part.after || len(found) == part.limit {
				return found
			}
			if ok {
				found = append(found, entry)
			}
			before = number
		}
		if len(some) == 0 || before == 1 {
			break
		}
	}
	return found
}

func (c *control) getRequest(r *call) (any, error) {
	number, err := r.id("number")
	if err != nil {
		return nil, err
	}
	request, ok := c.LookupRequest(number)
	if !ok {
		return nil, notFound("request %d is not remembered", number)
	}
	parameters := c.mask.text(string(request.Parameters()))
	masked := request
	masked.Action, masked.Query = c.mask.text(request.Action), c.mask.text(request.Query)
	masked.ContentType, masked.Body = c.mask.text(request.ContentType), []byte(c.mask.text(string(request.Body)))
	details := requestDetails{
		requestShape: c.shapeOfRequest(request),
		ContentType:  masked.ContentType,
		Body:         c.body(request.Body),
		Parameters:   json.RawMessage(parameters), ParametersText: parameters,
		ActionKnown: action.Lookup(request.Action) != nil,
		Answer:      c.body(request.Answer),
		Curl:        curl(r.address(), masked),
	}
	return details, nil
}

type actionShape struct {
	Name       string   `json:"name"`
	Methods    []string `json:"methods"`
	Parameters []string `json:"parameters"`
	Class      string   `json:"class"`
	Permission string   `json:"permission"`
	Evidence   string   `json:"evidence"`
	Legacy     bool     `json:"legacy"`
}

func (*control) listActions(*call) (any, error) {
	shape := struct {
		Actions []actionShape `json:"actions"`
	}{}
	for _, row := range action.All() {
		shape.Actions = append(shape.Actions, actionShape{
			Name: row.Name, Methods: row.Methods, Parameters: append([]string{}, row.Params...), Class: row.Class.String(),
			Permission: string(row.Permission), Evidence: row.Evidence.String(), Legacy: row.Legacy,
		})
	}
	return shape, nil
}
