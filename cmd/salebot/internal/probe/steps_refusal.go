package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/salebot-go/salebot"
)

// The steps that Salebot has to refuse.

var refusalSteps = []step{
	{
		name: "a key that nobody has", action: "connected_channels", part: Refusals, mustFail: true,
		plan: "asks with a made-up key; Salebot may count it as a break-in attempt from this address",
		ask: func(ctx context.Context, r *run) error {
			random := make([]byte, 16)
			_, _ = rand.Read(random) // it never fails
			client, err := r.newClient(hex.EncodeToString(random), salebot.WithoutRetries())
			if err != nil {
				return err
			}
			defer client.CloseIdleConnections()
			_, err = client.GetConnectedChannels(ctx)
			return err
		},
	},
	{
		name: "an action that does not exist", action: noAction, part: Refusals, mustFail: true, asked: []string{noAction},
		plan: "asks for the action " + noAction,
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Do(ctx, salebot.DoRequest{Action: noAction, Method: http.MethodGet, Class: salebot.Read})
			return err
		},
	},
	{
		name: "a wrong HTTP method", action: "connected_channels", part: Refusals, refused: true, plan: "asks for connected_channels by POST",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Do(ctx, salebot.DoRequest{Action: "connected_channels", Class: salebot.Read, Body: map[string]any{}})
			if err == nil {
				r.find("any_method", true, "a wrong HTTP method")
			} else if r.recorder.last().status >= http.StatusBadRequest {
				r.find("any_method", false, "a wrong HTTP method")
			}
			return err
		},
	},
	{
		name: "a body that cannot be read", action: "find_clients", part: Refusals, mustFail: true, plan: "asks for find_clients with a text as the body",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Do(ctx, salebot.DoRequest{Action: "find_clients", Class: salebot.Read, Body: json.RawMessage(`"` + probeText + `"`)})
			return err
		},
	},
	{
		name: "a missing parameter", action: "find_client_id_by_phone", part: Refusals, mustFail: true, asked: []string{"phone"},
		plan: "asks for find_client_id_by_phone without a phone",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.Do(ctx, salebot.DoRequest{Action: "find_client_id_by_phone", Method: http.MethodGet, Class: salebot.Read})
			return err
		},
	},
	{
		name: "a client that does not exist", action: "save_variables", part: Refusals, mustFail: true, lacks: needsNobody,
		plan: "writes a variable of a client number of which a read has shown that nobody has it",
		ask: func(ctx context.Context, r *run) error {
			_, err := r.client.SaveVariables(ctx, salebot.SaveVariablesRequest{
				ClientID: r.about.nobody, Variables: map[string]any{"client." + probeVariable: "1"},
			})
			return err
		},
	},
}

// noAction is an action that does not exist.
const noAction = "salebot_probe_nothing"

var limitSteps = []step{{
	name: "too many requests", action: "connected_channels", part: Limit, refused: true,
	plan: "asks for connected_channels as fast as it can until Salebot refuses, twice; during that time, everything else that uses the key may be refused, too",
	ask:  askLimit,
}}

// longestPause bounds the wait for the end of a refusal.
const longestPause = 2 * time.Minute

// errStillRefused says that a limit did not end.
var errStillRefused = errors.New("the limit did not end")

// askLimit meets the limit twice: the first time to know when a window begins, the second
// time to count what is in it. It returns the second refusal.
func askLimit(ctx context.Context, r *run) error {
	left := r.options.Limit
	if _, refusal, err := r.hurry(ctx, &left); refusal == nil {
		if err == nil {
			r.report.Notes = append(r.report.Notes, "The limit of requests was not met.")
		}
		return err
	}
	begin, err := r.pause(ctx, &left)
	if err != nil {
		return err
	}
	accepted, refusal, err := r.hurry(ctx, &left)
	if refusal == nil {
		return err
	}
	met := r.recorder.last()
	end, err := r.pause(ctx, &left)
	if err != nil {
		return refusal
	}
	if per := end.Sub(begin).Truncate(time.Second); accepted > 0 {
		r.find("rate_limit", limitText(accepted+1, max(per, time.Second)), "too many requests")
	}
	r.recorder.keep(met)
	return refusal
}

// hurry asks until it is refused, and returns the refusal.
func (r *run) hurry(ctx context.Context, left *int) (accepted int, refusal, err error) {
	client, err := r.newClient("", salebot.WithoutRetries())
	if err != nil {
		return 0, nil, err
	}
	defer client.CloseIdleConnections()
	for ; *left > 0; *left-- {
		_, err := client.GetConnectedChannels(ctx)
		switch {
		case errors.Is(err, salebot.ErrRateLimited):
			return accepted, err, nil
		case err != nil:
			return accepted, nil, err
		}
		accepted++
	}
	return accepted, nil, nil
}

// pause waits until a request is accepted again, and returns when that one was sent.
func (r *run) pause(ctx context.Context, left *int) (time.Time, error) {
	for waited := time.Duration(0); waited < longestPause && *left > 0; *left-- {
		wait := waitOf(r.recorder.last(), r.clock.Now())
		if !r.clock.Sleep(ctx, wait) {
			return time.Time{}, ctx.Err()
		}
		waited += wait
		sent := r.clock.Now()
		client, err := r.newClient("", salebot.WithoutRetries())
		if err != nil {
			return sent, err
		}
		_, err = client.GetConnectedChannels(ctx)
		client.CloseIdleConnections()
		if !errors.Is(err, salebot.ErrRateLimited) {
			return sent, err
		}
	}
	return time.Time{}, errStillRefused
}
