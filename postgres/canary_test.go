//go:build postgres

package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// TestKeyIsNowhere uses everything with a server that logs each statement and each value,
// and looks for the API key in its log, in all tables, in the list of connections, in what
// was logged here and in errors.
func TestKeyIsNowhere(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(t.Context(), "fsync=off", "log_statement=all", "log_min_duration_statement=0", "log_parameter_max_length=-1",
		"log_parameter_max_length_on_error=-1", "log_connections=on", "log_line_prefix=%a %u %d ")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Remove() }()
	if _, err := postgres.Migrate(t.Context(), server.Address()); err != nil {
		t.Fatal(err)
	}
	if err := server.Execute(t.Context(), "CREATE TABLE answered (message bigint)"); err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	inbox, err := postgres.OpenInbox(t.Context(), server.Address(), postgres.WithLogger(logger), postgres.WithTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = inbox.Close() }()
	records, err := postgres.OpenLedger(t.Context(), server.Address(), postgres.WithLogger(logger), postgres.WithTimeout(500*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	pace, err := postgres.OpenPace(t.Context(), server.Address(), canary, 1000, 10, postgres.WithLogger(logger))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pace.Close() }()
	emulator := salebottest.New(t, salebottest.WithKey(canary), salebottest.WithPerson(salebottest.Person{ID: 1}))
	client := emulator.Client(t, salebot.WithLedger(records, "shop"), salebot.WithLimiter(pace), salebot.WithLogger(logger))
	emulator.Fail(salebottest.Fault{Action: "message", RetryAfter: time.Second}, salebottest.Fault{Action: "message", Status: 500, After: 1})
	h := handler(t, inbox, func(ctx context.Context, event *webhook.Event) error {
		if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: "answer"}); err != nil {
			return err
		}
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO answered VALUES ($1)", int64(event.ID))
			return err
		})
	}, webhook.WithRunOnce(client, "bot"), webhook.WithLogger(logger))
	for message := range int64(3) {
		post(t, h, message+1)
	}
	shutDown(t, h)
	texts := map[string]string{"connections": strings.Join(query[string](t, server, "SELECT a::text FROM pg_stat_activity a"), "\n")}
	dump := exec.CommandContext(t.Context(), filepath.Join(server.Programs(), "pg_dump"), "--host="+server.Folder(), "--username=postgres", "--inserts", "postgres")
	content, err := dump.Output()
	if err != nil {
		t.Fatal(err)
	}
	texts["tables"] = string(content)
	if err := server.StopNow(); err != nil {
		t.Fatal(err)
	}
	_, putErr := put(t, inbox, 9)
	_, callErr := client.Message(t.Context(), salebot.MessageRequest{ClientID: 1, Message: "away"}, salebot.WithIdempotencyKey("away"))
	if putErr == nil || callErr == nil {
		t.Fatal("the server is away, and nothing fails")
	}
	texts["errors"] = putErr.Error() + callErr.Error()
	if texts["log of the server"], err = server.Log(); err != nil {
		t.Fatal(err)
	}
	// Their errors are of the server that is away, and nothing is logged any more.
	texts["errors of Close"] = fmt.Sprint(inbox.Close(), records.Close())
	texts["log"] = logged.String()
	for name, text := range texts {
		if len(text) < 50 {
			t.Errorf("%s: there is nothing to look at: %q", name, text)
		}
		for _, form := range []string{canary, "c4n4ry%2Bk3y", "c4n4ry", "YzRuNHJ5"} {
			if strings.Contains(text, form) {
				t.Errorf("%s: the key is in it", name)
			}
		}
	}
	if !strings.Contains(texts["log of the server"], "salebot.put") {
		t.Error("the server's log does not have the statements")
	}
}
