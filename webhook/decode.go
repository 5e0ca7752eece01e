package webhook

import (
	"errors"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/wire"
)

// Decode reads a body of the project's webhook. It takes JSON under any label, a form,
// also one of type multipart/form-data, JSON inside a JSON string, and any of these as a
// member of another object, or as the one element of a list. It reads each field in
// all the forms that were seen. A field in a form that it does not understand stays
// zero and is named in Event.Unread, so that a single odd field never costs the
// message.
//
// The errors are ErrEmptyBody, ErrMalformed, ErrTooDeep (more than
// DefaultMaxDepth levels) and, for a body that is none of the project's webhook,
// ErrNotProjectWebhook. They do not quote the body. The Event does not refer to
// body after Decode returns.
func Decode(body []byte) (Event, error) {
	event, err := decode(body, DefaultMaxDepth)
	if err != nil {
		return Event{}, err
	}
	return *event, nil
}

func decode(body []byte, depth int) (*Event, error) {
	found, err := openBody(body, depth, 0)
	if err != nil {
		return nil, err
	}
	for wrappers := 1; ; wrappers++ {
		d := decoder{event: new(Event)}
		err := d.document(found, depth)
		if errors.Is(err, wire.ErrControl) {
			found, d = found.escaped(), decoder{event: new(Event)}
			err = d.document(found, depth)
		}
		if err != nil {
			return nil, malformed(err)
		}
		if d.marks.found() {
			d.finish()
			d.event.raw = found.text
			if found.text != string(body) {
				d.event.raw = string(body)
			}
			return d.event, nil
		}
		inner, ok := found.wrapped(depth, wrappers)
		if !ok {
			inner, ok = found.unwrap(depth, wrappers)
		}
		if !ok {
			return nil, ErrNotProjectWebhook
		}
		found = inner
	}
}

// otherPlatformIDs are names of client.recepient that are spelled better. Programs expect
// them besides, should Salebot mend its spelling.
var otherPlatformIDs = [...]string{"recipient", "platform_id"}

// decoder fills an event. Its functions are told where a value stands, and keep
// texts as parts of the document where they can.
type decoder struct {
	event *Event
	marks marks
	input wire.Boolean
	// unclear says that a field which decides about the origin was not readable.
	unclear bool
	// clientID and platformIDs are values under names that stand for client.id and
	// client.recepient if these are missing; "" if they did not come.
	clientID    string
	platformIDs [len(otherPlatformIDs)]string
	// outside is what the history calls message_from_outside; -1 if it is absent.
	outside salebot.HistoryOrigin
}

// document reads an object, and returns what is wrong with its syntax.
func (d *decoder) document(source document, depth int) error {
	e := d.event
	e.object = source.text
	e.Client.ClientType = salebot.ClientTypeUnrecognized
	d.outside = -1
	w := wire.Walk(source.text, depth)
	for key, ok := w.Key(); ok; key, ok = w.Key() {
		if key == "client" && w.Enter() {
			d.marks.client = true
			// Of two with the same name the later counts.
			e.Client = Client{ClientType: salebot.ClientTypeUnrecognized}
			d.platformIDs = [len(otherPlatformIDs)]string{}
			d.client(source, &w)
			continue
		}
		from, to, ok := w.Value()
		if !ok {
			break
		}
		if !d.origin(key, source.text[from:to], source.bytes[from:to]) {
			d.content(key, source.text[from:to], source.bytes[from:to])
		}
	}
	return w.End()
}

// origin reads a member that tells who wrote the message. It returns false for other
// members.
func (d *decoder) origin(key, value string, raw []byte) bool {
	switch key {
	case "is_input":
		d.marks.input = true
		d.input = d.flag(value, key)
	case "message_id":
		unread := len(d.event.Unread)
		d.event.BlockID = salebot.BlockID(d.number(value, key))
		d.unclear = len(d.event.Unread) > unread
	case "message_from_outside":
		var origin salebot.HistoryOrigin // not d.outside, which would put d on the heap
		d.check(origin.UnmarshalJSON(raw), key)
		d.outside = origin
	default:
		return false
	}
	return true
}

// content reads the other members.
func (d *decoder) content(key, value string, raw []byte) {
	e := d.event
	switch key {
	case "id":
		e.ID = salebot.MessageID(d.number(value, key))
	case "client":
		d.clientText(value)
	case "client_id":
		d.clientID = value
	case "message":
		e.Text = looseText(value)
	case "attachments":
		// Any JSON is taken.
		_ = e.Attachments.UnmarshalJSON(raw)
	case "project_id":
		e.ProjectID = salebot.ProjectID(d.number(value, key))
	case "delivered":
		d.marks.delivered = true
		e.Failed = d.flag(value, key).False()
	case "error_message":
		e.ErrorMessage = looseText(value)
	case "internal_id":
		e.InternalID = looseText(value)
	case "created_at":
		d.time(&e.CreatedAt, raw, key)
	}
}

// clientText reads a client that is not an object: JSON in a text, or null.
func (d *decoder) clientText(value string) {
	switch inner := objectText(value); {
	case inner != "":
		d.marks.client = true
		w := wire.Walk(inner, wire.MaxDepth)
		d.client(document{text: inner, bytes: []byte(inner)}, &w)
	case value != "null" && (value[0] != '"' || !wire.IsUnset(wire.Unquote(value))):
		d.unread("client")
	}
}

// client reads the members of an object that was entered.
func (d *decoder) client(source document, w *wire.Walker) {
	for key, from, to, ok := w.Next(); ok; key, from, to, ok = w.Next() {
		if !d.identity(key, source.text[from:to], source.bytes[from:to]) {
			d.profile(key, source.text[from:to], source.bytes[from:to])
		}
	}
}

// identity reads a member that says which client it is. It returns false for other
// members.
func (d *decoder) identity(key, value string, raw []byte) bool {
	c := &d.event.Client
	switch key {
	case "id":
		c.ID = salebot.ClientID(d.number(value, "client.id"))
	case "recepient":
		d.marks.recipient = true
		c.PlatformID = salebot.PlatformID(d.identifier(value, "client.recepient"))
	case otherPlatformIDs[0]:
		d.platformIDs[0] = value
	case otherPlatformIDs[1]:
		d.platformIDs[1] = value
	case "client_type":
		if number, ok := smallNumber(value); ok {
			c.ClientType = salebot.ClientType(number)
		} else {
			d.messenger(value, raw)
		}
	case "group":
		c.GroupID = salebot.GroupID(d.identifier(value, "client.group"))
	default:
		return false
	}
	return true
}

// profile reads the other members of a client.
func (d *decoder) profile(key, value string, raw []byte) {
	c := &d.event.Client
	switch key {
	case "name":
		c.Name = d.text(value, "client.name")
	case "avatar":
		c.Avatar = d.text(value, "client.avatar")
	case "created_at":
		d.time(&c.CreatedAt, raw, "client.created_at")
	case "tag":
		c.Tag = d.text(value, "client.tag")
	case "variables":
		d.variables(&c.Variables, raw, "client.variables")
	case "order_variables":
		d.variables(&c.OrderVariables, raw, "client.order_variables")
	case "unread_count":
		c.UnreadCount = int(d.number(value, "client.unread_count"))
	case "custom_answer":
		c.CustomAnswer = looseText(value)
	case "operator_start_dialog":
		c.OperatorStartDialog = looseText(value)
	}
}

// finish takes values from under their other names, and concludes who wrote the message.
func (d *decoder) finish() {
	e := d.event
	if e.Client.ID == 0 && d.clientID != "" {
		e.Client.ID = salebot.ClientID(d.number(d.clientID, "client_id"))
	}
	for i, value := range d.platformIDs {
		if e.Client.PlatformID == "" && value != "" {
			e.Client.PlatformID = salebot.PlatformID(d.identifier(value, "client."+otherPlatformIDs[i]))
		}
	}
	switch {
	case d.outside == salebot.HistoryOriginCallback:
		e.Origin = OriginCallback
	case d.input.True() && (isCallbackText(e.Text) || isPaymentText(e.Text)):
		e.Origin = OriginCallback
	case d.input.True():
		e.Origin = OriginClient
	case !d.input.False() || d.unclear:
		e.Origin = OriginUnknown
	case e.BlockID != 0:
		e.Origin = OriginFunnel
	default:
		e.Origin = OriginOperatorOrAPI
	}
}

func (d *decoder) unread(name string) { d.event.Unread = append(d.event.Unread, name) }

func (d *decoder) check(err error, name string) {
	if err != nil {
		d.unread(name)
	}
}

func (d *decoder) number(value, name string) int64 {
	if number, ok := smallNumber(value); ok || value == "null" {
		return number
	}
	number, err := wire.Int([]byte(value))
	d.check(err, name)
	return number
}

// identifier reads an id that is text or a whole number. A word that means "unset" is
// odd for it, since null and "" say that.
func (d *decoder) identifier(value, name string) string {
	if value[0] == '"' {
		id := wire.Unquote(value)
		if id != "" && wire.IsUnset(strings.TrimSpace(id)) {
			d.unread(name)
			return ""
		}
		return id
	}
	id, err := wire.Identifier([]byte(value))
	d.check(err, name)
	return id
}

// smallNumber reads what numbers usually look like: up to 18 digits.
func smallNumber(value string) (int64, bool) {
	if len(value) == 0 || len(value) > 18 {
		return 0, false
	}
	var number int64
	for i := range len(value) {
		digit := value[i] - '0'
		if digit > 9 {
			return 0, false
		}
		number = number*10 + int64(digit)
	}
	return number, true
}

func (d *decoder) flag(value, name string) wire.Boolean {
	switch value {
	case "1", "true":
		return 1
	case "0", "false":
		return -1
	}
	var flag wire.Boolean
	d.check(flag.UnmarshalJSON([]byte(value)), name)
	return flag
}

// variables reads an object, which may come as JSON in a text.
func (d *decoder) variables(target *salebot.Variables, value []byte, name string) {
	if value[0] == '"' {
		inner := strings.TrimSpace(wire.Unquote(string(value)))
		switch {
		case wire.IsUnset(inner):
			return
		case isJSONText(inner):
			value = []byte(inner)
		}
	}
	d.check(target.UnmarshalJSON(value), name)
}

// messenger reads a client_type that is not a plain number. A name that is not known
// leaves it unrecognized.
func (d *decoder) messenger(value string, raw []byte) {
	c := &d.event.Client
	err := c.ClientType.UnmarshalJSON(raw)
	named := value != "null" && (value[0] != '"' || !wire.IsUnset(strings.TrimSpace(wire.Unquote(value))))
	if err != nil || named && c.ClientType == salebot.ClientTypeUnrecognized {
		d.unread("client.client_type")
	}
}

// time reads a time; a text that is none is kept in it.
func (d *decoder) time(target *salebot.Timestamp, raw []byte, name string) {
	err := target.UnmarshalJSON(raw)
	if err == nil {
		_, err = target.In(time.UTC)
	}
	d.check(err, name)
}

// text reads a text that may come as a number or null. It stands for nothing else: a
// flag is no name.
func (d *decoder) text(value, name string) string {
	switch value[0] {
	case 't', 'f', '{', '[':
		d.unread(name)
		return ""
	}
	return looseText(value)
}

// looseText reads a text that may come as a number, a flag or null. Objects and arrays
// are given as their JSON: it is a person who reads them.
func looseText(value string) string {
	switch {
	case value[0] == '"':
		return wire.Unquote(value)
	case value == "null":
		return ""
	}
	return value
}
