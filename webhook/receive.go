package webhook

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// refusal is an answer that is not 2xx.
type refusal struct {
	status int
	// read says that the body was read to its end.
	read bool
	// text is sent. It does not say more than the sender may know: the secret that
	// is wrong and the one that is missing give the same.
	text string
	// err is the reason for hooks and logs.
	err error
}

// Errors of requests that were refused. Hooks see them as Step.Err, along with
// ErrBodyTooLarge and the errors of Decode.
var (
	// ErrMethod says that a request was neither GET, HEAD nor POST.
	ErrMethod = errors.New("webhook: method not allowed")
	// ErrAddress says that a request came from an address that is not allowed.
	ErrAddress = errors.New("webhook: address not allowed")
	// ErrSecret says that a request had a wrong secret, or none.
	ErrSecret = errors.New("webhook: wrong or missing secret")
	// ErrSlowSender says that the body did not come in time.
	ErrSlowSender = errors.New("webhook: the body did not come in time")
	// ErrBrokenBody says that the body broke off.
	ErrBrokenBody = errors.New("webhook: the body broke off")
	// ErrEncoding says that the body was compressed.
	ErrEncoding = errors.New("webhook: the body has a content encoding")
	// ErrShutDown says that the handler was shut down.
	ErrShutDown = errors.New("webhook: the handler is shut down")
)

const (
	acceptedText  = "{\"ok\":true}\n"
	forbiddenText = "forbidden\n"
)

// reception is what came of a request.
type reception struct {
	// size is the size of the body.
	size   int
	result Result
	unread []string
	// client and message are those of the event.
	client  salebot.ClientID
	message salebot.MessageID
	// refused is why the answer is not 200; nil if it is.
	refused *refusal
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := Step{Kind: StepReceive, Endpoint: h.endpoint}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		step.Kind = StepHealth
	}
	ctx, start := r.Context(), time.Time{}
	if len(h.hooks) > 0 {
		ctx, start = h.before(ctx, step), time.Now()
	}
	got := h.serve(ctx, w, r)
	h.answer(w, r, got.refused)
	if got.refused != nil && step.Kind == StepReceive {
		got.result = ResultRefused
		h.counters.refused.Add(1)
	}
	if len(h.hooks) == 0 {
		return
	}
	step.Duration, step.BodySize = time.Since(start), got.size
	step.Status, step.Result, step.Unread = http.StatusOK, got.result, got.unread
	step.ClientID, step.MessageID = got.client, got.message
	if got.refused != nil {
		step.Status, step.Err = got.refused.status, got.refused.err
	}
	h.after(ctx, step)
}

// answer writes the response.
func (c *config) answer(w http.ResponseWriter, r *http.Request, refused *refusal) {
	header := w.Header()
	if refused == nil {
		header["Content-Type"] = jsonType
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, acceptedText)
		}
		return
	}
	if r.Method == http.MethodPost || refused.status != http.StatusServiceUnavailable {
		// What is wrong with the health is logged where it changes.
		c.logger.LogAttrs(r.Context(), slog.LevelWarn, "webhook request refused", slog.Int("status", refused.status), slog.Any("error", refused.err))
	}
	header["Content-Type"] = textType
	header["X-Content-Type-Options"] = noSniff
	switch refused.status {
	case http.StatusMethodNotAllowed:
		header.Set("Allow", "GET, HEAD, POST")
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", "5")
	}
	if hasBody(r) && !refused.read {
		// Otherwise the server would read on before it answers.
		header.Set("Connection", "close")
	}
	w.WriteHeader(refused.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, refused.text)
	}
}

// Header values that are the same in every answer.
var (
	jsonType = []string{"application/json"}
	textType = []string{"text/plain; charset=utf-8"}
	noSniff  = []string{"nosniff"}
)

// serve does everything but answer.
func (h *Handler) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) reception {
	limited := h.limitReading(w, r)
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodHead:
	default:
		return reception{refused: &refusal{status: http.StatusMethodNotAllowed, text: "method not allowed\n", err: ErrMethod}}
	}
	if !h.enter() {
		return reception{refused: &refusal{status: http.StatusServiceUnavailable, text: "shutting down\n", err: ErrShutDown}}
	}
	defer h.receiving.Done()
	if r.Method != http.MethodPost {
		return reception{refused: h.refuseUnhealthy(ctx)}
	}
	if refused := h.admit(r); refused != nil {
		return reception{refused: refused}
	}
	buffer := h.buffers.Get().(*[]byte)
	defer h.recycle(buffer)
	body, refused := h.read(r, buffer)
	got := reception{size: len(body), refused: refused}
	if refused != nil {
		return got
	}
	if limited {
		// The connection goes on, and so does the watch for its end.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	event, err := decode(body, h.maxDepth)
	if err != nil {
		got.refused = refuseBody(err)
		return got
	}
	event.serviceTexts = &h.serviceTexts
	got.unread, got.client, got.message = event.Unread, event.Client.ID, event.ID
	got.result, got.refused = h.keep(ctx, event)
	return got
}

// admit checks what can be checked before the body is read: nothing is read for a
// stranger.
func (c *config) admit(r *http.Request) *refusal {
	if r.ContentLength > c.maxBodySize {
		return tooLarge()
	}
	if len(c.networks) > 0 {
		if address, ok := senderAddress(r, c.proxies); !ok || !allowed(address, c.networks) {
			return &refusal{status: http.StatusForbidden, text: forbiddenText, err: ErrAddress}
		}
	}
	if !c.noSecret && !c.secrets.check(r) {
		return &refusal{status: http.StatusForbidden, text: forbiddenText, err: ErrSecret}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &refusal{status: http.StatusUnsupportedMediaType, text: "content encoding not supported\n", err: ErrEncoding}
	}
	return nil
}

func tooLarge() *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, text: "body too large\n", err: ErrBodyTooLarge}
}

func refuseBody(err error) *refusal {
	refused := &refusal{status: http.StatusBadRequest, read: true, text: "malformed body\n", err: err}
	switch {
	case errors.Is(err, ErrNotProjectWebhook):
		refused.status, refused.text = http.StatusUnprocessableEntity, "not a body of the project webhook\n"
	case errors.Is(err, ErrEmptyBody):
		refused.text = "empty body\n"
	case errors.Is(err, ErrTooDeep):
		refused.text = "body nested too deeply\n"
	}
	return refused
}

// largestBuffer bounds the buffers that are kept for the next request.
const largestBuffer = 64 << 10

func (h *Handler) recycle(buffer *[]byte) {
	if cap(*buffer) <= largestBuffer {
		h.buffers.Put(buffer)
	}
}

// hasBody reports whether a request has a body, or may have one.
func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// limitReading sets the time in which the body has to come, for strangers too: nobody
// wants theirs, but the server would wait for it. It returns false if no limit can be
// set, as under some ResponseWriters.
func (c *config) limitReading(w http.ResponseWriter, r *http.Request) bool {
	return hasBody(r) && http.NewResponseController(w).SetReadDeadline(time.Now().Add(c.readTimeout)) == nil
}

// read reads the body into a buffer, within the limit of size. The one of time was
// set before.
func (h *Handler) read(r *http.Request, buffer *[]byte) ([]byte, *refusal) {
	body, err := readBody(r.Body, (*buffer)[:0], int(r.ContentLength), int(h.maxBodySize))
	*buffer = body
	switch {
	case err == nil:
		return body, nil
	case errors.Is(err, ErrBodyTooLarge):
		return body, tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return body, &refusal{status: http.StatusRequestTimeout, text: "body not received in time\n", err: ErrSlowSender}
	}
	return body, &refusal{status: http.StatusBadRequest, text: "body not received\n", err: ErrBrokenBody}
}

// readBody appends a body to buffer. A body that is announced gets the room for it
// at once, within reason.
func readBody(body io.Reader, buffer []byte, announced, limit int) ([]byte, error) {
	const least, most = 512, 16 << 10
	if body == nil {
		return buffer, nil
	}
	if room := max(least, min(announced+1, most)); cap(buffer) < room {
		buffer = make([]byte, 0, room)
	}
	for {
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, 0)[:len(buffer)]
		}
		n, err := body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		switch {
		case len(buffer) > limit:
			return buffer, ErrBodyTooLarge
		case err == io.EOF:
			return buffer, nil
		case err != nil:
			return buffer, err
		}
	}
}

// fate is what is to become of an event.
type fate uint8

const (
	// unwanted events are acknowledged and forgotten.
	unwanted fate = iota
	// wanted ones are for the handler's function.
	wanted
	// puzzling ones are kept, but what they are is not known.
	puzzling
)

// classify says what is to become of an event.
func (h *Handler) classify(event *Event) fate {
	want := false
	switch {
	case h.filter != nil:
		want = h.filter(event)
	case event.Origin == OriginUnknown:
	case event.Origin == OriginFunnel || event.Origin == OriginOperatorOrAPI:
		want = h.outgoing
	case h.serviceTexts.Match(event):
		want = h.serviceEvents
	default:
		want = true
	}
	switch {
	case want:
		return wanted
	case event.Origin == OriginUnknown:
		return puzzling
	}
	return unwanted
}

// keep puts an event into the inbox.
func (h *Handler) keep(ctx context.Context, event *Event) (Result, *refusal) {
	if len(event.Unread) > 0 || event.Origin == OriginUnknown {
		h.logger.LogAttrs(ctx, slog.LevelWarn, "webhook event was not understood entirely", slog.Any("fields", event.Unread), slog.String("origin", event.Origin.String()), slog.Int64("message_id", int64(event.ID)))
	}
	result, err := h.offer(ctx, event, event.raw)
	if err != nil {
		h.logger.LogAttrs(ctx, slog.LevelError, "webhook event not kept", slog.Any("error", err), slog.Int64("message_id", int64(event.ID)))
		return result, &refusal{status: http.StatusServiceUnavailable, read: true, text: "try again later\n", err: err}
	}
	return result, nil
}

// offer puts an event into the inbox unless it is unwanted.
func (h *Handler) offer(ctx context.Context, event *Event, body string) (Result, error) {
	result, err := h.put(ctx, event, body)
	h.counters.count(result, event)
	return result, err
}

func (h *Handler) put(ctx context.Context, event *Event, body string) (Result, error) {
	what := h.classify(event)
	if what == unwanted {
		return ResultUnwanted, nil
	}
	h.keeping(ctx, event)
	now := time.Now()
	// A sender that hangs up now has sent its event all the same, and may never send
	// it again.
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.putTimeout)
	defer cancel()
	receipt, err := h.inbox.Put(limited, Entry{
		Endpoint:   h.endpoint,
		ClientID:   event.Client.ID,
		MessageID:  event.ID,
		Failed:     event.Failed,
		Recovered:  event.Recovered,
		AcceptedAt: now,
		Body:       body,
	})
	h.health.put.note(err, now)
	switch {
	case err != nil:
		return ResultUnknown, err
	case receipt.Duplicate:
		return ResultDuplicate, nil
	case what == puzzling:
		return ResultNotUnderstood, nil
	}
	return ResultKept, nil
}
