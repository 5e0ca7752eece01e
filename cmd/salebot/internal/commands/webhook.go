package commands

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
	"github.com/salebot-go/salebot/sqlite"
	"github.com/salebot-go/salebot/webhook"
)

// envSecret is the environment variable with the secret of the webhook.
const envSecret = "SALEBOT_WEBHOOK_SECRET" //nolint:gosec // a name and no secret

func (a *app) webhook() *cobra.Command {
	command := family("webhook", "Receive, pass on and replay webhooks",
		"  salebot webhook listen\n  salebot webhook forward http://localhost:3000/hook\n  salebot webhook replay events.jsonl \\\n    --to http://localhost:3000/hook")
	command.AddCommand(a.webhookListen(), a.webhookForward(), a.webhookReplay())
	return command
}

// receiver is a running command that receives.
type receiver struct {
	app               *app
	out               output
	addr, inbox, keep string
	redrive           bool
	// target is where events are passed on to; "" if they are only shown.
	target string

	mu      sync.Mutex
	results records.Writer
	kept    *os.File
	client  *http.Client
	say     func(format string, args ...any)
}

func (r *receiver) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&r.addr, "addr", "127.0.0.1:8086", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&r.inbox, "inbox", "salebot-inbox.db", "`file` for events that are not handled yet")
	flags.StringVar(&r.keep, "keep", "events.jsonl", "`file` for events that were handled, to replay them; \"\" for none")
	r.out.addTo(cmd)
}

// aboutReceiving is what the help of both commands says.
const aboutReceiving = `An event is in a file before it is acknowledged, so that a kill loses nothing. The address
for Salebot ends in a secret, which is that of SALEBOT_WEBHOOK_SECRET, or one that is made
at each start and shown. Only this machine can reach it: put a server with TLS in front, or
a tunnel.`

func (a *app) webhookListen() *cobra.Command {
	r := &receiver{app: a}
	command := &cobra.Command{
		Use:     "listen",
		Short:   "Show what the webhook brings",
		Long:    "Receives the webhook of the project and shows each event.\n\n" + aboutReceiving,
		Example: "  salebot webhook listen\n  salebot webhook listen -o jsonl | my-program",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return r.run(cmd) },
	}
	r.addTo(command)
	return command
}

func (a *app) webhookForward() *cobra.Command {
	r := &receiver{app: a}
	command := &cobra.Command{
		Use:   "forward URL",
		Short: "Pass on what the webhook brings",
		Long: `Receives the webhook of the project, passes each event on as it came, and shows it. What
is not answered by 2xx is tried again, the events of a client in their order; after 25 tries
it is set apart, and --retry takes it back.

` + aboutReceiving,
		Example: "  salebot webhook forward http://localhost:3000/hook\n  salebot webhook forward http://localhost:3000/hook \\\n    --retry",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkTarget(args[0]); err != nil {
				return err
			}
			r.target = args[0]
			return r.run(cmd)
		},
	}
	command.Flags().BoolVar(&r.redrive, "retry", false, "try again what was set apart")
	r.addTo(command)
	return command
}

func checkTarget(address string) error {
	target, err := url.Parse(address)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return usage("the address to pass on to begins with http:// or https://")
	}
	return nil
}

// eventColumns are the columns of an event.
var eventColumns = []string{"accepted_at", "kind", "client_id", "from", "text", "attachments", "message_id"}

func eventValues(event *webhook.Event) []any {
	var files any
	if urls := event.Attachments.URLs(); len(urls) > 0 {
		files = urls
	}
	return []any{moment(event.AcceptedAt), event.Kind().String(), number(event.Client.ID), event.Origin.String(), event.Text, files, number(event.ID)}
}

// run receives until the command is ended.
func (r *receiver) run(cmd *cobra.Command) (err error) {
	options, err := r.out.options(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	options.Live = true
	if r.results, err = records.NewWriter(cmd.OutOrStdout(), eventColumns, options); err != nil {
		return err
	}
	r.client = newForwarder()
	r.say = func(format string, args ...any) { r.app.note(cmd, format, args...) }
	if r.keep != "" {
		if r.kept, err = os.OpenFile(r.keep, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
			return err
		}
		defer discard(r.kept)
	}
	listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", r.addr)
	if err != nil {
		return err
	}
	defer discard(listener)
	inbox, err := sqlite.OpenInbox(r.inbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, inbox.Close()) }()
	secret, made := secretOfWebhook()
	handler, err := webhook.New(r.handle, webhook.WithSecretInPath(secret), webhook.WithInbox(inbox),
		webhook.WithOutgoing(), webhook.WithServiceEvents(), webhook.WithDeadLetterFunc(r.setApart))
	if err != nil {
		return err
	}
	if r.redrive {
		again, failed := handler.Redrive(cmd.Context(), webhook.AllDeadLetters)
		if failed != nil {
			return errors.Join(failed, handler.Stop(cmd.Context()))
		}
		r.say("%d events are tried again.", again)
	}
	shown := "<the secret>"
	if made {
		shown = secret
	}
	r.warn(listener)
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Listening on http://%s/%s\n", listener.Addr(), shown)
	return r.serve(cmd.Context(), listener, handler)
}

// warn says that others can reach the listener.
func (r *receiver) warn(listener net.Listener) {
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err == nil && !at.Addr().Unmap().IsLoopback() {
		r.say("warning: it listens on %s without TLS, so that others can read what comes and the secret", listener.Addr())
	}
}

// secretOfWebhook reports whether the secret was made up.
func secretOfWebhook() (secret string, made bool) {
	if secret = os.Getenv(envSecret); secret != "" {
		return secret, false
	}
	return rand.Text(), true
}

// endingTime bounds the time that the end may take.
const endingTime = 20 * time.Second

func (r *receiver) serve(ctx context.Context, listener net.Listener, handler *webhook.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		r.say("Ending after the events under way. What is left waits in %s.", r.inbox)
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), endingTime)
	defer cancel()
	return errors.Join(err, server.Shutdown(finish), handler.Stop(finish), r.results.Close())
}

// handle passes an event on, keeps it and shows it.
func (r *receiver) handle(ctx context.Context, event *webhook.Event) error {
	if r.target != "" {
		if err := post(ctx, r.client, r.target, event.Raw()); err != nil {
			r.say("event %d, attempt %d: %v", event.Sequence, event.Attempt, err)
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kept != nil {
		line, err := json.Marshal(keptEvent{At: event.AcceptedAt.UTC(), ClientID: int64(event.Client.ID), Body: string(event.Raw())})
		if err != nil {
			return err
		}
		if _, err := r.kept.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	if err := r.results.Write(eventValues(event)...); err != nil {
		return err
	}
	return r.results.Flush()
}

// setApart tells of an event that is not tried any more.
func (r *receiver) setApart(_ context.Context, letter webhook.DeadLetter) {
	r.say("event %d is set apart: %s", letter.Sequence, letter.Reason)
}

// keptEvent is a line of the file of events.
type keptEvent struct {
	At       time.Time `json:"accepted_at"`
	ClientID int64     `json:"client_id"`
	// Body is what came, as it came.
	Body string `json:"body"`
}

// newForwarder returns a client for the addresses of the user.
func newForwarder() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post sends a body as it came. Its error has no address, which may hold a secret.
func post(ctx context.Context, client *http.Client, target string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return withoutAddress(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if !json.Valid(body) {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := client.Do(request)
	if err != nil {
		return withoutAddress(err)
	}
	defer discard(response.Body)
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("answered by HTTP %d", response.StatusCode)
	}
	return nil
}

func withoutAddress(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		return inner.Err
	}
	return err
}
