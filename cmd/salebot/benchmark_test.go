package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
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
