package once

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// Call is what has to be known of a call to tell it from others.
type Call struct {
	// Action is the Salebot action.
	Action string
	// Query and Body are the request as it is sent.
	Query string
	Body  []byte
	// First is what is written before the request is sent. It tells calls apart, too. It
	// is nil if nothing is written.
	First []byte
	// Key is the idempotency key, Step the name of the call in its piece of work.
	Key, Step string
	// Sent is what the history would show of it; nil if that cannot be told.
	Sent *Sent
}

// The parameters that say when a request is carried out. They are no part of its
// content: they may differ when it is made again.
var scheduleParameters = []string{"send_time", "time_shift"}

// shownParameters are what a history shows of a request that it shows at all.
var shownParameters = []string{"client_id", "message"}

// content returns the request without its schedule, and whether it has one. What a
// history does not show of the request is apart from the rest. The order of the members
// does not count.
func (c *Call) content() (text, unseen string, scheduled bool) {
	members, others := make([]member, 0, 8), []member(nil)
	err := wire.Members(c.Body, func(name string, value []byte) error {
		switch {
		case slices.Contains(scheduleParameters, name):
			scheduled = true
		case c.Sent != nil && !slices.Contains(shownParameters, name):
			others = append(others, member{name, value})
		case c.Sent != nil && name == "message" && strings.TrimSpace(c.Sent.Text) != c.Sent.Text:
			// Space around the text makes no difference in a history.
			members = append(members, member{name, wire.AppendText(nil, strings.TrimSpace(c.Sent.Text))})
			others = append(others, member{name, value})
		default:
			members = append(members, member{name, value})
		}
		return nil
	})
	if err != nil {
		return string(c.Body), "", false
	}
	return inOrder(members), inOrder(others), scheduled
}

// inOrder writes members in the order of their names; none is "".
func inOrder(members []member) string {
	if len(members) == 0 {
		return ""
	}
	slices.SortStableFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })
	var sorted wire.Object
	for _, m := range members {
		// Space between parts and escapes can be written in several ways; with 0xe2 begin
		// U+2028 and U+2029.
		if bytes.ContainsAny(m.value, "{[<>&") || bytes.IndexByte(m.value, 0xe2) >= 0 {
			m.value, _ = json.Marshal(json.RawMessage(m.value)) //nolint:errchkjson // it is valid
		}
		sorted.Raw(m.name, m.value)
	}
	return string(sorted.Bytes())
}

// member is a member of a JSON object.
type member struct {
	name  string
	value []byte
}
