// Paymentnotice is a small service that starts the bot when a shop tells it that an
// order was paid. The shop may repeat its notice at any moment: the bot is started once
// for each order.
//
//	SALEBOT_API_KEY=… paymentnotice
//	curl -d '{"client_id": 25554, "order": "4711", "amount": "1990.00"}' localhost:8090/paid
//
// It keeps what it has done in the file paymentnotice.ledger, which serves one process.
// The example of the same name in the module sqlite shows two.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/ledger"
)

// payment is what the shop sends.
type payment struct {
	ClientID salebot.ClientID `json:"client_id"`
	Order    string           `json:"order"`
	Amount   string           `json:"amount"`
}

func main() {
	records, err := ledger.OpenFile("paymentnotice.ledger")
	if err != nil {
		log.Fatal(err)
	}
	client, err := salebot.NewFromEnv(options(records)...)
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: "127.0.0.1:8090", Handler: handler(client), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// options make the client remember which orders it was told of, and look in the history
// for a callback whose answer did not come.
func options(records *ledger.File) []salebot.Option {
	// Measure the time of your project with salebot probe --client.
	return []salebot.Option{salebot.WithLedger(records, "shop"), salebot.WithHistoryDelay(time.Minute)}
}

func handler(client *salebot.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /paid", func(w http.ResponseWriter, r *http.Request) {
		var paid payment
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&paid); err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		// What has begun goes on if the shop hangs up, but not for ever.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 25*time.Second)
		defer cancel()
		err := client.RunOnce(ctx, salebot.Work{Name: "payment notice", Key: paid.Order}, func(ctx context.Context) error {
			return start(ctx, client, paid)
		})
		http.Error(w, verdict(err), status(err))
	})
	return mux
}

// start starts the bot.
func start(ctx context.Context, client *salebot.Client, paid payment) error {
	_, err := client.SaveVariablesAndCallback(ctx, salebot.SaveVariablesAndCallbackRequest{
		Variables: map[string]any{"order": paid.Order, "amount": paid.Amount},
		Callback:  salebot.CallbackRequest{ClientID: paid.ClientID, Message: "order_paid"},
	})
	return err
}

// status tells the shop whether to repeat its notice.
func status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, salebot.ErrWorkChanged), errors.Is(err, salebot.ErrKeyReused), errors.Is(err, salebot.ErrWorkTooOld):
		// The order had another notice before: this one does not become right by being repeated.
		return http.StatusConflict
	case errors.Is(err, salebot.ErrInProgress), errors.Is(err, salebot.ErrOutcomeUnknown):
		// Before the next case, since an error can be both: then the notice must come again.
		log.Print(err)
		return http.StatusServiceUnavailable
	case errors.Is(err, salebot.ErrInvalidRequest), errors.Is(err, salebot.ErrNotFound):
		return http.StatusUnprocessableEntity
	default:
		log.Print(err)
		return http.StatusServiceUnavailable
	}
}

func verdict(err error) string {
	if err == nil {
		return "the bot was started"
	}
	return "the bot was not, or may not have been, started"
}
