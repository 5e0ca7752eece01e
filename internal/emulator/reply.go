package emulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/salebot-go/salebot/internal/wire"
)

const (
	jsonText  = "application/json; charset=utf-8"
	plainText = "text/plain; charset=utf-8"
	pageText  = "text/html; charset=utf-8"
)

// reply is an answer on its way out.
type reply struct {
	status      int
	contentType string
	body        []byte
	// allow lists the HTTP methods that would be taken; "" says nothing of them.
	allow string
	// retryAfter is the header of that name; "" leaves it out.
	retryAfter string
}

// contentTypeOf labels a body that came without a label.
func contentTypeOf(body []byte) string {
	text := wire.Trim(body)
	switch {
	case len(text) == 0:
		return plainText
	case text[0] == '{' || text[0] == '[':
		return jsonText
	case text[0] == '<':
		return pageText
	}
	return plainText
}

func inJSON(body []byte) reply {
	return reply{status: http.StatusOK, contentType: jsonText, body: body}
}

func inJSONText(body string) reply { return inJSON([]byte(body)) }

// object writes a JSON object in the forms that the settings ask for.
type object struct {
	wire.Object
	in *project
}

func (o *object) id(name string, id int64) {
	if o.in.answers.IDs == IDsAsText {
		o.Text(name, strconv.FormatInt(id, 10))
		return
	}
	o.Int(name, id)
}

// idOrNull writes 0, which is not an id, as null.
func (o *object) idOrNull(name string, id int64) {
	if id == 0 {
		o.null(name)
		return
	}
	o.id(name, id)
}

func (o *object) null(name string) { o.Raw(name, []byte("null")) }

func (o *object) textOrNull(name, value string) {
	if value == "" {
		o.null(name)
		return
	}
	o.Text(name, value)
}

// numberIfDigits writes a text of digits as a number.
func (o *object) numberIfDigits(name, value string) {
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
		o.Int(name, n)
		return
	}
	o.Text(name, value)
}

const civilTime = "2006-01-02 15:04:05.000000"

func (o *object) time(name string, form TimeForm, at int64) {
	moment := time.UnixMicro(at)
	switch form {
	case TimesAsUnix:
		o.Int(name, moment.Unix())
	case TimesAsUnixText:
		o.Text(name, strconv.FormatInt(moment.Unix(), 10))
	default:
		o.Text(name, moment.In(o.in.location).Format(civilTime))
	}
}

// clientTime and historyTime differ in their defaults.
func (o *object) clientTime(name string, at int64) { o.time(name, o.in.answers.ClientTimes, at) }

func (o *object) historyTime(name string, at int64) {
	form := o.in.answers.HistoryTimes
	if form == "" {
		form = TimesAsUnix
	}
	o.time(name, form, at)
}

// appendIDs writes a list of ids.
func (p *project) appendIDs(text []byte, ids []int64) []byte {
	text = append(text, '[')
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		if p.answers.IDs == IDsAsText {
			text = append(text, '"')
			text = strconv.AppendInt(text, id, 10)
			text = append(text, '"')
			continue
		}
		text = strconv.AppendInt(text, id, 10)
	}
	return append(text, ']')
}

// success begins the object of a success with data.
func (p *project) success() *object {
	o := &object{in: p}
	o.Text("status", "success")
	return o
}

func (f SuccessForm) reply(fallback SuccessForm) reply {
	if f == "" {
		f = fallback
	}
	switch f {
	case SuccessOK, SuccessTrue, SuccessText:
		return reply{status: http.StatusOK, contentType: plainText, body: []byte(f)}
	case SuccessJSON:
		return inJSONText(`{"status":"success"}`)
	case SuccessOKAsHTML:
		return reply{status: http.StatusOK, contentType: pageText, body: []byte("ok")}
	case SuccessEmpty:
	}
	return reply{status: http.StatusOK, contentType: plainText}
}

func (f NotFoundForm) reply(word string, fallback NotFoundForm) reply {
	if f == "" {
		f = fallback
	}
	if f == NotFoundText {
		return reply{status: http.StatusNotFound, contentType: plainText, body: []byte(word)}
	}
	answer := refusal(word)
	if f == NotFoundJSON {
		answer.status = http.StatusNotFound
	}
	return answer
}

// refusal says no in the status of an object, with 200.
func refusal(word string) reply {
	var o wire.Object
	o.Text("status", word)
	return inJSON(o.Bytes())
}

// The answers that several actions share.

func (p *project) sent() reply { return p.answers.Sends.reply(SuccessOK) }

func (p *project) acknowledged() reply { return p.answers.Acknowledgements.reply(SuccessJSON) }

const clientNotFound = "client_not_found"

func (p *project) noClientToSendTo() reply {
	return p.answers.SendToUnknownClient.reply(clientNotFound, NotFoundText)
}

func (p *project) noClientToRead() reply {
	return p.answers.ReadOfUnknownClient.reply(clientNotFound, NotFoundJSON200)
}

func (p *project) nobodyFound() reply {
	return p.answers.NobodyFound.reply("not_found", NotFoundJSON200)
}

const problemPlace = "{problem}"

// invalid answers a parameter that is missing or wrong.
func (p *project) invalid(problem string) reply {
	answer := p.answers.InvalidParameter.or(http.StatusBadRequest, jsonText, `{"status":"error","message":"`+problemPlace+`"}`)
	return answer.explained(problem)
}

// explained puts an explanation into its place in the body.
func (a reply) explained(problem string) reply {
	// Inside JSON it has to be escaped, but not quoted once more.
	if strings.Contains(a.contentType, "json") {
		quoted := string(wire.AppendText(nil, problem))
		problem = quoted[1 : len(quoted)-1]
	}
	a.body = []byte(strings.ReplaceAll(string(a.body), problemPlace, problem))
	return a
}

func (p *project) required(name string) reply { return p.invalid("parameter " + name + " is required") }
