package record_test

import (
	"encoding/json"
	"errors"
	"strconv"
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
		`{"id":1,"title":false}`:                       {ID: 1, Done: true, Unread: []string{"title"}},
		`{"id":1,"title":{},"имя":[]}`:                 {ID: 1, Done: true, Unread: []string{"title", "имя"}},
		`{"id":1,"title":"x","имя":[]}`:                {ID: 1, Title: "x", Done: true},
		`{"id":1,"score":5,"score":{}}`:                {ID: 1, Done: true, Unread: []string{"score"}},
		`{"id":1,"score":{},"score":5}`:                {ID: 1, Score: 5, Done: true},
		`{"id":1,"done":"x","score":1.5,"other":[{}]}`: {ID: 1, Done: true, Unread: []string{"score", "done"}},
		`{"id":1,"Score":5,"ID":7}`:                    {ID: 1, Done: true},
		" {\"id\":1,\"\\u0073core\":5}\n":              {ID: 1, Score: 5, Done: true},
		`{"id":"x","id":1}`:                            {ID: 1, Done: true},
	} {
		got, err := form.One([]byte(text), record.Options{})
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		list, err := form.List([]byte(`[`+text+`]`), record.Options{Raw: true})
		require.NoError(t, err, text)
		require.Equal(t, strings.TrimSpace(text), string(list[0].Raw))
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
	for text, want := range map[string]int{`[]`: 0, ` [ {"id":1} , {"id":2} ] `: 2, `{"0":{"id":1},"7":{"id":2}}`: 2, ` { } `: 0} {
		got, err := form.List([]byte(text), record.Options{})
		require.NoError(t, err, text)
		require.Len(t, got, want, text)
		require.NotNil(t, got)
	}
	for text, want := range map[string]string{
		`[{"id":1},{"id":{}}]`: `element 1: field "id"`, `[{"id":1},null]`: "element 1: want an object", `{`: "ends too early", `{"a":{"id":1}}`: "want a list", `5`: "want a list", `""`: "want a list",
		`[{"id":1}`: "ends too early", `[{"id":1}]x`: "surplus", `[{"id":1,}]`: "not valid JSON", `[{"id":tru}]`: "want a value", `[{"id" 1}]`: "bad object", `{"0":{"id":1},5}`: "bad object",
		`[{"id":"1]`: "ends too early", `[{"id":` + strings.Repeat("[", 20_000): "nested too deeply", strings.Repeat("[", 20_000): "nested too deeply",
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

// What one record of a list has does not show in the next.
func TestRecordsOfAListAreApart(t *testing.T) {
	t.Parallel()
	form := newForm()
	got, err := form.List([]byte(`[{"id":1,"title":"a","имя":"b","score":{}},{"note_id":2},{"id":3,"score":5},{"id":4}]`), record.Options{})
	require.NoError(t, err)
	require.Equal(t, []note{
		{ID: 1, Title: "a", Done: true, Unread: []string{"score"}}, {ID: 2, Done: true}, {ID: 3, Score: 5, Done: true}, {ID: 4, Done: true},
	}, got)
	for _, second := range []string{`{"title":"x"}`, `{}`, `{"note_id":null}`} {
		_, err = form.List([]byte(`[{"id":1},`+second+`]`), record.Options{})
		require.ErrorContains(t, err, `element 1: field "id" is missing`)
	}
}

type parcel struct {
	Key    string
	From   int64
	Label  string
	Extra  string
	Tags   []string
	Weight int
	Unread []string
}

// The kinds of fields that a note does not have.
func TestOtherFields(t *testing.T) {
	t.Parallel()
	form := record.New(
		record.Meta[parcel]{
			Unread: func(p *parcel) *[]string { return &p.Unread },
			Finish: func(p *parcel) error {
				if p.Weight > 100 {
					return errors.New("too heavy")
				}
				return nil
			},
		},
		record.Required(record.Identifier(func(p *parcel) *string { return &p.Key }, "key")),
		record.Readable(record.ID(func(p *parcel) *int64 { return &p.From }, "from")),
		record.Loose(func(p *parcel) *string { return &p.Label }, "label"),
		record.Kept(record.Value(func(p *parcel, value []byte) error {
			p.Extra = string(value)
			if p.Extra == `"odd"` {
				return errors.New("odd")
			}
			return nil
		}, "extra")),
		record.Required(record.Value(func(p *parcel, value []byte) error { return json.Unmarshal(value, &p.Tags) }, "tags", "labels")),
		record.Number(func(p *parcel) *int { return &p.Weight }, "weight"),
	)
	for text, want := range map[string]parcel{
		`{"key":"a","tags":["x"]}`:                            {Key: "a", Tags: []string{"x"}},
		`{"key":5e1,"from":-3,"tags":["x"]}`:                  {Key: "50", From: -3, Tags: []string{"x"}},
		`{"key":"a","label":{"b":[1]},"tags":[]}`:             {Key: "a", Label: `{"b":[1]}`, Tags: []string{}},
		`{"key":"a","tags":null,"labels":["y"],"extra":1}`:    {Key: "a", Tags: []string{"y"}, Extra: "1"},
		`{"key":"a","from":null,"tags":["x"],"extra":"odd"}`:  {Key: "a", Tags: []string{"x"}, Extra: `"odd"`, Unread: []string{"extra"}},
		`{"key":"a","from":"","tags":["x"],"weight":"heavy"}`: {Key: "a", Tags: []string{"x"}, Unread: []string{"weight"}},
	} {
		got, err := form.One([]byte(text), record.Options{})
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for text, want := range map[string]string{
		`{"key":true,"tags":["x"]}`: `field "key": want an id`, `{"key":"a","from":"x","tags":["x"]}`: `field "from": want`, `{"key":"a","tags":null}`: `field "tags" is missing`,
		`{"key":"a","tags":5,"labels":["x"]}`: `field "tags": `, `{"key":"a","tags":["x"],"weight":101}`: "too heavy",
	} {
		_, err := form.One([]byte(text), record.Options{})
		require.ErrorContains(t, err, want, text)
	}
}

func TestFormsAreChecked(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 64 {
		many = append(many, "name"+strconv.Itoa(i))
	}
	score := func(n *note) *int { return &n.Score }
	require.NotPanics(t, func() { record.New(record.Meta[note]{}, record.Number(score, many...)) })
	require.Panics(t, func() {
		record.New(record.Meta[note]{}, record.Number(score, many...), record.Number(score, "another"))
	})
	require.Panics(t, func() {
		record.New(record.Meta[note]{}, record.Number(func(n *note) *int { return &n.Score }, "a"), record.Number(func(n *note) *int { return &n.Score }, "a"))
	})
}
