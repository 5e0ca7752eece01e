package record_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot/internal/record"
)

type note struct {
	ID     int64
	Title  string
	Score  int
	Done   bool
	Unread []string
	Raw    json.RawMessage
}

func newForm() *record.Type[note] {
	return record.New(
		record.Meta[note]{
			Unread: func(n *note) *[]string { return &n.Unread },
			Raw:    func(n *note) *json.RawMessage { return &n.Raw },
			Start:  func(n *note) { n.Done = true },
		},
		record.Required(record.OwnID(func(n *note) *int64 { return &n.ID }, "id", "note_id")),
		record.Text(func(n *note) *string { return &n.Title }, "title", "имя"),
		record.Number(func(n *note) *int { return &n.Score }, "score"),
		record.Flag(func(n *note, flag, known bool) { n.Done = flag || !known }, "done"),
	)
}

func TestFields(t *testing.T) {
	t.Parallel()
	form := newForm()
	for text, want := range map[string]note{
		`{"id":1}`: {ID: 1, Done: true},
		`{"done":0,"score":"7","title":5,"id":"1"}`:    {ID: 1, Title: "5", Score: 7},
		`{"note_id":2,"id":1}`:                         {ID: 1, Done: true},
		`{"note_id":2,"id":null}`:                      {ID: 2, Done: true},
		`{"id":1,"\u0438\u043c\u044f":"x","имя":"y"}`:  {ID: 1, Title: "y", Done: true},
		`{"id":1,"title":"","имя":"y"}`:                {ID: 1, Title: "y", Done: true},
		`{"id":1,"title":{},"имя":"y"}`:                {ID: 1, Title: "y", Done: true, Unread: []string{"title"}},
		`{"id":1,"title":{},"имя":[]}`:                 {ID: 1, Done: true, Unread: []string{"title", "имя"}},
		`{"id":1,"title":"x","имя":[]}`:                {ID: 1, Title: "x", Done: true},
		`{"id":1,"score":5,"score":{}}`:                {ID: 1, Done: true, Unread: []string{"score"}},
		`{"id":1,"score":{},"score":5}`:                {ID: 1, Score: 5, Done: true},
		`{"id":1,"done":"x","score":1.5,"other":[{}]}`: {ID: 1, Done: true, Unread: []string{"score", "done"}},
		`{"id":1,"Score":5,"ID":7}`:                    {ID: 1, Done: true},
		`{"id":"x","id":1}`:                            {ID: 1, Done: true},
	} {
		got, err := form.One([]byte(text), record.Options{})
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		list, err := form.List([]byte(`[`+text+`]`), record.Options{Raw: true})
		require.NoError(t, err, text)
		require.Equal(t, text, string(list[0].Raw))
	}
	for text, want := range map[string]string{
		`{}`: `field "id" is missing`, `{"id":"x","note_id":1}`: `field "id": want`, `{"note_id":"x"}`: `field "note_id": want`, `[]`: "want an object", `{"id":1`: "ends too early",
		`{"id":1}x`: "not valid JSON", `{"id":1,"id":-1}`: `field "id": want a positive`,
	} {
		_, err := form.One([]byte(text), record.Options{})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "element", text)
	}
	_, err := form.One([]byte(`{"id":1,"done":"x","score":{}}`), record.Options{Strict: true})
	require.ErrorContains(t, err, `field "score": `)
}

func TestLists(t *testing.T) {
	t.Parallel()
	form := newForm()
	for text, want := range map[string]int{`[]`: 0, ` [ {"id":1} , {"id":2} ] `: 2, `{"0":{"id":1},"7":{"id":2}}`: 2} {
		got, err := form.List([]byte(text), record.Options{})
		require.NoError(t, err, text)
		require.Len(t, got, want, text)
		require.NotNil(t, got)
	}
	for text, want := range map[string]string{
		`[{"id":1},{"id":{}}]`: `element 1: field "id"`, `[{"id":1},null]`: "element 1: want an object", `{}`: "not valid JSON", `{"a":{"id":1}}`: "bad array", `5`: "bad array",
		`[{"id":1}`: "ends too early", `[{"id":1}]x`: "surplus", `[{"id":1,}]`: "not valid JSON", strings.Repeat("[", 20_000): "nested too deeply",
	} {
		got, err := form.List([]byte(text), record.Options{})
		require.ErrorContains(t, err, want, text)
		require.Nil(t, got)
	}
}

// What one list had does not show in the next, nor is it written into it.
func TestListsAreApart(t *testing.T) {
	t.Parallel()
	form := newForm()
	first, err := form.List([]byte(`[{"id":1,"title":"a","score":5,"done":0},{"id":2,"title":{}}]`), record.Options{Raw: true})
	require.NoError(t, err)
	for range 10 {
		second, err := form.List([]byte(`[{"id":3},{"id":4}]`), record.Options{})
		require.NoError(t, err)
		require.Equal(t, []note{{ID: 3, Done: true}, {ID: 4, Done: true}}, second)
	}
	_, err = form.List([]byte(`[{"id":5},{"id":"x"}]`), record.Options{})
	require.Error(t, err)
	require.Equal(t, "a", first[0].Title)
	require.Equal(t, []string{"title"}, first[1].Unread)
}

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() {
		record.New(record.Meta[note]{}, record.Number(func(n *note) *int { return &n.Score }, "a"), record.Number(func(n *note) *int { return &n.Score }, "a"))
	})
}
