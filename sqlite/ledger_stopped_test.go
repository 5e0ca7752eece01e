//go:build unix

package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/sqlite"
)

const (
	// stoppedLedger and stoppedServer tell the process that is stopped what it needs.
	stoppedLedger = "SQLITE_TEST_STOPPED_LEDGER"
	stoppedServer = "SQLITE_TEST_STOPPED_SERVER"
	// stoppedWindow is how long a request may be written after its record, and
	// stoppedDelay how long the history takes.
	stoppedWindow = 500 * time.Millisecond
	stoppedDelay  = 100 * time.Millisecond
)

func init() { roles["stopped"] = stopped }

// stoppedOptions are those of both processes.
func stoppedOptions(l *sqlite.Ledger, server string) []salebot.Option {
	return []salebot.Option{
		salebot.WithBaseURL(server), salebot.WithLedger(l, "shop"), salebot.WithSendWindow(stoppedWindow),
		salebot.WithHistoryDelay(stoppedDelay), salebot.WithoutRetries(),
	}
}

func payOnce(ctx context.Context, client *salebot.Client) error {
	_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "paid"}, salebot.WithIdempotencyKey("order 4711"))
	return err
}

// stopped is the process that is stopped: it sends over a connection that is made only
// when the other process says so, after those that look into the history.
func stopped() error {
	l, err := sqlite.OpenLedger(os.Getenv(stoppedLedger))
	if err != nil {
		return err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	calls := 0
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if calls++; calls > 1 {
			_, _ = fmt.Fprintln(os.Stdout, "dialing")
			if !bufio.NewScanner(os.Stdin).Scan() {
				return nil, io.ErrUnexpectedEOF
			}
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	client, err := salebot.New(os.Getenv(salebot.EnvAPIKey), append(stoppedOptions(l, os.Getenv(stoppedServer)), salebot.WithTransport(transport))...)
	if err != nil {
		return err
	}
	var failure *salebot.OpError
	if err := payOnce(context.Background(), client); !errors.As(err, &failure) {
		return fmt.Errorf("it was sent: %w", err)
	}
	_, _ = fmt.Fprintln(os.Stdout, failure.Outcome)
	return l.Close()
}

// TestStoppedHolderKill stops a process between the record of its request and the
// writing. As long as it lives nobody else sends the request; if it wakes after the moment
// up to which it might write, it does not send, and if it is killed, the next one finds
// that it did not.
func TestStoppedHolderKill(t *testing.T) {
	t.Parallel()
	for name, wakes := range map[string]bool{"it wakes": true, "it is killed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := salebottest.NewServer(t, salebottest.WithPerson(salebottest.Person{ID: 1}))
			path := filepath.Join(t.TempDir(), "ledger.db")
			l := openLedger(t, path)
			client, err := salebot.New(server.Key(), stoppedOptions(l, server.URL)...)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			command := exec.CommandContext(ctx, os.Args[0])
			command.Env = append(os.Environ(), role+"=stopped", stoppedLedger+"="+path, stoppedServer+"="+server.URL, salebot.EnvAPIKey+"="+server.Key())
			input, output := startProcess(t, command)
			defer func() { _ = command.Process.Kill() }()
			lines := bufio.NewScanner(output)
			if !lines.Scan() || lines.Text() != "dialing" {
				t.Fatalf("the process says %q: the record should be written, and the connection on its way", lines.Text())
			}
			if err := command.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			// Its moment passes while another process wants the same.
			limited, end := context.WithTimeout(ctx, 2*stoppedWindow)
			defer end()
			if err := payOnce(limited, client); !errors.Is(err, salebot.ErrInProgress) {
				t.Fatalf("beside a process that is stopped: %v, want ErrInProgress", err)
			}
			server.AssertCalls(t, "message", 0)
			if wakes {
				if _, err := fmt.Fprintln(input, "go on"); err != nil {
					t.Fatal(err)
				}
				if err := command.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				if !lines.Scan() || lines.Text() != salebot.OutcomeNotSent.String() {
					t.Errorf("the process that woke says %q", lines.Text())
				}
				if err := command.Wait(); err != nil {
					t.Error(err)
				}
				server.AssertCalls(t, "message", 0)
			} else {
				_ = command.Process.Kill()
				_ = command.Wait()
			}
			for range 2 {
				if err := payOnce(ctx, client); err != nil {
					t.Fatal(err)
				}
			}
			server.AssertCalls(t, "message", 1)
		})
	}
}
