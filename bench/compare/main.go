// Command compare measures the SDK beside what it is compared with, in pairs, and
// prints the table of bench/README.md. Nothing else that is busy should run at the
// same time.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"time"

	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pages"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/peer"
	"github.com/salebot-go/salebot/bench/receive"
)

func main() {
	peer.Serve(peer.Handler([]byte(calls.Answer), pages.Clients))
	runExport()
	receive.RunLoad()
	rounds := flag.Int("rounds", 40, "slices for each variant")
	slice := flag.Duration("slice", 25*time.Millisecond, "length of a slice")
	flag.Parse()
	only := flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	fmt.Printf("%s %s/%s, %d cores\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []struct {
		name string
		run  func(context.Context, pairs.Settings) error
	}{
		{"calls", compareCalls},
		{"pages", comparePages},
		{"export", compareExport},
		{"variables", compareVariables},
		{"bulk", compareBulk},
		{"handler", compareHandler},
		{"receive", compareReceive},
		{"keyed", compareKeyed},
		{"pace", comparePace},
		{"postgres", comparePostgres},
	} {
		if len(only) > 0 && !slices.Contains(only, part.name) {
			continue
		}
		if err := part.run(ctx, pairs.Settings{Rounds: *rounds, Slice: *slice}); err != nil {
			fmt.Fprintln(os.Stderr, "compare:", err)
			stop()
			os.Exit(1)
		}
	}
}

// instances is how often new clients are made: with 64 calls at once a client
// keeps the connections that it happened to get.
const instances = 3

func compareCalls(ctx context.Context, settings pairs.Settings) error {
	address, stop, err := peer.Start()
	if err != nil {
		return err
	}
	defer stop()
	address += peer.Path(0, 0)
	for _, setting := range []struct {
		title   string
		address string
		memory  bool
		atOnce  int
	}{
		{"a call in memory", "http://127.0.0.1/api", true, 1},
		{"a call over loopback, one at a time", address, false, 1},
		{"a call over loopback, 64 at once", address, false, 64},
	} {
		settings.AtOnce = setting.atOnce
		var runs [][]pairs.Result
		for range instances {
			var subjects []pairs.Subject
			for _, variant := range calls.Variants() {
				call, err := newCall(variant, setting.address, setting.memory)
				if err != nil {
					return err
				}
				subjects = append(subjects, pairs.Subject{Name: variant.Name, Run: call})
			}
			results, err := pairs.Compare(ctx, settings, subjects...)
			if err != nil {
				return err
			}
			runs = append(runs, results)
		}
		show(setting.title, pairs.Merge(runs...))
	}
	return nil
}

func newCall(variant calls.Variant, address string, memory bool) (calls.Call, error) {
	if memory {
		return variant.New(address, peer.NewMemory([]byte(calls.Answer)))
	}
	return variant.New(address, nil)
}

func comparePages(ctx context.Context, settings pairs.Settings) error {
	settings.AtOnce = 1
	body := pages.Clients(0, pages.Size)
	getClients, err := pages.GetClients(body)
	if err != nil {
		return err
	}
	subscribers := pages.Subscribers(pages.Size)
	getSubscribers, err := pages.GetSubscribers(subscribers)
	if err != nil {
		return err
	}
	variables := pages.Variables(7)
	for _, setting := range []struct {
		title    string
		subjects []pairs.Subject
	}{
		{"a page of 500 clients, from memory", []pairs.Subject{
			{Name: "strict types by hand", Run: pages.Strict[pages.StrictClient](body)},
			{Name: "salebot", Run: getClients},
		}},
		{"a page of 500 clients with 10 variables each, from memory", []pairs.Subject{
			{Name: "map[string]any by hand", Run: pages.Strict[pages.StrictSubscriber](subscribers)},
			{Name: "salebot", Run: getSubscribers},
		}},
		{"the 10 variables of a client", []pairs.Subject{
			{Name: "map[string]any", Run: pages.MapVariables(variables)},
			{Name: "salebot, none read", Run: pages.RawVariables(variables)},
			{Name: "salebot, one read", Run: pages.OneVariable(variables)},
		}},
	} {
		results, err := pairs.Compare(ctx, settings, setting.subjects...)
		if err != nil {
			return err
		}
		show(setting.title, results)
	}
	return nil
}

func show(title string, results []pairs.Result) {
	fmt.Printf("\n%s\n\n", title)
	fmt.Println("| variant | time | ratio (quartiles) | processor time | allocs | ratio | bytes | ratio |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|")
	for _, r := range results {
		fmt.Printf("| %s | %v | %.2f (%.2f to %.2f) | %.2f | %.1f | %.2f | %.0f | %.2f |\n",
			r.Name, r.Time.Round(10*time.Nanosecond), r.Ratio, r.Low, r.High, r.Processor,
			r.Allocs, r.Allocs/results[0].Allocs, r.Bytes, r.Bytes/results[0].Bytes)
	}
}
