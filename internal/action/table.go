package action

import "net/http"

var (
	post    = []string{http.MethodPost}
	get     = []string{http.MethodGet}
	postGet = []string{http.MethodPost, http.MethodGet}
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
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
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
		Name: "send_callback_by_platform_id", GoMethod: "SendCallbackByPlatformID", Methods: post,
		Params: []string{"platform_ids", "callback_text", "group_id", "time_shift", "send_time"},
		Class:  Once, Answer: Acknowledgement, Permission: ClientsWrite, Evidence: Assumed, BatchLimit: 300,
	},
	{
		Name: "email_callback", GoMethod: "EmailCallback", Methods: post,
		Params: []string{"email", "email_id_bot", "name", "message", "resume_bot", "time_shift", "send_time"},
		Extra:  true, Delimiter: true,
		Class: Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
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
		Class:     Once, Answer: Confirmation, Subject: Client, Permission: ClientsWrite, Evidence: Observed,
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
		Name: "load_clients", GoMethod: "LoadClients", Methods: post, Place: Array,
		Params: []string{"platform_id", "group_id", "client_type"},
		Class:  Idempotent, Answer: Data, Permission: ClientsWrite, Evidence: Observed,
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
		Name: "connected_channels", GoMethod: "GetConnectedChannels", Methods: get, Place: Nowhere,
		Class: Read, Answer: Data, Permission: ClientsRead, Evidence: Observed,
	},
}
