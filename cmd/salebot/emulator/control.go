package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

// controlPath is where the control API is.
const controlPath = "/_emulator/"

// control answers the control API.
type control struct {
	*salebottest.Emulator
	version string
	mask    mask
	save    func() error
	feed    *feed
	ended   <-chan struct{}
	// settings lets one change of the settings at a time read and write them.
	settings sync.Mutex
}

// endpoint is one operation of the control API; openapi.yaml describes the same
// ones.
type endpoint struct {
	method, path string
	// status is that of a success.
	status int
	serve  func(*control, *call) (any, error)
}

var endpoints = []endpoint{
	{http.MethodGet, "status", http.StatusOK, (*control).getStatus},

	{http.MethodGet, "clients", http.StatusOK, (*control).listClients},
	{http.MethodPost, "clients", http.StatusCreated, (*control).createClient},
	{http.MethodGet, "clients/{client_id}", http.StatusOK, (*control).getClient},
	{http.MethodPatch, "clients/{client_id}", http.StatusOK, (*control).changeClient},
	{http.MethodGet, "clients/{client_id}/messages", http.StatusOK, (*control).listMessages},
	{http.MethodPost, "clients/{client_id}/messages", http.StatusCreated, (*control).writeMessage},
	{http.MethodPost, "clients/{client_id}/press", http.StatusCreated, (*control).pressButton},
	{http.MethodGet, "messengers", http.StatusOK, (*control).listMessengers},

	{http.MethodGet, "requests", http.StatusOK, (*control).listRequests},
	{http.MethodGet, "requests/{number}", http.StatusOK, (*control).getRequest},
	{http.MethodGet, "actions", http.StatusOK, (*control).listActions},

	{http.MethodGet, "deliveries", http.StatusOK, (*control).listDeliveries},
	{http.MethodGet, "deliveries/{number}", http.StatusOK, (*control).getDelivery},
	{http.MethodPost, "deliveries/{number}/redeliver", http.StatusAccepted, (*control).redeliver},
	{http.MethodGet, "webhook", http.StatusOK, (*control).getWebhook},
	{http.MethodPut, "webhook", http.StatusOK, (*control).setWebhook},

	{http.MethodGet, "faults", http.StatusOK, (*control).listFaults},
	{http.MethodPost, "faults", http.StatusCreated, (*control).addFault},
	{http.MethodDelete, "faults", http.StatusOK, (*control).clearFaults},
	{http.MethodDelete, "faults/{fault_id}", http.StatusOK, (*control).removeFault},

	{http.MethodGet, "clock", http.StatusOK, (*control).getClock},
	{http.MethodPost, "clock/advance", http.StatusOK, (*control).advanceClock},

	{http.MethodGet, "settings", http.StatusOK, (*control).getSettings},
	{http.MethodPut, "settings", http.StatusOK, (*control).setSettings},
	{http.MethodGet, "settings/answers", http.StatusOK, (*control).listAnswers},
	{http.MethodPatch, "settings/answers", http.StatusOK, (*control).changeAnswers},

	{http.MethodGet, "snapshot", http.StatusOK, (*control).getSnapshot},
	{http.MethodPut, "snapshot", http.StatusOK, (*control).restore},
	{http.MethodPost, "save", http.StatusOK, (*control).saveState},
	{http.MethodPost, "reset", http.StatusOK, (*control).reset},
}

// Two further endpoints answer with something else than JSON.
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
	mux.Handle("GET "+eventsPath, c.feed)
	mux.HandleFunc("GET "+openAPIPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
		_, _ = w.Write(openAPI)
	})
	mux.HandleFunc(controlPath, func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is no such endpoint; see "+openAPIPath)
	})
	return mux
}

func (c *control) serve(w http.ResponseWriter, r *http.Request, e endpoint) {
	answer, err := e.serve(c, &call{Request: r, w: w})
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
	w http.ResponseWriter
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
		return badRequest("the body cannot be read: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("the body goes on after its JSON value")
	}
	return nil
}

// number reads a parameter of the query that counts something.
func (c *call) number(name string, fallback, largest int64) (int64, error) {
	text := c.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, badRequest("%s must be a whole number", name)
	}
	return min(n, largest), nil
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
	timer := time.NewTimer(min(time.Duration(seconds)*time.Second, longestWait))
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
