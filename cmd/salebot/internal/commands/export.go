package commands

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/progress"
	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

// export is the command clients export.
type export struct {
	app       *app
	out       output
	list      int64
	offset    int
	pageSize  int
	resume    bool
	variables []string
	// all lets each record have all variables of its client.
	all     bool
	options records.Options
	// met are those of the variables that a client had.
	met map[string]bool
}

// unfinished is added to the name of a file until it is complete.
const unfinished = ".part"

func (a *app) clientsExport() *cobra.Command {
	e := &export{app: a}
	command := &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write all clients to a file",
		Long: `Writes all clients, the oldest first, to a file or to the standard output. The ending of
the file tells its form: .csv, .jsonl or .json. Until the export is complete the file is
called FILE.part; if it was ended or killed, the same command with --resume goes on
with that.

Variables cost a request for each client. With --all-variables the form is JSON or JSON
lines, since each client may have others.`,
		Example: `  salebot clients export clients.csv
  salebot clients export clients.csv --resume
  salebot clients export riga.jsonl --list 17 \
    --variables city,phone
  salebot clients export all.jsonl --all-variables
  salebot clients export -o csv --separator ';' --bom`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := ""
			if len(args) > 0 && args[0] != "-" {
				path = args[0]
			}
			if err := e.prepare(cmd, path); err != nil {
				return err
			}
			client, _, err := a.connect(cmd)
			if err != nil {
				return err
			}
			if path == "" {
				return e.toStream(cmd, client)
			}
			return e.toFile(cmd, client, path)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&e.resume, "resume", false, "go on with FILE.part, if it is there")
	flags.Int64Var(&e.list, "list", 0, "`number` of a client list, to export only that")
	flags.IntVar(&e.offset, "offset", 0, "`number` of clients to leave out")
	flags.IntVar(&e.pageSize, "page-size", salebot.MaxClientsPage, "`number` of clients in a request")
	flags.StringSliceVar(&e.variables, "variables", nil, "`names` of variables to write as columns")
	flags.BoolVar(&e.all, "all-variables", false, "write all variables of each client")
	e.out.addTo(command)
	return command
}

// prepare reads the flags.
func (e *export) prepare(cmd *cobra.Command, path string) error {
	if e.out.format == "" && path != "" {
		format, known := formats[strings.ToLower(filepath.Ext(path))]
		if !known {
			return usage("%s: the ending .csv, .jsonl or .json tells the form of a file, or --output", path)
		}
		e.out.format = string(format)
	}
	var err error
	if e.options, err = e.out.options(cmd.OutOrStdout()); err != nil {
		return err
	}
	if path != "" {
		e.options.Width, e.options.Color = 0, false
	}
	return e.check(path)
}

// formats are the forms of files by their endings.
var formats = map[string]records.Format{
	".csv": records.CSV, ".json": records.JSON, ".jsonl": records.Lines, ".ndjson": records.Lines,
}

// check refuses flags that do not go together.
func (e *export) check(path string) error {
	switch {
	case e.pageSize < 1 || e.pageSize > salebot.MaxClientsPage:
		return usage("--page-size is 1 to %d", salebot.MaxClientsPage)
	case path == "" && e.resume:
		return usage("--resume goes on with a file; name it")
	case e.resume && e.offset != 0:
		return usage("--resume finds out by itself where to go on, so it does not go with --offset")
	case e.all && len(e.variables) > 0:
		return usage("--all-variables writes all variables, so it does not go with --variables")
	case e.all && e.options.Format != records.JSON && e.options.Format != records.Lines:
		return usage("--all-variables needs json or jsonl: the columns of a %s must be known before its first client, "+
			"and only the last one shows which variables there are; or name the columns by --variables", e.options.Format)
	case e.resume && e.options.Format == records.JSON, path != "" && e.options.Format == records.Table:
		return usage("a file is csv or jsonl if it is to be resumed, and never a table")
	}
	return nil
}

func (e *export) columns() []string {
	columns := append([]string(nil), clientColumns...)
	for _, name := range e.variables {
		columns = append(columns, salebot.ClientPrefix+bareName(name))
	}
	return columns
}

// bareName is the name of a variable as get_variables has it.
func bareName(name string) string { return strings.TrimPrefix(name, salebot.ClientPrefix) }

func (e *export) toStream(cmd *cobra.Command, client *salebot.Client) error {
	results, err := records.NewWriter(cmd.OutOrStdout(), e.columns(), e.options)
	if err != nil {
		return err
	}
	// Progress would be in the way of a table.
	e.app.quiet = e.app.quiet || e.options.Format == records.Table && e.options.Width > 0
	written, err := e.write(cmd, client, results, e.offset)
	if err != nil {
		err = errors.Join(results.Flush(), err)
		return e.stopped(err, written, fmt.Sprintf("To go on, add --offset %d.", e.offset+written))
	}
	return results.Close()
}

// toFile writes to a file that gets its name once it is complete.
func (e *export) toFile(cmd *cobra.Command, client *salebot.Client, path string) error {
	part := path + unfinished
	if _, err := os.Stat(path); err == nil {
		return usage("%s is there already: take another name, or remove it", path)
	}
	_, err := os.Stat(part)
	if err == nil && !e.resume {
		return usage("%s is an export that was not finished: go on with the same flags and --resume, or remove it", part)
	}
	resumed := e.resume && err == nil
	file, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names the file
	if err != nil {
		return err
	}
	defer discard(file)
	done := 0
	if resumed {
		if done, err = e.goOn(cmd.Context(), client, file, part); err != nil {
			return err
		}
		e.app.note(cmd, "%s has %d clients; the export goes on behind them.", part, done)
	}
	results, err := records.NewWriter(file, e.columns(), e.options)
	if err != nil {
		return err
	}
	written, err := e.write(cmd, client, results, e.offset+done)
	if err == nil {
		err = errors.Join(results.Close(), file.Sync(), file.Close())
	} else {
		err = errors.Join(results.Flush(), err)
	}
	if err != nil {
		return e.stopped(err, done+written, "What is there is in "+part+". To go on, run the same command with --resume.")
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	e.app.note(cmd, "%d clients are in %s.", done+written, path)
	return nil
}

// stopped is the error of an export that is not complete.
func (e *export) stopped(err error, written int, advice string) error {
	cause := strings.TrimPrefix(Message(err), "salebot: ")
	if errors.Is(err, context.Canceled) {
		cause = "ended"
	}
	return &codedError{code: ExitCode(err), err: err, text: fmt.Sprintf("%s: the export is not complete, %d clients are written. %s", cause, written, advice)}
}

// write writes the clients behind an offset and counts them. Each page is handed on
// before the next one.
func (e *export) write(cmd *cobra.Command, client *salebot.Client, results records.Writer, offset int) (written int, err error) {
	meter := e.app.meter(cmd, "clients", -1)
	written, err = e.copy(cmd.Context(), client, results, offset, meter)
	meter.Close()
	if err == nil && written > 0 {
		for _, name := range e.variables {
			if !e.met[bareName(name)] {
				_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "None of the %d clients that were read has a variable %q.\n", written, name)
			}
		}
	}
	return written, err
}

func (e *export) copy(ctx context.Context, client *salebot.Client, results records.Writer, offset int, meter *progress.Meter) (written int, err error) {
	request := salebot.ClientsRequest{Offset: offset, PageSize: e.pageSize, List: salebot.ListID(e.list), PagesInFlight: pagesInFlight}
	for record, err := range client.Clients(ctx, request) {
		if err != nil {
			return written, err
		}
		values := clientValues(&record)
		if e.all || len(e.variables) > 0 {
			variables, err := client.GetVariables(ctx, record.ID)
			if err != nil {
				return written, fmt.Errorf("client %d: %w", record.ID, err)
			}
			values = e.addVariables(values, variables)
		}
		if err := results.Write(values...); err != nil {
			return written, err
		}
		if written++; written%e.pageSize == 0 {
			if err := results.Flush(); err != nil {
				return written, err
			}
		}
		meter.Add(1)
	}
	return written, nil
}

// addVariables adds the variables that are wanted to the values of a record.
func (e *export) addVariables(values []any, variables salebot.Variables) []any {
	if e.all {
		for name, value := range variables.All() {
			values = append(values, records.Member{Name: salebot.ClientPrefix + name, Value: value.Raw()})
		}
		return values
	}
	if e.met == nil {
		e.met = map[string]bool{}
	}
	for _, name := range e.variables {
		value := variableOf(variables, bareName(name))
		e.met[bareName(name)] = e.met[bareName(name)] || value != nil
		values = append(values, value)
	}
	return values
}

func variableOf(variables salebot.Variables, name string) any {
	value, ok := variables.Get(name)
	if !ok {
		return nil
	}
	return value.Raw()
}

// goOn looks at what an earlier export wrote, takes an unfinished last record off, and
// returns how many there are. It makes sure that the next client is the one that comes
// behind the last.
func (e *export) goOn(ctx context.Context, client *salebot.Client, file *os.File, name string) (done int, err error) {
	whole, done, last, err := e.lookAt(file)
	if err != nil {
		return 0, usage("%s: %w", name, err)
	}
	if err = file.Truncate(whole); err != nil {
		return 0, err
	}
	if _, err = file.Seek(whole, io.SeekStart); err != nil {
		return 0, err
	}
	e.options.Append = whole > 0
	if done == 0 {
		return 0, nil
	}
	there, err := client.GetClients(ctx, salebot.GetClientsRequest{Offset: done - 1, Limit: 1, List: salebot.ListID(e.list), OldestFirst: e.list == 0})
	if err != nil {
		return 0, err
	}
	if len(there) == 0 || there[0].ID != last {
		return 0, &codedError{code: exitFailed, text: fmt.Sprintf("client %d is not in the place any more at which it was exported, because clients were deleted: remove %s and begin again", last, name)}
	}
	return done, nil
}

// lookAt finds the length of what is whole, the number of its clients and the last one.
func (e *export) lookAt(file *os.File) (whole int64, count int, last salebot.ClientID, err error) {
	if e.options.Format == records.Lines {
		return e.lookAtLines(file)
	}
	return e.lookAtCSV(file)
}

var errOtherColumns = errors.New("it was not written with these columns and this separator")

func (e *export) lookAtCSV(file *os.File) (whole int64, count int, last salebot.ClientID, err error) {
	reader := csv.NewReader(bufio.NewReaderSize(file, 256<<10))
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	if e.options.Semicolon {
		reader.Comma = ';'
	}
	columns := strings.Join(e.columns(), "\n")
	for number := 0; ; number++ {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return whole, count, last, nil
		}
		end := reader.InputOffset()
		if _, broken := errors.AsType[*csv.ParseError](err); broken || err == nil && !endsLine(file, end) {
			return whole, count, last, nil // the last record, unfinished
		}
		if err != nil {
			return 0, 0, 0, err
		}
		if number == 0 {
			if strings.TrimPrefix(strings.Join(record, "\n"), "\ufeff") != columns {
				return 0, 0, 0, fmt.Errorf("%w: its first line is %.300q", errOtherColumns, strings.TrimPrefix(strings.Join(record, string(reader.Comma)), "\ufeff"))
			}
			whole = end
			continue
		}
		id, err := clientOf(record[0])
		if err != nil || len(record) != len(e.columns()) {
			return 0, 0, 0, fmt.Errorf("record %d is not one of an export", number)
		}
		whole, count, last = end, count+1, id
	}
}

// endsLine reports whether there is a line break before an offset.
func endsLine(file *os.File, offset int64) bool {
	var end [1]byte
	_, err := file.ReadAt(end[:], offset-1)
	return err == nil && end[0] == '\n'
}

var errOtherVariables = errors.New("it was not written with the same --variables or --all-variables")

func (e *export) lookAtLines(file *os.File) (whole int64, count int, last salebot.ClientID, err error) {
	reader := bufio.NewReaderSize(file, 256<<10)
	columns, hasVariables := e.columns(), false
	for {
		line, err := reader.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			if e.all && count > 0 && !hasVariables {
				return 0, 0, 0, errOtherVariables
			}
			return whole, count, last, nil
		case err != nil:
			return 0, 0, 0, err
		}
		var record map[string]json.RawMessage
		err = json.Unmarshal(line, &record)
		id, idErr := strconv.ParseInt(string(record["id"]), 10, 64)
		if err != nil || idErr != nil {
			return 0, 0, 0, fmt.Errorf("line %d is not one of an export", count+1)
		}
		if hasVariables = hasVariables || len(record) > len(clientColumns); !e.wrote(record, columns) {
			return 0, 0, 0, errOtherVariables
		}
		whole, count, last = whole+int64(len(line)), count+1, salebot.ClientID(id)
	}
}

// wrote reports whether an export with these flags and columns can have written a record.
func (e *export) wrote(record map[string]json.RawMessage, columns []string) bool {
	for _, column := range columns {
		if _, has := record[column]; !has {
			return false
		}
	}
	return e.all || len(record) == len(columns)
}
