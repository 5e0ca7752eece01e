// Package pages holds pages of clients and what reads them.
package pages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/bench/peer"
)

// Size is the number of clients on a full page.
const Size = 500

// first keeps all ids at the same number of digits.
const first = 100_000_000

// Clients returns the answer to get_clients with count clients from an offset.
func Clients(offset, count int) []byte {
	var b strings.Builder
	b.WriteString(`{"status":"success","clients":[`)
	for i := offset; i < offset+count; i++ {
		if i > offset {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"platform_id":"%d","client_type":1,"name":"Анна Иванова %d",`+
			`"avatar":"https://store.example.org/pictures/%d/avatar.jpg","message_id":%d,"project_id":987654,`+
			`"created_at":1748452422,"updated_at":1763802422,"custom_answer":false,"tag":"spring-%d",`+
			`"group":"shop_bot","operator_start_dialog":null}`,
			first+i, 5_000_000_000+int64(i), i, i, 2_000_000+i%100, i%10)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// Variables returns the ten variables of a client.
func Variables(number int) []byte {
	return fmt.Appendf(nil, `{"name":"Анна","city":"Санкт-Петербург","order_%d":"Букет из 15 роз","price":"2490",`+
		`"phone":"+79990000000","email":"anna%d@example.org","step":%d,"utm_source":"ads","comment":null,"total":1250.5}`,
		number%3, number, number)
}

// Subscribers returns the answer to subscribers: clients with their variables.
func Subscribers(count int) []byte {
	var b strings.Builder
	b.WriteString(`{"status":"success","clients":[`)
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"platform_id":"%d","client_type":1,"name":"Анна Иванова","variables":%s}`,
			first+i, 5_000_000_000+int64(i), Variables(i))
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// StrictClient is a client as one would write it down for the answer that Clients
// returns, and for no other.
type StrictClient struct {
	ID                  int64   `json:"id"`
	PlatformID          string  `json:"platform_id"`
	ClientType          int     `json:"client_type"`
	Name                string  `json:"name"`
	Avatar              string  `json:"avatar"`
	MessageID           int64   `json:"message_id"`
	ProjectID           int64   `json:"project_id"`
	CreatedAt           int64   `json:"created_at"`
	UpdatedAt           int64   `json:"updated_at"`
	CustomAnswer        bool    `json:"custom_answer"`
	Tag                 string  `json:"tag"`
	Group               string  `json:"group"`
	OperatorStartDialog *string `json:"operator_start_dialog"`
}

// StrictSubscriber has its variables decoded as one does without thinking.
type StrictSubscriber struct {
	ID         int64          `json:"id"`
	PlatformID string         `json:"platform_id"`
	ClientType int            `json:"client_type"`
	Name       string         `json:"name"`
	Variables  map[string]any `json:"variables"`
}

// Read reads a page once.
type Read func(ctx context.Context) error

var errShort = errors.New("clients are missing")

// Strict reads the body from memory by hand into strict types.
func Strict[T any](body []byte) Read {
	client := &http.Client{Transport: peer.NewMemory(body)}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/api/key/get_clients", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			return err
		}
		var page struct {
			Status  string `json:"status"`
			Clients []T    `json:"clients"`
		}
		if err := json.Unmarshal(content, &page); err != nil {
			return err
		}
		return whole(len(page.Clients))
	}
}

func whole(clients int) error {
	if clients != Size {
		return errShort
	}
	return nil
}

func sdk(body []byte) (*salebot.Client, error) {
	return salebot.New("benchmark-key-0123456789", salebot.WithTransport(peer.NewMemory(body)))
}

// GetClients reads the body through the SDK.
func GetClients(body []byte) (Read, error) {
	c, err := sdk(body)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		clients, err := c.GetClients(ctx, salebot.GetClientsRequest{})
		if err != nil {
			return err
		}
		return whole(len(clients))
	}, nil
}

// GetSubscribers reads the body through the SDK.
func GetSubscribers(body []byte) (Read, error) {
	c, err := sdk(body)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		clients, err := c.GetSubscribers(ctx, salebot.GetSubscribersRequest{})
		if err != nil {
			return err
		}
		return whole(len(clients))
	}, nil
}

// RawVariables reads variables that nobody asks for.
func RawVariables(body []byte) Read {
	return func(context.Context) error {
		var v salebot.Variables
		return v.UnmarshalJSON(body)
	}
}

// MapVariables reads variables into a map.
func MapVariables(body []byte) Read {
	return func(context.Context) error {
		var v map[string]any
		return json.Unmarshal(body, &v)
	}
}

// OneVariable reads variables and asks for the last of them.
func OneVariable(body []byte) Read {
	return func(context.Context) error {
		var v salebot.Variables
		if err := v.UnmarshalJSON(body); err != nil {
			return err
		}
		if v.Text("total") != "1250.5" {
			return errShort
		}
		return nil
	}
}
