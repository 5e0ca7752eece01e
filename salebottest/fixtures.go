package salebottest

import (
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jarcoal/httpmock"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/testdata"
)

// Fixture is a recorded form of an answer of the API, with what a client has to
// conclude from it.
type Fixture = testdata.Fixture

// Fixtures returns the fixtures of an action, sorted by their case. It panics
// where there is no such action, as tests want it.
func Fixtures(name string) []Fixture {
	fixtures, err := testdata.Answers(name)
	if err != nil {
		panic(fmt.Errorf("salebottest: %w", err))
	}
	return fixtures
}

// LookupFixture returns one fixture, such as LookupFixture("message", "ok-text").
// It panics where there is none.
func LookupFixture(name, one string) Fixture {
	fixtures := Fixtures(name)
	at := slices.IndexFunc(fixtures, func(f Fixture) bool { return f.Case == one })
	if at < 0 {
		var cases []string
		for _, f := range fixtures {
			cases = append(cases, f.Case)
		}
		panic(fmt.Sprintf("salebottest: there is no fixture %q for %s, only %q", one, name, cases))
	}
	return fixtures[at]
}

// RegisterFixture lets a MockTransport of httpmock answer an action with a
// fixture, under any base URL and any key. Several cases are answered one after
// another, and the last one from then on:
//
//	mock := httpmock.NewMockTransport()
//	salebottest.RegisterFixture(mock, "message", "bad-gateway-html", "ok-text")
//	client, err := salebot.New(key, salebot.WithTransport(mock))
//
// It panics where there is no such fixture.
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
	row := action.Lookup(name)
	if row == nil {
		return []string{http.MethodGet, http.MethodPost}
	}
	methods := slices.Clone(row.Methods)
	if other := routes[name].alsoBy; other != "" && !slices.Contains(methods, other) {
		methods = append(methods, other)
	}
	return methods
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
func WebhookFixtures() []WebhookFixture { return webhookFixtures("webhook") }

// BlockFixtures returns what the "API request" blocks of flows send: their
// authors choose the keys, and some of the bodies are broken.
func BlockFixtures() []WebhookFixture { return webhookFixtures("webhook-flat") }

var contentTypes = map[string]string{
	".json": "application/json",
	".form": "application/x-www-form-urlencoded",
	".txt":  "text/plain",
}

func webhookFixtures(folder string) []WebhookFixture {
	files, err := fs.Glob(testdata.Fixtures, path.Join("fixtures", folder, "*"))
	if err != nil {
		panic(err)
	}
	fixtures := make([]WebhookFixture, 0, len(files))
	for _, file := range files {
		body, err := testdata.Fixtures.ReadFile(file)
		if err != nil {
			panic(err)
		}
		extension := path.Ext(file)
		fixtures = append(fixtures, WebhookFixture{
			Name: strings.TrimSuffix(path.Base(file), extension), ContentType: contentTypes[extension], Body: body,
		})
	}
	return fixtures
}
