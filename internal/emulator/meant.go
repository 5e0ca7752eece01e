package emulator

import (
	"strings"

	"github.com/salebot-go/salebot/internal/emulator/request"
)

// unknownAction says that there is no such action, and which one may be meant.
func unknownAction(name string) string {
	problem := "there is no action " + request.Shown(name)
	if meant := MeantAction(name); meant != "" {
		problem += "; did you mean " + meant + "?"
	}
	return problem
}

// MeantAction returns the action whose name is most like another one, "" if none
// is like it.
func MeantAction(name string) string {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"))
	meant, fewest := "", max(1, len(name)/4)+1
	if len(name) > longestName {
		return ""
	}
	for _, known := range Actions() {
		if edits := distance(name, known); edits < fewest {
			meant, fewest = known, edits
		}
	}
	return meant
}

// distance is the number of letters to change, add or leave out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
