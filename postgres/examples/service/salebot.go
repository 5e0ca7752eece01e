package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/salebottest"
)

const (
	// people write to the bot, each a message each second.
	people = 20
	pause  = time.Second / people
	// tallyInterval is how often it is logged what became of them.
	tallyInterval = 2 * time.Second
)

// standIn stands in for Salebot and the people, so that there is something to see.
func standIn(ctx context.Context, s settings) error {
	emulator, err := salebottest.Open(standInOptions(os.Getenv(salebot.EnvAPIKey), s)...)
	if err != nil {
		return err
	}
	defer emulator.Close()
	go write(ctx, emulator)
	go report(ctx, emulator)
	return serve(ctx, s.listen, emulator)
}

func standInOptions(key string, s settings) []salebottest.Option {
	opts := []salebottest.Option{
		salebottest.WithKey(key),
		salebottest.WithWebhook(salebottest.Webhook{
			URL: "http://receivers/webhook/" + s.secret, Transport: &balancer{receivers: s.receivers}, Parallel: 4,
			// It is not known whether Salebot repeats what was not acknowledged.
			Resend: salebottest.ResendFailed, Attempts: 10_000, RetryDelay: time.Second,
		}),
	}
	for id := range people {
		opts = append(opts, salebottest.WithPerson(salebottest.Person{ID: salebot.ClientID(id + 1)}))
	}
	return opts
}

// balancer leads requests to the receivers in turn, as a load balancer does.
type balancer struct {
	receivers []string
	turn      atomic.Uint64
}

// RoundTrip implements http.RoundTripper.
func (b *balancer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Host = b.receivers[b.turn.Add(1)%uint64(len(b.receivers))]
	return http.DefaultTransport.RoundTrip(request)
}

// write lets people write in turn until the context ends.
func write(ctx context.Context, emulator *salebottest.Emulator) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for number := 1; ; number++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := emulator.Write(salebot.ClientID(number%people+1), fmt.Sprint("message ", number)); err != nil {
			log.Print("a person cannot write: ", err)
		}
	}
}

// tally is what became of the messages of people.
type tally struct{ written, answered, answeredTwice int }

func (t tally) String() string {
	return fmt.Sprintf("%d messages, %d answered, %d answered twice", t.written, t.answered, t.answeredTwice)
}

func tallyOf(emulator *salebottest.Emulator) (t tally) {
	answers := map[string]int{}
	for id := range people {
		for _, message := range emulator.History(salebot.ClientID(id + 1)) {
			if message.FromClient {
				t.written++
				continue
			}
			switch answers[message.Text]++; answers[message.Text] {
			case 1:
				t.answered++
			case 2:
				t.answeredTwice++
			}
		}
	}
	return t
}

func report(ctx context.Context, emulator *salebottest.Emulator) {
	tick := time.NewTicker(tallyInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			log.Print(tallyOf(emulator))
		case <-ctx.Done():
			return
		}
	}
}
