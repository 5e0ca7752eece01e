package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/pairs"
	"github.com/salebot-go/salebot/bench/receive"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// comparePostgres measures the inbox in PostgreSQL beside a plain INSERT and beside the
// inbox in SQLite: events that are put, and events that are put, leased and committed.
func comparePostgres(ctx context.Context, settings pairs.Settings) error {
	server, err := startPostgres(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	settings.Rounds, settings.Slice = receiveRounds, receiveSlice
	for _, senders := range []int{1, 16, 256} {
		settings.AtOnce = senders
		if err := comparePuts(ctx, settings, server.address, senders); err != nil {
			return err
		}
	}
	return nil
}

// privatePostgres is a server of PostgreSQL that nobody else uses.
type privatePostgres struct {
	address string
	stop    func()
}

func startPostgres(ctx context.Context) (*privatePostgres, error) {
	command := exec.CommandContext(ctx, "go", "run", "github.com/salebot-go/salebot/postgres/internal/postgrestest/serve",
		"max_connections=400", "shared_buffers=512MB", "max_wal_size=4GB")
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err = command.Start(); err != nil {
		return nil, err
	}
	stop := func() {
		_ = input.Close()
		_ = command.Wait() // what matters was measured
	}
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		stop()
		return nil, fmt.Errorf("the server of PostgreSQL did not start: %w", err)
	}
	return &privatePostgres{address: strings.TrimSpace(address), stop: stop}, nil
}

// comparePuts does so with so many senders at once.
func comparePuts(ctx context.Context, settings pairs.Settings, address string, senders int) (err error) {
	folder, err := os.MkdirTemp("", "salebot-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	plain, closePlain, err := plainInsert(ctx, address, senders)
	if err != nil {
		return err
	}
	defer closePlain()
	for _, whole := range []bool{false, true} {
		schema := postgres.WithSchema(fmt.Sprintf("senders_%d_%v", senders, whole))
		if _, err := postgres.Migrate(ctx, address, schema); err != nil {
			return err
		}
		many, err := postgres.OpenInbox(ctx, address, schema, postgres.WithMaxPending(math.MaxInt32))
		if err != nil {
			return err
		}
		one, err := sqlite.OpenInbox(filepath.Join(folder, strconv.FormatBool(whole)), sqlite.WithMaxPending(math.MaxInt32)) //nolint:contextcheck // it lives as long as it is open
		if err != nil {
			return errors.Join(err, many.Close()) //nolint:contextcheck // as above
		}
		title := fmt.Sprintf("%d senders: events put", senders)
		inPostgres, inSQLite, ends := putInto(many), putInto(one), []io.Closer{many, one}
		if whole {
			title += ", leased and committed"
			p, s := newThrough(ctx, many), newThrough(ctx, one)
			inPostgres, inSQLite, ends = p.run, s.run, []io.Closer{p, s, many, one}
		}
		results, err := pairs.Compare(ctx, settings,
			pairs.Subject{Name: "a plain INSERT, committed, a connection a sender", Run: plain},
			pairs.Subject{Name: "postgres", Run: inPostgres},
			pairs.Subject{Name: "sqlite", Run: inSQLite},
		)
		for _, end := range ends {
			err = errors.Join(err, end.Close())
		}
		if err != nil {
			return err
		}
		show(title, results)
	}
	return nil
}

// eventNumber makes each event a new one.
var eventNumber atomic.Int64

// newEntry is an event of one of a thousand clients.
func newEntry() webhook.Entry {
	number := eventNumber.Add(1)
	client := number%1000 + 1
	return webhook.Entry{
		Endpoint: "bench", ClientID: salebot.ClientID(client), MessageID: salebot.MessageID(number), AcceptedAt: time.Now(),
		Body: string(receive.Body(number, client)),
	}
}

func plainInsert(ctx context.Context, address string, senders int) (run func(context.Context) error, end func(), err error) {
	config, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, nil, err
	}
	config.MaxConns = int32(senders) //nolint:gosec // it is small
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	const table = "CREATE TABLE IF NOT EXISTS plain (id bigint PRIMARY KEY, client bigint, accepted timestamptz, body text)"
	if _, err := pool.Exec(ctx, table); err != nil {
		pool.Close()
		return nil, nil, err
	}
	return func(ctx context.Context) error {
		e := newEntry()
		_, err := pool.Exec(ctx, "INSERT INTO plain VALUES ($1, $2, $3, $4)", int64(e.MessageID), int64(e.ClientID), e.AcceptedAt, e.Body)
		return err
	}, pool.Close, nil
}

func putInto(inbox webhook.Inbox) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := inbox.Put(ctx, newEntry())
		return err
	}
}

// through is an inbox with a worker behind it.
type through struct {
	inbox   webhook.Inbox
	stop    context.CancelFunc
	working sync.WaitGroup
	// waiting has a channel for each event that is under way.
	waiting sync.Map
}

func newThrough(ctx context.Context, inbox webhook.Inbox) *through {
	ctx, stop := context.WithCancel(ctx)
	t := &through{inbox: inbox, stop: stop}
	t.working.Go(func() {
		for {
			deliveries, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: "bench", Max: 32, Duration: time.Minute})
			if err != nil {
				return
			}
			for _, delivery := range deliveries {
				t.working.Go(func() {
					err := inbox.Commit(ctx, delivery)
					if done, ok := t.waiting.LoadAndDelete(delivery.MessageID); ok {
						done.(chan error) <- err
					}
				})
			}
		}
	})
	return t
}

// run puts an event and waits until it is committed.
func (t *through) run(ctx context.Context) error {
	entry, done := newEntry(), make(chan error, 1)
	t.waiting.Store(entry.MessageID, done)
	if _, err := t.inbox.Put(ctx, entry); err != nil {
		return err
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the worker.
func (t *through) Close() error {
	t.stop()
	t.working.Wait()
	return nil
}
