// Miniapp is the backend of a Telegram Mini App that starts the bot for the person
// who opened the app, also if the project does not know the person yet. The page
// sends what Telegram gave it, and has no key:
//
//	fetch("/start", {method: "POST", headers: {Authorization: "tma " + Telegram.WebApp.initData}})
//
// It needs SALEBOT_API_KEY, the bot's name in Salebot in TELEGRAM_BOT and its token
// in TELEGRAM_TOKEN.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot"

	"github.com/salebot-go/salebot"
)

// maxAge is how long after the app was opened its data is accepted.
const maxAge = time.Hour

func main() {
	client, err := salebot.NewFromEnv(salebot.WithTimeout(20 * time.Second))
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{
		Addr:              "127.0.0.1:8090",
		Handler:           handler(client, salebot.GroupID(os.Getenv("TELEGRAM_BOT")), os.Getenv("TELEGRAM_TOKEN")),
		ReadHeaderTimeout: 5 * time.Second,
	}
	log.Fatal(server.ListenAndServe())
}

// handler starts the bot for the person whom Telegram vouches for.
func handler(client *salebot.Client, group salebot.GroupID, token string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, r *http.Request) {
		data, _ := strings.CutPrefix(r.Header.Get("Authorization"), "tma ")
		person, ok := check(data, token, time.Now())
		if !ok {
			http.Error(w, "Telegram does not vouch for this", http.StatusUnauthorized)
			return
		}
		// What has begun goes on if the app is closed.
		_, err := client.TGCallback(context.WithoutCancel(r.Context()), salebot.TGCallbackRequest{
			UserID: person, GroupID: group, Message: "mini_app_opened",
		})
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, salebot.ErrOutcomeUnknown):
			log.Print(err)
			http.Error(w, "the bot may have been started", http.StatusAccepted)
		default:
			log.Print(err)
			http.Error(w, "the bot was not started", http.StatusBadGateway)
		}
	})
	return mux
}

// check returns the person that the data is about, if Telegram has signed it for the
// bot with the token, not long ago.
func check(data, token string, now time.Time) (person salebot.PlatformID, ok bool) {
	if token == "" {
		return "", false
	}
	// The library wants the values as they came, and decodes them itself.
	values := url.Values{}
	for pair := range strings.SplitSeq(data, "&") {
		name, value, _ := strings.Cut(pair, "=")
		values.Add(name, value)
	}
	user, ok := bot.ValidateWebappRequest(values, token)
	if !ok || user.ID == 0 {
		return "", false
	}
	seconds, err := strconv.ParseInt(values.Get("auth_date"), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return "", false
	}
	return salebot.PlatformID(strconv.FormatInt(user.ID, 10)), true
}
