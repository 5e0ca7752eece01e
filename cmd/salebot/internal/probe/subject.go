package probe

import (
	"strings"
	"time"

	"github.com/salebot-go/salebot"
)

// subject is whom the questions are about. It is filled by the first steps and never
// reported.
type subject struct {
	channels []salebot.Channel
	clients  []salebot.ClientRecord
	// client is whom most questions are about, record what is known of that client; it
	// is nil if only the number is.
	client salebot.ClientID
	record *salebot.ClientRecord
	// variables are those of client.
	variables salebot.Variables
	read      bool
	// nobody is a number that no client of the project has.
	nobody salebot.ClientID
	// owner is a client with deals, order one of them, and state where it is.
	owner salebot.ClientID
	order salebot.OrderID
	state salebot.StateID

	// saved says that variables were saved, called that a callback was accepted: which
	// text, and when.
	saved, called bool
	text          string
	calledAt      time.Time
	// made is the deal that was made.
	made salebot.OrderID
}

// connected returns the connections of a messenger.
func (s *subject) connected(messenger string) (found []salebot.Channel) {
	for i := range s.channels {
		if s.channels[i].Messenger == messenger {
			found = append(found, s.channels[i])
		}
	}
	return found
}

// person reports whether the client can be named by the id in the messenger.
func (s *subject) person() bool { return s.record != nil && s.record.PlatformID != "" }

// searchable is a variable to search for, one that few clients have. own says that
// someone saved it: some variables every client has.
func (s *subject) searchable() (name, value string, own bool) {
	best := -1
	for candidate, v := range s.variables.All() {
		text := v.Text()
		if v.IsUnset() || text == "" || len(text) > 64 || strings.ContainsAny(text, "\n\r") {
			continue
		}
		rank := len(text)
		switch candidate {
		case "phone", "email":
			rank += 200
		case "avatar", "messenger", "message_id", "main_client_id", "name":
			rank = 0
		}
		if rank > best || rank == best && candidate < name {
			best, name, value = rank, candidate, text
		}
	}
	return name, value, best > 0
}

// phone and email are the client's, "" if they are not known.
func (s *subject) phone() string {
	if s.person() && (s.record.ClientType == salebot.ClientTypeWhatsApp || s.record.ClientType == salebot.ClientTypeTelephony) {
		return string(s.record.PlatformID)
	}
	return s.variables.Text("phone")
}

func (s *subject) email() string {
	if s.person() && s.record.ClientType == salebot.ClientTypeEmail {
		return string(s.record.PlatformID)
	}
	return s.variables.Text("email")
}

// whatsApp is a phone with WhatsApp that the project knows; "" if there is none.
func (s *subject) whatsApp() string {
	for i := range s.clients {
		if s.clients[i].ClientType == salebot.ClientTypeWhatsApp {
			return string(s.clients[i].PlatformID)
		}
	}
	return ""
}

// What nobody has.
const (
	nobodysPhone    = "79000000001"
	nobodysEmail    = "nobody@salebot-probe.invalid"
	nobodysPlatform = "salebot-probe-nobody"
	probeVariable   = "salebot_probe"
	probeText       = "salebot_probe"
	nobodysValue    = "salebot-probe-nobody"
)
