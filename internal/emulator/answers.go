package emulator

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Answers say how the emulator answers if the evidence about Salebot is
// silent or split. The zero value of each field is its default, which is what
// the evidence favors. The JSON names are those of a configuration file.
type Answers struct {
	// Sends is the success of callbacks, messages, broadcasts and save_variables.
	// Several programs in production rely on the plain text "ok", which is the
	// default; others take "true", "success" or a JSON status too.
	Sends SuccessForm `json:"sends,omitempty"`
	// Acknowledgements is the success of the other actions that return nothing
	// but it, such as add_to_list or delete_clients. Nobody published one; the
	// default, SuccessJSON, is what the documented neighbors answer.
	Acknowledgements SuccessForm `json:"acknowledgements,omitempty"`

	// SendToUnknownClient answers callbacks, messages and save_variables for a
	// client that does not exist. A program in production meets a 404 with
	// client_not_found; whether as text or as JSON is not known. The default is
	// NotFoundText.
	SendToUnknownClient NotFoundForm `json:"send_to_unknown_client,omitempty"`
	// ReadOfUnknownClient answers reads and the actions on deals for a client
	// that does not exist. For get_variables a JSON status with 200 was observed;
	// for deals the reference prints it without a status. The default is
	// NotFoundJSON200.
	ReadOfUnknownClient NotFoundForm `json:"read_of_unknown_client,omitempty"`
	// NobodyFound answers the look-ups find_client_id_by_…, which say not_found.
	// The word was seen, its HTTP status was not. The default is NotFoundJSON200.
	// A whatsapp_client_id that finds nobody is a 404 in any case, because that is
	// documented.
	NobodyFound NotFoundForm `json:"nobody_found,omitempty"`

	// IDs is the form of ids. Numbers are documented and observed and are the
	// default; text is for testing that a program takes both.
	IDs IDForm `json:"ids,omitempty"`
	// ClientTimes is the form of created_at and updated_at of clients. The
	// reference has unix seconds; since 2026 text without a zone is observed,
	// which is the default. The text is in the project's location, which is a
	// guess.
	ClientTimes TimeForm `json:"client_times,omitempty"`
	// HistoryTimes is the form of created_at in the history. The reference has
	// unix seconds, which is the default; programs take text too.
	HistoryTimes TimeForm `json:"history_times,omitempty"`
	// SubscriberTimes is the form of created_at in the retired lists of subscribers.
	// The reference has unix seconds, which is the default.
	SubscriberTimes TimeForm `json:"subscriber_times,omitempty"`
	// OrderList is the key under which get_orders lists its deals. The reference
	// has order_id, live answers were seen with result, which is the default.
	OrderList OrderListKey `json:"order_list,omitempty"`
	// LatestClient is the key of the client that find_latest_client_id_by_var finds.
	// One description of the API that was right elsewhere has latest_client_id,
	// which is the default; the reference shows no answer.
	LatestClient LatestClientKey `json:"latest_client,omitempty"`
	// CallbacksByPlatformID is the success of send_callback_by_platform_id. Two
	// sources have the number of callbacks that were started, under the key
	// callback_sended, which is the default; CallbacksAsSends answers it as Sends
	// says.
	CallbacksByPlatformID CallbacksForm `json:"callbacks_by_platform_id,omitempty"`
	// WhatsAppSuffix lets load_clients give back the number of a WhatsApp with
	// @s.whatsapp.net behind it. By default it comes back as it was sent.
	WhatsAppSuffix bool `json:"whatsapp_suffix,omitempty"`
	// Values is the form of variables. They are kept as text by default, as all
	// published answers show them; ValuesAsSent returns numbers as numbers.
	Values ValueForm `json:"values,omitempty"`
	// UnsetValue is what a variable without a value holds. Programs met None,
	// NONE, null, undefined and nothing; the default is "None".
	UnsetValue string `json:"unset_value,omitempty"`
	// HideOrderVariables leaves the variables of the deal out of get_variables.
	// Whether Salebot includes them is not proven; by default they are there.
	HideOrderVariables bool `json:"hide_order_variables,omitempty"`
	// NoAttachments is how the history says that a message has none. The
	// reference has an empty object, which is the default; programs met null.
	NoAttachments NoAttachmentsForm `json:"no_attachments,omitempty"`

	// HideOrderFields leaves the name and the budget of the deal out of get_order_vars.
	// The reference shows variables only; one program reads order_name and budget from
	// it, and so they are there by default, if the deal has them.
	HideOrderFields bool `json:"hide_order_fields,omitempty"`
	// NullDescriptions lets get_messages write null for a block that has no
	// description. Nobody published such a block; the default is an empty text,
	// because libraries take the description for a text.
	NullDescriptions bool `json:"null_descriptions,omitempty"`

	// HistoryDelay is how long a message or a callback of the API is not in the
	// history yet, such as "5s". Nothing is known; by default it is there at once.
	HistoryDelay Duration `json:"history_delay,omitzero"`
	// HideSendsInHistory leaves the messages and callbacks of the API out of the
	// history for good, for testing what a program does that looks for them there.
	HideSendsInHistory bool `json:"hide_sends_in_history,omitempty"`

	// RateLimit is how many requests each API key may make, such as "50/1s" for 50
	// in each second, or "50/1s burst 10" for a token bucket that holds 10. Nothing
	// is known of Salebot's own limit; by default there is none.
	RateLimit Limit `json:"rate_limit,omitzero"`
	// RetryAfter is how the answer to a request beyond the limit says when the next
	// one may come. Nobody published such an answer; the default is
	// RetryAfterSeconds.
	RetryAfter RetryAfterForm `json:"retry_after,omitempty"`

	// CallbackWithoutMessage says what becomes of a callback that has no message.
	// The reference does not call it required, libraries leave it empty, and a
	// program starts a bot by the phone alone; so it is accepted by default, which
	// is assumed. No block reacts to it.
	CallbackWithoutMessage EmptyCallbackRule `json:"callback_without_message,omitempty"`
	// UnknownUsers says what a callback does for a person whom the project does
	// not know. For e-mail the reference says that the client is created, and so
	// it is in any case; for the other messengers it is silent. The default is
	// UsersCreated, which is what programs rely on for Telegram.
	UnknownUsers UnknownUsersRule `json:"unknown_users,omitempty"`
	// UnknownGroups says what becomes of a group_id that is not a connected channel.
	// The evidence is silent; by default it is accepted.
	UnknownGroups UnknownGroupsRule `json:"unknown_groups,omitempty"`
	// BroadcastWithoutAudience says who gets a broadcast that names nobody. The
	// current reference says nobody, which is the default; the older one says
	// everybody.
	BroadcastWithoutAudience AudienceRule `json:"broadcast_without_audience,omitempty"`
	// AnyMethod lets every action be called by GET and by POST. The reference
	// names the methods of each action; what happens with another one is not
	// known. By default it is refused; see WrongMethod.
	AnyMethod bool `json:"any_method,omitempty"`

	// MissingPermission answers a key that lacks the permission for an action. The text
	// WRONG_ACTION was observed, with a status that is not a success; which one is not
	// known. The default status is 403.
	MissingPermission Reply `json:"missing_permission,omitzero"`
	// UnknownKey answers a key that the project does not have. Nothing is known;
	// the default is 401 with a text.
	UnknownKey Reply `json:"unknown_key,omitzero"`
	// UnknownAction answers an action that does not exist. Nothing is known; the
	// default is 404 with a text that says so and names the action that may be
	// meant. In the body, {problem} stands for that.
	UnknownAction Reply `json:"unknown_action,omitzero"`
	// WrongMethod answers an HTTP method that the action does not take. Nothing
	// is known; the default is 405 with a text.
	WrongMethod Reply `json:"wrong_method,omitzero"`
	// Unreadable answers a body that is neither JSON nor a form. Nothing is
	// known; the default is 400 with a JSON status.
	Unreadable Reply `json:"unreadable,omitzero"`
	// TooManyRequests answers a request beyond the limit. Nothing is known; the
	// default is 429 with a text.
	TooManyRequests Reply `json:"too_many_requests,omitzero"`
	// InvalidParameter answers a parameter that is missing or wrong. Programs met a
	// status of failure with an explanation in the body. The default is 400 with a JSON
	// status; in the body, {problem} stands for the explanation.
	InvalidParameter Reply `json:"invalid_parameter,omitzero"`
}

// Reply is an answer that the user makes. A zero field means the default of the answer
// that it replaces; a Body that has to be empty is written as a space.
type Reply struct {
	// Status is the HTTP status.
	Status int `json:"status,omitempty"`
	// Body is the body.
	Body string `json:"body,omitempty"`
	// ContentType is the declared type of the body.
	ContentType string `json:"content_type,omitempty"`
}

// Validate says what is wrong with the answers, nil if nothing is.
func (a Answers) Validate() error {
	checks := []error{
		oneOf("sends", a.Sends, SuccessOK, SuccessOKAsHTML, SuccessTrue, SuccessText, SuccessJSON, SuccessEmpty),
		oneOf("acknowledgements", a.Acknowledgements, SuccessOK, SuccessOKAsHTML, SuccessTrue, SuccessText, SuccessJSON, SuccessEmpty),
		oneOf("send_to_unknown_client", a.SendToUnknownClient, NotFoundText, NotFoundJSON, NotFoundJSON200),
		oneOf("read_of_unknown_client", a.ReadOfUnknownClient, NotFoundText, NotFoundJSON, NotFoundJSON200),
		oneOf("nobody_found", a.NobodyFound, NotFoundText, NotFoundJSON, NotFoundJSON200),
		oneOf("ids", a.IDs, IDsAsNumbers, IDsAsText),
		oneOf("client_times", a.ClientTimes, TimesAsText, TimesAsUnix, TimesAsUnixText),
		oneOf("history_times", a.HistoryTimes, TimesAsText, TimesAsUnix, TimesAsUnixText),
		oneOf("subscriber_times", a.SubscriberTimes, TimesAsText, TimesAsUnix, TimesAsUnixText),
		oneOf("latest_client", a.LatestClient, LatestClientLatestClientID, LatestClientClientID),
		oneOf("callbacks_by_platform_id", a.CallbacksByPlatformID, CallbacksAsCount, CallbacksAsSends),
		oneOf("retry_after", a.RetryAfter, RetryAfterSeconds, RetryAfterDate, RetryAfterNone),
		oneOf("order_list", a.OrderList, OrderListResult, OrderListOrderID, OrderListBoth),
		oneOf("values", a.Values, ValuesAsText, ValuesAsSent),
		oneOf("no_attachments", a.NoAttachments, NoAttachmentsObject, NoAttachmentsNull, NoAttachmentsList),
		oneOf("callback_without_message", a.CallbackWithoutMessage, EmptyCallbacksAccepted, EmptyCallbacksRefused),
		oneOf("unknown_users", a.UnknownUsers, UsersCreated, UsersRefused),
		oneOf("unknown_groups", a.UnknownGroups, GroupsAccepted, GroupsRefused),
		oneOf("broadcast_without_audience", a.BroadcastWithoutAudience, AudienceNobody, AudienceEverybody),
	}
	if err := a.RateLimit.Validate(); err != nil {
		checks = append(checks, fmt.Errorf("rate_limit: %w", err))
	}
	if a.HistoryDelay < 0 {
		checks = append(checks, errors.New("history_delay: the time is negative"))
	}
	for _, named := range []struct {
		name  string
		reply Reply
	}{
		{"missing_permission", a.MissingPermission},
		{"unknown_key", a.UnknownKey},
		{"unknown_action", a.UnknownAction},
		{"wrong_method", a.WrongMethod},
		{"unreadable", a.Unreadable},
		{"too_many_requests", a.TooManyRequests},
		{"invalid_parameter", a.InvalidParameter},
	} {
		if s := named.reply.Status; s != 0 && (s < 200 || s > 599) {
			checks = append(checks, fmt.Errorf("%s: %d is no status of an answer", named.name, s))
		}
	}
	return errors.Join(checks...)
}

func oneOf[T ~string](name string, value T, known ...T) error {
	if value == "" || slices.Contains(known, value) {
		return nil
	}
	return fmt.Errorf("%s: %q is none of %q", name, value, known)
}

// or replaces the zero fields of a reply.
func (r Reply) or(status int, contentType, body string) reply {
	answer := reply{status: status, contentType: contentType, body: []byte(body)}
	if r.Status != 0 {
		answer.status = r.Status
	}
	if r.Body != "" {
		answer.body = []byte(r.Body)
		if r.Body == " " {
			answer.body = nil
		}
		if r.ContentType == "" {
			answer.contentType = contentTypeOf(answer.body)
		}
	}
	if r.ContentType != "" {
		answer.contentType = r.ContentType
	}
	return answer
}

func (a Answers) missingPermission() reply {
	return a.MissingPermission.or(http.StatusForbidden, plainText, "WRONG_ACTION")
}

func (a Answers) unknownKey() reply {
	return a.UnknownKey.or(http.StatusUnauthorized, plainText, "unknown api_key")
}

func (a Answers) unknownAction(name string) reply {
	answer := a.UnknownAction.or(http.StatusNotFound, plainText, problemPlace)
	return answer.explained(unknownAction(name))
}

func (a Answers) wrongMethod() reply {
	return a.WrongMethod.or(http.StatusMethodNotAllowed, plainText, "method not allowed")
}

func (a Answers) unreadable() reply {
	return a.Unreadable.or(http.StatusBadRequest, jsonText, `{"status":"error","message":"the body cannot be read"}`)
}
