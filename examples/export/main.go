// Export writes all clients of a project into a file, one JSON object a line, and in
// the end into a table for spreadsheets. Killed and started again, it goes on where
// the file ends.
//
//	SALEBOT_API_KEY=… export clients.jsonl clients.csv
package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strconv"

	"github.com/salebot-go/salebot"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: export FILE.jsonl FILE.csv")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client, err := salebot.NewFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	if err := export(ctx, client, os.Args[1], os.Args[2], os.Stderr); err != nil {
		log.Fatal(err, "; start again to go on")
	}
}

// export writes both files and tells its progress.
func export(ctx context.Context, client *salebot.Client, linesName, tableName string, progress io.Writer) error {
	lines, err := os.OpenFile(linesName, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() { _ = lines.Close() }()
	count, err := wholeLines(lines)
	if err != nil {
		return err
	}
	writer := bufio.NewWriter(lines)
	encoder := json.NewEncoder(writer)
	request := salebot.ClientsRequest{Offset: count, PagesInFlight: 4}
	for record, err := range client.Clients(ctx, request, salebot.WithRawItems()) {
		if page := (*salebot.PageError)(nil); errors.As(err, &page) {
			// What came before is good: as many lines as the position says.
			_, _ = fmt.Fprintln(progress, "stopped after", page.Position, "clients")
		}
		if err != nil {
			return errors.Join(err, writer.Flush())
		}
		if err := encoder.Encode(record.Raw); err != nil {
			return err
		}
		if count++; count%1000 == 0 {
			_, _ = fmt.Fprintln(progress, count, "clients")
		}
	}
	if err := errors.Join(writer.Flush(), lines.Sync()); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(progress, count, "clients, complete")
	return writeTable(lines, tableName)
}

// wholeLines counts the lines of a file and cuts off one that was not finished.
func wholeLines(file *os.File) (count int, err error) {
	reader := bufio.NewReader(file)
	var size int64
	for {
		line, failure := reader.ReadBytes('\n')
		if errors.Is(failure, io.EOF) {
			break
		}
		if failure != nil {
			return 0, failure
		}
		count, size = count+1, size+int64(len(line))
	}
	if err = file.Truncate(size); err != nil {
		return 0, err
	}
	_, err = file.Seek(size, io.SeekStart)
	return count, err
}

// writeTable writes the clients of the lines as CSV.
func writeTable(lines io.ReadSeeker, name string) error {
	if _, err := lines.Seek(0, io.SeekStart); err != nil {
		return err
	}
	file, err := os.Create(name) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	table := csv.NewWriter(file)
	row := []string{"id", "messenger", "platform_id", "name", "created_at"}
	for decoder := json.NewDecoder(bufio.NewReader(lines)); ; {
		if err := table.Write(row); err != nil {
			return err
		}
		var record salebot.ClientRecord
		err := decoder.Decode(&record)
		if errors.Is(err, io.EOF) {
			table.Flush()
			return errors.Join(table.Error(), file.Close())
		}
		if err != nil {
			return err
		}
		row = []string{
			strconv.FormatInt(int64(record.ID), 10), record.ClientType.String(), string(record.PlatformID), record.Name, record.CreatedAt.String(),
		}
	}
}
