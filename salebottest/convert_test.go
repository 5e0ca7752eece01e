package salebottest

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	engine "github.com/salebot-go/salebot/internal/emulator"
	"github.com/salebot-go/salebot/internal/emulator/faults"
)

// A field that the conversion forgets would be lost without a word.
func TestConversionsLoseNothing(t *testing.T) {
	t.Parallel()
	// What only the page of cmd/salebot needs.
	pageOnly := map[string][]string{
		"delivery": {"Kind", "Text", "BlockID", "Method", "URL", "header"},
		"webhook":  {"Events", "Further"},
		"block":    {"Fallback", "Request"},
	}
	fault := filled[Fault](t)
	require.Equal(t, fault, faultOf(fault.engine()))
	for name, convert := range map[string]func() (from, to any){
		"message":   func() (any, any) { m := filled[engine.Message](t); return m, messageOf(m) },
		"scheduled": func() (any, any) { s := filled[engine.Scheduled](t); return s, scheduledOf(s) },
		"delivery":  func() (any, any) { d := filled[engine.Delivery](t); return d, deliveryOf(d) },
		"fault":     func() (any, any) { f := filled[faults.Fault](t); return f, faultOf(f) },
		"webhook":   func() (any, any) { w := filled[Webhook](t); e := w.engine(); return w, e },
		"answers":   func() (any, any) { a := filled[Answers](t); e := a.engine(); return a, e },
		"block":     func() (any, any) { b := filled[Block](t); return b, engineBlocks([]Block{b})[0] },
		"key":       func() (any, any) { k := filled[Key](t); return k, keysOf([]Key{k})[0] },
	} {
		from, to := convert()
		value, known := reflect.ValueOf(to), reflect.TypeOf(from)
		for _, only := range pageOnly[name] {
			_, here := value.Type().FieldByName(only)
			_, there := known.FieldByName(only)
			require.NotEqual(t, here, there, "%s: %s", name, only)
		}
		require.Equal(t, len(pageOnly[name]), max(known.NumField(), value.NumField())-min(known.NumField(), value.NumField()), name)
		for i := range value.NumField() {
			field := value.Type().Field(i).Name
			switch {
			case value.Field(i).Kind() == reflect.Interface, slices.Contains(pageOnly[name], field):
			default:
				require.False(t, value.Field(i).IsZero(), "%s: %s", name, field)
			}
		}
	}
}

// filled returns a value in which every field that can be filled is.
func filled[T any](t *testing.T) T {
	t.Helper()
	var value T
	fill(reflect.ValueOf(&value).Elem())
	return value
}

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Uint8, reflect.Uint64:
		if v.CanInt() {
			v.SetInt(1)
		} else {
			v.SetUint(1)
		}
	case reflect.Float64:
		v.SetFloat(1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		key, element := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key)
		fill(element)
		v.SetMapIndex(key, element)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		// A time.Time has no field to set.
		if at, ok := reflect.TypeAssert[*time.Time](v.Addr()); ok {
			*at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			return
		}
		for _, field := range v.Fields() {
			if field.CanSet() {
				fill(field)
			}
		}
	}
}
