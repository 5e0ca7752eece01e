package main

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/webhook"
)

// page shows the counts of all processes together, renewed each second.
func page(ctx context.Context, s settings) (err error) {
	inbox, err := postgres.OpenInbox(ctx, s.database, postgres.WithoutListen(), postgres.WithLifetime(s.takeover))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()
	pool, err := pgxpool.New(ctx, s.database)
	if err != nil {
		return err
	}
	defer pool.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		counts, err := count(r.Context(), inbox, pool)
		if err != nil {
			slog.Error("counting", "error", err)
			w.Header().Set("Refresh", "1")
			http.Error(w, "The database cannot be asked at present.", http.StatusServiceUnavailable)
			return
		}
		if err := shown.Execute(w, counts); err != nil {
			slog.Error("showing the counts", "error", err)
		}
	})
	return serve(ctx, s.listen, mux)
}

// counts are what the page shows.
type counts struct {
	webhook.Counts
	// Age is for how long the oldest event waits.
	Age time.Duration
	// Answered counts the bot's own rows.
	Answered int
	// Records are those of the ledger: of calls under way, and of events that are not over.
	Records int
	// Part is what a 429 has left of the pace, in percent, and Held for how many seconds
	// nothing starts because of one.
	Part, Held float64
}

const selectCounts = `SELECT (SELECT count(*) FROM answered), (SELECT count(*) FROM salebot.record),
	coalesce(100 * min(part), 100), coalesce(extract(epoch FROM greatest(max(held), now()) - now()), 0) FROM salebot.pace`

func count(ctx context.Context, inbox *postgres.Inbox, pool *pgxpool.Pool) (c counts, err error) {
	if c.Counts, err = inbox.Counts(ctx, webhook.DefaultEndpoint); err != nil {
		return c, err
	}
	if !c.Oldest.IsZero() {
		c.Age = time.Since(c.Oldest).Round(100 * time.Millisecond)
	}
	err = pool.QueryRow(ctx, selectCounts).Scan(&c.Answered, &c.Records, &c.Part, &c.Held)
	return c, err
}

var shown = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<title>Counts</title>
<style>body { font: 1.2em sans-serif; margin: 2em } th { text-align: left } td { text-align: right; padding-left: 2em }</style>
<table>
<tr><th>waiting<td>{{.Waiting}}
<tr><th>being handled<td>{{.Leased}}
<tr><th>to be tried again later<td>{{.Delayed}}
<tr><th>dead letters<td>{{.Dead}}
<tr><th>age of the oldest<td>{{.Age}}
<tr><th>answered<td>{{.Answered}}
<tr><th>records of the ledger<td>{{.Records}}
<tr><th>pace<td>{{printf "%.0f" .Part}} % of the rate{{if .Held}}, held for {{printf "%.1f" .Held}} s{{end}}
</table>
`))
