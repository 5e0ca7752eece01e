//go:build postgres

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// handler serves an inbox with a function.
func handler(t *testing.T, inbox webhook.Inbox, fn webhook.Func, opts ...webhook.Option) *webhook.Handler {
	t.Helper()
	h, err := webhook.New(fn, append([]webhook.Option{webhook.WithoutSecret(), webhook.WithInbox(inbox), webhook.WithRetryPolicy(webhook.RetryPolicy{
		MaxAttempts: 3, BaseDelay: 2 * time.Millisecond, MaxDelay: 4 * time.Millisecond,
	})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// post sends a message of client 1.
func post(t *testing.T, h http.Handler, message int64) {
	t.Helper()
	body := fmt.Sprintf(`{"id":%d,"client":{"id":1,"recepient":"1"},"message":"hello","is_input":1,"delivered":1}`, message)
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	if recorder.Code != http.StatusOK {
		t.Fatalf("message %d: status %d", message, recorder.Code)
	}
}

func shutDown(t *testing.T, h *webhook.Handler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
}

// wrapped is an inbox of a user's around ours.
type wrapped struct{ *postgres.Inbox }

// TestSettle checks that an event ends together with the rows of its function, or not at
// all, and that no call can be made while the transaction is open.
func TestSettle(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	inbox := openInbox(t, server, newSchema(t, server))
	table := fmt.Sprintf("answered_%d", schemas.Add(1))
	if err := server.Execute(t.Context(), "CREATE TABLE "+table+" (message bigint, attempt int)"); err != nil {
		t.Fatal(err)
	}
	salebotServer := salebottest.New(t)
	client := salebotServer.Client(t)
	asWanted := errors.New("as wanted")
	refused := make(chan error, 100)
	fn := func(ctx context.Context, event *webhook.Event) error {
		outer := ctx
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			for _, ctx := range []context.Context{ctx, outer} {
				_, err := client.Message(ctx, salebot.MessageRequest{ClientID: 1, Message: "not now"})
				refused <- err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO "+table+" VALUES ($1, $2)", int64(event.ID), event.Attempt); err != nil {
				return err
			}
			if event.ID == 2 && event.Attempt == 1 || event.ID == 3 {
				return asWanted
			}
			return nil
		})
	}
	var letters []webhook.DeadLetter
	h := handler(t, wrapped{inbox}, fn, webhook.WithDeadLetterFunc(func(_ context.Context, letter webhook.DeadLetter) { letters = append(letters, letter) }))
	for m := range int64(4) {
		post(t, h, m+1)
	}
	shutDown(t, h)
	close(refused)
	for err := range refused {
		if !errors.Is(err, salebot.ErrCallsRefused) {
			t.Errorf("a call inside of the transaction: %v", err)
		}
	}
	rows := query[string](t, server, "SELECT format('%s/%s', message, attempt) FROM "+table+" ORDER BY 1")
	if got, want := strings.Join(rows, " "), "1/1 2/2 4/1"; got != want {
		t.Errorf("rows %s, want %s", got, want)
	}
	if len(letters) != 1 || letters[0].MessageID != 3 || letters[0].Reason != asWanted.Error() {
		t.Errorf("dead letters %+v", letters)
	}
	counts, err := inbox.Counts(t.Context(), webhook.DefaultEndpoint)
	if err != nil || counts != (webhook.Counts{Dead: 1}) {
		t.Errorf("counts %+v, %v", counts, err)
	}
}

// TestSettleWhatWasLost checks that nothing is committed if the event was handed out again.
func TestSettleWhatWasLost(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	schema := newSchema(t, server)
	inbox := openInbox(t, server, schema)
	table := fmt.Sprintf("answered_%d", schemas.Add(1))
	if err := server.Execute(t.Context(), "CREATE TABLE "+table+" (attempt int)"); err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 2)
	fn := func(ctx context.Context, event *webhook.Event) error {
		if event.Attempt == 1 {
			inbox.Execute(t, ctx, "UPDATE salebot.lane SET due = clock_timestamp()")
		}
		err := postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			if event.Attempt == 1 {
				// Another worker gets the event in the meantime.
				other, err := inbox.Lease(ctx, webhook.LeaseRequest{Endpoint: webhook.DefaultEndpoint, Max: 1, Duration: time.Millisecond})
				if err != nil || len(other) != 1 || other[0].Attempt != 2 {
					t.Errorf("%+v, %v", other, err)
				}
			}
			_, err := tx.Exec(ctx, "INSERT INTO "+table+" VALUES ($1)", event.Attempt)
			return err
		})
		results <- err
		return err
	}
	h := handler(t, inbox, fn, webhook.WithWorkers(1))
	post(t, h, 1)
	shutDown(t, h)
	if err := <-results; !errors.Is(err, webhook.ErrLeaseLost) {
		t.Errorf("%v, want ErrLeaseLost", err)
	}
	if err := <-results; err != nil {
		t.Error(err)
	}
	if rows := query[int](t, server, "SELECT attempt FROM "+table); len(rows) != 1 || rows[0] != 3 {
		t.Errorf("rows %v, want that of attempt 3", rows)
	}
}

// TestSettleElsewhere checks the error of Settle where there is nothing to settle.
func TestSettleElsewhere(t *testing.T) {
	t.Parallel()
	never := func(context.Context, pgx.Tx) error {
		t.Error("it was called")
		return errors.New("it was called")
	}
	if err := postgres.Settle(t.Context(), never); !errors.Is(err, postgres.ErrNotFunction) {
		t.Errorf("%v, want ErrNotFunction", err)
	}
	memory, err := webhook.NewMemoryInbox()
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	h := handler(t, memory, func(ctx context.Context, _ *webhook.Event) error {
		result <- postgres.Settle(ctx, never)
		return nil
	})
	post(t, h, 1)
	shutDown(t, h)
	if err := <-result; !errors.Is(err, postgres.ErrNotFunction) {
		t.Errorf("with another inbox: %v, want ErrNotFunction", err)
	}
}

// TestSettleMisused checks that a function which ends the transaction itself, settles twice,
// or fails after Settle, neither doubles its rows nor loses them.
func TestSettleMisused(t *testing.T) {
	t.Parallel()
	server := commonServer(t)
	table := fmt.Sprintf("answered_%d", schemas.Add(1))
	if err := server.Execute(t.Context(), "CREATE TABLE "+table+" (message bigint)"); err != nil {
		t.Fatal(err)
	}
	var log lockedText
	inbox := openInbox(t, server, newSchema(t, server), postgres.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	errs := make(chan error, 10)
	h := handler(t, inbox, func(ctx context.Context, event *webhook.Event) error {
		write := func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO "+table+" VALUES ($1)", int64(event.ID))
			if event.ID == 1 {
				errs <- tx.Commit(ctx)
				errs <- tx.Rollback(ctx)
			}
			return err
		}
		if err := postgres.Settle(ctx, write); err != nil {
			return err
		}
		switch event.ID {
		case 2:
			errs <- postgres.Settle(ctx, write)
		case 3:
			return errors.New("too late")
		}
		return nil
	}, webhook.WithDeadLetterFunc(func(_ context.Context, letter webhook.DeadLetter) { t.Errorf("a dead letter: %+v", letter) }))
	for m := range int64(3) {
		post(t, h, m+1)
	}
	shutDown(t, h)
	close(errs)
	if len(errs) != 3 {
		t.Errorf("%d misuses, want 3", len(errs))
	}
	for err := range errs {
		if err == nil || errors.Is(err, postgres.ErrUnreachable) {
			t.Errorf("%v, want a refusal", err)
		}
	}
	if rows := query[int64](t, server, "SELECT message FROM "+table+" ORDER BY 1"); !slices.Equal(rows, []int64{1, 2, 3}) {
		t.Errorf("rows %v", rows)
	}
	if text := log.String(); !strings.Contains(text, "failed after Settle") || !strings.Contains(text, "too late") {
		t.Errorf("the log does not tell of the late failure: %s", text)
	}
}
