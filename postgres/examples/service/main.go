// Service is a bot that runs as several processes on several machines. What they share is
// in PostgreSQL: the events, what was sent because of them, and the pace.
//
//	go run ./examples/service start # everything on this machine, to look at and to kill
//	service PART                    # one process: migrate, receiver, worker or page
//
// README.md says what to look at, and compose.yaml runs it in containers.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// parts are what a process can be.
var parts = map[string]func(ctx context.Context, s settings) error{
	"migrate":  migrate,
	"receiver": receiver,
	"worker":   worker,
	"page":     page,
	"salebot":  standIn,
	"start":    start,
}

// settings come from the environment, as containers have it. The key of the API is in
// SALEBOT_API_KEY.
type settings struct {
	// database is the address of PostgreSQL.
	database string
	// listen is where a receiver or the page listens.
	listen string
	// secret is the end of the webhook's address.
	secret string
	// takeover is after which time others go on with the work of a process that died.
	takeover time.Duration
	// historyDelay is how late Salebot shows a message in the history; 0 if that is not
	// known.
	historyDelay time.Duration
	// receivers are where the stand-in for Salebot finds them.
	receivers []string
}

func fromEnvironment() (s settings, err error) {
	s.database = os.Getenv("DATABASE_URL")
	s.listen = cmp.Or(os.Getenv("LISTEN"), "127.0.0.1:8080")
	s.secret = os.Getenv("WEBHOOK_SECRET")
	s.receivers = strings.Fields(os.Getenv("RECEIVERS"))
	if s.takeover, err = time.ParseDuration(cmp.Or(os.Getenv("TAKEOVER"), "15s")); err != nil {
		return s, fmt.Errorf("TAKEOVER: %w", err)
	}
	if s.historyDelay, err = time.ParseDuration(cmp.Or(os.Getenv("HISTORY_DELAY"), "0s")); err != nil {
		return s, fmt.Errorf("HISTORY_DELAY: %w", err)
	}
	return s, nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	if len(args) != 1 || parts[args[0]] == nil {
		return fmt.Errorf("say which part to run: %s", strings.Join(slices.Sorted(maps.Keys(parts)), ", "))
	}
	s, err := fromEnvironment()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if os.Getenv(endsWithInput) != "" {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	return parts[args[0]](ctx, s)
}

// endsWithInput lets a process end when its input does, and so not outlive who started it.
const endsWithInput = "ENDS_WITH_INPUT"

// serve answers requests until the context ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	listener, err := listen(ctx, address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err = server.Shutdown(ending)
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// inherited stands for the address of a listener that the process got from who started
// it, as its first file after the standard ones.
const inherited = "inherited"

func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == inherited {
		return net.FileListener(os.NewFile(3, inherited))
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
