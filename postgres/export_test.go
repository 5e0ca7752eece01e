//go:build postgres

package postgres

import (
	"context"
	"testing"
	"time"
)

// Crash ends an inbox as if its process had died and the others had noticed: nothing that
// is under way ends well, and nobody says goodbye.
func (i *Inbox) Crash(t testing.TB) {
	t.Helper()
	i.closed.Store(true)
	id := i.presence.id.Swap(0)
	i.end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// The time of WithLifetime passes.
	i.Execute(t, ctx, "UPDATE salebot.holder SET expires = '-infinity' WHERE id = $1", id)
	i.Execute(t, ctx, "SELECT salebot.bury_holders()")
	_ = i.Close()
}

// Execute runs a statement as another process could.
func (i *Inbox) Execute(t testing.TB, ctx context.Context, statement string, args ...any) { //nolint:revive // as tests have it
	t.Helper()
	if _, err := i.pool.Exec(ctx, i.config.schema.sql(statement), args...); err != nil {
		t.Error(err)
	}
}

// SetFailing lets every change of events fail, or ends that.
func (i *Inbox) SetFailing(t testing.TB, failing bool) {
	t.Helper()
	ctx := t.Context()
	if failing {
		i.Execute(t, ctx, "CREATE FUNCTION salebot.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'failing as wanted'; END $$")
		i.Execute(t, ctx, "CREATE TRIGGER failing BEFORE INSERT OR DELETE OR UPDATE ON salebot.event FOR EACH ROW EXECUTE FUNCTION salebot.fail()")
		return
	}
	i.Execute(t, ctx, "DROP TRIGGER failing ON salebot.event")
	i.Execute(t, ctx, "DROP FUNCTION salebot.fail()")
}

// WithMinServer sets the oldest version of the server.
func WithMinServer(version int) SharedOption {
	return sharedOption(func(c *config) error {
		c.minServer = version
		return nil
	})
}

// SQL is a statement for the schema of the inbox.
func (i *Inbox) SQL(statement string) string { return i.config.schema.sql(statement) }

// SQL is a statement for the schema of the ledger.
func (l *Ledger) SQL(statement string) string { return l.config.schema.sql(statement) }

// Settle waits until nothing goes on in the background.
func (i *Inbox) Settle(t testing.TB) {
	t.Helper()
	for i.pool.Stat().AcquiredConns() > 0 || len(i.waker.told) > 0 {
		if !sleep(t.Context(), 2*between) {
			t.Fatal("there is always something going on")
		}
	}
	if !sleep(t.Context(), 4*between) {
		t.Fatal("the test is over")
	}
}

// Expect lets the pace take moments for so many more calls than there are.
func (p *Pace) Expect(calls int64) { p.waiting.Add(calls) }

// Told waits until the other processes were told of a hold.
func (p *Pace) Told() { p.background.group.Wait() }

// SQL is a statement for the schema of the pace.
func (p *Pace) SQL(statement string) string { return p.config.schema.sql(statement) }

// SQL is a statement for the schema of the outbox.
func (o *Outbox) SQL(statement string) string { return o.config.schema.sql(statement) }

// SQL is a statement for the schema of an option.
func SQL(option SharedOption, statement string) string {
	var c config
	_ = option.applyShared(&c)
	return c.schema.sql(statement)
}

// Sweep deletes old records now.
func (l *Ledger) Sweep(ctx context.Context) error { return l.sweep(ctx) }

// Waiting reports whether somebody waits for a moment.
func (p *Pace) Waiting() bool { return p.waiting.Load() > 0 }

// MaxTransactions is how many transactions of Settle there may be at once.
func (i *Inbox) MaxTransactions() int { return int(i.transactions.Config().MaxConns) }

// Timeout is what bounds a transaction.
func (i *Inbox) Timeout() time.Duration { return i.config.timeout }
