package tag_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/tag"
)

type base struct {
	City string `salebot:"client.city"`
}

func TestFields(t *testing.T) {
	t.Parallel()
	fields, err := tag.Fields(reflect.TypeFor[struct {
		base

		Name   string
		Hidden string     `salebot:"-"`
		Sum    *int       `salebot:"sum,omitempty,order"`
		Due    *time.Time `salebot:"due,layout=02.01.2006"`
		From   netip.Addr `salebot:"from,"`
	}]())
	require.NoError(t, err)
	require.Equal(t, []tag.Field{
		{Field: "City", Name: "city", Client: true, Index: []int{0, 0}},
		{Field: "Sum", Name: "sum", OmitEmpty: true, Order: true, Index: []int{3}},
		{Field: "Due", Name: "due", Layout: "02.01.2006", Index: []int{4}},
		{Field: "From", Name: "from", Index: []int{5}},
	}, fields)
	again, err := tag.Fields(reflect.TypeFor[struct{ Name string }]())
	require.NoError(t, err)
	require.Empty(t, again)
}

// Each mistake names its field, each time that it is asked for.
func TestFieldErrors(t *testing.T) {
	t.Parallel()
	for part, structure := range map[string]reflect.Type{
		`unknown tag option "omitzero"`: reflect.TypeFor[struct {
			A string `salebot:"a,omitzero"`
		}](),
		"embedded as a pointer": reflect.TypeFor[struct{ *base }](),
		"without a name": reflect.TypeFor[struct {
			A string `salebot:",omitempty"`
		}](),
		"prefix of the client and the option order": reflect.TypeFor[struct {
			A string `salebot:"client.a,order"`
		}](),
		"not exported": reflect.TypeFor[struct {
			a string `salebot:"a"`
		}](),
		"needs a layout": reflect.TypeFor[struct {
			A time.Time `salebot:"a"`
		}](),
		"no variable has": reflect.TypeFor[struct {
			A []string `salebot:"a"`
		}](),
		"variable of another field": reflect.TypeFor[struct {
			B string `salebot:"a"`
			A string `salebot:"client.a"`
		}](),
	} {
		for range 2 {
			fields, err := tag.Fields(structure)
			require.Nil(t, fields)
			require.ErrorContains(t, err, part)
			var wrong *tag.FieldError
			require.ErrorAs(t, err, &wrong)
			require.Contains(t, []string{"A", "a", "City"}, wrong.Field)
		}
	}
}

// Text, numbers and flags are plain, also behind a pointer and under a name of their own.
func TestIsPlain(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"", false, float32(0), 0.0, 0, int8(0), int16(0), int32(0), int64(0), uint(0), uint8(0), uint16(0), uint32(0), uint64(0)} {
		require.True(t, tag.IsPlain(reflect.TypeOf(value).Kind()), "%T", value)
	}
	for _, value := range []any{struct{}{}, []byte{}, map[string]string{}, new(int), complex(0, 0), uintptr(0), func() {}} {
		require.False(t, tag.IsPlain(reflect.TypeOf(value).Kind()), "%T", value)
	}
}
