package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot/internal/wire"
)

func TestInt(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"": 0, "null": 0, "0": 0, "-0": 0, "7": 7, `"7"`: 7, `" -7 "`: -7, `""`: 0, `" "`: 0, `"None"`: 0, `"\u0031\u0032"`: 12,
		"9223372036854775807": math.MaxInt64, "-9223372036854775808": math.MinInt64, "007": 7,
		"5.0": 5, "1e3": 1000, "1E+3": 1000, "50e-1": 5, "-1.50e1": -15, `"5.0"`: 5, `" 1e3 "`: 1000, "0.0": 0, "-0.0": 0, "0e999999999999": 0,
		"9007199254740993.0": 9007199254740993, "9.223372036854775807e18": math.MaxInt64, "-9223372036854775808.000": math.MinInt64,
		"100000000000000000000e-5": 1000000000000000, "0.05e2": 5, "0.0005e4": 5, `"0050e-1"`: 5,
	} {
		got, err := wire.Int([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		"9223372036854775808", "-9223372036854775809", `"9223372036854775808"`, `" 9223372036854775808 "`, "99999999999999999999999",
		"5.5", "1e-1", "1e19", "9.2233720368547758075e18", "1e999999999999", "1e-999999999999", "1.", ".5", "1e", "1e+", "1.e1", "1e1.5", `"5.5"`, "-", "+1", "true", "{}", "[]", `"x"`, `"1 2"`, `"`, `"7`, `7"`, `"\"`, `"-"`, "0x1", "٧", `"\ud800"`, "1:", "1/", `"1:"`,
	} {
		got, err := wire.Int([]byte(text))
		require.Error(t, err, text)
		require.Zero(t, got)
	}
}

func TestDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"7": 7, `"7"`: 7, "-9223372036854775808": math.MinInt64} {
		got, ok := wire.Digits([]byte(text))
		require.True(t, ok)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "null", `""`, `" 7"`, `"`, "1.5", `"None"`, "9223372036854775808"} {
		_, ok := wire.Digits([]byte(text))
		require.False(t, ok, text)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "null": "", `""`: "", `"a"`: "a", `"a\n\u0430"`: "a\nа", "7": "7", "1.50": "1.50", "9007199254740993": "9007199254740993",
		"true": "true", "false": "false", "\"\xff\"": "\ufffd", `"\ud800"`: "\ufffd", `" a "`: " a ",
	} {
		got, err := wire.Text([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"{}", `["a"]`, `"`, `"a`, `"\x"`, `"\"`} {
		_, err := wire.Text([]byte(text))
		require.Error(t, err, text)
	}
	for text, want := range map[string]string{`{"a":1}`: `{"a":1}`, "[1]": "[1]", `"a"`: "a", "null": ""} {
		got, err := wire.LooseText([]byte(text))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := wire.LooseText([]byte(`"`))
	require.ErrorIs(t, err, wire.ErrSyntax)
}

func TestFlag(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]bool{ // the flag, and whether there is one
		"true": {true, true}, "1": {true, true}, `"1"`: {true, true}, `"True"`: {true, true}, `" yes "`: {true, true}, `"on"`: {true, true}, `"Да"`: {true, true}, `"нет"`: {false, true},
		"false": {false, true}, "0": {false, true}, `"0"`: {false, true}, `"FALSE"`: {false, true}, `"no"`: {false, true}, `"Off"`: {false, true},
		"1.0": {true, true}, `"1.0"`: {true, true}, "1e0": {true, true}, "0.0": {false, true}, "-0": {false, true},
		"": {}, "null": {}, `""`: {}, `" "`: {}, `"None"`: {}, `" None "`: {}, `"undefined"`: {},
	} {
		flag, known, err := wire.Flag([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, [2]bool{flag, known}, text)
	}
	for _, text := range []string{"2", "-1", "1.5", "10", `"maybe"`, "{}", "[]", `"`} {
		_, _, err := wire.Flag([]byte(text))
		require.Error(t, err, text)
	}
}

func TestIdentifier(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "null": "", `""`: "", `"None"`: "", `" undefined "`: "", `"abc"`: "abc", `" a "`: " a ", `"true"`: "true", `"007"`: "007", `"6.25e9"`: "6.25e9",
		"7": "7", "-1001234567890": "-1001234567890", "6.25e9": "6250000000", "5.0": "5", "12345678901234567890123456": "12345678901234567890123456",
		"12345678901234567890123456.00": "12345678901234567890123456", "1e99": "1" + strings.Repeat("0", 99),
	} {
		got, err := wire.Identifier([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"true", "false", "{}", "[]", `{"id":1}`, "5.5", "1e100", "1e400", "1e999999999999", `"a`, "-", "x"} {
		got, err := wire.Identifier([]byte(text))
		require.Error(t, err, text)
		require.Empty(t, got)
	}
}

func TestTextOrNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`"a"`: "a", "7": "7", "-7": "-7", "79000000000": "79000000000"} {
		got, ok := wire.TextOrNumber([]byte(text))
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "null", "true", "{}", "[]", `"a`} {
		_, ok := wire.TextOrNumber([]byte(text))
		require.False(t, ok, text)
	}
}

// TestWholeIsExact compares the spellings of a number with the number itself.
func TestWholeIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		shift := rapid.IntRange(0, 30).Draw(t, "shift")
		digits := strconv.FormatInt(n, 10)
		for _, spelling := range []string{
			digits + "." + strings.Repeat("0", shift+1),
			digits + strings.Repeat("0", shift) + "e-" + strconv.Itoa(shift),
			digits + "e0",
		} {
			got, err := wire.Int([]byte(spelling))
			if err != nil || got != n {
				t.Fatalf("%s: %d, %v; want %d", spelling, got, err, n)
			}
		}
	})
}

func TestTypes(t *testing.T) {
	t.Parallel()
	var v struct {
		S wire.String
		B wire.Boolean
		N wire.Number
	}
	require.NoError(t, json.Unmarshal([]byte(`{"S":{"a":[1]},"B":"0","N":"12"}`), &v))
	require.Equal(t, `{"a":[1]}`, string(v.S))
	require.True(t, v.B.False())
	require.False(t, v.B.True())
	require.Equal(t, wire.Number(12), v.N)
	require.NoError(t, json.Unmarshal([]byte(`{"S":null,"B":null,"N":null}`), &v))
	require.Empty(t, v.S)
	require.False(t, v.B.True() || v.B.False())
	require.Zero(t, v.N)
	require.NoError(t, json.Unmarshal([]byte(`{"B":1}`), &v))
	require.True(t, v.B.True())
	for _, text := range []string{`{"B":"x"}`, `{"N":"x"}`} {
		require.Error(t, json.Unmarshal([]byte(text), &v))
	}
}

func TestUnsetWords(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"", "None", "NONE", "none", "null", "NULL", "undefined"} {
		require.True(t, wire.IsUnset(word), word)
	}
	for _, word := range []string{" ", "0", "no", "nil", "Undefined", "unset"} {
		require.False(t, wire.IsUnset(word), word)
	}
}

func TestTrim(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"x", " x\n", "\ufeffx", " \ufeff x ", "\r\n\tx"} {
		require.Equal(t, "x", string(wire.Trim([]byte(body))), "%q", body)
	}
	require.Empty(t, wire.Trim([]byte("\ufeff \n")))
}

func members(t *testing.T, object string) ([]string, error) {
	t.Helper()
	var got []string
	err := wire.Members([]byte(object), func(key string, value []byte) error {
		got = append(got, key+"="+string(value))
		return nil
	})
	return got, err
}

// Pairs are the members up to the first place that is not valid, or to where the loop ends.
func TestPairs(t *testing.T) {
	t.Parallel()
	for object, want := range map[string][]string{
		`{"a":1,"b":[2],"c":"3"}`: {"a", "b", "c"},
		`{"a":1,"b":[2],"c":`:     {"a", "b"},
		`{}`:                      nil,
		`[1]`:                     nil,
		``:                        nil,
	} {
		var names []string
		for name := range wire.Pairs([]byte(object)) {
			names = append(names, name)
		}
		require.Equal(t, want, names, object)
	}
	for name, value := range wire.Pairs([]byte(`{"a":1,"b":2}`)) {
		require.Equal(t, "a1", name+string(value))
		break
	}
}

func TestMembers(t *testing.T) {
	t.Parallel()
	for object, want := range map[string][]string{
		`{}`: nil, ` { } `: nil,
		`{"a":1,"b":"x,}\"","c":{"d":[1,{"e":"]"}]},"f":null}`: {`a=1`, `b="x,}\""`, `c={"d":[1,{"e":"]"}]}`, `f=null`},
		"{ \"a\" :\t1 ,\r\n\"a\": 2 }":                         {"a=1", "a=2"},
		`{"\u0430\"":true}`:                                    {`а"=true`},
		`{"a":"\\"}`:                                           {`a="\\"`},
		`{"a":"\\\""}`:                                         {`a="\\\""`},
	} {
		got, err := members(t, object)
		require.NoError(t, err, object)
		require.Equal(t, want, got, object)
	}
	for _, object := range []string{
		"", " ", "null", "[]", `"a"`, "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`, `{"a":1}}`, `{"a":1} x`,
		`{"a":"x}`, `{"a":[1}`, `{"a":{"b":1}`, `{"a":}`, `{"a"::1}`, `{"a":1 "b":2}`, "{\"a\x01\":1}", `{"\x":1}`, `{1:2}`, strings.Repeat(`{"a":`, 20000),
	} {
		_, err := members(t, object)
		require.ErrorIs(t, err, wire.ErrSyntax, "%.40q", object)
	}
	stop := errors.New("stop")
	visited := 0
	err := wire.Members([]byte(`{"a":1,"b":2}`), func(string, []byte) error { visited++; return stop })
	require.ErrorIs(t, err, stop)
	require.Equal(t, 1, visited)
}

// Check accepts what encoding/json accepts, and Unquote reads what it reads.
func TestCheckAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	values := []string{
		"", " ", "null", "nul", "nulx", "true", "trux", "false", "falsy", "0", "-0", "01", "-", "+1", "1.", "1.5", ".5", "1e", "1e+", "1e+5", "1E-5", "1ex", "0x1", "NaN",
		`""`, `"`, `"a`, `"\u0430"`, `"\u043"`, `"\u043x"`, `"\u00g0"`, `"\u00G0"`, "\"\\u00`0\"", `"\u00@0"`, `"\u00/0"`, `"\u00:0"`, `"\uAbCf"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\uABCD\uabcd"`, `"\x"`, `"\`, `"\"`,
		`"\b\f\n\r\t\/\\\""`, "\"\x01\"", "\"\xff\"", "\"a\xc3(\"", `"é€😀"`, "[]", "[1,]", "[1", "[1 2]", "[,]", "[[]]", "]", "{}", "{", `{"a"`, `{"a" 1}`,
		`{"a":}`, `{"a":1`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a\x":1}`, `{"a:1}`, `{1:2}`, `{"a":[1,{"b":null}]}`, " { \"a\" : [ 1 , \"b\" ] } ", "{}x", "1 2",
	}
	for _, text := range values {
		err := wire.Check([]byte(text), 100)
		require.Equal(t, json.Valid([]byte(text)), err == nil, "%q: %v", text, err)
		if err != nil {
			require.ErrorIs(t, err, wire.ErrSyntax)
		}
		var want string
		if json.Unmarshal([]byte(text), &want) == nil && strings.HasPrefix(text, `"`) {
			require.Equal(t, want, wire.Unquote(text), text)
		}
		require.NotPanics(t, func() { _ = wire.Unquote(text) }, text)
		escaped := wire.EscapeControls([]byte(text))
		if json.Valid([]byte(text)) {
			require.Equal(t, text, string(escaped))
		}
	}
	require.Equal(t, `"a\nb\rc\td\u0001"`, string(wire.EscapeControls([]byte("\"a\nb\rc\td\x01\""))))
}

func TestElements(t *testing.T) {
	t.Parallel()
	elements := func(array string) ([]string, error) {
		var got []string
		err := wire.Elements([]byte(array), func(value []byte) error {
			got = append(got, string(value))
			return nil
		})
		return got, err
	}
	for array, want := range map[string][]string{
		`[]`: nil, ` [ ] `: nil, `[1]`: {"1"}, `[1, "a]" ,{"b":[2]},null]`: {"1", `"a]"`, `{"b":[2]}`, "null"}, `[[],{}]`: {"[]", "{}"},
	} {
		got, err := elements(array)
		require.NoError(t, err, array)
		require.Equal(t, want, got, array)
	}
	for _, array := range []string{"", "{}", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1] x", `["a`, "[{]"} {
		_, err := elements(array)
		require.ErrorIs(t, err, wire.ErrSyntax, array)
	}
	stop := errors.New("stop")
	require.ErrorIs(t, wire.Elements([]byte(`[1,2]`), func([]byte) error { return stop }), stop)
}

func TestObject(t *testing.T) {
	t.Parallel()
	var empty wire.Object
	require.Equal(t, "{}", string(empty.Bytes()))

	var o wire.Object
	o.Text("text", "a\"<&>\\\n\u2028ж")
	o.Int("int", math.MinInt64)
	o.True("true")
	o.Bool("false", false)
	o.Seconds("seconds", 1500*time.Millisecond)
	o.Raw("raw", []byte("[1]"))
	require.NoError(t, o.Any("any", map[string]any{"b": 1, "a": nil}))
	require.Error(t, o.Any("bad", make(chan int)))
	o.Text(`na"me`, "")
	require.Equal(t, `{"text":"a\"<&>\\\n\u2028ж","int":-9223372036854775808,"true":true,"false":false,"seconds":1.5,"raw":[1],"any":{"a":null,"b":1},"na\"me":""}`, string(o.Bytes()))
}

// A duration is written exactly, in the shortest way.
func TestAppendSeconds(t *testing.T) {
	t.Parallel()
	for value, want := range map[time.Duration]string{
		0: "0", time.Second: "1", -time.Second: "-1", 200 * time.Millisecond: "0.2", 1: "0.000000001", 90*time.Second + 1: "90.000000001",
		-1500 * time.Millisecond: "-1.5", 36 * time.Hour: "129600", 10 * time.Millisecond: "0.01",
	} {
		require.Equal(t, want, string(wire.AppendSeconds(nil, value)))
	}
	rapid.Check(t, func(rt *rapid.T) {
		value := time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(rt, "value"))
		text := string(wire.AppendSeconds(nil, value))
		require.True(rt, json.Valid([]byte(text)))
		whole, fraction, _ := strings.Cut(text, ".")
		require.False(rt, strings.HasSuffix(fraction, "0"))
		parsed, err := time.ParseDuration(text + "s")
		require.NoError(rt, err)
		require.Equal(rt, value, parsed)
		require.NotEmpty(rt, whole)
	})
}

// Any text survives, escaped as little as JSON allows.
func TestAppendText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.String().Draw(rt, "value")
		written := wire.AppendText([]byte("x"), value)
		require.Equal(rt, byte('x'), written[0])
		var read string
		require.NoError(rt, json.Unmarshal(written[1:], &read))
		require.Equal(rt, strings.ToValidUTF8(value, "\ufffd"), read)
	})
	require.Equal(t, `"<a> & é € 😀"`, string(wire.AppendText(nil, "<a> & é € 😀")))
	for value, want := range map[string]string{
		`"`: `"\""`, `\`: `"\\"`, "\n": `"\n"`, "\x1f": `"\u001f"`, " ": `" "`, "\u2028\u2029": `"\u2028\u2029"`,
	} {
		require.Equal(t, want, string(wire.AppendText(nil, value)), "%q", value)
	}
	require.Equal(t, "\"a\ufffd\ufffdb\"", string(wire.AppendText(nil, "a\xff\xfeb")))
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	text, err := wire.Marshal(map[string]string{"a": "<&>"})
	require.NoError(t, err)
	require.Equal(t, `{"a":"<&>"}`, string(text))
	_, err = wire.Marshal(math.NaN())
	require.Error(t, err)
}

// A number and the same digits as text are the same, and differ from what strconv
// and encoding/json read in nothing but what is documented.
// wholeNumber reads a number by math/big, which is exact and slow.
func wholeNumber(text string) (int64, error) {
	if strings.Trim(text, "0123456789-+.eE") != "" || len(text) > 100 || !plainNumber.MatchString(text) {
		return 0, strconv.ErrSyntax
	}
	if _, exponent, found := strings.Cut(strings.ToLower(text), "e"); found && len(exponent) > 4 {
		return 0, strconv.ErrRange
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok || !number.IsInt() || !number.Num().IsInt64() {
		return 0, strconv.ErrRange
	}
	return number.Num().Int64(), nil
}

var plainNumber = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][-+]?\d+)?$`)

func FuzzInt(f *testing.F) {
	for _, text := range []string{"0", "-0", "7", "9007199254740993", "-9223372036854775808", "9223372036854775808", "1.5", "1e5", "10e-1", "1.0", "", "null", "None", "-", "00", " 7"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, wantErr := wholeNumber(text)
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Skip()
		}
		asText, textErr := wire.Int(quoted)
		switch trimmed := strings.TrimSpace(text); {
		case errors.Is(wantErr, strconv.ErrRange) && len(text) > 4:
			// The slow way may have been given up.
		case wantErr == nil:
			if textErr != nil || asText != want {
				t.Fatalf("%s: %d, %v; want %d", quoted, asText, textErr, want)
			}
		case trimmed != text || wire.IsUnset(trimmed) || !utf8.ValidString(text):
			// Space and words are let through.
		case textErr == nil:
			t.Fatalf("%s: %d, although strconv says %v", quoted, asText, wantErr)
		}
		if !json.Valid([]byte(text)) || text == "" {
			return
		}
		asNumber, numberErr := wire.Int([]byte(text))
		if text[0] == '-' || text[0] >= '0' && text[0] <= '9' {
			if (textErr == nil) != (numberErr == nil) || asText != asNumber {
				if strings.TrimSpace(text) == text {
					t.Fatalf("%s is %d, %v as a number and %d, %v as text", text, asNumber, numberErr, asText, textErr)
				}
			}
			var plain int64
			if err := json.Unmarshal([]byte(text), &plain); strings.TrimSpace(text) == text && err == nil && numberErr != nil {
				t.Fatalf("%s: %v, although encoding/json reads it", text, numberErr)
			} else if err == nil && numberErr == nil && plain != asNumber {
				t.Fatalf("%s: %d, although encoding/json says %d", text, asNumber, plain)
			}
		}
		if digits, ok := wire.Digits([]byte(text)); ok && (numberErr != nil || digits != asNumber) {
			t.Fatalf("%s: Digits says %d, Int says %d, %v", text, digits, asNumber, numberErr)
		}
	})
}

// Members agrees with encoding/json about valid objects, and accepts nothing else
// once the values are checked.
func FuzzMembers(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":1}`, `{"a":1,"a":2}`, `{"a":{"b":[1,"}"]},"c":"\\\""}`, `{"a":"\u0430"}`, `{"a":1,}`, `{"a":tru}`, `[1]`, `{"":null}`, ` {"a" : [ ] } `, `{"a":1}x`,
		"{\"a\":\"\xff\"}", `{"\ud800":1}`, `{"a":01}`, `{"a":-}`, `{"a":1e}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var keys []string
		values := map[string][]byte{}
		valid := true
		err := wire.Members(text, func(key string, value []byte) error {
			keys = append(keys, key)
			values[key] = bytes.Clone(value)
			valid = valid && json.Valid(value)
			return nil
		})
		var want map[string]json.RawMessage
		wantErr := json.Unmarshal(text, &want)
		isObject := wantErr == nil && want != nil
		if isObject != (err == nil && valid) {
			t.Fatalf("%q: %v (values valid: %v), although encoding/json says %v", text, err, valid, wantErr)
		}
		if !isObject {
			return
		}
		slices.Sort(keys)
		if keys = slices.Compact(keys); len(keys) != len(want) {
			t.Fatalf("%q: %q, although encoding/json has %d keys", text, keys, len(want))
		}
		for key, value := range want {
			if !bytes.Equal(values[key], value) {
				t.Fatalf("%q: %q is %q, although encoding/json says %q", text, key, values[key], value)
			}
		}
		count := 0
		if err := wire.Elements(slices.Concat([]byte("["), text, []byte(",1]")), func([]byte) error { count++; return nil }); err != nil || count != 2 {
			t.Fatalf("%q as an element: %d, %v", text, count, err)
		}
	})
}

// Text agrees with encoding/json about strings and keeps every digit of a number.
func FuzzText(f *testing.F) {
	for _, text := range []string{`""`, `"a"`, `"\u0430\n"`, `"\ud83d\ude00"`, `"\ud800"`, "1.50", "1e400", "true", "null", "{}", "\"\xff\"", `"`, `"\"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := wire.Text(value)
		loose, looseErr := wire.LooseText(value)
		flag, known, flagErr := wire.Flag(value)
		if flag && (!known || flagErr != nil) {
			t.Fatalf("%q: a flag that nobody knows", value)
		}
		if !json.Valid(value) || len(bytes.TrimSpace(value)) != len(value) {
			return // Only no panic is asked for.
		}
		switch value[0] {
		case '"':
			var want string
			if json.Unmarshal(value, &want) != nil || err != nil || got != want {
				t.Fatalf("%q: %q, %v; want %q", value, got, err, want)
			}
		case '{', '[':
			if err == nil || looseErr != nil || loose != string(value) {
				t.Fatalf("%q: %q, %v and %q, %v", value, got, err, loose, looseErr)
			}
			return
		case 'n':
			if got != "" || err != nil {
				t.Fatalf("null: %q, %v", got, err)
			}
		default:
			if got != string(value) || err != nil {
				t.Fatalf("%q: %q, %v", value, got, err)
			}
		}
		if loose != got || looseErr != nil {
			t.Fatalf("%q: %q, but %q, %v loosely", value, got, loose, looseErr)
		}
	})
}

// The plain spellings cost no memory.
func TestScalarsDoNotAllocate(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process
	number, quoted, flag, word := []byte("9007199254740993"), []byte(`"9007199254740993"`), []byte("true"), []byte("null")
	array := []byte("[1,2,3]")
	object := []byte(`{"a":1,"b":"x","c":{"d":[1,2,3]}}`)
	for name, run := range map[string]func(){
		"number":   func() { _, _ = wire.Int(number) },
		"text":     func() { _, _ = wire.Int(quoted) },
		"null":     func() { _, _ = wire.Int(word) },
		"flag":     func() { _, _, _ = wire.Flag(flag) },
		"digits":   func() { _, _ = wire.Digits(quoted) },
		"elements": func() { _ = wire.Elements(array, func([]byte) error { return nil }) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, run), name)
	}
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { _ = wire.Members(object, func(string, []byte) error { return nil }) }), 3.0, "one for each key at most")
}
