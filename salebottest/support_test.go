package salebottest_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/salebottest"
)

const (
	ann = salebot.ClientID(25554)
	bob = salebot.ClientID(25555)
)

func withAnn() salebottest.Option {
	return salebottest.WithPerson(salebottest.Person{ID: ann, Name: "Ann", ClientType: salebot.ClientTypeTelegram})
}

func withBob() salebottest.Option {
	return salebottest.WithPerson(salebottest.Person{ID: bob, Name: "Bob", ClientType: salebot.ClientTypeWhatsApp, PlatformID: "79000000001"})
}

func withFlow() salebottest.Option {
	return salebottest.WithBlocks(salebottest.Block{
		ID: 1, Condition: "menu", Answer: "What would you like?",
		Buttons: []salebottest.Button{{Text: "Prices"}, {Text: "My number", Type: "phone", Line: 1}, {Text: "Site", URL: "https://example.com", Line: 2}},
	})
}

// newEmulator returns an emulator with the canary key.
func newEmulator(tb testing.TB, opts ...salebottest.Option) *salebottest.Emulator {
	tb.Helper()
	return salebottest.New(tb, append(opts, salebottest.WithKeys(salebottest.Key{Value: testkit.Key, Name: "main"}))...)
}

func newClient(tb testing.TB, opts ...salebottest.Option) (*salebot.Client, *salebottest.Emulator) {
	tb.Helper()
	emulator := newEmulator(tb, opts...)
	client := emulator.Client(tb)
	return client, emulator
}

// receiver is a program that receives the webhook.
type receiver struct {
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, string(body))
	r.headers = append(r.headers, request.Header)
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bodies
}

func deliveries(t *testing.T, emulator *salebottest.Emulator) []salebottest.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	require.NoError(t, emulator.WaitForDeliveries(ctx))
	return emulator.Deliveries()
}

func hello(t *testing.T, client *salebot.Client) error {
	t.Helper()
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: ann, Message: "Hello"})
	return err
}
