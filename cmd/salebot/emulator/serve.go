package emulator

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// Limits of a connection. Whoever is slow, silent or talks garbage costs a
// connection for a while and nothing else.
const (
	headerTime = 10 * time.Second
	// readTime and answerTime are longer than the longest delay of a fault. With
	// readTime the context of a request ends, even when it was read long ago.
	readTime   = 5 * time.Minute
	answerTime = 5 * time.Minute
	idleTime   = 2 * time.Minute
	// mostHeader bounds the head of a request, which may have long parameters in
	// its address.
	mostHeader = 256 << 10
	// farewell is what requests that are under way get when the server stops.
	farewell = 3 * time.Second
)

// Serve answers on a listener until ctx ends, and then lets requests that are
// under way end. It closes the listener.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    mostHeader,
		// It would have a line for each peer that talks garbage.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		_ = server.Close()
	}
	if err := <-stopped; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
