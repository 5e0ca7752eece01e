package salebot_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
)

func timestampOf(t require.TestingT, text string) salebot.Timestamp {
	var at salebot.Timestamp
	require.NoError(t, json.Unmarshal([]byte(text), &at))
	return at
}

// Moments need no location.
func TestTimestampMoments(t *testing.T) {
	t.Parallel()
	want := time.Date(2020, time.April, 30, 11, 9, 59, 0, time.UTC)
	for _, text := range []string{
		`1588244999`, `"1588244999"`, `" 1588244999 "`, `"2020-04-30T11:09:59Z"`, `"2020-04-30T14:09:59+03:00"`, `"2020-04-30 14:09:59+03:00"`,
		`"2020-04-30 14:09:59 +0300"`, `"2020-04-30 11:09:59 UTC"`, `1588244999.0`,
		`"Thu, 30 Apr 2020 11:09:59 GMT"`, `"Thu, 30 Apr 2020 14:09:59 +0300"`, `"30.04.2020, 14:09:59 +03:00"`, `"2020/04/30 11:09:59Z"`,
	} {
		at := timestampOf(t, text)
		require.False(t, at.IsZero())
		got, ok := at.Moment()
		require.True(t, ok, text)
		require.Equal(t, want, got.UTC(), text)
		for _, location := range []*time.Location{nil, time.UTC, clienttest.Moscow} {
			got, err := at.In(location)
			require.NoError(t, err)
			require.True(t, want.Equal(got), text)
		}
		require.Equal(t, "1588244999", at.String())
		encoded, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, "1588244999", string(encoded))
	}
	in, err := timestampOf(t, `1588244999`).In(clienttest.Moscow)
	require.NoError(t, err)
	require.Equal(t, "2020-04-30 14:09:59", in.Format(time.DateTime))
}

// Civil times become moments in the location of the project only.
func TestTimestampCivil(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"2026-05-28 17:33:42.539976"`: "2026-05-28 17:33:42.539976",
		`"2026-05-28 17:33:42.5"`:      "2026-05-28 17:33:42.5",
		`"2026-05-28 17:33:42"`:        "2026-05-28 17:33:42",
		`"2026-05-28T17:33:42.539976"`: "2026-05-28 17:33:42.539976",
		`"28.05.2026 17:33:42"`:        "2026-05-28 17:33:42",
		`"28.05.2026 17:33"`:           "2026-05-28 17:33:00",
		`"2026-05-28"`:                 "2026-05-28 00:00:00",
		`"28.05.2026"`:                 "2026-05-28 00:00:00",
		`"28.05.2026, 17:33:42"`:       "2026-05-28 17:33:42",
		`"2026/05/28 17:33"`:           "2026-05-28 17:33:00",
	} {
		at := timestampOf(t, text)
		require.False(t, at.IsZero())
		_, ok := at.Moment()
		require.False(t, ok, text)
		_, err := at.In(nil)
		require.ErrorIs(t, err, salebot.ErrNoLocation)
		got, err := at.In(clienttest.Moscow)
		require.NoError(t, err)
		require.Equal(t, want+" +0300", got.Format("2006-01-02 15:04:05.999999 -0700"), text)
		require.Equal(t, want, at.String())
		encoded, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, at, timestampOf(t, string(encoded)))
	}
}

// A time in a record is read as one by itself.
func TestTimestampsOfRecords(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`0`, `1`, `-1`, `99999999999`, `100000000000`, `100000000001`, `999999999999`, `"0"`, `"1588244999"`, `1588244999.5`, `1.588244999e9`, `null`, `""`,
		`"2026-05-28 17:33:42"`, `9223372036854775807`,
	} {
		items, err := always(t, http.StatusOK, `{"result":[{"id":1,"created_at":`+text+`}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
		require.NoError(t, err, text)
		require.Equal(t, timestampOf(t, text), items[0].CreatedAt, text)
		require.Empty(t, items[0].Unread, text)
	}
}

// What is listed as unread is zero, also if it was there before in another form.
func TestUnreadTimestampIsZero(t *testing.T) {
	t.Parallel()
	items, err := always(t, http.StatusOK, `{"result":[{"id":1,"created_at":1588244999,"created_at":{}}]}`).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Equal(t, []string{"created_at"}, items[0].Unread)
	require.True(t, items[0].CreatedAt.IsZero())
}

func TestTimestampNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`null`, `""`, `"None"`, `" "`} {
		at := timestampOf(t, text)
		require.True(t, at.IsZero(), text)
		require.Equal(t, salebot.Timestamp{}, at)
		got, err := at.In(nil)
		require.NoError(t, err)
		require.True(t, got.IsZero())
		_, ok := at.Moment()
		require.False(t, ok)
		require.Empty(t, at.String())
		encoded, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, "null", string(encoded))
	}
}

// A text that is no time is kept. An abbreviation of a zone is none: which one it
// means depends on who reads it.
func TestTimestampOfAnotherKind(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`"yesterday"`, `"31.02.2026"`, `"2026-05-28 17:33:42 MSK"`, `"2026-05-28 25:00:00"`, `true`, `"1e-9"`, `"92233720368547758080"`, `"05/28/2026"`, `"1588244999.x"`,
		`"2026-07-26 10:00:00+03:"`, `"2026-07-26 10:00:00+24:00"`, `"2026-07-26 10:00:00+00:60"`, `"2026-07-26 10:00:00+003"`,
	} {
		at := timestampOf(t, text)
		_, isMoment := at.Moment()
		require.False(t, isMoment, text)
		require.False(t, at.IsZero(), text)
		_, err := at.In(clienttest.Moscow)
		require.Error(t, err, text)
		require.NotErrorIs(t, err, salebot.ErrNoLocation)
		encoded, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, at, timestampOf(t, string(encoded)), "it survives")
	}
	msk := timestampOf(t, `"2026-05-28 17:33:42 MSK"`)
	_, ok := msk.Moment()
	require.False(t, ok)
	require.Equal(t, "2026-05-28 17:33:42 MSK", msk.String())
	for _, text := range []string{`{}`, `[1]`, `{"seconds":1}`} {
		require.Error(t, json.Unmarshal([]byte(text), new(salebot.Timestamp)), text)
	}
}

func TestUnixTimestamp(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, time.October, 16, 22, 15, 59, 999, clienttest.Moscow)
	stamp := salebot.UnixTimestamp(at)
	got, ok := stamp.Moment()
	require.True(t, ok)
	require.True(t, at.Truncate(time.Second).Equal(got))
	require.Equal(t, stamp, timestampOf(t, stamp.String()))
}

func TestDate(t *testing.T) {
	t.Parallel()
	day := salebot.DateOf(time.Date(2026, time.October, 16, 23, 59, 59, 0, clienttest.Moscow))
	require.Equal(t, salebot.Date{Year: 2026, Month: time.October, Day: 16}, day)
	require.Equal(t, "16.10.2026", day.String())
	require.Equal(t, "01.03.2024", salebot.Date{Year: 2024, Month: time.February, Day: 28}.AddDays(2).String())
	require.Equal(t, "29.02.2024", salebot.Date{Year: 2024, Month: time.March, Day: 1}.AddDays(-1).String())
	require.True(t, day.Before(day.AddDays(1)))
	require.False(t, day.Before(day))
	require.True(t, salebot.Date{}.IsZero())
	require.False(t, day.IsZero())
	require.Equal(t, []int{0, 1, -16, 366}, []int{
		day.DaysUntil(day), day.DaysUntil(day.AddDays(1)), day.DaysUntil(salebot.Date{Year: 2026, Month: time.September, Day: 30}),
		salebot.Date{Year: 2024, Month: time.January, Day: 1}.DaysUntil(salebot.Date{Year: 2025, Month: time.January, Day: 1}),
	})
}

// A day is read as Salebot writes it and as other systems do, and as nothing else.
func TestDateText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]salebot.Date{
		"05.10.2026": {Year: 2026, Month: time.October, Day: 5},
		"2026-10-05": {Year: 2026, Month: time.October, Day: 5},
		"":           {},
	} {
		var got salebot.Date
		require.NoError(t, got.UnmarshalText([]byte(text)))
		require.Equal(t, want, got)
	}
	for _, text := range []string{"10/05/2026", "2026-13-01", "2026-02-30", "31.04.2026", "5.10.26", "2026-10-05T00:00:00Z", "0001-01-01"} {
		got := salebot.Date{Year: 1999, Month: 1, Day: 1}
		require.ErrorContains(t, got.UnmarshalText([]byte(text)), "yyyy-mm-dd", text)
		require.Equal(t, 1999, got.Year, text)
	}
}

// A day that does not exist is refused and not moved to another one.
func TestDatesThatDoNotExist(t *testing.T) {
	t.Parallel()
	client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) { return 0, "", clienttest.ErrCable }))
	good := salebot.Date{Year: 2026, Month: time.May, Day: 28}
	for _, day := range []salebot.Date{{2026, time.February, 29}, {2026, 13, 1}, {2026, time.May, 0}, {2026, time.April, 31}, {26, time.May, 28}, {10_000, 1, 1}} {
		_, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1, StartDate: day, StopDate: good})
		requireField(t, err, "StartDate")
		_, err = client.GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1, StartDate: salebot.Date{Year: 1970, Month: 1, Day: 1}, StopDate: day})
		requireField(t, err, "StopDate")
	}
	_, err := client.GetHistory(t.Context(), salebot.GetHistoryRequest{
		ClientID: 1, StartDate: salebot.Date{Year: 1970, Month: 1, Day: 1}, StopDate: salebot.Date{Year: 9999, Month: time.December, Day: 31},
	})
	require.ErrorIs(t, err, clienttest.ErrCable, "the first and the last day are sent")
}

// FuzzUnixSeconds reads the same moment as number and as text, in each unit.
func FuzzUnixSeconds(f *testing.F) {
	for _, seconds := range []int64{0, -1, 1588244999, 99_999_999_999, 100_000_000_000, 9007199254740993, math.MaxInt64, math.MinInt64} {
		f.Add(seconds)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		digits := strconv.FormatInt(n, 10)
		number, text := timestampOf(t, digits), timestampOf(t, `"`+digits+`"`)
		require.Equal(t, number, text)
		at, ok := number.Moment()
		require.Equal(t, n != 0, ok)
		switch size := len(strings.TrimPrefix(digits, "-")); {
		case n == 0:
			require.True(t, number.IsZero())
		case size <= 11:
			require.Equal(t, n, at.Unix())
			require.Equal(t, digits, number.String())
		case size <= 14:
			require.Equal(t, n, at.UnixMilli())
		case size <= 17:
			require.Equal(t, n, at.UnixMicro())
		default:
			require.Equal(t, n, at.UnixNano())
		}
	})
}

// TestCivilTimesAgreeWithTheLibrary checks that a civil time is read as time.Parse reads
// it, and that an impossible day or hour is none.
func TestCivilTimesAgreeWithTheLibrary(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04:05.999999999"
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9] [012][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,10})?`).Draw(t, "text")
		want, parseErr := time.Parse(layout, text)
		got, err := timestampOf(t, strconv.Quote(text)).In(time.UTC)
		if parseErr != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.True(t, want.Equal(got), "%v, want %v", got, want)
	})
}

// Times in the forms of other programs.
func TestTimestampForms(t *testing.T) {
	t.Parallel()
	moment := time.Date(2026, time.July, 26, 7, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`1588248599000`: time.Unix(1588248599, 0), `"1588248599000"`: time.Unix(1588248599, 0), `1588248599123`: time.UnixMilli(1588248599123), `1588248599000.5`: time.UnixMicro(1588248599000500),
		`1588248599123456`: time.UnixMicro(1588248599123456), `1588248599123456789`: time.Unix(0, 1588248599123456789), `1.588248599e9`: time.Unix(1588248599, 0), `-1588248599000`: time.Unix(-1588248599, 0),
		`99999999999`: time.Unix(99999999999, 0), `"2026-07-26T10:00:00+0300"`: moment, `"2026-07-26T10:00:00+03"`: moment, `"2026-07-26 10:00:00 +03"`: moment, `"2026-07-26 10:00+03:00"`: moment,
		`"2026-07-26T10:00+0300"`: moment, `"2026-07-26T07:00Z"`: moment, `"26.07.2026 10:00 +03:00"`: moment, `"2026-07-26T10:00:00.000+03:00"`: moment, `"2026-07-26T03:30:00-0330"`: moment,
		`"2026-07-27T06:00:00+23:00"`: moment,
		`"2026-07-26 07:00 UTC"`:      moment, `"2026-07-26 07:00:00 GMT"`: moment,
	} {
		got, ok := timestampOf(t, text).Moment()
		require.True(t, ok, text)
		require.True(t, want.Equal(got), "%s: %v, want %v", text, got, want)
	}
	for text, want := range map[string]string{
		`"2026-07-26 10:00"`: "2026-07-26 10:00:00", `"2026-07-26T10:00"`: "2026-07-26 10:00:00", `"26.07.2026T10:00"`: "2026-07-26 10:00:00", `"2026-07-26 10:00:00.123456789"`: "2026-07-26 10:00:00.123456789",
	} {
		require.Equal(t, want, timestampOf(t, text).String())
	}
	for _, text := range []string{`0`, `"0"`, `0.0`, `"0.000"`, `0e5`, `-0`, `"0000-00-00 00:00:00"`, `"0000-00-00"`, `"0001-01-01T00:00:00Z"`, `"0001-01-01 00:00:00"`} {
		require.Equal(t, salebot.Timestamp{}, timestampOf(t, text), text)
	}
	for _, text := range []string{`"2026-07-26T10:00:00+24"`, `"2026-07-26T10:00:00+03:0"`, `"2026-07-26T10:00:00+030"`, `"2026-07-26T10:00:00+"`, `"2026-07-26T10:00:00+03:60"`, `"10:00+03"`, `"Z"`} {
		_, err := timestampOf(t, text).In(time.UTC)
		require.Error(t, err, text)
	}
}

// What is written is read back exactly.
func TestTimestampsComeBackExactly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`"2026-07-26T10:00:00.123Z"`: `1785060000.123`, `1588248599123456789`: `1588248599.123456789`, `1588248599000`: `1588248599`, `0.5`: `0.5`, `-0.5`: `-0.5`, `-1.25`: `-1.25`,
		`"1970-01-01T00:00:00Z"`: `"1970-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.5Z"`: `"9999-12-31T23:59:59.5Z"`, `"2026-07-26 10:00:00.123456789"`: `"2026-07-26 10:00:00.123456789"`,
		`"yesterday"`: `"yesterday"`,
	} {
		at := timestampOf(t, text)
		written, err := json.Marshal(at)
		require.NoError(t, err)
		require.Equal(t, want, string(written), text)
		require.Equal(t, at, timestampOf(t, string(written)))
		require.Equal(t, at, timestampOf(t, fmt.Sprintf("%q", at.String())), "so is its text")
	}
	require.True(t, salebot.UnixTimestamp(time.Time{}).IsZero())
	_, err := json.Marshal(salebot.UnixTimestamp(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.ErrorContains(t, err, "12000")
	for year, writable := range map[int]bool{-2000: false, 0: true, 1: true, 1970: true, 9999: true, 10_000: false} {
		_, err := json.Marshal(salebot.UnixTimestamp(time.Date(year, 1, 2, 0, 0, 0, 0, time.UTC)))
		require.Equal(t, writable, err == nil, year)
	}
}

func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"null", "0", "-1", "1587890000", `"1587890000"`, "1.5", `"-1.5"`, `"2026-05-28 17:33:42.539976"`, `"28.05.2026 17:33"`, `"2026-05-28T17:33:42Z"`, `"x"`, "9223372036854775807", "{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var at salebot.Timestamp
		if err := json.Unmarshal(text, &at); err != nil {
			var direct salebot.Timestamp
			_ = direct.UnmarshalJSON(text) // Only no panic is asked for.
			return
		}
		requireStable(t, at)
		moment, isMoment := at.Moment()
		local, err := at.In(time.UTC)
		switch {
		case at.IsZero() && (isMoment || err != nil || !local.IsZero()):
			t.Fatalf("%s: no time, but %v, %v", text, local, err)
		case isMoment && (err != nil || !local.Equal(moment)):
			t.Fatalf("%s: %v, but %v, %v in UTC", text, moment, local, err)
		case !isMoment && !at.IsZero() && err == nil:
			if _, err := at.In(nil); !errors.Is(err, salebot.ErrNoLocation) {
				t.Fatalf("%s: a civil time without a location is %v", text, err)
			}
		}
	})
}
