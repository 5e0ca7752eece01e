package settings

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	engine "github.com/salebot-go/salebot/internal/emulator"
)

// Config is what a configuration file says. All of it is optional.
type Config struct {
	// Answers say how the emulator answers where the evidence about Salebot is
	// silent or split.
	Answers engine.Answers `json:"answers,omitzero"`
	// TimeZone is the project's, such as Europe/Moscow; empty means UTC.
	TimeZone string `json:"time_zone,omitempty"`
	// Keys are API keys besides the main one, each with its permissions.
	Keys []engine.Key `json:"keys,omitempty"`
	// Webhook says how deliveries are made.
	Webhook Webhook `json:"webhook,omitzero"`
	// BroadcastPace is the time between two messages of a broadcast.
	BroadcastPace *Duration `json:"broadcast_pace,omitempty"`
	// CORS is the origin whose pages may call the API; "*" means all of them.
	CORS string `json:"cors,omitempty"`
	// AllowedHosts are further names under which the page and the control API may
	// be opened, besides localhost and addresses in digits.
	AllowedHosts []string `json:"allowed_hosts,omitempty"`
	// MaxLogEntries is how many requests and deliveries are remembered.
	MaxLogEntries *int `json:"max_log_entries,omitempty"`
	// MaxMessages is how many messages of each conversation are kept; 0 keeps all.
	MaxMessages *int `json:"max_messages,omitempty"`
	// MaxBodySize bounds the body of a request, in bytes.
	MaxBodySize *int64 `json:"max_body_size,omitempty"`
}

// Webhook says where the project's webhook is and how deliveries are made; see
// engine.Webhook, whose durations are written here as text.
type Webhook struct {
	URL              string                 `json:"url,omitempty"`
	Header           map[string]string      `json:"header,omitempty"`
	Events           []engine.EventKind     `json:"events,omitempty"`
	Further          []Receiver             `json:"further,omitempty"`
	Resend           engine.ResendRule      `json:"resend,omitempty"`
	Attempts         int                    `json:"attempts,omitempty"`
	RetryDelay       Duration               `json:"retry_delay,omitempty"`
	Timeout          Duration               `json:"timeout,omitempty"`
	Delay            Duration               `json:"delay,omitempty"`
	Duplicates       int                    `json:"duplicates,omitempty"`
	Reorder          bool                   `json:"reorder,omitempty"`
	Parallel         int                    `json:"parallel,omitempty"`
	WithoutCallbacks bool                   `json:"without_callbacks,omitempty"`
	Attachments      engine.AttachmentsForm `json:"attachments,omitempty"`
}

// Receiver is a further receiver; see engine.Receiver.
type Receiver struct {
	URL    string             `json:"url"`
	Header map[string]string  `json:"header,omitempty"`
	Events []engine.EventKind `json:"events,omitempty"`
}

// headerOf is a header of a file as a request has it.
func headerOf(written map[string]string) http.Header {
	var header http.Header
	for name, value := range written {
		if header == nil {
			header = http.Header{}
		}
		header.Set(name, value)
	}
	return header
}

func writtenHeader(header http.Header) map[string]string {
	var written map[string]string
	for name := range header {
		if written == nil {
			written = map[string]string{}
		}
		written[name] = header.Get(name)
	}
	return written
}

// Emulated returns the webhook in the form of the emulator.
func (w Webhook) Emulated() engine.Webhook {
	var further []engine.Receiver
	for _, r := range w.Further {
		further = append(further, engine.Receiver{URL: r.URL, Header: headerOf(r.Header), Events: r.Events})
	}
	return engine.Webhook{
		URL: w.URL, Header: headerOf(w.Header), Events: w.Events, Further: further, Resend: w.Resend, Attempts: w.Attempts,
		RetryDelay: time.Duration(w.RetryDelay), Timeout: time.Duration(w.Timeout), Delay: time.Duration(w.Delay),
		Duplicates: w.Duplicates, Reorder: w.Reorder, Parallel: w.Parallel,
		WithoutCallbacks: w.WithoutCallbacks, Attachments: w.Attachments,
	}
}

// Shown returns the emulator's webhook in the form of this package.
func Shown(w engine.Webhook) Webhook {
	shown := Webhook{
		URL: w.URL, Header: writtenHeader(w.Header), Events: w.Events, Resend: w.Resend, Attempts: w.Attempts,
		RetryDelay: Duration(w.RetryDelay), Timeout: Duration(w.Timeout), Delay: Duration(w.Delay),
		Duplicates: w.Duplicates, Reorder: w.Reorder, Parallel: w.Parallel,
		WithoutCallbacks: w.WithoutCallbacks, Attachments: w.Attachments,
	}
	for _, r := range w.Further {
		shown.Further = append(shown.Further, Receiver{URL: r.URL, Header: writtenHeader(r.Header), Events: r.Events})
	}
	return shown
}

// Duration is a time in files and in the control API.
type Duration = engine.Duration

// LoadConfig reads a configuration file.
func LoadConfig(path string) (Config, error) {
	var config Config
	if _, err := decodeFile(path, &config); err != nil {
		return Config{}, err
	}
	if err := config.validate(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return config, nil
}

// AnswersFile is what a file for --answers says, such as salebot probe writes.
type AnswersFile struct {
	// Answers are all settings of answers.
	Answers engine.Answers `json:"answers,omitzero"`
	// Webhook says what is delivered again.
	Webhook struct {
		Resend engine.ResendRule `json:"resend,omitempty"`
	} `json:"webhook,omitzero"`
}

// LoadAnswers reads a file for --answers.
func LoadAnswers(path string) (AnswersFile, error) {
	var file AnswersFile
	if _, err := decodeFile(path, &file); err != nil {
		return file, err
	}
	if err := errors.Join(file.Answers.Validate(), engine.Webhook{Resend: file.Webhook.Resend}.Validate()); err != nil {
		return file, fmt.Errorf("%s: %w", path, err)
	}
	return file, nil
}

func (c *Config) validate() error {
	_, badZone := time.LoadLocation(c.TimeZone)
	return errors.Join(c.Answers.Validate(), c.Webhook.Emulated().Validate(), badZone)
}

// Options returns the settings as options of an emulator. Keys and the webhook
// are not among them, since the command line has a say in those.
func (c *Config) Options() ([]engine.Option, error) {
	location, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return nil, err
	}
	options := []engine.Option{
		engine.WithAnswers(c.Answers), engine.WithLocation(location), engine.WithCORS(c.CORS),
	}
	if c.BroadcastPace != nil {
		options = append(options, engine.WithBroadcastPace(time.Duration(*c.BroadcastPace)))
	}
	if c.MaxLogEntries != nil {
		options = append(options, engine.WithMaxLogEntries(*c.MaxLogEntries))
	}
	if c.MaxMessages != nil {
		options = append(options, engine.WithMaxMessages(*c.MaxMessages))
	}
	if c.MaxBodySize != nil {
		options = append(options, engine.WithMaxBodySize(*c.MaxBodySize))
	}
	return options, nil
}

// LoadSeed reads a file with the project to begin with, and checks it.
func LoadSeed(path string) (engine.Project, error) {
	var project engine.Project
	text, err := decodeFile(path, &project)
	if err != nil {
		return project, err
	}
	return project, located(path, text, project.Validate())
}
