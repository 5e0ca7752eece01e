package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// kills is how often TestKill kills the receiver.
var kills = flag.Int("kills", 30, "how often the receiver is killed")

// The environment of the process that receives.
const (
	receivePath = "RECEIVE_PATH"
	receiveLog  = "RECEIVE_LOG"
)

// recordingInbox writes down what was committed, so that the test can tell what the
// process had been promised when it was killed.
type recordingInbox struct {
	*sqlite.Inbox
	log *os.File
}

func (r recordingInbox) Commit(ctx context.Context, delivery webhook.Delivery) error {
	err := r.Inbox.Commit(ctx, delivery)
	if err == nil {
		_, err = fmt.Fprintf(r.log, "committed %d %d\n", delivery.ClientID, delivery.MessageID)
	}
	return err
}

// receive is the process that is killed: a receiver that writes down each call of
// its function. It prints its address, and ends when its input does, after draining.
func receive() error {
	// A line that was written is safe from the death of the process, since the
	// operating system has it.
	log, err := os.OpenFile(os.Getenv(receiveLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	inbox, err := sqlite.OpenInbox(os.Getenv(receivePath))
	if err != nil {
		return err
	}
	if inbox.Recovery() != nil {
		return fmt.Errorf("the file was damaged: %+v", inbox.Recovery())
	}
	handler, err := webhook.New(func(_ context.Context, event *webhook.Event) error {
		_, err := fmt.Fprintf(log, "handled %d %d\n", event.Client.ID, event.ID)
		return err
	}, webhook.WithoutSecret(), webhook.WithInbox(recordingInbox{inbox, log}), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 100_000}))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }()
	_, _ = fmt.Fprintln(os.Stdout, listener.Addr())
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), handler.Shutdown(ctx), inbox.Close())
}

// duplicate is a process that puts a message which the file has, and says so.
func duplicate() error {
	inbox, err := sqlite.OpenInbox(os.Getenv(receivePath))
	if err != nil {
		return err
	}
	receipt, err := inbox.Put(context.Background(), event(1, 1))
	if err != nil || !receipt.Duplicate {
		return fmt.Errorf("%+v, %w; want a duplicate", receipt, err)
	}
	_, _ = fmt.Fprintln(os.Stdout, "duplicate")
	return inbox.Close()
}

// receiverProcess is a running receive.
type receiverProcess struct {
	command *exec.Cmd
	input   io.Closer
	address string
}

// startProcess starts a process that is told and tells by its standard streams.
func startProcess(t *testing.T, command *exec.Cmd) (input io.WriteCloser, output io.Reader) {
	t.Helper()
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err = command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return input, output
}

func startReceiver(t *testing.T, path, log string) *receiverProcess {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), role+"=receive", receivePath+"="+path, receiveLog+"="+log)
	input, output := startProcess(t, command)
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = command.Process.Kill()
		_ = command.Wait()
		t.Fatalf("the receiver did not start: %v", err)
	}
	return &receiverProcess{command: command, input: input, address: strings.TrimSpace(address)}
}

// kill ends the process with SIGKILL.
func (p *receiverProcess) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.command.Wait()
}

// drain lets the process end by itself when everything is handled.
func (p *receiverProcess) drain(t *testing.T) {
	t.Helper()
	_ = p.input.Close()
	if err := p.command.Wait(); err != nil {
		t.Errorf("the receiver ended with %v", err)
	}
}

// clientSender posts the messages of one client in order, and one that was not
// acknowledged again and again.
type clientSender struct {
	client       salebot.ClientID
	acknowledged int
	posts        int
	// enough, if it is not 0, ends the sender when as many were acknowledged.
	enough int
}

// post sends until the context ends, a post fails or it has sent enough.
func (s *clientSender) post(ctx context.Context, address string) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for ctx.Err() == nil && (s.enough == 0 || s.acknowledged < s.enough) {
		message := int64(s.client)*1_000_000 + int64(s.acknowledged) + 1
		body := fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1"},"message":"hello","is_input":1,"delivered":1}`, message, s.client)
		// The request is not bound to the context: it is the receiver's death that
		// has to end it.
		s.posts++
		response, err := client.Post("http://"+address+"/", "application/json", strings.NewReader(body))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return
		}
		s.acknowledged++
	}
}

// TestKill kills a receiver with SIGKILL while events are posted to it, again and
// again at random moments, and counts in the end: each event that was acknowledged
// reached the function, none did after it had been committed, none was committed
// twice, and those of a client came in the order in which they were accepted.
func TestKill(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path, log := filepath.Join(directory, "inbox.db"), filepath.Join(directory, "log")
	senders := make([]*clientSender, 12)
	for i := range senders {
		senders[i] = &clientSender{client: salebot.ClientID(i + 1)}
	}
	for life := 0; life <= *kills; life++ {
		process := startReceiver(t, path, log)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(5+rand.IntN(120))*time.Millisecond)
		var group sync.WaitGroup
		for _, sender := range senders {
			group.Go(func() { sender.post(ctx, process.address) })
		}
		if life == *kills {
			group.Wait()
			process.drain(t)
		} else {
			<-ctx.Done()
			process.kill(t)
			group.Wait()
		}
		cancel()
	}
	checkLog(t, log, senders)
}

func checkLog(t *testing.T, path string, senders []*clientSender) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	handled, committed := map[int64]int{}, map[int64]int{}
	last := map[int64]int64{}
	for line := range strings.Lines(string(content)) {
		var what string
		var client, message int64
		if _, err := fmt.Sscanf(line, "%s %d %d\n", &what, &client, &message); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if what == "committed" {
			committed[message]++
			continue
		}
		switch {
		case committed[message] > 0:
			t.Errorf("message %d was handled after it was committed", message)
		case handled[message] == 0 && last[client] != 0 && message != last[client]+1:
			t.Errorf("client %d: message %d after %d", client, message, last[client])
		case handled[message] > 0 && message != last[client]:
			t.Errorf("client %d: message %d again after %d", client, message, last[client])
		}
		handled[message]++
		last[client] = message
	}
	acknowledged, lost, twice, repeated, posts := 0, 0, 0, 0, 0
	for _, sender := range senders {
		acknowledged += sender.acknowledged
		posts += sender.posts
		for n := range sender.acknowledged {
			if handled[int64(sender.client)*1_000_000+int64(n)+1] == 0 {
				lost++
			}
		}
	}
	for message, n := range committed {
		if n > 1 {
			twice++
		}
		if handled[message] == 0 {
			t.Errorf("message %d was committed without being handled", message)
		}
	}
	for _, n := range handled {
		if n > 1 {
			repeated++
		}
	}
	t.Logf("deaths: %d, %d posts, %d acknowledged, %d handled, of which %d more than once; %d lost, %d committed twice",
		*kills, posts, acknowledged, len(handled), repeated, lost, twice)
	if lost > 0 || twice > 0 || acknowledged == 0 {
		t.Error("the counts are wrong")
	}
}
