package commands

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
	"github.com/salebot-go/salebot/cmd/salebot/internal/runs"
	"github.com/salebot-go/salebot/ledger"
)

func (a *app) ledgers() *cobra.Command {
	command := family("ledger", "Show what bulk runs did", "  salebot ledger show\n  salebot ledger show send-0123456789ab")
	command.Aliases = []string{"journal"}
	command.AddCommand(a.ledgerShow())
	return command
}

func (a *app) ledgerShow() *cobra.Command {
	var out output
	var problems bool
	command := &cobra.Command{
		Use:   "show [RUN | FILE]",
		Short: "Show the runs, or what one of them did",
		Long: `Shows the runs of the project, the latest first, or the records of one of them. A ledger
holds digests, states and times: no text, no phone and no client. A run that is begun or
unknown may have been executed.`,
		Example: `  salebot ledger show
  salebot ledger show send-0123456789ab --problems
  salebot ledger show shop.ledger -o csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.showRuns(cmd, &out)
			}
			summary, err := a.summaryOf(args[0])
			if err != nil {
				return err
			}
			return showRecords(cmd, &out, summary, problems)
		},
	}
	command.Flags().BoolVar(&problems, "problems", false, "only records that were not accepted")
	out.addTo(command)
	return command
}

// projectName is the name of the project whose ledgers are meant. No key is needed.
func (a *app) projectName() (string, error) {
	file, err := profiles.Load()
	if err != nil {
		return "", UsageError(err)
	}
	chosen, err := profiles.Choose(file, a.profile, func(string) (string, error) { return "none", nil })
	return chosen.Name, UsageError(err)
}

func (a *app) showRuns(cmd *cobra.Command, out *output) error {
	project, err := a.projectName()
	if err != nil {
		return err
	}
	all, err := runs.List(project)
	if err != nil {
		return err
	}
	results, err := out.results(cmd, "run", "accepted", "refused", "unknown", "begun_at", "changed_at", "path")
	if err != nil {
		return err
	}
	for i := range all {
		s := &all[i]
		unknown := s.Count(ledger.Unknown) + s.Count(ledger.Begun)
		err := results.Write(s.Name, s.Count(ledger.Accepted), s.Count(ledger.Refused), unknown, moment(s.Begun), moment(s.Changed), s.Path)
		if err != nil {
			return err
		}
	}
	return results.Close()
}

// summaryOf reads a run of the project, or a ledger that is named by its file.
func (a *app) summaryOf(name string) (*runs.Summary, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		return runs.Summarize(name)
	}
	if err := runs.CheckName(name); err != nil {
		return nil, UsageError(err)
	}
	project, err := a.projectName()
	if err != nil {
		return nil, err
	}
	summary, err := runs.Look(project, name, true)
	if err != nil {
		return nil, err
	}
	if summary == nil {
		return nil, &codedError{code: exitNotFound, text: "there is no run and no file " + name}
	}
	return summary, nil
}

func showRecords(cmd *cobra.Command, out *output, summary *runs.Summary, problems bool) error {
	results, err := out.results(cmd, "key", "number", "state", "begun_at", "ended_at", "status", "ids")
	if err != nil {
		return err
	}
	summary.Sort()
	for i := range summary.Records {
		r := &summary.Records[i]
		if problems && r.State == ledger.Accepted {
			continue
		}
		var ids any
		if len(r.Answer.IDs) > 0 {
			ids = r.Answer.IDs
		}
		if err := results.Write(r.Key, r.Number, r.State.String(), moment(r.BegunAt), moment(r.EndedAt), r.Answer.Status, ids); err != nil {
			return err
		}
	}
	return results.Close()
}

// moment is a time in the form of all results; nil for none.
func moment(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format(time.RFC3339)
}
