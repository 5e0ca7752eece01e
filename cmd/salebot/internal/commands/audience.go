package commands

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/cmd/salebot/internal/records"
)

// audience says for which clients a command is.
type audience struct {
	from string
	list int64
	all  bool
}

func (u *audience) addTo(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&u.from, "from", "", "`file` with clients: a number on each line, or CSV or JSON lines with client_id; - is the standard input")
	flags.Int64Var(&u.list, "list", 0, "`number` of a client list, for all in it")
	flags.BoolVar(&u.all, "all", false, "for all clients of the project")
	cmd.MarkFlagsMutuallyExclusive("from", "list", "all")
}

// isMany reports whether clients are named in a way that may stand for any number.
func (u *audience) isMany() bool { return u.from != "" || u.list != 0 || u.all }

// String says where the clients come from.
func (u *audience) String() string {
	switch {
	case u.from == "-":
		return "the standard input"
	case u.from != "":
		return u.from
	case u.list != 0:
		return fmt.Sprintf("list %d", u.list)
	case u.all:
		return "the whole project"
	}
	return "the command line"
}

// errNobody says that no client was named.
var errNobody = errors.New("no client: name one, or use --from, --list or --all")

// collect returns the clients, each once, in the order in which they came. named are
// those of the command line.
func (u *audience) collect(ctx context.Context, in io.Reader, client *salebot.Client, named []string) ([]salebot.ClientID, error) {
	var ids []salebot.ClientID
	for _, text := range named {
		id, err := clientOf(text)
		if err != nil {
			return nil, UsageError(err)
		}
		ids = append(ids, id)
	}
	switch {
	case u.from != "":
		read, err := u.read(in)
		if err != nil {
			return nil, UsageError(err)
		}
		ids = append(ids, read...)
	case u.list != 0 || u.all:
		request := salebot.ClientsRequest{List: salebot.ListID(u.list), PagesInFlight: pagesInFlight}
		for id, err := range salebot.ClientIDs(client.Clients(ctx, request)) {
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
	case len(ids) == 0:
		return nil, UsageError(errNobody)
	}
	return unique(ids), nil
}

// pagesInFlight is the number of pages that are read at once.
const pagesInFlight = 4

func unique(ids []salebot.ClientID) []salebot.ClientID {
	seen := make(map[salebot.ClientID]struct{}, len(ids))
	return slices.DeleteFunc(ids, func(id salebot.ClientID) bool {
		_, repeated := seen[id]
		seen[id] = struct{}{}
		return repeated
	})
}

func (u *audience) read(in io.Reader) ([]salebot.ClientID, error) {
	if u.from != "-" {
		file, err := os.Open(u.from)
		if err != nil {
			return nil, err
		}
		defer discard(file)
		in = file
	}
	_, rows, err := records.Read(in, columnClient)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	var ids []salebot.ClientID
	for row, err := range rows {
		if err == nil {
			err = row.Err
		}
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", u, row.Line, err)
		}
		text := row.Values[columnClient]
		if text == "" {
			text = row.Values["id"] // as an export calls it
		}
		id, err := clientOf(text)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: no client_id", u, row.Line)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// columnClient is the column with the number of a client.
const columnClient = "client_id"

// clientOf reads the number of a client.
func clientOf(text string) (salebot.ClientID, error) {
	id, err := positive(text)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not the number of a client", text)
	}
	return salebot.ClientID(id), nil
}

var errNotPositive = errors.New("not a positive whole number")

func positive(text string) (int64, error) {
	number, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || number <= 0 {
		return 0, errNotPositive
	}
	return number, nil
}
