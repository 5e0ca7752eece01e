// Paymentnotice starts the bot when a shop tells that an order was paid: once for each
// order, however often the shop says so, to however many processes of this machine, and
// whenever they are killed. Start it twice, behind a balancer, on the same file:
//
//	SALEBOT_API_KEY=… paymentnotice -address 127.0.0.1:8090
//	SALEBOT_API_KEY=… paymentnotice -address 127.0.0.1:8091
//	curl -d '{"client_id": 25554, "order": "4711"}' localhost:8090/paid
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/sqlite"
)

// payment is what the shop sends.
type payment struct {
	ClientID salebot.ClientID `json:"client_id"`
	Order    string           `json:"order"`
}

func main() {
	address := flag.String("address", "127.0.0.1:8090", "where to listen")
	flag.Parse()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	// A lost answer is looked for in the history: measure its delay with salebot probe --client.
	log.Fatal(serve(listener, "paymentnotice.db", salebot.WithHistoryDelay(time.Minute)))
}

func serve(listener net.Listener, path string, opts ...salebot.Option) error {
	records, err := sqlite.OpenLedger(path)
	if err != nil {
		return err
	}
	client, err := salebot.NewFromEnv(append(opts, salebot.WithLedger(records, "shop"))...)
	if err == nil {
		server := http.Server{Handler: handler(client), ReadHeaderTimeout: 5 * time.Second}
		err = server.Serve(listener)
	}
	return errors.Join(err, records.Close())
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
			_, err := client.Callback(ctx, salebot.CallbackRequest{ClientID: paid.ClientID, Message: "order_paid"})
			return err
		})
		if err != nil {
			log.Print(err)
			http.Error(w, "the bot was not, or may not have been, started", status(err))
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}

// status tells the shop whether to repeat its notice.
func status(err error) int {
	switch {
	case errors.Is(err, salebot.ErrWorkChanged), errors.Is(err, salebot.ErrKeyReused), errors.Is(err, salebot.ErrWorkTooOld):
		// The order had another notice before: this one does not become right by being repeated.
		return http.StatusConflict
	case errors.Is(err, salebot.ErrInProgress), errors.Is(err, salebot.ErrOutcomeUnknown):
		// Before the next case, since an error can be both: then the notice must come again.
		return http.StatusServiceUnavailable
	case errors.Is(err, salebot.ErrInvalidRequest), errors.Is(err, salebot.ErrNotFound):
		return http.StatusUnprocessableEntity
	}
	return http.StatusServiceUnavailable
}
