package settings

import (
	"encoding/json"
	"testing"
)

// Whatever a file holds, it is read or refused.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		"", "{}", "answers: {sends: ok}", "clients: [{id: 1, variables: {a: .inf}, created_at: 2026-05-28}]", "a: &a [*a]", "? [x] : y",
		`{"clients":[{"client_type":"telegram"}]}`, "blocks:\n  - id: 0x10\n    answer: |\n      text", "--- !!binary x", "- 1", "\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var config Config
		if problems, err := decode([]byte(text), &config); err == nil && len(problems) == 0 {
			if _, err := json.Marshal(config); err != nil {
				t.Fatal(err)
			}
		}
	})
}
