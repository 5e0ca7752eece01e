package salebottest

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"

	"github.com/jarcoal/httpmock"

	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/fixture"
)

// Fixture is one form of an answer of the API, with what a client has to
// conclude from it.
type Fixture struct {
	// Action is the action that gives the answer, and Case says what is special
	// about it, such as "ok-text" or "rate-limited".
	Action, Case string
	// Evidence says how well the answer is known: "documented", "observed" or
	// "assumed".
	Evidence string
	// Outcome is "success", "rejected" (the action was not done) or "unknown"
	// (it may have been done).
	Outcome string
	// Errors names the sentinel errors of package salebot that the answer
	// matches, such as "ErrRateLimited". It is empty for a success.
	Errors []string
	// Status, Header and Body are the answer.
	Status int
	Header http.Header
	Body   []byte
}

// Name returns the action and the case, such as "message/ok-text".
func (f Fixture) Name() string { return f.Action + "/" + f.Case }

// Response returns the answer to r, for use by an http.RoundTripper.
func (f Fixture) Response(r *http.Request) *http.Response { return fixture.Answer(f).Response(r) }

// Fixtures returns the fixtures of an action, sorted by their case. It panics
// if there is no such action, as tests want it.
func Fixtures(name string) []Fixture {
	answers, err := fixture.Answers(name)
	if err != nil {
		panic(fmt.Errorf("salebottest: %w", err))
	}
	fixtures := make([]Fixture, len(answers))
	for i, answer := range answers {
		fixtures[i] = Fixture(answer)
	}
	return fixtures
}

// LookupFixture returns one fixture, such as LookupFixture("message", "ok-text").
// It panics if there is none.
func LookupFixture(name, one string) Fixture {
	answer, err := fixture.Lookup(name, one)
	if err != nil {
		panic(fmt.Errorf("salebottest: %w", err))
	}
	return Fixture(answer)
}

// RegisterFixture lets a MockTransport of httpmock answer an action with a
// fixture, under any base URL and any key. Several cases are answered one after
// another, in the order in which requests come, and the last one from then on. So give an
// iterator one page in flight, or the emulator:
//
//	mock := httpmock.NewMockTransport()
//	salebottest.RegisterFixture(mock, "message", "bad-gateway-html", "ok-text")
//	client, err := salebot.New(key, salebot.WithTransport(mock))
//
// It panics if there is no such fixture.
func RegisterFixture(mock *httpmock.MockTransport, name string, cases ...string) {
	if len(cases) == 0 {
		panic("salebottest: RegisterFixture: name a case")
	}
	answers := make([]Fixture, len(cases))
	for i, one := range cases {
		answers[i] = LookupFixture(name, one)
	}
	var (
		mu   sync.Mutex
		next int
	)
	responder := func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		answer := answers[next]
		next = min(next+1, len(answers)-1)
		return answer.Response(r), nil
	}
	address := regexp.MustCompile(`^https?://[^/]+/(?:[^?#]*/)?[^/?#]+/` + regexp.QuoteMeta(name) + `/?(?:\?.*)?$`)
	for _, method := range methodsOf(name) {
		mock.RegisterRegexpResponder(method, address, responder)
	}
}

// RegisterFixtures is RegisterFixture for several actions: the keys are actions,
// the values are cases.
func RegisterFixtures(mock *httpmock.MockTransport, cases map[string]string) {
	for name, one := range cases {
		RegisterFixture(mock, name, one)
	}
}

func methodsOf(name string) []string {
	if methods := engine.Methods(name); methods != nil {
		return methods
	}
	return []string{http.MethodGet, http.MethodPost}
}

// WebhookFixture is the body of a request that Salebot sends, not of one that it
// answers.
type WebhookFixture struct {
	// Name says what is special about it, such as "service-client-started".
	Name string
	// ContentType is the label that goes with it.
	ContentType string
	// Body is the body.
	Body []byte
}

// WebhookFixtures returns what project webhooks deliver, in all forms that were
// seen, sorted by name. Emulator.PostToWebhook sends them.
func WebhookFixtures() []WebhookFixture { return webhookFixtures(fixture.Webhook()) }

// BlockFixtures returns what the "API request" blocks of flows send: their
// authors choose the keys, and some of the bodies are broken.
func BlockFixtures() []WebhookFixture { return webhookFixtures(fixture.Flat()) }

func webhookFixtures(deliveries []fixture.Delivery, err error) []WebhookFixture {
	if err != nil {
		panic(fmt.Errorf("salebottest: %w", err))
	}
	fixtures := make([]WebhookFixture, len(deliveries))
	for i, delivery := range deliveries {
		fixtures[i] = WebhookFixture{Name: delivery.Name, ContentType: delivery.ContentType, Body: delivery.Body}
	}
	return fixtures
}
