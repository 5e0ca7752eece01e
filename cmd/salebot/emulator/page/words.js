// The words of the page in its two languages.

const words = {
  en: {
    skip: "Go to the message field", skip_to_chats: "Go to the chats",
    emulator: "emulator",
    language: "Language", colors: "Colors",
    theme_auto: "System", theme_light: "Light", theme_dark: "Dark",
    live: "Live", reconnecting: "No connection, trying again…",
    chats: "Chats", conversation: "Conversation", tools: "Tools", views: "Views",
    new_client: "New client", search: "Search by name or number", all_messengers: "All messengers", messenger: "Messenger",
    name: "Name", platform_id: "Id in the messenger", bot: "Bot", made_up: "made up", first_channel: "the connected one",
    cancel: "Cancel", create: "Create",
    send: "Send", write_as_client: "Write as the client", newest: "New messages ↓", older: "Show older",
    bounded: { one: "Only the latest message is kept (max_messages).", other: "Only the latest {n} messages are kept (max_messages)." },
    tab_client: "Client", tab_requests: "Requests", tab_webhook: "Webhook", tab_faults: "Faults", tab_answers: "Answers", tab_time: "Time",
    no_chats_title: "Nobody is here yet",
    no_chats: "A chat begins when a program loads a client or starts a bot through the API. Try it in a terminal, after the export line of the key that the emulator printed, or with your own key in SALEBOT_API_KEY:",
    no_chats_or: "Or make a client here:",
    nothing_found: "No chat matches.",
    clear_search: "Show all chats",
    choose_chat: "Choose a chat to see its conversation.",
    client_gone: "Client {id} does not exist any more: it was deleted, or the project began anew.", client_unknown: "There is no client {id}.",
    no_messages: "No messages yet. Write below as the client, or send a message through the API:",
    copy: "Copy", copied: "Copied",
    from_client: "client", from_flow: "flow", from_api: "API", from_employee: "employee", from_callback: "callback",
    from_crm: "CRM", from_telephony: "telephony",
    callback_hidden: "the person does not see it",
    block: "block {id}",
    delivered: "delivered", not_delivered: "not delivered: {error}",
    hint: "Without buttons: {hint}",
    opens: "opens outside the conversation",
    contact: "Contact: {phone}", contact_short: "contact",
    image: "image", video: "video", audio: "audio", file: "file", link: "link",
    choose_client: "Choose a chat to see the client's variables and deals.",
    client_id: "Client id (client_id)", group_id: "Bot (group_id)", created: "Created", employee: "Employee", lists: "Lists", tag: "Tag",
    current_block: "Block of the flow",
    client_variables: "Variables of the client", deal_variables: "Variables of the deal", no_variables: "None yet. save_variables sets them.",
    deals: "Deals", no_deals: "None yet. create_order makes one.",
    deal_0: "active", deal_1: "successful", deal_2: "failed",
    budget: "Budget", state: "State",
    reachable: "Messages reach the client", bot_runs: "The bot answers the client",
    blocked_by_person: "Forbidden: bot was blocked by the user",
    no_requests: "No requests yet. The first one:",
    arrived: "What arrived", understood: "How it was understood", answered: "What was answered", again: "The same with curl",
    empty_body: "(empty)", binary: "{n} bytes that are no text",
    key_used: "Key: {key}", no_answer: "no answer", unknown_action: "The API has no such action.",
    no_action: "wrong address", no_action_about: "Mostly the base URL ends in a slash too many, or the key is missing. The address is not shown, because the key may stand anywhere in it.",
    fault_was: "Made to go wrong: {what}", remark: "Remark: {text}",
    all_actions: "All actions", action: "Action",
    webhook_url: "Address that gets every message", webhook_off: "No webhook is set. Every message, in and out, is posted to the address that you give here:",
    resend: "Repeat deliveries", resend_none: "never (as documented)", resend_5xx: "after 5xx", resend_failed: "after every failure",
    save: "Save", saved: "Saved",
    no_deliveries: "No deliveries yet. Write as a client, or send a message through the API.",
    redeliver: "Deliver again", waiting: "waits", attempt: "Attempt {n}", body: "Body", about_message: "message {id}",
    faults_for: "For", all_requests: "all requests",
    fault_503: "503 and nothing is done", fault_502: "Gateway page (502), although it was done", fault_429: "Too many requests (429), wait 5 s",
    fault_slow: "Answer after 3 s", fault_before: "Connection cut before anything is done", fault_after: "Connection cut after it was done",
    fault_during: "Connection cut in the middle of the answer", fault_truncated: "Half of the answer", fault_inside: "200 with a failure inside",
    fault_permission: "No permission (WRONG_ACTION)", fault_waits: "waits for those before it",
    only_next: "only for the next request",
    active_faults: "Active faults", remove: "Remove", remove_all: "Remove all", no_faults: "Everything goes well.",
    faults_active: { one: "{n} fault is active", other: "{n} faults are active" },
    times_left: { one: "{n} time left", other: "{n} times left" }, always: "always",
    answers_about: "What the emulator says where nobody knows for certain what Salebot says. A change holds at once, for every request, until the emulator stops.",
    answers_reset: "Return all to their defaults", answers_keep: "Keep it: for the configuration file (--config)",
    answers_unchanged: "Nothing is changed",
    answers_changed: { one: "{n} is changed", other: "{n} are changed" },
    answers_forms: "Forms and rules", answers_errors: "Refusals",
    answers_errors_about: "What is left empty is the default, which stands there in gray. A body that has to be empty is written as a space.",
    answer_default: "default", answer_default_of: "Return {name} to its default", answer_is_changed: "changed", answer_usual: "default",
    reply_status: "HTTP status", reply_content_type: "Content-Type", reply_body: "Body",
    now: "Emulator's time", zone: "Time zone of the project: {zone}", forward: "Put the clock forward", to_next: "to the next send",
    minute: "+1 min", hour: "+1 h", day: "+1 day", scheduled: "Waiting for their time", nothing_scheduled: "Nothing waits. Sends with time_shift or send_time appear here.",
    and_more: "and {n} more",
    project_state: "State of the project", download: "Download a snapshot", upload: "Load a snapshot", reset: "Begin anew",
    reset_sure: "Forget all clients, messages and logs, and return to the seed file?",
    save_state: "Save to the state file", state_saved: "Saved", docs: "Control API (OpenAPI)",
    failed: "It did not work: {error}", offline: "the emulator does not answer",
    clients_total: { one: "{n} client", other: "{n} clients" },
    messages_total: { one: "{n} message", other: "{n} messages" },
  },
  ru: {
    skip: "К полю сообщения", skip_to_chats: "К чатам",
    emulator: "эмулятор",
    language: "Язык", colors: "Цвета",
    theme_auto: "Система", theme_light: "Светлые", theme_dark: "Тёмные",
    live: "На связи", reconnecting: "Нет связи, пробуем снова…",
    chats: "Чаты", conversation: "Диалог", tools: "Инструменты", views: "Разделы",
    new_client: "Новый клиент", search: "Поиск по имени или номеру", all_messengers: "Все мессенджеры", messenger: "Мессенджер",
    name: "Имя", platform_id: "Id в мессенджере", bot: "Бот", made_up: "будет придуман", first_channel: "подключённый",
    cancel: "Отмена", create: "Создать",
    send: "Отправить", write_as_client: "Написать от имени клиента", newest: "Новые сообщения ↓", older: "Показать раньше",
    bounded: {
      one: "Хранится только {n} последнее сообщение (max_messages).", few: "Хранятся только {n} последних сообщения (max_messages).",
      many: "Хранятся только {n} последних сообщений (max_messages).", other: "Хранятся только {n} последних сообщения (max_messages).",
    },
    tab_client: "Клиент", tab_requests: "Запросы", tab_webhook: "Вебхук", tab_faults: "Сбои", tab_answers: "Ответы", tab_time: "Время",
    no_chats_title: "Здесь пока никого нет",
    no_chats: "Чат появится, когда программа загрузит клиента или запустит бота через API. Попробуйте в терминале: сначала строка export с ключом, которую напечатал эмулятор, или ваш ключ в SALEBOT_API_KEY:",
    no_chats_or: "Или создайте клиента здесь:",
    nothing_found: "Подходящих чатов нет.",
    clear_search: "Показать все чаты",
    choose_chat: "Выберите чат, чтобы увидеть диалог.",
    client_gone: "Клиента {id} больше нет: его удалили, или проект начат заново.", client_unknown: "Клиента {id} нет.",
    no_messages: "Сообщений пока нет. Напишите ниже от имени клиента или отправьте сообщение через API:",
    copy: "Копировать", copied: "Скопировано",
    from_client: "клиент", from_flow: "схема", from_api: "API", from_employee: "сотрудник", from_callback: "колбэк",
    from_crm: "CRM", from_telephony: "телефония",
    callback_hidden: "человек его не видит",
    block: "блок {id}",
    delivered: "доставлено", not_delivered: "не доставлено: {error}",
    hint: "Без кнопок: {hint}",
    opens: "открывается вне диалога",
    contact: "Контакт: {phone}", contact_short: "контакт",
    image: "картинка", video: "видео", audio: "аудио", file: "файл", link: "ссылка",
    choose_client: "Выберите чат, чтобы увидеть переменные и сделки клиента.",
    client_id: "Номер клиента (client_id)", group_id: "Бот (group_id)", created: "Создан", employee: "Сотрудник", lists: "Списки", tag: "Метка",
    current_block: "Блок схемы",
    client_variables: "Переменные клиента", deal_variables: "Переменные сделки", no_variables: "Пока нет. Их задаёт save_variables.",
    deals: "Сделки", no_deals: "Пока нет. Сделку создаёт create_order.",
    deal_0: "активна", deal_1: "успешна", deal_2: "провалена",
    budget: "Бюджет", state: "Состояние",
    reachable: "Сообщения доходят до клиента", bot_runs: "Бот отвечает клиенту",
    blocked_by_person: "Forbidden: bot was blocked by the user",
    no_requests: "Запросов пока нет. Первый:",
    arrived: "Что пришло", understood: "Как это понято", answered: "Что отвечено", again: "То же через curl",
    empty_body: "(пусто)", binary: "{n} байт, это не текст",
    key_used: "Ключ: {key}", no_answer: "нет ответа", unknown_action: "Такого действия в API нет.",
    no_action: "неверный адрес", no_action_about: "Чаще всего в базовом адресе лишняя косая черта в конце или нет ключа. Сам адрес не показан: ключ может стоять в нём где угодно.",
    fault_was: "Устроенный сбой: {what}", remark: "Замечание: {text}",
    all_actions: "Все действия", action: "Действие",
    webhook_url: "Адрес, куда приходит каждое сообщение", webhook_off: "Вебхук не задан. Каждое сообщение, входящее и исходящее, отправляется на адрес, который вы укажете здесь:",
    resend: "Повторять доставку", resend_none: "никогда (как в документации)", resend_5xx: "после 5xx", resend_failed: "после любой неудачи",
    save: "Сохранить", saved: "Сохранено",
    no_deliveries: "Доставок пока нет. Напишите от имени клиента или отправьте сообщение через API.",
    redeliver: "Доставить снова", waiting: "ждёт", attempt: "Попытка {n}", body: "Тело", about_message: "сообщение {id}",
    faults_for: "Для", all_requests: "всех запросов",
    fault_503: "503, и ничего не сделано", fault_502: "Страница шлюза (502), хотя всё сделано", fault_429: "Слишком много запросов (429), ждать 5 с",
    fault_slow: "Ответ через 3 с", fault_before: "Обрыв связи до выполнения", fault_after: "Обрыв связи после выполнения",
    fault_during: "Обрыв связи посреди ответа", fault_truncated: "Половина ответа", fault_inside: "200 с ошибкой внутри",
    fault_permission: "Нет разрешения (WRONG_ACTION)", fault_waits: "ждёт тех, что раньше",
    only_next: "только для следующего запроса",
    active_faults: "Действующие сбои", remove: "Убрать", remove_all: "Убрать все", no_faults: "Всё идёт хорошо.",
    faults_active: { one: "действует {n} сбой", few: "действует {n} сбоя", many: "действует {n} сбоев", other: "действует {n} сбоя" },
    times_left: { one: "ещё {n} раз", few: "ещё {n} раза", many: "ещё {n} раз", other: "ещё {n} раза" }, always: "всегда",
    answers_about: "Что отвечает эмулятор там, где никто точно не знает ответа Salebot. Изменение действует сразу, для всех запросов, пока эмулятор не остановлен.",
    answers_reset: "Вернуть всё по умолчанию", answers_keep: "Сохранить: для файла настроек (--config)",
    answers_unchanged: "Ничего не изменено",
    answers_changed: { one: "изменена {n} настройка", few: "изменены {n} настройки", many: "изменено {n} настроек", other: "изменено {n} настройки" },
    answers_forms: "Вид ответов и правила", answers_errors: "Отказы",
    answers_errors_about: "Пустое поле означает значение по умолчанию, оно показано серым. Пустое тело записывается пробелом.",
    answer_default: "по умолчанию", answer_default_of: "Вернуть {name} по умолчанию", answer_is_changed: "изменено", answer_usual: "по умолчанию",
    reply_status: "Код HTTP", reply_content_type: "Content-Type", reply_body: "Тело",
    now: "Время эмулятора", zone: "Часовой пояс проекта: {zone}", forward: "Перевести часы вперёд", to_next: "до ближайшей отправки",
    minute: "+1 мин", hour: "+1 ч", day: "+1 день", scheduled: "Ждут своего времени", nothing_scheduled: "Ничего не ждёт. Здесь появляются отправки с time_shift или send_time.",
    and_more: "и ещё {n}",
    project_state: "Состояние проекта", download: "Скачать снимок", upload: "Загрузить снимок", reset: "Начать заново",
    reset_sure: "Забыть всех клиентов, сообщения и журналы и вернуться к начальному файлу?",
    save_state: "Сохранить в файл состояния", state_saved: "Сохранено", docs: "API управления (OpenAPI)",
    failed: "Не получилось: {error}", offline: "эмулятор не отвечает",
    clients_total: { one: "{n} клиент", few: "{n} клиента", many: "{n} клиентов", other: "{n} клиента" },
    messages_total: { one: "{n} сообщение", few: "{n} сообщения", many: "{n} сообщений", other: "{n} сообщения" },
  },
};

let language = "en";
let plural = new Intl.PluralRules("en");
const listeners = [];

/** The languages that the page speaks. */
export const languages = Object.keys(words);

/** Returns the language that the page speaks now. */
export const currentLanguage = () => language;

/** Returns a word or a sentence, with values put into its {places}. A value n
 * chooses between singular and plural. */
export function t(name, values) {
  let text = words[language][name] ?? words.en[name] ?? name;
  if (typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (place, key) => (values && key in values ? numbered(values[key]) : place));
}

const numbered = (value) => (typeof value === "number" ? value.toLocaleString(language) : String(value));

/** Calls a function whenever the language changes. */
export const onLanguage = (run) => listeners.push(run);

/** Lets the page speak another language. */
export function speak(wanted) {
  language = words[wanted] ? wanted : "en";
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  for (const run of listeners) run();
}

/** Returns the names of all words in a language, for tests. */
export const wordsOf = (of) => Object.keys(words[of]);
