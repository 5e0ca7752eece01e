//go:build postgres

package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/postgres"
	"github.com/salebot-go/salebot/postgres/internal/postgrestest"
	"github.com/salebot-go/salebot/salebottest"
	"github.com/salebot-go/salebot/webhook"
)

// campaignVariable says how often processes are killed, the server is restarted and its
// standby promoted, such as "200/20/5".
const campaignVariable = "SALEBOT_POSTGRES_KILLS"

// The environment of the processes of the campaign.
const (
	campaignAddress = "SALEBOT_POSTGRES_TEST_ADDRESS"
	campaignSalebot = "SALEBOT_POSTGRES_TEST_SALEBOT"
	campaignLog     = "SALEBOT_POSTGRES_TEST_LOG"
	// campaignClients are the clients that a receiver gets events of, and the last
	// message of each that was acknowledged, such as "1:7 2:0".
	campaignClients = "SALEBOT_POSTGRES_TEST_CLIENTS"
)

const (
	receivers, workers = 2, 3
	clientsOfReceiver  = 5
	// perClient is more messages than a client can have.
	perClient = 1_000_000
)

func init() { roles["campaign"] = campaign } //nolint:gochecknoinits // the table of roles is in another file

// recording is an inbox that writes down what was committed.
type recording struct {
	*postgres.Inbox
	log *os.File
}

func (r recording) Commit(ctx context.Context, delivery webhook.Delivery) error {
	err := r.Inbox.Commit(ctx, delivery)
	if err == nil {
		_, err = fmt.Fprintf(r.log, "committed %d %d\n", delivery.ClientID, delivery.MessageID)
	}
	return err
}

// campaign is a receiver or a worker that is killed. It ends when its input does.
func campaign() error {
	ctx := context.Background()
	log, err := os.OpenFile(os.Getenv(campaignLog), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	address, lifetime := os.Getenv(campaignAddress), postgres.WithLifetime(3*time.Second)
	inbox, err := retried(func() (*postgres.Inbox, error) { return postgres.OpenInbox(ctx, address, lifetime) })
	if err != nil {
		return err
	}
	records, err := retried(func() (*postgres.Ledger, error) { return postgres.OpenLedger(ctx, address, lifetime) })
	if err != nil {
		return err
	}
	client, err := salebot.New(canary, salebot.WithBaseURL(os.Getenv(campaignSalebot)), salebot.WithLedger(records, "shop"),
		salebot.WithSendWindow(2*time.Second), salebot.WithHistoryDelay(100*time.Millisecond))
	if err != nil {
		return err
	}
	fn := func(ctx context.Context, event *webhook.Event) error {
		if _, err := fmt.Fprintf(log, "handled %d %d\n", event.Client.ID, event.ID); err != nil {
			return err
		}
		if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: event.Client.ID, Message: fmt.Sprint("answer to ", event.ID)}); err != nil {
			return err
		}
		if event.ID%2 == 0 {
			return nil
		}
		return postgres.Settle(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO answered VALUES ($1)", int64(event.ID))
			return err
		})
	}
	handler, err := retried(func() (*webhook.Handler, error) {
		return webhook.New(fn, webhook.WithoutSecret(), webhook.WithInbox(recording{inbox, log}), webhook.WithRunOnce(client, "campaign"),
			webhook.WithWorkers(4), webhook.WithRetryPolicy(webhook.RetryPolicy{MaxAttempts: 1000, BaseDelay: 50 * time.Millisecond, MaxDelay: time.Second}))
	})
	if err != nil {
		return err
	}
	life, stop := context.WithCancel(ctx)
	defer stop()
	var sending sync.WaitGroup
	for pair := range strings.FieldsSeq(os.Getenv(campaignClients)) {
		var sender, acknowledged int64
		if _, err := fmt.Sscanf(pair, "%d:%d", &sender, &acknowledged); err != nil {
			return err
		}
		sending.Go(func() { sendEvents(life, handler, log, sender, acknowledged) })
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop()
	sending.Wait()
	limited, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return errors.Join(handler.Shutdown(limited), records.Close(), inbox.Close())
}

// retried opens something while the server is being restarted.
func retried[T any](open func() (T, error)) (opened T, err error) {
	for range 600 {
		if opened, err = open(); err == nil {
			return opened, nil
		}
		<-time.After(100 * time.Millisecond)
	}
	return opened, err
}

// sendEvents posts the messages of one client in order, one that was not acknowledged again
// and again.
func sendEvents(ctx context.Context, handler http.Handler, log *os.File, client, acknowledged int64) {
	for ctx.Err() == nil {
		message := client*perClient + acknowledged + 1
		body := fmt.Sprintf(`{"id":%d,"client":{"id":%d,"recepient":"1"},"message":"hello","is_input":1,"delivered":1}`, message, client)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if recorder.Code == http.StatusOK {
			if _, err := fmt.Fprintf(log, "acknowledged %d %d\n", client, message); err != nil {
				return
			}
			acknowledged++
		}
		select {
		case <-time.After(time.Duration(20+rand.IntN(60)) * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// campaigner runs the processes and the servers.
type campaigner struct {
	t *testing.T
	// place is a link to the folder of the server that takes changes.
	place, log, salebot string
	primary, standby    *postgrestest.Server
	// members are the receivers and then the workers.
	members [receivers + workers]*member
}

type member struct {
	command *exec.Cmd
	input   io.Closer
}

// TestKillCampaign kills processes, restarts the server and promotes its standby, all at
// random and under load, and counts in the end: no event that was acknowledged is lost,
// none was committed twice, the order of each client was kept, and no call was made twice.
func TestKillCampaign(t *testing.T) {
	t.Parallel()
	kills, restarts, promotions := 16, 6, 3
	if campaign := os.Getenv(campaignVariable); campaign != "" {
		if _, err := fmt.Sscanf(campaign, "%d/%d/%d", &kills, &restarts, &promotions); err != nil {
			t.Fatal(err)
		}
	}
	var people []salebottest.Person
	for client := range receivers * clientsOfReceiver {
		people = append(people, salebottest.Person{ID: salebot.ClientID(client + 1)})
	}
	emulator := salebottest.New(t, salebottest.WithKey(canary), salebottest.WithPeople(people...))
	web := httptest.NewServer(emulator)
	defer web.Close()
	folder := t.TempDir()
	c := &campaigner{t: t, place: filepath.Join(folder, "current"), log: filepath.Join(folder, "log"), salebot: web.URL}
	c.startServers()
	defer c.removeServers()
	if _, err := postgres.Migrate(t.Context(), c.primary.Address()); err != nil {
		t.Fatal(err)
	}
	if err := c.primary.Execute(t.Context(), "CREATE TABLE answered (message bigint PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	defer c.killAll()
	for n := range c.members {
		c.start(n)
	}
	c.run(kills, restarts, promotions)
	c.end()
	c.count(emulator, kills, restarts, promotions)
}

func (c *campaigner) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *campaigner) startServers() {
	c.t.Helper()
	primary, err := postgrestest.Start(c.t.Context())
	c.must(err)
	c.primary = primary
	c.standby = addStandby(c.t, c.primary)
	c.link()
}

// link lets the address of the processes lead to the server that takes changes.
func (c *campaigner) link() {
	c.t.Helper()
	fresh := c.place + ".new"
	c.must(os.Symlink(c.primary.Folder(), fresh))
	c.must(os.Rename(fresh, c.place))
}

func (c *campaigner) removeServers() {
	for _, server := range []*postgrestest.Server{c.standby, c.primary} {
		if server != nil {
			_ = server.Remove()
		}
	}
}

// promote kills the server and lets its standby go on, with a new standby.
func (c *campaigner) promote() {
	c.t.Helper()
	c.must(c.primary.Kill())
	c.must(c.primary.Remove())
	c.primary, c.standby = c.standby, nil
	c.must(c.primary.Promote(c.t.Context()))
	// It has the settings of the other one, and would wait for a standby of its own.
	c.must(c.primary.Execute(c.t.Context(), "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"))
	c.link()
	c.standby = addStandby(c.t, c.primary)
}

func (c *campaigner) start(n int) {
	c.t.Helper()
	command := exec.CommandContext(context.WithoutCancel(c.t.Context()), os.Args[0])
	command.Env = append(os.Environ(), role+"=campaign", campaignAddress+"=host="+c.place+" user=postgres dbname=postgres",
		campaignSalebot+"="+c.salebot, campaignLog+"="+c.log)
	if n < receivers {
		command.Env = append(command.Env, campaignClients+"="+c.clients(n))
	}
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	c.must(err)
	c.must(command.Start())
	c.members[n] = &member{command, input}
}

// clients says what a receiver has to go on with.
func (c *campaigner) clients(receiver int) string {
	last := map[int64]int64{}
	for line := range c.lines() {
		if line.what == "acknowledged" {
			last[line.client] = line.message - line.client*perClient
		}
	}
	var all []string
	for n := range clientsOfReceiver {
		client := int64(receiver*clientsOfReceiver + n + 1)
		all = append(all, strconv.FormatInt(client, 10)+":"+strconv.FormatInt(last[client], 10))
	}
	return strings.Join(all, " ")
}

func (c *campaigner) kill(n int) {
	_ = c.members[n].command.Process.Kill()
	_ = c.members[n].command.Wait()
}

func (c *campaigner) killAll() {
	for n, m := range c.members {
		if m != nil {
			c.kill(n)
		}
	}
}

// run does it all, in random order.
func (c *campaigner) run(kills, restarts, promotions int) {
	c.t.Helper()
	var deeds []func()
	for range kills {
		deeds = append(deeds, func() {
			n := rand.IntN(len(c.members))
			c.kill(n)
			c.start(n)
		})
	}
	for range restarts {
		deeds = append(deeds, func() {
			c.must(c.primary.StopNow())
			c.must(c.primary.Run(c.t.Context()))
		})
	}
	for range promotions {
		deeds = append(deeds, c.promote)
	}
	for _, n := range rand.Perm(len(deeds)) {
		<-time.After(time.Duration(100+rand.IntN(600)) * time.Millisecond)
		deeds[n]()
	}
}

// end lets the processes end by themselves when everything is handled: the receivers
// first, since a process that ends waits for what the others still get.
func (c *campaigner) end() {
	c.t.Helper()
	for _, m := range c.members {
		_ = m.input.Close()
	}
	for n, m := range c.members {
		if err := m.command.Wait(); err != nil {
			c.t.Errorf("a process ended with %v", err)
		}
		c.members[n] = nil
	}
}

type logLine struct {
	what            string
	client, message int64
}

// lines yields what the processes wrote down.
func (c *campaigner) lines() func(yield func(logLine) bool) {
	return func(yield func(logLine) bool) {
		file, err := os.Open(c.log)
		if errors.Is(err, os.ErrNotExist) {
			return
		}
		c.must(err)
		defer func() { _ = file.Close() }()
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			var line logLine
			if _, err := fmt.Sscanf(lines.Text(), "%s %d %d", &line.what, &line.client, &line.message); err != nil {
				c.t.Fatalf("line %q: %v", lines.Text(), err)
			}
			if !yield(line) {
				return
			}
		}
	}
}

// count checks what was promised.
func (c *campaigner) count(emulator *salebottest.Emulator, kills, restarts, promotions int) {
	c.t.Helper()
	acknowledged, handled, committed, last := map[int64]bool{}, map[int64]int{}, map[int64]int{}, map[int64]int64{}
	disorder, late, twice, lost, repeated := 0, 0, 0, 0, 0
	for line := range c.lines() {
		switch line.what {
		case "acknowledged":
			acknowledged[line.message] = true
		case "committed":
			if committed[line.message]++; committed[line.message] > 1 {
				twice++
			}
		case "handled":
			if committed[line.message] > 0 {
				late++
			}
			if handled[line.message]++; handled[line.message] > 1 {
				repeated++
			}
			if before := last[line.client]; line.message < before || before != 0 && line.message > before+1 {
				c.t.Logf("client %d: message %d after %d", line.client, line.message, before)
				disorder++
			}
			last[line.client] = line.message
		}
	}
	for message := range acknowledged {
		if handled[message] == 0 {
			lost++
		}
	}
	sent, sentTwice, unanswered := map[string]int{}, 0, 0
	for client := range receivers * clientsOfReceiver {
		for _, message := range emulator.Messages(salebot.ClientID(client + 1)) {
			if sent[message.Text]++; sent[message.Text] > 1 {
				sentTwice++
			}
		}
	}
	for message := range committed {
		if sent[fmt.Sprint("answer to ", message)] == 0 {
			unanswered++
		}
	}
	answered := query[int64](c.t, c.primary, "SELECT message FROM answered")
	for message := range acknowledged {
		if message%2 == 1 {
			unanswered++
		}
	}
	for _, message := range answered {
		if acknowledged[message] {
			unanswered--
		}
	}
	left := query[int64](c.t, c.primary, "SELECT (SELECT count(*) FROM salebot.event) + (SELECT count(*) FROM salebot.dead_letter) + (SELECT count(*) FROM salebot.lane)")[0]
	c.t.Logf("deaths: %d (%d processes killed, %d restarts of the server, %d promotions); %d events acknowledged, %d handled (%d times again), %d calls made",
		kills+restarts+promotions, kills, restarts, promotions, len(acknowledged), len(handled), repeated, len(sent))
	c.t.Logf("%d lost, %d committed twice, %d handled after their commit, %d out of order, %d calls made twice, %d without an answer, %d left over",
		lost, twice, late, disorder, sentTwice, unanswered, left)
	if lost+twice+late+disorder+sentTwice+unanswered > 0 || left != 0 || len(acknowledged) == 0 {
		c.t.Error("the counts are wrong")
		c.describe()
	}
}

// describe logs what helps to find out why something was not handled.
func (c *campaigner) describe() {
	c.t.Helper()
	for _, statement := range []string{
		"SELECT application_name || ' ' || state || ' ' || sync_state FROM pg_stat_replication",
		"SELECT to_jsonb(l)::text FROM salebot.lane l ORDER BY head LIMIT 10",
		"SELECT to_jsonb(e)::text FROM salebot.event e WHERE NOT EXISTS (SELECT FROM salebot.lane l WHERE l.client = e.client) LIMIT 10",
		"SELECT reason FROM salebot.event WHERE reason IS NOT NULL LIMIT 10",
		"SELECT to_jsonb(h)::text FROM salebot.holder h",
		"SELECT wait_event || ' ' || state || ' ' || left(query, 80) FROM pg_stat_activity WHERE wait_event IS NOT NULL AND query <> ''",
	} {
		c.t.Log(statement, query[string](c.t, c.primary, statement))
	}
	for name, server := range map[string]*postgrestest.Server{"server": c.primary, "standby": c.standby} {
		log, err := server.Log()
		c.t.Logf("the end of the log of the %s (%v): %s", name, err, log[max(0, len(log)-3000):])
	}
}
