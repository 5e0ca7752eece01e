package commands

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot/webhook"
)

// replay is the command webhook replay.
type replay struct {
	out       output
	target    string
	client    int64
	since     string
	from      int
	dryRun    bool
	sinceTime time.Time
}

func (a *app) webhookReplay() *cobra.Command {
	r := &replay{}
	command := &cobra.Command{
		Use:   "replay FILE",
		Short: "Play events once more",
		Long: `Posts events from a file that listen or forward kept, as they came and in their order. It
ends at the first that is not answered by 2xx, and says how to go on.`,
		Example: `  salebot webhook replay events.jsonl \
    --to http://localhost:3000/hook
  salebot webhook replay events.jsonl --client 25554 \
    --since 2026-01-31T15:04:00Z --dry-run`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(); err != nil {
				return err
			}
			return r.run(cmd, args[0])
		},
	}
	flags := command.Flags()
	flags.StringVar(&r.target, "to", "", "`address` to post to")
	flags.Int64Var(&r.client, "client", 0, "only events of the client with this `number`")
	flags.StringVar(&r.since, "since", "", "only events from this `moment` on, such as 2026-01-31T15:04:00Z")
	flags.IntVar(&r.from, "from-line", 1, "first `line` of the file to look at")
	flags.BoolVar(&r.dryRun, "dry-run", false, "show the events and post none")
	r.out.addTo(command)
	return command
}

func (r *replay) check() error {
	if r.target == "" && !r.dryRun {
		return usage("where to? Use --to URL, or --dry-run")
	}
	if r.target != "" {
		if err := checkTarget(r.target); err != nil {
			return err
		}
	}
	if r.since != "" {
		since, err := time.Parse(time.RFC3339, r.since)
		if err != nil {
			return usage("--since is written as 2026-01-31T15:04:00Z")
		}
		r.sinceTime = since
	}
	return nil
}

// maxKept bounds a line of the file.
const maxKept = 16 << 20

func (r *replay) run(cmd *cobra.Command, path string) error {
	file, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return UsageError(err)
	}
	defer discard(file)
	results, err := r.out.results(cmd, append([]string{"line"}, eventColumns...)...)
	if err != nil {
		return err
	}
	forwarder := newForwarder()
	defer forwarder.CloseIdleConnections()
	err = r.each(file, func(line int, kept keptEvent) error {
		if ended := cmd.Context().Err(); ended != nil {
			return ended
		}
		event, odd := webhook.Decode([]byte(kept.Body))
		if odd != nil {
			return odd
		}
		event.AcceptedAt = kept.At
		if !r.dryRun {
			if failed := post(cmd.Context(), forwarder, r.target, []byte(kept.Body)); failed != nil {
				return &codedError{code: exitTemporary, err: failed, text: fmt.Sprintf("%v. To go on, add --from-line %d", failed, line)}
			}
		}
		return errors.Join(results.Write(append([]any{line}, eventValues(&event)...)...), results.Flush())
	})
	if err != nil {
		return errors.Join(err, results.Flush())
	}
	return results.Close()
}

// each hands on the events that are wanted.
func (r *replay) each(from io.Reader, do func(line int, kept keptEvent) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 64<<10), maxKept)
	for number := 1; lines.Scan(); number++ {
		if number < r.from {
			continue
		}
		var kept keptEvent
		if json.Unmarshal(lines.Bytes(), &kept) != nil || kept.Body == "" {
			return usage("line %d is not an event that listen or forward kept", number)
		}
		if r.client != 0 && kept.ClientID != r.client || kept.At.Before(r.sinceTime) {
			continue
		}
		if err := do(number, kept); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return lines.Err()
}
