// The remarks of the emulator about requests in the language of the page. They come
// in English; %s, %d and %v stand for what differs from one to the next.
import { currentLanguage } from "./words.js";

const russian = {
  "the address is not of the form /api/{api_key}/{action}": "адрес не вида /api/{api_key}/{action}",
  "the body is too large to be remembered": "тело слишком велико, чтобы его хранить",
  "there would be more remarks than these": "замечаний больше, чем показано",
  "there is no action %s": "действия %s нет",
  "there is no action %s; did you mean %s?": "действия %s нет; может быть, %s?",
  "%s takes %s": "%s вызывается методом %s",
  "the setting any_method lets every action be called by GET and by POST": "с настройкой any_method любое действие можно вызывать и через GET, и через POST",
  "state_id %d is no state of the project; its states are %s": "состояния %d в проекте нет; есть %s",
  "%s %s is not a connected channel; did you mean %s?": "%s: %s не подключён; может быть, %s?",
  "%s %s is not a connected channel of %s": "%s: %s не подключён в %s",
  "group_id %s is not a connected channel; did you mean %s?": "group_id: %s не подключён; может быть, %s?",
  "what is no valid Unicode was replaced by U+FFFD": "то, что не является Юникодом, заменено на U+FFFD",
  "%s is %s, a placeholder that was not filled in": "%s равно %s: вместо этого должно было подставиться значение",
  "%s is no parameter of %s; it has none": "%s: такого параметра у %s нет, у него их вообще нет",
  "%s is no parameter of %s; known are %s": "%s: такого параметра у %s нет; есть %s",
  "%s are no parameters of %s; it has none": "%s: таких параметров у %s нет, у него их вообще нет",
  "%s are no parameters of %s; known are %s": "%s: таких параметров у %s нет; есть %s",
  "%s: left out, because not a whole number: %s": "%s: пропущено, потому что это не целое число: %s",
  "%s: left out, because no client has the number: %s": "%s: пропущено, потому что нет клиента с таким номером: %s",
  "%s: left out, because no client has the id: %s": "%s: пропущено, потому что нет клиента с таким id: %s",
  "parameters after the first %d were left out": "параметры после первых %d пропущены",
  "only & separates parameters: the ; is part of the value of %s": "параметры разделяет только &: знак ; стал частью значения %s",
  "%s has a % that begins no escape; it is kept, and should be written as %25": "в %s есть %, за которым не следует код; он оставлен, а писать его надо как %25",
  "%s is there more than once; the first value counts": "%s встречается несколько раз; действует первое значение",
  "%s is there more than once; the last value counts": "%s встречается несколько раз; действует последнее значение",
  "the Content-Type %s does not fit the body, which was read as what it looks like": "Content-Type %s не подходит к телу; оно прочитано так, как выглядит",
  "the body looks like gzip, and no Content-Encoding says so; send it uncompressed": "тело похоже на gzip, но Content-Encoding этого не говорит; отправляйте его несжатым",
  "the body is compressed, by its Content-Encoding %s, which is not undone; send it uncompressed": "тело сжато (Content-Encoding %s) и не распаковывается; отправляйте его несжатым",
  "the JSON breaks off after %d bytes; a Content-Length has to count bytes, of which a Cyrillic letter has two": "JSON обрывается после %d байт; Content-Length считает байты, а в кириллической букве их два",
  "the body consists of parts, but the Content-Type names no boundary that fits; leave that header to what makes the parts": "тело состоит из частей, но Content-Type не называет подходящей границы; пусть этот заголовок ставит тот, кто делает части",
  "there seems to be a placeholder in the body that was not filled in": "похоже, в тело не подставилось значение",
  "%s: there is nothing at %s": "%s: по пути %s ничего нет",
  "client_id is Salebot's number of a client; %d is the platform_id of client %d": "client_id — это номер клиента в Salebot; %d — это platform_id клиента %d",
  "the callback has no message, so no block reacts to it": "у колбэка нет message, поэтому ни один блок на него не сработает",
  "%s is %s, which is what a variable without a value holds": "%s равно %s: так выглядит переменная без значения",
  "limit %d is more than %s returns at once; it counts as %d": "limit %d больше, чем %s отдаёт за раз; считается как %d",
  "the reference has a bare JSON array of clients as the body; whether Salebot takes anything else is not known": "в документации тело — просто JSON-массив клиентов; принимает ли Salebot что-то ещё, неизвестно",
  "the buttons were not understood": "кнопки не поняты",
  "buttons in the message and on the keyboard are mixed": "кнопки в сообщении и на клавиатуре смешаны",
  "attachment_type %s is no type of the reference, which has %s": "attachment_type %s в документации нет; есть %s",
  "nobody was ever added to list %d": "в список %d никого не добавляли",
  "platform_ids without group_id reach nobody": "platform_ids без group_id никому не дойдут",
  "a broadcast without an audience reaches nobody": "рассылка без получателей никому не дойдёт",
  "time_shift is negative, which means at once": "time_shift отрицателен, то есть сразу",
  "send_time %s is in the past, which means at once; it is now %s in the time zone %s of the project": "send_time %s уже прошло, то есть сразу; сейчас %s в часовом поясе проекта %s",
  "the body is larger than the limit": "тело больше допустимого",
  "the body is neither JSON nor a form": "тело — не JSON и не форма",
};

const escapedText = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// The longer ones first: they say more than those that they begin with.
const patterns = Object.entries(russian).sort(([a], [b]) => b.length - a.length).map(([english, text]) => ({
  pattern: new RegExp("^" + escapedText(english).replace(/%[sdv](?!\w)/g, "(.*?)") + "$", "s"), text,
}));

/** Returns a remark in the language of the page. */
export function remark(english) {
  if (currentLanguage() !== "ru") return english;
  for (const { pattern, text } of patterns) {
    const match = english.match(pattern);
    if (!match) continue;
    let next = 1;
    return text.replace(/%[sdv](?!\w)/g, () => match[next++].replace(/ and (\d+) more$/, " и ещё $1"));
  }
  return english;
}
