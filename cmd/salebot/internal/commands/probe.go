package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/probe"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
	"github.com/salebot-go/salebot/internal/wait"
)

// probing is what the flags of the command probe say.
type probing struct {
	app                     *app
	options                 probe.Options
	client, list            int64
	reportPath, answersPath string
	webhook                 string
	yes                     bool
	expect                  int
}

func (a *app) probe() *cobra.Command {
	p := &probing{app: a}
	command := &cobra.Command{
		Use:   "probe",
		Short: "Find out how Salebot really answers",
		Long: `Finds out which assumptions of this program hold for your project: it asks each action
that can be asked safely, and says in which form the answer came, whether it was
understood, and whether the emulator would have answered so. It only reads, unless
you name a client of your own and agree to what is shown.

The report has no value of an answer and no key. With --answers FILE the emulator
imitates your project: salebot emulator --answers FILE.

` + expected(),
		Example: `  salebot probe
  salebot probe --report probe.json --answers answers.yaml
  salebot probe --client 25554 --refusals
  salebot probe --limit 300`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd) },
	}
	flags := command.Flags()
	flags.StringVar(&p.reportPath, "report", "", "JSON `file` for the report; it can be attached to an issue")
	flags.StringVar(&p.answersPath, "answers", "", "YAML `file` with which the emulator imitates the project")
	flags.Int64Var(&p.client, "client", 0, "`number` of a client of your own, for writes that touch nobody else")
	flags.StringVar(&p.options.Message, "message", "", "`text` to send to the client, who sees it")
	flags.Int64Var(&p.list, "list", 0, "`number` of a list that the client is added to and removed from")
	flags.BoolVar(&p.options.Deal, "deal", false, "make a deal of the client, which the API cannot delete again")
	flags.BoolVar(&p.options.Refusals, "refusals", false, "ask what Salebot has to refuse, such as a wrong key")
	flags.IntVar(&p.options.Limit, "limit", 0, "most requests to make, as fast as possible, to meet the limit of requests")
	flags.StringVar(&p.webhook, "webhook", "", "`address` to listen on, to which the project's webhook leads; what it posts during the probe is lost")
	flags.DurationVar(&p.options.WebhookWait, "webhook-wait", probe.DefaultWebhookWait, "`time` to wait for a delivery that was refused")
	flags.DurationVar(&p.options.HistoryWait, "history-wait", probe.DefaultHistoryWait, "`time` to wait until a callback is in the history")
	flags.BoolVar(&p.yes, "yes", false, "do not ask; goes with --expect")
	flags.IntVar(&p.expect, "expect", 0, "`number` of requests that --yes stands for")
	return command
}

// expected says which number --expect needs.
func expected() string {
	count := func(options probe.Options) (n int) {
		for _, one := range probe.Plan(options) {
			n += one.Most
		}
		return n
	}
	client := count(probe.Options{Client: 1})
	return fmt.Sprintf("The number of --expect is a sum: %d for --client, and in addition %d for --message, %d for --list, "+
		"%d for --deal and %d for --webhook; %d for --refusals; and the number of --limit.",
		client, count(probe.Options{Client: 1, Message: "x"})-client, count(probe.Options{Client: 1, List: 1})-client,
		count(probe.Options{Client: 1, Deal: true})-client, count(probe.Options{Client: 1, Webhook: &probe.Receiver{}})-client,
		count(probe.Options{Refusals: true}))
}

func (p *probing) run(cmd *cobra.Command) error {
	if err := p.check(); err != nil {
		return err
	}
	profile, err := p.app.choose(cmd)
	if err != nil {
		return err
	}
	if err = p.confirm(cmd); err != nil {
		return err
	}
	stop, err := p.listen(cmd)
	if err != nil {
		return err
	}
	defer stop()
	meter := p.app.meter(cmd, "questions", 0)
	p.options.Progress = func(string) { meter.Add(1) }
	report, err := probe.Run(cmd.Context(), p.connect(profile), systemClock{}, p.options)
	meter.Close()
	if report == nil {
		return err
	}
	if failed := p.write(cmd, report); failed != nil {
		return failed
	}
	return err
}

// check finds out what is wrong with the flags.
func (p *probing) check() error {
	p.options.Client, p.options.List = salebot.ClientID(p.client), salebot.ListID(p.list)
	if p.webhook != "" {
		p.options.Webhook = &probe.Receiver{}
	}
	switch {
	case p.client < 0 || p.list < 0 || p.options.Limit < 0 || p.options.HistoryWait <= 0 || p.options.WebhookWait <= 0:
		return usage("numbers and times must be positive")
	case p.client == 0 && (p.options.Message != "" || p.list != 0 || p.options.Deal || p.webhook != ""):
		return usage("--message, --list, --deal and --webhook go with --client, the number of a client of your own")
	case p.yes && p.expect == 0:
		return usage("--yes goes with --expect, the number that is expected")
	}
	return nil
}

// confirm shows what is sent besides reads and asks.
func (p *probing) confirm(cmd *cobra.Command) error {
	wanted := plan{unit: "requests", always: true, title: "Besides reading"}
	if p.client != 0 {
		wanted.title += fmt.Sprintf(", about client %d and nobody else", p.client)
	}
	for _, one := range probe.Plan(p.options) {
		wanted.size += one.Most
		wanted.sample = append(wanted.sample, one.What)
	}
	if wanted.size == 0 {
		if p.expect != 0 {
			return usage("--expect %d, but it only reads", p.expect)
		}
		return nil
	}
	asked := &bulk{app: p.app, yes: p.yes, expect: p.expect}
	return asked.confirm(cmd, wanted)
}

// listen receives what the project's webhook posts, until stop is called.
func (p *probing) listen(cmd *cobra.Command) (stop func(), err error) {
	if p.options.Webhook == nil {
		return func() {}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", p.webhook)
	if err != nil {
		return nil, err
	}
	p.app.note(cmd, "Listening on http://%s", listener.Addr())
	server := &http.Server{Handler: p.options.Webhook, ReadTimeout: receiveTime}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) }) // it ends by Close
	return func() {
		_ = server.Close()
		served.Wait()
	}, nil
}

// receiveTime bounds the reading of a delivery.
const receiveTime = 10 * time.Second

func (p *probing) connect(profile profiles.Profile) probe.Connect {
	return func(key string, options ...salebot.Option) (*salebot.Client, error) {
		if key != "" {
			profile.Key = key
		}
		return p.app.clientOf(profile, options...)
	}
}

// write writes the report and the answers.
func (p *probing) write(cmd *cobra.Command, report *probe.Report) error {
	if err := report.WriteText(cmd.OutOrStdout()); err != nil {
		return err
	}
	if p.reportPath != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		if err = os.WriteFile(p.reportPath, append(text, '\n'), 0o600); err != nil {
			return err
		}
		p.app.note(cmd, "The report is in %s.", p.reportPath)
	}
	if p.answersPath != "" {
		text, err := report.AnswersFile()
		if err != nil {
			return err
		}
		if err = os.WriteFile(p.answersPath, text, 0o600); err != nil {
			return err
		}
		p.app.note(cmd, "To imitate the project: salebot emulator --answers %s", p.answersPath)
	}
	return nil
}

// systemClock is that of the system.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, duration time.Duration) bool {
	return wait.For(ctx, duration)
}
