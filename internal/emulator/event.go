package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/salebot-go/salebot/internal/wire"
)

// event writes what the webhook is told about a message. An employee's message
// and an echo of the API look alike in it, as they do in what Salebot sends.
func (p *project) event(c *client, m *message, form AttachmentsForm) []byte {
	more := m.more
	if more == nil {
		more = &details{}
	}
	o := object{in: p}
	o.id("id", m.id)
	o.Raw("client", p.eventClient(c))
	// A file without a text has null, as receivers met it; a contact has "".
	isFile := func(a Attachment) bool { return a.PhoneNumber == "" }
	if m.text == "" && slices.ContainsFunc(more.attachments, isFile) {
		o.null("message")
	} else {
		o.Text("message", m.text)
	}
	if len(more.attachments) == 0 {
		o.null("attachments")
	} else {
		o.Raw("attachments", form.appendJSON(nil, more.attachments))
	}
	o.idOrNull("message_id", m.block)
	o.id("project_id", p.id)
	o.Int("is_input", number(m.fromClient))
	o.Int("delivered", number(more.failure == ""))
	o.Text("error_message", more.failure)
	if m.fromClient {
		o.Text("internal_id", strconv.FormatInt(m.id%1_000_000_000, 10))
	} else {
		o.null("internal_id")
	}
	return o.Bytes()
}

func number(flag bool) int64 {
	if flag {
		return 1
	}
	return 0
}

func (p *project) eventClient(c *client) []byte {
	o := object{in: p}
	o.id("id", c.id)
	o.Text("recepient", c.platform)
	o.Int("client_type", int64(c.kind))
	o.Text("name", c.name) // strict receivers refuse null
	o.textOrNull("avatar", c.avatar)
	o.clientTime("created_at", c.createdAt)
	o.textOrNull("tag", c.tag)
	o.Text("group", c.group)
	for _, of := range []struct {
		name   string
		values variables
	}{{"variables", c.variables}, {"order_variables", *c.dealVariables()}} {
		var values wire.Object
		p.put(&values, of.values)
		o.Raw(of.name, values.Bytes())
	}
	return o.Bytes()
}

func (form AttachmentsForm) appendJSON(text []byte, attachments []Attachment) []byte {
	switch form {
	case AttachmentsAsObjects, AttachmentsAsObject:
		if form == AttachmentsAsObject {
			return append(text, attachments[0].object()...)
		}
		text = append(text, '[')
		for i, attachment := range attachments {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(text, attachment.object()...)
		}
		return append(text, ']')
	case AttachmentsAsText:
		return wire.AppendText(text, string(appendAttachments(nil, attachments)))
	case AttachmentsAsURLs:
	}
	return appendAttachments(text, attachments)
}

func (a Attachment) object() []byte {
	var o wire.Object
	if a.PhoneNumber != "" {
		o.Text("phone_number", a.PhoneNumber)
		return o.Bytes()
	}
	o.Text("type", a.Type)
	o.Text("url", a.URL)
	return o.Bytes()
}

// handlerTransport hands requests to a handler of the same process.
type handlerTransport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t handlerTransport) RoundTrip(r *http.Request) (response *http.Response, err error) {
	w := &recorder{header: http.Header{}}
	r.RemoteAddr = "127.0.0.1:1"
	r.RequestURI = r.URL.RequestURI()
	r.Host = r.URL.Host
	defer func() {
		if problem := recover(); problem != nil {
			response, err = nil, fmt.Errorf("the receiver panicked: %v", problem)
		}
	}()
	t.handler.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r,
	}, nil
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header, WriteHeader and Write implement http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(text []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(text)
}
