// Campaign writes two messages to every client of a project who has bought something.
// Start it again after a kill, and it goes on where it was: nobody gets a message
// twice, and nobody is left out. It keeps the pace that Salebot allows by itself.
//
//	SALEBOT_API_KEY=… campaign
//
// Without a key it runs on an embedded emulator of Salebot.
package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
	"github.com/salebot-go/salebot/salebottest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := start(ctx); err != nil {
		log.Fatal(err)
	}
}

func start(ctx context.Context) (err error) {
	file, err := ledger.OpenFile("campaign.ledger")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	// A lost answer is looked for in the history: measure its delay with salebot probe --client.
	client, err := connect(salebot.WithLedger(file, "shop"), salebot.WithHistoryDelay(time.Minute))
	if err != nil {
		return err
	}
	report, err := run(ctx, client, os.Stdout)
	fmt.Println(report.Accepted, "done,", report.Earlier, "of them before;", report.Unknown, "unknown;", report.PaceWait, "waited")
	return err
}

// connect returns a client of the project, or of an emulator with two people.
func connect(opts ...salebot.Option) (*salebot.Client, error) {
	if os.Getenv(salebot.EnvAPIKey) != "" {
		return salebot.NewFromEnv(opts...)
	}
	emulator, err := salebottest.Open(salebottest.WithPeople(
		salebottest.Person{ID: 1, Name: "Ann", Variables: map[string]any{"client.bought": "boots"}},
		salebottest.Person{ID: 2, Name: "Bob"},
	))
	if err != nil {
		return nil, err
	}
	return emulator.Connect(opts...)
}

// run writes to everybody, and a line of CSV about each person whom it could not reach.
func run(ctx context.Context, client *salebot.Client, problems io.Writer) (*salebot.BulkReport, error) {
	lines := csv.NewWriter(problems)
	defer lines.Flush()
	return salebot.ForEach(ctx, client, client.Clients(ctx, salebot.ClientsRequest{}),
		salebot.BulkOptions{Name: "spring campaign", Workers: 16, OnItem: func(item salebot.BulkItem) {
			if item.Outcome != salebot.OutcomeAccepted {
				_ = lines.Write(item.CSVRecord())
			}
		}},
		func(record salebot.ClientRecord) salebot.ClientID { return record.ID },
		func(ctx context.Context, record salebot.ClientRecord) error {
			variables, err := client.GetVariables(ctx, record.ID)
			if err != nil {
				return err
			}
			bought := variables.Text("bought")
			if bought == "" {
				return nil
			}
			for _, text := range []string{"Spring is here!", "How are your " + bought + "?"} {
				if _, err := client.Message(ctx, salebot.MessageRequest{ClientID: record.ID, Message: text}); err != nil {
					return err
				}
			}
			return nil
		})
}
