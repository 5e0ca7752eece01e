package text

import "strings"

// longestName bounds the names that Nearest looks at.
const longestName = 100

// Nearest returns the name of known that is most like another one, "" if none is like
// it.
func Nearest(name string, known []string) string {
	name = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), "-", "_"))
	if len(name) > longestName {
		return ""
	}
	nearest, fewest := "", max(1, len(name)/4)+1
	for _, candidate := range known {
		if edits := distance(name, candidate); edits < fewest {
			nearest, fewest = candidate, edits
		}
	}
	return nearest
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
