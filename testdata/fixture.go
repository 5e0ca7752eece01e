package testdata

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// Grades of evidence, for Fixture.Evidence.
const (
	// Documented bodies stand in the reference.
	Documented = "documented"
	// Observed bodies were met in practice.
	Observed = "observed"
	// Assumed bodies are what can be expected where nobody published one.
	Assumed = "assumed"
)

// Outcomes, for Fixture.Outcome.
const (
	// Success means that the action was done.
	Success = "success"
	// Rejected means that it was not done.
	Rejected = "rejected"
	// Unknown means that it may have been done.
	Unknown = "unknown"
)

// webhookDirs lie beside the actions and hold no answers.
var webhookDirs = map[string]bool{"webhook": true, "webhook-flat": true}

// Fixture is one answer of the API and what has to be concluded from it.
type Fixture struct {
	// Action and Case are the folder and the file, without extension.
	Action, Case string
	// Evidence is Documented, Observed or Assumed.
	Evidence string
	// Outcome is Success, Rejected or Unknown.
	Outcome string
	// Errors names the sentinel errors of the client that the answer must
	// match; empty for a success.
	Errors []string
	// Status, Header and Body are the answer; Header lacks the fixture's own
	// fields.
	Status int
	Header http.Header
	Body   []byte
}

// Name is the fixture's path without the extension, such as "message/ok-text".
func (f Fixture) Name() string { return f.Action + "/" + f.Case }

// Response returns the answer for use by an http.RoundTripper.
func (f Fixture) Response(req *http.Request) *http.Response {
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", f.Status, http.StatusText(f.Status)),
		StatusCode:    f.Status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        f.Header.Clone(),
		Body:          io.NopCloser(bytes.NewReader(f.Body)),
		ContentLength: int64(len(f.Body)),
		Request:       req,
	}
}

// Actions lists the actions that have fixtures, in alphabetical order.
func Actions() ([]string, error) {
	entries, err := fs.ReadDir(Fixtures, "fixtures")
	if err != nil {
		return nil, err
	}
	var actions []string
	for _, entry := range entries {
		if entry.IsDir() && !webhookDirs[entry.Name()] {
			actions = append(actions, entry.Name())
		}
	}
	return actions, nil
}

// Answers reads all fixtures of an action, in alphabetical order of the cases.
func Answers(action string) ([]Fixture, error) {
	files, err := fs.Glob(Fixtures, path.Join("fixtures", action, "*.http"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("testdata: no fixtures for action %q", action)
	}
	fixtures := make([]Fixture, 0, len(files))
	for _, file := range files {
		fixture, err := Answer(action, strings.TrimSuffix(path.Base(file), ".http"))
		if err != nil {
			return nil, err
		}
		fixtures = append(fixtures, fixture)
	}
	return fixtures, nil
}

// Answer reads one fixture.
func Answer(action, name string) (Fixture, error) {
	data, err := fs.ReadFile(Fixtures, path.Join("fixtures", action, name+".http"))
	if err != nil {
		return Fixture{}, err
	}
	fixture, err := ParseAnswer(data)
	if err != nil {
		return Fixture{}, fmt.Errorf("testdata: fixture %s/%s: %w", action, name, err)
	}
	fixture.Action, fixture.Case = action, name
	return fixture, nil
}

// ParseAnswer reads the text of a fixture. Action and Case stay empty.
func ParseAnswer(data []byte) (Fixture, error) {
	res, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(data)), nil)
	if err != nil {
		return Fixture{}, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return Fixture{}, err
	}
	fixture := Fixture{
		Evidence: res.Header.Get("Fixture-Evidence"),
		Outcome:  res.Header.Get("Fixture-Outcome"),
		Status:   res.StatusCode,
		Header:   res.Header,
		Body:     bytes.TrimSuffix(body, []byte("\n")),
	}
	for name := range strings.SplitSeq(res.Header.Get("Fixture-Error"), ",") {
		if name = strings.TrimSpace(name); name != "" {
			fixture.Errors = append(fixture.Errors, name)
		}
	}
	for _, name := range []string{"Fixture-Evidence", "Fixture-Outcome", "Fixture-Error"} {
		fixture.Header.Del(name)
	}
	if fixture.Evidence == "" || fixture.Outcome == "" {
		return Fixture{}, errors.New("Fixture-Evidence and Fixture-Outcome are required")
	}
	return fixture, nil
}
