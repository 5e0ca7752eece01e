package emulator

import (
	"math"
	"strconv"
	"time"

	"github.com/salebot-go/salebot"
	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/text"
	"github.com/salebot-go/salebot/internal/wire"
)

// Numbers of clients and messages are text in the control API: JavaScript rounds
// large ones.

type chatShape struct {
	ID          salebot.ClientID   `json:"id,string"`
	Name        string             `json:"name"`
	Messenger   string             `json:"messenger"`
	ClientType  salebot.ClientType `json:"client_type"`
	PlatformID  salebot.PlatformID `json:"platform_id"`
	GroupID     salebot.GroupID    `json:"group_id"`
	Paused      bool               `json:"paused"`
	Unreachable string             `json:"unreachable"`
	Messages    int                `json:"messages"`
	Active      time.Time          `json:"active"`
	Last        *messageShape      `json:"last"`
}

type chatsShape struct {
	Clients []chatShape `json:"clients"`
	Total   int         `json:"total"`
	Offset  int64       `json:"offset"`
}

const (
	usualPage    = 50
	largestPage  = 500
	longestShown = 200 // characters of the last message in a list of chats
)

func (c *control) listClients(r *call) (any, error) {
	offset, err := r.number("offset", 0, 0, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	limit, err := r.number("limit", usualPage, 0, largestPage)
	if err != nil {
		return nil, err
	}
	query := engine.ChatQuery{Text: r.query.Get("search"), Offset: int(offset), Limit: int(limit)}
	if r.query.Get("client_type") != "" {
		kind, err := r.number("client_type", 0, 0, math.MaxInt32)
		if err != nil {
			return nil, err
		}
		query.ClientType = new(salebot.ClientType(kind))
	}
	chats, total := c.Chats(query)
	shape := chatsShape{Clients: make([]chatShape, len(chats)), Total: total, Offset: offset}
	for i, chat := range chats {
		shape.Clients[i] = chatShape{
			ID: chat.ClientID, Name: chat.Name, Messenger: chat.ClientType.String(), ClientType: chat.ClientType,
			PlatformID: chat.PlatformID, GroupID: chat.GroupID, Paused: chat.Paused, Unreachable: chat.Unreachable,
			Messages: chat.Messages, Active: chat.Active,
		}
		if chat.Last != nil {
			last := shapeOfMessage(*chat.Last)
			last.Text = text.Shorten(last.Text, longestShown)
			shape.Clients[i].Last = &last
		}
	}
	return shape, nil
}

type clientShape struct {
	ID          salebot.ClientID   `json:"id,string"`
	Name        string             `json:"name"`
	Messenger   string             `json:"messenger"`
	ClientType  salebot.ClientType `json:"client_type"`
	PlatformID  salebot.PlatformID `json:"platform_id"`
	GroupID     salebot.GroupID    `json:"group_id"`
	Avatar      string             `json:"avatar"`
	Tag         string             `json:"tag"`
	CreatedAt   time.Time          `json:"created_at"`
	UpdatedAt   time.Time          `json:"updated_at"`
	BlockID     salebot.BlockID    `json:"block_id,string"`
	Paused      bool               `json:"paused"`
	Unreachable string             `json:"unreachable"`
	Employee    string             `json:"employee"`
	Lists       []string           `json:"lists"`
	// Variables are the variables as text, under the names of save_variables.
	Variables map[string]string `json:"variables"`
	Orders    []orderShape      `json:"orders"`
}

type orderShape struct {
	ID          salebot.OrderID     `json:"id,string"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	Budget      float64             `json:"budget"`
	StateID     salebot.StateID     `json:"state_id,string"`
	State       string              `json:"state"`
	Status      salebot.OrderStatus `json:"status"`
	CreatedAt   time.Time           `json:"created_at"`
	Variables   map[string]string   `json:"variables"`
}

func (c *control) shapeOfClient(id salebot.ClientID) (any, error) {
	client, ok := c.LookupPerson(id)
	if !ok {
		return nil, noClient(id)
	}
	shape := clientShape{
		ID: client.ID, Name: client.Name, Messenger: client.ClientType.String(), ClientType: client.ClientType,
		PlatformID: client.PlatformID, GroupID: client.GroupID, Avatar: client.Avatar, Tag: client.Tag,
		CreatedAt: client.CreatedAt, UpdatedAt: client.UpdatedAt, BlockID: client.BlockID,
		Paused: client.Paused, Unreachable: client.Unreachable, Employee: client.Employee,
		Lists: []string{}, Variables: c.Variables(id), Orders: []orderShape{},
	}
	for _, list := range client.Lists {
		shape.Lists = append(shape.Lists, strconv.FormatInt(int64(list), 10))
	}
	names := map[salebot.StateID]string{}
	for _, state := range c.States() {
		names[state.ID] = state.Name
	}
	for _, o := range c.Orders(id) {
		shape.Orders = append(shape.Orders, orderShape{
			ID: o.ID, Name: o.Name, Description: o.Description, Budget: o.Budget, StateID: o.StateID, State: names[o.StateID],
			Status: o.Status, CreatedAt: o.CreatedAt, Variables: asText(o.Variables),
		})
	}
	return shape, nil
}

func asText(values map[string]any) map[string]string {
	texts := make(map[string]string, len(values))
	for name, value := range values {
		encoded, err := wire.Marshal(value)
		if err == nil {
			texts[name], _ = wire.LooseText(encoded)
		}
	}
	return texts
}

func (c *control) getClient(r *call) (any, error) {
	id, err := r.client()
	if err != nil {
		return nil, err
	}
	return c.shapeOfClient(id)
}

func (c *control) createClient(r *call) (any, error) {
	var wanted engine.Person
	wanted.ClientType = salebot.ClientTypeTelegram
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	if wanted.ClientType == salebot.ClientTypeUnrecognized {
		return nil, badRequest("there is no such messenger")
	}
	id, err := c.AddPerson(wanted)
	if err != nil {
		return nil, err
	}
	return c.shapeOfClient(id)
}

type messengerShape struct {
	ClientType salebot.ClientType `json:"client_type"`
	Name       string             `json:"name"`
	// GroupID is the first connected bot; empty if none is connected.
	GroupID salebot.GroupID `json:"group_id"`
}

// lastMessenger is the largest number that a known messenger has.
const lastMessenger = salebot.ClientTypeDiscord

func (c *control) listMessengers(*call) (any, error) {
	shape := struct {
		Messengers []messengerShape `json:"messengers"`
	}{}
	for kind := salebot.ClientTypeVK; kind <= lastMessenger; kind++ {
		if kind.Known() {
			shape.Messengers = append(shape.Messengers, messengerShape{ClientType: kind, Name: kind.String(), GroupID: c.GroupID(kind)})
		}
	}
	return shape, nil
}
