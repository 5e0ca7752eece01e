package salebottest

import (
	"time"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Answers say how the emulator answers if the evidence about Salebot is
// silent or split. The zero value of each field is its default, which is what
// the evidence favors.
type Answers struct {
	// Sends is the success of callbacks, messages, broadcasts and save_variables.
	// Several programs in production rely on the plain text "ok", which is the
	// default; others take "true", "success" or a JSON status too.
	Sends SuccessForm
	// Acknowledgements is the success of the other actions that return nothing
	// but it, such as add_to_list or delete_clients. Nobody published one; the
	// default, SuccessJSON, is what the documented neighbors answer.
	Acknowledgements SuccessForm

	// SendToUnknownClient answers callbacks, messages and save_variables for a
	// client that does not exist. A program in production meets a 404 with
	// client_not_found; whether as text or as JSON is not known. The default is
	// NotFoundText.
	SendToUnknownClient NotFoundForm
	// ReadOfUnknownClient answers reads and the actions on deals for a client
	// that does not exist. For get_variables a JSON status with 200 was observed;
	// for deals the reference prints it without a status. The default is
	// NotFoundJSON200.
	ReadOfUnknownClient NotFoundForm
	// NobodyFound answers the look-ups find_client_id_by_…, which say not_found.
	// The word was seen, its HTTP status was not. The default is NotFoundJSON200.
	// A whatsapp_client_id that finds no client is always a 404, because that is
	// documented.
	NobodyFound NotFoundForm

	// IDsAsText writes ids as text. Numbers are documented and observed; text is for
	// testing that a program takes both.
	IDsAsText bool
	// ClientTimes is the form of created_at and updated_at of clients. The
	// reference has unix seconds; since 2026 text without a zone is observed,
	// which is the default. The text is in the project's location, which is a
	// guess.
	ClientTimes TimeForm
	// HistoryTimes is the form of created_at in the history. The reference has
	// unix seconds, which is the default; programs take text too.
	HistoryTimes TimeForm
	// SubscriberTimes is the form of created_at in the retired lists of subscribers.
	// The reference has unix seconds, which is the default.
	SubscriberTimes TimeForm
	// OrderList is the key under which get_orders lists its deals: "result",
	// "order_id" or "both". The reference has order_id, live answers were seen with
	// result, which is the default.
	OrderList string
	// LatestClientAsClientID lets find_latest_client_id_by_var answer client_id. By
	// default it answers latest_client_id, which a description of the API has.
	LatestClientAsClientID bool
	// CallbacksAsSends lets send_callback_by_platform_id answer as Sends says. By
	// default it answers the number of callbacks, under the key callback_sended.
	CallbacksAsSends bool
	// WhatsAppSuffix lets load_clients give back the number of a WhatsApp with
	// @s.whatsapp.net behind it. By default it comes back as it was sent.
	WhatsAppSuffix bool
	// ValuesAsSent returns variables as they were sent, numbers as numbers. By
	// default they are text, as in all published answers.
	ValuesAsSent bool
	// UnsetValue is what a variable without a value holds. Programs met None,
	// NONE, null, undefined and nothing; the default is "None".
	UnsetValue string
	// HideOrderVariables leaves the variables of the deal out of get_variables.
	// Whether Salebot includes them is not proven; by default they are there.
	HideOrderVariables bool
	// NoAttachments is how the history says that a message has none: "object",
	// "null" or "list". The reference has an empty object, which is the default;
	// programs met null.
	NoAttachments string
	// HistoryDelay is how long a message or a callback of the API is not in the
	// history yet. By default it is there at once.
	HistoryDelay time.Duration
	// HideSendsInHistory leaves the messages and callbacks of the API out of the
	// history for good.
	HideSendsInHistory bool

	// RateLimit is how many requests each API key may make. By default there is no
	// limit.
	RateLimit Limit
	// RetryAfter is how the answer to a request beyond the limit says when the next
	// one may come: "seconds", which is the default, "date" or "none".
	RetryAfter string

	// HideOrderFields leaves the name and the budget of the deal out of
	// get_order_vars. The reference shows variables only; one program reads
	// order_name and budget from it, and so they are there by default, if the
	// deal has them.
	HideOrderFields bool
	// NullDescriptions lets get_messages write null for a block that has no
	// description. Nobody published such a block; the default is an empty text,
	// because libraries take the description for a text.
	NullDescriptions bool

	// RefuseEmptyCallbacks refuses a callback that has no message. The reference
	// does not call it required, and a program starts a bot by the phone alone; so
	// by default it is accepted, and no block reacts to it.
	RefuseEmptyCallbacks bool
	// RefuseUnknownUsers refuses a callback for a person whom the project does not
	// know. By default such a callback creates the client, which is what programs
	// rely on for Telegram. A callback for an e-mail address always creates it.
	RefuseUnknownUsers bool
	// RefuseUnknownGroups refuses a group_id that is not a connected channel. The
	// evidence is silent; by default it is accepted.
	RefuseUnknownGroups bool
	// BroadcastToEverybody sends a broadcast that names no recipients to all clients, as
	// the older reference says. By default no client gets it, as the current one says.
	BroadcastToEverybody bool
	// AnyMethod lets every action be called by GET and by POST. The reference
	// names the methods of each action; what happens with another one is not
	// known. By default it is refused; see WrongMethod.
	AnyMethod bool

	// MissingPermission answers a key that lacks the permission for an action.
	// The text WRONG_ACTION was observed, with a status that is not a success; which
	// one is not known. The default status is 403.
	MissingPermission Reply
	// UnknownKey answers a key that the project does not have. Nothing is known;
	// the default is 401 with a text.
	UnknownKey Reply
	// UnknownAction answers an action that does not exist. Nothing is known; the
	// default is 404 with a text that says so. In the body, {problem} stands for it.
	UnknownAction Reply
	// WrongMethod answers an HTTP method that the action does not take. Nothing
	// is known; the default is 405 with a text.
	WrongMethod Reply
	// Unreadable answers a body that is neither JSON nor a form. Nothing is
	// known; the default is 400 with a JSON status.
	Unreadable Reply
	// TooManyRequests answers a request beyond the limit. Nothing is known; the
	// default is 429 with a text.
	TooManyRequests Reply
	// InvalidParameter answers a parameter that is missing or wrong. Programs met
	// a status that is not a success with an explanation in the body. The default is
	// 400 with a JSON status; in the body, {problem} stands for the explanation.
	InvalidParameter Reply
}

// SuccessForm is how a success without data is said.
type SuccessForm string

// The forms of a success without data.
const (
	// SuccessOK is the plain text ok.
	SuccessOK SuccessForm = "ok"
	// SuccessOKAsHTML is the plain text ok, labeled as a page.
	SuccessOKAsHTML SuccessForm = "ok-html"
	// SuccessTrue is the plain text true.
	SuccessTrue SuccessForm = "true"
	// SuccessText is the plain text success.
	SuccessText SuccessForm = "success"
	// SuccessJSON is {"status":"success"}.
	SuccessJSON SuccessForm = "json"
	// SuccessEmpty is an empty body.
	SuccessEmpty SuccessForm = "empty"
)

// NotFoundForm is how "no such client" is said.
type NotFoundForm string

// The forms of "no such client".
const (
	// NotFoundText is a 404 with the word as plain text.
	NotFoundText NotFoundForm = "404-text"
	// NotFoundJSON is a 404 with the word as the status of a JSON object.
	NotFoundJSON NotFoundForm = "404-json"
	// NotFoundJSON200 is the same with 200.
	NotFoundJSON200 NotFoundForm = "200-json"
)

// TimeForm is how times are written.
type TimeForm string

// The forms of times.
const (
	// TimesAsText is 2026-05-28 17:33:42.539976, without a zone.
	TimesAsText TimeForm = "text"
	// TimesAsUnix is whole seconds since 1970.
	TimesAsUnix TimeForm = "unix"
	// TimesAsUnixText is the same as text.
	TimesAsUnixText TimeForm = "unix-text"
)

// Reply is an answer of your own. A zero field means the default of the answer
// that it replaces; a Body that has to be empty is written as a space.
type Reply struct {
	// Status is the HTTP status.
	Status int
	// Body is the body.
	Body string
	// ContentType is the declared type of the body.
	ContentType string
}

// Limit is how many requests an API key may make. The zero value means no limit.
//
//	salebottest.Limit{Requests: 50, Per: time.Second}            // 50 in each second
//	salebottest.Limit{Requests: 50, Per: time.Second, Burst: 10} // a token bucket
type Limit struct {
	// Requests is the number of requests in Per.
	Requests int
	// Per is the length of the window. A window begins with the first request after
	// the one before.
	Per time.Duration
	// Burst makes the limit a token bucket that holds this many tokens and is
	// filled evenly. Zero means a window.
	Burst int
}

func (a *Answers) engine() engine.Answers {
	of := engine.Answers{
		Sends: engine.SuccessForm(a.Sends), Acknowledgements: engine.SuccessForm(a.Acknowledgements),
		SendToUnknownClient: engine.NotFoundForm(a.SendToUnknownClient), ReadOfUnknownClient: engine.NotFoundForm(a.ReadOfUnknownClient),
		NobodyFound: engine.NotFoundForm(a.NobodyFound),
		ClientTimes: engine.TimeForm(a.ClientTimes), HistoryTimes: engine.TimeForm(a.HistoryTimes),
		SubscriberTimes: engine.TimeForm(a.SubscriberTimes), WhatsAppSuffix: a.WhatsAppSuffix,
		HistoryDelay: engine.Duration(a.HistoryDelay), HideSendsInHistory: a.HideSendsInHistory,
		RateLimit: engine.Limit(a.RateLimit), RetryAfter: engine.RetryAfterForm(a.RetryAfter),
		TooManyRequests: engine.Reply(a.TooManyRequests),
		OrderList:       engine.OrderListKey(a.OrderList), UnsetValue: a.UnsetValue, HideOrderVariables: a.HideOrderVariables,
		NoAttachments: engine.NoAttachmentsForm(a.NoAttachments), HideOrderFields: a.HideOrderFields,
		NullDescriptions: a.NullDescriptions, AnyMethod: a.AnyMethod,
		MissingPermission: engine.Reply(a.MissingPermission), UnknownKey: engine.Reply(a.UnknownKey),
		UnknownAction: engine.Reply(a.UnknownAction), WrongMethod: engine.Reply(a.WrongMethod),
		Unreadable: engine.Reply(a.Unreadable), InvalidParameter: engine.Reply(a.InvalidParameter),
	}
	if a.IDsAsText {
		of.IDs = engine.IDsAsText
	}
	if a.LatestClientAsClientID {
		of.LatestClient = engine.LatestClientClientID
	}
	if a.CallbacksAsSends {
		of.CallbacksByPlatformID = engine.CallbacksAsSends
	}
	if a.ValuesAsSent {
		of.Values = engine.ValuesAsSent
	}
	if a.RefuseEmptyCallbacks {
		of.CallbackWithoutMessage = engine.EmptyCallbacksRefused
	}
	if a.RefuseUnknownUsers {
		of.UnknownUsers = engine.UsersRefused
	}
	if a.RefuseUnknownGroups {
		of.UnknownGroups = engine.GroupsRefused
	}
	if a.BroadcastToEverybody {
		of.BroadcastWithoutAudience = engine.AudienceEverybody
	}
	return of
}
