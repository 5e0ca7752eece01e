package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot/internal/secret"
	"github.com/salebot-go/salebot/internal/testkit"
)

const key = testkit.Key

// Nobody but Reveal tells what is hidden.
func TestText(t *testing.T) {
	t.Parallel()
	text := secret.New(key)
	require.Equal(t, key, text.Reveal())
	require.Empty(t, secret.Text{}.Reveal())
	requireRedacted(t, text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3f"} {
		require.Equal(t, "REDACTED", fmt.Sprintf(verb, text), verb)
	}
	require.Equal(t, "REDACTED", text.String())
	require.Equal(t, "REDACTED", text.GoString())
	encoded, err := json.Marshal(map[string]any{"a": text, "b": &text})
	require.NoError(t, err)
	require.Equal(t, `{"a":"REDACTED","b":"REDACTED"}`, string(encoded))
	require.Equal(t, slog.StringValue("REDACTED"), text.LogValue())
}

func TestHidden(t *testing.T) {
	t.Parallel()
	hidden := secret.Hide([]string{key})
	require.Equal(t, []string{key}, hidden.Reveal())
	require.Nil(t, secret.Hidden[[]string]{}.Reveal())
	requireRedacted(t, hidden)
}

// requireRedacted prints in the ways that walk through fields.
func requireRedacted(t *testing.T, value any) {
	t.Helper()
	var out bytes.Buffer
	wrapped := struct {
		a any
		B any
		c []any
	}{value, value, []any{value}}
	fmt.Fprintf(&out, "%v %+v %#v %s", value, wrapped, wrapped, &wrapped)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", value, "w", wrapped)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", value, "w", wrapped)
	assert.Equal(notes{&out}, reflect.Zero(reflect.TypeOf(value)).Interface(), value)
	require.Empty(t, testkit.FindKey(out.String()))
}

type notes struct{ *bytes.Buffer }

func (n notes) Errorf(format string, args ...any) { _, _ = fmt.Fprintf(n, format, args...) }

// escapes are the ways to write single bytes, letters and digits too.
var escapes = []string{"&#%d;", "&#x%x;", "&#X%02X;", "&#0%d", "&amp;#%d;", `\u%04x`, `\\u%04X`, `\\\\u%04x`, `\x%02x`, `\\x%02X`, `\u{%x}`, "%%%02x", "%%25%02X", "%%2525%02x"}

// Encoders differ in which bytes they escape: all, or any one.
func TestScrubberFindsEscapedBytes(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for _, escape := range escapes {
		all := ""
		for i := range len(key) {
			one := key[:i] + fmt.Sprintf(escape, key[i]) + key[i+1:]
			require.Equal(t, "<REDACTED>", s.Text("<"+one+">"), escape)
			all += fmt.Sprintf(escape, key[i])
		}
		require.Equal(t, "<REDACTED>", s.Text("<"+all+">"), escape)
		cut := s.Beginning([]byte(strings.Repeat("x", 50)+all), 60)
		require.LessOrEqual(t, len(cut), 60)
		require.NotContains(t, string(cut), fmt.Sprintf(escape, key[0])+fmt.Sprintf(escape, key[1]), "no part of it is left at the cut")
	}
}

// A text that is quoted inside a text that is quoted.
func TestScrubberFindsJSONInJSON(t *testing.T) {
	t.Parallel()
	const hard = `k&y<0>+=z`
	s := secret.NewScrubber(hard)
	quoted := any("https://h.example/" + hard + "/x")
	for range 3 {
		encoded, err := json.Marshal(quoted)
		require.NoError(t, err)
		require.Contains(t, s.Text(string(encoded)), "https://h.example/REDACTED/x")
		quoted = string(encoded)
	}
}

func TestScrubberIs(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for _, same := range []string{key, url.PathEscape(key), url.QueryEscape(key)} {
		require.True(t, s.Is(same))
	}
	for _, other := range []string{"", "x" + key, key[1:], "%zz"} {
		require.False(t, s.Is(other))
	}
	require.False(t, secret.Scrubber{}.Is(""))
}

// The forms in which others write a key down.
func forms(key string) map[string]string {
	var percent, lower, entities, hexEntities, unicodeEscapes strings.Builder
	for _, c := range []byte(key) {
		fmt.Fprintf(&percent, "%%%02X", c)
		fmt.Fprintf(&lower, "%%%02x", c)
		special := !unicode.IsLetter(rune(c)) && !unicode.IsDigit(rune(c))
		if special {
			fmt.Fprintf(&entities, "&#%d;", c)
			fmt.Fprintf(&hexEntities, "&#x%02x;", c)
			fmt.Fprintf(&unicodeEscapes, `\u%04X`, c)
		} else {
			entities.WriteByte(c)
			hexEntities.WriteByte(c)
			unicodeEscapes.WriteByte(c)
		}
	}
	return map[string]string{
		"raw":             key,
		"path":            url.PathEscape(key),
		"query":           url.QueryEscape(key),
		"query, lower":    strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(key), "%2B", "%2b"), "%3D", "%3d"),
		"escaped twice":   url.QueryEscape(url.QueryEscape(key)),
		"every byte":      percent.String(),
		"every byte, low": lower.String(),
		"entities":        entities.String(),
		"hex entities":    hexEntities.String(),
		"JSON escapes":    unicodeEscapes.String(),
		"hex":             hex.EncodeToString([]byte(key)),
		"HEX":             strings.ToUpper(hex.EncodeToString([]byte(key))),
		"bytes":           fmt.Sprintf("%d", []byte(key)),
		"Go bytes":        fmt.Sprintf("%#v", []byte(key)),
	}
}

func TestScrubber(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for name, form := range forms(key) {
		for _, frame := range []string{"%s", "https://h/api/%s/message", "%[1]s%[1]s", "x%sx", "\n%s\n"} {
			text := fmt.Sprintf(frame, form)
			require.True(t, s.Found(text), name)
			cleaned := s.Text(text)
			require.Empty(t, testkit.FindKey(cleaned), "%s in %s", name, frame)
			require.Contains(t, cleaned, "REDACTED")
			require.False(t, s.Found(cleaned))
		}
	}
	require.Equal(t, "https://h/api/REDACTED/message", s.Text("https://h/api/"+key+"/message"))
	for _, text := range []string{"", "innocent", "REDACTED", key[:20], key[1:], "c4n4ry", strings.ToUpper(key)} {
		require.Equal(t, text, s.Text(text), "what is not the key stays")
		require.False(t, s.Found(text))
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 6 {
			for after := range 6 {
				text := encoding.EncodeToString([]byte(strings.Repeat("b", before) + key + strings.Repeat("a", after)))
				require.True(t, s.Found(text))
				require.Empty(t, testkit.FindKey(s.Text(text)))
			}
		}
	}
}

// A scrubber without a secret changes nothing, and a short secret is looked for in
// fewer forms, since these would be found in innocent texts.
func TestScrubberOfLittle(t *testing.T) {
	t.Parallel()
	for _, s := range []secret.Scrubber{{}, secret.NewScrubber("")} {
		require.Equal(t, "text", s.Text("text"))
		require.False(t, s.Found("text"))
		require.False(t, s.FoundInValue("text"))
		require.Equal(t, "te", string(s.Beginning([]byte("text"), 2)))
	}
	short := secret.NewScrubber("x1")
	require.Equal(t, "a REDACTED b", short.Text("a x1 b"))
	require.Equal(t, "7831", short.Text("7831"), "its hexadecimal form is too common a text")
}

// The beginning of a text is not longer than asked for, and no half of a secret
// stands at its end.
func TestBeginning(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for _, form := range forms(key) {
		for before := 0; before < 60; before += 7 {
			text := strings.Repeat("-", before) + form + strings.Repeat("-", 500)
			for _, limit := range []int{0, 1, 30, 40, 50, 60, len(text) - 1, len(text), len(text) + 1} {
				got := string(s.Beginning([]byte(text), limit))
				require.LessOrEqual(t, len(got), limit)
				require.Empty(t, testkit.FindKey(got))
			}
		}
	}
	require.Empty(t, testkit.FindKey(string(s.Beginning([]byte(strings.Repeat(key, 1000)), 500))))
	require.Equal(t, strings.Repeat("x", 500), string(s.Beginning([]byte(strings.Repeat("x", 5000)), 500)))
	source := []byte("text")
	copied := s.Beginning(source, 10)
	source[0] = 'X'
	require.Equal(t, "text", string(copied), "it is a copy")
}

type awkward struct{ key secret.Text }

func (awkward) Error() string                  { return "awkward" }
func (a awkward) MarshalJSON() ([]byte, error) { panic(a.key.Reveal()) }

type honest struct{ Key string }

func (honest) Error() string { return "honest" }

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errors.New(key) }

func TestFoundInValue(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for name, value := range map[string]any{
		"text":              key,
		"bytes":             []byte(key),
		"field":             struct{ s string }{key},
		"error":             errors.New(key),
		"field of an error": honest{key},
		"pointer":           &struct{ P *honest }{&honest{key}},
		"panic":             awkward{secret.New(key)},
		"failure":           failing{},
		"log value":         slog.StringValue(key),
	} {
		require.True(t, s.FoundInValue(value), name)
	}
	for _, value := range []any{nil, "x", 5, errors.New("x"), struct{ f func() }{}, secret.New(key), secret.Hide(key), make(chan int)} {
		require.False(t, s.FoundInValue(value))
	}
}

// Whatever the key and whatever stands around it, it is gone.
func FuzzScrub(f *testing.F) {
	f.Add(key, "https://h/api/", "/message", 0)
	f.Add("0123456789abcdef", "", "", 3)
	f.Add("a+b=c&d'e;f", "%", "%41", 7)
	f.Add("aaaaaa", "aaa", "aaa", 5)
	f.Add("%41%41%41", "", "", 1)
	f.Fuzz(func(t *testing.T, key, before, after string, form int) {
		if len(key) < 6 || len(key) > 100 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`?#%\"<>{}/`, r) }) {
			t.Skip("no key")
		}
		s := secret.NewScrubber(key)
		names := []string{"raw", "path", "query", "escaped twice", "every byte", "every byte, low", "entities", "hex entities", "JSON escapes", "hex", "HEX", "bytes"}
		written := forms(key)[names[((form%len(names))+len(names))%len(names)]]
		cleaned := s.Text(before + written + after)
		if strings.Contains(cleaned, written) && !strings.Contains("REDACTED", written) {
			t.Fatalf("%q remains in %q", written, cleaned)
		}
		if strings.Contains(cleaned, key) && !strings.Contains("REDACTED", key) {
			t.Fatalf("the key remains in %q", cleaned)
		}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(before + key + after))
			if len(key) >= 8 && s.Text(text) == text {
				t.Fatalf("%q was not found in its base64 %q", before+key+after, text)
			}
		}
		limit := len(before) + len(written)/2
		if got := s.Beginning([]byte(before+written+after), limit); len(got) > limit {
			t.Fatalf("%d bytes instead of %d", len(got), limit)
		}
	})
}

// A backslash before a letter or digit does not escape it; before anything else it may.
func TestScrubberLeavesOtherBackslashes(t *testing.T) {
	t.Parallel()
	for _, first := range "09AZaz" {
		key := string(first) + "-rest-of-the-key"
		require.Equal(t, `\REDACTED`, secret.NewScrubber(key).Text(`\`+key), key)
	}
	for _, first := range "/:@[`{-" {
		key := string(first) + "-rest-of-the-key"
		require.Equal(t, `REDACTED`, secret.NewScrubber(key).Text(`\`+key), key)
	}
}

func TestScrubberFindsAmpersands(t *testing.T) {
	t.Parallel()
	scrubber := secret.NewScrubber("left&right-of-the-key")
	for _, text := range []string{"left&amp;right-of-the-key", "left&amp;amp;right-of-the-key", "left&#38;right-of-the-key"} {
		require.Equal(t, "x REDACTED y", scrubber.Text("x "+text+" y"))
	}
}

func TestScrubberIsWhatCannotBeUnescaped(t *testing.T) {
	t.Parallel()
	require.True(t, secret.NewScrubber("100%zz").Is("100%zz"))
}

// What is cut is what may end in the middle of the secret, and no more.
func TestBeginningKeepsAllThatIsSafe(t *testing.T) {
	t.Parallel()
	scrubber := secret.NewScrubber(key)
	require.Equal(t, "0123456789", string(scrubber.Beginning([]byte("0123456789abcdefghij"), 10)))
	require.Empty(t, string(scrubber.Beginning([]byte(strings.Repeat(key, 100)), 10)))
}

// Of an encoded text exactly the characters that belong to the secret alone go.
func TestScrubberCutsBase64Exactly(t *testing.T) {
	t.Parallel()
	for length := 20; length < 26; length++ {
		key := strings.Repeat("k~9", 9)[:length]
		for before := range 3 {
			for after := range 3 {
				text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("b", before) + key + strings.Repeat("a", after)))
				first := (before*8 + 5) / 6
				last := (before + length) / 3 * 4
				require.Equal(t, text[:first]+"REDACTED"+text[last:], secret.NewScrubber(key).Text(text), "%d %d %d", length, before, after)
			}
		}
	}
}

// The Go syntax of bytes goes without what stands around it.
func TestScrubberCutsGoSyntaxExactly(t *testing.T) {
	t.Parallel()
	require.Equal(t, "[]byte{REDACTED}", secret.NewScrubber(key).Text(fmt.Sprintf("%#v", []byte(key))))
	require.Equal(t, "x REDACTED y", secret.NewScrubber("abcdef").Text("x "+hex.EncodeToString([]byte("abcdef"))+" y"))
}

// confiding prints as nothing and logs the key.
type confiding struct{}

// LogValue implements slog.LogValuer.
func (confiding) LogValue() slog.Value { return slog.StringValue(key) }

func TestFoundInWhatIsLogged(t *testing.T) {
	t.Parallel()
	require.True(t, secret.NewScrubber(key).FoundInValue(confiding{}))
}

func TestScrubberOfThreeBytes(t *testing.T) {
	t.Parallel()
	require.Equal(t, "x REDACTED y", secret.NewScrubber("abc").Text("x 616263 y"), "the shortest encoded form that is looked for")
}

// However its bytes are written, and whatever stands around it, the secret is found:
// what nearly every text is spared is only what cannot find anything.
func TestScrubberFindsMixedSpellings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		key := rapid.StringMatching(`[a-z0-9A-Z~&+=@:;._-]{6,12}`).Draw(r, "key")
		noise := rapid.SliceOf(rapid.SampledFrom([]string{
			"%", "%2", "%25", `\`, `\\`, `\u`, `\u0`, `\u043f`, "&", "&amp;", "&#", "&#x", "&quot;", "0", "00", "1", "x", "привет", key[:3], key[3:],
		}))
		written := ""
		for i := range len(key) {
			if way := rapid.IntRange(-3, len(escapes)-1).Draw(r, "way"); way >= 0 {
				written += fmt.Sprintf(escapes[way], key[i])
			} else {
				written += key[i : i+1]
			}
		}
		// What stands around it could otherwise be read as a part of its first or last byte.
		text := strings.Join(noise.Draw(r, "before"), "") + " " + written + " " + strings.Join(noise.Draw(r, "after"), "")
		s := secret.NewScrubber(key)
		require.True(r, s.Found(text), "%q in %q", key, text)
		require.Equal(r, s.Text(text), string(s.Bytes([]byte(text))))
	})
}

// A text without the secret comes back as it is, and without a copy.
func TestBytes(t *testing.T) {
	t.Parallel()
	s := secret.NewScrubber(key)
	for _, text := range []string{"", "ok", `{"text":"\u043f\u0440\"\/","q":"50%","h":"&lt;"}`} {
		clean := []byte(text)
		got := s.Bytes(clean)
		require.Equal(t, text, string(got))
		require.True(t, len(clean) == 0 || &got[0] == &clean[0])
	}
	require.Equal(t, "<REDACTED>", string(s.Bytes([]byte("<"+key+">"))))
	require.Equal(t, "x", string(secret.Scrubber{}.Bytes([]byte("x"))))
}

// BenchmarkBytes is what it costs to look for the secret in an answer that has not got it.
func BenchmarkBytes(b *testing.B) {
	s := secret.NewScrubber(key)
	for name, one := range map[string]string{
		"latin":    `{"id":123456789,"platform_id":"100200300","name":"Ann","avatar":"https:\/\/h.example\/a.jpg","tag":"50%"},`,
		"cyrillic": `{"id":123456789,"name":"\u0410\u043d\u043d\u0430 \u041f\u0435\u0442\u0440\u043e\u0432\u0430"},`,
	} {
		page := []byte(strings.Repeat(one, 500))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				_ = s.Bytes(page)
			}
		})
	}
}
