//go:build unix

package contract_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

// What a test tells the process that it kills.
const (
	victimTask   = "SALEBOT_TEST_VICTIM"
	victimServer = "SALEBOT_TEST_SERVER"
	victimLedger = "SALEBOT_TEST_LEDGER"
	// killsVariable is the number of kills, for longer runs.
	killsVariable = "SALEBOT_KILLS"
)

const (
	victimPeople = 60
	// victimWindow and victimDelay keep the tests short: how long a request may be
	// written after its record, and how long the history takes.
	victimWindow = 500 * time.Millisecond
	victimDelay  = 100 * time.Millisecond
	// victimBound is how long a test waits for what has to come.
	victimBound = 2 * time.Minute
)

// victim reports whether this is a process that a test started to kill it, and then
// does what it was started for.
func victim(t *testing.T) bool {
	t.Helper()
	task := os.Getenv(victimTask)
	if task == "" {
		return false
	}
	file, err := ledger.OpenFile(os.Getenv(victimLedger))
	require.NoError(t, err)
	opts := []salebot.Option{
		salebot.WithBaseURL(os.Getenv(victimServer)), salebot.WithLedger(file, "shop"),
		salebot.WithSendWindow(victimWindow), salebot.WithHistoryDelay(victimDelay),
	}
	switch task {
	case "campaign":
		runVictimCampaign(t, opts)
	case "stopped":
		runStopped(t, opts)
	}
	require.NoError(t, file.Close())
	_, _ = fmt.Fprintln(os.Stdout, "finished")
	return true
}

func runVictimCampaign(t *testing.T, opts []salebot.Option) {
	t.Helper()
	client := clienttest.New(t, &http.Transport{}, opts...)
	report, err := salebot.ForEach(t.Context(), client, salebot.Items(clienttest.Numbered(victimPeople)),
		salebot.BulkOptions{Name: "spring", Workers: 4},
		func(id salebot.ClientID) salebot.ClientID { return id },
		func(ctx context.Context, id salebot.ClientID) error {
			for _, text := range []string{"one", "two"} {
				if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: id, Message: text}); err != nil {
					return err
				}
			}
			return nil
		})
	require.NoError(t, err, "%+v", report.Problems)
}

// startVictim starts the test program again for a task.
func startVictim(t *testing.T, task, server, path string) (command *exec.Cmd, input io.Writer, lines *bufio.Scanner, errors *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), victimBound)
	t.Cleanup(cancel)
	command = exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1")
	command.Env = append(os.Environ(), victimTask+"="+task, victimServer+"="+server, victimLedger+"="+path)
	errors = &bytes.Buffer{}
	command.Stderr = errors
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	input, err = command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	return command, input, bufio.NewScanner(output), errors
}

// numberOfKills is how often a process is killed.
func numberOfKills(t *testing.T, standard int) int {
	t.Helper()
	text := os.Getenv(killsVariable)
	if text == "" {
		return standard
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, killsVariable)
	return n
}

// A campaign whose process is killed at moments of all kinds, and is started again,
// writes to everybody exactly once.
func TestKilledCampaign(t *testing.T) {
	if victim(t) {
		return
	}
	t.Parallel()
	left := numberOfKills(t, 12)
	for killed := 0; killed < left; {
		killed += killCampaign(t, left-killed)
	}
}

// killCampaign runs one campaign to its end and returns how often it was killed.
func killCampaign(t *testing.T, most int) int {
	t.Helper()
	var people []salebottest.Person
	for _, id := range clienttest.Numbered(victimPeople) {
		people = append(people, salebottest.Person{ID: id})
	}
	server := salebottest.NewServer(t, salebottest.WithKey(testkit.Key), salebottest.WithPeople(people...))
	path := filepath.Join(t.TempDir(), "ledger")
	var requests atomic.Int64
	var kill atomic.Pointer[func()]
	counting := startProxy(t, server, func() {
		n := requests.Add(-1)
		if f := kill.Load(); n <= 0 && f != nil {
			(*f)()
		}
	})
	n := 0
	for ; n < most && n < 8; n++ {
		requests.Store(1 + rand.Int64N(victimPeople))
		command, _, lines, output := startVictim(t, "campaign", counting, path)
		var once sync.Once
		end := func() { once.Do(func() { _ = command.Process.Kill() }) }
		kill.Store(&end)
		for lines.Scan() {
		}
		kill.Store(nil)
		err := command.Wait()
		if err == nil {
			break // it was through before
		}
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		require.False(t, exit.Exited(), "the process failed: %s", output)
		kills.Add(1)
	}
	command, _, lines, output := startVictim(t, "campaign", counting, path)
	for lines.Scan() {
	}
	require.NoError(t, command.Wait(), "%s", output)
	for _, id := range clienttest.Numbered(victimPeople) {
		var got []string
		for _, message := range server.History(id) {
			got = append(got, message.Text)
		}
		slices.Sort(got)
		require.Equal(t, []string{"one", "two"}, got, "what %d got", id)
	}
	require.NoFileExists(t, path+".new")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	requireSecretive(t, string(text))
	return n
}

// requireSecretive checks that a ledger tells nothing about people.
func requireSecretive(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"one", "two", "message", testkit.Key, "client"} {
		require.NotContains(t, strings.ReplaceAll(text, "after_message", ""), `"`+secret, "in the ledger")
	}
}

// startProxy is the emulator's address behind one that calls seen for each connection's
// request, before and after it was carried out.
func startProxy(t *testing.T, server *salebottest.Server, seen func()) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	proxy := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		early := rand.IntN(2) == 0
		if early {
			seen()
		}
		server.ServeHTTP(w, r)
		if !early {
			seen()
		}
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = proxy.Serve(listener) })
	t.Cleanup(func() {
		_ = proxy.Close()
		serving.Wait()
	})
	return "http://" + listener.Addr().String() + "/api"
}

// A process that is stopped between the record of a request and its writing, and
// wakes after the moment up to which it might write, does not send.
func TestStoppedProcessDoesNotSendLate(t *testing.T) {
	if victim(t) {
		return
	}
	t.Parallel()
	server := salebottest.NewServer(t, salebottest.WithKey(testkit.Key), salebottest.WithPerson(salebottest.Person{ID: 1}))
	path := filepath.Join(t.TempDir(), "ledger")
	command, input, lines, output := startVictim(t, "stopped", startProxy(t, server, func() {}), path)
	require.True(t, lines.Scan(), "%s", output)
	require.Equal(t, "dialing", lines.Text(), "the record is written, and the connection is being made")
	require.NoError(t, command.Process.Signal(syscall.SIGSTOP))
	// It wakes after its moment.
	timer := time.NewTimer(2 * victimWindow)
	defer timer.Stop()
	<-timer.C
	_, err := fmt.Fprintln(input, "go on")
	require.NoError(t, err)
	require.NoError(t, command.Process.Signal(syscall.SIGCONT))
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	require.NoError(t, command.Wait(), "%s", output)
	require.Contains(t, said, "not sent")
	server.AssertCalls(t, "message", 0)
}

// runStopped sends a message over a connection that is made only when the other
// process says so.
func runStopped(t *testing.T, opts []salebot.Option) {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, _ = fmt.Fprintln(os.Stdout, "dialing")
		if !bufio.NewScanner(os.Stdin).Scan() {
			return nil, io.ErrUnexpectedEOF
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	client := clienttest.New(t, transport, append(opts, salebot.WithoutRetries())...)
	// Without the history: this is the first connection.
	_, err := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, BlockID: 7}, salebot.WithIdempotencyKey("one"))
	require.Error(t, err)
	var failure *salebot.OpError
	require.ErrorAs(t, err, &failure)
	_, _ = fmt.Fprintln(os.Stdout, failure.Outcome)
}
