package probe

import (
	"strings"
	"unicode"

	"github.com/salebot-go/salebot/internal/action"
	"github.com/salebot-go/salebot/internal/secret"
)

// What may be shown of an answer. All else is someone's, and only its kind is shown.

// knownNames are the names of members that the answers of Salebot are known to have, and
// those that failures of other programs have.
var knownNames = setOf(`
	account_id answer answered attachments avatar callback_sended client client_id client_ids client_replica client_type
	clients code condition created_at custom_answer data delivered description detail details enabled error error_code
	error_message errors exists fail failed group group_id id internal_id is_follower is_input items latest_client_id list lists manager_email manager_id message
	message_from_outside message_id message_type messages name ok operator_start_dialog order_id order_variables orders
	platform_id project_id real_name reason recepient result short_name state_id status success tag text tg_id title type unread_count
	updated_at uri url user username variables
	avito cian discord email facebook instagram jivosite max odnoklassniki online_chat talkme telegram
	telegram_account telegram_business telephony tiktok viber vk vkontakte whatsapp yula
`)

// knownName is a name that is known, "" if it is not. The key of an emulator may be a usual
// word, which was then taken out of the name.
func knownName(name string) string {
	if knownNames[name] {
		return name
	}
	before, after, taken := strings.Cut(name, secret.Redacted)
	for known := range knownNames {
		if taken && len(known) > len(before)+len(after) && strings.HasPrefix(known, before) && strings.HasSuffix(known, after) {
			return known
		}
	}
	return ""
}

// unsetWords are what a variable without a value holds.
var unsetWords = []string{"None", "NONE", "none", "null", "NULL", "undefined"}

// wordsOfStatus are the values of status that are known.
var wordsOfStatus = setOf(`
	success ok true done accepted fail failed error client_not_found not_found order_not_found group_not_found forbidden
	unauthorized WRONG_ACTION
`)

// programWords are the words that programs use in failures.
var programWords = setOf(`
	a accepted access action actions again allowed an and any api are argument array bad be body bot by call callback cannot client
	clients code could credentials denied does email empty entity error exceeded exist expected expired fail failed field for
	forbidden format found gateway get group has have id ids in internal invalid is it json key large later limit limited list
	malformed many message method missing must name nginx no not null number object of ok on one only or order parameter parameters
	parse param params permission permissions phone platform post project query quota rate read reached request requested requests
	required resource rights route scope seconds server service slow status string success supported syntax text the this time timeout to
	token too true try type unable unauthorized unavailable unexpected unknown unprocessable unreadable unsupported url user val value var
	variable variables was were with without wrong you your wrong_action client_not_found not_found api_key client_id
	доступ доступа ключ метод неверный неизвестный нет не найден найдена найдено клиент параметр проект ошибка запрос запрещен
	запросов слишком много обязательный
`)

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// longestWords bounds a text that is shown.
const longestWords = 120

// isOfProgram reports whether all words of a text are those of a program.
func isOfProgram(text string) bool {
	if len(text) > longestWords {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`.,:;!?'"()`, r) })
	for _, word := range words {
		if !programWords[word] && action.Lookup(word) == nil {
			return false
		}
	}
	return len(words) > 0
}

// shownTypes are the types of content that are shown; others are "other".
var shownTypes = setOf("application/json text/plain text/html application/xml text/xml application/problem+json application/octet-stream")
