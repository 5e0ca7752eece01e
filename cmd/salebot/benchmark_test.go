package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// BenchmarkReady measures from the start of the process to the line that says
// that it is ready.
func BenchmarkReady(b *testing.B) {
	for b.Loop() {
		p, err := startProcess(context.WithoutCancel(b.Context()), b.TempDir(), "--key", "k")
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(p.took.Microseconds())/1000, "ms-to-ready")
		if err := p.end(os.Interrupt); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStateOfAMillionMessages measures a start with 10 000 conversations of 100
// messages each in the state file: its processor time.
func BenchmarkStateOfAMillionMessages(b *testing.B) {
	dir := b.TempDir()
	state := engine.Project{}
	for i := range 10_000 {
		one := engine.PersonState{Person: engine.Person{
			ClientType: salebot.ClientTypeTelegram, PlatformID: salebot.PlatformID(strconv.Itoa(7_000_000 + i)), Name: fmt.Sprintf("Client %05d", i),
			Variables: map[string]any{"client.city": "Riga", "client.phone": strconv.Itoa(79_000_000_000 + i), "utm": "spring"},
		}}
		for j := range 100 {
			one.History = append(one.History, engine.Message{
				FromClient: j%2 == 0, Text: fmt.Sprintf("Message %d of client %d, which is about as long as messages are", j, i),
			})
		}
		state.Clients = append(state.Clients, one)
	}
	emulated, err := engine.Open(engine.WithProject(state))
	if err != nil {
		b.Fatal(err)
	}
	store, err := emulator.OpenStore(filepath.Join(dir, "state.json"), emulated, func(text string) { b.Error(text) })
	if err == nil {
		err = errors.Join(store.Load(), store.Close())
	}
	emulated.Close()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		p, err := startProcess(context.WithoutCancel(b.Context()), dir, "--key", "k", "--state", "state.json")
		if err != nil {
			b.Fatal(err)
		}
		if err := p.end(os.Interrupt); err != nil {
			b.Fatal(err)
		}
		ended := p.command.ProcessState
		b.ReportMetric(float64((ended.UserTime() + ended.SystemTime()).Milliseconds()), "cpu-ms")
	}
}

// BenchmarkCalls measures calls over loopback, the caller included.
func BenchmarkCalls(b *testing.B) {
	p, err := startProcess(context.WithoutCancel(b.Context()), b.TempDir(), "--key", "k")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.end(os.Interrupt) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	defer transport.CloseIdleConnections()
	call := func(method, address, body string) {
		r, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := transport.RoundTrip(r)
		if err != nil {
			b.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode > 299 {
			b.Errorf("status %d", response.StatusCode)
		}
	}
	call(http.MethodPost, p.address+"/_emulator/clients", `{"id":25554}`)
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(loop *testing.PB) {
		for loop.Next() {
			call(http.MethodPost, p.api("message"), `{"client_id":25554,"message":"Hello"}`)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
