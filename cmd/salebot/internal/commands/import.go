package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/profiles"
	"github.com/salebot-go/salebot/cmd/salebot/internal/progress"
	"github.com/salebot-go/salebot/cmd/salebot/internal/runs"
)

// importing is the command clients import. The rows of the file are read twice, first
// to count and check them, and are worked on in batches, each a piece of work of the
// run's ledger: what was done is not done again. Rows that cannot be imported go to a
// file, before their batch counts as done.
type importing struct {
	app       *app
	run       bulk
	messenger string
	bot       string
	rejects   string
	batch     int

	mu     sync.Mutex
	counts importCounts
	// failures are the first errors of batches, for the report.
	failures []error
	bad      *rejectsFile
	meter    *progress.Meter
}

// importCounts are the rows by what became of them.
type importCounts struct{ imported, rejected, earlier, left int }

func (a *app) clientsImport() *cobra.Command {
	m := &importing{app: a, run: bulk{app: a}}
	command := &cobra.Command{
		Use:   "import FILE",
		Short: "Create clients from a file",
		Long: `Creates the clients of persons in a messenger, or finds those that are there, and writes
their variables. The file is CSV with the names of its columns in the first line, or JSON
lines. Its columns are platform_id, client_type (such as telegram) and group_id (the bot),
or --messenger and --bot for all rows, and client.NAME for variables.

Rows that cannot be imported go to a file with their line and the reason. An import that
was ended or killed goes on if it is run again.`,
		Example: `  salebot clients import people.csv \
    --messenger telegram --bot my_shop_bot
  salebot clients import clients.jsonl --dry-run
  salebot clients import people.csv \
    --yes --expect 5000 --rejects bad.csv`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return m.do(cmd, args[0]) },
	}
	flags := command.Flags()
	flags.StringVar(&m.messenger, "messenger", "", "`name` of the messenger of all rows, such as telegram")
	flags.StringVar(&m.bot, "bot", "", "`group_id` of the bot of all rows; salebot channels shows it")
	flags.StringVar(&m.rejects, "rejects", "", "`file` for rows that cannot be imported (default FILE.rejects.csv)")
	flags.IntVar(&m.batch, "batch", 100, "`number` of persons in a request")
	m.run.addTo(command)
	return command
}

func (m *importing) do(cmd *cobra.Command, path string) error {
	if err := m.run.check(cmd); err != nil {
		return err
	}
	if m.batch < 1 {
		return usage("--batch is at least 1")
	}
	if m.rejects == "" {
		m.rejects = path + ".rejects.csv"
		if path == "-" {
			m.rejects = "salebot.rejects.csv"
		}
	}
	profile, err := m.app.choose(cmd)
	if err != nil {
		return err
	}
	source, err := m.open(cmd.InOrStdin(), path)
	if err != nil {
		return err
	}
	defer discard(source)
	p, err := m.survey(source, path)
	if err != nil {
		return UsageError(err)
	}
	return m.start(cmd, profile, p, source)
}

// open returns a file that can be read twice. The standard input is copied to one that
// nobody else sees.
func (m *importing) open(in io.Reader, path string) (*os.File, error) {
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the user names the file
		return file, UsageError(err)
	}
	file, err := os.CreateTemp("", "salebot-import-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // fails on Windows, where the system removes it later
	if _, err = io.Copy(file, in); err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	return file, err
}

// survey reads the file to its end: it counts the rows, and makes the name of the run
// of all that is in it.
func (m *importing) survey(source *os.File, path string) (plan, error) {
	p := plan{command: "import", unit: "rows", recorded: "batches", always: true}
	namer := runs.NewNamer(p.command)
	namer.Add(m.messenger, m.bot, m.batch)
	rows, err := m.rows(io.TeeReader(source, namer))
	if err != nil {
		return p, err
	}
	bad := 0
	for row, err := range rows {
		if err != nil {
			return p, err
		}
		p.size++
		switch {
		case row.err != nil:
			bad++
		case len(p.sample) < shown:
			p.sample = append(p.sample, fmt.Sprintf("line %d: %s %s %s", row.line, messengerName(row.client.ClientType()), row.client.GroupID, row.client.PlatformID))
		}
	}
	if bad > 0 {
		p.sample = append(p.sample, fmt.Sprintf("%d cannot be imported and go to %s", bad, m.rejects))
	}
	p.title = fmt.Sprintf("Import %d rows of %s", p.size, path)
	p.parts = []any{namer.Name()}
	return p, nil
}

// start asks and imports.
func (m *importing) start(cmd *cobra.Command, profile profiles.Profile, p plan, source *os.File) error {
	if _, err := source.Seek(0, io.SeekStart); err != nil {
		return err
	}
	opened, client, err := m.run.begin(cmd, profile, p)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if opened != nil {
		if m.bad, err = openRejects(m.rejects, opened.Known); err != nil {
			return errors.Join(UsageError(err), opened.Close(runs.Unfinished))
		}
	}
	m.meter = m.app.meter(cmd, p.unit, p.size)
	m.app.announceEnd(cmd)
	err = m.work(cmd.Context(), client, source)
	m.meter.Close()
	if opened != nil {
		m.counts.rejected = m.bad.count
		err = errors.Join(err, m.bad.close())
		ending := runs.Unfinished
		if err == nil && m.counts.left == 0 {
			ending = runs.Done
		}
		err = errors.Join(err, opened.Close(ending))
	}
	return m.finish(cmd, p, err)
}

// work imports the batches.
func (m *importing) work(ctx context.Context, client *salebot.Client, source io.Reader) error {
	rows, err := m.rows(source)
	if err != nil {
		return err
	}
	options := salebot.BulkOptions{
		Name: m.run.name, Workers: m.run.workers, RepeatUnknown: true, DryRun: m.run.dryRun, OnItem: m.settled,
	}
	_, err = salebot.ForEach(ctx, client, batched(rows, m.batch), options, rowBatch.key, func(ctx context.Context, b rowBatch) error {
		return m.importBatch(ctx, client, b)
	})
	if errors.Is(err, salebot.ErrNotAllAccepted) && m.run.dryRun {
		return nil
	}
	return err
}

// settled counts a batch. Its rows that were rejected are counted by their file.
func (m *importing) settled(item salebot.BulkItem) {
	_, text, _ := strings.Cut(item.Key, "+")
	size, _ := strconv.Atoi(text)
	m.meter.Add(size)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case item.Earlier && item.Outcome == salebot.OutcomeAccepted:
		m.counts.earlier += size
	case item.Outcome == salebot.OutcomeAccepted:
		m.counts.imported += size
	default:
		m.counts.left += size
		if item.Err != nil && len(m.failures) < shown {
			m.failures = append(m.failures, item.Err)
		}
	}
}

// importBatch imports the rows of a batch. What it does may be done twice: the person
// who is there is found, and a variable is written once more.
func (m *importing) importBatch(ctx context.Context, client *salebot.Client, b rowBatch) error {
	var good []importRow
	var bad []reject
	for _, row := range b.rows {
		if row.err != nil {
			bad = append(bad, reject{row.line, row.err})
			continue
		}
		good = append(good, row)
	}
	if err := loadRows(ctx, client, good, &bad); err != nil {
		return err
	}
	return m.bad.write(bad)
}

// loadRows loads persons and saves their variables. If Salebot refuses a request as a
// whole, it is cut in two until the row that it is about is found.
func loadRows(ctx context.Context, client *salebot.Client, rows []importRow, bad *[]reject) error {
	if len(rows) == 0 {
		return nil
	}
	persons := make([]salebot.ClientToLoad, len(rows))
	for i := range rows {
		persons[i] = rows[i].client
	}
	loaded, err := client.LoadClients(ctx, persons)
	partial, isPartial := errors.AsType[*salebot.PartialError](err)
	switch {
	case isPartial:
		for _, refused := range partial.Refused {
			*bad = append(*bad, reject{rows[refused.Index].line, fmt.Errorf("refused: %.100s", refused.Status)})
		}
	case isAboutRows(err) && len(rows) > 1:
		half := len(rows) / 2
		if err = loadRows(ctx, client, rows[:half], bad); err != nil {
			return err
		}
		return loadRows(ctx, client, rows[half:], bad)
	case isAboutRows(err):
		*bad = append(*bad, reject{rows[0].line, err})
		return nil
	case err != nil:
		return err
	}
	for i := range loaded {
		if loaded[i].Accepted() && len(rows[i].variables) > 0 {
			if err := saveRow(ctx, client, loaded[i].ID, rows[i], bad); err != nil {
				return err
			}
		}
	}
	return nil
}

// saveRow saves the variables of a person.
func saveRow(ctx context.Context, client *salebot.Client, id salebot.ClientID, row importRow, bad *[]reject) error {
	_, err := client.SaveVariables(ctx, salebot.SaveVariablesRequest{ClientID: id, Variables: row.variables})
	if isAboutRows(err) {
		*bad = append(*bad, reject{row.line, fmt.Errorf("client %d is there, but its variables were refused: %w", id, err)})
		return nil
	}
	return err
}

// isAboutRows reports whether Salebot refused what a request says, and not who sent it
// or how fast.
func isAboutRows(err error) bool {
	return (errors.Is(err, salebot.ErrRejected) || errors.Is(err, salebot.ErrInvalidRequest)) &&
		!errors.Is(err, salebot.ErrUnauthorized) && !errors.Is(err, salebot.ErrForbidden) && !errors.Is(err, salebot.ErrRateLimited)
}

// importColumns are the counts of an import.
var importColumns = []string{"run", "rows", "imported", "rejected", "earlier", "left"}

// finish says what became of the rows.
func (m *importing) finish(cmd *cobra.Command, p plan, err error) error {
	c := m.counts
	if m.run.dryRun {
		m.app.note(cmd, "Nothing was sent: %d rows were read.", p.size)
		return err
	}
	failed := m.run.out.one(cmd, importColumns, m.run.name, p.size, c.imported+c.earlier-c.rejected, c.rejected, c.earlier, p.size-c.imported-c.earlier)
	if err == nil {
		err = failed
	}
	left := p.size - c.imported - c.earlier
	switch {
	case err == nil && c.rejected > 0:
		return &codedError{code: exitRejected, text: fmt.Sprintf("%d of %d rows were not imported; %s says why", c.rejected, p.size, m.rejects)}
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return &codedError{code: exitInterrupted, err: err, text: fmt.Sprintf("ended after the requests under way: %d of %d rows are left. To go on, run the same command again", left, p.size)}
	case errors.Is(err, salebot.ErrNotAllAccepted) && len(m.failures) > 0:
		code := ExitCode(m.failures[0])
		if code == exitUnknown {
			code = exitTemporary // it may be done twice
		}
		text := strings.TrimPrefix(Message(m.failures[0]), "salebot: ")
		return &codedError{code: code, err: err, text: fmt.Sprintf("%s: %d of %d rows are left. To go on, run the same command again", text, left, p.size)}
	}
	return err
}
