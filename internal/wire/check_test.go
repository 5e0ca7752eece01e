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

func TestCheckEscapes(t *testing.T) {
	t.Parallel()
	for text, valid := range map[string]bool{
		`"\u00e9"`: true, `"\u00E9"`: true, `"\uD83D\uDE00"`: true, `"\/"`: true,
		`"\u00g0"`: false, `"\u00G0"`: false, `"\u00` + "`" + `0"`: false, `"\u00:0"`: false, `"\u00@0"`: false, `"\u00e"`: false, `"\x41"`: false,
	} {
		if err := Check([]byte(text), 1); (err == nil) != valid {
			t.Errorf("%s: %v, valid: %v", text, err, valid)
		}
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

func TestEscapeControlsLeavesTheRest(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"a": "b c", "d": "~\u007f"}`, "{\n\t\"a\": \"\\\"\"\r\n}"} {
		if got := string(EscapeControls([]byte(text))); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// A text that was cut is told from one that is wrong, wherever the cut is.
func TestCutTextsAreKnown(t *testing.T) {
	t.Parallel()
	const whole = `{"ключ":[1.5e+3,true,null,"a\u00e9\"я"],"b":{"c":-2}}`
	for end := range len(whole) {
		if err := Check([]byte(whole[:end]), 10); !errors.Is(err, ErrBrokenOff) {
			t.Errorf("%s: %v, want ErrBrokenOff", whole[:end], err)
		}
	}
	for _, text := range []string{`{"a":trux}`, `[1 2]`, `{"a" 1}`, `{"a":1}}`, `[,`} {
		if err := Check([]byte(text), 10); errors.Is(err, ErrBrokenOff) || !errors.Is(err, ErrSyntax) {
			t.Errorf("%s: %v, want another ErrSyntax", text, err)
		}
	}
}

func TestUnquoteOfHalfPairs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"\ud83d\ude00"`: "😀", `"\ud83d\nde00"`: "\ufffd\nde00", `"\ud83d/ude00"`: "\ufffd/ude00", `"\ud83d\ud83d\ude00"`: "\ufffd😀", `"\ud83d"`: "\ufffd",
	} {
		if got := Unquote(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
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
			w := Walk(string(text), 10_000)
			for range len(text) + 2 {
				if _, _, _, ok := w.Next(); !ok {
					if w.End() == nil {
						t.Fatal("the walk found nothing wrong")
					}
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
		w := Walk(object, 10_000)
		for key, from, to, ok := w.Next(); ok; key, from, to, ok = w.Next() {
			got[key] = json.RawMessage(object[from:to])
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
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

// TestWalkerEnters checks that objects inside an object are gone through in one walk.
func TestWalkerEnters(t *testing.T) {
	t.Parallel()
	const text = ` { "a" : {"b":1, "c":{}, "\u0064":[{}]} , "e":{ } , "f":2 } `
	var keys []string
	w := Walk(text, 4)
	for key, ok := w.Key(); ok; key, ok = w.Key() {
		keys = append(keys, key)
		if key == "f" || !w.Enter() {
			from, to, ok := w.Value()
			if !ok || text[from:to] != "2" {
				t.Errorf("%s: %q", key, text[from:to])
			}
			continue
		}
		for inner, from, to, ok := w.Next(); ok; inner, from, to, ok = w.Next() {
			keys = append(keys, inner+"="+text[from:to])
		}
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(keys, " "), `a b=1 c={} d=[{}] e f`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestWalksAreOfObjects(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `5`, `[1]`, `,"a":1}`, `"a":1}`} {
		w := Walk(text, 2)
		if _, ok := w.Key(); ok || !errors.Is(w.End(), ErrSyntax) {
			t.Errorf("%s: a key, or %v", text, w.End())
		}
	}
}

// TestWalkerReports checks that each thing that is wrong ends the walk and is told
// at its end.
func TestWalkerReports(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		`{"a":{"b":x}}`: ErrSyntax, `{"a":{"b":1}`: ErrSyntax, `{"a":{"b":1}}}`: ErrSyntax, `{"a":{"b":1,}}`: ErrSyntax, `[]`: ErrSyntax, ``: ErrSyntax,
		`{"a":{"b":{}}}`: ErrDepth, "{\"a\":\"\n\"}": ErrControl, "{\"a\":{\"\t\":1}}": ErrControl,
	} {
		w := Walk(text, 2)
		for _, ok := w.Key(); ok; _, ok = w.Key() {
			if !w.Enter() {
				w.Value()
			}
		}
		if _, _, _, ok := w.Next(); ok || w.Enter() {
			t.Errorf("%q: the walk goes on after its end", text)
		}
		if err := w.End(); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}
