package commands

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

// maxSkew is the difference of two clocks that is not worth a word: the time of an
// answer has no parts of a second.
const maxSkew = 10 * time.Second

func (a *app) doctor() *cobra.Command {
	var out output
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check key, connection, clock and permissions",
		Long: `Checks that the settings are right, that Salebot can be reached and knows the key, that
the clocks agree, what the key may read, and that the messengers are connected. It reads
only, and never shows the key.`,
		Example: "  salebot doctor\n  salebot doctor --profile shop -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			results, err := out.results(cmd, "check", "result", "detail")
			if err != nil {
				return err
			}
			client, profile, err := a.connect(cmd)
			if err != nil {
				return err
			}
			e := &examination{results: results, client: client}
			e.say("settings", "ok", "profile %s, key from %s", profile.Name, profile.Source)
			e.examine(cmd.Context())
			if err := errors.Join(e.failed, results.Close()); err != nil {
				return err
			}
			if e.worst != nil {
				return &codedError{code: ExitCode(e.worst), err: e.worst, text: "not everything is well"}
			}
			return nil
		},
	}
	out.addTo(command)
	return command
}

// examination writes what was found.
type examination struct {
	results records.Writer
	client  *salebot.Client
	// failed is the first failure to write, worst the first that was found.
	failed, worst error
}

func (e *examination) say(check, result, format string, args ...any) {
	if e.failed == nil {
		e.failed = e.results.Write(check, result, fmt.Sprintf(format, args...))
	}
}

// wrong writes an error that was found.
func (e *examination) wrong(check string, err error) {
	if e.worst == nil {
		e.worst = err
	}
	e.say(check, "failed", "%s", strings.TrimPrefix(Message(err), "salebot: "))
}

func (e *examination) examine(ctx context.Context) {
	var response salebot.Response
	begin := time.Now()
	connected, err := e.client.GetConnectedChannels(ctx, salebot.WithResponse(&response))
	took := time.Since(begin)
	if response.Status == 0 {
		e.wrong("connection", err)
		return
	}
	e.say("connection", "ok", "%s answers in %d ms", e.client.BaseURL(), took.Milliseconds())
	e.clock(response.Header, begin.Add(took/2))
	switch {
	case errors.Is(err, salebot.ErrUnauthorized):
		e.wrong("key", err)
		return
	case errors.Is(err, salebot.ErrForbidden):
		e.say("key", "ok", "Salebot knows it")
		e.say("channels", "warning", "the key may not list them")
	case err != nil:
		e.wrong("key", err)
		return
	default:
		e.say("key", "ok", "project %d", connected.ProjectID)
		e.channels(connected)
	}
	e.permissions(ctx)
}

// clock compares the clock of the server with that of this machine.
func (e *examination) clock(header http.Header, local time.Time) {
	remote, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		e.say("clock", "skipped", "the answer has no date")
		return
	}
	skew := local.Sub(remote).Round(time.Second)
	switch {
	case skew.Abs() <= maxSkew:
		e.say("clock", "ok", "as Salebot's, to some seconds")
	case skew > 0:
		e.say("clock", "warning", "this machine is %s ahead of Salebot", skew)
	default:
		e.say("clock", "warning", "this machine is %s behind Salebot", -skew)
	}
}

func (e *examination) channels(connected *salebot.ConnectedChannels) {
	if len(connected.Channels) == 0 {
		e.say("channels", "warning", "no messenger is connected")
	}
	for _, c := range connected.Channels {
		name := c.Messenger + " " + string(c.GroupID)
		switch {
		case c.Enabled != nil && !*c.Enabled:
			e.say("channel", "warning", "%s is switched off", name)
		case c.Status != nil && *c.Status != salebot.ChannelStatusStarted:
			e.say("channel", "warning", "%s is %s", name, c.Status)
		default:
			e.say("channel", "ok", "%s", name)
		}
	}
}

// permissions finds out what the key may read. What it may write cannot be found out
// without writing.
func (e *examination) permissions(ctx context.Context) {
	clients, err := e.client.GetClients(ctx, salebot.GetClientsRequest{Limit: 1})
	if !e.permission("clients_read", err) || len(clients) == 0 {
		e.say("crm_read", "skipped", "there is no client whose deals could be read")
	} else {
		_, err = e.client.GetOrders(ctx, salebot.GetOrdersRequest{ClientID: clients[0].ID})
		if errors.Is(err, salebot.ErrNotFound) {
			err = nil
		}
		e.permission("crm_read", err)
	}
	e.say("permissions to write", "skipped", "nothing is written")
}

func (e *examination) permission(name string, err error) bool {
	switch {
	case err == nil:
		e.say(name, "ok", "the key has this permission")
	case errors.Is(err, salebot.ErrForbidden):
		e.say(name, "warning", "the key lacks this permission")
	default:
		e.wrong(name, err)
	}
	return err == nil
}
