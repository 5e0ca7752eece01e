package probe

import (
	"errors"

	"github.com/salebot-go/salebot"
)

// What steps need, each as the reason why they cannot be asked.

func isNotFound(err error) bool { return errors.Is(err, salebot.ErrNotFound) }

// needs wants something of the subject.
func needs(reason string, has func(s *subject) bool) func(r *run) string {
	return func(r *run) string {
		if !has(&r.about) {
			return reason
		}
		return ""
	}
}

var (
	needsPerson = needs("the client's id in the messenger is not known", (*subject).person)
	needsBot    = needs("the client's bot is not known", func(s *subject) bool { return s.person() && s.record.GroupID != "" })
	needsPhone  = needs("the client has no phone to look for", func(s *subject) bool { return s.phone() != "" })
	needsEmail  = needs("the client has no e-mail address to look for", func(s *subject) bool { return s.email() != "" })

	needsVariable = needs("the client has no variable to look for", func(s *subject) bool {
		name, _, _ := s.searchable()
		return name != ""
	})

	needsOrder    = needs("no client who was looked at has a deal", func(s *subject) bool { return s.order != 0 })
	needsOwnOrder = needs("the client has no deal", func(s *subject) bool { return s.order != 0 && s.owner == s.client })
	needsMade     = needs("no deal was made", func(s *subject) bool { return s.made != 0 })
	needsState    = needs("no deal was made, or its state is not known", func(s *subject) bool { return s.made != 0 && s.state != 0 })

	needsClient  = needs("the project has no client to ask about", func(s *subject) bool { return s.client != 0 })
	needsNobody  = needs("no number was found that no client has", func(s *subject) bool { return s.nobody != 0 })
	needsSaved   = needs("nothing was saved", func(s *subject) bool { return s.saved })
	needsStarted = needs("the callback was refused", func(s *subject) bool { return s.called })

	needsWhatsAppClient = needs("no client with WhatsApp was found", func(s *subject) bool { return s.whatsApp() != "" })
)

func needsChannel(messenger string) func(r *run) string {
	return needs("no "+messenger+" is connected", func(s *subject) bool { return len(s.connected(messenger)) > 0 })
}

func needsType(messenger salebot.ClientType) func(r *run) string {
	return func(r *run) string {
		if reason := needsBot(r); reason != "" {
			return reason
		}
		if r.about.record.ClientType != messenger {
			return "the client is not one of " + messenger.String()
		}
		return ""
	}
}

// needsOnlyWhatsApp wants a client of the only WhatsApp that is connected: by a phone,
// another WhatsApp would get a client of its own.
func needsOnlyWhatsApp(r *run) string {
	if reason := needsType(salebot.ClientTypeWhatsApp)(r); reason != "" {
		return reason
	}
	if all := r.about.connected("whatsapp"); len(all) != 1 || all[0].GroupID != r.about.record.GroupID {
		return "several WhatsApps are connected, or not that of the client"
	}
	return ""
}
