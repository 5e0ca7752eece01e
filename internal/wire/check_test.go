package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCheckDepth(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`[[[]]]`, `{"a":{"b":{}}}`, `[{"a":[1]},[[]]]`} {
		if err := Check([]byte(text), 3); err != nil {
			t.Errorf("%s at depth 3: %v", text, err)
		}
		if err := Check([]byte(text), 2); !errors.Is(err, ErrDepth) || !errors.Is(err, ErrSyntax) {
			t.Errorf("%s at depth 2: %v, want ErrDepth", text, err)
		}
	}
	if err := Check([]byte(strings.Repeat("[", 1_000_000)), 64); !errors.Is(err, ErrDepth) {
		t.Errorf("a million brackets: %v, want ErrDepth", err)
	}
}

func TestEscapeControls(t *testing.T) {
	t.Parallel()
	text := []byte("{\n\"a\":\"one\ntwo\t\\\"three\x01\"\r\n}")
	if err := Check(text, 10); !errors.Is(err, ErrControl) {
		t.Fatalf("%v, want ErrControl", err)
	}
	var value struct{ A string }
	if err := json.Unmarshal(EscapeControls(text), &value); err != nil {
		t.Fatal(err)
	}
	if want := "one\ntwo\t\"three\x01"; value.A != want {
		t.Errorf("%q, want %q", value.A, want)
	}
}

// FuzzCheck compares the scanner with encoding/json: what is valid, the members
// of an object, and their texts.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[true,false,null],"c":{"d":"e"}}`, ` [ 1.5e-7 , -0 , "\u0430\ud83d\ude00\ud83d" ] `,
		`{"\u0069d":"\"\\/\b\f\n\r\t"}`, `01`, `1.`, `-`, `"\x"`, `{"a":}`, `{,}`, `[1,]`, "\"\x01\"", "\"\xff\"", `tru`, ``, `{"a" : 1 ,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Check(text, 10_000)
		if valid := json.Valid(text); valid != (err == nil) {
			t.Fatalf("Check says %v, encoding/json says valid=%v", err, valid)
		}
		if escaped := EscapeControls(text); errors.Is(err, ErrControl) && bytes.Equal(escaped, text) {
			t.Fatal("nothing was escaped")
		}
		if err != nil {
			// Walking through rubbish must end.
			w := Walk(string(text), 0)
			for range len(text) + 2 {
				if _, _, _, ok := w.Next(); !ok {
					return
				}
			}
			t.Fatal("the walk does not end")
		}
		object := string(bytes.TrimSpace(text))
		if object[0] != '{' {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		got := map[string]json.RawMessage{}
		w := Walk(object, 0)
		for key, from, to, ok := w.Next(); ok; key, from, to, ok = w.Next() {
			got[key] = json.RawMessage(object[from:to])
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, want %d", len(got), len(want))
		}
		for key, value := range want {
			if !bytes.Equal(got[key], value) {
				t.Fatalf("%q: %s, want %s", key, got[key], value)
			}
			var s string
			if value[0] == quote && json.Unmarshal(value, &s) == nil && Unquote(string(value)) != s {
				t.Fatalf("%q: %q, want %q", key, Unquote(string(value)), s)
			}
		}
	})
}
