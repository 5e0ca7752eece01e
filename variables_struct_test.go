package salebot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

// level is a type with a text of its own.
type level int

func (l level) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "level %d", int(l)), nil }

func (l *level) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "level %d", (*int)(l))
	return err
}

type contact struct {
	Phone string `salebot:"client.phone"`
	Email string `salebot:"client.email,omitempty"`
}

// profile has a field of every kind that there is.
type profile struct {
	contact
	Name     string     `salebot:"имя"`
	Age      int        `salebot:"age"`
	Visits   int64      `salebot:"visits"`
	Tiny     int8       `salebot:"tiny"`
	Count    uint       `salebot:"count"`
	Total    uint64     `salebot:"total"`
	Byte     uint8      `salebot:"byte"`
	Sum      float64    `salebot:"sum"`
	Ratio    float32    `salebot:"ratio"`
	Paid     bool       `salebot:"оплачено"`
	Until    time.Time  `salebot:"until,layout=02.01.2006 15:04:05"`
	Level    level      `salebot:"level"`
	Amount   big.Int    `salebot:"amount"`
	Nickname *string    `salebot:"nickname"`
	Children *int       `salebot:"children"`
	Married  *time.Time `salebot:"married,layout=2006-01-02"`
	Limit    *big.Int   `salebot:"limit"`

	Ignored  string `salebot:"-"`
	Untagged func()
	hidden   int
}

// saved are variables as they come back: Salebot keeps them as text.
func saved(t require.TestingT, variables map[string]any, asText bool) salebot.Variables {
	kept := map[string]any{}
	for name, value := range variables {
		text, err := json.Marshal(value)
		require.NoError(t, err)
		if name = trimmed(name); asText && text[0] != '"' {
			kept[name] = string(text)
			continue
		}
		kept[name] = json.RawMessage(text)
	}
	object, err := json.Marshal(kept)
	require.NoError(t, err)
	var read salebot.Variables
	require.NoError(t, json.Unmarshal(object, &read))
	return read
}

func trimmed(name string) string {
	if len(name) > len(salebot.ClientPrefix) && name[:len(salebot.ClientPrefix)] == salebot.ClientPrefix {
		return name[len(salebot.ClientPrefix):]
	}
	return name
}

// What is written from a struct is read back into it, as Salebot keeps it.
func TestVariablesOfAStructComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.StringMatching(`[a-zа-я <&"\\]{1,9}[a-zа-я]`)
		want := profile{
			contact: contact{Phone: word.Draw(r, "phone"), Email: word.Draw(r, "email")},
			Name:    word.Draw(r, "name"), Age: rapid.Int().Draw(r, "age"), Visits: rapid.Int64().Draw(r, "visits"), Tiny: rapid.Int8().Draw(r, "tiny"),
			Count: rapid.Uint().Draw(r, "count"), Total: rapid.Uint64().Draw(r, "total"), Byte: rapid.Uint8().Draw(r, "byte"),
			Sum: rapid.Float64().Draw(r, "sum"), Ratio: rapid.Float32().Draw(r, "ratio"), Paid: rapid.Bool().Draw(r, "paid"),
			Until: time.Unix(rapid.Int64Range(0, 4e9).Draw(r, "until"), 0).In(clienttest.Moscow), Level: level(rapid.IntRange(0, 99).Draw(r, "level")),
		}
		want.Amount.Lsh(big.NewInt(rapid.Int64().Draw(r, "amount")), 70)
		if rapid.Bool().Draw(r, "pointers") {
			want.Nickname, want.Children, want.Limit = new(word.Draw(r, "nickname")), new(rapid.Int().Draw(r, "children")), big.NewInt(7)
			want.Married = new(time.Date(2020, time.May, 28, 0, 0, 0, 0, clienttest.Moscow))
		}
		var encoded map[string]any
		var err error
		if rapid.Bool().Draw(r, "by pointer") {
			encoded, err = salebot.EncodeVariablesIn(clienttest.Moscow, &want)
		} else {
			encoded, err = salebot.EncodeVariablesIn(clienttest.Moscow, want)
		}
		require.NoError(r, err)
		for _, asText := range []bool{false, true} {
			got := profile{Ignored: "stays", hidden: 1}
			require.NoError(r, saved(r, encoded, asText).DecodeIn(clienttest.Moscow, &got))
			require.True(r, want.Until.Equal(got.Until), "%v %v", want.Until, got.Until)
			require.Equal(r, want.Married == nil, got.Married == nil)
			if want.Married != nil {
				require.True(r, want.Married.Equal(*got.Married))
			}
			require.Zero(r, want.Amount.Cmp(&got.Amount), "%v", encoded)
			require.Equal(r, want.Limit == nil, got.Limit == nil)
			require.Equal(r, "stays", got.Ignored)
			got.Until, got.Married, got.Amount, got.Limit, got.Ignored, got.hidden = want.Until, want.Married, want.Amount, want.Limit, "", 0
			require.Equal(r, want, got)
		}
	})
}

func TestDecodeLeavesWhatIsUnset(t *testing.T) {
	t.Parallel()
	was := profile{Name: "Анна", Age: 30, Paid: true, Nickname: new("Аня"), contact: contact{Phone: "1"}}
	got := was
	require.NoError(t, variablesOf(t, `{"имя":"None","age":null,"оплачено":"","nickname":"NONE","phone":"undefined","visits":"null"}`).Decode(&got))
	require.Equal(t, was, got)
	require.NoError(t, variablesOf(t, `{}`).Decode(&got))
	require.Equal(t, was, got)
	require.NoError(t, variablesOf(t, `{"имя":"Пётр","age":"0","оплачено":"нет","nickname":"Петя","phone":79000000000,"unknown":"x"}`).Decode(&got))
	require.Equal(t, profile{Name: "Пётр", Nickname: new("Петя"), contact: contact{Phone: "79000000000"}}, got)
	require.Equal(t, "Аня", *was.Nickname, "a pointer is replaced, not written through")
}

// Times without a zone are read in the location that is given, and in UTC where
// none is.
func TestDecodeTimes(t *testing.T) {
	t.Parallel()
	variables := variablesOf(t, `{"until":"16.10.2026 22:15:59"}`)
	var got profile
	require.NoError(t, variables.Decode(&got))
	require.Equal(t, time.Date(2026, time.October, 16, 22, 15, 59, 0, time.UTC), got.Until)
	require.NoError(t, variables.DecodeIn(clienttest.Moscow, &got))
	require.Equal(t, time.Date(2026, time.October, 16, 19, 15, 59, 0, time.UTC), got.Until.UTC())
}

// A value that does not fit is an error with the name of its variable, and none
// that quotes the value.
func TestDecodeRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"age": `"4276 and more"`, "visits": `9223372036854775808`, "tiny": `128`, "count": `-4276`, "byte": `256`, "total": `18446744073709551616`,
		"sum": `"4276 рублей"`, "ratio": `1e300`, "оплачено": `4276`, "until": `"2026-10-16"`, "level": `"4276"`, "children": `1.5`, "amount": `"x4276"`,
	} {
		var got profile
		err := variablesOf(t, fmt.Sprintf(`{%q:%s}`, name, text)).Decode(&got)
		require.ErrorContains(t, err, name)
		require.Equal(t, profile{}, got)
		if _, ok := errors.AsType[*salebot.ValueError](err); ok {
			require.NotContains(t, err.Error(), "4276")
		}
	}
}

func TestEncodeVariables(t *testing.T) {
	t.Parallel()
	encoded, err := salebot.EncodeVariables(profile{
		Name: "Анна", Until: time.Date(2026, time.October, 16, 22, 15, 59, 0, clienttest.Moscow), Total: math.MaxUint64, Level: 3, hidden: 1,
	})
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"client.phone": "", "client.имя": "Анна", "client.age": 0, "client.visits": int64(0), "client.tiny": int8(0), "client.count": uint(0),
		"client.total": uint64(math.MaxUint64), "client.byte": uint8(0), "client.sum": 0.0, "client.ratio": float32(0), "client.оплачено": false,
		"client.until": "16.10.2026 19:15:59", "client.level": "level 3", "client.amount": "0",
	}, encoded, "empty where it says so, pointers that are nil, and fields without a tag are left out")
	encoded, err = salebot.EncodeVariables(struct {
		Address netip.Addr `salebot:"address"`
		Limit   *big.Int   `salebot:"limit"`
		Amount  big.Int    `salebot:"amount"`
	}{netip.MustParseAddr("::1"), big.NewInt(5), *big.NewInt(6)})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"client.address": "::1", "client.limit": "5", "client.amount": "6"}, encoded)
	for _, source := range []any{nil, 1, "x", map[string]any{}, (*profile)(nil), []profile{}, new(1)} {
		_, err := salebot.EncodeVariables(source)
		requireField(t, err, "source")
	}
}

// readable can be read from text and not be written as one.
type readable struct{ A, B int }

func (*readable) UnmarshalText([]byte) error { return nil }

// unwritable fails to write itself.
type unwritable struct{}

func (unwritable) MarshalText() ([]byte, error) { return nil, clienttest.ErrCable }

func (unwritable) UnmarshalText([]byte) error { return nil }

func TestEncodeVariablesThatHaveNoText(t *testing.T) {
	t.Parallel()
	_, err := salebot.EncodeVariables(struct {
		R readable `salebot:"r"`
	}{})
	require.ErrorIs(t, err, salebot.ErrInvalidRequest, "never half a value")
	_, err = salebot.EncodeVariables(struct {
		U unwritable `salebot:"u"`
	}{})
	require.ErrorIs(t, err, clienttest.ErrCable)
	require.ErrorContains(t, err, "u: ")
}

// A mistake in a tag is found at once, in both directions.
func TestTagErrors(t *testing.T) {
	t.Parallel()
	for field, structure := range map[string]any{
		"Nameless": &struct {
			Nameless string `salebot:""`
		}{},
		"NamelessToo": &struct {
			NamelessToo string `salebot:",omitempty"`
		}{},
		"Option": &struct {
			Option string `salebot:"x,omitemtpy"`
		}{},
		"Layoutless": &struct {
			Layoutless time.Time `salebot:"x"`
		}{},
		"LayoutlessToo": &struct {
			LayoutlessToo *time.Time `salebot:"x"`
		}{},
		"private": &struct {
			private string `salebot:"x"`
		}{},
		"List": &struct {
			List []string `salebot:"x"`
		}{},
		"Map": &struct {
			Map map[string]string `salebot:"x"`
		}{},
		"Structure": &struct {
			Structure struct{ A int } `salebot:"x"`
		}{},
		"Any": &struct {
			Any any `salebot:"x"`
		}{},
		"Twice": &struct {
			Twice **int `salebot:"x"`
		}{},
		"Complex": &struct {
			Complex complex128 `salebot:"x"`
		}{},
		"Second": &struct {
			First  string `salebot:"x"`
			Second string `salebot:"x"`
		}{},
		"Phone": &struct{ *contact }{},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			requireField(t, variablesOf(t, `{"x":"1"}`).Decode(structure), field)
			_, err := salebot.EncodeVariables(structure)
			requireField(t, err, field)
		})
	}
	for _, target := range []any{nil, profile{}, (*profile)(nil), new(1), map[string]any{}, new(&profile{})} {
		requireField(t, variablesOf(t, `{"x":"1"}`).Decode(target), "target")
	}
}

// Structs in structs are walked through, and a field outside hides one inside.
func TestEmbeddedStructs(t *testing.T) {
	t.Parallel()
	type outer struct {
		contact
		Phone string `salebot:"main_phone"`
	}
	var got outer
	require.NoError(t, variablesOf(t, `{"phone":"1","email":"a@b","main_phone":"2"}`).Decode(&got))
	require.Equal(t, outer{contact: contact{Email: "a@b"}, Phone: "2"}, got)
	encoded, err := salebot.EncodeVariables(got)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"client.email": "a@b", "client.main_phone": "2"}, encoded)
}

// Many goroutines may decode into the same type.
func TestDecodeConcurrently(t *testing.T) {
	t.Parallel()
	variables := variablesOf(t, `{"имя":"Анна","age":30}`)
	results := make(chan profile)
	for range 8 {
		go func() {
			var got profile
			if err := variables.Decode(&got); err != nil {
				t.Error(err)
			}
			results <- got
		}()
	}
	for range 8 {
		require.True(t, reflect.DeepEqual(profile{Name: "Анна", Age: 30}, <-results))
	}
}

// The names say where a variable goes, and what would not come back is refused.
func TestEncodeVariablesSaysWhereTheyGo(t *testing.T) {
	t.Parallel()
	type both struct {
		Phone string `salebot:"phone"`
		City  string `salebot:"client.city"`
		Sum   int    `salebot:"sum,order"`
	}
	encoded, err := salebot.EncodeVariables(both{"7", "Omsk", 5})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"client.phone": "7", "client.city": "Omsk", "sum": 5}, encoded)
	var got both
	require.NoError(t, variablesOf(t, `{"phone":"7","city":"Omsk","sum":"5"}`).Decode(&got))
	require.Equal(t, both{"7", "Omsk", 5}, got)
	_, err = salebot.EncodeOrderVariables(nil, both{})
	requireField(t, err, "City")
	encoded, err = salebot.EncodeOrderVariables(clienttest.Moscow, struct {
		Note string    `salebot:"note"`
		Day  time.Time `salebot:"day,layout=02.01 15:04"`
	}{"x", time.Date(2026, time.May, 28, 12, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"note": "x", "day": "28.05 15:00"}, encoded)
	for _, structure := range []any{
		struct {
			A string `salebot:"x"`
			B string `salebot:"client.x"`
		}{},
		struct {
			B string `salebot:"client.x,order"`
		}{},
		struct {
			B string `salebot:"x"`
		}{"None"},
		struct {
			B *string `salebot:"x"`
		}{new("")},
		struct {
			B string `salebot:"x"`
		}{"  "},
	} {
		_, err := salebot.EncodeVariables(structure)
		requireField(t, err, "B")
	}
}

// A layout with two digits for the year puts 1950 into 2050, and none reads a year of
// five digits.
func TestATimeThatWouldComeBackAsAnotherYearIsRefused(t *testing.T) {
	t.Parallel()
	type person struct {
		Born time.Time  `salebot:"born,layout=02.01.06"`
		Last *time.Time `salebot:"last,layout=2006-01-02"`
	}
	at := func(year int) time.Time { return time.Date(year, time.May, 28, 12, 0, 0, 0, time.UTC) }
	encoded, err := salebot.EncodeVariables(person{at(1999), new(at(9999))})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"client.born": "28.05.99", "client.last": "9999-05-28"}, encoded)
	_, err = salebot.EncodeVariables(person{Born: at(1950)})
	requireField(t, err, "Born")
	_, err = salebot.EncodeVariables(person{Born: at(1999), Last: new(at(10000))})
	requireField(t, err, "Last")
}

// All bad variables are named at once, and the good ones are read.
func TestDecodeNamesAllBadVariables(t *testing.T) {
	t.Parallel()
	var got struct {
		Name string    `salebot:"name"`
		Age  int       `salebot:"age"`
		Tiny int8      `salebot:"client.tiny"`
		Paid bool      `salebot:"paid"`
		Day  time.Time `salebot:"day,layout=02.01.2006"`
		City string    `salebot:"city"`
	}
	err := variablesOf(t, `{"name":"Ann","age":"old","tiny":500,"paid":"perhaps","day":"tomorrow","city":"Omsk"}`).Decode(&got)
	var all *salebot.VariablesError
	require.ErrorAs(t, err, &all)
	names := []string{}
	for _, bad := range all.Variables {
		names = append(names, bad.Name)
		require.ErrorContains(t, err, bad.Name+": ")
	}
	require.Equal(t, []string{"age", "tiny", "paid", "day"}, names)
	require.Equal(t, []string{"Ann", "Omsk"}, []string{got.Name, got.City})
	require.Equal(t, 1, strings.Count(err.Error(), "salebot:"))
	var value *salebot.ValueError
	require.ErrorAs(t, err, &value)
}

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

// Days are read as the constructor writes its own, and as other systems do.
func TestDatesOfVariables(t *testing.T) {
	t.Parallel()
	variables := variablesOf(t, `{"day":"05.10.2026","unset":"None","iso":"2026-10-05","odd":"10/05/2026","no day":"31.02.2026"}`)
	day, _ := variables.Get("day")
	got, err := day.Date()
	require.NoError(t, err)
	require.Equal(t, salebot.Date{Year: 2026, Month: time.October, Day: 5}, got)
	iso, _ := variables.Get("iso")
	got, err = iso.Date()
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

// A time that is none is no day of the year 1, but an empty variable, as a Date is.
func TestTimesThatAreNone(t *testing.T) {
	t.Parallel()
	encoded, err := salebot.EncodeVariables(struct {
		At  time.Time    `salebot:"at,layout=02.01.2006"`
		Day salebot.Date `salebot:"day"`
	}{})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"client.at": "", "client.day": ""}, encoded)
	later := time.Date(2026, time.May, 28, 0, 0, 0, 0, time.UTC)
	target := struct {
		At time.Time `salebot:"at,layout=02.01.2006"`
	}{later}
	require.NoError(t, variablesOf(t, `{"at":""}`).Decode(&target))
	require.Equal(t, later, target.At, "what is unset leaves its field")
}
