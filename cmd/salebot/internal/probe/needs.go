package probe

import (
	"errors"

	"github.com/salebot-go/salebot"
)

// What steps need, each as the reason why they cannot be asked.

func isNotFound(err error) bool { return errors.Is(err, salebot.ErrNotFound) }

func needsPerson(r *run) string {
	if !r.about.person() {
		return "the client's id in the messenger is not known"
	}
	return ""
}

func needsBot(r *run) string {
	if !r.about.person() || r.about.record.GroupID == "" {
		return "the client's bot is not known"
	}
	return ""
}

func needsPhone(r *run) string {
	if r.about.phone() == "" {
		return "the client has no phone to look for"
	}
	return ""
}

func needsEmail(r *run) string {
	if r.about.email() == "" {
		return "the client has no e-mail address to look for"
	}
	return ""
}

func needsVariable(r *run) string {
	if name, _, _ := r.about.searchable(); name == "" {
		return "the client has no variable to look for"
	}
	return ""
}

func needsOrder(r *run) string {
	if r.about.order == 0 {
		return "no client who was looked at has a deal"
	}
	return ""
}

func needsOwnOrder(r *run) string {
	if r.about.order == 0 || r.about.owner != r.about.client {
		return "the client has no deal"
	}
	return ""
}

func needsMade(r *run) string {
	if r.about.made == 0 {
		return "no deal was made"
	}
	return ""
}

func needsNobody(r *run) string {
	if r.about.nobody == 0 {
		return "no number was found that no client has"
	}
	return ""
}

func needsWhatsAppClient(r *run) string {
	if r.about.whatsApp() == "" {
		return "no client with WhatsApp was found"
	}
	return ""
}

func needsChannel(messenger string) func(r *run) string {
	return func(r *run) string {
		if len(r.about.connected(messenger)) == 0 {
			return "no " + messenger + " is connected"
		}
		return ""
	}
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
