package emulator

import (
	"bytes"
	_ "embed" // see answersJSON
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// answersJSON is made of the declaration of engine.Answers; see
// TestAnswerSettings.
//
//go:embed answers.json
var answersJSON []byte

// AnswerSetting is one of the settings of engine.Answers.
type AnswerSetting struct {
	// Name is that of a configuration file.
	Name string `json:"name"`
	// Kind is choice, flag, text or reply.
	Kind string `json:"kind"`
	// Values are those of a choice.
	Values []string `json:"values"`
	// Known is what is known of Salebot's own answer.
	Known string `json:"known"`
}

// AnswerSettings returns the settings in the order in which they are declared.
func AnswerSettings() []AnswerSetting {
	var settings []AnswerSetting
	if err := json.Unmarshal(answersJSON, &settings); err != nil {
		panic(err) // the file is part of the program
	}
	return settings
}

// usualAnswers are the defaults, which the engine writes as zero values.
var usualAnswers = engine.Answers{
	Sends: engine.SuccessOK, Acknowledgements: engine.SuccessJSON,
	SendToUnknownClient: engine.NotFoundText, ReadOfUnknownClient: engine.NotFoundJSON200, NobodyFound: engine.NotFoundJSON200,
	IDs: engine.IDsAsNumbers, ClientTimes: engine.TimesAsText, HistoryTimes: engine.TimesAsUnix,
	SubscriberTimes: engine.TimesAsUnix, LatestClient: engine.LatestClientLatestClientID,
	CallbacksByPlatformID: engine.CallbacksAsCount, RetryAfter: engine.RetryAfterSeconds,
	OrderList: engine.OrderListResult, Values: engine.ValuesAsText, UnsetValue: "None",
	NoAttachments: engine.NoAttachmentsObject, CallbackWithoutMessage: engine.EmptyCallbacksAccepted,
	UnknownUsers: engine.UsersCreated, UnknownGroups: engine.GroupsAccepted, BroadcastWithoutAudience: engine.AudienceNobody,
	MissingPermission: engine.Reply{Status: http.StatusForbidden, Body: "WRONG_ACTION", ContentType: plainText},
	UnknownKey:        engine.Reply{Status: http.StatusUnauthorized, Body: "unknown api_key", ContentType: plainText},
	UnknownAction:     engine.Reply{Status: http.StatusNotFound, Body: "{problem}", ContentType: plainText},
	TooManyRequests:   engine.Reply{Status: http.StatusTooManyRequests, Body: "too many requests", ContentType: plainText},
	WrongMethod:       engine.Reply{Status: http.StatusMethodNotAllowed, Body: "method not allowed", ContentType: plainText},
	Unreadable: engine.Reply{
		Status: http.StatusBadRequest, Body: `{"status":"error","message":"the body cannot be read"}`, ContentType: jsonText,
	},
	InvalidParameter: engine.Reply{
		Status: http.StatusBadRequest, Body: `{"status":"error","message":"{problem}"}`, ContentType: jsonText,
	},
}

// UsualAnswers are the defaults of all settings that have one.
func UsualAnswers() engine.Answers { return usualAnswers }

const (
	plainText = "text/plain; charset=utf-8"
	jsonText  = "application/json; charset=utf-8"
)

// answerShape is a setting with its value.
type answerShape struct {
	AnswerSetting
	Default any `json:"default"`
	// Value is what holds now: the default where nothing else was set. Of a reply it
	// has only what was set.
	Value any `json:"value"`
	// Changed says that something else than the default was set.
	Changed bool `json:"changed"`
}

// valuesOf returns the settings by their names.
func valuesOf(answers engine.Answers) map[string]any {
	values := map[string]any{}
	for field, value := range reflect.ValueOf(answers).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		values[name] = value.Interface()
	}
	return values
}

func (c *control) listAnswers(*call) (any, error) {
	shape := struct {
		Answers []answerShape `json:"answers"`
	}{}
	usual, now := valuesOf(usualAnswers), valuesOf(c.Answers())
	for _, setting := range AnswerSettings() {
		one := answerShape{AnswerSetting: setting, Default: usual[setting.Name], Value: now[setting.Name]}
		set := !reflect.ValueOf(one.Value).IsZero()
		one.Changed = set && one.Value != one.Default
		if !set && setting.Kind != kindReply {
			one.Value = one.Default
		}
		shape.Answers = append(shape.Answers, one)
	}
	return shape, nil
}

const kindReply = "reply"

// changeAnswers sets the named settings and leaves the others as they are; null
// returns one to its default.
func (c *control) changeAnswers(r *call) (any, error) {
	var wanted struct {
		Answers map[string]json.RawMessage `json:"answers"`
	}
	if err := r.read(&wanted); err != nil {
		return nil, err
	}
	c.settings.Lock()
	defer c.settings.Unlock()
	values := valuesOf(c.Answers())
	for name, value := range wanted.Answers {
		if string(value) == "null" {
			delete(values, name)
		} else {
			values[name] = value
		}
	}
	text, err := json.Marshal(values)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var answers engine.Answers
	if err := decoder.Decode(&answers); err != nil {
		if kind, isKind := errors.AsType[*json.UnmarshalTypeError](err); isKind {
			kind.Offset = 0 // it is not that of the body
		}
		return nil, unreadable(err)
	}
	if err := c.SetAnswers(answers); err != nil {
		// Without the name of the Go package, which says nothing to a person.
		return nil, badRequest("%v", err)
	}
	return c.listAnswers(r)
}
