package bench

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pages"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/peer"
)

// What is compared has to do the same work, and to notice where it was not done.

func TestCallsSucceedAndFail(t *testing.T) {
	t.Parallel()
	for _, variant := range calls.Variants() {
		t.Run(variant.Name, func(t *testing.T) {
			t.Parallel()
			for answer, want := range map[string]bool{calls.Answer: true, `{"status":"fail"}`: false} {
				call, err := variant.New("http://127.0.0.1/api", peer.NewMemory([]byte(answer)))
				if err != nil {
					t.Fatal(err)
				}
				if err := call(t.Context()); (err == nil) != want {
					t.Errorf("the answer %s gives %v", answer, err)
				}
			}
		})
	}
}

func TestPagesAreRead(t *testing.T) {
	t.Parallel()
	readers := func(clients, subscribers []byte) map[string]pages.Read {
		getClients, err := pages.GetClients(clients)
		if err != nil {
			t.Fatal(err)
		}
		getSubscribers, err := pages.GetSubscribers(subscribers)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]pages.Read{
			"GetClients": getClients, "strict clients": pages.Strict[pages.StrictClient](clients),
			"GetSubscribers": getSubscribers, "strict subscribers": pages.Strict[pages.StrictSubscriber](subscribers),
		}
	}
	for name, read := range readers(pages.Clients(0, pages.Size), pages.Subscribers(pages.Size)) {
		if err := read(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, read := range readers(pages.Clients(0, pages.Size-1), pages.Subscribers(pages.Size-1)) {
		if err := read(t.Context()); err == nil {
			t.Errorf("%s: nobody missed a client", name)
		}
	}
	variables := pages.Variables(7)
	for name, read := range map[string]pages.Read{
		"raw": pages.RawVariables(variables), "map": pages.MapVariables(variables), "one": pages.OneVariable(variables),
	} {
		if err := read(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerAnswers(t *testing.T) {
	t.Parallel()
	address, stop, err := peer.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	call, err := calls.SDK.New(address+peer.Path(time.Millisecond, 10), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := call(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCompareFindsTheDifference(t *testing.T) { //nolint:paralleltest // it counts allocations
	allocate := func(times int) pairs.Subject {
		return pairs.Subject{Name: "subject", Run: func(context.Context) error {
			for range times {
				sink = make([]byte, 1<<12)
			}
			return nil
		}}
	}
	settings := pairs.Settings{Rounds: 3, Slice: time.Millisecond, AtOnce: 1}
	results, err := pairs.Compare(t.Context(), settings, allocate(1), allocate(100))
	if err != nil {
		t.Fatal(err)
	}
	merged := pairs.Merge(results, results, results)
	if merged[0].Ratio != 1 || merged[1].Allocs <= merged[0].Allocs {
		t.Errorf("%+v", merged)
	}
	broken := errors.New("broken")
	for _, atOnce := range []int{1, 4} {
		settings.AtOnce = atOnce
		_, err = pairs.Compare(t.Context(), settings, pairs.Subject{Run: func(context.Context) error { return broken }})
		if !errors.Is(err, broken) {
			t.Errorf("%d at once: %v", atOnce, err)
		}
	}
}

var sink []byte
