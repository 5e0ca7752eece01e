package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/receive"
	"github.com/salebot-go/salebot/webhook"
)

// compareHandler measures a request to the receiver without a server around it.
func compareHandler(ctx context.Context, settings pairs.Settings) error {
	settings.AtOnce = 1
	const secret = "a-secret-of-the-benchmark"
	handler, err := receive.Variant{}.Handler(receive.Nothing(), webhook.WithSecretInPath(secret)) //nolint:contextcheck // it outlives the context
	if err != nil {
		return err
	}
	byHand, err := receive.Post(ctx, receive.ByHand(), "/salebot")
	if err != nil {
		return err
	}
	ours, err := receive.Post(ctx, handler, "/salebot/"+secret)
	if err != nil {
		return err
	}
	results, err := pairs.Compare(ctx, settings,
		pairs.Subject{Name: "json.NewDecoder(http.MaxBytesReader)", Run: byHand},
		pairs.Subject{Name: "webhook.Handler", Run: ours},
	)
	if err != nil {
		return err
	}
	show("a request to the receiver, without a server", results)
	return handler.Stop(ctx)
}

const (
	receiveSlice = 400 * time.Millisecond
	// receiveRounds is the number of slices for each variant.
	receiveRounds = 12
	// messagesAtMost is the number of messages of a slice that is not reached.
	messagesAtMost = 10_000_000
)

// compareReceive measures whole receivers: a server, and senders in another process.
func compareReceive(ctx context.Context, _ pairs.Settings) error {
	fmt.Print("\nevents received a second\n\n")
	fmt.Println("| senders | variant | events a second | compared with decoded only (quartiles) | compared with fdatasync for each (quartiles) | processor time an event |")
	fmt.Println("|--:|---|--:|--:|--:|--:|")
	for _, senders := range []int{1, 16, 256} {
		if err := compareReceivers(ctx, senders); err != nil {
			return err
		}
	}
	return nil
}

// receiver is a variant that runs.
type receiver struct {
	name    string
	address string
	stop    func() error
	// empty takes out of the inbox what nobody handles, so that a slice does not
	// carry the load of those before it.
	empty func(context.Context) error
	// rates are events a second, costs the microseconds of processor time of each.
	rates, costs []float64
}

func compareReceivers(ctx context.Context, senders int) (err error) {
	var receivers []*receiver
	defer func() {
		for _, r := range receivers {
			err = errors.Join(err, r.stop())
		}
	}()
	for _, variant := range receive.Variants() {
		r, err := startReceiver(ctx, variant)
		if err != nil {
			return err
		}
		receivers = append(receivers, r)
	}
	next := int64(0)
	for round := range receiveRounds + 1 {
		for _, i := range rand.Perm(len(receivers)) { //nolint:gosec // an order needs no secrecy
			r, before := receivers[i], pairs.ProcessorTime()
			rate, err := receive.Load(ctx, r.address, senders, receiveSlice, next)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			next += messagesAtMost
			used := pairs.ProcessorTime() - before
			if err := r.empty(ctx); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if round == 0 {
				// The files grow at first; afterwards they are written over.
				continue
			}
			r.rates = append(r.rates, rate)
			r.costs = append(r.costs, float64(used.Microseconds())/(rate*receiveSlice.Seconds()))
		}
	}
	for _, r := range receivers {
		fmt.Printf("| %d | %s | %.0f | %s | %s | %.0fµs |\n",
			senders, r.name, pairs.Quantile(r.rates, 0.5), ratio(r.rates, receivers[0].rates), ratio(r.rates, receivers[1].rates), pairs.Quantile(r.costs, 0.5))
	}
	return nil
}

func ratio(rates, base []float64) string {
	ratios := make([]float64, len(rates))
	for i := range ratios {
		ratios[i] = rates[i] / base[i]
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", pairs.Quantile(ratios, 0.5), pairs.Quantile(ratios, 0.25), pairs.Quantile(ratios, 0.75))
}

func startReceiver(ctx context.Context, variant receive.Variant) (_ *receiver, err error) {
	folder, err := os.MkdirTemp("", "salebot-bench-")
	if err != nil {
		return nil, err
	}
	inbox, err := variant.Open(folder)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	handler, err := variant.Handler(inbox, webhook.WithoutSecret()) //nolint:contextcheck // see above
	if err != nil {
		return nil, errors.Join(err, inbox.Close(), os.RemoveAll(folder))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // nothing to wait for
	if err != nil {
		return nil, errors.Join(err, handler.Stop(ctx), inbox.Close(), os.RemoveAll(folder))
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop := func() error {
		err := server.Close()
		if served := <-served; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(err, handler.Stop(limited), inbox.Close(), os.RemoveAll(folder))
	}
	empty := func(ctx context.Context) error {
		if !variant.Silent {
			return nil
		}
		return receive.Empty(ctx, inbox, handler.Endpoint())
	}
	return &receiver{name: variant.Name, address: listener.Addr().String(), stop: stop, empty: empty}, nil
}
