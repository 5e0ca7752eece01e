package clienttest

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/salebot-go/salebot"
)

// Scenario is one call of an action, by the name of its golden request.
type Scenario struct {
	Name string
	Call func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error)
}

// Moscow stands for the location of a project.
var Moscow = time.FixedZone("MSK", 3*60*60)

// Moment is when the scheduled calls of the scenarios are due; in the project's
// location that is 22:15:59 of the day before.
var Moment = time.Date(2026, time.October, 16, 5, 15, 59, 0, time.FixedZone("", 10*60*60))

// Taking makes a scenario of a method that takes a request.
func Taking[R, T any](name string, request R, method func(*salebot.Client, context.Context, R, ...salebot.CallOption) (T, error)) Scenario {
	return Scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, request, options...)
	}}
}

// Bare makes a scenario of a method that takes nothing.
func Bare[T any](name string, method func(*salebot.Client, context.Context, ...salebot.CallOption) (T, error)) Scenario {
	return Scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, options...)
	}}
}

// Doubled makes a scenario of a method that takes two values.
func Doubled[A, B, T any](name string, a A, b B, method func(*salebot.Client, context.Context, A, B, ...salebot.CallOption) (T, error)) Scenario {
	return Scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, a, b, options...)
	}}
}

// InProject adds the location of the project to a scenario.
func InProject(s Scenario) Scenario {
	return Scenario{s.Name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return s.Call(ctx, c, append(options, salebot.WithProjectLocation(Moscow))...)
	}}
}

// Extra are variables of all kinds, for a callback.
var Extra = map[string]any{
	"sum": 1500.5, "count": 3, "vip": true, "note": nil, "имя": "Анна", "client.phone": "79000000000",
	"html": `<b> & "quotes" \ </b>`, "lines": "a\nb\tc\u2028", "big": int64(9007199254740993),
}

// Scenarios are the calls of each action; together they use every parameter. The
// first of an action is the plainest.
var Scenarios = map[string][]Scenario{
	"callback": {
		Taking("client", salebot.CallbackRequest{ClientID: 25554, Message: "order_paid"}, (*salebot.Client).Callback),
		Taking("phone", salebot.CallbackRequest{Phone: "+79000000000", Message: "order_paid"}, (*salebot.Client).Callback),
		Taking("email", salebot.CallbackRequest{Email: "ann@example.com", Message: "order_paid"}, (*salebot.Client).Callback),
		Taking("resume", salebot.CallbackRequest{ClientID: 9007199254740993, Message: "order_paid", ResumeBot: true}, (*salebot.Client).Callback),
		Taking("after", salebot.CallbackRequest{ClientID: 25554, Message: "remind", After: 90*time.Second + 250*time.Millisecond}, (*salebot.Client).Callback),
		InProject(Taking("at", salebot.CallbackRequest{ClientID: 25554, Message: "remind", At: Moment}, (*salebot.Client).Callback)),
		Taking("variables", salebot.CallbackRequest{ClientID: 25554, Message: "order_paid", Variables: Extra}, (*salebot.Client).Callback),
		Taking("text", salebot.CallbackRequest{ClientID: 25554, Message: "тест <&> \"x\" \\ \u2028\x7f😀"}, (*salebot.Client).Callback),
	},
	"vk_callback": {
		Taking("plain", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start"}, (*salebot.Client).VKCallback),
		Taking("resume-after", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).VKCallback),
		InProject(Taking("at-variables", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start", At: Moment, Variables: map[string]any{"client_id": "allowed here"}}, (*salebot.Client).VKCallback)),
	},
	"whatsapp_callback": {
		Taking("plain", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Message: "start"}, (*salebot.Client).WhatsAppCallback),
		Taking("name-bot", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Name: "Ann", BotID: "34810", Message: "start", ResumeBot: true, After: time.Hour}, (*salebot.Client).WhatsAppCallback),
		InProject(Taking("at-variables", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Message: "start", At: Moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).WhatsAppCallback)),
	},
	"ok_callback": {
		Taking("plain", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Message: "start"}, (*salebot.Client).OKCallback),
		Taking("name", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Name: "Ann", Message: "start", ResumeBot: true, After: time.Second}, (*salebot.Client).OKCallback),
		InProject(Taking("at-variables", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Message: "start", At: Moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).OKCallback)),
	},
	"tg_callback": {
		Taking("plain", salebot.TGCallbackRequest{UserID: "100200300", GroupID: "my_shop_bot", Message: "start"}, (*salebot.Client).TGCallback),
		Taking("resume-after", salebot.TGCallbackRequest{UserID: "6250000000", GroupID: "my_shop_bot", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).TGCallback),
		InProject(Taking("at-variables", salebot.TGCallbackRequest{UserID: "6250000000", GroupID: "my_shop_bot", Message: "start", At: Moment, Variables: map[string]any{"name": "allowed here", "utm_source": "site"}}, (*salebot.Client).TGCallback)),
	},
	"max_callback": {
		Taking("plain", salebot.MAXCallbackRequest{ChatID: "100200300", GroupID: "my_max_bot", Message: "start"}, (*salebot.Client).MAXCallback),
		Taking("resume-after", salebot.MAXCallbackRequest{ChatID: "100200300", GroupID: "my_max_bot", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).MAXCallback),
		InProject(Taking("at-variables", salebot.MAXCallbackRequest{ChatID: "100200300", GroupID: "my_max_bot", Message: "start", At: Moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).MAXCallback)),
	},
	"email_callback": {
		Taking("plain", salebot.EmailCallbackRequest{Email: "ann@example.com", Message: "start"}, (*salebot.Client).EmailCallback),
		Taking("bot-name", salebot.EmailCallbackRequest{Email: "ann@example.com", BotEmail: "shop@example.com", Name: "Ann", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).EmailCallback),
		InProject(Taking("at-variables", salebot.EmailCallbackRequest{Email: "ann@example.com", Message: "start", At: Moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).EmailCallback)),
	},
	"send_callback_by_platform_id": {
		Taking("plain", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000", "79000000000", "2rwewefw"}, CallbackText: "test_callback"}, (*salebot.Client).SendCallbackByPlatformID),
		Taking("group-after", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000"}, CallbackText: "test_callback", GroupID: "my_shop_bot", After: time.Minute}, (*salebot.Client).SendCallbackByPlatformID),
		InProject(Taking("at", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000"}, CallbackText: "test_callback", At: Moment}, (*salebot.Client).SendCallbackByPlatformID)),
	},
	"message": {
		Taking("text", salebot.MessageRequest{ClientID: 25554, Message: "Your order is ready"}, (*salebot.Client).Message),
		Taking("block", salebot.MessageRequest{ClientID: 25554, BlockID: 390}, (*salebot.Client).Message),
		Taking("attachment", salebot.MessageRequest{ClientID: 25554, AttachmentType: salebot.AttachmentImage, AttachmentURL: "https://example.com/a.png?x=1&y=%20"}, (*salebot.Client).Message),
		Taking("attachment-text", salebot.MessageRequest{ClientID: 25554, Message: "Look", AttachmentType: salebot.AttachmentFile, AttachmentURL: "https://example.com/price.pdf", After: 10 * time.Minute}, (*salebot.Client).Message),
		Taking("inline-buttons", salebot.MessageRequest{ClientID: 25554, Message: "Choose", Buttons: salebot.Buttons{
			Hint: "1 or 2",
			Lines: [][]salebot.Button{
				{salebot.InlineButton("Yes"), salebot.InlineButton("No").WithColor("red")},
				{salebot.URLButton("Site", "https://example.com/?a=1&b=2")},
				{salebot.InlineWebAppButton("Shop", "https://example.com/app")},
			},
		}}, (*salebot.Client).Message),
		Taking("reply-buttons", salebot.MessageRequest{ClientID: 25554, Message: "Choose", Buttons: salebot.Buttons{
			Lines: [][]salebot.Button{
				{salebot.ReplyButton("Menu").Persistent(), salebot.PhoneButton("My phone")},
				{salebot.LocationButton("My place"), salebot.WebAppButton("Shop", "https://example.com/app")},
			},
		}}, (*salebot.Client).Message),
		InProject(Taking("at", salebot.MessageRequest{ClientID: 25554, Message: "Good morning", At: Moment}, (*salebot.Client).Message)),
	},
	"whatsapp_message": {
		Taking("text", salebot.WhatsAppMessageRequest{Phone: "79000000000", Message: "Your order is ready"}, (*salebot.Client).WhatsAppMessage),
		Taking("block-bot", salebot.WhatsAppMessageRequest{Phone: "79000000000", BlockID: 390, BotID: "34810", After: time.Minute}, (*salebot.Client).WhatsAppMessage),
		InProject(Taking("attachment-at", salebot.WhatsAppMessageRequest{Phone: "79000000000", AttachmentType: salebot.AttachmentVideo, AttachmentURL: "https://example.com/a.mp4", At: Moment}, (*salebot.Client).WhatsAppMessage)),
	},
	"broadcast": {
		Taking("clients", salebot.BroadcastRequest{Clients: []salebot.ClientID{5, 58, 9007199254740993}, Message: "Sale"}, (*salebot.Client).Broadcast),
		Taking("list-shift", salebot.BroadcastRequest{List: 17, Message: "Sale", Shift: 500 * time.Millisecond, After: time.Minute}, (*salebot.Client).Broadcast),
		InProject(Taking("platform-ids", salebot.BroadcastRequest{PlatformIDs: []salebot.PlatformID{"100200300"}, GroupID: "my_shop_bot", BlockID: 390, At: Moment}, (*salebot.Client).Broadcast)),
		Taking("attachment-buttons", salebot.BroadcastRequest{
			Clients: []salebot.ClientID{5}, AttachmentType: salebot.AttachmentAudio, AttachmentURL: "https://example.com/a.mp3",
			Buttons: salebot.Buttons{Lines: [][]salebot.Button{{salebot.InlineButton("Listen")}}},
		}, (*salebot.Client).Broadcast),
	},
	"get_history": {
		Taking("plain", salebot.GetHistoryRequest{ClientID: 25554}, (*salebot.Client).GetHistory),
		Taking("limit", salebot.GetHistoryRequest{ClientID: 9007199254740993, Limit: salebot.MaxHistory}, (*salebot.Client).GetHistory),
		Taking("period", salebot.GetHistoryRequest{
			ClientID: 25554, StartDate: salebot.Date{Year: 2026, Month: time.October, Day: 1}, StopDate: salebot.Date{Year: 2026, Month: time.October, Day: 31},
		}, (*salebot.Client).GetHistory),
	},
	"clear_history": {Taking("plain", salebot.ClientID(25554), (*salebot.Client).ClearHistory)},
	"assign_to_user": {
		Taking("plain", salebot.AssignToUserRequest{ClientID: 25554}, (*salebot.Client).AssignToUser),
		Taking("email", salebot.AssignToUserRequest{ClientID: 25554, Email: "operator@example.com"}, (*salebot.Client).AssignToUser),
	},
	"load_clients": {
		Taking("one", []salebot.ClientToLoad{salebot.WhatsAppUser("79000000000", "34810")}, (*salebot.Client).LoadClients),
		Taking("several", []salebot.ClientToLoad{
			salebot.TelegramUser("6250000000", "my_shop_bot"),
			salebot.TelephonyUser("79000000000"),
			salebot.VKUser("146467928", "143414131"),
			salebot.UserOf(99, "новый", "5kqchxwyvdvFZOsp80q2qw=="),
		}, (*salebot.Client).LoadClients),
	},
	"add_to_list": {
		Taking("plain", salebot.AddToListRequest{ListID: 17, Clients: []salebot.ClientID{5, 58}}, (*salebot.Client).AddToList),
	},
	"remove_from_list": {
		Taking("plain", salebot.RemoveFromListRequest{ListID: 17, Clients: []salebot.ClientID{5, 58}}, (*salebot.Client).RemoveFromList),
	},
	"get_clients": {
		Taking("plain", salebot.GetClientsRequest{}, (*salebot.Client).GetClients),
		Taking("list", salebot.GetClientsRequest{Offset: 500, Limit: 100, List: 17}, (*salebot.Client).GetClients),
		Taking("oldest-first", salebot.GetClientsRequest{OldestFirst: true}, (*salebot.Client).GetClients),
	},
	"delete_clients": {
		Taking("plain", []salebot.ClientID{5, 9007199254740993}, (*salebot.Client).DeleteClients),
	},
	"save_variables": {
		Taking("client", salebot.SaveVariablesRequest{ClientID: 25554, Variables: map[string]any{"city": "Riga"}}, (*salebot.Client).SaveVariables),
		Taking("clients", salebot.SaveVariablesRequest{Clients: []salebot.ClientID{5, 58}, Variables: map[string]any{"client.phone": "79000000000"}}, (*salebot.Client).SaveVariables),
		Taking("values", salebot.SaveVariablesRequest{ClientID: 25554, Variables: Extra}, (*salebot.Client).SaveVariables),
		Taking("names", salebot.SaveVariablesRequest{ClientID: 25554, Variables: map[string]any{"client_id": "1", "variables": "2", "message": "3"}}, (*salebot.Client).SaveVariables),
	},
	"get_variables": {
		Taking("plain", salebot.ClientID(25554), (*salebot.Client).GetVariables),
		Taking("big-id", salebot.ClientID(9007199254740993), (*salebot.Client).GetVariables),
	},
	"find_client_id_by_platform_id": {
		Taking("plain", salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"6250000000", "79000000000"}}, (*salebot.Client).GetClientsByPlatformID),
		Taking("group", salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"6250000000"}, GroupID: "my_shop_bot"}, (*salebot.Client).GetClientsByPlatformID),
	},
	"online_chat_client_id": {
		Taking("plain", salebot.GetClientIDByOnlineChatRequest{Recipient: "a1b2"}, (*salebot.Client).GetClientIDByOnlineChat),
		Taking("name-tag", salebot.GetClientIDByOnlineChatRequest{Recipient: "a1b2", Name: "Анна & Co", Tag: "spring"}, (*salebot.Client).GetClientIDByOnlineChat),
	},
	"whatsapp_client_id": {
		Taking("plain", salebot.GetClientIDByWhatsAppRequest{Phone: "79000000000"}, (*salebot.Client).GetClientIDByWhatsApp),
		Taking("group", salebot.GetClientIDByWhatsAppRequest{Phone: "+79000000000", GroupID: "34810"}, (*salebot.Client).GetClientIDByWhatsApp),
	},
	"find_client_id_by_phone": {Taking("plain", "79000000000", (*salebot.Client).GetClientIDByPhone)},
	"find_client_id_by_email": {Taking("plain", "ann+shop@example.com", (*salebot.Client).GetClientIDByEmail)},
	"find_client_id_by_var": {
		Taking("plain", salebot.GetClientIDByVariableRequest{Name: "город", Value: "Рига & Co"}, (*salebot.Client).GetClientIDByVariable),
		Taking("all", salebot.GetClientIDByVariableRequest{Name: "city", Value: "Riga", GroupID: "my_shop_bot", SearchIn: salebot.SearchInOrder}, (*salebot.Client).GetClientIDByVariable),
	},
	"find_latest_client_id_by_var": {Doubled("plain", "city", "Riga", (*salebot.Client).GetLatestClientIDByVariable)},
	"find_all_client_id_by_var":    {Doubled("plain", "city", "Riga", (*salebot.Client).GetClientIDsByVariable)},
	"find_all_client_id_by_several_vars": {
		Taking("plain", map[string]string{"city": "Riga", "цвет": "red"}, (*salebot.Client).GetClientIDsByVariables),
	},
	"find_clients": {
		Taking("plain", salebot.FindClientsRequest{Query: map[string]salebot.Condition{"city": salebot.Equals("Riga")}}, (*salebot.Client).FindClients),
		Taking("operators", salebot.FindClientsRequest{
			Query: map[string]salebot.Condition{
				"a": salebot.In("x", "y"), "b": salebot.NotIn("z"), "c": salebot.Not("w"), "d": salebot.Equals(5),
			},
			SearchIn: salebot.SearchInOrder, Any: true,
		}, (*salebot.Client).FindClients),
	},
	"get_current_order_id": {Taking("plain", salebot.ClientID(25554), (*salebot.Client).GetCurrentOrderID)},
	"get_orders": {
		Taking("plain", salebot.GetOrdersRequest{ClientID: 25554}, (*salebot.Client).GetOrders),
		Taking("active", salebot.GetOrdersRequest{ClientID: 25554, Status: new(salebot.OrderStatusActive)}, (*salebot.Client).GetOrders),
	},
	"move_order_to_next_state": {
		Taking("plain", salebot.MoveOrderToNextStateRequest{ClientID: 25554}, (*salebot.Client).MoveOrderToNextState),
		Taking("order", salebot.MoveOrderToNextStateRequest{ClientID: 25554, OrderID: 40000}, (*salebot.Client).MoveOrderToNextState),
	},
	"get_order_vars": {
		Taking("plain", salebot.GetOrderVariablesRequest{ClientID: 25554}, (*salebot.Client).GetOrderVariables),
		Taking("names", salebot.GetOrderVariablesRequest{ClientID: 25554, OrderID: 40000, Names: []string{"sum", "имя"}}, (*salebot.Client).GetOrderVariables),
	},
	"set_order_vars": {
		Taking("plain", salebot.SetOrderVariablesRequest{ClientID: 25554, Variables: map[string]any{"sum": 5}}, (*salebot.Client).SetOrderVariables),
		Taking("order", salebot.SetOrderVariablesRequest{ClientID: 25554, OrderID: 40000, Variables: map[string]any{"sum": nil}}, (*salebot.Client).SetOrderVariables),
	},
	"create_order": {
		Taking("client", salebot.CreateOrderRequest{ClientID: 25554}, (*salebot.Client).CreateOrder),
		Taking("all", salebot.CreateOrderRequest{
			Phone: "79000000000", Email: "ann@example.com", Name: "Order", Description: "Two cups", Budget: 1500.5, StateID: 7,
		}, (*salebot.Client).CreateOrder),
	},
	"set_order_state": {Taking("plain", salebot.SetOrderStateRequest{ClientID: 25554, StateID: 7}, (*salebot.Client).SetOrderState)},
	"get_order_state": {
		Taking("plain", salebot.GetOrderStateRequest{ClientID: 25554}, (*salebot.Client).GetOrderState),
		Taking("order", salebot.GetOrderStateRequest{ClientID: 25554, OrderID: 40000}, (*salebot.Client).GetOrderState),
	},
	"check_whatsapp":     {Taking("plain", "79000000000", (*salebot.Client).CheckWhatsApp)},
	"connected_channels": {Bare("plain", (*salebot.Client).GetConnectedChannels)},
	"get_messages":       {Bare("plain", (*salebot.Client).GetBlocks)},
	"subscribers": {
		Taking("plain", salebot.GetSubscribersRequest{}, (*salebot.Client).GetSubscribers),
		Taking("page", salebot.GetSubscribersRequest{Page: new(0), GroupID: "my_shop_bot"}, (*salebot.Client).GetSubscribers),
	},
	"vk_subscribers": {
		Taking("plain", salebot.GetVKSubscribersRequest{}, (*salebot.Client).GetVKSubscribers),
		Taking("all", salebot.GetVKSubscribersRequest{
			Page: new(2), Tag: "spring", GroupID: "143414131", From: time.Unix(1700000000, 0), To: time.Unix(1800000000, 0),
		}, (*salebot.Client).GetVKSubscribers),
	},
	"check_insta_subscription": {
		Taking("plain", salebot.CheckInstagramSubscriptionRequest{UserName: "ann"}, (*salebot.Client).CheckInstagramSubscription),
		Taking("login", salebot.CheckInstagramSubscriptionRequest{UserName: "ann", Login: "my_shop"}, (*salebot.Client).CheckInstagramSubscription),
	},
}

// The calls of every class by every HTTP method.
var (
	// OnceCalls may not be repeated.
	OnceCalls = []Scenario{
		Taking("once by POST", salebot.MessageRequest{ClientID: 1, Message: "hello"}, (*salebot.Client).Message),
		Taking("once by GET", salebot.ClientID(1), (*salebot.Client).ClearHistory),
		Taking("once by Do", salebot.DoRequest{Action: "new_action", Body: map[string]int{"a": 1}}, (*salebot.Client).Do),
		Taking("once by Do and GET", salebot.DoRequest{Action: "new_action", Method: http.MethodGet, Query: url.Values{"a": {"1"}}}, (*salebot.Client).Do),
	}
	// RepeatableCalls may be repeated.
	RepeatableCalls = []Scenario{
		Taking("idempotent", salebot.SaveVariablesRequest{ClientID: 1, Variables: map[string]any{"a": 1}}, (*salebot.Client).SaveVariables),
		Taking("read", salebot.ClientID(1), (*salebot.Client).GetVariables),
		Taking("read by POST", salebot.DoRequest{Action: "new_action", Class: salebot.Read, Body: []int{1}}, (*salebot.Client).Do),
	}
)
