package once

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/salebot-go/salebot/ledger"
)

// nameSize is how much of a step's digest stands for its name alone. The rest stands
// for the name together with action and receiver, which must stay the same.
const nameSize = len(ledger.Digest{}) / 2

// stepDigest is the digest of the name of a call.
func (c *Call) stepDigest(b *binding) ledger.Digest {
	step := b.digest(kindStep, c.Step)
	parts := append([]string{kindStep, c.Step, c.Action, c.Query}, c.receiver()...)
	whole := b.digest(parts...)
	copy(step[nameSize:], whole[nameSize:])
	return step
}

// unseenDigest is the digest of what a history does not show of a call: what is written
// first, and members such as the variables of a callback. It has the form of a step
// without a name, and is zero if there is nothing. The digest of the content is without
// it, because that finds the requests that look alike in a history.
func (c *Call) unseenDigest(b *binding, members string) (unseen ledger.Digest) {
	if c.First == nil && members == "" {
		return unseen
	}
	first, _, _ := (&Call{Body: c.First}).content()
	whole := b.digest(kindUnseen, first, members)
	copy(unseen[nameSize:], whole[nameSize:])
	return unseen
}

// isName reports whether a step has a name.
func isName(step ledger.Digest) bool { return [nameSize]byte(step[:nameSize]) != [nameSize]byte{} }

// sameName reports whether two steps have one name.
func sameName(a, b ledger.Digest) bool {
	return isName(a) && [nameSize]byte(a[:nameSize]) == [nameSize]byte(b[:nameSize])
}

// receiver returns the members of the request that say whom or what it is for.
func (c *Call) receiver() []string {
	var members map[string]json.RawMessage
	if json.Unmarshal(c.Body, &members) != nil {
		return nil
	}
	var found []string
	for name, value := range members {
		if isReceiver(name) {
			found = append(found, name+"="+string(value))
		}
	}
	slices.Sort(found)
	return found
}

// isReceiver reports whether a member names a receiver; message_id is the block of a
// scenario, which is content.
func isReceiver(name string) bool {
	switch name {
	case "clients", "list", "phone", "email", "recipient":
		return true
	case "message_id":
		return false
	}
	return strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_ids")
}
