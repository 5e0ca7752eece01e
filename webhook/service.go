package webhook

import (
	"regexp"
	"slices"
	"strings"
)

// ServiceTexts recognizes service events: notices that Salebot writes into a
// conversation as if the client had written them. Salebot publishes no full list, so the
// set is open: begin with KnownServiceTexts, add what your project meets, and take out
// what people of yours really type. The zero value recognizes nothing. It is immutable
// and safe for concurrent use.
//
// An element of the set is a pattern for the whole text of a message. In it {n} stands
// for a whole number, {word} for a text without spaces, and {text} for any text, also
// none; a space before {text} goes with it. Everything else stands for itself, in this
// case. There are three patterns for what has no fixed text: ServiceCallbacks,
// ServicePayments and ServiceEmpty.
type ServiceTexts struct {
	patterns []*servicePattern
	// byWord has the patterns that begin with a word that is followed by a space or
	// the end; the others are in anywhere.
	byWord   map[string][]*servicePattern
	anywhere []*servicePattern
	checks   []func(*Event) bool
}

// Patterns of service events that have no fixed text, for ServiceTexts.
const (
	// ServiceCallbacks stands for the callbacks whose texts Salebot chooses: a first
	// word that ends in _callback, a change of a deal, the press of a link.
	ServiceCallbacks = "{callback}"
	// ServicePayments stands for the results of payments: ten letters and digits, then
	// _success, _fail or _different_amounts.
	ServicePayments = "{payment}"
	// ServiceEmpty stands for a message without text and attachments.
	ServiceEmpty = "{empty}"
)

// knownNotices are the notices that the reference or public code names.
var knownNotices = []string{
	"new_chat_member", "left_chat_member", "kicked_chat_member", "chat_join_request", "chat_opened", "bot_added", "bot_removed", "bot_added_to_group",
	"bot_left_group", "user_added", "user_removed", "write_access_allowed {text}", "edited_channel_post {text}", "poll_added {text}", "message_read",
	"client_started", "client_returned", "client_left", "client_subscribed", "client_unsubscribed", "client_silent_{text}",
	"client_group_join", "client_group_join request", "client_group_join approved", "client_group_leave", "client_liked_post {n}",
	"client_wall_reply_new {n} {text}", "client_wall_repost {n}", "client_wall_reply_new_comment {word} {n}: {text}", "client_wall_reply_new_live {n}: {text}",
	"new_like {n}", "new_like {word} uid{n}", "like_deleted {n}", "react {n} on {n}", "cancel reaction on {n}",
	"chat_boost_from user {n}", "remove_boost_from user {n}", "chat_boost from giveaway", "remove_chat_boost from giveaway",
	"mention_in_media {text}", "mention_in_comment {text}", "instagram_reaction_to_story",
	ServiceCallbacks, ServicePayments, ServiceEmpty,
}

var knownServiceTexts = ServiceTexts{}.With(knownNotices...)

// KnownServiceTexts recognizes the service events that the reference or public code
// names. They are about members, subscriptions, silence, likes, comments, boosts, polls
// and payments. They also include the callbacks whose texts Salebot chooses, and
// messages without text and attachments. A person who types exactly such a text is
// taken for a notice, too.
func KnownServiceTexts() ServiceTexts { return knownServiceTexts }

// Patterns returns the patterns of the set in their order.
func (s ServiceTexts) Patterns() []string {
	patterns := make([]string, len(s.patterns))
	for i, p := range s.patterns {
		patterns[i] = p.source
	}
	return patterns
}

// With returns a copy that recognizes these patterns as well.
func (s ServiceTexts) With(patterns ...string) ServiceTexts {
	all := slices.Clone(s.patterns)
	for _, source := range patterns {
		if !slices.ContainsFunc(all, func(p *servicePattern) bool { return p.source == source }) {
			all = append(all, newServicePattern(source))
		}
	}
	return s.of(all)
}

// Without returns a copy that does not have these patterns; those that are not in the
// set change nothing.
func (s ServiceTexts) Without(patterns ...string) ServiceTexts {
	return s.of(slices.DeleteFunc(slices.Clone(s.patterns), func(p *servicePattern) bool { return slices.Contains(patterns, p.source) }))
}

// of returns a copy with other patterns.
func (s ServiceTexts) of(patterns []*servicePattern) ServiceTexts {
	changed := ServiceTexts{patterns: patterns, byWord: map[string][]*servicePattern{}, checks: s.checks}
	for _, p := range patterns {
		if word, ok := p.firstWord(); ok {
			changed.byWord[word] = append(changed.byWord[word], p)
		} else {
			changed.anywhere = append(changed.anywhere, p)
		}
	}
	return changed
}

// WithCheck returns a copy that also recognizes what check reports. It may be
// called from many goroutines at once.
func (s ServiceTexts) WithCheck(check func(*Event) bool) ServiceTexts {
	if check != nil {
		s.checks = slices.Concat(s.checks, []func(*Event) bool{check})
	}
	return s
}

// Match reports whether the event is a service event. Messages of the bot's side never
// are.
func (s ServiceTexts) Match(e *Event) bool {
	if e.Origin == OriginFunnel || e.Origin == OriginOperatorOrAPI {
		return false
	}
	word, _, _ := strings.Cut(e.Text, " ")
	matches := func(p *servicePattern) bool { return p.match(e) }
	if slices.ContainsFunc(s.byWord[word], matches) || slices.ContainsFunc(s.anywhere, matches) {
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

// IsService reports whether the event is a notice rather than a message of a person. It
// uses the texts of WithServiceTexts if a Handler handed the event out, and
// KnownServiceTexts otherwise.
func (e *Event) IsService() bool {
	if e.serviceTexts != nil {
		return e.serviceTexts.Match(e)
	}
	return knownServiceTexts.Match(e)
}

// servicePattern is an element of a ServiceTexts.
type servicePattern struct {
	source string
	// expression is nil if the source stands for itself.
	expression *regexp.Regexp
	// shape recognizes what has no fixed text; nil for other patterns.
	shape func(*Event) bool
}

var serviceShapes = map[string]func(*Event) bool{
	ServiceCallbacks: func(e *Event) bool {
		return e.Origin == OriginCallback && !isPaymentText(e.Text) || isCallbackText(e.Text)
	},
	ServicePayments: func(e *Event) bool { return isPaymentText(e.Text) },
	ServiceEmpty:    func(e *Event) bool { return e.Text == "" && !e.hasAttachments() },
}

var placeholderExpressions = strings.NewReplacer(`\{n\}`, `-?[0-9]+`, `\{word\}`, `[^ ]+`, ` \{text\}`, `(?: (?s:.*))?`, `\{text\}`, `(?s:.*)`)

func newServicePattern(source string) *servicePattern {
	p := &servicePattern{source: source, shape: serviceShapes[source]}
	if quoted := regexp.QuoteMeta(source); p.shape == nil {
		if expression := placeholderExpressions.Replace(quoted); expression != quoted {
			p.expression = regexp.MustCompile(`\A` + expression + `\z`)
		}
	}
	return p
}

// firstWord is the word with which every text of the pattern begins, if there is one.
func (p *servicePattern) firstWord() (string, bool) {
	word, _, _ := strings.Cut(p.source, " ")
	return word, p.shape == nil && (p.expression == nil || !strings.Contains(word, "{"))
}

func (p *servicePattern) match(e *Event) bool {
	switch {
	case p.shape != nil:
		return p.shape(e)
	case p.expression != nil:
		return p.expression.MatchString(e.Text)
	}
	return e.Text == p.source
}

// isCallbackText recognizes the texts that Salebot chooses for callbacks. They begin
// with a word that ends in _callback, or name a change of a deal or the press of a
// link.
func isCallbackText(text string) bool {
	word, rest, _ := strings.Cut(text, " ")
	if strings.HasSuffix(word, "_callback") {
		return len(word) > len("_callback")
	}
	return rest != "" && (word == "crm_state_changed" || word == "link_was_pressed")
}

// paymentKeyLength is the number of characters of the project's key with which
// the notice of a payment begins.
const paymentKeyLength = 10

// isPaymentText recognizes the results of payments, which may have an amount behind.
func isPaymentText(text string) bool {
	word, _, _ := strings.Cut(text, " ")
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
