package salebot

import (
	"encoding/json"
	"strings"

	"github.com/salebot-go/salebot/internal/wire"
)

// ClientRecord is what Salebot tells about a client. Which fields it tells
// depends on the action; the others are zero.
type ClientRecord struct {
	// ID is the client.
	ID ClientID
	// PlatformID is the person's id in the messenger.
	PlatformID PlatformID
	// ClientType is the messenger; ClientTypeUnrecognized where the answer does
	// not say.
	ClientType ClientType
	// Name is the person's name; "" if it is not known.
	Name string
	// Avatar is the address of a picture; "" if there is none.
	Avatar string
	// BlockID is the flow block that the client is in; 0 if none. The API calls it
	// message_id.
	BlockID BlockID
	// ProjectID is the project.
	ProjectID ProjectID
	// CreatedAt is when the client was created.
	CreatedAt Timestamp
	// UpdatedAt is when the client was changed last.
	UpdatedAt Timestamp
	// CustomAnswer is not documented; it is kept as it came.
	CustomAnswer string
	// Tag is the subscription key, such as the parameter of a Telegram start link.
	Tag string
	// GroupID is the bot that the client belongs to. The API calls it group.
	GroupID GroupID
	// OperatorStartDialog is not documented; it is kept as it came.
	OperatorStartDialog string
	// Variables are the client's variables, where the answer has them.
	Variables Variables
	// Raw is the record as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

type wireClientRecord struct {
	ID                  ClientID       `json:"id"`
	ClientID            ClientID       `json:"client_id"`
	PlatformID          PlatformID     `json:"platform_id"`
	TelegramID          PlatformID     `json:"tg_id"`
	VKID                PlatformID     `json:"vk_id"`
	ClientType          wireClientType `json:"client_type"`
	Name                wire.String    `json:"name"`
	Avatar              wire.String    `json:"avatar"`
	BlockID             BlockID        `json:"message_id"`
	ProjectID           ProjectID      `json:"project_id"`
	CreatedAt           Timestamp      `json:"created_at"`
	UpdatedAt           Timestamp      `json:"updated_at"`
	CustomAnswer        wire.String    `json:"custom_answer"`
	Tag                 wire.String    `json:"tag"`
	Group               GroupID        `json:"group"`
	GroupID             GroupID        `json:"group_id"`
	OperatorStartDialog wire.String    `json:"operator_start_dialog"`
	Variables           Variables      `json:"variables"`
}

// wireClientType tells a messenger that did not come from VK, which is zero.
type wireClientType struct {
	came  bool
	value ClientType
}

func (w *wireClientType) UnmarshalJSON(value []byte) error {
	w.came = true
	return w.value.UnmarshalJSON(value)
}

func (w *wireClientRecord) item(raw json.RawMessage) (ClientRecord, error) {
	record := ClientRecord{
		ID:                  firstSet(w.ID, w.ClientID),
		PlatformID:          firstSet(w.PlatformID, w.TelegramID, w.VKID),
		ClientType:          ClientTypeUnrecognized,
		Name:                string(w.Name),
		Avatar:              string(w.Avatar),
		BlockID:             w.BlockID,
		ProjectID:           w.ProjectID,
		CreatedAt:           w.CreatedAt,
		UpdatedAt:           w.UpdatedAt,
		CustomAnswer:        string(w.CustomAnswer),
		Tag:                 string(w.Tag),
		GroupID:             firstSet(w.Group, w.GroupID),
		OperatorStartDialog: string(w.OperatorStartDialog),
		Variables:           w.Variables,
		Raw:                 raw,
	}
	if record.ID == 0 {
		return ClientRecord{}, errNoID
	}
	if w.ClientType.came {
		record.ClientType = w.ClientType.value
	}
	if strings.Contains(record.Avatar, `\/`) {
		// The reference shows addresses whose slashes are escaped twice.
		record.Avatar = strings.ReplaceAll(record.Avatar, `\/`, "/")
	}
	return record, nil
}

// UnmarshalJSON reads a record in any of the forms that Salebot uses.
func (r *ClientRecord) UnmarshalJSON(value []byte) error {
	return unmarshalItem[ClientRecord, wireClientRecord](r, value)
}

// firstSet returns the first value that is not zero.
func firstSet[T comparable](values ...T) T {
	var zero T
	for _, value := range values {
		if value != zero {
			return value
		}
	}
	return zero
}
