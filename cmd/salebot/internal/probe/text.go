package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	page "github.com/salebot-go/salebot/cmd/salebot/emulator"
	engine "github.com/salebot-go/salebot/internal/emulator"
)

// WriteText writes the report for a person.
func (r *Report) WriteText(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	asked := 0
	for i := range r.Actions {
		if len(r.Actions[i].Observations) > 0 {
			asked++
		}
	}
	_, _ = fmt.Fprintf(w, "%d of %d actions were asked, in %d requests.\n", asked, len(r.Actions), r.Requests)
	r.writeAnswers(w)
	r.writeProblems(w)
	r.writeSettings(w)
	r.writeNotAsked(w)
	if r.Webhook != nil {
		_, _ = fmt.Fprintf(w, "\nDeliveries to the webhook that were refused and came again: %s.\n", r.Webhook.Resend)
	}
	for _, note := range r.Notes {
		_, _ = fmt.Fprintf(w, "\n%s\n", note)
	}
	return w.Flush() // which has the errors of all that was written
}

// writeAnswers writes a line for each answer.
func (r *Report) writeAnswers(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\nasked\tknown before\tstatus\tanswer\tSDK\temulator\n")
	for i := range r.Actions {
		a := &r.Actions[i]
		for k := range a.Observations {
			writeAnswer(w, &a.Observations[k], a.Evidence)
		}
	}
	for i := range r.Refusals {
		writeAnswer(w, &r.Refusals[i], "")
	}
}

func writeAnswer(w io.Writer, o *Observation, evidence string) {
	_, _ = fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", o.Step, evidence, o.Status, o.brief(), o.SDK, o.Emulator)
}

// brief is the form of the answer in some words.
func (o *Observation) brief() string {
	whole := o.Body[""]
	if status := o.Body["status"]; whole == kindObject && strings.HasPrefix(status, `"`) {
		return "object, status " + status
	}
	if whole == "" {
		return "none"
	}
	return whole
}

// String says it in some words.
func (v Verdict) String() string {
	switch {
	case v.Understood && v.UnreadFields > 0:
		return fmt.Sprintf("understood, but for %d fields", v.UnreadFields)
	case v.Understood && v.Error != "":
		return "understood: " + v.Error
	case v.Understood:
		return "understood"
	}
	return "NOT UNDERSTOOD: " + v.Error
}

// String says it in some words.
func (c Comparison) String() string {
	switch {
	case c.Imitating == differs:
		return "differs"
	case c.Usual == differs:
		return "same with --answers"
	}
	return c.Imitating
}

// writeProblems writes what was not understood and what differs.
func (r *Report) writeProblems(w io.Writer) {
	if missed := r.NotUnderstood(); len(missed) > 0 {
		_, _ = fmt.Fprintf(w, "\nThe SDK did not understand %d answers. Please report them, with the file of --report:\n", len(missed))
		for _, o := range missed {
			_, _ = fmt.Fprintf(w, "  %s: status %d, %s: %s\n", o.Step, o.Status, o.brief(), o.SDK.Error)
		}
	} else {
		_, _ = fmt.Fprintf(w, "\nThe SDK understood all answers.\n")
	}
	first := true
	for _, o := range r.all() {
		for _, difference := range o.Emulator.Differences {
			if first {
				_, _ = fmt.Fprintf(w, "\nThe emulator cannot imitate:\n")
				first = false
			}
			_, _ = fmt.Fprintf(w, "  %s: %s\n", o.Step, difference)
		}
	}
}

// writeSettings writes what was found out, and what not.
func (r *Report) writeSettings(w io.Writer) {
	usual := usualValues()
	var found, missing strings.Builder
	for _, s := range r.Settings {
		if s.Value == nil {
			fmt.Fprintf(&missing, "  %s\t%s\n", s.Name, s.NotFound)
			continue
		}
		value, remark := shown(s.Value), ""
		if before, known := usual[s.Name]; known && before != value {
			remark = "usually " + before
		}
		if len(s.Contradicted) > 0 {
			remark += " (otherwise in: " + strings.Join(s.Contradicted, ", ") + ")"
		}
		fmt.Fprintf(&found, "  %s\t%s", s.Name, value)
		if remark != "" {
			found.WriteString("\t" + remark)
		}
		found.WriteByte('\n')
	}
	if found.Len() > 0 {
		_, _ = fmt.Fprintf(w, "\nFound out about the answers:\n%s", found.String())
	}
	if missing.Len() > 0 {
		_, _ = fmt.Fprintf(w, "\nNot found out:\n%s", missing.String())
	}
}

// usualValues are the settings of the emulator as it is.
func usualValues() map[string]string {
	values := map[string]any{}
	if text, err := json.Marshal(page.UsualAnswers()); err == nil {
		_ = json.Unmarshal(text, &values)
	}
	usual := map[string]string{}
	for _, s := range page.AnswerSettings() {
		switch value := values[s.Name]; {
		case s.Kind == "flag":
			usual[s.Name] = "false"
		case s.Name == "history_delay":
			usual[s.Name] = "0s"
		case value != nil && s.Kind != "reply":
			usual[s.Name] = fmt.Sprint(value)
		}
	}
	return usual
}

// shown is the value of a setting for a person.
func shown(value any) string {
	if reply, ok := value.(engine.Reply); ok {
		return fmt.Sprintf("%d %s", reply.Status, strings.TrimSpace(reply.Body))
	}
	return fmt.Sprint(value)
}

func (r *Report) writeNotAsked(w io.Writer) {
	first := true
	for i := range r.Actions {
		a := &r.Actions[i]
		if a.NotAsked == "" {
			continue
		}
		if first {
			_, _ = fmt.Fprintf(w, "\nNot asked:\n")
			first = false
		}
		_, _ = fmt.Fprintf(w, "  %s\t%s\n", a.Name, a.NotAsked)
	}
}
