package salebot

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/answer"
	"github.com/salebot-go/salebot/internal/wire"
)

// SearchIn says which variables a look-up searches. The zero value leaves it to
// Salebot, which then searches the variables of the client.
type SearchIn string

// SearchInOrder searches the variables of deals.
const SearchInOrder SearchIn = "order"

// GetClientIDByPhone finds a client by phone: among the WhatsApp clients and in the
// variables. One phone can belong to several clients, one in each messenger; it is
// not documented which one is returned. GetClientIDsByVariable returns all that have the
// phone in a variable, in the same spelling, and GetClientIDByWhatsApp the WhatsApp
// client. NormalizePhone helps with spellings.
//
// Salebot action: find_client_id_by_phone. Class: Read. Answer: assumed.
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetClientIDByPhone(ctx context.Context, phone string, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "find_client_id_by_phone", opts, oneText("phone", "phone", phone), decodeClientID)
}

// GetClientIDByEmail finds a client by an e-mail address in the variables.
//
// Salebot action: find_client_id_by_email. Class: Read. Answer: assumed.
// Errors: ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetClientIDByEmail(ctx context.Context, email string, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "find_client_id_by_email", opts, oneText("email", "email", email), decodeClientID)
}

// GetClientIDByVariableRequest says which variable must have which value.
type GetClientIDByVariableRequest struct {
	// Name is the name of the variable, without the prefix "client."; required.
	Name string
	// Value is the value to find; required.
	Value string
	// GroupID restricts the look-up to a bot; optional.
	GroupID GroupID
	// SearchIn is where to search; optional.
	SearchIn SearchIn
}

func (r *GetClientIDByVariableRequest) encode(*settings) (payload, error) {
	query, err := variableQuery("Name", "Value", r.Name, r.Value)
	if err != nil {
		return payload{}, err
	}
	if r.GroupID != "" {
		query.Set("group_id", string(r.GroupID))
	}
	if r.SearchIn != "" {
		query.Set("search_in", string(r.SearchIn))
	}
	return payload{query: query}, nil
}

// GetClientIDByVariable finds a client by the value of a variable. If several match, it
// is not documented which one is returned.
//
// Salebot action: find_client_id_by_var. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetClientIDByVariable(ctx context.Context, request GetClientIDByVariableRequest, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "find_client_id_by_var", opts, request.encode, decodeClientID)
}

// GetLatestClientIDByVariable finds the client that was created last among those
// with a value of a variable.
//
// Salebot action: find_latest_client_id_by_var. Class: Read. Answer: assumed (as
// for GetClientIDByVariable). Errors: ErrInvalidRequest, ErrClientNotFound and
// those of every call.
func (c *Client) GetLatestClientIDByVariable(ctx context.Context, name, value string, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "find_latest_client_id_by_var", opts, variableEncoder(name, value), func(body []byte, _ *settings) (ClientID, error) {
		return firstClientID(body, latestClientKeys)
	})
}

// GetClientIDsByVariable finds all clients with a value of a variable. The result is
// empty if there are none.
//
// Salebot action: find_all_client_id_by_var. Class: Read. Answer: assumed (as for
// GetClientIDsByVariables). Errors: ErrInvalidRequest and those of every call.
func (c *Client) GetClientIDsByVariable(ctx context.Context, name, value string, opts ...CallOption) ([]ClientID, error) {
	return callPlural(ctx, c, "find_all_client_id_by_var", opts, variableEncoder(name, value))
}

// GetClientIDsByVariables finds all clients who have all of the values, of at most
// three variables. The result is empty if there are none.
//
// Salebot action: find_all_client_id_by_several_vars. Class: Read. Answer:
// documented. Errors: ErrInvalidRequest and those of every call.
func (c *Client) GetClientIDsByVariables(ctx context.Context, variables map[string]string, opts ...CallOption) ([]ClientID, error) {
	const name = "find_all_client_id_by_several_vars"
	encode := func(*settings) (payload, error) {
		limit := action.MustLookup(name).BatchLimit
		switch {
		case len(variables) == 0:
			return payload{}, invalid("variables", "is empty")
		case len(variables) > limit:
			return payload{}, invalid("variables", "has more than "+strconv.Itoa(limit)+" entries, which is the most for this look-up")
		}
		query := url.Values{}
		for _, key := range slices.Sorted(maps.Keys(variables)) {
			field := "variables[" + strconv.Quote(key) + "]"
			if strings.TrimSpace(key) == "" {
				return payload{}, invalid(field, "has an empty name")
			}
			if err := checkSearched(field, key); err != nil {
				return payload{}, err
			}
			if err := requireText(field, variables[key]); err != nil {
				return payload{}, err
			}
			query.Set(key, variables[key])
		}
		return payload{query: query}, nil
	}
	return callPlural(ctx, c, name, opts, encode)
}

// GetClientsByPlatformIDRequest says which people to find.
type GetClientsByPlatformIDRequest struct {
	// PlatformIDs are the people's ids in the messenger; required. The max number is
	// not documented.
	PlatformIDs []PlatformID
	// GroupID restricts the look-up to a bot; optional.
	GroupID GroupID
}

func (r *GetClientsByPlatformIDRequest) encode(*settings) (payload, error) {
	if len(r.PlatformIDs) == 0 {
		return payload{}, invalid("PlatformIDs", "is empty")
	}
	var o wire.Object
	if err := putPlatformIDs(&o, "platform_ids", "PlatformIDs", r.PlatformIDs); err != nil {
		return payload{}, err
	}
	putText(&o, "group_id", string(r.GroupID))
	return payload{body: o.Bytes()}, nil
}

// GetClientsByPlatformID finds clients by their ids in the messenger. Ids that the
// project does not know are left out of the result, which is empty if there are none.
//
// Salebot action: find_client_id_by_platform_id. Class: Read. Answer: observed.
// Errors: ErrInvalidRequest and those of every call.
func (c *Client) GetClientsByPlatformID(ctx context.Context, request GetClientsByPlatformIDRequest, opts ...CallOption) ([]ClientRecord, error) {
	records, err := call(ctx, c, "find_client_id_by_platform_id", opts, request.encode, func(body []byte, s *settings) ([]ClientRecord, error) {
		return decodeList(body, s, clientRecord, "clients", "result")
	})
	return emptyIfNotFound(records, err)
}

// GetClientIDByOnlineChatRequest says which visitor of a site's chat is meant.
type GetClientIDByOnlineChatRequest struct {
	// Recipient is the visitor's dialog, which the page with the chat has as
	// SaleBotPro.recipient_id; required.
	Recipient string
	// Name is a name to give to the client; optional.
	Name string
	// Tag is a tag to give to the client; optional.
	Tag string
}

func (r *GetClientIDByOnlineChatRequest) encode(*settings) (payload, error) {
	if err := requireText("Recipient", r.Recipient); err != nil {
		return payload{}, err
	}
	query := url.Values{"recipient": {r.Recipient}}
	if r.Name != "" {
		query.Set("name", r.Name)
	}
	if r.Tag != "" {
		query.Set("tag", r.Tag)
	}
	return payload{query: query}, nil
}

// GetClientIDByOnlineChat gets the client of a visitor of a site's chat, and sets
// the name and tag that are given.
//
// Salebot action: online_chat_client_id. Class: Idempotent, although a GET.
// Answer: documented. Errors: ErrInvalidRequest, ErrClientNotFound and those of
// every call.
func (c *Client) GetClientIDByOnlineChat(ctx context.Context, request GetClientIDByOnlineChatRequest, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "online_chat_client_id", opts, request.encode, decodeClientID)
}

// GetClientIDByWhatsAppRequest says which WhatsApp number is meant.
type GetClientIDByWhatsAppRequest struct {
	// Phone is the number; required. NormalizePhone helps with spellings.
	Phone string
	// GroupID restricts the look-up to a bot; optional.
	GroupID GroupID
}

func (r *GetClientIDByWhatsAppRequest) encode(*settings) (payload, error) {
	if err := requireText("Phone", r.Phone); err != nil {
		return payload{}, err
	}
	query := url.Values{"phone": {r.Phone}}
	if r.GroupID != "" {
		query.Set("group_id", string(r.GroupID))
	}
	return payload{query: query}, nil
}

// GetClientIDByWhatsApp finds the client of a WhatsApp number.
//
// Salebot action: whatsapp_client_id. Class: Read. Answer: observed. Errors:
// ErrInvalidRequest, ErrClientNotFound and those of every call.
func (c *Client) GetClientIDByWhatsApp(ctx context.Context, request GetClientIDByWhatsAppRequest, opts ...CallOption) (ClientID, error) {
	return call(ctx, c, "whatsapp_client_id", opts, request.encode, decodeClientID)
}

// oneText encodes the query of an action that needs one text only.
func oneText(field, name, value string) encoder {
	return func(*settings) (payload, error) {
		if err := requireText(field, value); err != nil {
			return payload{}, err
		}
		return payload{query: url.Values{name: {value}}}, nil
	}
}

func variableEncoder(name, value string) encoder {
	return func(*settings) (payload, error) {
		query, err := variableQuery("name", "value", name, value)
		return payload{query: query}, err
	}
}

// prefixedName is why a look-up refuses a name: it would silently find nobody.
const prefixedName = `has the prefix "client.", with which variables are only written: search for the name without it`

// checkSearched checks the name of a variable in a look-up.
func checkSearched(field, name string) error {
	if strings.HasPrefix(strings.TrimSpace(name), ClientPrefix) {
		return invalid(field, prefixedName)
	}
	return requireText(field, name)
}

func variableQuery(nameField, valueField, name, value string) (url.Values, error) {
	if err := checkSearched(nameField, name); err != nil {
		return nil, err
	}
	if err := requireText(valueField, value); err != nil {
		return nil, err
	}
	return url.Values{"var": {name}, "val": {value}}, nil
}

// errNobody is the refusal that stands for an empty answer.
var errNobody = answer.Verdict{Kind: answer.Refused, Code: "client_not_found"}

// The keys under which the numbers of clients come, the most telling first. All are
// taken for all look-ups, since the answers of most are not published.
var (
	oneClientKeys    = []string{"client_id", "client_ids", "id", "ids", "result"}
	manyClientKeys   = []string{"client_ids", "client_id", "ids", "id", "result"}
	latestClientKeys = append([]string{"latest_client_id"}, oneClientKeys...)
)

// decodeClientID reads a client's number, or the first of a list.
func decodeClientID(body []byte, _ *settings) (ClientID, error) {
	return firstClientID(body, oneClientKeys)
}

func firstClientID(body []byte, keys []string) (ClientID, error) {
	ids, err := decodeNumbers[ClientID](body, keys...)
	switch {
	case err != nil:
		return 0, err
	case len(ids) == 0:
		return 0, errNobody
	}
	return ids[0], nil
}

// callPlural is call for the look-ups of many clients, for which finding none is not a
// failure.
func callPlural(ctx context.Context, c *Client, name string, opts []CallOption, encode encoder) ([]ClientID, error) {
	ids, err := call(ctx, c, name, opts, encode, func(body []byte, _ *settings) ([]ClientID, error) {
		return decodeNumbers[ClientID](body, manyClientKeys...)
	})
	return emptyIfNotFound(ids, err)
}

// Condition is what a variable has to meet in FindClients; make it with Equals, Not,
// In, NotIn or Operator. The zero value is refused.
type Condition struct {
	operator string
	operand  any
	set      bool
}

// Equals asks for a value.
func Equals(value any) Condition { return Condition{operand: value, set: true} }

// Not asks for any value but this.
func Not(value any) Condition { return Operator("_not", value) }

// In asks for one of the values.
func In(values ...any) Condition { return Operator("_in", nonNil(values)) }

// NotIn asks for none of the values.
func NotIn(values ...any) Condition { return Operator("_not_in", nonNil(values)) }

// Operator passes on an operator that this package does not know, with its operand.
func Operator(name string, operand any) Condition {
	return Condition{operator: name, operand: operand, set: true}
}

func nonNil(values []any) []any {
	if values == nil {
		return []any{}
	}
	return values
}

// FindClientsRequest says by which variables to find clients.
type FindClientsRequest struct {
	// Query holds a condition for each name of a variable; required. The names are
	// without the prefix "client.", with which variables are only written.
	Query map[string]Condition
	// SearchIn is where to search; optional.
	SearchIn SearchIn
	// Any asks for one of the conditions; the zero value asks for all of them.
	Any bool
}

func (r *FindClientsRequest) encode(*settings) (payload, error) {
	if len(r.Query) == 0 {
		return payload{}, invalid("Query", "is empty")
	}
	var query wire.Object
	for _, name := range slices.Sorted(maps.Keys(r.Query)) {
		field := "Query[" + strconv.Quote(name) + "]"
		condition := r.Query[name]
		switch {
		case name == "":
			return payload{}, invalid(field, "has an empty name")
		case strings.HasPrefix(strings.TrimSpace(name), ClientPrefix):
			return payload{}, invalid(field, prefixedName)
		case !condition.set:
			return payload{}, invalid(field, "is the zero Condition: make it with Equals or its siblings")
		}
		operand := condition.operand
		if list, ok := operand.([]any); ok && len(list) == 0 {
			return payload{}, invalid(field, "has no values")
		}
		if condition.operator != "" {
			operand = map[string]any{condition.operator: operand}
		}
		if err := query.Any(name, operand); err != nil {
			return payload{}, invalid(field, "cannot be encoded as JSON")
		}
	}
	var o wire.Object
	o.Raw("q", query.Bytes())
	putText(&o, "search_in", string(r.SearchIn))
	if r.Any {
		o.Bool("include_all", false)
	}
	return payload{body: o.Bytes()}, nil
}

// FindClients finds clients by conditions on their variables. The result is empty if
// there are none.
//
// Salebot action: find_clients. Class: Read. Answer: documented. Errors:
// ErrInvalidRequest and those of every call.
func (c *Client) FindClients(ctx context.Context, request FindClientsRequest, opts ...CallOption) ([]ClientID, error) {
	return callPlural(ctx, c, "find_clients", opts, request.encode)
}
