package action

import "net/http"

var (
	post    = []string{http.MethodPost}
	get     = []string{http.MethodGet}
	postGet = []string{http.MethodPost, http.MethodGet}
	getPost = []string{http.MethodGet, http.MethodPost}
)

var table = []Row{
	{
		Name: "callback", GoMethod: "Callback", Methods: postGet,
		Params: []string{"client_id", "client_phone", "client_email", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Values: true, Delimiter: true,
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "vk_callback", GoMethod: "VKCallback", Methods: postGet,
		Params: []string{"user_id", "group_id", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Values: true, Delimiter: true,
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "whatsapp_callback", GoMethod: "WhatsAppCallback", Methods: postGet,
		Params: []string{"phone", "name", "message", "bot_id", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Values: true, Delimiter: true,
		Class: Once, Answer: Confirmation, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "ok_callback", GoMethod: "OKCallback", Methods: postGet,
		Params: []string{"user_id", "group_id", "name", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Values: true, Delimiter: true,
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "tg_callback", GoMethod: "TGCallback", Methods: post,
		Params: []string{"user_id", "group_id", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Delimiter: true,
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "max_callback", GoMethod: "MAXCallback", Methods: post,
		Params: []string{"platform_id", "group_id", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true,
		Class:  Once, Answer: Acknowledgement, Subject: Client, Permission: ClientsWrite, Evidence: Assumed,
	},
	{
		Name: "send_callback_by_platform_id", GoMethod: "SendCallbackByPlatformID", Methods: post,
		Params: []string{"platform_ids", "callback_text", "group_id", "time_shift", "send_time"},
		Class:  Once, Answer: Acknowledgement, Permission: ClientsWrite, Evidence: Assumed, BatchLimit: 300,
	},
	{
		Name: "email_callback", GoMethod: "EmailCallback", Methods: post,
		Params: []string{"email", "email_id_bot", "name", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Delimiter: true,
		Class: Once, Answer: Confirmation, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "message", GoMethod: "Message", Methods: postGet,
		Params:    []string{"client_id", "message", "message_id", "attachment_type", "attachment_url", "buttons", "time_shift", "send_time"},
		Delimiter: true,
		Class:     Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "whatsapp_message", GoMethod: "WhatsAppMessage", Methods: postGet,
		Params:    []string{"phone", "message", "message_id", "whatsapp_bot_id", "attachment_type", "attachment_url", "time_shift", "send_time"},
		Delimiter: true,
		Class:     Once, Answer: Confirmation, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "broadcast", GoMethod: "Broadcast", Methods: post,
		Params: []string{
			"list", "clients", "platform_ids", "group_id", "message", "message_id", "attachment_type", "attachment_url",
			"buttons", "shift", "time_shift", "send_time",
		},
		Delimiter: true,
		Class:     Once, Answer: Confirmation, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "get_history", GoMethod: "GetHistory", Methods: get, Place: Query,
		Params: []string{"client_id", "limit", "start_date", "stop_date"},
		Class:  Read, Answer: Data, Subject: Client, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "clear_history", GoMethod: "ClearHistory", Methods: get, Place: Query,
		Params: []string{"client_id"},
		Class:  Once, Answer: Acknowledgement, Subject: Client, Permission: ClientsWrite, Evidence: Assumed,
	},
	{
		Name: "assign_to_user", GoMethod: "AssignToUser", Methods: post,
		Params: []string{"client_id", "email"},
		Class:  Once, Answer: Acknowledgement, Subject: Client, Permission: ClientsWrite, Evidence: Assumed,
	},
	{
		Name: "load_clients", GoMethod: "LoadClients", Methods: post, Place: Array,
		Params: []string{"platform_id", "group_id", "client_type"},
		Class:  Idempotent, Answer: Data, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "add_to_list", GoMethod: "AddToList", Methods: post,
		Params: []string{"list_id", "clients"},
		Class:  Once, Answer: Acknowledgement, Permission: ClientsWrite, Evidence: Assumed,
	},
	{
		Name: "remove_from_list", GoMethod: "RemoveFromList", Methods: post,
		Params: []string{"list_id", "clients"},
		Class:  Once, Answer: Acknowledgement, Permission: ClientsWrite, Evidence: Assumed,
	},
	{
		Name: "get_clients", GoMethod: "GetClients", Methods: get, Place: Query,
		Params: []string{"offset", "limit", "list", "reverse"},
		Class:  Read, Answer: Data, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "delete_clients", GoMethod: "DeleteClients", Methods: post,
		Params: []string{"client_ids"},
		Class:  Idempotent, Answer: Acknowledgement, Permission: ClientsDelete, Evidence: Assumed, BatchLimit: 500,
	},
	{
		Name: "save_variables", GoMethod: "SaveVariables", Methods: post,
		Params:    []string{"client_id", "clients", "variables"},
		Delimiter: true,
		Class:     Idempotent, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
	},
	{
		Name: "get_variables", GoMethod: "GetVariables", Methods: get, Place: Query,
		Params: []string{"client_id"},
		Class:  Read, Answer: Flat, Subject: Client, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "find_client_id_by_platform_id", GoMethod: "GetClientsByPlatformID", Methods: post,
		Params: []string{"platform_ids", "group_id"},
		Class:  Read, Answer: Data, Subject: Clients, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "online_chat_client_id", GoMethod: "GetClientIDByOnlineChat", Methods: get, Place: Query,
		Params: []string{"recipient", "name", "tag"},
		Class:  Idempotent, Answer: Data, Subject: Client, Permission: ClientsWrite, Evidence: Documented,
	},
	{
		Name: "whatsapp_client_id", GoMethod: "GetClientIDByWhatsApp", Methods: get, Place: Query,
		Params: []string{"phone", "group_id"},
		Class:  Read, Answer: Data, Subject: Client, PlainNotFound: true, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "find_client_id_by_phone", GoMethod: "GetClientIDByPhone", Methods: get, Place: Query,
		Params: []string{"phone"},
		Class:  Read, Answer: Data, Subject: Client, Permission: ClientsRead, Evidence: Assumed,
	},
	{
		Name: "find_client_id_by_email", GoMethod: "GetClientIDByEmail", Methods: get, Place: Query,
		Params: []string{"email"},
		Class:  Read, Answer: Data, Subject: Client, Permission: ClientsRead, Evidence: Assumed,
	},
	{
		Name: "find_client_id_by_var", GoMethod: "GetClientIDByVariable", Methods: get, Place: Query,
		Params: []string{"var", "val", "group_id", "search_in"},
		Class:  Read, Answer: Data, Subject: Client, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "find_latest_client_id_by_var", GoMethod: "GetLatestClientIDByVariable", Methods: get, Place: Query,
		Params: []string{"var", "val"},
		Class:  Read, Answer: Data, Subject: Client, Permission: ClientsRead, Evidence: Assumed,
	},
	{
		Name: "find_all_client_id_by_var", GoMethod: "GetClientIDsByVariable", Methods: get, Place: Query,
		Params: []string{"var", "val"},
		Class:  Read, Answer: Data, Subject: Clients, Permission: ClientsRead, Evidence: Assumed,
	},
	{
		Name: "find_all_client_id_by_several_vars", GoMethod: "GetClientIDsByVariables", Methods: get, Place: Query,
		Class: Read, Answer: Data, Subject: Clients, Permission: ClientsRead, Evidence: Documented, Extra: true, BatchLimit: 3,
	},
	{
		Name: "find_clients", GoMethod: "FindClients", Methods: post,
		Params: []string{"q", "search_in", "include_all"},
		Class:  Read, Answer: Data, Subject: Clients, Permission: ClientsRead, Evidence: Documented,
	},
	{
		Name: "get_current_order_id", GoMethod: "GetCurrentOrderID", Methods: get, Place: Query,
		Params: []string{"client_id"},
		Class:  Read, Answer: Data, Subject: Client, Permission: CRMRead, Evidence: Documented,
	},
	{
		Name: "get_orders", GoMethod: "GetOrders", Methods: get, Place: Query,
		Params: []string{"client_id", "order_status"},
		Class:  Read, Answer: Data, Subject: Client, Permission: CRMRead, Evidence: Observed,
	},
	{
		Name: "move_order_to_next_state", GoMethod: "MoveOrderToNextState", Methods: post,
		Params: []string{"client_id", "order_id"},
		Class:  Once, Answer: Data, Subject: Client, Permission: CRMWrite, Evidence: Documented,
	},
	{
		Name: "get_order_vars", GoMethod: "GetOrderVariables", Methods: post,
		Params: []string{"client_id", "order_id", "variables"},
		Class:  Read, Answer: Data, Subject: Client, Permission: CRMRead, Evidence: Documented,
	},
	{
		Name: "set_order_vars", GoMethod: "SetOrderVariables", Methods: post,
		Params: []string{"client_id", "order_id", "variables"},
		Class:  Idempotent, Answer: Confirmation, Subject: Client, Permission: CRMWrite, Evidence: Documented,
	},
	{
		Name: "create_order", GoMethod: "CreateOrder", Methods: post,
		Params: []string{"client_id", "phone", "email", "name", "description", "budget", "state_id"},
		Class:  Once, Answer: Data, Subject: Client, Permission: CRMWrite, Evidence: Documented,
	},
	{
		Name: "set_order_state", GoMethod: "SetOrderState", Methods: post,
		Params: []string{"client_id", "state_id"},
		Class:  Once, Answer: Acknowledgement, Subject: Client, Permission: CRMWrite, Evidence: Assumed,
	},
	{
		Name: "get_order_state", GoMethod: "GetOrderState", Methods: get, Place: Query,
		Params: []string{"client_id", "order_id"},
		Class:  Read, Answer: Data, Subject: Client, Permission: CRMRead, Evidence: Observed,
	},
	{
		Name: "check_whatsapp", GoMethod: "CheckWhatsApp", Methods: getPost, Place: Query,
		Params: []string{"phone"},
		Class:  Read, Answer: Data, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "connected_channels", GoMethod: "GetConnectedChannels", Methods: get, Place: Nowhere,
		Class: Read, Answer: Data, Permission: ClientsRead, Evidence: Observed,
	},
	{
		Name: "get_messages", GoMethod: "GetBlocks", Methods: get, Place: Nowhere,
		Class: Read, Answer: Data, Permission: ClientsRead, Evidence: Assumed,
	},
	{
		Name: "subscribers", GoMethod: "GetSubscribers", Methods: get, Place: Query,
		Params: []string{"page", "group"},
		Class:  Read, Answer: Data, Permission: UnknownPermission, Evidence: Documented, Legacy: true,
	},
	{
		Name: "vk_subscribers", GoMethod: "GetVKSubscribers", Methods: get, Place: Query,
		Params: []string{"page", "tag", "group", "date_from", "date_to"},
		Class:  Read, Answer: Data, Permission: UnknownPermission, Evidence: Assumed, Legacy: true,
	},
	{
		Name: "check_insta_subscription", GoMethod: "CheckInstagramSubscription", Methods: getPost, Place: Query,
		Params: []string{"user_name", "login"},
		Class:  Read, Answer: Data, Permission: UnknownPermission, Evidence: Documented, Legacy: true,
	},
}
