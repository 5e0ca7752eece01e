package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	demoSecret = "only-for-the-demonstration"
	demoKills  = 8
)

// demonstrate starts receivers, one after the other on the same file, and posts
// messages to them until each is killed, except for the last.
func demonstrate(ctx context.Context, file string) error {
	var printed log
	acknowledged := 0
	for life := range demoKills + 1 {
		receiver, err := start(ctx, file, &printed)
		if err != nil {
			return err
		}
		last := life == demoKills
		// A life ends at some moment of the work.
		for deadline := time.Now().Add(time.Duration(20+17*life) * time.Millisecond); time.Now().Before(deadline); {
			if err = receiver.post(ctx, acknowledged+1); err != nil {
				return err
			}
			acknowledged++
		}
		if last {
			err = receiver.end(ctx, &printed, acknowledged)
		} else {
			err = receiver.kill()
		}
		if err != nil {
			return err
		}
	}
	lost := 0
	for message := range acknowledged {
		if !printed.has(message + 1) {
			lost++
		}
	}
	fmt.Printf("%d messages acknowledged, %d kills, %d lost\n", acknowledged, demoKills, lost)
	if lost > 0 {
		return errors.New("acknowledged messages were lost")
	}
	fmt.Println("nothing was lost")
	return nil
}

// receiver is a process that runs this program.
type receiver struct {
	command *exec.Cmd
	url     string
	copied  chan struct{}
}

func start(ctx context.Context, file string, printed *log) (*receiver, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, "-address", "127.0.0.1:0", "-inbox", file, "-secret", demoSecret) //nolint:gosec // it is this program
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	// What was left of the life before is printed while the receiver starts.
	lines, address := bufio.NewReader(output), ""
	for found := false; !found; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil, errors.Join(errors.New("the receiver did not start"), err, command.Process.Kill(), command.Wait())
		}
		if address, found = strings.CutPrefix(strings.TrimSpace(line), "listening on "); !found {
			_, _ = io.WriteString(printed, line)
		}
	}
	r := &receiver{command: command, url: "http://" + address + "/salebot/" + demoSecret, copied: make(chan struct{})}
	go func() {
		defer close(r.copied)
		_, _ = io.Copy(printed, lines)
	}()
	return r, nil
}

// post sends a message and expects that it is accepted.
func (r *receiver) post(ctx context.Context, message int) error {
	body := fmt.Sprintf(`{"id":%d,"client":{"id":25554,"recepient":"1","client_type":1},"message":"hello","is_input":1,"delivered":1}`, message)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		err = errors.Join(err, fmt.Errorf("message %d: %s", message, response.Status))
	}
	return errors.Join(err, response.Body.Close())
}

// kill ends the process at once, as a crash does.
func (r *receiver) kill() error {
	err := r.command.Process.Kill()
	<-r.copied
	_ = r.command.Wait() // it was killed
	return err
}

// end waits until the last message was printed, and ends the process properly.
func (r *receiver) end(ctx context.Context, printed *log, last int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !printed.has(last) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := r.command.Process.Signal(os.Interrupt)
	<-r.copied
	return errors.Join(err, r.command.Wait())
}

// log is what the receivers have printed.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *log) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(text)
}

func (l *log) has(message int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), fmt.Sprintf("wrote message %d:", message))
}
