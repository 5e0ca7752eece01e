package salebot

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/salebot-go/salebot/internal/record"
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
	// Unread names the fields, as Salebot calls them, that came in a form which this
	// package does not understand. They are zero here; Raw has them as they came.
	Unread []string
	// Raw is the record as it came, with fields that this package does not know.
	// It is nil unless the call was made with WithRawItems.
	Raw json.RawMessage
}

// clientRecord is how a ClientRecord travels. Which names come depends on the action.
var clientRecord = record.New(
	record.Meta[ClientRecord]{
		Unread: func(r *ClientRecord) *[]string { return &r.Unread },
		Raw:    func(r *ClientRecord) *json.RawMessage { return &r.Raw },
		Start:  func(r *ClientRecord) { r.ClientType = ClientTypeUnrecognized },
		Finish: (*ClientRecord).finish,
	},
	record.Required(record.OwnID(func(r *ClientRecord) *ClientID { return &r.ID }, "id", "client_id")),
	record.Identifier(func(r *ClientRecord) *PlatformID { return &r.PlatformID }, "platform_id", "tg_id", "vk_id"),
	record.Value(func(r *ClientRecord, value []byte) error { return readClientType(&r.ClientType, value) }, "client_type"),
	record.Text(func(r *ClientRecord) *string { return &r.Name }, "name"),
	record.Text(func(r *ClientRecord) *string { return &r.Avatar }, "avatar"),
	record.ID(func(r *ClientRecord) *BlockID { return &r.BlockID }, "message_id"),
	record.ID(func(r *ClientRecord) *ProjectID { return &r.ProjectID }, "project_id"),
	record.Kept(record.Value(func(r *ClientRecord, value []byte) error { return readTimestamp(&r.CreatedAt, value) }, "created_at")),
	record.Kept(record.Value(func(r *ClientRecord, value []byte) error { return readTimestamp(&r.UpdatedAt, value) }, "updated_at")),
	record.Loose(func(r *ClientRecord) *string { return &r.CustomAnswer }, "custom_answer"),
	record.Text(func(r *ClientRecord) *string { return &r.Tag }, "tag"),
	record.Identifier(func(r *ClientRecord) *GroupID { return &r.GroupID }, "group", "group_id"),
	record.Loose(func(r *ClientRecord) *string { return &r.OperatorStartDialog }, "operator_start_dialog"),
	record.Value(func(r *ClientRecord, value []byte) error { return readVariables(&r.Variables, value) }, "variables"),
)

func (r *ClientRecord) finish() error {
	if strings.Contains(r.Avatar, `\/`) {
		// The reference shows addresses whose slashes are escaped twice.
		r.Avatar = strings.ReplaceAll(r.Avatar, `\/`, "/")
	}
	return nil
}

// readClientType reads a messenger as a part of a record: unlike the type alone it
// refuses a name that this package does not know.
func readClientType(target *ClientType, value []byte) error {
	var read ClientType
	if err := read.UnmarshalJSON(value); err != nil {
		return err
	}
	if name, err := wire.Identifier(value); read == ClientTypeUnrecognized && (err != nil || name != "") {
		return errNoMessenger
	}
	*target = read
	return nil
}

var errNoMessenger = errors.New("not the name or the number of a messenger")

// readVariables reads variables as a part of a record, where they may also be an
// empty text, or an object in a text.
func readVariables(target *Variables, value []byte) error {
	if value[0] == '"' {
		text, err := wire.Text(value)
		if err != nil {
			return err
		}
		value = wire.Trim([]byte(text))
		if wire.IsUnset(string(value)) {
			value = nil
		} else if err := wire.Check(value, wire.MaxDepth); err != nil {
			return errNotObject
		}
	}
	return target.UnmarshalJSON(value)
}

// UnmarshalJSON reads a record in any of the forms that Salebot uses. What is odd in
// it is listed in Unread.
func (r *ClientRecord) UnmarshalJSON(value []byte) error {
	return unmarshalRecord(r, clientRecord, value)
}
