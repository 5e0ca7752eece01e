package emulator

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/emulator/faults"
	"github.com/salebot-go/salebot/internal/emulator/request"
	"github.com/salebot-go/salebot/internal/text"
	"github.com/salebot-go/salebot/internal/wait"
)

const (
	// longestName bounds what is remembered of names that strangers choose.
	longestName = 200
	// longestUpload bounds the time that a body may take.
	longestUpload = time.Minute
)

// apiPath is where the actions are, below the address of the emulator.
const apiPath = "/api/"

// splitPath takes /api/{api_key}/{action} apart. One slash at the end does no
// harm.
func splitPath(path string) (key, name string, ok bool) {
	rest, found := strings.CutPrefix(path, apiPath)
	if !found {
		return "", "", false
	}
	key, name, found = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	return key, name, found && key != "" && name != "" && !strings.Contains(name, "/")
}

var noSuchPage = reply{
	status: http.StatusNotFound, contentType: pageText,
	body: []byte("<!DOCTYPE html>\n<html><head><title>404</title></head><body><h1>Not found</h1></body></html>\n"),
}

// ServeHTTP answers a request to the API.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	setDate(w, e.Now())
	if e.allowOrigin != "" && e.allowBrowsers(w, r) {
		return
	}
	entry := Request{
		Time: e.Now(), Method: text.Shorten(r.Method, longestName), ContentType: text.Shorten(r.Header.Get("Content-Type"), longestName),
	}
	key, name, ok := splitPath(r.URL.Path)
	if !ok {
		// The path may hold a key at another place, so it is not remembered.
		entry.Status, entry.Notes = noSuchPage.status, []string{"the address is not of the form /api/{api_key}/{action}"}
		e.log.add(entry)
		e.changes.notify()
		noSuchPage.write(w)
		return
	}
	entry.takeHeader(r.Header, &e.keys, key)
	entry.Action = text.Shorten(name, longestName)
	if _, swapped := e.keys.find(name); swapped && routes[name].handle == nil {
		entry.Action = "{api_key}"
	}
	fault := e.faults.Take(name)
	if fault != nil {
		entry.Fault = fault.Describe()
		e.changes.notify()
		if fault.Reset == faults.ResetBefore {
			e.log.add(entry)
			e.changes.notify()
			wait.For(r.Context(), fault.Delay)
			cut(w)
			return
		}
	}
	answer := e.answer(w, r, key, name, fault, &entry)
	entry.Status, entry.Answer = answer.status, clip(answer.body, largestLoggedAnswer)
	if fault.Cuts() {
		entry.Status = 0
	}
	entry.Took = time.Since(begin)
	if fault != nil {
		entry.Took += fault.Delay
	}
	e.log.add(entry)
	e.changes.notify()
	if fault == nil {
		answer.write(w)
		return
	}
	wait.For(r.Context(), fault.Delay)
	now := e.Now()
	setDate(w, now)
	spoil(w, fault, answer, now)
}

// setDate dates an answer by the emulator's own clock, which Advance moves: a
// program that asks the answers for Salebot's time must not get another one.
func setDate(w http.ResponseWriter, now time.Time) {
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
}

// answer reads a request and carries it out.
func (e *Emulator) answer(w http.ResponseWriter, r *http.Request, key, name string, fault *faults.Fault, entry *Request) reply {
	if r.ContentLength != 0 {
		// A program that sends slowly must not hold the connection forever. What the
		// connection cannot do is not needed.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(longestUpload))
		defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	}
	p, body, readError := request.Read(r, e.bodyLimit)
	entry.take(p, body, r.URL.RawQuery)
	defer func() { entry.Notes = append(entry.Notes, p.Remarks()...) }()
	owner, known := e.keys.find(key)
	entry.Key = maskedKey(owner, known, key)
	answers := e.currentAnswers()
	row, route := action.Lookup(name), routes[name]
	var refused reply
	switch {
	case fault.Replaces() && !fault.Execute:
		return replyOf(fault)
	case !known:
		refused = answers.unknownKey()
	case e.overLimit(owner, answers, &refused):
	case row == nil || route.handle == nil:
		refused = answers.unknownAction(name)
		p.Notef("%s", unknownAction(name))
	case !owner.may(row.Permission):
		refused = answers.missingPermission()
	case !route.accepts(row, r.Method, answers):
		refused = answers.wrongMethod()
		refused.allow = strings.Join(route.methods(row), ", ")
		route.noteMethod(&p, row, r.Method)
	case errors.Is(readError, request.ErrBodyTooLarge):
		refused = reply{status: http.StatusRequestEntityTooLarge, contentType: plainText, body: []byte("the body is too large")}
	case readError != nil:
		refused = answers.unreadable()
	default:
		refused = e.carryOut(row, route, p, entry)
	}
	if readError != nil {
		entry.Notes = append(entry.Notes, readError.Error())
	}
	if fault.Replaces() {
		return replyOf(fault)
	}
	return refused
}

// overLimit reports whether a request is more than its key may make, and answers
// it.
func (e *Emulator) overLimit(owner knownKey, answers *Answers, refused *reply) bool {
	if answers.RateLimit == (Limit{}) {
		return false
	}
	now := e.Now()
	pause, ok := e.limits.take(answers.RateLimit, owner.name, now)
	if !ok {
		*refused = answers.tooMany(pause, now)
	}
	return !ok
}

func (e *Emulator) currentAnswers() *Answers {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.project.answers
}

// carryOut runs the handler of an action.
func (e *Emulator) carryOut(row *action.Row, route route, p request.Params, entry *Request) reply {
	if !p.ApplyMapping(row) && row.Place != action.Array {
		p.NoteUnknown(row)
	}
	p.NotePlaceholders()
	c := call{row: row, parameters: p}
	var answer reply
	run := func(state *project, now int64) {
		c.project, c.at = state, now
		first := state.next.message
		answer = route.handle(&c)
		entry.ClientID = salebot.ClientID(c.about)
		if next := state.next.message; next > first {
			entry.FirstMessage, entry.LastMessage = salebot.MessageID(first), salebot.MessageID(next-1)
		}
	}
	if route.reads {
		e.read(func(state *project) { run(state, micro(e.Now())) })
	} else {
		_ = e.change(func(state *project, now int64) error {
			run(state, now)
			return nil
		})
	}
	entry.understand(c.parameters)
	return answer
}

func (a reply) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.allow != "" {
		header.Set("Allow", a.allow)
	}
	if a.retryAfter != "" {
		header.Set("Retry-After", a.retryAfter)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// allowBrowsers lets pages of other sites call the API; it reports whether that was
// all that was asked.
func (e *Emulator) allowBrowsers(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", e.allowOrigin)
	header.Add("Vary", "Origin")
	if r.Method != http.MethodOptions {
		return false
	}
	header.Set("Access-Control-Allow-Methods", "GET, POST")
	// Whoever may call the API at all may send any headers with it.
	header.Set("Access-Control-Allow-Headers", cmp.Or(r.Header.Get("Access-Control-Request-Headers"), "Content-Type"))
	w.WriteHeader(http.StatusNoContent)
	return true
}

// cut breaks the connection without an answer; on TCP the peer sees a reset.
func cut(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	breakOff(conn)
}

func breakOff(conn net.Conn) {
	switch c := conn.(type) {
	case *net.TCPConn:
		// Data that was not sent yet is thrown away, which is what a reset is.
		_ = c.SetLinger(0)
	case *pipeConn:
		c.reset()
		return
	}
	_ = conn.Close()
}
