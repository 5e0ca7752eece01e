package probe

import "github.com/salebot-go/salebot"

// Report is what a probe found out. No value of an answer is in it.
type Report struct {
	// Format is the form of this report.
	Format string `json:"format"`
	// Version is that of the SDK.
	Version string `json:"version"`
	// Parts are what was asked: reads, and what was asked for besides.
	Parts []Part `json:"parts"`
	// Requests counts the requests.
	Requests int `json:"requests"`
	// Actions are all actions, in the order of the reference.
	Actions []Action `json:"actions"`
	// Refusals are the answers to what Salebot has to refuse.
	Refusals []Observation `json:"refusals,omitempty"`
	// Settings are those of the emulator's answers.
	Settings []Setting `json:"settings"`
	// Webhook is what was found out about the project's webhook; nil if nothing was.
	Webhook *Deliveries `json:"webhook,omitempty"`
	// Notes are for people.
	Notes []string `json:"notes,omitempty"`
}

// Format is the form of the reports that this package writes.
const Format = "salebot-probe/1"

// Action is what was found out about an action.
type Action struct {
	Name string `json:"action"`
	// Evidence grades what this program knows of the answer to a success.
	Evidence string `json:"evidence"`
	// Observations are what came; empty if it was not asked.
	Observations []Observation `json:"observations,omitempty"`
	// NotAsked says why it was not asked.
	NotAsked string `json:"not_asked,omitempty"`
}

// Observation is the answer to one step.
type Observation struct {
	// Step is what was asked.
	Step   string `json:"step"`
	Action string `json:"action"`
	// Status is the HTTP status; 0 if no answer came.
	Status int `json:"status"`
	// ContentType is the declared type.
	ContentType string `json:"content_type,omitempty"`
	// Headers are the names of the headers.
	Headers []string `json:"headers,omitempty"`
	// RetryAfter is the form of the header of that name; only of a 429.
	RetryAfter string `json:"retry_after,omitempty"`
	// Milliseconds is how long it took.
	Milliseconds int64 `json:"milliseconds"`
	// Attempts counts the requests of the step.
	Attempts int `json:"attempts"`
	// Body is the shape of the answer.
	Body Shape `json:"body"`
	// SDK says how the SDK understood the answer.
	SDK Verdict `json:"sdk"`
	// Emulator says whether the emulator answers so.
	Emulator Comparison `json:"emulator"`

	// failed says that the answer is not a success.
	failed bool
}

// Verdict is how the SDK understood an answer.
type Verdict struct {
	Understood bool `json:"understood"`
	// Error is the class of the error; empty for a success.
	Error string `json:"error,omitempty"`
	// UnreadFields counts the fields in a form that the SDK does not know.
	UnreadFields int `json:"unread_fields,omitempty"`
}

// Comparison says whether the emulator answers the same.
type Comparison struct {
	// Usual says it of the emulator as it is, Imitating of one with the settings that were
	// found: "same", "differs" or "not compared".
	Usual     string `json:"usual"`
	Imitating string `json:"imitating"`
	// UsualDifferences and Differences are what differs.
	UsualDifferences []string `json:"usual_differences,omitempty"`
	Differences      []string `json:"differences,omitempty"`
}

// The results of a comparison.
const (
	same        = "same"
	differs     = "differs"
	notCompared = "not compared"
)

// Setting is one of the settings of the emulator's answers.
type Setting struct {
	Name string `json:"name"`
	// Value is what was found; nil if it was not.
	Value any `json:"value,omitempty"`
	// By is the step that showed it.
	By string `json:"by,omitempty"`
	// NotFound says why it was not found.
	NotFound string `json:"not_found,omitempty"`
	// Contradicted are the steps that showed something else.
	Contradicted []string `json:"contradicted,omitempty"`
}

func newReport(parts []Part) *Report {
	return &Report{Format: Format, Version: salebot.Version, Parts: parts}
}

// all returns the observations of all actions, and of what was to be refused.
func (r *Report) all() []*Observation {
	var all []*Observation
	for i := range r.Actions {
		for k := range r.Actions[i].Observations {
			all = append(all, &r.Actions[i].Observations[k])
		}
	}
	for i := range r.Refusals {
		all = append(all, &r.Refusals[i])
	}
	return all
}

// NotUnderstood are the observations that the SDK did not understand.
func (r *Report) NotUnderstood() []*Observation {
	var found []*Observation
	for _, o := range r.all() {
		if !o.SDK.Understood {
			found = append(found, o)
		}
	}
	return found
}
