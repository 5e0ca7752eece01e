//go:build postgres

package main

import (
	"context"
	"io"
	"log"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// asProgram lets the test program be the program: it starts itself for each part.
const asProgram = "SERVICE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	if err := os.Setenv(asProgram, "yes"); err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m)
}

// TestAnyPartMayDie kills a receiver, a worker, the page and the database while people
// write, and counts in the end: each message was answered, and none twice.
func TestAnyPartMayDie(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	g, err := newStage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if t.Failed() {
			g.showLogs(t)
		}
		if err := g.end(); err != nil {
			t.Error(err)
		}
	}()
	writing, stop := context.WithCancel(ctx)
	defer stop()
	written := make(chan struct{})
	go func() {
		write(writing, g.salebot.Emulator)
		close(written)
	}()
	answered := func(more int) {
		t.Helper()
		want := tallyOf(g.salebot.Emulator).answered + more
		eventually(t, "the bot answers", func() bool { return tallyOf(g.salebot.Emulator).answered >= want })
	}
	answered(10)
	for _, part := range []string{"receiver 1", "worker 1", "page", "database", "receiver 2", "worker 2"} {
		g.kill(t, part)
		answered(10)
	}
	stop()
	<-written
	eventually(t, "all is answered", func() bool {
		counts := tallyOf(g.salebot.Emulator)
		return counts.answered == counts.written
	})
	counts := tallyOf(g.salebot.Emulator)
	t.Log("deaths: 6; ", counts)
	if counts.answeredTwice > 0 {
		t.Error("somebody was answered twice")
	}
	// What is over leaves nothing behind, and the page says so.
	eventually(t, "the page shows that all is over", func() bool {
		shown := g.shown(t)
		return shown["answered"] == counts.written && shown["waiting"]+shown["being handled"]+shown["to be tried again later"]+shown["dead letters"] == 0 && len(shown) > 5
	})
}

// kill ends a part in the hardest way, and waits until it runs again.
func (g *stage) kill(t *testing.T, part string) {
	t.Helper()
	process := g.process(part)
	if process == 0 {
		t.Fatalf("%s does not run", part)
	}
	if err := syscall.Kill(process, syscall.SIGKILL); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
	eventually(t, part+" runs again", func() bool { return g.process(part) != process })
}

func (g *stage) process(part string) int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.processes[part]
}

var row = regexp.MustCompile(`<tr><th>([a-z ]+)<td>(\d+)`)

// shown returns what the page shows.
func (g *stage) shown(t *testing.T) map[string]int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.page+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil
	}
	shown := map[string]int{}
	for _, match := range row.FindAllStringSubmatch(string(body), -1) {
		number, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		shown[match[1]] = number
	}
	return shown
}

func (g *stage) showLogs(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(g.folder)
	if err != nil {
		t.Error(err)
		return
	}
	for _, entry := range entries {
		content, err := os.ReadFile(g.folder + "/" + entry.Name())
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s: %.4000s", entry.Name(), content[max(0, len(content)-4000):])
	}
}

// eventually waits for something that has to come.
func eventually(t *testing.T, what string, come func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for !come() {
		if sleep(ctx, 100*time.Millisecond); ctx.Err() != nil {
			t.Fatal("did not come: ", what)
		}
	}
}
