package webhook

import (
	"maps"
	"slices"
	"strings"
)

// ServiceTexts recognizes service events: notices that Salebot writes into a
// conversation as if the client had written them. The list is open, because
// Salebot publishes none: extend KnownServiceTexts by what your project meets.
// The zero value recognizes nothing. It is immutable and safe for concurrent use.
type ServiceTexts struct {
	texts    map[string]bool
	prefixes []string
	// shapes says that callbacks and messages without content count.
	shapes bool
	checks []func(*Event) bool
}

// knownServiceTexts are the notices that were documented or seen.
var knownServiceTexts = ServiceTexts{
	texts: map[string]bool{
		"new_chat_member":     true,
		"left_chat_member":    true,
		"chat_opened":         true,
		"client_started":      true,
		"client_returned":     true,
		"client_left":         true,
		"client_subscribed":   true,
		"client_unsubscribed": true,
	},
	prefixes: []string{"client_silent_"},
	shapes:   true,
}

// KnownServiceTexts recognizes the service events that the reference or public
// code names: those about members, subscriptions and silence, the callbacks whose
// texts Salebot chooses, payments, and messages without text and attachments. A
// person who types exactly such a text is taken for a notice too.
func KnownServiceTexts() ServiceTexts { return knownServiceTexts }

// With returns a copy that also recognizes these texts. A text has to be the
// whole message.
func (s ServiceTexts) With(texts ...string) ServiceTexts {
	s.texts = maps.Clone(s.texts)
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	for _, text := range texts {
		s.texts[text] = true
	}
	return s
}

// WithPrefixes returns a copy that also recognizes messages that begin with one
// of these texts.
func (s ServiceTexts) WithPrefixes(prefixes ...string) ServiceTexts {
	s.prefixes = slices.Concat(s.prefixes, prefixes)
	return s
}

// WithCheck returns a copy that also recognizes what check reports. It may be
// called from many goroutines at once.
func (s ServiceTexts) WithCheck(check func(*Event) bool) ServiceTexts {
	if check != nil {
		s.checks = slices.Concat(s.checks, []func(*Event) bool{check})
	}
	return s
}

// Match says whether the event is a service event. Messages of the bot's side
// never are.
func (s ServiceTexts) Match(e *Event) bool {
	switch e.Origin {
	case OriginCallback:
		return true
	case OriginFunnel, OriginOperatorOrAPI:
		return false
	case OriginClient, OriginUnknown:
	}
	if s.texts[e.Text] {
		return true
	}
	for _, prefix := range s.prefixes {
		if strings.HasPrefix(e.Text, prefix) {
			return true
		}
	}
	if s.shapes && (isCallbackText(e.Text) || e.Text == "" && !e.hasAttachments()) {
		return true
	}
	return len(s.checks) > 0 && s.check(*e)
}

// check asks the functions of WithCheck, of a copy: one that asks for IsService must
// not be led back to itself.
func (s ServiceTexts) check(e Event) bool {
	e.serviceTexts = nil
	return slices.ContainsFunc(s.checks, func(check func(*Event) bool) bool { return check(&e) })
}

// IsService says whether the event is a notice rather than a message of a person: by
// the texts of WithServiceTexts where a Handler handed it out, otherwise by
// KnownServiceTexts.
func (e *Event) IsService() bool {
	if e.serviceTexts != nil {
		return e.serviceTexts.Match(e)
	}
	return knownServiceTexts.Match(e)
}

// isCallbackText recognizes the texts that Salebot chooses for callbacks: they
// begin with a word that ends in _callback or names a change of a deal, the press
// of a link, or the result of a payment.
func isCallbackText(text string) bool {
	word, rest, hasRest := strings.Cut(text, " ")
	if strings.HasSuffix(word, "_callback") {
		return len(word) > len("_callback")
	}
	if !hasRest || rest == "" {
		return false
	}
	return word == "crm_state_changed" || word == "link_was_pressed" || isPaymentWord(word)
}

// paymentKeyLength is the number of characters of the project's key with which
// the notice of a payment begins.
const paymentKeyLength = 10

func isPaymentWord(word string) bool {
	if len(word) <= paymentKeyLength {
		return false
	}
	for _, c := range []byte(word[:paymentKeyLength]) {
		if c-'0' > 9 && (c|0x20)-'a' > 'z'-'a' {
			return false
		}
	}
	switch word[paymentKeyLength:] {
	case "_success", "_fail", "_different_amounts":
		return true
	}
	return false
}
