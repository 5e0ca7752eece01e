package salebot_test

import (
	"context"
	"time"

	"github.com/salebot-go/salebot"
)

// scenario is one call of an action, by the name of its golden request.
type scenario struct {
	name string
	call func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error)
}

// moscow stands for the location of a project.
var moscow = time.FixedZone("MSK", 3*60*60)

// moment is when the scheduled calls of the scenarios are due; in the project's
// location that is 22:15:59 of the day before.
var moment = time.Date(2026, time.October, 16, 5, 15, 59, 0, time.FixedZone("", 10*60*60))

// taking makes a scenario of a method that takes a request.
func taking[R, T any](name string, request R, method func(*salebot.Client, context.Context, R, ...salebot.CallOption) (T, error)) scenario {
	return scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, request, options...)
	}}
}

// bare makes a scenario of a method that takes nothing.
func bare[T any](name string, method func(*salebot.Client, context.Context, ...salebot.CallOption) (T, error)) scenario {
	return scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, options...)
	}}
}

// doubled makes a scenario of a method that takes two values.
func doubled[A, B, T any](name string, a A, b B, method func(*salebot.Client, context.Context, A, B, ...salebot.CallOption) (T, error)) scenario {
	return scenario{name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return method(c, ctx, a, b, options...)
	}}
}

// inProject adds the location of the project to a scenario.
func inProject(s scenario) scenario {
	return scenario{s.name, func(ctx context.Context, c *salebot.Client, options ...salebot.CallOption) (any, error) {
		return s.call(ctx, c, append(options, salebot.WithProjectLocation(moscow))...)
	}}
}

var extra = map[string]any{
	"sum": 1500.5, "count": 3, "vip": true, "note": nil, "имя": "Анна", "client.phone": "79000000000",
	"html": `<b> & "quotes" \ </b>`, "lines": "a\nb\tc\u2028", "big": int64(9007199254740993),
}

// scenarios are the calls of each action; together they use every parameter. The
// first of an action is the plainest.
var scenarios = map[string][]scenario{
	"callback": {
		taking("client", salebot.CallbackRequest{ClientID: 25554, Message: "order_paid"}, (*salebot.Client).Callback),
		taking("phone", salebot.CallbackRequest{Phone: "+79000000000", Message: "order_paid"}, (*salebot.Client).Callback),
		taking("email", salebot.CallbackRequest{Email: "ann@example.com", Message: "order_paid"}, (*salebot.Client).Callback),
		taking("resume", salebot.CallbackRequest{ClientID: 9007199254740993, Message: "order_paid", ResumeBot: true}, (*salebot.Client).Callback),
		taking("after", salebot.CallbackRequest{ClientID: 25554, Message: "remind", After: 90*time.Second + 250*time.Millisecond}, (*salebot.Client).Callback),
		inProject(taking("at", salebot.CallbackRequest{ClientID: 25554, Message: "remind", At: moment}, (*salebot.Client).Callback)),
		taking("variables", salebot.CallbackRequest{ClientID: 25554, Message: "order_paid", Variables: extra}, (*salebot.Client).Callback),
		taking("text", salebot.CallbackRequest{ClientID: 25554, Message: "тест <&> \"x\" \\ \u2028\x7f😀"}, (*salebot.Client).Callback),
	},
	"vk_callback": {
		taking("plain", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start"}, (*salebot.Client).VKCallback),
		taking("resume-after", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).VKCallback),
		inProject(taking("at-variables", salebot.VKCallbackRequest{UserID: "146467928", GroupID: "143414131", Message: "start", At: moment, Variables: map[string]any{"client_id": "allowed here"}}, (*salebot.Client).VKCallback)),
	},
	"whatsapp_callback": {
		taking("plain", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Message: "start"}, (*salebot.Client).WhatsAppCallback),
		taking("name-bot", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Name: "Ann", BotID: "34810", Message: "start", ResumeBot: true, After: time.Hour}, (*salebot.Client).WhatsAppCallback),
		inProject(taking("at-variables", salebot.WhatsAppCallbackRequest{Phone: "79000000000", Message: "start", At: moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).WhatsAppCallback)),
	},
	"ok_callback": {
		taking("plain", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Message: "start"}, (*salebot.Client).OKCallback),
		taking("name", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Name: "Ann", Message: "start", ResumeBot: true, After: time.Second}, (*salebot.Client).OKCallback),
		inProject(taking("at-variables", salebot.OKCallbackRequest{UserID: "570000000000", GroupID: "520000000000", Message: "start", At: moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).OKCallback)),
	},
	"tg_callback": {
		taking("plain", salebot.TGCallbackRequest{UserID: "100200300", GroupID: "my_shop_bot", Message: "start"}, (*salebot.Client).TGCallback),
		taking("resume-after", salebot.TGCallbackRequest{UserID: "6250000000", GroupID: "my_shop_bot", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).TGCallback),
		inProject(taking("at-variables", salebot.TGCallbackRequest{UserID: "6250000000", GroupID: "my_shop_bot", Message: "start", At: moment, Variables: map[string]any{"name": "allowed here", "utm_source": "site"}}, (*salebot.Client).TGCallback)),
	},
	"email_callback": {
		taking("plain", salebot.EmailCallbackRequest{Email: "ann@example.com", Message: "start"}, (*salebot.Client).EmailCallback),
		taking("bot-name", salebot.EmailCallbackRequest{Email: "ann@example.com", BotEmail: "shop@example.com", Name: "Ann", Message: "start", ResumeBot: true, After: time.Minute}, (*salebot.Client).EmailCallback),
		inProject(taking("at-variables", salebot.EmailCallbackRequest{Email: "ann@example.com", Message: "start", At: moment, Variables: map[string]any{"source": "site"}}, (*salebot.Client).EmailCallback)),
	},
	"send_callback_by_platform_id": {
		taking("plain", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000", "79000000000", "2rwewefw"}, CallbackText: "test_callback"}, (*salebot.Client).SendCallbackByPlatformID),
		taking("group-after", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000"}, CallbackText: "test_callback", GroupID: "my_shop_bot", After: time.Minute}, (*salebot.Client).SendCallbackByPlatformID),
		inProject(taking("at", salebot.SendCallbackByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"407000000"}, CallbackText: "test_callback", At: moment}, (*salebot.Client).SendCallbackByPlatformID)),
	},
	"message": {
		taking("text", salebot.MessageRequest{ClientID: 25554, Message: "Your order is ready"}, (*salebot.Client).Message),
		taking("block", salebot.MessageRequest{ClientID: 25554, BlockID: 390}, (*salebot.Client).Message),
		taking("attachment", salebot.MessageRequest{ClientID: 25554, AttachmentType: salebot.AttachmentImage, AttachmentURL: "https://example.com/a.png?x=1&y=%20"}, (*salebot.Client).Message),
		taking("attachment-text", salebot.MessageRequest{ClientID: 25554, Message: "Look", AttachmentType: salebot.AttachmentFile, AttachmentURL: "https://example.com/price.pdf", After: 10 * time.Minute}, (*salebot.Client).Message),
		taking("inline-buttons", salebot.MessageRequest{ClientID: 25554, Message: "Choose", Buttons: salebot.Buttons{
			Hint: "1 or 2",
			Lines: [][]salebot.Button{
				{salebot.InlineButton("Yes"), salebot.InlineButton("No").WithColor("red")},
				{salebot.URLButton("Site", "https://example.com/?a=1&b=2")},
				{salebot.InlineWebAppButton("Shop", "https://example.com/app")},
			},
		}}, (*salebot.Client).Message),
		taking("reply-buttons", salebot.MessageRequest{ClientID: 25554, Message: "Choose", Buttons: salebot.Buttons{
			Lines: [][]salebot.Button{
				{salebot.ReplyButton("Menu").Persistent(), salebot.PhoneButton("My phone")},
				{salebot.LocationButton("My place"), salebot.WebAppButton("Shop", "https://example.com/app")},
			},
		}}, (*salebot.Client).Message),
		inProject(taking("at", salebot.MessageRequest{ClientID: 25554, Message: "Good morning", At: moment}, (*salebot.Client).Message)),
	},
	"whatsapp_message": {
		taking("text", salebot.WhatsAppMessageRequest{Phone: "79000000000", Message: "Your order is ready"}, (*salebot.Client).WhatsAppMessage),
		taking("block-bot", salebot.WhatsAppMessageRequest{Phone: "79000000000", BlockID: 390, BotID: "34810", After: time.Minute}, (*salebot.Client).WhatsAppMessage),
		inProject(taking("attachment-at", salebot.WhatsAppMessageRequest{Phone: "79000000000", AttachmentType: salebot.AttachmentVideo, AttachmentURL: "https://example.com/a.mp4", At: moment}, (*salebot.Client).WhatsAppMessage)),
	},
	"broadcast": {
		taking("clients", salebot.BroadcastRequest{Clients: []salebot.ClientID{5, 58, 9007199254740993}, Message: "Sale"}, (*salebot.Client).Broadcast),
		taking("list-shift", salebot.BroadcastRequest{List: 17, Message: "Sale", Shift: 500 * time.Millisecond, After: time.Minute}, (*salebot.Client).Broadcast),
		inProject(taking("platform-ids", salebot.BroadcastRequest{PlatformIDs: []salebot.PlatformID{"100200300"}, GroupID: "my_shop_bot", BlockID: 390, At: moment}, (*salebot.Client).Broadcast)),
		taking("attachment-buttons", salebot.BroadcastRequest{
			Clients: []salebot.ClientID{5}, AttachmentType: salebot.AttachmentAudio, AttachmentURL: "https://example.com/a.mp3",
			Buttons: salebot.Buttons{Lines: [][]salebot.Button{{salebot.InlineButton("Listen")}}},
		}, (*salebot.Client).Broadcast),
	},
	"get_history": {
		taking("plain", salebot.GetHistoryRequest{ClientID: 25554}, (*salebot.Client).GetHistory),
		taking("limit", salebot.GetHistoryRequest{ClientID: 9007199254740993, Limit: salebot.HistoryLimit}, (*salebot.Client).GetHistory),
		taking("period", salebot.GetHistoryRequest{
			ClientID: 25554, StartDate: salebot.Date{Year: 2026, Month: time.October, Day: 1}, StopDate: salebot.Date{Year: 2026, Month: time.October, Day: 31},
		}, (*salebot.Client).GetHistory),
	},
	"clear_history": {taking("plain", salebot.ClientID(25554), (*salebot.Client).ClearHistory)},
	"assign_to_user": {
		taking("plain", salebot.AssignToUserRequest{ClientID: 25554}, (*salebot.Client).AssignToUser),
		taking("email", salebot.AssignToUserRequest{ClientID: 25554, Email: "operator@example.com"}, (*salebot.Client).AssignToUser),
	},
	"load_clients": {
		taking("one", []salebot.ClientToLoad{{PlatformID: "79000000000", GroupID: "34810", ClientType: salebot.ClientTypeWhatsApp}}, (*salebot.Client).LoadClients),
		taking("several", []salebot.ClientToLoad{
			{PlatformID: "6250000000", GroupID: "my_shop_bot", ClientType: salebot.ClientTypeTelegram},
			{PlatformID: "79000000000", ClientType: salebot.ClientTypeTelephony},
			{PlatformID: "146467928", GroupID: "143414131"},
			{PlatformID: "новый", GroupID: "5kqchxwyvdvFZOsp80q2qw==", ClientType: 99},
		}, (*salebot.Client).LoadClients),
	},
	"add_to_list": {
		taking("plain", salebot.AddToListRequest{ListID: 17, Clients: []salebot.ClientID{5, 58}}, (*salebot.Client).AddToList),
	},
	"remove_from_list": {
		taking("plain", salebot.RemoveFromListRequest{ListID: 17, Clients: []salebot.ClientID{5, 58}}, (*salebot.Client).RemoveFromList),
	},
	"get_clients": {
		taking("plain", salebot.GetClientsRequest{}, (*salebot.Client).GetClients),
		taking("list", salebot.GetClientsRequest{Offset: 500, Limit: 100, List: 17}, (*salebot.Client).GetClients),
		taking("oldest-first", salebot.GetClientsRequest{OldestFirst: true}, (*salebot.Client).GetClients),
	},
	"delete_clients": {
		taking("plain", []salebot.ClientID{5, 9007199254740993}, (*salebot.Client).DeleteClients),
	},
	"save_variables": {
		taking("client", salebot.SaveVariablesRequest{ClientID: 25554, Variables: map[string]any{"city": "Riga"}}, (*salebot.Client).SaveVariables),
		taking("clients", salebot.SaveVariablesRequest{Clients: []salebot.ClientID{5, 58}, Variables: map[string]any{"client.phone": "79000000000"}}, (*salebot.Client).SaveVariables),
		taking("values", salebot.SaveVariablesRequest{ClientID: 25554, Variables: extra}, (*salebot.Client).SaveVariables),
		taking("names", salebot.SaveVariablesRequest{ClientID: 25554, Variables: map[string]any{"client_id": "1", "variables": "2", "message": "3"}}, (*salebot.Client).SaveVariables),
	},
	"get_variables": {
		taking("plain", salebot.ClientID(25554), (*salebot.Client).GetVariables),
		taking("big-id", salebot.ClientID(9007199254740993), (*salebot.Client).GetVariables),
	},
	"find_client_id_by_platform_id": {
		taking("plain", salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"6250000000", "79000000000"}}, (*salebot.Client).GetClientsByPlatformID),
		taking("group", salebot.GetClientsByPlatformIDRequest{PlatformIDs: []salebot.PlatformID{"6250000000"}, GroupID: "my_shop_bot"}, (*salebot.Client).GetClientsByPlatformID),
	},
	"online_chat_client_id": {
		taking("plain", salebot.GetClientIDByOnlineChatRequest{Recipient: "a1b2"}, (*salebot.Client).GetClientIDByOnlineChat),
		taking("name-tag", salebot.GetClientIDByOnlineChatRequest{Recipient: "a1b2", Name: "Анна & Co", Tag: "spring"}, (*salebot.Client).GetClientIDByOnlineChat),
	},
	"whatsapp_client_id": {
		taking("plain", salebot.GetClientIDByWhatsAppRequest{Phone: "79000000000"}, (*salebot.Client).GetClientIDByWhatsApp),
		taking("group", salebot.GetClientIDByWhatsAppRequest{Phone: "+79000000000", GroupID: "34810"}, (*salebot.Client).GetClientIDByWhatsApp),
	},
	"find_client_id_by_phone": {taking("plain", "79000000000", (*salebot.Client).GetClientIDByPhone)},
	"find_client_id_by_email": {taking("plain", "ann+shop@example.com", (*salebot.Client).GetClientIDByEmail)},
	"find_client_id_by_var": {
		taking("plain", salebot.GetClientIDByVariableRequest{Name: "город", Value: "Рига & Co"}, (*salebot.Client).GetClientIDByVariable),
		taking("all", salebot.GetClientIDByVariableRequest{Name: "city", Value: "Riga", GroupID: "my_shop_bot", SearchIn: salebot.SearchInOrder}, (*salebot.Client).GetClientIDByVariable),
	},
	"find_latest_client_id_by_var": {doubled("plain", "city", "Riga", (*salebot.Client).GetLatestClientIDByVariable)},
	"find_all_client_id_by_var":    {doubled("plain", "city", "Riga", (*salebot.Client).GetClientIDsByVariable)},
	"find_all_client_id_by_several_vars": {
		taking("plain", map[string]string{"city": "Riga", "цвет": "red"}, (*salebot.Client).GetClientIDsByVariables),
	},
	"find_clients": {
		taking("plain", salebot.FindClientsRequest{Query: map[string]salebot.Condition{"city": salebot.Equals("Riga")}}, (*salebot.Client).FindClients),
		taking("operators", salebot.FindClientsRequest{
			Query: map[string]salebot.Condition{
				"a": salebot.In("x", "y"), "b": salebot.NotIn("z"), "c": salebot.Not("w"), "d": salebot.Equals(5),
			},
			SearchIn: salebot.SearchInOrder, Any: true,
		}, (*salebot.Client).FindClients),
	},
	"get_current_order_id": {taking("plain", salebot.ClientID(25554), (*salebot.Client).GetCurrentOrderID)},
	"get_orders": {
		taking("plain", salebot.GetOrdersRequest{ClientID: 25554}, (*salebot.Client).GetOrders),
		taking("active", salebot.GetOrdersRequest{ClientID: 25554, Status: new(salebot.OrderStatusActive)}, (*salebot.Client).GetOrders),
	},
	"move_order_to_next_state": {
		taking("plain", salebot.MoveOrderToNextStateRequest{ClientID: 25554}, (*salebot.Client).MoveOrderToNextState),
		taking("order", salebot.MoveOrderToNextStateRequest{ClientID: 25554, OrderID: 40000}, (*salebot.Client).MoveOrderToNextState),
	},
	"get_order_vars": {
		taking("plain", salebot.GetOrderVariablesRequest{ClientID: 25554}, (*salebot.Client).GetOrderVariables),
		taking("names", salebot.GetOrderVariablesRequest{ClientID: 25554, OrderID: 40000, Names: []string{"sum", "имя"}}, (*salebot.Client).GetOrderVariables),
	},
	"set_order_vars": {
		taking("plain", salebot.SetOrderVariablesRequest{ClientID: 25554, Variables: map[string]any{"sum": 5}}, (*salebot.Client).SetOrderVariables),
		taking("order", salebot.SetOrderVariablesRequest{ClientID: 25554, OrderID: 40000, Variables: map[string]any{"sum": nil}}, (*salebot.Client).SetOrderVariables),
	},
	"create_order": {
		taking("client", salebot.CreateOrderRequest{ClientID: 25554}, (*salebot.Client).CreateOrder),
		taking("all", salebot.CreateOrderRequest{
			Phone: "79000000000", Email: "ann@example.com", Name: "Order", Description: "Two cups", Budget: 1500.5, StateID: 7,
		}, (*salebot.Client).CreateOrder),
	},
	"set_order_state": {taking("plain", salebot.SetOrderStateRequest{ClientID: 25554, StateID: 7}, (*salebot.Client).SetOrderState)},
	"get_order_state": {
		taking("plain", salebot.GetOrderStateRequest{ClientID: 25554}, (*salebot.Client).GetOrderState),
		taking("order", salebot.GetOrderStateRequest{ClientID: 25554, OrderID: 40000}, (*salebot.Client).GetOrderState),
	},
	"check_whatsapp":     {taking("plain", "79000000000", (*salebot.Client).CheckWhatsApp)},
	"connected_channels": {bare("plain", (*salebot.Client).GetConnectedChannels)},
	"get_messages":       {bare("plain", (*salebot.Client).GetBlocks)},
	"subscribers": {
		taking("plain", salebot.GetSubscribersRequest{}, (*salebot.Client).GetSubscribers),
		taking("page", salebot.GetSubscribersRequest{Page: new(0), GroupID: "my_shop_bot"}, (*salebot.Client).GetSubscribers),
	},
	"vk_subscribers": {
		taking("plain", salebot.GetVKSubscribersRequest{}, (*salebot.Client).GetVKSubscribers),
		taking("all", salebot.GetVKSubscribersRequest{
			Page: new(2), Tag: "spring", GroupID: "143414131", From: time.Unix(1700000000, 0), To: time.Unix(1800000000, 0),
		}, (*salebot.Client).GetVKSubscribers),
	},
	"check_insta_subscription": {
		taking("plain", salebot.CheckInstagramSubscriptionRequest{UserName: "ann"}, (*salebot.Client).CheckInstagramSubscription),
		taking("login", salebot.CheckInstagramSubscriptionRequest{UserName: "ann", Login: "my_shop"}, (*salebot.Client).CheckInstagramSubscription),
	},
}
