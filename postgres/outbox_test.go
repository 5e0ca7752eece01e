//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// shop is a database and a Salebot with outboxes between them.
type shop struct {
	t        *testing.T
	schema   postgres.SharedOption
	emulator *salebottest.Emulator
	client   *salebot.Client
	db       *pgx.Conn
}

func newShop(t *testing.T) *shop {
	t.Helper()
	server := commonServer(t)
	s := &shop{t: t, schema: newSchema(t, server), emulator: salebottest.New(t, salebottest.WithPerson(salebottest.Person{ID: 1}))}
	records, err := postgres.OpenLedger(t.Context(), server.Address(), s.schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close() })
	s.client = s.emulator.Client(t, salebot.WithLedger(records, "shop"))
	if s.db, err = pgx.Connect(t.Context(), server.Address()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close(context.Background()) })
	return s
}

// open opens an outbox that sends its bodies as messages, unless fail says otherwise.
func (s *shop) open(fail func(postgres.Outgoing) error) *postgres.Outbox {
	s.t.Helper()
	outbox, err := postgres.OpenOutbox(s.t.Context(), commonServer(s.t).Address(), s.client, "order paid",
		func(ctx context.Context, request postgres.Outgoing) error {
			if err := fail(request); err != nil {
				return err
			}
			_, err := s.client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: string(request.Body)})
			return err
		}, s.schema, postgres.WithPollInterval(20*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = outbox.Close() })
	return outbox
}

// reserve reserves a request in a transaction that is committed or not.
func (s *shop) reserve(outbox *postgres.Outbox, key string, commit bool) {
	s.t.Helper()
	tx, err := s.db.Begin(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if err = outbox.Reserve(s.t.Context(), tx, key, []byte("paid: "+key)); err != nil {
		s.t.Fatal(err)
	}
	if commit {
		err = tx.Commit(s.t.Context())
	} else {
		err = tx.Rollback(s.t.Context())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) sent(outbox *postgres.Outbox) {
	s.t.Helper()
	eventually(s.t, "all is sent", func() bool {
		pending, err := outbox.Pending(s.t.Context())
		return err == nil && pending == 0
	})
}

// TestOutbox checks that what was reserved is sent once if its transaction was committed,
// and not at all if it was not, with several processes, repeated keys and failures.
func TestOutbox(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	asWanted := func(request postgres.Outgoing) error {
		if request.Attempt == 1 && strings.HasSuffix(request.Key, "3") {
			return errors.New("as wanted")
		}
		return nil
	}
	one, two := s.open(asWanted), s.open(asWanted)
	const orders = 20
	for n := range orders {
		s.reserve(one, fmt.Sprint("order ", n), n%4 != 1)
		s.reserve(two, fmt.Sprint("order ", n), n%4 != 1)
	}
	two.Wake()
	s.sent(one)
	// The ledger knows it although the outbox forgot it.
	s.reserve(one, "order 0", true)
	s.sent(one)
	texts := map[string]int{}
	for _, message := range s.emulator.Messages(1) {
		texts[message.Text]++
	}
	for n := range orders {
		want := 1
		if n%4 == 1 {
			want = 0
		}
		if got := texts[fmt.Sprint("paid: order ", n)]; got != want {
			t.Errorf("order %d was sent %d times, want %d", n, got, want)
		}
	}
}

// TestOutboxGivesUp checks the way of a request that cannot be sent.
func TestOutboxGivesUp(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	failing := make(chan bool, 1)
	failing <- true
	outbox := s.open(func(postgres.Outgoing) error {
		now := <-failing
		failing <- now
		if now {
			return errors.New("as wanted")
		}
		return nil
	})
	s.reserve(outbox, "order 1", true)
	eventually(t, "the first attempt failed", func() bool {
		tag, err := s.db.Exec(t.Context(), outbox.SQL("UPDATE salebot.outgoing SET attempts = 24, due = now() WHERE attempts > 0 AND lease = 0"))
		return err == nil && tag.RowsAffected() == 1
	})
	var failed []postgres.Failure
	eventually(t, "it is given up", func() bool {
		var err error
		failed, err = outbox.Failed(t.Context(), 10)
		return err == nil && len(failed) == 1
	})
	if f := failed[0]; f.Key != "order 1" || string(f.Body) != "paid: order 1" || f.Attempt != 25 || !strings.Contains(f.Reason, "as wanted") {
		t.Errorf("%+v", f)
	}
	<-failing
	failing <- false
	if n, err := outbox.Retry(t.Context(), "order 1", "order 2"); n != 1 || err != nil {
		t.Errorf("%d, %v; want 1", n, err)
	}
	s.sent(outbox)
	s.emulator.AssertMessage(t, 1, "paid: order 1")
	if n, err := outbox.Discard(t.Context(), "order 1"); n != 0 || err != nil {
		t.Errorf("%d, %v; want none left", n, err)
	}
}

// TestOutboxOfTheDead checks that others send at once what a process that was closed had
// not sent.
func TestOutboxOfTheDead(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	began := make(chan struct{}, 10)
	stuck := s.open(func(postgres.Outgoing) error {
		began <- struct{}{}
		return errors.New("as wanted")
	})
	s.reserve(stuck, "order 1", true)
	<-began
	if err := stuck.Close(); err != nil {
		t.Fatal(err)
	}
	if err := stuck.Reserve(t.Context(), nil, "order 2", nil); !errors.Is(err, postgres.ErrOutboxClosed) {
		t.Errorf("after Close: %v, want ErrOutboxClosed", err)
	}
	other := s.open(func(postgres.Outgoing) error { return nil })
	s.sent(other)
	s.emulator.AssertMessage(t, 1, "paid: order 1")
}

// TestOutboxNeedsALedger checks that an outbox whose calls could be made twice is refused.
func TestOutboxNeedsALedger(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	client := salebottest.New(t).Client(t)
	_, err := postgres.OpenOutbox(t.Context(), server.Address(), client, "order paid", func(context.Context, postgres.Outgoing) error { return nil })
	if !errors.Is(err, salebot.ErrInvalidRequest) {
		t.Errorf("%v, want ErrInvalidRequest", err)
	}
}

// openWith opens an outbox with a function of the test's.
func (s *shop) openWith(send func(context.Context, postgres.Outgoing) error, opts ...postgres.OutboxOption) *postgres.Outbox {
	s.t.Helper()
	outbox, err := postgres.OpenOutbox(s.t.Context(), commonServer(s.t).Address(), s.client, "order paid", send,
		append([]postgres.OutboxOption{s.schema, postgres.WithPollInterval(20 * time.Millisecond)}, opts...)...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = outbox.Close() })
	return outbox
}

// TestOutboxPanics checks that a function that panics is tried again, and that others go on.
func TestOutboxPanics(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	var log lockedText
	outbox := s.openWith(func(ctx context.Context, request postgres.Outgoing) error {
		if request.Attempt == 1 && request.Key == "order 1" {
			panic("as wanted")
		}
		if request.Attempt == 1 && request.Key == "order 2" {
			return (*os.PathError)(nil) // its text panics
		}
		_, err := s.client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: string(request.Body)})
		return err
	}, postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for _, key := range []string{"order 1", "order 2"} {
		s.reserve(outbox, key, true)
	}
	s.sent(outbox)
	s.emulator.AssertMessage(t, 1, "paid: order 1")
	s.emulator.AssertMessage(t, 1, "paid: order 2")
	if text := log.String(); !strings.Contains(text, "as wanted") || !strings.Contains(text, "TestOutboxPanics") {
		t.Errorf("the log has neither the panic nor its stack: %s", text)
	}
}

// TestOutboxGivesUpAtOnce checks what is given up at once, and that whoever reserves it again
// hears of it.
func TestOutboxGivesUpAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	mended := make(chan struct{})
	var log lockedText
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error {
		select {
		case <-mended:
			return nil
		default:
			return fmt.Errorf("order: %w", webhook.Permanent(errors.New("it is odd")))
		}
	}, postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	s.reserve(outbox, "odd", true)
	eventually(t, "the request is given up", func() bool {
		number, err := outbox.CountFailed(t.Context())
		return err == nil && number == 1
	})
	failed, err := outbox.Failed(t.Context(), 10)
	if err != nil || len(failed) != 1 || failed[0].Attempt != 1 || failed[0].Reason != "order: it is odd" {
		t.Errorf("%+v, %v", failed, err)
	}
	if text := log.String(); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "given up") {
		t.Errorf("the log does not tell of it: %s", text)
	}
	tx, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := outbox.Reserve(t.Context(), tx, "odd", nil); !errors.Is(err, postgres.ErrGivenUp) {
		t.Errorf("%v, want ErrGivenUp", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(mended)
	if number, err := outbox.Retry(t.Context(), "odd"); err != nil || number != 1 {
		t.Errorf("%d, %v", number, err)
	}
	s.sent(outbox)
}

// TestOutboxOfDeadProcesses checks that a request whose attempts never ended is given up:
// it may be what ends the processes.
func TestOutboxOfDeadProcesses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	called := make(chan struct{}, 10)
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error {
		called <- struct{}{}
		return nil
	}, postgres.WithPollInterval(time.Hour))
	// In one transaction, so that it is not taken before.
	err := pgx.BeginFunc(t.Context(), s.db, func(tx pgx.Tx) error {
		if err := outbox.Reserve(t.Context(), tx, "order 1", nil); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), outbox.SQL("UPDATE salebot.outgoing SET attempts = 28"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	outbox.Wake()
	eventually(t, "the request is given up", func() bool {
		failed, err := outbox.Failed(t.Context(), 10)
		return err == nil && len(failed) == 1 && strings.Contains(failed[0].Reason, "did not end")
	})
	if len(called) > 0 {
		t.Error("it was tried once more")
	}
}

// TestOutboxWithoutRights checks that an outbox which could not send says so when it is
// opened, and afterwards in Health.
func TestOutboxWithoutRights(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	server := commonServer(t)
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error { return nil })
	if err := outbox.Health(); err != nil {
		t.Error(err)
	}
	role := fmt.Sprintf("outbox_%d", schemas.Add(1))
	statements := []string{
		"CREATE ROLE " + role + " LOGIN", outbox.SQL("GRANT USAGE ON SCHEMA salebot TO " + role),
		outbox.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA salebot TO " + role), outbox.SQL("REVOKE ALL ON salebot.outgoing FROM " + role),
		outbox.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA salebot TO " + role),
	}
	if err := server.Execute(t.Context(), statements...); err != nil {
		t.Fatal(err)
	}
	address := strings.ReplaceAll(server.Address(), "user=postgres", "user="+role)
	open := func() (*postgres.Outbox, error) {
		return postgres.OpenOutbox(t.Context(), address, s.client, "order paid", func(context.Context, postgres.Outgoing) error { return nil },
			s.schema, postgres.WithPollInterval(20*time.Millisecond))
	}
	if _, err := open(); !errors.Is(err, postgres.ErrNoRights) {
		t.Errorf("%v, want ErrNoRights", err)
	}
	grant, revoke := outbox.SQL("GRANT ALL ON salebot.outgoing TO "+role), outbox.SQL("REVOKE ALL ON salebot.outgoing FROM "+role)
	if err := server.Execute(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	other, err := open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	if err := server.Execute(t.Context(), revoke); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox notices", func() bool { return errors.Is(other.Health(), postgres.ErrNoRights) })
	if err := server.Execute(t.Context(), grant); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the outbox works again", func() bool { return other.Health() == nil })
}

// TestReserveRefuses checks that a mistake with the transaction is told as one.
func TestReserveRefuses(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	outbox := s.openWith(func(context.Context, postgres.Outgoing) error { return nil })
	if err := outbox.Reserve(t.Context(), nil, "order 1", nil); !errors.As(err, new(*salebot.OptionError)) {
		t.Errorf("%v, want an OptionError", err)
	}
	tx, err := s.db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := outbox.Reserve(t.Context(), tx, "order 1", nil); !errors.Is(err, pgx.ErrTxClosed) || errors.Is(err, postgres.ErrUnreachable) {
		t.Errorf("%v, want ErrTxClosed", err)
	}
}
