package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// controlPath is where the control API is.
const controlPath = "/_emulator/"

// control answers the control API.
type control struct {
	*engine.Emulator
	version string
	mask    mask
	save    func() error
	feed    *feed
	files   files
	ended   <-chan struct{}
	// settings lets one change of the settings at a time read and write them.
	settings sync.Mutex
	refusals refusals
}

// endpoint is one operation of the control API; openapi.yaml describes the same
// ones.
type endpoint struct {
	method, path string
	// status is that of a success.
	status int
	serve  func(*control, *call) (any, error)
	// query names the parameters that may stand in the query, with spaces between
	// them.
	query string
}

var endpoints = []endpoint{
	{http.MethodGet, "status", http.StatusOK, (*control).getStatus, ""},
	{http.MethodGet, "health", http.StatusOK, (*control).getHealth, ""},

	{http.MethodGet, "clients", http.StatusOK, (*control).listClients, "search client_type offset limit"},
	{http.MethodPost, "clients", http.StatusCreated, (*control).createClient, ""},
	{http.MethodGet, "clients/{client_id}", http.StatusOK, (*control).getClient, ""},
	{http.MethodPatch, "clients/{client_id}", http.StatusOK, (*control).changeClient, ""},
	{http.MethodDelete, "clients/{client_id}", http.StatusOK, (*control).deleteClient, ""},
	{http.MethodPost, "clients/{client_id}/orders", http.StatusCreated, (*control).createOrder, ""},
	{http.MethodPatch, "clients/{client_id}/orders/{order_id}", http.StatusOK, (*control).changeOrder, ""},
	{http.MethodPost, "clients/{client_id}/blocks/{block_id}", http.StatusOK, (*control).runBlock, ""},
	{http.MethodGet, "clients/{client_id}/messages", http.StatusOK, (*control).listMessages, "before after limit wait"},
	{http.MethodPost, "clients/{client_id}/messages", http.StatusCreated, (*control).writeMessage, ""},
	{http.MethodPost, "clients/{client_id}/press", http.StatusCreated, (*control).pressButton, ""},
	{http.MethodGet, "messages/{message_id}", http.StatusOK, (*control).traceMessage, ""},
	{http.MethodGet, "messengers", http.StatusOK, (*control).listMessengers, ""},
	{http.MethodGet, "blocks", http.StatusOK, (*control).listBlocks, ""},
	{http.MethodGet, "team", http.StatusOK, (*control).getTeam, ""},
	{http.MethodPost, "files", http.StatusCreated, (*control).upload, "name"},

	{http.MethodGet, "requests", http.StatusOK, (*control).listRequests, "action before after limit wait"},
	{http.MethodGet, "requests/{number}", http.StatusOK, (*control).getRequest, ""},
	{http.MethodGet, "actions", http.StatusOK, (*control).listActions, ""},

	{http.MethodGet, "deliveries", http.StatusOK, (*control).listDeliveries, "pending before after limit wait"},
	{http.MethodGet, "deliveries/{number}", http.StatusOK, (*control).getDelivery, ""},
	{http.MethodPost, "deliveries/{number}/redeliver", http.StatusAccepted, (*control).redeliver, ""},
	{http.MethodGet, "webhook", http.StatusOK, (*control).getWebhook, ""},
	{http.MethodPut, "webhook", http.StatusOK, (*control).setWebhook, ""},

	{http.MethodGet, "faults", http.StatusOK, (*control).listFaults, ""},
	{http.MethodPost, "faults", http.StatusCreated, (*control).addFault, ""},
	{http.MethodDelete, "faults", http.StatusOK, (*control).clearFaults, ""},
	{http.MethodDelete, "faults/{fault_id}", http.StatusOK, (*control).removeFault, ""},

	{http.MethodGet, "clock", http.StatusOK, (*control).getClock, ""},
	{http.MethodPost, "clock/advance", http.StatusOK, (*control).advanceClock, ""},

	{http.MethodGet, "settings", http.StatusOK, (*control).getSettings, ""},
	{http.MethodPut, "settings", http.StatusOK, (*control).setSettings, ""},
	{http.MethodGet, "settings/answers", http.StatusOK, (*control).listAnswers, ""},
	{http.MethodPatch, "settings/answers", http.StatusOK, (*control).changeAnswers, ""},

	{http.MethodGet, "snapshot", http.StatusOK, (*control).getSnapshot, ""},
	{http.MethodPut, "snapshot", http.StatusOK, (*control).restore, ""},
	{http.MethodPost, "save", http.StatusOK, (*control).saveState, ""},
	{http.MethodPost, "reset", http.StatusOK, (*control).reset, ""},
}

// Further endpoints answer with something else than JSON.
const (
	eventsPath  = controlPath + "events"
	openAPIPath = controlPath + "openapi.yaml"
)

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	for _, e := range endpoints {
		mux.HandleFunc(e.method+" "+controlPath+e.path, func(w http.ResponseWriter, r *http.Request) {
			c.serve(w, r, e)
		})
	}
	mux.Handle("GET "+eventsPath, withoutQuery(c.feed.ServeHTTP))
	mux.Handle("GET "+filesPath+"{file}/{name}", withoutQuery(c.serveFile))
	mux.Handle("GET "+openAPIPath, withoutQuery(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
		_, _ = w.Write(openAPI)
	}))
	mux.HandleFunc(controlPath, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is no such endpoint; see "+openAPIPath)
	})
	return mux
}

// withoutQuery refuses a query where there are no parameters.
func withoutQuery(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := readQuery(r, ""); err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		next(w, r)
	})
}

// readQuery reads the query, which may have the named parameters and no other
// ones, so that a slip is noticed.
func readQuery(r *http.Request, known string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query of the address cannot be read")
	}
	names := strings.Fields(known)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case !slices.Contains(names, name) && known == "":
			return nil, badRequest("there is no parameter %q; this endpoint has none", name)
		case !slices.Contains(names, name):
			return nil, badRequest("there is no parameter %q; known here: %s", name, strings.Join(names, ", "))
		case len(query[name]) > 1:
			return nil, badRequest("the parameter %s is there twice", name)
		}
	}
	return query, nil
}

func (c *control) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	query, err := readQuery(r, e.query)
	var answer any
	if err == nil {
		answer, err = e.serve(c, &call{Request: r, w: w, query: query})
	}
	refused, isProblem := errors.AsType[problem](err)
	switch {
	case isProblem:
		refuse(w, refused.status, refused.text)
		return
	case err != nil:
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if r.Method != http.MethodGet {
		c.feed.poke()
	}
	writeJSON(w, e.status, answer)
}

// problem is an answer to a call that was not carried out.
type problem struct {
	status int
	text   string
}

func (p problem) Error() string { return p.text }

func badRequest(format string, args ...any) error {
	return problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return problem{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

func refuse(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"error": text})
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	// What the control API answers can be encoded; the caller may be gone.
	_ = json.NewEncoder(w).Encode(answer) //nolint:errchkjson // see above
}

// call is one call of the control API.
type call struct {
	*http.Request
	w     http.ResponseWriter
	query url.Values
}

const (
	largestCall     = 8 << 20
	largestSnapshot = 1 << 30
)

// read decodes the body. Unknown names are refused, so that a slip is noticed.
func (c *call) read(into any) error { return c.readAtMost(into, largestCall) }

func (c *call) readAtMost(into any, limit int64) error {
	// A form on another site can send no JSON.
	if label, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); label != "application/json" {
		return problem{http.StatusUnsupportedMediaType, "the body has to be JSON, labeled as application/json"}
	}
	decoder := json.NewDecoder(http.MaxBytesReader(c.w, c.Body, limit))
	decoder.DisallowUnknownFields()
	// Numbers in variables may be beyond what a float holds.
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			return problem{http.StatusRequestEntityTooLarge, "the body is too large"}
		}
		return unreadable(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body goes on after its JSON value")
	}
	return nil
}

// number reads a parameter of the query that counts something.
func (c *call) number(name string, fallback, least, largest int64) (int64, error) {
	text := c.query.Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, badRequest("%s must be a whole number, not %q", name, text)
	case (n < least || n > largest) && largest == anyNumber:
		return 0, badRequest("%s must be %d or more, not %s", name, least, text)
	case n < least, n > largest, err != nil:
		return 0, badRequest("%s must be between %d and %d, not %s", name, least, largest, text)
	}
	return n, nil
}

// anyNumber stands for a parameter that has no largest value.
const anyNumber = math.MaxInt64

// seconds reads how long the caller wants to wait.
func (c *call) seconds() (int64, error) {
	return c.number("wait", 0, 0, int64(longestWait/time.Second))
}

// action reads the name of an action; empty means all of them.
func (c *call) action() (string, error) {
	name := c.query.Get("action")
	if name != "" && action.Lookup(name) == nil {
		return "", badRequest("there is no action %q; /_emulator/actions lists them", name)
	}
	return name, nil
}

// id reads a number in the path.
func (c *call) id(name string) (int64, error) {
	n, err := strconv.ParseInt(c.PathValue(name), 10, 64)
	if err != nil || n <= 0 {
		return 0, badRequest("%s must be a number", name)
	}
	return n, nil
}

func (c *call) client() (salebot.ClientID, error) {
	n, err := c.id("client_id")
	return salebot.ClientID(n), err
}

func noClient(id salebot.ClientID) error { return notFound("there is no client %d", id) }

// address is that under which the caller reaches the emulator.
func (c *call) address() string { return "http://" + c.Host }

const longestWait = time.Minute

// wait returns when done does, when the time is over or when the caller leaves.
func (c *control) wait(r *call, seconds int64, done func() bool) {
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	for {
		changed := c.Changed()
		if done() {
			return
		}
		select {
		case <-changed:
		case <-timer.C:
			return
		case <-r.Context().Done():
			return
		case <-c.ended:
			return
		}
	}
}
