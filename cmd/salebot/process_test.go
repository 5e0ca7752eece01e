package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds what a test waits for. Nothing takes that long unless it hangs.
const patience = 2 * time.Minute

// process is the running command.
type process struct {
	command *exec.Cmd
	// address and key are what it printed; key is that of its flag if it has one.
	address, key string
	// took is the time from its start to the line that says that it is ready.
	took time.Duration

	mu             sync.Mutex
	stdout, stderr bytes.Buffer
	printed        sync.WaitGroup
}

var errNotReady = errors.New("it ended before it was ready")

// startProcess runs the command emulator and waits until it is ready.
func startProcess(ctx context.Context, dir string, args ...string) (*process, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{}
	p.command = exec.CommandContext(ctx, executable, append([]string{"emulator", "--addr", "127.0.0.1:0"}, args...)...)
	p.command.Dir = dir
	p.command.Env = append(os.Environ(), runAsCommand+"=1")
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	complaints, err := p.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	ready := make(chan bool, 1)
	p.printed.Go(func() {
		defer close(ready)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.mu.Lock()
			p.stdout.WriteString(lines.Text() + "\n")
			if key, ok := strings.CutPrefix(lines.Text(), "API key: "); ok {
				p.key = key
			}
			if address, ok := strings.CutPrefix(lines.Text(), "The Salebot emulator is ready: "); ok {
				p.address, p.took = address, time.Since(begin)
				ready <- true
			}
			p.mu.Unlock()
		}
	})
	p.printed.Go(func() {
		lines := bufio.NewScanner(complaints)
		for lines.Scan() {
			p.mu.Lock()
			p.stderr.WriteString(lines.Text() + "\n")
			p.mu.Unlock()
		}
	})
	for i, arg := range args {
		if arg == "--key" && i+1 < len(args) {
			p.key = args[i+1]
		}
	}
	if <-ready {
		return p, nil
	}
	p.printed.Wait()
	_ = p.command.Wait()
	return p, errNotReady
}

// end sends a signal, waits until the process has ended and returns its error. One
// that does not end is killed.
func (p *process) end(signal os.Signal) error {
	if err := p.command.Process.Signal(signal); err != nil {
		return err
	}
	var late atomic.Bool
	kill := time.AfterFunc(patience, func() {
		late.Store(true)
		_ = p.command.Process.Kill()
	})
	defer kill.Stop()
	p.printed.Wait()
	err := p.command.Wait()
	if late.Load() {
		return fmt.Errorf("it did not end within %v of %v", patience, signal)
	}
	return err
}

// messages returns what the process wrote to standard error.
func (p *process) messages() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// runEmulator is startProcess for a test. When the test ends it has to stop
// without an error, unless the test ended it.
func runEmulator(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := startProcess(context.WithoutCancel(t.Context()), t.TempDir(), args...)
	require.NoError(t, err, p.messages())
	t.Cleanup(func() {
		if p.command.ProcessState != nil {
			return
		}
		require.NoError(t, p.end(syscall.SIGTERM), p.messages())
	})
	return p
}

// request sends a request and returns the status and the body of the answer.
func request(t testing.TB, method, address, contentType, body string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

// api is the address of an action.
func (p *process) api(action string) string {
	return p.address + "/api/" + url.PathEscape(p.key) + "/" + action
}

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}
