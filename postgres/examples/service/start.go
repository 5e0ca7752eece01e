//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"sync"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
)

// start runs everything on this machine until the context ends.
func start(ctx context.Context, _ settings) error {
	g, err := newStage(ctx)
	if err != nil {
		return err
	}
	log.Print("the page of counts is http://", g.page)
	log.Print("the database is ", g.server.Address())
	log.Print("the logs of the processes are in ", g.folder)
	go write(ctx, g.salebot.Emulator)
	go report(ctx, g.salebot.Emulator)
	<-ctx.Done()
	return g.end()
}

// stage is all of it: a database, the stand-in for Salebot, and the processes.
type stage struct {
	server  *postgrestest.Server
	salebot *salebottest.Server
	// page is the address of the counts, and folder that of the processes' logs.
	page, folder string
	environment  []string
	listeners    []*os.File
	stop         context.CancelFunc
	running      sync.WaitGroup

	mutex sync.Mutex
	// processes has the number of the process of each part.
	processes map[string]int
}

func newStage(ctx context.Context) (g *stage, err error) {
	ctx, stop := context.WithCancel(ctx)
	g = &stage{processes: map[string]int{}, stop: stop}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.end())
		}
	}()
	if g.server, err = postgrestest.Start(ctx); err != nil {
		return g, err
	}
	if g.folder, err = os.MkdirTemp("", "salebot-service-"); err != nil {
		return g, err
	}
	var addresses []string
	for range 3 {
		address, listenErr := g.listen(ctx)
		if listenErr != nil {
			return g, listenErr
		}
		addresses = append(addresses, address)
	}
	g.page = addresses[2]
	const key, secret = "not-a-real-key", "not-a-guess"
	if g.salebot, err = salebottest.Start(standInOptions(key, settings{secret: secret, receivers: addresses[:2]})...); err != nil {
		return g, err
	}
	g.environment = append(os.Environ(), "DATABASE_URL="+g.server.Address(), "LISTEN="+inherited, "WEBHOOK_SECRET="+secret,
		"TAKEOVER=3s", "HISTORY_DELAY=200ms", salebot.EnvAPIKey+"="+key, salebot.EnvBaseURL+"="+g.salebot.URL, endsWithInput+"=yes")
	if err = g.run(ctx, "migrate", "migrate", nil); err != nil {
		return g, err
	}
	g.running.Go(func() { g.keepServer(ctx) })
	for i := range 2 {
		g.running.Go(func() { g.keep(ctx, fmt.Sprint("receiver ", i+1), "receiver", g.listeners[i]) })
		g.running.Go(func() { g.keep(ctx, fmt.Sprint("worker ", i+1), "worker", nil) })
	}
	g.running.Go(func() { g.keep(ctx, "page", "page", g.listeners[2]) })
	return g, nil
}

// listen makes a listener for a process. One that is started again gets the same, with the
// requests that have waited.
func (g *stage) listen(ctx context.Context) (address string, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	file, err := listener.(*net.TCPListener).File()
	if err == nil {
		g.listeners = append(g.listeners, file)
	}
	return listener.Addr().String(), errors.Join(err, listener.Close())
}

// end ends everything: the processes first, so that they can say goodbye.
func (g *stage) end() (err error) {
	g.stop()
	g.running.Wait()
	for _, listener := range g.listeners {
		err = errors.Join(err, listener.Close())
	}
	if g.salebot != nil {
		g.salebot.Close()
	}
	if g.server != nil {
		err = errors.Join(err, g.server.Remove())
	}
	if g.folder != "" {
		err = errors.Join(err, os.RemoveAll(g.folder))
	}
	return err
}
