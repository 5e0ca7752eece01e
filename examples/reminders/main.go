// Reminders sends each client of a list a reminder once a day, whoever starts it and
// however often. Let cron start it every ten minutes: what failed or was killed is then
// made up for on the same day, and a message whose answer was lost is looked for first.
//
//	SALEBOT_API_KEY=… reminders -list 12 -text "The lesson begins at 18:00"
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os/signal"
	"syscall"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
)

func main() {
	list := flag.Int64("list", 0, "number of the list; 0 means all clients")
	text := flag.String("text", "", "text of the reminder")
	flag.Parse()
	if err := run(salebot.ListID(*list), *text); err != nil {
		log.Fatal(err)
	}
}

func run(list salebot.ListID, text string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	records, err := ledger.OpenFile("reminders.ledger")
	if errors.Is(err, ledger.ErrInUse) {
		log.Print("another process is at it")
		return nil
	}
	if err != nil {
		return err
	}
	client, err := salebot.NewFromEnv(options(records)...)
	if err == nil {
		var report *salebot.BulkReport
		report, err = remind(ctx, client, time.Now(), list, text)
		log.Printf("%d reminded, %d not", report.Accepted, report.Total()-report.Accepted)
	}
	return errors.Join(err, records.Close())
}

// options make the client remember what it sent, so that nobody is reminded twice, and look
// in the history for what may have been sent, so that nobody is left out.
func options(records *ledger.File) []salebot.Option {
	// Measure the time of your project with salebot probe --client.
	return []salebot.Option{salebot.WithLedger(records, "shop"), salebot.WithHistoryDelay(time.Minute)}
}

// remind reminds everybody on a list who was not reminded on this day. The name of the
// run is what makes it happen once.
func remind(ctx context.Context, client *salebot.Client, day time.Time, list salebot.ListID, text string) (*salebot.BulkReport, error) {
	return salebot.ForEach(ctx, client, client.Clients(ctx, salebot.ClientsRequest{List: list}),
		salebot.BulkOptions{Name: "reminder of " + day.Format(time.DateOnly)},
		func(record salebot.ClientRecord) salebot.ClientID { return record.ID },
		func(ctx context.Context, record salebot.ClientRecord) error {
			_, err := client.Message(ctx, salebot.MessageRequest{ClientID: record.ID, Message: text})
			return err
		})
}
