package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

const (
	// ledgerFile is set for a process that is the service.
	ledgerFile = "PAYMENTNOTICE_TEST_FILE"
	// killsVariable is how often TestTwoProcesses kills one of them.
	killsVariable = "SALEBOT_KILLS"
	fewKills      = 4
)

func TestMain(m *testing.M) {
	if path := os.Getenv(ledgerFile); path != "" {
		if err := service(path); err != nil {
			log.Fatal(err)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// service serves until it is killed.
func service(path string) error {
	log.SetOutput(io.Discard)
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(os.Stdout, listener.Addr())
	go func() {
		// The test has ended, or has died.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	// The emulator shows at once what it was sent. The window is short because after
	// each kill it is waited for.
	return serve(listener, path, salebot.WithHistoryDelay(200*time.Millisecond), salebot.WithSendWindow(time.Second))
}

// process is a running service. It is started again when it was killed.
type process struct {
	server  *salebottest.Server
	path    string
	address atomic.Pointer[string]
	command *exec.Cmd
	input   io.Closer
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.command = exec.Command(os.Args[0])
	p.command.Env = append(os.Environ(), ledgerFile+"="+p.path, salebot.EnvAPIKey+"="+p.server.Key(), salebot.EnvBaseURL+"="+p.server.URL)
	p.command.Stderr = os.Stderr
	input, err := p.command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = p.command.Process.Kill()
		t.Fatalf("the service did not start: %v", err)
	}
	address = strings.TrimSpace(address)
	p.input = input
	p.address.Store(&address)
}

func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.command.Wait()
	_ = p.input.Close()
}

// shop reports an order to the services in turn, without patience, until one says that it
// is done.
func shop(ctx context.Context, client *http.Client, processes []*process, first, order int) bool {
	body := fmt.Sprintf(`{"client_id": %d, "order": "%d"}`, order, order)
	for n := first; ctx.Err() == nil; n++ {
		response, err := client.Post("http://"+*processes[n%len(processes)].address.Load()+"/paid", "application/json", strings.NewReader(body))
		if err != nil {
			continue // it hung up, or the service was killed
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return true
		}
	}
	return false
}

// TestTwoProcesses reports orders to two services on one ledger, each order to both at
// the same time, and kills one of them again and again. Each order starts the bot once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	kills := fewKills
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const ordersForAKill = 20
	people := make([]salebottest.Person, ordersForAKill*(kills+1))
	for n := range people {
		people[n] = salebottest.Person{ID: salebot.ClientID(n + 1)}
	}
	server := salebottest.NewServer(t, salebottest.WithPeople(people...))
	server.Fail(salebottest.Fault{Action: "callback", Delay: 20 * time.Millisecond, Times: salebottest.Always})
	path := filepath.Join(t.TempDir(), "test.db")
	processes := []*process{{server: server, path: path}, {server: server, path: path}}
	for _, p := range processes {
		p.start(t)
		t.Cleanup(func() { p.kill(t) })
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 100 * time.Millisecond}
	var done atomic.Int64
	for round := range kills + 1 {
		var group sync.WaitGroup
		for n := range ordersForAKill {
			for first := range processes {
				group.Go(func() {
					if shop(ctx, client, processes, first, round*ordersForAKill+n+1) {
						done.Add(1)
					}
				})
			}
		}
		if round < kills {
			<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
			victim := processes[rand.IntN(len(processes))]
			victim.kill(t)
			victim.start(t)
		}
		group.Wait()
	}
	twice, lost := 0, 0
	for _, person := range people {
		switch n := len(server.Callbacks(person.ID)); {
		case n == 0:
			lost++
		case n > 1:
			twice++
		}
	}
	t.Logf("%d kills: %d orders, %d without a start, %d started twice", kills, len(people), lost, twice)
	if want := int64(len(people) * len(processes)); lost > 0 || twice > 0 || done.Load() != want {
		t.Errorf("%d notices were answered, want %d", done.Load(), want)
	}
}
