package salebot

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// ClientToLoad is a person to load into the project.
type ClientToLoad struct {
	// PlatformID is the person's id in the messenger; for WhatsApp and telephony
	// the phone number. Required.
	PlatformID PlatformID
	// GroupID is the bot, as GetConnectedChannels tells it. Required, except for
	// telephony, which has none.
	GroupID GroupID
	// ClientType is the messenger. Beware that the zero value is VK.
	ClientType ClientType
}

// LoadedClient is what became of one ClientToLoad.
type LoadedClient struct {
	// ID is the client; 0 where it was not accepted.
	ID ClientID
	// PlatformID is the person's id as Salebot keeps it, which may differ from
	// the one that was sent.
	PlatformID PlatformID
	// GroupID is the bot.
	GroupID GroupID
	// ClientType is the messenger.
	ClientType ClientType
	// Status is Salebot's word for what happened, "success" if it was accepted.
	Status string
}

// Accepted says whether the client is in the project now.
func (l LoadedClient) Accepted() bool {
	return l.ID != 0 && (l.Status == "" || answer.IsSuccessWord(l.Status))
}

type wireLoadedClient struct {
	ID         ClientID    `json:"id"`
	PlatformID PlatformID  `json:"platform_id"`
	GroupID    GroupID     `json:"group_id"`
	ClientType ClientType  `json:"client_type"`
	Status     wire.String `json:"status"`
}

func (w *wireLoadedClient) item(json.RawMessage) (LoadedClient, error) {
	return LoadedClient{
		ID: w.ID, PlatformID: w.PlatformID, GroupID: w.GroupID, ClientType: w.ClientType, Status: string(w.Status),
	}, nil
}

// LoadClients gets the clients of persons, and creates those that the project
// does not have. The result is aligned with the request: the element at an index
// is about the person at the same index. Where Salebot did not accept all of
// them the error is a PartialError, and the whole result is returned along with
// it.
//
// Salebot action: load_clients. Class: Idempotent. Answer: observed. Errors:
// ErrInvalidRequest, PartialError and those of every call. The largest number of
// persons is not documented.
func (c *Client) LoadClients(ctx context.Context, clients []ClientToLoad, options ...CallOption) ([]LoadedClient, error) {
	encode := func(*settings) (payload, error) { return encodeClientsToLoad(clients) }
	return call(ctx, c, "load_clients", options, encode, func(body []byte, s *settings) ([]LoadedClient, error) {
		loaded, err := decodeItems[LoadedClient, wireLoadedClient](body, s, "items")
		if err != nil {
			return nil, err
		}
		if len(loaded) != len(clients) {
			return nil, fmt.Errorf("%d clients were sent and %d came back", len(clients), len(loaded))
		}
		var refused []RefusedElement
		for i, client := range loaded {
			if !client.Accepted() {
				refused = append(refused, RefusedElement{Index: i, Status: client.Status})
			}
		}
		if len(refused) > 0 {
			return loaded, &PartialError{Refused: refused, Total: len(loaded)}
		}
		return loaded, nil
	})
}

func encodeClientsToLoad(clients []ClientToLoad) (payload, error) {
	if len(clients) == 0 {
		return payload{}, invalid("clients", "is empty")
	}
	list := []byte{'['}
	for i, client := range clients {
		field := "clients[" + strconv.Itoa(i) + "]."
		if err := requireText(field+"PlatformID", string(client.PlatformID)); err != nil {
			return payload{}, err
		}
		switch {
		case client.ClientType < 0:
			return payload{}, invalid(field+"ClientType", "is no messenger")
		case client.ClientType == ClientTypeTelephony && client.GroupID != "":
			return payload{}, invalid(field+"GroupID", "must be empty for telephony")
		case client.ClientType != ClientTypeTelephony && client.GroupID == "":
			return payload{}, invalid(field+"GroupID", "is required; GetConnectedChannels tells it")
		}
		if i > 0 {
			list = append(list, ',')
		}
		var o wire.Object
		o.Text("platform_id", string(client.PlatformID))
		o.Text("group_id", string(client.GroupID))
		o.Int("client_type", int64(client.ClientType))
		list = append(list, o.Bytes()...)
	}
	return payload{body: append(list, ']')}, nil
}
