package clienttest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/testkit"
)

// RequireHidden prints a value in every way that a program might and looks for
// the key in what comes out.
func RequireHidden(t *testing.T, value any) {
	t.Helper()
	requireAllClean(t, append(Prints(value), Print{"testify", difference(value)}))
}

// requireHiddenInPrint leaves out those who print behind pointers.
func requireHiddenInPrint(t *testing.T, value any) {
	t.Helper()
	requireAllClean(t, Prints(value))
}

// Print is what came out somewhere.
type Print struct{ Where, Text string }

// Prints are the ways in which a program might print a value.
func Prints(value any) []Print {
	var all []Print
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		all = append(all, Print{verb, fmt.Sprintf(verb, value)})
	}
	text, err := json.Marshal(value)
	all = append(all, Print{"json.Marshal", fmt.Sprint(string(text), err)})
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"slog text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, &slog.HandlerOptions{AddSource: true}) },
		"slog JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).With("before", value).WithGroup("g").Error("x", "value", value, "list", []any{value})
		all = append(all, Print{name, out.String()})
	}
	return all
}

func requireAllClean(t *testing.T, all []Print) {
	t.Helper()
	var together strings.Builder
	distinct := map[string]bool{}
	for _, p := range all {
		if !distinct[p.Text] {
			distinct[p.Text] = true
			together.WriteString(p.Text + "\n")
		}
	}
	if testkit.FindKey(together.String()) == "" {
		return
	}
	for _, p := range all {
		RequireClean(t, p.Where, p.Text)
	}
	require.Fail(t, "the key shows where two of these meet")
}

// RequireClean fails the test if the key is in a text.
func RequireClean(t *testing.T, where, text string) {
	t.Helper()
	if form := testkit.FindKey(text); form != "" {
		// The text is not repeated: TestMain looks at the output.
		require.Fail(t, "the key shows", "%s, %s", where, form)
	}
}

// difference is what testify prints when a value is not what was expected: it
// walks through unexported fields, past any String method.
func difference(value any) string {
	var out recorder
	other := reflect.New(reflect.TypeOf(value)).Elem()
	if other.Kind() == reflect.Pointer {
		other.Set(reflect.New(other.Type().Elem()))
	}
	assert.Equal(&out, other.Interface(), value)
	assert.Equal(&out, []any{other.Interface()}, []any{value})
	assert.ErrorIs(&out, asError(value), io.ErrNoProgress) //nolint:testifylint // its text is what is wanted
	assert.NoError(&out, asError(value))                   //nolint:testifylint // the same
	return out.String()
}

func asError(value any) error {
	err, _ := value.(error)
	return err
}

// recorder is a testing.T that only takes notes.
type recorder struct{ strings.Builder }

func (r *recorder) Errorf(format string, args ...any) { _, _ = fmt.Fprintf(r, format, args...) }

// RequireHiddenError is RequireHidden for an error and for all the errors in it.
func RequireHiddenError(t *testing.T, err error) {
	t.Helper()
	seen := 0
	var walk func(err error)
	walk = func(err error) {
		if seen++; seen > 1000 {
			require.Fail(t, "the errors have no end")
		}
		switch {
		case strings.HasPrefix(reflect.TypeOf(err).String(), "*salebot."):
			RequireHidden(t, err)
		default:
			// What an error of others holds behind a pointer is theirs, once it was
			// taken out of ours.
			requireHiddenInPrint(t, err)
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range e.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
}
