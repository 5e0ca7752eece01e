package salebottest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// BaseURL is the address under which the emulator answers in memory, for
// salebot.WithBaseURL together with Transport.
const BaseURL = engine.BaseURL

// Emulator is a Salebot project that answers API requests. It is an http.Handler
// for addresses of the form /api/{api_key}/{action}, and has its state in memory.
// Make it with New, NewServer, Open or Start; all methods are safe for concurrent
// use.
type Emulator struct {
	engine *engine.Emulator
	// test returns the test that it belongs to; nil outside of tests. Test libraries
	// that print an Emulator would walk from a test to all others.
	test func() testing.TB
}

// New returns an emulator for a test. It ends with the test; an option that cannot
// work fails the test. Its clients use connections in memory and work inside a
// testing/synctest bubble too:
//
//	emulator := salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 25554}))
//	client := emulator.Client(t)
func New(tb testing.TB, opts ...Option) *Emulator {
	tb.Helper()
	e, err := Open(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	e.test = func() testing.TB { return tb }
	tb.Cleanup(e.Close)
	return e
}

// Open returns an emulator for a program that is not a test. Close it at the end.
// It returns an error if an option cannot work.
func Open(opts ...Option) (*Emulator, error) {
	var s settings
	for _, opt := range opts {
		if opt != nil {
			opt(&s)
		}
	}
	e, err := engine.Open(s.engine...)
	if err != nil {
		return nil, prefixed(err)
	}
	return &Emulator{engine: e}, nil
}

func prefixed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("salebottest: %w", err)
}

// Reset returns the project to the state that the options described, and the clock
// to the real time. Logs and faults are emptied. Deliveries to the webhook that
// wait or are under way are given up: when Reset returns, nothing from before is
// sent. Keys, answers and the webhook stay as they are.
//
// Reset ends the contexts of deliveries that are under way and waits for them, as
// Close does; so a Webhook.Handler must not call Reset itself.
func (e *Emulator) Reset() error { return prefixed(e.engine.Reset()) }

// Close ends everything that the emulator has running: the in-memory connections,
// the timer of scheduled sends, the deliveries to the webhook. Its state stays
// readable. Close waits until all goroutines have ended; it may be called twice.
func (e *Emulator) Close() { e.engine.Close() }

// ServeHTTP answers a request to the API.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.engine.ServeHTTP(w, r) }

// Key returns the main API key.
func (e *Emulator) Key() string { return e.engine.Key() }

// Now returns the time of the emulator: that of package time, which is virtual
// inside a testing/synctest bubble, and what Advance added.
func (e *Emulator) Now() time.Time { return e.engine.Now() }

// Advance puts the emulator's clock forward and carries out what has become due,
// each at its own time, before it returns. A negative time is ignored. Inside a
// testing/synctest bubble it is not needed: time.Sleep does the same, also for the program
// under test.
func (e *Emulator) Advance(by time.Duration) { e.engine.Advance(by) }

// SetAnswers replaces the settings by which the emulator answers.
func (e *Emulator) SetAnswers(answers Answers) error {
	return prefixed(e.engine.SetAnswers(answers.engine()))
}

// Actions lists the actions that the emulator answers, in alphabetical order.
func Actions() []string { return engine.Actions() }

// Connect returns a client of the emulator, over in-memory connections and with
// its main key. They end with Close.
func (e *Emulator) Connect(opts ...salebot.Option) (*salebot.Client, error) {
	own := []salebot.Option{salebot.WithBaseURL(BaseURL), salebot.WithTransport(e.Transport())}
	return salebot.New(e.Key(), append(own, opts...)...)
}

// Client returns a client of the emulator for a test, over in-memory connections
// and with its main key. When the test ends the connections and the emulator are
// closed. It works inside a testing/synctest bubble if the emulator was made in
// there.
func (e *Emulator) Client(tb testing.TB, opts ...salebot.Option) *salebot.Client {
	tb.Helper()
	tb.Cleanup(e.Close)
	return clientForTest(tb, e.Connect, opts)
}

// Transport returns a transport whose connections lead to the emulator, whatever
// the host of the address. Each call returns a new one. The connections end with
// Close.
func (e *Emulator) Transport() *http.Transport { return e.engine.Transport() }

// RefuseConnections lets the next n in-memory connections be refused.
func (e *Emulator) RefuseConnections(n int) { e.engine.RefuseConnections(n) }

// FailConnections lets the next n in-memory connections fail with an error, such
// as a *net.DNSError. Open connections stay open.
func (e *Emulator) FailConnections(n int, err error) { e.engine.FailConnections(n, err) }
