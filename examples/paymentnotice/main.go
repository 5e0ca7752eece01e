// Paymentnotice is a small service that starts the bot when a shop tells it that
// an order was paid:
//
//	SALEBOT_API_KEY=… paymentnotice
//	curl -d '{"client_id": 25554, "order": 4711, "amount": "1990.00"}' localhost:8090/paid
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
)

// payment is what the shop sends.
type payment struct {
	ClientID salebot.ClientID `json:"client_id"`
	Order    int64            `json:"order"`
	Amount   string           `json:"amount"`
}

// starter is the part of the client that this service needs.
type starter interface {
	SaveVariablesAndCallback(context.Context, salebot.SaveVariablesAndCallbackRequest, ...salebot.CallOption) (*salebot.Ack, error)
}

func main() {
	client, err := salebot.NewFromEnv(salebot.WithTimeout(20 * time.Second))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: "127.0.0.1:8090", Handler: handler(client), ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func handler(bot starter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /paid", func(w http.ResponseWriter, r *http.Request) {
		var paid payment
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&paid); err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		_, err := bot.SaveVariablesAndCallback(r.Context(), salebot.SaveVariablesAndCallbackRequest{
			Variables: map[string]any{"order": paid.Order, "amount": paid.Amount},
			Callback:  salebot.CallbackRequest{ClientID: paid.ClientID, Message: "order_paid"},
		})
		http.Error(w, verdict(err), status(err))
	})
	return mux
}

// status tells the shop whether it may repeat its notice.
func status(err error) int {
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, salebot.ErrOutcomeUnknown):
		// The bot may have started: a repeated notice would start it twice.
		log.Print(err)
		return http.StatusAccepted
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
