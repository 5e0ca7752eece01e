package commands

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
	"github.com/salebot-go/salebot/cmd/salebot/internal/progress"
	"github.com/salebot-go/salebot/cmd/salebot/internal/runs"
	"github.com/salebot-go/salebot/ledger"
)

// bulk is a run over many clients: what its flags say, and how it goes.
type bulk struct {
	app           *app
	out           output
	name          string
	yes           bool
	expect        int
	dryRun        bool
	repeatUnknown bool
	workers       int
	rate          float64
	historyDelay  time.Duration
	reportPath    string
}

// addTo adds the flags of a run.
func (b *bulk) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&b.dryRun, "dry-run", false, "check everything and send nothing")
	flags.BoolVar(&b.yes, "yes", false, "do not ask; goes with --expect")
	flags.IntVar(&b.expect, "expect", 0, "`number` that --yes stands for; if there are more or fewer, nothing is done")
	flags.StringVar(&b.name, "name", "", "`name` of the run: with the same name it goes on (default one made of what is done)")
	flags.BoolVar(&b.repeatUnknown, "repeat-unknown", false, "do again what an earlier run may have done")
	flags.StringVar(&b.reportPath, "report", "", "CSV `file` for what became of each")
	flags.IntVar(&b.workers, "workers", 0, "`number` of requests at once (default 4)")
	flags.DurationVar(&b.historyDelay, "history-delay", 0, "longest `time` that Salebot takes to show a message in the history; "+
		"what became of a lost answer is then found out there by the next run")
	flags.Float64Var(&b.rate, "rate", 0, "most requests a `second` (default no limit)")
	b.out.addTo(cmd)
}

// plan is what a run is about to do.
type plan struct {
	// command names the command in the name of the run.
	command string
	// title says what is done: "Send to 300 clients of people.csv".
	title string
	// size is the number of items, and what they are called.
	size int
	unit string
	// sample are lines that show what is done.
	sample []string
	// recorded is what the ledger has a record of; "" means the items.
	recorded string
	// parts are what tells this run from others.
	parts []any
	// always asks also if there is one item only.
	always bool
}

// shown is how many items of a sample are shown.
const shown = 3

// idsOf returns a sample of clients.
func idsOf(ids []salebot.ClientID) []string {
	var sample []string
	for _, id := range ids[:min(len(ids), shown)] {
		sample = append(sample, "client "+id.String())
	}
	if len(ids) > shown {
		sample = append(sample, fmt.Sprintf("and %d more", len(ids)-shown))
	}
	return sample
}

// confirm shows what is about to be done and asks. It returns an error if it is not to
// be done.
func (b *bulk) confirm(cmd *cobra.Command, p plan) error {
	switch {
	case p.size == 0:
		return usage("%s: there is nothing to do", p.title)
	case b.expect != 0 && b.expect != p.size:
		return usage("--expect %d, but there are %d %s; nothing was done", b.expect, p.size, p.unit)
	case b.dryRun, b.yes && b.expect != 0, p.size == 1 && !p.always:
		return nil
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s:\n", p.title)
	for _, line := range p.sample {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "  %.200s\n", strings.ReplaceAll(line, "\n", " "))
	}
	if _, terminal := terminalOf(cmd.InOrStdin()); !terminal {
		return usage("nobody to ask: with --yes --expect %d it is done", p.size)
	}
	_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "Type %d to go on: ", p.size)
	answer, err := readLine(cmd.Context(), cmd.InOrStdin())
	if err != nil {
		return err
	}
	if answer != strconv.Itoa(p.size) {
		return usage("not confirmed; nothing was done")
	}
	return nil
}

// direct reports whether there is one client and no name: a call, and not a run that
// has a ledger.
func (b *bulk) direct(whom *audience) bool { return !whom.isMany() && b.name == "" }

// runFunc does a run.
type runFunc func(ctx context.Context, client *salebot.Client, options salebot.BulkOptions) (*salebot.BulkReport, error)

// check finds out what is wrong with the flags before anything is read.
func (b *bulk) check(cmd *cobra.Command) error {
	if b.yes && b.expect == 0 {
		return usage("--yes goes with --expect, the number that is expected")
	}
	_, err := b.out.options(cmd.OutOrStdout())
	return err
}

// do asks, and then does a run with its ledger.
func (b *bulk) do(cmd *cobra.Command, profile profiles.Profile, p plan, run runFunc) error {
	if err := b.check(cmd); err != nil {
		return err
	}
	opened, client, err := b.begin(cmd, profile, p)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	report, err := b.run(cmd, client, p, run)
	if opened != nil {
		if failed := opened.Close(endingOf(report, err)); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return b.verdict(cmd, p, report, err)
}

// begin asks, and returns the ledger of the run, nil for a dry run, and a client with
// it.
func (b *bulk) begin(cmd *cobra.Command, profile profiles.Profile, p plan) (*runs.Run, *salebot.Client, error) {
	named := b.name != ""
	b.chooseName(p)
	earlier, err := runs.Look(profile.Name, b.name, named)
	if err != nil {
		return nil, nil, UsageError(err)
	}
	if earlier != nil {
		b.app.note(cmd, "The run %q goes on: %s.", b.name, already(earlier, cmp.Or(p.recorded, p.unit)))
	}
	if err = b.confirm(cmd, p); err != nil {
		return nil, nil, err
	}
	var opened *runs.Run
	var options []salebot.Option
	if !b.dryRun {
		if opened, err = runs.Open(profile.Name, b.name, named); err != nil {
			return nil, nil, err
		}
		options = append(options, salebot.WithLedger(opened.Ledger, profile.Name))
		if b.historyDelay != 0 {
			options = append(options, salebot.WithHistoryDelay(b.historyDelay))
		}
	}
	if b.rate > 0 {
		options = append(options, salebot.WithRateLimit(b.rate, 1))
	}
	client, err := b.app.clientOf(profile, options...)
	if err != nil && opened != nil {
		err = errors.Join(err, opened.Close(runs.Unfinished))
	}
	return opened, client, err
}

// already says what an earlier run did.
func already(earlier *runs.Summary, what string) string {
	text := fmt.Sprintf("%d %s are done", earlier.Count(ledger.Accepted), what)
	if unknown := earlier.Count(ledger.Unknown) + earlier.Count(ledger.Begun); unknown > 0 {
		text += fmt.Sprintf(", %d may be", unknown)
	}
	return text
}

// endingOf is how a run ended.
func endingOf(r *salebot.BulkReport, err error) runs.Ending {
	switch {
	case err == nil:
		return runs.Done
	case errors.Is(err, salebot.ErrNotAllAccepted) && r.Unknown+r.Incomplete+r.NotTried == 0:
		return runs.Refused
	}
	return runs.Unfinished
}

func (b *bulk) chooseName(p plan) {
	if b.name != "" {
		return
	}
	namer := runs.NewNamer(p.command)
	namer.Add(p.parts...)
	b.name = namer.Name()
}

// run does the run and writes its result.
func (b *bulk) run(cmd *cobra.Command, client *salebot.Client, p plan, run runFunc) (*salebot.BulkReport, error) {
	report, closeReport, err := b.openReport()
	if err != nil {
		return &salebot.BulkReport{}, err
	}
	meter := b.app.meter(cmd, p.unit, p.size)
	b.app.announceEnd(cmd)
	result, err := run(cmd.Context(), client, salebot.BulkOptions{
		Name: b.name, Workers: b.workers, RepeatUnknown: b.repeatUnknown, DryRun: b.dryRun,
		OnItem: func(item salebot.BulkItem) {
			meter.Add(1)
			report(item)
		},
	})
	meter.Close()
	if failed := closeReport(); failed != nil {
		err = errors.Join(err, failed)
	}
	if failed := b.writeResult(cmd, result); failed != nil {
		err = errors.Join(err, failed)
	}
	return result, err
}

// openReport opens the file for what became of each item.
func (b *bulk) openReport() (report func(salebot.BulkItem), end func() error, err error) {
	if b.reportPath == "" {
		return func(salebot.BulkItem) {}, func() error { return nil }, nil
	}
	file, err := os.OpenFile(b.reportPath, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, nil, err
	}
	lines := csv.NewWriter(file)
	_ = lines.Write(salebot.BulkItem{}.CSVHeader()) // Error tells
	return func(item salebot.BulkItem) { _ = lines.Write(item.CSVRecord()) }, func() error {
		lines.Flush()
		return errors.Join(lines.Error(), file.Close())
	}, nil
}

// resultColumns are the counts of a run.
var resultColumns = []string{"run", "accepted", "rejected", "unknown", "incomplete", "not_tried", "earlier"}

func (b *bulk) writeResult(cmd *cobra.Command, r *salebot.BulkReport) error {
	return b.out.one(cmd, resultColumns, b.name, r.Accepted, r.Rejected, r.Unknown, r.Incomplete, r.NotTried, r.Earlier)
}

// verdict is the error of a run, with the code that fits the worst that happened.
func (b *bulk) verdict(cmd *cobra.Command, p plan, r *salebot.BulkReport, err error) error {
	if b.dryRun && (err == nil || errors.Is(err, salebot.ErrNotAllAccepted) && r.Rejected == 0) {
		b.app.note(cmd, "Nothing was sent: %d %s would be, in %d requests.", p.size, p.unit, r.Requests)
		return nil
	}
	if r.Earlier == p.size && err == nil {
		b.app.note(cmd, "All of it was done by the earlier run %q.", b.name)
	}
	if err == nil {
		return nil
	}
	for _, problem := range r.Problems[:min(len(r.Problems), shown)] {
		if problem.Err != nil {
			b.app.note(cmd, "%s: %s: %s", problem.Key, problem.Outcome, strings.TrimPrefix(Message(problem.Err), "salebot: "))
		}
	}
	code := ExitCode(err)
	cause := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		cause = "ended after the requests under way"
	case errors.Is(err, salebot.ErrNotAllAccepted):
		cause = "the run came to its end"
		code = codeOf(r)
	}
	return &codedError{code: code, err: err, text: fmt.Sprintf("%s: %d of %d %s are done. %s", cause, r.Accepted, p.size, p.unit, b.advice(r))}
}

// codeOf is the code for a run that came to its end.
func codeOf(r *salebot.BulkReport) int {
	switch {
	case r.Unknown+r.Incomplete > 0:
		return exitUnknown
	case r.NotTried > 0:
		return exitTemporary
	}
	return exitRejected
}

// advice says how to go on.
func (b *bulk) advice(r *salebot.BulkReport) string {
	if r.Rejected > 0 && r.Rejected+r.Accepted == r.Total() {
		return fmt.Sprintf("To try the refused ones again, add --name %q.", b.name)
	}
	text := fmt.Sprintf("To go on, run the same command again (run %q).", b.name)
	if r.Unknown > 0 {
		text += fmt.Sprintf(" %d may have been done, and are not repeated without --repeat-unknown.", r.Unknown)
	}
	return text
}

// meter returns the progress of a command.
func (a *app) meter(cmd *cobra.Command, unit string, total int) *progress.Meter {
	_, terminal := terminalOf(cmd.ErrOrStderr())
	return progress.New(cmd.ErrOrStderr(), unit, total, progress.Options{Terminal: terminal, Color: colored(cmd.ErrOrStderr()), Quiet: a.quiet})
}
