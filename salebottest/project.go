package salebottest

import (
	"time"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Person is a person in one messenger: what Salebot calls a client.
type Person struct {
	// ID is Salebot's number of the client. Zero asks for the next free one.
	ID salebot.ClientID
	// PlatformID is the person's id in the messenger. Empty asks for a
	// made-up one.
	PlatformID salebot.PlatformID
	// GroupID is the bot. Empty asks for the first connected channel of the
	// messenger.
	GroupID salebot.GroupID
	// ClientType is the messenger. Beware that the zero value is VK, as in the
	// API.
	ClientType salebot.ClientType
	// Name is the person's name.
	Name string
	// Avatar is the address of the person's picture.
	Avatar string
	// Tag is the subscription key.
	Tag string
	// CreatedAt is the time at which the client was created. Zero means now.
	CreatedAt time.Time
	// UpdatedAt is the time of the last change. Zero means CreatedAt.
	UpdatedAt time.Time
	// BlockID is the block of the flow in which the client is; 0 at the beginning.
	BlockID salebot.BlockID
	// Paused says that the bot keeps quiet, because an employee took over; a
	// callback with resume_bot ends it.
	Paused bool
	// Unreachable makes every message to the client fail with this text; empty
	// for a client who can be reached.
	Unreachable string
	// Employee is the address of the employee whom the client is assigned to.
	Employee string
	// Variables are the variables under the names that save_variables takes: with
	// the prefix "client." those of the client, without it those of the deal.
	Variables map[string]any
	// Lists are the lists that the client is in.
	Lists []salebot.ListID
}

// Channel is a messenger that is connected to the emulated project.
type Channel struct {
	// Messenger is the key under which connected_channels lists it: "telegram",
	// "vkontakte", "whatsapp", "viber", "facebook", "avito", "ok", or one of your
	// own.
	Messenger string
	// ID is the number of the connection. Zero asks for a made-up one.
	ID salebot.ChannelID
	// GroupID is what other actions take as the bot.
	GroupID salebot.GroupID
	// Name is the name of the bot. Empty means GroupID.
	Name string
	// Disabled says that the connection is switched off.
	Disabled bool
	// Status is the state of a WhatsApp; it is not told for other messengers.
	Status salebot.ChannelStatus
}

// State is a state of a deal, a column of the CRM. Deals go through the states
// in their order.
type State struct {
	// ID is the number of the state.
	ID salebot.StateID
	// Name is its name.
	Name string
}

// Order is a deal of the emulated project.
type Order struct {
	// ID is the number of the deal. Zero asks for the next free one.
	ID salebot.OrderID
	// ClientID is the client whose deal it is; required.
	ClientID salebot.ClientID
	// Name is the name of the deal.
	Name string
	// Description is the description of the deal.
	Description string
	// Budget is the amount of the deal.
	Budget float64
	// StateID is where the deal stands. Zero means the first state.
	StateID salebot.StateID
	// Status reports whether the deal is active, which is the zero value, or how it
	// ended.
	Status salebot.OrderStatus
	// Variables are the variables of the deal.
	Variables map[string]any
	// CreatedAt is the time at which the deal was created. Zero means now.
	CreatedAt time.Time
}

// Block is a block of the smallest flow in which a bot can be tried. If a message of
// the client, a callback or the text of a pressed button equals the condition, the bot
// answers. Nothing else of the constructor is imitated.
type Block struct {
	// ID is the number of the block; required.
	ID salebot.BlockID
	// Condition is the text that the block reacts to, in any case of letters and
	// without the space around it. A block without one is only sent by its number.
	Condition string
	// Answer is the text that the bot answers.
	Answer string
	// Hint is shown if there are no buttons.
	Hint string
	// Buttons are the buttons of the answer.
	Buttons []Button
	// Attachments are the files of the answer.
	Attachments []Attachment
	// MessageType is the kind of block; its codes are not documented.
	MessageType int
	// Description is a note for people.
	Description string
}

// Key is an API key of the emulated project.
type Key struct {
	// Value is the key itself; required.
	Value string
	// Name is what the log of requests calls it. Empty means "key" and its place.
	Name string
	// Permissions are what the key may do; nil means everything, which is what
	// keys of the old kind may.
	Permissions []Permission
}

// Permission is a right that an API key can have.
type Permission string

// The five permissions.
const (
	PermissionClientsRead   = Permission(action.ClientsRead)
	PermissionClientsWrite  = Permission(action.ClientsWrite)
	PermissionClientsDelete = Permission(action.ClientsDelete)
	PermissionCRMRead       = Permission(action.CRMRead)
	PermissionCRMWrite      = Permission(action.CRMWrite)
)

// keysOf returns the keys as the engine has them.
func keysOf(all []Key) []engine.Key {
	return each(all, func(key Key) engine.Key {
		of := engine.Key{Value: key.Value, Name: key.Name}
		for _, permission := range key.Permissions {
			of.Permissions = append(of.Permissions, engine.Permission(permission))
		}
		return of
	})
}

func engineBlocks(all []Block) []engine.Block {
	return each(all, func(b Block) engine.Block {
		return engine.Block{
			ID: b.ID, Condition: b.Condition, Answer: b.Answer, Hint: b.Hint,
			Buttons:     each(b.Buttons, func(one Button) engine.Button { return engine.Button(one) }),
			Attachments: attachments(b.Attachments),
			MessageType: b.MessageType, Description: b.Description,
		}
	})
}

// each converts the elements of a slice. What was nil stays nil.
func each[From, To any](all []From, convert func(From) To) []To {
	if all == nil {
		return nil
	}
	converted := make([]To, len(all))
	for i, one := range all {
		converted[i] = convert(one)
	}
	return converted
}
