package form_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/form"
)

func TestPairs(t *testing.T) {
	t.Parallel()
	var got [][2]string
	for name, value := range form.Pairs("message=50%+off;+a;b&c=%u041F&&d=100%&e&=f&g=a=b&%D0%BF=%d0%bf&h=%4&i=%4g%g4%:0%0:%4/%49%4F%6a") {
		got = append(got, [2]string{name, value})
	}
	require.Equal(t, [][2]string{
		{"message", "50% off; a;b"}, {"c", "%u041F"}, {"d", "100%"}, {"e", ""}, {"", "f"}, {"g", "a=b"}, {"п", "п"}, {"h", "%4"}, {"i", "%4g%g4%:0%0:%4/IOj"},
	}, got)
	for range form.Pairs("a&b") {
		break
	}
}

func TestNamesWithBracketsMakeATree(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a=1&b=2":                       `{"a":"1","b":"2"}`,
		"a=1&a=2":                       `{"a":"2"}`,
		"a[b]=1&a[c][d]=2":              `{"a":{"b":"1","c":{"d":"2"}}}`,
		"a[]=1&a[]=2":                   `{"a":["1","2"]}`,
		"a[1]=x&a[]=y":                  `{"a":["x","y"]}`,
		"a[0][b]=1&a[1][b]=2":           `{"a":[{"b":"1"},{"b":"2"}]}`,
		"a[0]=1&a[x]=2":                 `{"a":{"0":"1","x":"2"}}`,
		"a[2]=x&a[0]=y&a[]=z":           `{"a":["x","y","z"]}`,
		"a[5]=x&a[]=y&a[b]=z":           `{"a":{"5":"x","6":"y","b":"z"}}`,
		"a[99999]=x":                    `{"a":["x"]}`,
		"a[100000]=x":                   `{"a":{"100000":"x"}}`,
		"a[[b]=1":                       `{"a[[b]":"1"}`,
		"a]=1":                          `{"a]":"1"}`,
		"[a]=1&b[c=2&d]=3&e[f]g=4&[]=5": `{"[a]":"1","b[c":"2","d]":"3","e[f]g":"4","[]":"5"}`,
		"a[b][c][d]=1":                  `{"a[b][c][d]":"1"}`,
		"a=1&a[b]=2":                    `{"a":{"b":"2"}}`,
		"a[b]=1&a=2":                    `{"a":"2"}`,
		"":                              `{}`,
		"0=a&1=b":                       `{"0":"a","1":"b"}`,
	} {
		var root form.Node
		for name, value := range form.Pairs(text) {
			root.Put(form.Path(name, 3), value)
		}
		require.Equal(t, want, string(root.AppendObject(nil)), text)
	}
	var one form.Node
	one.Put(nil, "x")
	require.True(t, one.IsText())
	require.Equal(t, "x", one.Text())
	one.BecomeList()
	one.BecomeList()
	one.Put([]string{""}, "y")
	require.Equal(t, 2, one.Len())
	require.Equal(t, `["x","y"]`, string(one.AppendJSON(nil)))
}

// FuzzUnescape compares with the standard library where that accepts the text.
func FuzzUnescape(f *testing.F) {
	for _, seed := range []string{"", "a+b", "%41%zz", "%", "100%25", "%D0%BF"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, well := form.Unescape(text)
		want, err := url.QueryUnescape(text)
		if well != (err == nil) || well && got != want {
			t.Fatalf("%q, %v; the standard library says %q, %v", got, well, want, err)
		}
		escaped, well := form.Unescape(url.QueryEscape(text))
		if escaped != text || !well {
			t.Fatalf("%q came back as %q", text, escaped)
		}
	})
}
