package salebot_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/salebot-go/salebot"
)

func TestAttachments(t *testing.T) {
	t.Parallel()
	const a, b = "https://files.example/a.png", "http://files.example/b?x=1&y=2"
	file := func(url string) salebot.Attachment { return salebot.Attachment{URL: url} }
	for text, want := range map[string][]salebot.Attachment{
		"null": nil, `""`: nil, `" "`: nil, "[]": nil, "{}": nil, `"[]"`: nil, `"{}"`: nil, `"None"`: nil, "[ ]": nil,
		"[null]": {{}}, `[""]`: {{}}, "[{}]": {{}}, "[[]]": {{}}, `{"0":{}}`: {{}}, "[[[[[7]]]]]": {{}}, `[[[[["` + a + `"]]]]]`: {{}},
		`{"file":true}`: {{}}, `{"url":5}`: {{}}, `{"file":"BQACAgIAAx"}`: {{}}, `{"url":"ftp://files.example/a"}`: {{}}, `{"url":"https://"}`: {{}},
		`{"file":"BQACAgIAAx","url":"` + a + `"}`:                           {file(a)},
		`{"link":"` + b + `","file":"` + a + `"}`:                           {file(a)},
		`{"attachment_url":"` + a + `","attachment_type":"image"}`:          {{URL: a, Type: "image"}},
		`{"image":"` + a + `","name":"a.jpg"}`:                              {{URL: a, Name: "a.jpg"}},
		`{"image":"` + a + `","type":"image"}`:                              {{URL: a, Name: "image", Type: "image"}},
		`{"type":"image","payload":{"url":"` + a + `"}}`:                    {{URL: a, Type: "image"}},
		`{"0":{"url":"` + a + `"},"1":{"url":"` + b + `"}}`:                 {file(a), file(b)},
		`{"0":"` + a + `","1":"` + b + `","2":{"id":7}}`:                    {file(a), file(b), {}},
		`{"first":{"url":"` + a + `"},"second":{"phone_number":"7900000"}}`: {file(a), {PhoneNumber: "7900000"}},
		`{"URL":"` + a + `"}`:                                               {{URL: a, Name: "URL"}},
		`{"phone":true}`:                                                    {{}},
		`"` + a + `"`:                                                       {file(a)},
		`["` + a + `","` + b + `"]`:                                         {file(a), file(b)},
		`{"url":"` + a + `"}`:                                               {file(a)},
		`[{"url":"` + a + `","type":"image"}]`:                              {{URL: a, Type: "image"}},
		`[{"file":"` + a + `","filename":"a.png"},"` + b + `"]`:             {{URL: a, Name: "a.png"}, file(b)},
		`{"photo":"` + a + `","doc":"` + b + `"}`:                           {{URL: a, Name: "photo"}, {URL: b, Name: "doc"}},
		`[{"phone_number":"79000000000"}]`:                                  {{PhoneNumber: "79000000000"}},
		`[{"phone_number":79000000000,"name":"Ann"}]`:                       {{PhoneNumber: "79000000000", Name: "Ann"}},
		`"[\"` + a + `\"]"`:                                                 {file(a)},
		`"{\"url\":\"` + a + `\"}"`:                                         {file(a)},
		`"\"[\\\"` + a + `\\\"]\""`:                                         {{}}, // JSON text within JSON text within JSON text: kept raw
		`[["` + a + `"]]`:                                                   {file(a)},
		`["not an address"]`:                                                {{}},
		`[7,true]`:                                                          {{}, {}},
		`{"unknown":5}`:                                                     {{}},
		`{"url":"","x":{"url":"` + a + `"}}`:                                {file(a)},
		`"[broken"`:                                                         {{}},
	} {
		got := attachmentsOf(text)
		var plain []salebot.Attachment
		for _, item := range got.Items() {
			require.True(t, json.Valid(item.Raw), "%s: Raw is %s", text, item.Raw)
			item.Raw = nil
			plain = append(plain, item)
		}
		require.Equal(t, want, plain, text)
		var urls []string
		for _, item := range want {
			if item.URL != "" {
				urls = append(urls, item.URL)
			}
		}
		require.Equal(t, urls, got.URLs(), text)
		written, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, text, string(written), "it is kept as it came")
	}
	require.Nil(t, salebot.Attachments{}.Items())
	require.Nil(t, attachmentsOf("null").Raw())
	// Nesting without end is cut, not followed.
	require.NotPanics(t, func() {
		deep := slices.Concat(slices.Repeat([]byte("["), 1000), slices.Repeat([]byte("]"), 1000))
		require.Empty(t, attachmentsOf(string(deep)).URLs())
	})
}

func attachmentsOf(text string) salebot.Attachments {
	var a salebot.Attachments
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		panic(err)
	}
	return a
}

func FuzzAttachments(f *testing.F) {
	for _, text := range []string{"null", "[]", "{}", `["https://a/b"]`, `[{"url":"https://a/b","type":"image"}]`, `"[\"https://a/b\"]"`, `{"a":"https://a/b"}`, `[{"phone_number":1}]`, `[[[[[]]]]]`, `"\""`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var a salebot.Attachments
		if json.Unmarshal(text, &a) != nil {
			_ = a.UnmarshalJSON(text)
			_ = a.Items()
			return
		}
		requireStable(t, a)
		urls := 0
		for _, item := range a.Items() {
			if item.URL != "" {
				urls++
			}
			if !json.Valid(item.Raw) {
				t.Fatalf("%s: Raw is %q", text, item.Raw)
			}
		}
		if len(a.URLs()) != urls {
			t.Fatalf("%s: %d addresses, want %d", text, len(a.URLs()), urls)
		}
	})
}
