package salebot_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/salebot-go/salebot"
	"github.com/salebot-go/salebot/internal/clienttest"
	"github.com/salebot-go/salebot/internal/testkit"
)

// lastDay is the last day of the histories here.
var lastDay = salebot.Date{Year: 2026, Month: time.March, Day: 2}

const daysOfPage = 3

// historyPager reads a history whose pages are periods of three days, from a
// server that counts the last day of a period in, or not.
func historyPager(name string, inclusive bool) pager {
	dayOf := func(l pagedList, number int64) salebot.Date {
		i := int(number) - 1
		return lastDay.AddDays(-(i/l.size)*daysOfPage - (i%l.size)*daysOfPage/l.size)
	}
	// pageOf is the period that ends with a day.
	pageOf := func(stop salebot.Date) int {
		return (daysBetween(stop, lastDay.AddDays(1)) + daysOfPage - 1) / daysOfPage
	}
	return pager{
		name:    name,
		bounded: true,
		begin: func(ctx context.Context, c *salebot.Client, l pagedList, inFlight int, from *salebot.PageError) iter.Seq2[int64, error] {
			request := salebot.HistoryRequest{
				ClientID: 25554, StopDate: lastDay, StartDate: lastDay.AddDays(1 - daysOfPage*max(l.full(), 1)),
				DaysPerRequest: daysOfPage, PagesInFlight: inFlight,
			}
			if from != nil {
				request.StopDate = from.StopDate
			}
			return messageNumbers(c.History(ctx, request))
		},
		serve: func(l pagedList, query url.Values) (int, []int64) {
			start, stop := parseDay(query.Get("start_date")), parseDay(query.Get("stop_date"))
			var numbers []int64
			for _, number := range l.numbers() {
				day := dayOf(l, number)
				if !day.Before(start) && (day.Before(stop) || inclusive && day == stop) {
					numbers = append(numbers, number)
				}
			}
			return pageOf(stop), numbers
		},
		answer: func(l pagedList, numbers []int64) string {
			items := make([]string, len(numbers))
			for i, number := range numbers {
				items[i] = fmt.Sprintf(`{"id":%d,"created_at":%q}`, number, civil(dayOf(l, number)))
			}
			return `{"status":"success","result":[` + strings.Join(items, ",") + `]}`
		},
		startsAt: func(_ pagedList, page int, from *salebot.PageError) bool {
			return page == pageOf(from.StopDate) || page == pageOf(from.StopDate.AddDays(1))
		},
		mayRepeat: func(l pagedList, from *salebot.PageError, number int64) bool {
			return dayOf(l, number) == from.StopDate
		},
	}
}

func parseDay(text string) salebot.Date {
	at, err := time.Parse("02.01.2006", text)
	if err != nil {
		panic(err)
	}
	return salebot.DateOf(at)
}

func civil(day salebot.Date) string {
	return fmt.Sprintf("%04d-%02d-%02d 12:34:56.789", day.Year, day.Month, day.Day)
}

func daysBetween(from, to salebot.Date) int {
	days := 0
	for ; from.Before(to); from = from.AddDays(1) {
		days++
	}
	for ; to.Before(from); to = to.AddDays(1) {
		days--
	}
	return days
}

// message is a message of a historyServer.
type message struct {
	id int64
	at time.Time
}

// historyServer answers like the API: the messages of whole days, the newest
// first, and 2000 at most.
type historyServer struct {
	messages  []message // the newest first
	location  *time.Location
	inclusive bool
	// unix writes times as seconds.
	unix bool
	// limit is the largest answer.
	limit int

	mutex   sync.Mutex
	periods []string
}

func (s *historyServer) serve(call clienttest.MemoryCall) (int, string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	start, stop := salebot.Date{}, salebot.Date{Year: 9999, Month: time.December, Day: 31}
	if call.Query.Has("start_date") {
		start, stop = parseDay(call.Query.Get("start_date")), parseDay(call.Query.Get("stop_date"))
	}
	s.periods = append(s.periods, call.Query.Get("start_date")+"-"+call.Query.Get("stop_date"))
	var items []string
	for _, m := range s.messages {
		day := salebot.DateOf(m.at.In(s.location))
		if day.Before(start) || stop.Before(day) || day == stop && !s.inclusive || len(items) == s.limit {
			continue
		}
		at := fmt.Sprintf("%q", m.at.In(s.location).Format("2006-01-02 15:04:05.999999"))
		if s.unix {
			at = fmt.Sprint(m.at.Unix())
		}
		items = append(items, fmt.Sprintf(`{"id":%d,"created_at":%s}`, m.id, at))
	}
	return http.StatusOK, `{"status":"success","result":[` + strings.Join(items, ",") + `]}`, nil
}

// within are the ids of the messages of a period, with its last day.
func (s *historyServer) within(start, stop salebot.Date) []int64 {
	ids := []int64{}
	for _, m := range s.messages {
		if day := salebot.DateOf(m.at.In(s.location)); !day.Before(start) && !stop.Before(day) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// messagesOf makes messages, so many a day, the newest first. They stand at the
// very beginning, the very end and in the middle of a day.
func messagesOf(location *time.Location, last salebot.Date, perDay ...int) []message {
	var messages []message
	id := int64(9007199254740993)
	for i, count := range perDay {
		day := last.AddDays(-i)
		midnight := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, location)
		next := time.Date(day.Year, day.Month, day.Day+1, 0, 0, 0, 0, location)
		for j := range count {
			at := midnight
			if j < count-1 || count == 1 {
				at = next.Add(-time.Second - time.Duration(j)*next.Sub(midnight)/time.Duration(count))
			}
			messages = append(messages, message{id, at})
			id--
		}
	}
	return messages
}

// Whatever the server does about the last day, and however the times come, every
// message of the period comes once and no other.
func TestHistoryGivesEveryMessageOnce(t *testing.T) {
	t.Parallel()
	riga, err := time.LoadLocation("Europe/Riga")
	require.NoError(t, err)
	rapid.Check(t, func(r *rapid.T) {
		location := rapid.SampledFrom([]*time.Location{time.UTC, clienttest.Moscow, riga, time.FixedZone("", -11*60*60)}).Draw(r, "location")
		perDay := rapid.SliceOfN(rapid.IntRange(0, 9), 3, 40).Draw(r, "messages of each day")
		s := &historyServer{
			// Two days come after the period, and some days before it.
			messages: messagesOf(location, lastDay.AddDays(2), perDay...), location: location,
			inclusive: rapid.Bool().Draw(r, "last day counted"), unix: rapid.Bool().Draw(r, "unix times"), limit: salebot.MaxHistory,
		}
		known := rapid.Bool().Draw(r, "location known") || s.unix
		request := salebot.HistoryRequest{
			ClientID: 25554, StopDate: lastDay, StartDate: lastDay.AddDays(-rapid.IntRange(0, len(perDay)).Draw(r, "days")),
			DaysPerRequest: rapid.IntRange(0, 12).Draw(r, "days of a request"), PagesInFlight: rapid.IntRange(0, 8).Draw(r, "in flight"),
		}
		var (
			got     []int64
			failure error
		)
		testkit.Bubble(t, func(t *testing.T) {
			var options []salebot.CallOption
			if known {
				options = append(options, salebot.WithProjectLocation(location))
			}
			client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
			got, failure = drain(t, messageNumbers(client.History(t.Context(), request, options...)))
		})
		require.NoError(r, failure)
		require.Equal(r, s.within(request.StartDate, request.StopDate), append([]int64{}, got...))
	})
}

// Without the project's location a unix time does not tell its day. Then messages
// of the day behind may come too, but none is missing.
func TestHistoryWithUnixTimesAndNoLocation(t *testing.T) {
	t.Parallel()
	for _, inclusive := range []bool{false, true} {
		s := &historyServer{
			messages: messagesOf(clienttest.Moscow, lastDay.AddDays(1), 4, 3, 2, 1), location: clienttest.Moscow,
			inclusive: inclusive, unix: true, limit: salebot.MaxHistory,
		}
		client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
		request := salebot.HistoryRequest{ClientID: 25554, StartDate: lastDay.AddDays(-1), StopDate: lastDay}
		want := s.within(request.StartDate, request.StopDate)
		got, err := drain(t, messageNumbers(client.History(t.Context(), request)))
		require.NoError(t, err)
		if inclusive {
			require.Equal(t, s.within(request.StartDate, lastDay.AddDays(1)), got)
			got, err = drain(t, messageNumbers(client.History(t.Context(), request, salebot.WithProjectLocation(clienttest.Moscow))))
			require.NoError(t, err)
		}
		require.Equal(t, want, got)
	}
}

func TestHistoryPeriods(t *testing.T) {
	t.Parallel()
	day := func(d, m int) salebot.Date { return salebot.Date{Year: 2026, Month: time.Month(m), Day: d} }
	for name, test := range map[string]struct {
		request salebot.HistoryRequest
		want    []string
	}{
		"30 days a request": {
			salebot.HistoryRequest{StartDate: day(1, 1), StopDate: day(2, 3)},
			[]string{"01.02.2026-03.03.2026", "02.01.2026-01.02.2026", "01.01.2026-02.01.2026"},
		},
		"one day": {
			salebot.HistoryRequest{StartDate: day(28, 2), StopDate: day(28, 2)},
			[]string{"28.02.2026-01.03.2026"},
		},
		"day by day": {
			salebot.HistoryRequest{StartDate: day(27, 2), StopDate: day(1, 3), DaysPerRequest: 1},
			[]string{"01.03.2026-02.03.2026", "28.02.2026-01.03.2026", "27.02.2026-28.02.2026"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &historyServer{location: time.UTC, limit: salebot.MaxHistory}
			request := test.request
			request.ClientID = 25554
			got, err := drain(t, messageNumbers(clienttest.New(t, clienttest.MemoryAPI(s.serve)).History(t.Context(), request)))
			require.NoError(t, err)
			require.Empty(t, got)
			require.Equal(t, test.want, s.periods)
		})
	}
}

// A period with more messages than an answer can hold is cut until it fits.
func TestHistoryCutsPeriodsThatAreTooFull(t *testing.T) {
	t.Parallel()
	perDay := slices.Repeat([]int{900}, 10)
	perDay[4] = 1999
	perDay[5] = 0
	perDay = append(perDay, slices.Repeat([]int{1}, 70)...)
	for _, inFlight := range []int{1, 4} {
		testkit.Bubble(t, func(t *testing.T) {
			s := &historyServer{messages: messagesOf(clienttest.Moscow, lastDay, perDay...), location: clienttest.Moscow, limit: salebot.MaxHistory}
			client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
			request := salebot.HistoryRequest{ClientID: 25554, StartDate: lastDay.AddDays(-79), StopDate: lastDay, PagesInFlight: inFlight}
			got, err := drain(t, messageNumbers(client.History(t.Context(), request)))
			require.NoError(t, err)
			require.Equal(t, s.within(request.StartDate, request.StopDate), got)
			require.Less(t, len(s.periods), 40, "%v", s.periods)
		})
	}
}

// A day that is too full by itself ends the iteration: what it has beyond the
// limit cannot be had.
func TestHistoryEndsAtADayThatIsTooFull(t *testing.T) {
	t.Parallel()
	for place, full := range map[int]int{0: 2000, 3: 5000, 9: 2000} {
		t.Run(fmt.Sprintf("day %d", place), func(t *testing.T) {
			t.Parallel()
			perDay := slices.Repeat([]int{2}, 10)
			perDay[place] = full
			s := &historyServer{messages: messagesOf(clienttest.Moscow, lastDay, perDay...), location: clienttest.Moscow, limit: salebot.MaxHistory}
			client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
			request := salebot.HistoryRequest{ClientID: 25554, StartDate: lastDay.AddDays(-9), StopDate: lastDay}
			got, err := drain(t, messageNumbers(client.History(t.Context(), request)))
			failure := requirePageError(t, err, salebot.ErrTruncated)
			require.ErrorContains(t, err, "get_history")
			require.Equal(t, s.within(lastDay.AddDays(1-place), lastDay), append([]int64{}, got...), "everything before that day")
			require.Equal(t, lastDay.AddDays(min(1-place, 0)), failure.StopDate)
		})
	}
}

// GetHistory itself hands out what came and says that it may not be all.
func TestGetHistoryNeverCutsSilently(t *testing.T) {
	t.Parallel()
	period := salebot.GetHistoryRequest{ClientID: 25554, StartDate: lastDay, StopDate: lastDay.AddDays(1)}
	few := period
	few.Limit = 10
	for name, test := range map[string]struct {
		request   salebot.GetHistoryRequest
		messages  int
		truncated bool
	}{
		"everything, and it fits":             {salebot.GetHistoryRequest{ClientID: 25554}, 1999, false},
		"everything, and it is full":          {salebot.GetHistoryRequest{ClientID: 25554}, 2000, true},
		"a period that fits":                  {period, 1999, false},
		"a period that is full":               {period, 2000, true},
		"a period that is fuller than it may": {period, 2001, true},
		"a period that fits into its limit":   {few, 9, false},
		"a period that fills its limit":       {few, 10, true},
		"the latest ten":                      {salebot.GetHistoryRequest{ClientID: 25554, Limit: 10}, 10, false},
		"the latest two thousand":             {salebot.GetHistoryRequest{ClientID: 25554, Limit: 2000}, 2000, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := pagedList{test.messages, 10_000}
			client := clienttest.New(t, clienttest.MemoryAPI(func(clienttest.MemoryCall) (int, string, error) {
				return http.StatusOK, `{"result":` + idObjects(list.numbers()) + `}`, nil
			}))
			items, err := client.GetHistory(t.Context(), test.request)
			require.Len(t, items, test.messages)
			if !test.truncated {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, salebot.ErrTruncated)
			clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
		})
	}
}

func TestHistoryItemsDecode(t *testing.T) {
	t.Parallel()
	var item salebot.HistoryItem
	require.NoError(t, json.Unmarshal([]byte(`{"id":"5","text":7,"delivered":"0","manager_id":"NONE"}`), &item))
	require.Equal(t, salebot.HistoryItem{ID: 5, Text: "7"}, item)
	for _, text := range []string{`{"text":"x"}`, `{"id":null}`, `{"id":{}}`, `[]`, `{"id":-1}`, `{"ID":1}`} {
		before := item
		require.Error(t, json.Unmarshal([]byte(text), &item), text)
		require.Equal(t, before, item, "a failure changes nothing")
	}
}

// A period longer than the whole range is the whole range; it once led out of the
// calendar, and the iteration did not end.
func TestHistoryInOnePeriod(t *testing.T) {
	t.Parallel()
	var asked []string
	client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
		asked = append(asked, call.Query.Get("start_date")+"-"+call.Query.Get("stop_date"))
		return 200, `{"status":"success","result":[{"id":1}]}`, nil
	}))
	for _, days := range []int{math.MaxInt, math.MaxInt32, 3, 4} {
		asked = nil
		items, err := drain(t, messageNumbers(client.History(t.Context(), salebot.HistoryRequest{
			ClientID: 1, StartDate: salebot.Date{Year: 2026, Month: 1, Day: 1}, StopDate: salebot.Date{Year: 2026, Month: 1, Day: 3}, DaysPerRequest: days,
		})))
		require.NoError(t, err)
		require.Equal(t, []int64{1}, items)
		require.Equal(t, []string{"01.01.2026-04.01.2026"}, asked)
	}
}

func TestOddFieldsOfHistory(t *testing.T) {
	t.Parallel()
	body := `{"status":"success","result":[{"id":1,"text":"a"},
		{"id":2,"text":"b","delivered":2,"manager_id":"admin","message_from_outside":"callback","answered":"perhaps","client_replica":[],"message_id":{},"created_at":[],"manager_email":{}},
		{"id":3.0,"delivered":0.0,"attachments":5,"error_message":{"code":1}}]}`
	got, err := always(t, http.StatusOK, body).GetHistory(t.Context(), salebot.GetHistoryRequest{ClientID: 1})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, salebot.HistoryItem{ID: 1, Text: "a", Delivered: true}, got[0])
	require.Equal(t, salebot.HistoryItem{ID: 2, Text: "b", Delivered: true, Unread: []string{
		"answered", "client_replica", "message_from_outside", "message_id", "created_at", "delivered", "manager_id", "manager_email",
	}}, got[1])
	require.Equal(t, salebot.MessageID(3), got[2].ID)
	require.False(t, got[2].Delivered)
	require.Empty(t, got[2].Unread)
	require.Equal(t, `{"code":1}`, got[2].ErrorMessage)
}

func FuzzHistory(f *testing.F) {
	fuzzAnswer(f, "get_history", func(t *testing.T, body []byte, result any) {
		t.Helper()
		requireJSON(t, body)
		for _, item := range result.([]salebot.HistoryItem) {
			if item.ID == 0 {
				t.Fatalf("%q: an item without an id", body)
			}
			requireStable(t, item.CreatedAt)
			requireStable(t, item.Attachments)
			_ = item.Attachments.Items()
		}
	})
}

// An answer as long as it can be may lack messages, unless only the latest were
// asked for.
func TestTruncatedHistory(t *testing.T) {
	t.Parallel()
	page := func(n int) *httpmock.MockTransport {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":%d}`, i+1)
		}
		return clienttest.Answering(200, `{"status":"success","result":[`+strings.Join(items, ",")+`]}`)
	}
	from, to := salebot.Date{Year: 2026, Month: 1, Day: 1}, salebot.Date{Year: 2026, Month: 1, Day: 31}
	for name, c := range map[string]struct {
		items     int
		request   salebot.GetHistoryRequest
		truncated bool
	}{
		"full":                   {2000, salebot.GetHistoryRequest{ClientID: 1}, true},
		"nearly full":            {1999, salebot.GetHistoryRequest{ClientID: 1}, false},
		"full period":            {2000, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to}, true},
		"period":                 {1999, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to}, false},
		"the latest few":         {5, salebot.GetHistoryRequest{ClientID: 1, Limit: 5}, false},
		"the latest 2000":        {2000, salebot.GetHistoryRequest{ClientID: 1, Limit: 2000}, false},
		"period with a limit":    {5, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to, Limit: 5}, true},
		"period below its limit": {4, salebot.GetHistoryRequest{ClientID: 1, StartDate: from, StopDate: to, Limit: 5}, false},
	} {
		items, err := clienttest.New(t, page(c.items)).GetHistory(t.Context(), c.request)
		require.Len(t, items, c.items, "what came is returned: %s", name)
		if !c.truncated {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, salebot.ErrTruncated, name)
		clienttest.RequireOutcome(t, err, salebot.OutcomeAccepted)
		require.ErrorContains(t, err, "shorter periods")
	}
}

// aGeneration leads from the year 2000, in which virtual time begins, into one in which
// there is Salebot.
const aGeneration = 26 * 365 * 24 * time.Hour

// Without dates every message comes once, however many there are and however they are
// spread over the years.
func TestHistoryWithoutDates(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		location := rapid.SampledFrom([]*time.Location{time.UTC, clienttest.Moscow, time.FixedZone("", -11*60*60), time.FixedZone("", 13*60*60)}).Draw(r, "location")
		perDay := rapid.SliceOfN(rapid.SampledFrom([]int{0, 0, 1, 30, 900}), 1, 30).Draw(r, "messages of each day")
		// Days without messages in between.
		perDay = slices.Insert(perDay, rapid.IntRange(0, len(perDay)).Draw(r, "at"), make([]int, rapid.IntRange(0, 2000).Draw(r, "gap"))...)
		s := &historyServer{
			location: location, inclusive: rapid.Bool().Draw(r, "last day counted"), unix: rapid.Bool().Draw(r, "unix times"), limit: salebot.MaxHistory,
		}
		var (
			got     []int64
			failure error
		)
		known, inFlight := rapid.Bool().Draw(r, "location known"), rapid.IntRange(0, 4).Draw(r, "in flight")
		testkit.Bubble(t, func(t *testing.T) {
			time.Sleep(aGeneration)
			s.messages = messagesOf(location, salebot.DateOf(time.Now().In(location)), perDay...)
			var options []salebot.CallOption
			if known {
				options = append(options, salebot.WithProjectLocation(location))
			}
			request := salebot.HistoryRequest{ClientID: 25554, PagesInFlight: inFlight}
			got, failure = drain(t, messageNumbers(clienttest.New(t, clienttest.MemoryAPI(s.serve)).History(t.Context(), request, options...)))
		})
		require.NoError(r, failure)
		want := make([]int64, len(s.messages))
		for i, m := range s.messages {
			want[i] = m.id
		}
		require.Equal(r, want, append([]int64{}, got...), "%v", s.periods)
		if len(want) < salebot.MaxHistory {
			require.Len(r, s.periods, 1, "a short history takes one request")
		}
	})
}

// The newest messages end within a day, which is another one in the project than in UTC. If
// the project's location is not known, the rest of that day is read nevertheless.
func TestHistoryWithoutDatesFarFromUTC(t *testing.T) {
	t.Parallel()
	for _, hours := range []int{-11, 13} {
		for _, inclusive := range []bool{false, true} {
			testkit.Bubble(t, func(t *testing.T) {
				time.Sleep(aGeneration)
				location := time.FixedZone("", hours*60*60)
				s := &historyServer{location: location, inclusive: inclusive, unix: true, limit: salebot.MaxHistory}
				s.messages = messagesOf(location, salebot.DateOf(time.Now().In(location)), 500, 600, 1300, 10)
				client := clienttest.New(t, clienttest.MemoryAPI(s.serve))
				got, err := drain(t, messageNumbers(client.History(t.Context(), salebot.HistoryRequest{ClientID: 25554})))
				require.NoError(t, err)
				require.Len(t, got, len(s.messages), "%d hours, last day counted: %t", hours, inclusive)
			})
		}
	}
}

// A history without a first day goes back to the first message, and one without a last day
// up to now; where an error ended it, it goes on.
func TestHistoryOfHalfAPeriod(t *testing.T) {
	t.Parallel()
	testkit.Bubble(t, func(t *testing.T) {
		time.Sleep(aGeneration)
		today := salebot.DateOf(time.Now().UTC())
		s := &historyServer{messages: messagesOf(time.UTC, today, slices.Repeat([]int{100}, 100)...), location: time.UTC, limit: salebot.MaxHistory}
		failing := 2
		client := clienttest.New(t, clienttest.MemoryAPI(func(call clienttest.MemoryCall) (int, string, error) {
			if failing--; failing == 0 {
				return 500, "", nil
			}
			return s.serve(call)
		}), salebot.WithoutRetries())
		read := func(request salebot.HistoryRequest) ([]int64, error) {
			request.ClientID = 25554
			return drain(t, messageNumbers(client.History(t.Context(), request)))
		}
		all, err := read(salebot.HistoryRequest{})
		var page *salebot.PageError
		require.ErrorAs(t, err, &page)
		require.Len(t, all, salebot.MaxHistory, "the newest ones came")
		rest, err := read(salebot.HistoryRequest{StopDate: page.StopDate})
		require.NoError(t, err)
		require.Equal(t, s.within(salebot.Date{}, today), append(all, rest[slices.Index(rest, all[len(all)-1])+1:]...))

		got, err := read(salebot.HistoryRequest{StopDate: today.AddDays(-10)})
		require.NoError(t, err)
		require.Equal(t, s.within(salebot.Date{}, today.AddDays(-10)), got)
		got, err = read(salebot.HistoryRequest{StartDate: today.AddDays(-10)})
		require.NoError(t, err)
		require.Equal(t, s.within(today.AddDays(-10), today), got)
		_, err = read(salebot.HistoryRequest{StartDate: today.AddDays(10)})
		requireField(t, err, "StartDate")
		got, err = read(salebot.HistoryRequest{StopDate: salebot.Date{Year: 1999, Month: time.May, Day: 28}})
		require.NoError(t, err)
		require.Empty(t, got)
	})
}
