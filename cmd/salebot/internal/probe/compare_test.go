package probe

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What differs is named, from both sides; what only says that a project is another one is not.
func TestDifferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		came, emulated string
		want           []string
	}{
		"the same":               {`{"id":1}`, `{"id":2}`, nil},
		"a number as text":       {`{"id":"1"}`, `{"id":2}`, []string{"id is text of digits, the emulator has number"}},
		"a text that is none":    {`{"name":null}`, `{"name":"Anna"}`, nil},
		"an empty text":          {`{"name":""}`, `{"name":"Anna"}`, nil},
		"one more":               {`{"id":1,"tag":"x"}`, `{"id":1}`, []string{"tag is text, the emulator has none"}},
		"one less":               {`{"id":1}`, `{"id":1,"tag":"x"}`, []string{"tag is not there, the emulator has text"}},
		"an empty list":          {`{"clients":[]}`, `{"clients":[{"id":1}]}`, nil},
		"another time":           {`{"created_at":1}`, `{"created_at":"2026-01-02 03:04:05"}`, []string{"created_at is number, the emulator has text of a time"}},
		"digits of a time":       {`{"created_at":"5"}`, `{"created_at":"2026-01-02 03:04:05"}`, []string{"created_at is text of digits, the emulator has text of a time"}},
		"digits of a person":     {`{"platform_id":"5"}`, `{"platform_id":"x"}`, nil},
		"another word":           {"ok", "success", []string{`the answer is "ok", the emulator has "success"`}},
		"another status":         {`{"status":"success"}`, `{"status":"ok"}`, []string{`status is "success", the emulator has "ok"`}},
		"no attachments":         {`{"attachments":{}}`, `{"attachments":[]}`, []string{"attachments is empty object, the emulator has empty list"}},
		"variables of a project": {`{"variables":{"a":"b"}}`, `{"variables":{}}`, nil},
	} {
		came, emulated := &Observation{Status: 200, Body: shapeOf([]byte(c.came), reading{})}, &Observation{Status: 200, Body: shapeOf([]byte(c.emulated), reading{})}
		require.Equal(t, c.want, differences(came, emulated), name)
	}
	came, emulated := &Observation{Status: 200, ContentType: "text/html"}, &Observation{Status: 404, ContentType: "text/plain; charset=utf-8"}
	require.Equal(t, []string{"status 200, the emulator has 404", `type "text/html", the emulator has "text/plain"`}, differences(came, emulated))
}

// Every step has a plan if it is more than a read, and a name of its own.
func TestSteps(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, s := range steps() {
		require.False(t, names[s.name], "%s occurs twice", s.name)
		names[s.name] = true
		require.Equal(t, s.part == Reads, s.plan == "", s.name)
		require.LessOrEqual(t, len(s.name)+len(s.plan), 190, "%s: what it costs is shown whole", s.name)
	}
	for _, one := range signs {
		for _, name := range one.steps {
			require.True(t, names[name], "%s: there is no step %q", one.setting, name)
		}
	}
	for name := range refusalSettings {
		require.True(t, names[name], "there is no step %q", name)
	}
}
