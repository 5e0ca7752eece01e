package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/calls"
	"github.com/salebot-go/salebot/bench/pages"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/peer"
)

const (
	exportVariable = "SALEBOT_BENCH_EXPORT"
	pageDelay      = 20 * time.Millisecond
)

// exported is what one export took.
type exported struct {
	took time.Duration
	// peak is the most memory that the process had, in KiB; data leaves out the
	// pages of its program file.
	peak, data int
}

// compareExport reads a whole audience, each time in a process of its own, since
// the peak of a process's memory never falls again.
func compareExport(ctx context.Context, _ pairs.Settings) error {
	address, stop, err := peer.Start()
	if err != nil {
		return err
	}
	defer stop()
	fmt.Printf("\nexport of all clients, %v a page of %d\n\n", pageDelay, pages.Size)
	fmt.Println("| clients | pages in flight | time | times as fast | peak memory | without program | over reading only |")
	fmt.Println("|--:|--:|--:|--:|--:|--:|--:|")
	for _, total := range []int{20_000, 100_000} {
		// Let the server build its pages.
		if _, err := export(ctx, address, total, 8); err != nil {
			return err
		}
		reading, err := export(ctx, address, total, 0)
		if err != nil {
			return err
		}
		fmt.Printf("| %d | reading only | %v | | %.1f MiB | %.1f MiB | |\n",
			total, reading.took.Round(time.Millisecond), mib(reading.peak), mib(reading.data))
		var single time.Duration
		for _, inFlight := range []int{1, 2, 4, 8} {
			e, err := export(ctx, address, total, inFlight)
			if err != nil {
				return err
			}
			if inFlight == 1 {
				single = e.took
			}
			fmt.Printf("| %d | %d | %v | %.2f | %.1f MiB | %.1f MiB | %+.1f MiB |\n",
				total, inFlight, e.took.Round(time.Millisecond), float64(single)/float64(e.took),
				mib(e.peak), mib(e.data), mib(e.data-reading.data))
		}
	}
	return nil
}

func mib(kib int) float64 { return float64(kib) / 1024 }

// export runs this program as one that only exports. No pages in flight means
// that the pages are read and thrown away.
func export(ctx context.Context, address string, total, inFlight int) (exported, error) {
	program, err := os.Executable()
	if err != nil {
		return exported{}, err
	}
	command := exec.CommandContext(ctx, program) //nolint:gosec // this very program
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d %d", exportVariable, address, total, inFlight))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return exported{}, err
	}
	var e exported
	if _, err := fmt.Sscan(string(output), &e.took, &e.peak, &e.data); err != nil {
		return exported{}, fmt.Errorf("export printed %q: %w", output, err)
	}
	return e, nil
}

// runExport is the other side of export. It does not return if this process was
// started for it.
func runExport() {
	task := os.Getenv(exportVariable)
	if task == "" {
		return
	}
	if err := exportTask(task); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

var errShort = errors.New("clients are missing")

func exportTask(task string) error {
	var (
		address         string
		total, inFlight int
	)
	if _, err := fmt.Sscan(task, &address, &total, &inFlight); err != nil {
		return err
	}
	base := address + peer.Path(pageDelay, total)
	ctx := context.Background()
	ended := watchMemory()
	start := time.Now()
	read := exportClients
	if inFlight == 0 {
		read = readPages
	}
	if err := read(ctx, base, total, inFlight); err != nil {
		return err
	}
	took := time.Since(start)
	peak, err := memory("VmHWM:")
	if err != nil {
		return err
	}
	fmt.Println(took.Nanoseconds(), peak, ended())
	return nil
}

func exportClients(ctx context.Context, base string, total, inFlight int) error {
	client, err := salebot.New(calls.Key, salebot.WithBaseURL(base))
	if err != nil {
		return err
	}
	count := 0
	for _, err := range client.Clients(ctx, salebot.ClientsRequest{PagesInFlight: inFlight}) {
		if err != nil {
			return err
		}
		count++
	}
	if count != total {
		return errShort
	}
	return nil
}

// readPages reads the same pages and looks at nothing.
func readPages(ctx context.Context, base string, total, _ int) error {
	client := &http.Client{Transport: calls.Transport()}
	buffer := make([]byte, 32<<10)
	for offset := 0; offset < total; offset += pages.Size {
		address := fmt.Sprintf("%s/%s/get_clients?offset=%d&limit=%d", base, calls.Key, offset, pages.Size)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		_, err = io.CopyBuffer(io.Discard, response.Body, buffer)
		_ = response.Body.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// watchMemory looks at the memory that this process wrote to, and returns what
// ends that and gives the most that it saw, in KiB.
func watchMemory() func() int {
	stop, most := make(chan struct{}), make(chan int)
	go func() {
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		peak := 0
		for {
			if now, err := memory("RssAnon:"); err == nil {
				peak = max(peak, now)
			}
			select {
			case <-ticker.C:
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	return func() int {
		close(stop)
		return <-most
	}
}

// memory reads a number of KiB that Linux tells of this process.
func memory(field string) (int, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			return strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
		}
	}
	return 0, errors.New("the system does not tell " + field)
}
