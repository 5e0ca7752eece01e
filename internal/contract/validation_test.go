package contract_test

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// refusal is a call that must not leave the process.
type refusal struct {
	clienttest.Scenario

	// field is what the error names.
	field string
	// problem is a part of what the error says of it.
	problem string
}

func refused[R, T any](name, field, problem string, request R, method func(*salebot.Client, context.Context, R, ...salebot.CallOption) (T, error)) refusal {
	return refusal{clienttest.Taking(name, request, method), field, problem}
}

func buttons(lines ...[]salebot.Button) salebot.Buttons { return salebot.Buttons{Lines: lines} }

func withButtons(name, field, problem string, b salebot.Buttons) refusal {
	return refused(name, field, problem, salebot.MessageRequest{ClientID: 1, Message: "x", Buttons: b}, (*salebot.Client).Message)
}

func day(year int, month time.Month, day int) salebot.Date {
	return salebot.Date{Year: year, Month: month, Day: day}
}

func ids[T salebot.ClientID | salebot.PlatformID](id T, n int) []T { return slices.Repeat([]T{id}, n) }

type unencodable struct{ Channel chan int }

var refusals = []refusal{
	refused("callback for nobody", "ClientID", "required, unless Phone or Email", salebot.CallbackRequest{Message: "x"}, (*salebot.Client).Callback),
	refused("callback for a negative client", "ClientID", "positive", salebot.CallbackRequest{ClientID: -1, Message: "x"}, (*salebot.Client).Callback),
	refused("callback for a client and a phone", "ClientID", "cannot be combined", salebot.CallbackRequest{ClientID: 1, Phone: "79000000000", Message: "x"}, (*salebot.Client).Callback),
	refused("callback for a phone and an address", "ClientID", "cannot be combined", salebot.CallbackRequest{Phone: "79000000000", Email: "a@example.com", Message: "x"}, (*salebot.Client).Callback),
	refused("callback for all three", "ClientID", "cannot be combined", salebot.CallbackRequest{ClientID: 1, Phone: "79000000000", Email: "a@example.com", Message: "x"}, (*salebot.Client).Callback),
	refused("callback without text", "Message", "required", salebot.CallbackRequest{ClientID: 1}, (*salebot.Client).Callback),
	refused("callback with a blank text", "Message", "required", salebot.CallbackRequest{ClientID: 1, Message: " \t\n"}, (*salebot.Client).Callback),
	refused("callback in the past", "After", "negative", salebot.CallbackRequest{ClientID: 1, Message: "x", After: -time.Second}, (*salebot.Client).Callback),
	refused("callback with two times", "At", "After", salebot.CallbackRequest{ClientID: 1, Message: "x", After: time.Second, At: clienttest.Moment}, (*salebot.Client).Callback),
	refused("callback at a moment of no place", "At", "WithProjectLocation", salebot.CallbackRequest{ClientID: 1, Message: "x", At: clienttest.Moment}, (*salebot.Client).Callback),
	refused("callback with a parameter as a variable", `Variables["client_id"]`, "parameter of callback", salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"client_id": 2}}, (*salebot.Client).Callback),
	refused("callback with a time as a variable", `Variables["send_time"]`, "parameter of callback", salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"a": 1, "send_time": "now"}}, (*salebot.Client).Callback),
	refused("callback with a nameless variable", `Variables[""]`, "empty name", salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"": 2}}, (*salebot.Client).Callback),
	refused("callback with a variable that is no JSON", `Variables["a"]`, "JSON", salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"a": unencodable{}}}, (*salebot.Client).Callback),
	refused("callback with a variable that is no number", `Variables["a"]`, "JSON", salebot.CallbackRequest{ClientID: 1, Message: "x", Variables: map[string]any{"a": math.NaN()}}, (*salebot.Client).Callback),

	refused("VK callback for nobody", "UserID", "required", salebot.VKCallbackRequest{GroupID: "g", Message: "x"}, (*salebot.Client).VKCallback),
	refused("VK callback from nowhere", "GroupID", "required", salebot.VKCallbackRequest{UserID: "u", Message: "x"}, (*salebot.Client).VKCallback),
	refused("VK callback without text", "Message", "required", salebot.VKCallbackRequest{UserID: "u", GroupID: "g"}, (*salebot.Client).VKCallback),
	refused("VK callback with a parameter as a variable", `Variables["group_id"]`, "parameter of vk_callback", salebot.VKCallbackRequest{UserID: "u", GroupID: "g", Message: "x", Variables: map[string]any{"group_id": 1}}, (*salebot.Client).VKCallback),
	refused("VK callback at a moment of no place", "At", "WithProjectLocation", salebot.VKCallbackRequest{UserID: "u", GroupID: "g", Message: "x", At: clienttest.Moment}, (*salebot.Client).VKCallback),

	refused("WhatsApp callback for nobody", "Phone", "required", salebot.WhatsAppCallbackRequest{Message: "x"}, (*salebot.Client).WhatsAppCallback),
	refused("WhatsApp callback without text", "Message", "required", salebot.WhatsAppCallbackRequest{Phone: "1"}, (*salebot.Client).WhatsAppCallback),
	refused("WhatsApp callback with a parameter as a variable", `Variables["name"]`, "parameter of whatsapp_callback", salebot.WhatsAppCallbackRequest{Phone: "1", Message: "x", Variables: map[string]any{"name": 1}}, (*salebot.Client).WhatsAppCallback),

	refused("OK callback for nobody", "UserID", "required", salebot.OKCallbackRequest{GroupID: "g", Message: "x"}, (*salebot.Client).OKCallback),
	refused("OK callback from nowhere", "GroupID", "required", salebot.OKCallbackRequest{UserID: "u", Message: "x"}, (*salebot.Client).OKCallback),
	refused("OK callback without text", "Message", "required", salebot.OKCallbackRequest{UserID: "u", GroupID: "g"}, (*salebot.Client).OKCallback),

	refused("Telegram callback for nobody", "UserID", "required", salebot.TGCallbackRequest{GroupID: "g", Message: "x"}, (*salebot.Client).TGCallback),
	refused("Telegram callback from nowhere", "GroupID", "required", salebot.TGCallbackRequest{UserID: "1", Message: "x"}, (*salebot.Client).TGCallback),
	refused("Telegram callback with the @", "GroupID", "without the @", salebot.TGCallbackRequest{UserID: "1", GroupID: "@my_shop_bot", Message: "x"}, (*salebot.Client).TGCallback),
	refused("Telegram callback without text", "Message", "required", salebot.TGCallbackRequest{UserID: "1", GroupID: "g"}, (*salebot.Client).TGCallback),

	refused("MAX callback for no chat", "ChatID", "required", salebot.MAXCallbackRequest{GroupID: "g", Message: "x"}, (*salebot.Client).MAXCallback),
	refused("MAX callback from nowhere", "GroupID", "required", salebot.MAXCallbackRequest{ChatID: "1", Message: "x"}, (*salebot.Client).MAXCallback),
	refused("MAX callback without text", "Message", "required", salebot.MAXCallbackRequest{ChatID: "1", GroupID: "g"}, (*salebot.Client).MAXCallback),
	refused("MAX callback with a parameter as a variable", `Variables["platform_id"]`, "parameter of max_callback", salebot.MAXCallbackRequest{ChatID: "1", GroupID: "g", Message: "x", Variables: map[string]any{"platform_id": 1}}, (*salebot.Client).MAXCallback),

	refused("e-mail callback for nobody", "Email", "required", salebot.EmailCallbackRequest{Message: "x"}, (*salebot.Client).EmailCallback),
	refused("e-mail callback without text", "Message", "required", salebot.EmailCallbackRequest{Email: "a@example.com"}, (*salebot.Client).EmailCallback),
	refused("e-mail callback with a parameter as a variable", `Variables["email_id_bot"]`, "parameter of email_callback", salebot.EmailCallbackRequest{Email: "a@example.com", Message: "x", Variables: map[string]any{"email_id_bot": 1}}, (*salebot.Client).EmailCallback),

	refused("callbacks for nobody", "PlatformIDs", "empty", salebot.SendCallbackByPlatformIDRequest{CallbackText: "x"}, (*salebot.Client).SendCallbackByPlatformID),
	refused("too many callbacks", "PlatformIDs", "300", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: ids(salebot.PlatformID("1"), 301), CallbackText: "x"}, (*salebot.Client).SendCallbackByPlatformID),
	refused("callbacks with an empty id", "PlatformIDs[1]", "required", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"1", ""}, CallbackText: "x"}, (*salebot.Client).SendCallbackByPlatformID),
	refused("callbacks without text", "CallbackText", "required", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: ids(salebot.PlatformID("1"), 1)}, (*salebot.Client).SendCallbackByPlatformID),
	refused("callbacks with two times", "At", "After", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: ids(salebot.PlatformID("1"), 1), CallbackText: "x", At: clienttest.Moment, After: 1}, (*salebot.Client).SendCallbackByPlatformID),

	refused("message for nobody", "ClientID", "required", salebot.MessageRequest{Message: "x"}, (*salebot.Client).Message),
	refused("message for a negative client", "ClientID", "positive", salebot.MessageRequest{ClientID: -5, Message: "x"}, (*salebot.Client).Message),
	refused("message without content", "Message", "required, unless BlockID or AttachmentURL", salebot.MessageRequest{ClientID: 1}, (*salebot.Client).Message),
	refused("message with a blank text", "Message", "required", salebot.MessageRequest{ClientID: 1, Message: "\n"}, (*salebot.Client).Message),
	refused("message with a negative block", "BlockID", "positive", salebot.MessageRequest{ClientID: 1, BlockID: -1}, (*salebot.Client).Message),
	refused("message with a type but no file", "AttachmentURL", "AttachmentType", salebot.MessageRequest{ClientID: 1, Message: "x", AttachmentType: salebot.AttachmentImage}, (*salebot.Client).Message),
	refused("message with a file but no type", "AttachmentType", "AttachmentURL", salebot.MessageRequest{ClientID: 1, Message: "x", AttachmentURL: "https://example.com/a"}, (*salebot.Client).Message),
	refused("message with a file on this machine", "AttachmentURL", "URL", salebot.MessageRequest{ClientID: 1, AttachmentType: "file", AttachmentURL: "/tmp/a.png"}, (*salebot.Client).Message),
	refused("message with a file behind a blank", "AttachmentURL", "URL", salebot.MessageRequest{ClientID: 1, AttachmentType: "file", AttachmentURL: "https://example.com/a b"}, (*salebot.Client).Message),
	refused("message at a moment of no place", "At", "WithProjectLocation", salebot.MessageRequest{ClientID: 1, Message: "x", At: clienttest.Moment}, (*salebot.Client).Message),

	withButtons("a hint without buttons", "Buttons.Lines", "empty", salebot.Buttons{Hint: "1 or 2"}),
	withButtons("an empty line", "Buttons.Lines[1]", "no buttons", buttons([]salebot.Button{salebot.ReplyButton("a")}, nil)),
	withButtons("the zero button", "Buttons.Lines[0][0]", "zero Button", buttons(make([]salebot.Button, 1))),
	withButtons("a button without text", "Buttons.Lines[0][1]", "no text", buttons([]salebot.Button{salebot.ReplyButton("a"), salebot.ReplyButton(" ")})),
	withButtons("a quote in a text", "Buttons.Lines[0][0]", "double quote", buttons([]salebot.Button{salebot.InlineButton(`say "hi"`)})),
	withButtons("a mix in a line", "Buttons.Lines[0][1]", "mixes", buttons([]salebot.Button{salebot.InlineButton("a"), salebot.ReplyButton("b")})),
	withButtons("a mix of lines", "Buttons.Lines[1][0]", "mixes", buttons([]salebot.Button{salebot.PhoneButton("a")}, []salebot.Button{salebot.URLButton("b", "https://example.com")})),
	withButtons("a web app among inline buttons", "Buttons.Lines[0][1]", "mixes", buttons([]salebot.Button{salebot.InlineWebAppButton("a", "https://example.com"), salebot.WebAppButton("b", "https://example.com")})),
	withButtons("a persistent inline button", "Buttons.Lines[0][0]", "persistent", buttons([]salebot.Button{salebot.InlineButton("a").Persistent()})),
	withButtons("a persistent phone button", "Buttons.Lines[0][0]", "persistent", buttons([]salebot.Button{salebot.PhoneButton("a").Persistent()})),
	withButtons("a link that is none", "Buttons.Lines[0][0]", "URL", buttons([]salebot.Button{salebot.URLButton("a", "example.com")})),
	withButtons("a link without address", "Buttons.Lines[0][0]", "URL", buttons([]salebot.Button{salebot.URLButton("a", "")})),
	withButtons("a web app without address", "Buttons.Lines[0][0]", "URL", buttons([]salebot.Button{salebot.WebAppButton("a", "")})),
	withButtons("an inline web app without address", "Buttons.Lines[0][0]", "URL", buttons([]salebot.Button{salebot.InlineWebAppButton("a", "")})),

	refused("WhatsApp message for nobody", "Phone", "required", salebot.WhatsAppMessageRequest{Message: "x"}, (*salebot.Client).WhatsAppMessage),
	refused("WhatsApp message without content", "Message", "required", salebot.WhatsAppMessageRequest{Phone: "1"}, (*salebot.Client).WhatsAppMessage),
	refused("WhatsApp message in the past", "After", "negative", salebot.WhatsAppMessageRequest{Phone: "1", Message: "x", After: -1}, (*salebot.Client).WhatsAppMessage),

	refused("broadcast to nobody", "Clients", "exactly one audience", salebot.BroadcastRequest{Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to an empty list", "Clients", "exactly one audience", salebot.BroadcastRequest{Clients: []salebot.ClientID{}, Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to a group alone", "Clients", "exactly one audience", salebot.BroadcastRequest{GroupID: "g", Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to a list and clients", "Clients", "exactly one audience", salebot.BroadcastRequest{List: 1, Clients: ids(salebot.ClientID(1), 1), Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to clients and persons", "Clients", "exactly one audience", salebot.BroadcastRequest{Clients: ids(salebot.ClientID(1), 1), PlatformIDs: ids(salebot.PlatformID("1"), 1), GroupID: "g", Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to persons of no group", "GroupID", "required", salebot.BroadcastRequest{PlatformIDs: ids(salebot.PlatformID("1"), 1), Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to clients in a group", "GroupID", "PlatformIDs", salebot.BroadcastRequest{Clients: ids(salebot.ClientID(1), 1), GroupID: "g", Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to a negative list", "List", "positive", salebot.BroadcastRequest{List: -1, Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to the zero client", "Clients[1]", "required", salebot.BroadcastRequest{Clients: []salebot.ClientID{1, 0}, Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast to a person without id", "PlatformIDs[0]", "required", salebot.BroadcastRequest{PlatformIDs: []salebot.PlatformID{" "}, GroupID: "g", Message: "x"}, (*salebot.Client).Broadcast),
	refused("broadcast without content", "Message", "required", salebot.BroadcastRequest{List: 1}, (*salebot.Client).Broadcast),
	refused("broadcast with a negative shift", "Shift", "negative", salebot.BroadcastRequest{List: 1, Message: "x", Shift: -1}, (*salebot.Client).Broadcast),
	refused("broadcast with bad buttons", "Buttons.Lines[0]", "no buttons", salebot.BroadcastRequest{List: 1, Message: "x", Buttons: buttons(nil)}, (*salebot.Client).Broadcast),
	refused("broadcast with two times", "At", "After", salebot.BroadcastRequest{List: 1, Message: "x", After: 1, At: clienttest.Moment}, (*salebot.Client).Broadcast),

	refused("history of nobody", "ClientID", "required", salebot.GetHistoryRequest{}, (*salebot.Client).GetHistory),
	refused("history with a negative limit", "Limit", "2000", salebot.GetHistoryRequest{ClientID: 1, Limit: -1}, (*salebot.Client).GetHistory),
	refused("history beyond the limit", "Limit", "2000", salebot.GetHistoryRequest{ClientID: 1, Limit: 2001}, (*salebot.Client).GetHistory),
	refused("history without a begin", "StartDate", "required", salebot.GetHistoryRequest{ClientID: 1, StopDate: day(2026, 1, 1)}, (*salebot.Client).GetHistory),
	refused("history without an end", "StopDate", "required", salebot.GetHistoryRequest{ClientID: 1, StartDate: day(2026, 1, 1)}, (*salebot.Client).GetHistory),
	refused("history from no day", "StartDate", "calendar", salebot.GetHistoryRequest{ClientID: 1, StartDate: day(2026, 2, 30), StopDate: day(2026, 3, 1)}, (*salebot.Client).GetHistory),
	refused("history to no day", "StopDate", "calendar", salebot.GetHistoryRequest{ClientID: 1, StartDate: day(2026, 2, 1), StopDate: day(26, 3, 1)}, (*salebot.Client).GetHistory),
	refused("history backwards", "StopDate", "before", salebot.GetHistoryRequest{ClientID: 1, StartDate: day(2026, 2, 2), StopDate: day(2026, 2, 1)}, (*salebot.Client).GetHistory),

	refused("clearing the history of nobody", "client", "required", salebot.ClientID(0), (*salebot.Client).ClearHistory),
	refused("clearing the history of a negative client", "client", "positive", salebot.ClientID(-1), (*salebot.Client).ClearHistory),
	refused("variables of nobody", "client", "required", salebot.ClientID(0), (*salebot.Client).GetVariables),

	refused("saving for nobody", "ClientID", "required, unless Clients", salebot.SaveVariablesRequest{Variables: clienttest.Extra}, (*salebot.Client).SaveVariables),
	refused("saving for one and many", "Clients", "ClientID", salebot.SaveVariablesRequest{ClientID: 1, Clients: ids(salebot.ClientID(1), 1), Variables: clienttest.Extra}, (*salebot.Client).SaveVariables),
	refused("saving for the zero client", "Clients[0]", "required", salebot.SaveVariablesRequest{Clients: make([]salebot.ClientID, 1), Variables: clienttest.Extra}, (*salebot.Client).SaveVariables),
	refused("saving for a negative client", "ClientID", "positive", salebot.SaveVariablesRequest{ClientID: -1, Variables: clienttest.Extra}, (*salebot.Client).SaveVariables),
	refused("saving nothing", "Variables", "empty", salebot.SaveVariablesRequest{ClientID: 1}, (*salebot.Client).SaveVariables),
	refused("saving a nameless variable", `Variables[""]`, "empty name", salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"": 1}}, (*salebot.Client).SaveVariables),
	refused("saving what is no JSON", `Variables["f"]`, "JSON", salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"f": func() {}}}, (*salebot.Client).SaveVariables),

	refused("loading nobody", "clients", "empty", []salebot.ClientToLoad(nil), (*salebot.Client).LoadClients),
	refused("loading a person without id", "clients[0].PlatformID", "required", []salebot.ClientToLoad{salebot.TelegramUser("", "g")}, (*salebot.Client).LoadClients),
	refused("loading a person of no group", "clients[1].GroupID", "required", []salebot.ClientToLoad{salebot.TelegramUser("1", "g"), salebot.TelegramUser("2", "")}, (*salebot.Client).LoadClients),
	refused("loading a caller of a group", "clients[0].GroupID", "empty for telephony", []salebot.ClientToLoad{salebot.UserOf(salebot.ClientTypeTelephony, "1", "g")}, (*salebot.Client).LoadClients),
	refused("loading a person of no messenger", "clients[0].ClientType", "TelegramUser", []salebot.ClientToLoad{{PlatformID: "1", GroupID: "g"}}, (*salebot.Client).LoadClients),
	refused("loading for a bot with its @", "clients[0].GroupID", "without the @", []salebot.ClientToLoad{salebot.TelegramUser("1", "@g")}, (*salebot.Client).LoadClients),
	refused("loading from no messenger", "clients[0].ClientType", "messenger", []salebot.ClientToLoad{salebot.UserOf(salebot.ClientTypeUnrecognized, "1", "g")}, (*salebot.Client).LoadClients),

	refused("a page that begins before the first client", "Offset", "negative", salebot.GetClientsRequest{Offset: -1}, (*salebot.Client).GetClients),
	refused("a page of negative size", "Limit", "500", salebot.GetClientsRequest{Limit: -1}, (*salebot.Client).GetClients),
	refused("a page beyond the limit", "Limit", "500", salebot.GetClientsRequest{Limit: 501}, (*salebot.Client).GetClients),
	refused("clients of a negative list", "List", "positive", salebot.GetClientsRequest{List: -1}, (*salebot.Client).GetClients),
	refused("clients of a list, the oldest first", "OldestFirst", "List", salebot.GetClientsRequest{List: 1, OldestFirst: true}, (*salebot.Client).GetClients),
	refused("adding to no list", "ListID", "required", salebot.AddToListRequest{Clients: ids(salebot.ClientID(1), 1)}, (*salebot.Client).AddToList),
	refused("adding to a negative list", "ListID", "positive", salebot.AddToListRequest{ListID: -1, Clients: ids(salebot.ClientID(1), 1)}, (*salebot.Client).AddToList),
	refused("removing nobody", "Clients", "empty", salebot.RemoveFromListRequest{ListID: 1}, (*salebot.Client).RemoveFromList),
	refused("removing the zero client", "Clients[0]", "required", salebot.RemoveFromListRequest{ListID: 1, Clients: make([]salebot.ClientID, 1)}, (*salebot.Client).RemoveFromList),
	refused("assigning nobody", "ClientID", "required", salebot.AssignToUserRequest{}, (*salebot.Client).AssignToUser),
	refused("deleting nobody", "clients", "empty", []salebot.ClientID{}, (*salebot.Client).DeleteClients),
	refused("deleting too many", "clients", "500", ids(salebot.ClientID(1), 501), (*salebot.Client).DeleteClients),
	refused("deleting a negative client", "clients[1]", "positive", []salebot.ClientID{1, -2}, (*salebot.Client).DeleteClients),
	refused("WhatsApp of no phone", "phone", "required", " ", (*salebot.Client).CheckWhatsApp),
	refused("Instagram of nobody", "UserName", "required", salebot.CheckInstagramSubscriptionRequest{Login: "x"}, (*salebot.Client).CheckInstagramSubscription),
	refused("subscribers of a negative page", "Page", "negative", salebot.GetSubscribersRequest{Page: new(-1)}, (*salebot.Client).GetSubscribers),
	refused("VK subscribers of a negative page", "Page", "negative", salebot.GetVKSubscribersRequest{Page: new(-1)}, (*salebot.Client).GetVKSubscribers),
	refused("VK subscribers backwards", "To", "before", salebot.GetVKSubscribersRequest{From: clienttest.Moment, To: clienttest.Moment.Add(-1)}, (*salebot.Client).GetVKSubscribers),
	refused("the state of nobody's deal", "ClientID", "required", salebot.GetOrderStateRequest{OrderID: 1}, (*salebot.Client).GetOrderState),
	refused("the state of a negative deal", "OrderID", "positive", salebot.MoveOrderToNextStateRequest{ClientID: 1, OrderID: -1}, (*salebot.Client).MoveOrderToNextState),
	refused("a state for nobody's deal", "ClientID", "required", salebot.SetOrderStateRequest{StateID: 1}, (*salebot.Client).SetOrderState),
	refused("no state for a deal", "StateID", "required", salebot.SetOrderStateRequest{ClientID: 1}, (*salebot.Client).SetOrderState),
	refused("the variables of nobody's deal", "ClientID", "required", salebot.GetOrderVariablesRequest{}, (*salebot.Client).GetOrderVariables),
	refused("a nameless variable of a deal", "Names[1]", "required", salebot.GetOrderVariablesRequest{ClientID: 1, Names: []string{"a", ""}}, (*salebot.Client).GetOrderVariables),
	refused("variables for nobody's deal", "ClientID", "required", salebot.SetOrderVariablesRequest{Variables: clienttest.Extra}, (*salebot.Client).SetOrderVariables),
	refused("no variables for a deal", "Variables", "empty", salebot.SetOrderVariablesRequest{ClientID: 1}, (*salebot.Client).SetOrderVariables),

	refused("Do without an action", "Action", "name of an action", salebot.DoRequest{}, (*salebot.Client).Do),
	refused("Do with a path", "Action", "name of an action", salebot.DoRequest{Action: "../message"}, (*salebot.Client).Do),
	refused("Do with a query in the action", "Action", "name of an action", salebot.DoRequest{Action: "message?x=1"}, (*salebot.Client).Do),
	refused("Do with DELETE", "Method", "GET or POST", salebot.DoRequest{Action: "message", Method: http.MethodDelete}, (*salebot.Client).Do),
	refused("Do with a body for GET", "Body", "GET", salebot.DoRequest{Action: "get_variables", Method: http.MethodGet, Body: map[string]int{}}, (*salebot.Client).Do),
	refused("Do with a body that is no JSON", "Body", "valid JSON", salebot.DoRequest{Action: "message", Body: []byte("{")}, (*salebot.Client).Do),
	refused("Do with an empty body", "Body", "valid JSON", salebot.DoRequest{Action: "message", Body: []byte{}}, (*salebot.Client).Do),
	refused("Do with a value that is no JSON", "Body", "JSON", salebot.DoRequest{Action: "message", Body: unencodable{}}, (*salebot.Client).Do),
	refused("Do that makes light of a message", "Class", "careless", salebot.DoRequest{Action: "message", Class: salebot.Idempotent}, (*salebot.Client).Do),
	refused("Do with no class", "Class", "", salebot.DoRequest{Action: "new_action", Class: 9}, (*salebot.Client).Do),

	optionRefused("a timeout that is none", "WithTimeout", "positive", salebot.WithTimeout(0)),
	optionRefused("an attempt timeout that is none", "WithAttemptTimeout", "positive", salebot.WithAttemptTimeout(-1)),
	optionRefused("a negative policy", "WithRetryPolicy", "negative", salebot.WithRetryPolicy(salebot.RetryPolicy{MaxAttempts: -1})),
	optionRefused("a policy that contradicts itself", "WithRetryPolicy", "longer", salebot.WithRetryPolicy(salebot.RetryPolicy{BaseDelay: 2, MaxDelay: 1})),
	optionRefused("no location", "WithProjectLocation", "nil", salebot.WithProjectLocation(nil)),
	optionRefused("no limit", "WithMaxResponseSize", "positive", salebot.WithMaxResponseSize(0)),
	optionRefused("no target", "WithResponse", "nil", salebot.WithResponse(nil)),
}

// optionRefused is a call with an option that cannot work.
func optionRefused(name, option, problem string, o salebot.CallOption) refusal {
	return refusal{clienttest.Scenario{Name: name, Call: func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return c.GetVariables(ctx, 1, append(options, o)...)
	}}, option, problem}
}

// A local refusal names its field and happens before anything else does: before
// the limiter is asked, before a hook is told of an attempt, before a transport is
// touched.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, r := range refusals {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			mock := clienttest.Answering(http.StatusOK, "ok")
			limiter := clienttest.LimiterFunc(func(context.Context) error { t.Error("the limiter was asked"); return nil })
			var ended []salebot.Call
			hook := salebot.Hook{
				Before: func(context.Context, salebot.Attempt) context.Context {
					t.Error("a hook was told of an attempt")
					return nil
				},
				AfterCall: func(_ context.Context, c salebot.Call) { ended = append(ended, c) },
			}
			result, err := r.Call(t.Context(), clienttest.New(t, mock, salebot.WithLimiter(limiter), salebot.WithHook(hook)))
			require.Zero(t, mock.GetTotalCallCount())
			require.ErrorIs(t, err, salebot.ErrInvalidRequest)
			var invalid *salebot.InvalidRequestError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, r.field, invalid.Field)
			require.Contains(t, invalid.Problem, r.problem)
			failure := clienttest.RequireFailure(t, err, salebot.OutcomeNotSent)
			require.Zero(t, failure.Attempts)
			if row := action.Lookup(failure.Action); row != nil {
				require.Equal(t, salebot.SafetyClass(row.Class), failure.Class)
			}
			require.Empty(t, result)
			require.Len(t, ended, 1, "hooks are told of the call")
			require.Equal(t, []any{0, salebot.OutcomeNotSent, err}, []any{ended[0].Attempts, ended[0].Outcome, ended[0].Err})
			require.NotErrorIs(t, err, salebot.ErrRejected, "Salebot did not refuse it")
		})
	}
}

// What stands just inside the limits is sent.
func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	for _, s := range []clienttest.Scenario{
		clienttest.Taking("300 callbacks", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: ids(salebot.PlatformID("1"), 300), CallbackText: "x"}, (*salebot.Client).SendCallbackByPlatformID),
		clienttest.Taking("500 clients", salebot.GetClientsRequest{Limit: 500}, (*salebot.Client).GetClients),
		clienttest.Taking("the first page", salebot.GetSubscribersRequest{Page: new(0)}, (*salebot.Client).GetSubscribers),
		clienttest.Taking("the first page of VK", salebot.GetVKSubscribersRequest{Page: new(0)}, (*salebot.Client).GetVKSubscribers),
		clienttest.Taking("a single moment", salebot.GetVKSubscribersRequest{From: clienttest.Moment, To: clienttest.Moment}, (*salebot.Client).GetVKSubscribers),
		clienttest.Taking("from a moment on", salebot.GetVKSubscribersRequest{From: clienttest.Moment}, (*salebot.Client).GetVKSubscribers),
		clienttest.Taking("up to a moment", salebot.GetVKSubscribersRequest{To: clienttest.Moment}, (*salebot.Client).GetVKSubscribers),
		clienttest.Taking("500 to delete", ids(salebot.ClientID(1), 500), (*salebot.Client).DeleteClients),
		clienttest.Taking("2000 messages", salebot.GetHistoryRequest{ClientID: 1, Limit: 2000}, (*salebot.Client).GetHistory),
		clienttest.Taking("a single day", salebot.GetHistoryRequest{ClientID: 1, StartDate: day(2024, 2, 29), StopDate: day(2024, 2, 29)}, (*salebot.Client).GetHistory),
		clienttest.Taking("Telegram link", salebot.MessageRequest{ClientID: 1, Message: "x", Buttons: buttons([]salebot.Button{salebot.URLButton("a", "tg://resolve?domain=x")})}, (*salebot.Client).Message),
		clienttest.Taking("phone link", salebot.MessageRequest{ClientID: 1, Message: "x", Buttons: buttons([]salebot.Button{salebot.URLButton("a", "tel:+79000000000")})}, (*salebot.Client).Message),
		clienttest.Taking("more careful than needed", salebot.DoRequest{Action: "get_variables", Method: http.MethodGet, Class: salebot.Once, Query: url.Values{"client_id": {"1"}}}, (*salebot.Client).Do),
	} {
		mock := clienttest.Answering(http.StatusBadRequest, "no")
		_, err := s.Call(t.Context(), clienttest.New(t, mock))
		require.ErrorIs(t, err, salebot.ErrRejected, s.Name)
		require.Equal(t, 1, mock.GetTotalCallCount(), s.Name)
	}
}

// A nil context is refused too; nothing waits without one.
func TestNilContext(t *testing.T) {
	t.Parallel()
	mock := clienttest.Answering(http.StatusOK, "ok")
	for action, list := range clienttest.Scenarios {
		_, err := list[0].Call(nil, clienttest.New(t, mock))
		require.ErrorIs(t, err, salebot.ErrInvalidRequest, action)
		clienttest.RequireOutcome(t, err, salebot.OutcomeNotSent)
	}
	require.Zero(t, mock.GetTotalCallCount())
}
