package emulator

import (
	"net/url"
	"slices"
	"strings"
)

// maskedText stands where a key was.
const maskedText = "{api_key}"

// shortestMasked is the length from which a key is looked for in bodies: a shorter
// one would be found inside ordinary words. In addresses every key is masked.
const shortestMasked = 6

// mask takes keys out of what is shown.
type mask struct{ replacer *strings.Replacer }

func newMask(keys []string) mask {
	var pairs []string
	// A key may have another one inside it.
	for _, key := range slices.SortedFunc(slices.Values(keys), func(a, b string) int { return len(b) - len(a) }) {
		if len(key) < shortestMasked {
			continue
		}
		// A form that was not escaped has a space for each plus.
		for _, form := range []string{key, url.QueryEscape(key), url.PathEscape(key), strings.ReplaceAll(key, "+", " ")} {
			pairs = append(pairs, form, maskedText)
		}
	}
	return mask{replacer: strings.NewReplacer(pairs...)}
}

func (m mask) text(text string) string { return m.replacer.Replace(text) }
