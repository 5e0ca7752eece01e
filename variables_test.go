package salebot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// variablesOf reads an object as GetVariables does.
func variablesOf(t testing.TB, object string) salebot.Variables {
	t.Helper()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return http.StatusOK, object, nil }))
	variables, err := client.GetVariables(t.Context(), 25554)
	require.NoError(t, err)
	return variables
}

// valueOf is one value, given as JSON.
func valueOf(t testing.TB, text string) salebot.Value {
	t.Helper()
	var variables salebot.Variables
	require.NoError(t, json.Unmarshal([]byte(`{"x":`+text+`}`), &variables))
	value, ok := variables.Get("x")
	require.True(t, ok)
	return value
}

func TestVariablesKeepWhatCame(t *testing.T) {
	t.Parallel()
	object := `{"имя":"Анна","моя переменная":"1","status":"fail","n":9007199254740993,"text":"9007199254740993","nothing":null,"none":"None","flag":true,"list":[1,"2"],"object":{"a":1},"":"no name","sum":1500.50,"escaped":"a\u0431\n\"","имя":"Пётр"}`
	variables := variablesOf(t, object)
	require.Equal(t, object, string(variables.Raw()), "the object stays as it came")
	require.Equal(t, 14, variables.Len())
	for name, want := range map[string]string{
		"имя": "Пётр", "моя переменная": "1", "status": "fail", "n": "9007199254740993", "text": "9007199254740993",
		"nothing": "", "none": "", "flag": "true", "list": `[1,"2"]`, "object": `{"a":1}`, "": "no name",
		"sum": "1500.50", "escaped": "aб\n\"", "missing": "",
	} {
		require.Equal(t, want, variables.Text(name), "%q", name)
		value, ok := variables.Get(name)
		require.Equal(t, name != "missing", ok)
		require.Equal(t, want, value.Text())
	}
	sum, _ := variables.Get("sum")
	require.Equal(t, "1500.50", string(sum.Raw()))
	var names []string
	for name := range variables.All() {
		names = append(names, name)
		if name == "status" {
			break
		}
	}
	require.Equal(t, []string{"имя", "моя переменная", "status"}, names, "in the order in which they came")
	text, err := json.Marshal(variables)
	require.NoError(t, err)
	require.JSONEq(t, object, string(text))
}

func TestVariablesOfNobody(t *testing.T) {
	t.Parallel()
	for _, object := range []string{"{}", " { } ", "[]", "[ ]"} {
		variables := variablesOf(t, object)
		require.Zero(t, variables.Len(), object)
		_, ok := variables.Get("x")
		require.False(t, ok)
		text, err := json.Marshal(variables)
		require.NoError(t, err)
		require.Equal(t, "{}", string(text))
	}
	var zero salebot.Variables
	require.Empty(t, zero.Text("x"))
	require.Nil(t, zero.Raw())
	var record struct{ Variables salebot.Variables }
	require.NoError(t, json.Unmarshal([]byte(`{"Variables":null}`), &record))
	require.Zero(t, record.Variables.Len())
	require.True(t, salebot.Value{}.IsUnset())
	for _, bad := range []string{`{"Variables":[1]}`, `{"Variables":"x"}`, `{"Variables":1}`} {
		require.Error(t, json.Unmarshal([]byte(bad), &record), bad)
	}
}

// A variable that is called status is a variable; an object of nothing but
// client_not_found is a refusal.
func TestGetVariablesAndItsStatus(t *testing.T) {
	t.Parallel()
	for _, object := range []string{
		`{"status":"fail"}`, `{"status":"error","error":"x"}`, `{"status":"client_not_found","phone":"1"}`, `{"success":false}`,
		`{"status":"success"}`, `{"status":"not_found"}`,
	} {
		require.Positive(t, variablesOf(t, object).Len(), object)
	}
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) {
		return http.StatusOK, `{"status":"client_not_found"}`, nil
	}))
	_, err := client.GetVariables(t.Context(), 1)
	require.ErrorIs(t, err, salebot.ErrClientNotFound)
	for _, body := range []string{"", "ok", "null", "[1]", `{"a":1`, `{"a":}`, `{"a":1,,}`, `{"a":1}x`, `{a:1}`, "<html></html>", "true", `"x"`, "1"} {
		client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return http.StatusOK, body, nil }))
		_, err := client.GetVariables(t.Context(), 1)
		require.ErrorIs(t, err, salebot.ErrUnexpectedResponse, body)
	}
}

func TestValueUnset(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`null`, `""`, `"None"`, `"NONE"`, `"null"`, `"undefined"`} {
		value := valueOf(t, text)
		require.True(t, value.IsUnset(), text)
		_, err := value.Int64()
		requireUnset(t, err, "int64")
		_, err = value.Float64()
		requireUnset(t, err, "float64")
		_, err = value.Bool()
		requireUnset(t, err, "bool")
		_, err = value.Time(time.DateOnly, nil)
		requireUnset(t, err, "time")
	}
	for _, text := range []string{`"0"`, `0`, `false`, `"False"`, `"нет"`, `"None of them"`, `"."`, `[]`, `{}`, `"Undefined behavior"`} {
		require.False(t, valueOf(t, text).IsUnset(), text)
	}
	_, err := valueOf(t, `" None "`).Int64()
	requireUnset(t, err, "int64")
}

func requireUnset(t testing.TB, err error, kind string) {
	t.Helper()
	require.ErrorIs(t, err, salebot.ErrUnset)
	var failure *salebot.ValueError
	require.ErrorAs(t, err, &failure)
	require.Equal(t, kind, failure.Type)
}

func TestValueInt64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		`0`: 0, `"0"`: 0, `-1`: -1, `"-1"`: -1, `"+5"`: 5, `" 42 "`: 42, `"007"`: 7,
		`9007199254740993`: 9007199254740993, `"9007199254740993"`: 9007199254740993, `-9007199254740993`: -9007199254740993,
		`9007199254740993.0`: 9007199254740993, `"9007199254740993.00"`: 9007199254740993,
		`9223372036854775807`: math.MaxInt64, `"-9223372036854775808"`: math.MinInt64,
		`"1 500"`: 1500, "\"1\u00a0500\u00a0000\"": 1500000, "\"1\u202f500\"": 1500, `1500.0`: 1500, `"1 500.00"`: 1500,
		`1e3`: 1000, `"1e+16"`: 10_000_000_000_000_000, `"9.007199254740993E15"`: 9007199254740993,
	} {
		got, err := valueOf(t, text).Int64()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{
		`1.5`, `"1.5"`, `"1,5"`, `"abc"`, `"12 рублей"`, `9223372036854775808`, `"-9223372036854775809"`, `15e-1`, `"1e30"`, `"1e"`, `"0x10"`, `"1_000"`,
		`true`, `[1]`, `{"a":1}`, `"."`, `"1."`, `"."`, `"--1"`, `"١٢٣"`, `"1.0.0"`,
	} {
		_, err := valueOf(t, text).Int64()
		var failure *salebot.ValueError
		require.ErrorAs(t, err, &failure, text)
		require.NotErrorIs(t, err, salebot.ErrUnset)
	}
}

func TestValueFloat64(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{
		`0`: 0, `"0"`: 0, `1500.5`: 1500.5, `"1500.5"`: 1500.5, `"1500,5"`: 1500.5, `"1 500,50"`: 1500.5, "\"1\u00a0500,50\"": 1500.5,
		`-0.25`: -0.25, `"-0,25"`: -0.25, `1e3`: 1000, `"1e3"`: 1000, `" 7 "`: 7, `"+1,5"`: 1.5, `"1,234"`: 1.234,
	} {
		got, err := valueOf(t, text).Float64()
		require.NoError(t, err, text)
		require.InDelta(t, want, got, 0, text)
	}
	for _, text := range []string{`"abc"`, `"1,234.56"`, `"1,2,3"`, `"1.234,56"`, `"NaN"`, `"Inf"`, `"-Infinity"`, `1e999`, `"0x1p4"`, `"1_0"`, `true`, `[1]`, `"5%"`} {
		_, err := valueOf(t, text).Float64()
		var failure *salebot.ValueError
		require.ErrorAs(t, err, &failure, text)
	}
}

func TestValueBool(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`true`: true, `"True"`: true, `"TRUE"`: true, `1`: true, `"1"`: true, `"yes"`: true, `"on"`: true, `"да"`: true, `"Да"`: true, `" ДА "`: true, `1.0`: true, `"1.0"`: true,
		`false`: false, `"False"`: false, `0`: false, `"0"`: false, `"no"`: false, `"off"`: false, `"нет"`: false, `"НЕТ"`: false, `"0.0"`: false,
	} {
		got, err := valueOf(t, text).Bool()
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{`2`, `"maybe"`, `"t"`, `"y"`, `-1`, `[]`, `1.5`} {
		_, err := valueOf(t, text).Bool()
		var failure *salebot.ValueError
		require.ErrorAs(t, err, &failure, text)
	}
}

func TestValueTime(t *testing.T) {
	t.Parallel()
	value := valueOf(t, `" 16.10.2026 22:15 "`)
	got, err := value.Time("02.01.2006 15:04", clienttest.Moscow)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, time.October, 16, 19, 15, 0, 0, time.UTC), got.UTC())
	got, err = value.Time("02.01.2006 15:04", nil)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, time.October, 16, 22, 15, 0, 0, time.UTC), got)
	_, err = value.Time(time.DateOnly, nil)
	var failure *salebot.ValueError
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, time.DateOnly)
}

// What a client wrote is nobody's business: errors do not quote it.
func TestValueErrorsDoNotQuote(t *testing.T) {
	t.Parallel()
	value := valueOf(t, `"card 4276"`)
	_, intError := value.Int64()
	_, floatError := value.Float64()
	_, boolError := value.Bool()
	_, timeError := value.Time(time.DateOnly, nil)
	for _, err := range []error{intError, floatError, boolError, timeError} {
		require.Error(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "4276")
	}
}

func TestClientVariable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "client.phone", salebot.ClientVariable("phone"))
	require.Equal(t, "client.phone", salebot.ClientVariable("client.phone"))
	require.Equal(t, "client.имя", salebot.ClientVariable("имя"))
	require.Equal(t, "client.", salebot.ClientPrefix)
}

// FuzzVariableValues compares what is read lazily with what encoding/json reads.
func FuzzVariableValues(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":"2","a":null}`))
	f.Add([]byte(`{"имя":"\ud83d\ude00","x":[1,{"y":"}"}]}`))
	f.Add([]byte("{\"\xff\":\"\\ud800\"}"))
	f.Add([]byte(`{"a":}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, object []byte) {
		var variables salebot.Variables
		err := json.Unmarshal(object, &variables)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if trimmed := bytes.TrimSpace(object); trimmed[0] == '{' {
			require.NoError(t, json.Unmarshal(object, &want))
		}
		got := map[string]string{}
		for name, value := range variables.All() {
			got[name] = string(value.Raw())
		}
		require.Len(t, got, len(want))
		for name, raw := range want {
			require.Equal(t, string(raw), got[name], "%q", name)
			value, ok := variables.Get(name)
			require.True(t, ok)
			requireLikeJSON(t, raw, value)
		}
		text, err := json.Marshal(variables)
		require.NoError(t, err)
		var again salebot.Variables
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, variables.Len(), again.Len())
	})
}

// requireLikeJSON compares the getters with what encoding/json and math/big read.
func requireLikeJSON(t *testing.T, raw json.RawMessage, value salebot.Value) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var want any
	require.NoError(t, decoder.Decode(&want))
	switch want := want.(type) {
	case string:
		require.Equal(t, want, value.Text())
	case json.Number:
		require.Equal(t, want.String(), value.Text())
		n, err := value.Int64()
		exact, ok := new(big.Rat).SetString(string(want))
		if err == nil && ok && len(want) < 40 {
			require.Zero(t, exact.Cmp(new(big.Rat).SetInt64(n)), "%s is not %d", want, n)
		}
	case nil:
		require.True(t, value.IsUnset())
	}
	_, _ = value.Bool()
	_, _ = value.Float64()
	_, _ = value.Time(time.RFC3339, nil)
}

// FuzzWholeNumbers reads the same number as number and as text.
func FuzzWholeNumbers(f *testing.F) {
	for _, n := range []int64{0, 1, -1, 9007199254740993, -9007199254740993, math.MaxInt64, math.MinInt64} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		digits := strconv.FormatInt(n, 10)
		for _, text := range []string{digits, `"` + digits + `"`, digits + ".0", `" ` + digits + ` "`} {
			got, err := valueOf(t, text).Int64()
			require.NoError(t, err, text)
			require.Equal(t, n, got)
		}
	})
}

// What is written is JSON in the order of the names.
func TestSaveVariablesWrites(t *testing.T) {
	t.Parallel()
	var body string
	client := clienttest.New(t, roundTripFunc(func(request *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(request.Body)
		body = string(text)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("ok"))}, err
	}))
	_, err := client.SaveVariables(t.Context(), salebot.SaveVariablesRequest{ClientID: 25554, Variables: map[string]any{
		"имя": "Анна", "client.phone": "79000000000", "big": int64(9007199254740993), "blank": nil, "html": "<b>&", "number": json.Number("12345678901234567890"),
	}})
	require.NoError(t, err)
	require.Equal(t, `{"client_id":25554,"variables":{"big":9007199254740993,"blank":null,"client.phone":"79000000000","html":"<b>&","number":12345678901234567890,"имя":"Анна"}}`, body)
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

func variables(text string) salebot.Variables {
	var v salebot.Variables
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

func TestVariables(t *testing.T) {
	t.Parallel()
	v := variables(`{"a":"1","b":2.50,"c":null,"d":"None","e":"","имя":"Анна","x":{"y":[1]},"t":true,"a":"last","q\"":"z"}`)
	require.Equal(t, 10, v.Len(), "a name that came twice counts twice")
	require.Equal(t, "last", v.Text("a"), "and its last value counts, as in encoding/json")
	for name, want := range map[string]string{"b": "2.50", "c": "", "d": "", "имя": "Анна", "x": `{"y":[1]}`, "t": "true", `q"`: "z", "missing": ""} {
		require.Equal(t, want, v.Text(name), name)
	}
	for name, unset := range map[string]bool{"a": false, "b": false, "c": true, "d": true, "e": true, "x": false} {
		value, ok := v.Get(name)
		require.True(t, ok)
		require.Equal(t, unset, value.IsUnset(), name)
	}
	_, ok := v.Get("missing")
	require.False(t, ok)
	value, _ := v.Get("b")
	require.Equal(t, "2.50", string(value.Raw()), "no digit is lost")
	require.True(t, salebot.Value{}.IsUnset())
	require.Empty(t, salebot.Value{}.Text())

	var names []string
	for name := range v.All() {
		if names = append(names, name); len(names) == 3 {
			break
		}
	}
	require.Equal(t, []string{"a", "b", "c"}, names, "in their order, until the loop is left")

	for _, text := range []string{"null", "[]", "[ ]"} {
		empty := variables(text)
		require.Zero(t, empty.Len(), text)
		require.Nil(t, empty.Raw())
		written, err := json.Marshal(empty)
		require.NoError(t, err)
		require.Equal(t, "{}", string(written))
	}
	for _, text := range []string{`"x"`, "5", "[1]", "true"} {
		var wrong salebot.Variables
		require.Error(t, json.Unmarshal([]byte(text), &wrong), text)
	}
	written, err := json.Marshal(v)
	require.NoError(t, err)
	require.Equal(t, string(v.Raw()), string(written))
}

// What was decoded does not change when the source does.
func TestVariablesAreCopied(t *testing.T) {
	t.Parallel()
	source := []byte(`{"a":"1"}`)
	var v salebot.Variables
	require.NoError(t, v.UnmarshalJSON(source))
	var a salebot.Attachments
	require.NoError(t, a.UnmarshalJSON(source))
	copy(source, `xxxxxxxxx`)
	require.Equal(t, "1", v.Text("a"))
	require.Equal(t, `{"a":"1"}`, string(a.Raw()))
}

func TestTextOfUnsetVariables(t *testing.T) {
	t.Parallel()
	v := variablesOf(t, `{"a":"None","b":"NONE","c":"undefined","d":" null ","e":null,"f":"","g":"Nonesuch","h":" x ","i":0,"j":false}`)
	for name, want := range map[string]string{"a": "", "b": "", "c": "", "d": "", "e": "", "f": "", "g": "Nonesuch", "h": " x ", "i": "0", "j": "false", "k": ""} {
		require.Equal(t, want, v.Text(name), name)
		value, _ := v.Get(name)
		require.Equal(t, want == "", value.IsUnset(), name)
	}
	word, _ := v.Get("a")
	require.Equal(t, `"None"`, string(word.Raw()), "Raw keeps the word")
}

func FuzzVariables(f *testing.F) {
	fuzzAnswer(f, "get_variables", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		v := result.(salebot.Variables)
		requireStable(t, v)
		var want map[string]any
		_ = json.Unmarshal(v.Raw(), &want)
		distinct := map[string]bool{}
		for name, value := range v.All() {
			distinct[name] = true
			if text, isText := want[name].(string); isText && !value.IsUnset() && v.Text(name) != text {
				t.Fatalf("%q: %q is %q, want %q", body, name, v.Text(name), text)
			}
		}
		if len(distinct) != len(want) {
			t.Fatalf("%q: %d names, want %d", body, len(distinct), len(want))
		}
	})
}
