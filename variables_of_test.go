package salebot_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// Fake variables are read like real ones, and take what is saved.
func TestVariablesOf(t *testing.T) {
	t.Parallel()
	variables, err := salebot.VariablesOf(map[string]any{
		"client.city": "Riga", "sum": 1500.5, "count": int64(math.MaxInt64), "vip": true, "note": nil, "day": salebot.Date{Year: 2026, Month: time.May, Day: 28},
		"status": "fail", "number": json.Number("1e3"),
	})
	require.NoError(t, err)
	require.JSONEq(t, `{"city":"Riga","count":9223372036854775807,"day":"28.05.2026","note":null,"number":1e3,"status":"fail","sum":1500.5,"vip":true}`, variables.String())
	count, ok := variables.Get("count")
	require.True(t, ok)
	whole, err := count.Int64()
	require.NoError(t, err)
	require.Equal(t, int64(math.MaxInt64), whole)
	none, err := salebot.VariablesOf(nil)
	require.NoError(t, err)
	require.Zero(t, none.Len())

	for name, c := range map[string]struct {
		variables map[string]any
		field     string
	}{
		"list":    {map[string]any{"a": []int{1}}, `Variables["a"]`},
		"object":  {map[string]any{"a": struct{}{}}, `Variables["a"]`},
		"no JSON": {map[string]any{"a": math.NaN()}, `Variables["a"]`},
		"no name": {map[string]any{"": 1}, `Variables[""]`},
		"prefix":  {map[string]any{"client.": 1}, `Variables["client."]`},
		"twice":   {map[string]any{"client.a": 1, "a": 2}, `Variables["client.a"]`},
	} {
		_, err := salebot.VariablesOf(c.variables)
		requireField(t, err, c.field)
		require.Error(t, err, name)
	}
}

// visit has fields whose place in time depends on the location.
type visit struct {
	Name string        `salebot:"name"`
	Day  salebot.Date  `salebot:"day"`
	Last *salebot.Date `salebot:"last"`
	At   time.Time     `salebot:"at,layout=02.01.2006 15:04:05"`
	Sum  int           `salebot:"sum,order"`
}

// What one StructVariables has written it reads back equal, to the client and to a deal,
// in any location.
func TestStructVariablesComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		location := rapid.SampledFrom([]*time.Location{nil, time.UTC, clienttest.Moscow, time.FixedZone("", -11*60*60)}).Draw(r, "location")
		visits, err := salebot.VariablesFor[visit](location)
		require.NoError(r, err)
		want := visit{
			Name: rapid.StringMatching(`[a-zа-я]{1,9}`).Draw(r, "name"), Sum: rapid.Int().Draw(r, "sum"),
			At:  time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "at"), 0),
			Day: salebot.DateOf(time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "day"), 0).UTC()),
		}
		if rapid.Bool().Draw(r, "last") {
			want.Last = new(salebot.DateOf(want.At.UTC()))
		}
		for _, encode := range []func(visit) (map[string]any, error){visits.Encode, visits.EncodeOrder} {
			encoded, err := encode(want)
			require.NoError(r, err)
			variables, err := salebot.VariablesOf(encoded)
			require.NoError(r, err)
			got, err := visits.Decode(variables)
			require.NoError(r, err)
			require.True(r, want.At.Equal(got.At), "%v %v", want.At, got.At)
			got.At = want.At
			require.Equal(r, want, got)
		}
	})
}

func TestVariablesForChecksTheStruct(t *testing.T) {
	t.Parallel()
	_, err := salebot.VariablesFor[struct {
		At time.Time `salebot:"at"`
	}](nil)
	requireField(t, err, "At")
	_, err = salebot.VariablesFor[int](nil)
	requireField(t, err, "target")
	var zero salebot.StructVariables[visit]
	encoded, err := zero.Encode(visit{Day: salebot.Date{Year: 2026, Month: time.May, Day: 28}})
	require.NoError(t, err)
	require.Equal(t, "28.05.2026", encoded["client.day"])
}

// Days are read as the constructor writes its own.
func TestDatesOfVariables(t *testing.T) {
	t.Parallel()
	variables := variablesOf(t, `{"day":"05.10.2026","unset":"None","odd":"2026-10-05","no day":"31.02.2026"}`)
	day, _ := variables.Get("day")
	got, err := day.Date()
	require.NoError(t, err)
	require.Equal(t, salebot.Date{Year: 2026, Month: time.October, Day: 5}, got)
	unset, _ := variables.Get("unset")
	_, err = unset.Date()
	require.ErrorIs(t, err, salebot.ErrUnset)
	for _, name := range []string{"odd", "no day"} {
		value, _ := variables.Get(name)
		_, err := value.Date()
		var odd *salebot.ValueError
		require.ErrorAs(t, err, &odd)
		require.NotContains(t, err.Error(), value.Text())
	}
	text, err := salebot.Date{}.MarshalText()
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = salebot.Date{Year: 2026, Month: time.February, Day: 31}.MarshalText()
	require.Error(t, err)
	var zero salebot.Date
	require.NoError(t, zero.UnmarshalText(nil))
	require.True(t, zero.IsZero())
}
