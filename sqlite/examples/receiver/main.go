// Receiver receives the webhook of a Salebot project into a file, prints the messages
// of people, and loses nothing of what it acknowledged when it is killed.
//
//	go run ./examples/receiver -secret <a long random text>
//
// Give Salebot the address https://<host>/salebot/<secret>. With -demo it needs
// neither: it starts itself as another process, posts messages to it, kills it again
// and again in the middle of the work, and counts in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

func main() {
	address := flag.String("address", "127.0.0.1:8080", "where to listen; port 0 stands for a free one")
	file := flag.String("inbox", "inbox.db", "file that keeps what has to be handled")
	secret := flag.String("secret", os.Getenv("SALEBOT_WEBHOOK_SECRET"), "secret in the address; by default that of SALEBOT_WEBHOOK_SECRET")
	demo := flag.Bool("demo", false, "show that nothing is lost")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	run := func() error { return receive(ctx, *address, *file, *secret) }
	if *demo {
		run = func() error { return demonstrate(ctx, *file) }
	}
	if err := run(); err != nil {
		slog.Error("the receiver failed", "error", err)
		os.Exit(1)
	}
}

// receive runs until the context ends.
func receive(ctx context.Context, address, file, secret string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	inbox, err := sqlite.OpenInbox(file, sqlite.WithLogger(logger))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := inbox.Close(); closeErr != nil {
			logger.Error("closing the inbox", "error", closeErr)
		}
	}()
	handler, err := webhook.New(handle, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox), webhook.WithLogger(logger))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/salebot/", handler)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening on", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// First the connections, then the work that is under way. What is left waits in
	// the file for the next start.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(ending), handler.Stop(ending))
}

// handle is what your program does with a message. It may see one twice, if the
// process dies before its end is written down; the example answeringbot sends nothing
// twice all the same.
func handle(_ context.Context, event *webhook.Event) error {
	_, err := fmt.Printf("client %d wrote message %d: %s\n", event.Client.ID, event.ID, event.Text)
	return err
}
